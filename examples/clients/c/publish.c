/* publish ADDRESS TOPIC: puts CloudEvents (JSON, one a line) from standard input into the log.
 *
 * Prints the place of each in the log. Ends with 1 at the first event that is refused or not confirmed in a minute; the
 * ones before it are on disk. Running it again with the same input does no harm: the log knows events by source and id.
 */
#include "hexbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments) {
    if (count != 3) {
        fputs("usage: publish ADDRESS TOPIC < events\n"
              "such as: publish ipc:///path/to/run e/local/label/recorded/v1/wti-next/\n",
              stderr);
        return 2;
    }
    int result = 1;
    char line[65536];
    hx_bus *bus = hx_open(arguments[1], "c-publisher/main", 10000);
    if (!bus) return 1;
    if (hx_code(bus)[0]) goto failed;
    while (fgets(line, sizeof line, stdin)) {
        uint64_t sequence;
        int is_duplicate;
        line[strcspn(line, "\n")] = 0;
        if (!line[0]) continue;
        if (hx_publish(bus, arguments[2], line, 60000, &sequence, &is_duplicate) != 0) goto failed;
        printf("%llu%s\n", (unsigned long long)sequence, is_duplicate ? " it was there before" : "");
        fflush(stdout);
    }
    result = 0;
failed:
    if (result) fprintf(stderr, "publish: %s: %s\n", hx_code(bus), hx_error(bus));
    hx_close(bus);
    return result;
}
