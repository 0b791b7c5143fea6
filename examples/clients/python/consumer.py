"""consumer.py ADDRESS STORE FILTER [UNTIL]: counts events by type in a SQLite file, each exactly once.

Effect and cursor are written in one transaction, so a crash at any moment neither loses nor doubles a count. Ends when
UNTIL events were counted, or never.
"""
import sqlite3, sys

from hexbus import Bus, Refused

if len(sys.argv) not in (4, 5):
    sys.exit("usage: consumer.py ipc:///path/to/run counts.sqlite 'e/*/label/' [100]")
address, path, topics = sys.argv[1:4]
until = int(sys.argv[4]) if len(sys.argv) == 5 else None

store = sqlite3.connect(path)
store.executescript("""
    CREATE TABLE IF NOT EXISTS count (type TEXT PRIMARY KEY, events INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS cursor (epoch INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, repeats INTEGER NOT NULL);
""")


def total() -> int:
    return store.execute("SELECT coalesce(sum(events), 0) FROM count").fetchone()[0]


try:
    with Bus(address, "counter/main") as bus:
        row = store.execute("SELECT sequence FROM cursor WHERE epoch = ?", (bus.welcome["epoch"],)).fetchone()
        subscription = bus.subscribe([topics], start=row[0] if row else "origin")
        while until is None or total() < until:
            record = subscription.next()
            with store:
                store.execute("INSERT INTO count VALUES (?, 1) ON CONFLICT DO UPDATE SET events = events + 1",
                              (record.attributes["type"],))
                store.execute("INSERT INTO seen VALUES (?, 0) ON CONFLICT DO UPDATE SET repeats = repeats + 1",
                              (record.attributes["source"] + " " + record.attributes["id"],))
                store.execute("INSERT INTO cursor VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence",
                              (record.epoch, record.sequence))
            subscription.done(record)
except Refused as refusal:
    sys.exit(f"consumer.py: {refusal}")
repeats = store.execute("SELECT coalesce(sum(repeats), 0) FROM seen").fetchone()[0]
for kind, events in store.execute("SELECT type, events FROM count ORDER BY type"):
    print(f"{events:8} {kind}")
print(f"{total()} events, {repeats} of them twice")
