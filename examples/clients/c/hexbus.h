/* Hexloop's bus in C: two files to copy, needs libzmq 4.3. The wire is described in docs/wire.md.
 *
 * A hx_bus is one session with at most one subscription, and belongs to one thread. It says HELLO again, takes up its
 * subscription behind the last record and sends again what was not acknowledged, when the broker restarts, and when it
 * took the session for dead because four seconds passed between two calls.
 *
 * Functions return 0, or -1 with a sentence in hx_error and a stable code in hx_code.
 */
#ifndef HEXBUS_H
#define HEXBUS_H

#include <stddef.h>
#include <stdint.h>

typedef struct hx_bus hx_bus;

/* One entry of the log. The pointers are good until the next call; texts are not terminated by zero. */
typedef struct {
    const char *topic, *header, *data;
    size_t topic_bytes, header_bytes, data_bytes;
    uint64_t epoch, sequence, previous;
} hx_record;

/* CRC-32C; begin with crc 0, go on with the last result. */
uint32_t hx_crc32c(uint32_t crc, const void *bytes, size_t count);

/* Connects to `ipc://<absolute directory>`, `tcp://<host>` or `tcp://<host>:<port>` and waits for the broker's WELCOME.
 * Over TCP the keys come from the file that the environment's HEXLOOP_BUS_KEY names.
 * Returns NULL only without memory; ask hx_code whether the broker is there. */
hx_bus *hx_open(const char *address, const char *name, int timeout_ms);
/* Says goodbye and frees everything. */
void hx_close(hx_bus *bus);
const char *hx_error(const hx_bus *bus);
const char *hx_code(const hx_bus *bus); /* "" after success; "timeout", "bad-topic", ...: docs/wire.md, section 15 */
/* Incarnation of the log; sequences of two incarnations cannot be compared. */
uint64_t hx_epoch(const hx_bus *bus);

/* Puts a CloudEvent (structured mode, JSON) into the log; returns when it is on disk. After -1 publish the same event
 * with the same `id` again: the log takes it once. `duplicate` may be NULL. */
int hx_publish(hx_bus *bus, const char *topic, const char *event, int timeout_ms, uint64_t *sequence, int *duplicate);

/* Wants the records that `filter` matches, behind `after`; 0 for the oldest. */
int hx_subscribe(hx_bus *bus, const char *filter, uint64_t after);
/* The next record: 1, or 0 when none came in time. The call says that the one before took effect. */
int hx_next(hx_bus *bus, hx_record *record, int timeout_ms);
#endif
