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
    ]
}
