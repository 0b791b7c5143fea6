import KnownPipelines
import Storage

enum RegistryMigrations {
    static let all = [
        PipelineTable.migration,
        Store.Migration(
            "registry-1",
            """
            CREATE TABLE model (
                pipeline TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, floatDigest TEXT NOT NULL,
                envelope TEXT NOT NULL, candidate TEXT NOT NULL, runID TEXT NOT NULL, pipelineVersion TEXT NOT NULL,
                rows INTEGER NOT NULL, firstKey TEXT NOT NULL, lastKey TEXT NOT NULL, seed INTEGER NOT NULL,
                baseline REAL NOT NULL, gates TEXT NOT NULL, registeredAt INTEGER NOT NULL,
                PRIMARY KEY (pipeline, version)) STRICT, WITHOUT ROWID;
            CREATE TABLE served (
                id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL,
                fromAt INTEGER NOT NULL, toAt INTEGER,
                FOREIGN KEY (pipeline, version) REFERENCES model (pipeline, version),
                CHECK (toAt IS NULL OR toAt >= fromAt)) STRICT;
            CREATE UNIQUE INDEX servedNow ON served (pipeline, alias) WHERE toAt IS NULL;
            CREATE TABLE lap (
                runID TEXT PRIMARY KEY, pipeline TEXT NOT NULL, number INTEGER NOT NULL, cause TEXT NOT NULL,
                outcome TEXT NOT NULL, message TEXT, firstDecayed INTEGER, detected INTEGER, trainingStarted INTEGER,
                trained INTEGER, converted INTEGER, gatesPassed INTEGER, firstNode INTEGER, lastNode INTEGER,
                cleared INTEGER, candidates INTEGER NOT NULL DEFAULT 0, version INTEGER, digest TEXT, winner TEXT,
                UNIQUE (pipeline, number)) STRICT, WITHOUT ROWID;
            CREATE TABLE nodeModel (
                pipeline TEXT NOT NULL, node TEXT NOT NULL, role TEXT NOT NULL, digest TEXT NOT NULL,
                at INTEGER NOT NULL, PRIMARY KEY (pipeline, node, role)) STRICT, WITHOUT ROWID;
            CREATE TABLE gateJob (
                position INTEGER PRIMARY KEY, runID TEXT NOT NULL UNIQUE, run BLOB NOT NULL,
                isDone INTEGER NOT NULL DEFAULT 0 CHECK (isDone IN (0, 1))) STRICT;
            """
        ),
        Store.Migration("registry-2", "ALTER TABLE model ADD COLUMN source TEXT"),
    ]
}
