#define _POSIX_C_SOURCE 200809L
#include "hexbus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum {
    HELLO = 1, WELCOME = 2, PUB = 3, ACK = 4, NAK = 5, SUB = 6, DELIVER = 7, CREDIT = 8, PING = 24, BYE = 26, ERR = 27
};
enum { HEADER_BYTES = 16, CONTROL_BYTES = 40, FRAMES_MAX = 8, CREDIT_AT_ONCE = 64, TOPIC_MAX = 200 };
static const int64_t PING_MS = 1000, GREET_MS = 1000, SILENCE_MS = 3000;

struct hx_bus {
    void *context, *socket;
    char endpoint[300], name[100];
    uint64_t epoch, last_correlation;
    int64_t heard, pinged, greeted, stepped;
    int is_ready;
    /* The message that came last. */
    zmq_msg_t frames[FRAMES_MAX];
    int frame_count;
    /* The event that waits for its ACK. */
    const char *topic, *event;
    uint64_t publishing;
    int64_t publish_at;
    /* The subscription. */
    char filter[TOPIC_MAX + 1];
    uint64_t subscription, cursor, delivered;
    uint32_t spent;
    char code[40], error[400];
};

uint32_t hx_crc32c(uint32_t crc, const void *bytes, size_t count) {
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t rest = byte;
            for (int bit = 0; bit < 8; bit++) rest = rest >> 1 ^ (rest & 1 ? 0x82F63B78u : 0);
            table[byte] = rest;
        }
    }
    const uint8_t *next = bytes;
    crc = ~crc;
    while (count--) crc = crc >> 8 ^ table[(crc ^ *next++) & 0xFF];
    return ~crc;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void put(uint8_t *bytes, uint64_t value, int count) {
    while (count--) {
        bytes[count] = (uint8_t)value;
        value >>= 8;
    }
}

static uint64_t get(const void *bytes, int count) {
    const uint8_t *next = bytes;
    uint64_t value = 0;
    while (count--) value = value << 8 | *next++;
    return value;
}

static int fail(hx_bus *bus, const char *code, const char *message) {
    snprintf(bus->code, sizeof bus->code, "%s", code);
    snprintf(bus->error, sizeof bus->error, "%s", message);
    return -1;
}

/* The value of `key` in the flat JSON of a refusal, a WELCOME or a key file; empty when it is not there. */
static void json_member(const char *json, size_t count, const char *key, char *value, size_t room) {
    char quoted[40];
    size_t length = (size_t)snprintf(quoted, sizeof quoted, "\"%s\"", key), at = 0;
    value[0] = 0;
    while (at + length < count && memcmp(json + at, quoted, length) != 0) at++;
    if (at + length >= count) return;
    at += length;
    while (at < count && (json[at] == ' ' || json[at] == ':')) at++;
    int is_text = at < count && json[at] == '"';
    size_t written = 0;
    for (at += (size_t)is_text; at < count && written + 1 < room; at++) {
        if (is_text ? json[at] == '"' : json[at] == ',' || json[at] == '}') break;
        if (json[at] == '\\' && at + 1 < count) at++;
        value[written++] = json[at];
    }
    value[written] = 0;
}

static const char *frame(hx_bus *bus, int index) { return zmq_msg_data(&bus->frames[index]); }
static size_t frame_bytes(hx_bus *bus, int index) { return zmq_msg_size(&bus->frames[index]); }

/* What the message that came last belongs to; good while frame 0 is a command header. */
static uint64_t correlation(hx_bus *bus) { return get(frame(bus, 0) + 8, 8); }

static void forget(hx_bus *bus) {
    while (bus->frame_count > 0) zmq_msg_close(&bus->frames[--bus->frame_count]);
}

/* Sends a command with up to two frames. A full queue is as good as silence: the next step connects anew. */
static void command(hx_bus *bus, int number, uint64_t about, const void *first, size_t first_bytes,
                    const void *second, size_t second_bytes) {
    uint8_t header[HEADER_BYTES] = {'E', 'B', 1, (uint8_t)number, 0, 0, 0, 0};
    put(header + 8, about, 8);
    int ok = zmq_send(bus->socket, header, sizeof header, ZMQ_DONTWAIT | (first ? ZMQ_SNDMORE : 0)) >= 0;
    if (ok && first) ok = zmq_send(bus->socket, first, first_bytes, ZMQ_DONTWAIT | (second ? ZMQ_SNDMORE : 0)) >= 0;
    if (ok && second) ok = zmq_send(bus->socket, second, second_bytes, ZMQ_DONTWAIT) >= 0;
    if (!ok) bus->heard = now_ms() - SILENCE_MS - 1;
}

