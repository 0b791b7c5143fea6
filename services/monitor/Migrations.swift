import KnownPipelines
import Storage

enum MonitorMigrations {
    static let all = [
        PipelineTable.migration,
        Store.Migration(
            "monitor-1",
            """
            CREATE TABLE prediction (
                pipeline TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, outputs BLOB NOT NULL,
                at INTEGER NOT NULL, isJoined INTEGER NOT NULL DEFAULT 0 CHECK (isJoined IN (0, 1)),
                PRIMARY KEY (pipeline, key)) STRICT, WITHOUT ROWID;
            CREATE INDEX predictionAt ON prediction (at);
            CREATE TABLE label (
                stream TEXT NOT NULL, key TEXT NOT NULL, value REAL NOT NULL, at INTEGER NOT NULL,
                PRIMARY KEY (stream, key)) STRICT, WITHOUT ROWID;
            CREATE INDEX labelAt ON label (at);
            CREATE TABLE watch (
                pipeline TEXT PRIMARY KEY, digest TEXT NOT NULL, runID TEXT, state BLOB NOT NULL
            ) STRICT, WITHOUT ROWID;
            """
        ),
        // What is known of a prediction beside its outputs; labels that are replaced; watches of which the inputs are
        // kept apart, as a snapshot of each feature and the rows since.
        Store.Migration(
            "monitor-2",
            """
            ALTER TABLE prediction ADD COLUMN sighting BLOB;
            ALTER TABLE prediction ADD COLUMN expected REAL;
            ALTER TABLE prediction ADD COLUMN label REAL;
            ALTER TABLE prediction ADD COLUMN arrivedAt INTEGER NOT NULL DEFAULT 0;
            UPDATE prediction SET arrivedAt = at;
            DROP INDEX predictionAt;
            CREATE INDEX predictionArrivedAt ON prediction (arrivedAt);
            CREATE TABLE sighting (
                pipeline TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, sighting BLOB NOT NULL,
                PRIMARY KEY (pipeline, key)) STRICT, WITHOUT ROWID;
            CREATE INDEX sightingAt ON sighting (at);
            ALTER TABLE watch ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
            ALTER TABLE watch ADD COLUMN inputs BLOB;
            CREATE TABLE feature (
                pipeline TEXT NOT NULL, number INTEGER NOT NULL, state BLOB NOT NULL,
                PRIMARY KEY (pipeline, number)) STRICT, WITHOUT ROWID;
            CREATE TABLE journal (
                id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL,
                features BLOB NOT NULL) STRICT;
            CREATE INDEX journalByPipeline ON journal (pipeline, id);
            """
        ),
    ]
}
