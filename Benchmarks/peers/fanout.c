// Sends messages into one endpoint and counts what comes out of another: through Hexloop's broker, or through
// libzmq's own forwarder. Both get the same frames: a telemetry record of the wire format.
//
// usage: fanout IN OUT SECONDS BYTES   (IN and OUT such as tcp://127.0.0.1:5556 and tcp://127.0.0.1:5557)
// prints: <received per second> <sent> <received>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static const char topic[] = "t/local/bench/sent/v1/any/";
static const char header[] =
    "{\"id\":\"1\",\"source\":\"//local/bench/main\",\"specversion\":\"1.0\",\"type\":\"dev.hexloop.bench.sent.v1\"}";
static atomic_bool stopping;
static atomic_long received;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static uint32_t crc32c(uint32_t crc, const unsigned char *bytes, size_t count) {
    crc = ~crc;
    while (count--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
    }
    return ~crc;
}

static void big_endian(unsigned char *place, uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) place[i] = value & 255;
}

static void *subscribe(void *socket) {
    char buffer[65536];
    while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
        int more = 1;
        size_t size = sizeof more;
        if (zmq_recv(socket, buffer, sizeof buffer, 0) < 0) continue;
        for (;;) {
            zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
            if (!more) break;
            zmq_recv(socket, buffer, sizeof buffer, 0);
        }
        atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: fanout IN OUT SECONDS BYTES\n");
        return 2;
    }
    double seconds = atof(arguments[3]);
    size_t bytes = (size_t)atol(arguments[4]);
    unsigned char *data = calloc(1, bytes), control[40] = {'E', 'B', 1, 0};
    void *context = zmq_ctx_new();
    void *publisher = zmq_socket(context, ZMQ_PUB), *subscriber = zmq_socket(context, ZMQ_SUB);
    int high_water_mark = 1000, timeout = 200, linger = 0;
    zmq_setsockopt(publisher, ZMQ_SNDHWM, &high_water_mark, sizeof high_water_mark);
    zmq_setsockopt(publisher, ZMQ_LINGER, &linger, sizeof linger);
    // Blocks instead of dropping, so that what is counted is what the way through can carry.
    int nodrop = 1;
    zmq_setsockopt(publisher, ZMQ_XPUB_NODROP, &nodrop, sizeof nodrop);
    zmq_setsockopt(subscriber, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(subscriber, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, topic, strlen(topic));
    if (zmq_connect(publisher, arguments[1]) || zmq_connect(subscriber, arguments[2])) {
        fprintf(stderr, "fanout: %s\n", zmq_strerror(zmq_errno()));
        return 1;
    }
    usleep(500000);
    pthread_t reader;
    pthread_create(&reader, NULL, subscribe, subscriber);
    uint32_t checksum = crc32c(0, (const unsigned char *)topic, strlen(topic));
    checksum = crc32c(checksum, (const unsigned char *)header, strlen(header));
    checksum = crc32c(checksum, data, bytes);
    big_endian(control + 4, 2, 4);
    big_endian(control + 8, (uint64_t)getpid(), 8);
    big_endian(control + 32, checksum, 4);
    long sent = 0, first = 0;
    double began = now(), warm = began + 0.5, measured_from = 0;
    while (now() - began < seconds + 0.5) {
        for (int i = 0; i < 64; i++) {
            big_endian(control + 16, (uint64_t)++sent, 8);
            zmq_send(publisher, topic, strlen(topic), ZMQ_SNDMORE);
            zmq_send(publisher, control, sizeof control, ZMQ_SNDMORE);
            zmq_send(publisher, header, strlen(header), ZMQ_SNDMORE);
            zmq_send(publisher, data, bytes, 0);
        }
        if (!measured_from && now() > warm) {
            measured_from = now();
            first = atomic_load(&received);
        }
    }
    double elapsed = now() - measured_from;
    long last = atomic_load(&received);
    atomic_store(&stopping, 1);
    pthread_join(reader, NULL);
    printf("%.0f %ld %ld\n", (last - first) / elapsed, sent, last);
    zmq_close(publisher);
    zmq_close(subscriber);
    zmq_ctx_term(context);
    free(data);
    return 0;
}