static void greet(hx_bus *bus) {
    char body[160];
    bus->is_ready = 0;
    bus->greeted = now_ms();
    int count = snprintf(body, sizeof body, "{\"name\":\"%s\"}", bus->name);
    command(bus, HELLO, 0, body, (size_t)count, NULL, 0);
}

/* The keys of the file that HEXLOOP_BUS_KEY names; the broker's public key and our own pair. */
static int use_key(hx_bus *bus, const char *path) {
    static const struct {
        const char *field;
        int option;
    } keys[] = {
        {"busKey", ZMQ_CURVE_SERVERKEY}, {"publicKey", ZMQ_CURVE_PUBLICKEY}, {"secretKey", ZMQ_CURVE_SECRETKEY},
    };
    char text[4096], key[64];
    FILE *file = fopen(path, "r");
    if (!file) return fail(bus, "bad-data", "the file that HEXLOOP_BUS_KEY names cannot be read");
    size_t count = fread(text, 1, sizeof text, file);
    fclose(file);
    int result = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_member(text, count, keys[i].field, key, sizeof key);
        if (strlen(key) != 40 || zmq_setsockopt(bus->socket, keys[i].option, key, 40) != 0) {
            result = fail(bus, "bad-data",
                          "the file that HEXLOOP_BUS_KEY names is no key file; make it with 'hexloop keys'");
        }
    }
    memset(text, 0, sizeof text);
    memset(key, 0, sizeof key);
    return result;
}

static int reopen(hx_bus *bus) {
    if (bus->socket) zmq_close(bus->socket);
    bus->socket = zmq_socket(bus->context, ZMQ_DEALER);
    if (!bus->socket) return fail(bus, "failed", zmq_strerror(zmq_errno()));
    int linger = 0, interval = 100, interval_max = 5000;
    zmq_setsockopt(bus->socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(bus->socket, ZMQ_RECONNECT_IVL, &interval, sizeof interval);
    zmq_setsockopt(bus->socket, ZMQ_RECONNECT_IVL_MAX, &interval_max, sizeof interval_max);
    const char *key = getenv("HEXLOOP_BUS_KEY");
    if (key && *key && strncmp(bus->endpoint, "tcp:", 4) == 0 && use_key(bus, key) != 0) return -1;
    if (zmq_connect(bus->socket, bus->endpoint) != 0) return fail(bus, "failed", zmq_strerror(zmq_errno()));
    bus->heard = bus->pinged = bus->stepped = now_ms();
    greet(bus);
    return 0;
}

static void send_subscription(hx_bus *bus) {
    char body[TOPIC_MAX + 120], start[32];
    if (bus->cursor == 0) snprintf(start, sizeof start, "\"origin\"");
    else snprintf(start, sizeof start, "%llu", (unsigned long long)bus->cursor);
    int count = snprintf(body, sizeof body, "{\"filters\":[\"%s\"],\"start\":%s,\"credit\":%d}", bus->filter,
                         start, CREDIT_AT_ONCE);
    bus->spent = 0;
    bus->delivered = bus->cursor;
    command(bus, SUB, bus->subscription, body, (size_t)count, NULL, 0);
}

static void send_event(hx_bus *bus) {
    bus->publish_at = 0;
    command(bus, PUB, bus->publishing, bus->topic, strlen(bus->topic), bus->event, strlen(bus->event));
}

static void welcomed(hx_bus *bus) {
    char epoch[32];
    json_member(frame(bus, 1), frame_bytes(bus, 1), "epoch", epoch, sizeof epoch);
    uint64_t found = strtoull(epoch, NULL, 10);
    if (bus->epoch != 0 && bus->epoch != found) bus->cursor = 0; /* sequences of another log mean nothing here */
    bus->epoch = found;
    bus->is_ready = 1;
    if (bus->subscription) send_subscription(bus);
    if (bus->publishing) send_event(bus);
}

/* Reads one message into bus->frames; 1 when there was one. */
static int receive(hx_bus *bus) {
    int more = 1;
    forget(bus);
    while (more) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, bus->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&message);
            return 0;
        }
        more = zmq_msg_more(&message);
        if (bus->frame_count < FRAMES_MAX) bus->frames[bus->frame_count++] = message;
        else zmq_msg_close(&message);
    }
    return 1;
}

