import KnownPipelines
import Storage

/// The tables of one pipeline's watch.
enum MonitorMigrations {
    static let all = [
        PipelineTable.migration,
        // Predictions and labels wait for each other. The watch is one row; its inputs are a snapshot of each feature,
        // and the rows since.
        Store.Migration(
            "watch-1",
            """
            CREATE TABLE prediction (
                key TEXT PRIMARY KEY, digest TEXT NOT NULL, outputs BLOB NOT NULL, at INTEGER NOT NULL,
                sighting BLOB NOT NULL, expected REAL, label REAL, arrivedAt INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            CREATE INDEX predictionArrivedAt ON prediction (arrivedAt);
            CREATE TABLE label (
                stream TEXT NOT NULL, key TEXT NOT NULL, value REAL NOT NULL, at INTEGER NOT NULL,
                PRIMARY KEY (stream, key)) STRICT, WITHOUT ROWID;
            CREATE INDEX labelAt ON label (at);
            CREATE TABLE sighting (
                key TEXT PRIMARY KEY, at INTEGER NOT NULL, sighting BLOB NOT NULL) STRICT, WITHOUT ROWID;
            CREATE INDEX sightingAt ON sighting (at);
            CREATE TABLE watch (
                one INTEGER PRIMARY KEY CHECK (one = 1), state BLOB NOT NULL, inputs BLOB) STRICT;
            CREATE TABLE feature (number INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT;
            CREATE TABLE journal (
                id INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, features BLOB NOT NULL) STRICT;
            """
        ),
    ]
}
