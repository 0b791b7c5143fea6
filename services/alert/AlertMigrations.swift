import Storage

enum AlertMigrations {
    static let all = [
        Store.Migration(
            "alert-1",
            """
            CREATE TABLE alert (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                rule TEXT NOT NULL, about TEXT NOT NULL,
                severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
                title TEXT NOT NULL, detail TEXT NOT NULL, eventID TEXT NOT NULL, eventType TEXT NOT NULL,
                raisedAt INTEGER NOT NULL, lastAt INTEGER NOT NULL,
                repeats INTEGER NOT NULL DEFAULT 0 CHECK (repeats >= 0),
                resolvedAt INTEGER, resolvedBy TEXT,
                CHECK ((resolvedAt IS NULL) = (resolvedBy IS NULL))) STRICT;
            CREATE UNIQUE INDEX alertOpen ON alert (about, rule) WHERE resolvedAt IS NULL;
            CREATE TABLE delivery (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                alert INTEGER NOT NULL REFERENCES alert (number) ON DELETE CASCADE,
                sink TEXT NOT NULL CHECK (sink IN ('log', 'webhook')),
                state TEXT NOT NULL CHECK (state IN ('raised', 'resolved')),
                body BLOB NOT NULL,
                attempts INTEGER NOT NULL DEFAULT 0, dueAt INTEGER NOT NULL,
                givenUpAt INTEGER, failure TEXT,
                UNIQUE (alert, sink, state)) STRICT;
            CREATE INDEX deliveryDue ON delivery (dueAt) WHERE givenUpAt IS NULL;
            """
        )
    ]
}
