// Publishes into a NATS JetStream stream over plain sockets and counts the acknowledged messages per second.
// Each connection keeps WINDOW messages under way; an acknowledgement is the reply to the message's inbox.
//
// usage: nats_publish PORT SUBJECT CONNECTIONS WINDOW MESSAGES BYTES
// prints: <acknowledged per second>
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int socket;
    long under_way;
    char buffer[65536];
    size_t held;
} connection;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void write_all(int socket, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(socket, bytes, count);
        if (written <= 0) {
            perror("nats_publish: write");
            exit(1);
        }
        bytes += written;
        count -= (size_t)written;
    }
}

// Takes whole lines; a MSG is followed by its payload line. Returns the acknowledgements among them.
static long take_acknowledgements(connection *peer) {
    ssize_t got = read(peer->socket, peer->buffer + peer->held, sizeof peer->buffer - peer->held);
    if (got <= 0) {
        fprintf(stderr, "nats_publish: the server closed the connection\n");
        exit(1);
    }
    peer->held += (size_t)got;
    long acknowledged = 0;
    size_t from = 0;
    char *end;
    while ((end = memmem(peer->buffer + from, peer->held - from, "\r\n", 2))) {
        char *line = peer->buffer + from;
        size_t length = (size_t)(end - line);
        if (length > 4 && !memcmp(line, "MSG ", 4)) {
            char *payload = end + 2;
            char *payload_end = memmem(payload, peer->held - (size_t)(payload - peer->buffer), "\r\n", 2);
            if (!payload_end) break;
            if (memmem(payload, (size_t)(payload_end - payload), "\"error\"", 7)) {
                fprintf(stderr, "nats_publish: %.*s\n", (int)(payload_end - payload), payload);
                exit(1);
            }
            acknowledged++;
            from = (size_t)(payload_end + 2 - peer->buffer);
        } else {
            if (length >= 4 && !memcmp(line, "PING", 4)) write_all(peer->socket, "PONG\r\n", 6);
            if (length >= 4 && !memcmp(line, "-ERR", 4)) {
                fprintf(stderr, "nats_publish: %.*s\n", (int)length, line);
                exit(1);
            }
            from = (size_t)(end + 2 - peer->buffer);
        }
    }
    memmove(peer->buffer, peer->buffer + from, peer->held - from);
    peer->held -= from;
    return acknowledged;
}

int main(int count, char **arguments) {
    if (count != 7) {
        fprintf(stderr, "usage: nats_publish PORT SUBJECT CONNECTIONS WINDOW MESSAGES BYTES\n");
        return 2;
    }
    int connections = atoi(arguments[3]);
    long window = atol(arguments[4]), messages = atol(arguments[5]), bytes = atol(arguments[6]);
    connection *peers = calloc((size_t)connections, sizeof *peers);
    struct pollfd *polls = calloc((size_t)connections, sizeof *polls);
    for (int i = 0; i < connections; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        peers[i].socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int on = 1;
        setsockopt(peers[i].socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connect(peers[i].socket, (struct sockaddr *)&address, sizeof address)) {
            perror("nats_publish: connect");
            return 1;
        }
        char hello[256];
        int length = snprintf(
            hello, sizeof hello, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB _INBOX.%d 1\r\nPING\r\n", i);
        write_all(peers[i].socket, hello, (size_t)length);
        polls[i] = (struct pollfd){.fd = peers[i].socket, .events = POLLIN};
    }
    char *data = malloc((size_t)bytes + 2), *message = malloc((size_t)bytes + 256);
    memset(data, 'x', (size_t)bytes);
    memcpy(data + bytes, "\r\n", 2);
    long sent = 0, acknowledged = 0;
    double began = now();
    while (acknowledged < messages) {
        for (int i = 0; i < connections; i++) {
            while (peers[i].under_way < window && sent < messages) {
                int length = snprintf(message, 256, "PUB %s _INBOX.%d %ld\r\n", arguments[2], i, bytes);
                memcpy(message + length, data, (size_t)bytes + 2);
                write_all(peers[i].socket, message, (size_t)length + (size_t)bytes + 2);
                peers[i].under_way++;
                sent++;
            }
        }
        if (poll(polls, (nfds_t)connections, 5000) <= 0) {
            fprintf(stderr, "nats_publish: no acknowledgement in 5 s\n");
            return 1;
        }
        for (int i = 0; i < connections; i++) {
            if (!(polls[i].revents & (POLLIN | POLLHUP))) continue;
            long more = take_acknowledgements(&peers[i]);
            peers[i].under_way -= more;
            acknowledged += more;
        }
    }
    printf("%.0f\n", messages / (now() - began));
    return 0;
}