/* One turn of at most `wait_ms`. Returns the command that came and is the caller's, 0 for none, -1 for a fault. */
static int step(hx_bus *bus, int64_t wait_ms) {
    int64_t now = now_ms();
    if (now - bus->stepped > PING_MS) bus->heard = now; /* it was this program that did not listen */
    bus->stepped = now;
    if (now - bus->heard > SILENCE_MS) return reopen(bus);
    if (!bus->is_ready && now - bus->greeted > GREET_MS) greet(bus);
    if (bus->is_ready && now - bus->pinged >= PING_MS) {
        bus->pinged = now;
        command(bus, PING, 0, NULL, 0, NULL, 0);
    }
    if (bus->publish_at && now >= bus->publish_at && bus->is_ready) send_event(bus);
    zmq_pollitem_t item = {bus->socket, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, wait_ms < 0 ? 0 : wait_ms < 100 ? (long)wait_ms : 100) <= 0 || !receive(bus)) return 0;
    bus->heard = now_ms();
    const uint8_t *header = (const uint8_t *)frame(bus, 0);
    if (frame_bytes(bus, 0) != HEADER_BYTES || header[0] != 'E' || header[1] != 'B' || header[2] != 1) return 0;
    if (header[3] == WELCOME && bus->frame_count == 2) {
        welcomed(bus);
        return 0;
    }
    if ((header[3] == NAK || header[3] == ERR) && bus->frame_count == 2) {
        char code[sizeof bus->code], message[sizeof bus->error], retry[16];
        json_member(frame(bus, 1), frame_bytes(bus, 1), "code", code, sizeof code);
        json_member(frame(bus, 1), frame_bytes(bus, 1), "message", message, sizeof message);
        json_member(frame(bus, 1), frame_bytes(bus, 1), "retryAfterMs", retry, sizeof retry);
        if (strcmp(code, "rehello") == 0) {
            if (bus->is_ready) greet(bus);
            return 0;
        }
        if (retry[0] && bus->publishing && correlation(bus) == bus->publishing) {
            bus->publish_at = bus->heard + strtol(retry, NULL, 10);
            return 0;
        }
        return fail(bus, code, message);
    }
    return header[3];
}

hx_bus *hx_open(const char *address, const char *name, int timeout_ms) {
    hx_bus *bus = calloc(1, sizeof *bus);
    if (!bus) return NULL;
    size_t length = strlen(address);
    if (strncmp(address, "ipc:///", 7) == 0 && length < 260) {
        length -= address[length - 1] == '/';
        snprintf(bus->endpoint, sizeof bus->endpoint, "%.*s/command.sock", (int)length, address);
    } else if (strncmp(address, "tcp://", 6) == 0 && length > 6 && length < 260 && !strchr(address + 6, '/')) {
        snprintf(bus->endpoint, sizeof bus->endpoint, "%s%s", address, strchr(address + 6, ':') ? "" : ":5555");
    } else {
        fail(bus, "bad-data", "the address must be ipc://<absolute directory>, tcp://<host> or tcp://<host>:<port>");
        return bus;
    }
    snprintf(bus->name, sizeof bus->name, "%s", name);
    for (char *c = bus->name; *c; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') *c = '-'; /* it stands in JSON */
    }
    bus->context = zmq_ctx_new();
    if (!bus->context || reopen(bus) != 0) return bus;
    int64_t deadline = now_ms() + timeout_ms;
    while (!bus->is_ready) {
        if (now_ms() > deadline) {
            fail(bus, "timeout", "there is no bus at that address; is it running?");
            return bus;
        }
        if (step(bus, deadline - now_ms()) < 0) return bus;
    }
    return bus;
}

