"""publisher.py ADDRESS OUTBOX STREAM COUNT: COUNT labels, none lost and none doubled, whoever is killed when.

OUTBOX is this program's own SQLite file. The counter and the event that announces it change in one transaction; the
event stays in the file until the log has it.
"""
import sys

from hexbus import Bus, Outbox, Refused

if len(sys.argv) != 5 or not sys.argv[4].isdigit():
    sys.exit("usage: publisher.py ipc:///path/to/run outbox.sqlite wti-next 100")
address, path, stream, count = *sys.argv[1:4], int(sys.argv[4])

outbox = Outbox(path, producer=f"plc-7/{stream}")
with outbox.db:
    outbox.db.execute("CREATE TABLE IF NOT EXISTS state (made INTEGER)")
    if outbox.db.execute("SELECT count(*) FROM state").fetchone()[0] == 0:
        outbox.db.execute("INSERT INTO state VALUES (0)")

try:
    with Bus(address, "plc-7/main", outbox=outbox) as bus:
        while (made := outbox.db.execute("SELECT made FROM state").fetchone()[0]) < count:
            with outbox.db:  # state and event in one transaction
                outbox.db.execute("UPDATE state SET made = made + 1")
                outbox.add(f"e/local/label/recorded/v1/{stream}/", {
                    "specversion": "1.0", "id": f"{stream}-{made}", "source": "//plant-a/plc-7/main",
                    "type": "dev.hexloop.label.recorded.v1", "subject": stream,
                    "data": {"stream": stream, "key": f"k-{made}", "value": float(made)}})
            bus.poll()
        bus.flush()
except Refused as refusal:
    sys.exit(f"publisher.py: {refusal}")
print(f"{count} events are in the log")
