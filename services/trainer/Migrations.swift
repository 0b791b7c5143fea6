import KnownPipelines
import Storage

enum TrainerMigrations {
    static let all = [
        PipelineTable.migration,
        Store.Migration(
            "trainer-1",
            """
            CREATE TABLE observation (
                position INTEGER PRIMARY KEY, stream TEXT NOT NULL, key TEXT NOT NULL, inputs BLOB NOT NULL, value REAL,
                UNIQUE (stream, key)) STRICT;
            CREATE TABLE label (
                stream TEXT NOT NULL, key TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (stream, key)
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE frozen (
                pipeline TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (pipeline, key)) STRICT, WITHOUT ROWID;
            CREATE TABLE run (
                runID TEXT PRIMARY KEY, pipeline TEXT NOT NULL, cause TEXT NOT NULL, untilKey TEXT,
                state TEXT NOT NULL CHECK (state IN ('queued', 'started', 'completed', 'failed')),
                queuedAt INTEGER NOT NULL, endedAt INTEGER) STRICT;
            CREATE INDEX runByPipeline ON run (pipeline, queuedAt);
            """
        ),
        // When each pipeline decayed last, for policy.storm.
        Store.Migration(
            "trainer-2",
            "CREATE TABLE decay (pipeline TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        ),
    ]
}