void hx_close(hx_bus *bus) {
    if (!bus) return;
    forget(bus);
    if (bus->socket) {
        int linger = bus->is_ready ? 1000 : 0;
        if (bus->is_ready) command(bus, BYE, 0, NULL, 0, NULL, 0);
        zmq_setsockopt(bus->socket, ZMQ_LINGER, &linger, sizeof linger);
        zmq_close(bus->socket);
    }
    if (bus->context) {
        while (zmq_ctx_term(bus->context) != 0 && zmq_errno() == EINTR) {}
    }
    free(bus);
}

const char *hx_error(const hx_bus *bus) { return bus->error; }
const char *hx_code(const hx_bus *bus) { return bus->code; }
uint64_t hx_epoch(const hx_bus *bus) { return bus->epoch; }

int hx_publish(hx_bus *bus, const char *topic, const char *event, int timeout_ms, uint64_t *sequence, int *duplicate) {
    int64_t deadline = now_ms() + timeout_ms;
    bus->code[0] = bus->error[0] = 0;
    bus->topic = topic;
    bus->event = event;
    bus->publishing = ++bus->last_correlation;
    if (bus->is_ready) send_event(bus);
    int result = 1;
    while (result > 0) {
        int came = now_ms() > deadline ? fail(bus, "timeout", "the broker did not confirm in time")
                                       : step(bus, deadline - now_ms());
        if (came < 0) {
            result = -1;
        } else if (came == ACK && correlation(bus) == bus->publishing && bus->frame_count == 2
                   && frame_bytes(bus, 1) == 8) {
            *sequence = get(frame(bus, 1), 8);
            if (duplicate) *duplicate = get(frame(bus, 0) + 4, 4) & 1;
            result = 0;
        }
    }
    bus->publishing = 0;
    bus->publish_at = 0;
    return result;
}

int hx_subscribe(hx_bus *bus, const char *filter, uint64_t after) {
    bus->code[0] = bus->error[0] = 0;
    if (strlen(filter) > TOPIC_MAX || strpbrk(filter, "\"\\")) {
        return fail(bus, "bad-topic", "a filter has at most 200 of a-z, 0-9, '.', '_', '-', '*' and '/'");
    }
    snprintf(bus->filter, sizeof bus->filter, "%s", filter);
    bus->subscription = ++bus->last_correlation;
    bus->cursor = after;
    if (bus->is_ready) send_subscription(bus);
    return 0;
}

int hx_next(hx_bus *bus, hx_record *record, int timeout_ms) {
    int64_t deadline = now_ms() + timeout_ms;
    bus->code[0] = bus->error[0] = 0;
    bus->cursor = bus->delivered;
    if (bus->spent >= CREDIT_AT_ONCE / 2 && bus->is_ready) {
        uint8_t count[4];
        put(count, bus->spent, 4);
        bus->spent = 0;
        command(bus, CREDIT, bus->subscription, count, sizeof count, NULL, 0);
    }
    for (;;) {
        int came = step(bus, deadline - now_ms());
        if (came < 0) return -1;
        if (came == DELIVER && correlation(bus) == bus->subscription && bus->frame_count == 5) {
            const char *control = frame(bus, 2);
            if (frame_bytes(bus, 2) != CONTROL_BYTES || memcmp(control, "EB\1", 3) != 0) {
                return fail(bus, "bad-version", "a record of another version");
            }
            uint32_t crc = hx_crc32c(0, frame(bus, 1), frame_bytes(bus, 1));
            crc = hx_crc32c(crc, frame(bus, 3), frame_bytes(bus, 3));
            crc = hx_crc32c(crc, frame(bus, 4), frame_bytes(bus, 4));
            if (crc != get(control + 32, 4)) {
                return fail(bus, "bad-frame", "the checksum of a record does not fit its bytes");
            }
            *record = (hx_record){
                .topic = frame(bus, 1), .topic_bytes = frame_bytes(bus, 1),
                .header = frame(bus, 3), .header_bytes = frame_bytes(bus, 3),
                .data = frame(bus, 4), .data_bytes = frame_bytes(bus, 4),
                .epoch = get(control + 8, 8), .sequence = get(control + 16, 8), .previous = get(control + 24, 8),
            };
            bus->spent++;
            if (record->sequence <= bus->cursor) continue; /* it was there before the connection broke */
            bus->delivered = record->sequence;
            return 1;
        }
        if (now_ms() > deadline) return 0;
    }
}
