/* consume ADDRESS FILTER CURSOR [COUNT]: prints the records that FILTER matches, one a line, each once.
 *
 * CURSOR is a file that keeps the epoch of the log and the last sequence that was printed; the next run goes on behind
 * it. Ends after COUNT records, or never. A program that does more than print writes cursor and effect in one
 * transaction; here a crash between the two prints one record twice.
 */
#define _POSIX_C_SOURCE 200809L
#include "hexbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Writes the cursor under another name, syncs and renames it, so that it is the old or the new one. */
static int keep(const char *path, uint64_t epoch, uint64_t sequence) {
    char part[4096];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) return -1;
    FILE *file = fopen(part, "w");
    if (!file) return -1;
    int ok = fprintf(file, "%llu %llu\n", (unsigned long long)epoch, (unsigned long long)sequence) > 0
        && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (fclose(file) != 0 || !ok) return -1;
    return rename(part, path);
}

int main(int count, char **arguments) {
    if (count != 4 && count != 5) {
        fputs("usage: consume ADDRESS FILTER CURSOR [COUNT]\n"
              "such as: consume ipc:///path/to/run 'e/*/decay/' cursor.txt\n",
              stderr);
        return 2;
    }
    int result = 1;
    unsigned long long epoch = 0, sequence = 0;
    long long left = count == 5 ? strtoll(arguments[4], NULL, 10) : -1;
    FILE *file = fopen(arguments[3], "r");
    if (file) {
        if (fscanf(file, "%llu %llu", &epoch, &sequence) != 2) epoch = sequence = 0;
        fclose(file);
    }
    hx_bus *bus = hx_open(arguments[1], "c-consumer/main", 10000);
    if (!bus) return 1;
    if (hx_code(bus)[0]) goto failed;
    if (epoch != hx_epoch(bus)) sequence = 0; /* another log */
    if (hx_subscribe(bus, arguments[2], sequence) != 0) goto failed;
    while (left != 0) {
        hx_record record;
        int came = hx_next(bus, &record, 1000);
        if (came < 0) goto failed;
        if (came == 0) continue;
        printf("%llu %.*s %.*s\n", (unsigned long long)record.sequence, (int)record.topic_bytes, record.topic,
               (int)record.data_bytes, record.data);
        fflush(stdout);
        if (keep(arguments[3], record.epoch, record.sequence) != 0) {
            perror(arguments[3]);
            hx_close(bus);
            return 1;
        }
        if (left > 0) left--;
    }
    result = 0;
failed:
    if (result) fprintf(stderr, "consume: %s: %s\n", hx_code(bus), hx_error(bus));
    hx_close(bus);
    return result;
}
