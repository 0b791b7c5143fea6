import KnownPipelines
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
        ),
        // Alerts that are open become incidents that people were told of, so that they hear of the end.
        Store.Migration(
            "alert-2",
            """
            CREATE TABLE incident (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                about TEXT NOT NULL, openedAt INTEGER NOT NULL, closedAt INTEGER, memory BLOB NOT NULL) STRICT;
            CREATE UNIQUE INDEX incidentOpen ON incident (about) WHERE closedAt IS NULL;
            CREATE TABLE pending (
                about TEXT NOT NULL, rule TEXT NOT NULL, since INTEGER NOT NULL, runID TEXT, occurrence BLOB NOT NULL,
                PRIMARY KEY (about, rule)) STRICT, WITHOUT ROWID;
            CREATE TEMPORARY VIEW openNow AS
                SELECT number, about, raisedAt,
                    CASE severity WHEN 'critical' THEN 2 WHEN 'warning' THEN 1 ELSE 0 END AS weight,
                    strftime('%Y-%m-%dT%H:%M:%SZ', raisedAt / 1000000, 'unixepoch') AS since,
                    json_object('rule', rule, 'severity', severity, 'title', title, 'detail', detail,
                        'since', strftime('%Y-%m-%dT%H:%M:%SZ', raisedAt / 1000000, 'unixepoch'),
                        'repeats', repeats, 'sinks', json_array('log', 'webhook'),
                        'canEnd', json(iif(rule = 'event-refused', 'false', 'true'))) AS item
                FROM main.alert WHERE resolvedAt IS NULL;
            INSERT INTO incident (about, openedAt, memory)
                SELECT about, min(raisedAt), CAST(json_object(
                    'about', about, 'openedAt', min(since), 'isClosed', json('false'), 'steps', json_array(),
                    'alerts', json_group_array(json(item)),
                    'told', json_object('firstAt', min(since), 'lastAt', max(since), 'hasEscalated', json('false'),
                        'sinks', json_array('log', 'webhook'),
                        'alert', json((SELECT item FROM openNow AS one WHERE one.about = openNow.about
                            ORDER BY weight DESC, number LIMIT 1)))) AS BLOB)
                FROM openNow GROUP BY about;
            DROP VIEW openNow;
            CREATE TABLE delivery2 (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                stream TEXT NOT NULL, key TEXT NOT NULL,
                sink TEXT NOT NULL CHECK (sink IN ('log', 'webhook')),
                body BLOB NOT NULL,
                attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0), dueAt INTEGER NOT NULL,
                givenUpAt INTEGER, failure TEXT,
                UNIQUE (key, sink)) STRICT;
            INSERT INTO delivery2 (number, stream, key, sink, body, attempts, dueAt, givenUpAt, failure)
                SELECT number, 'alert-' || alert, alert || '-' || state, sink, body, attempts, dueAt, givenUpAt, failure
                FROM delivery;
            DROP TABLE delivery;
            ALTER TABLE delivery2 RENAME TO delivery;
            CREATE INDEX deliveryDue ON delivery (dueAt) WHERE givenUpAt IS NULL;
            """
        ),
        // Sinks have the names that people give them, and people silence alerts by an event.
        Store.Migration(
            "alert-3",
            """
            CREATE TABLE silence (
                name TEXT PRIMARY KEY, until INTEGER NOT NULL, silence BLOB NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE delivery3 (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                stream TEXT NOT NULL, key TEXT NOT NULL, sink TEXT NOT NULL, body BLOB NOT NULL,
                attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0), dueAt INTEGER NOT NULL,
                givenUpAt INTEGER, failure TEXT,
                UNIQUE (key, sink)) STRICT;
            INSERT INTO delivery3 (number, stream, key, sink, body, attempts, dueAt, givenUpAt, failure)
                SELECT number, stream, key, sink, body, attempts, dueAt, givenUpAt, failure FROM delivery;
            DROP TABLE delivery;
            ALTER TABLE delivery3 RENAME TO delivery;
            CREATE INDEX deliveryDue ON delivery (dueAt) WHERE givenUpAt IS NULL;
            """
        ),
        PipelineTable.migration,
    ]
}
