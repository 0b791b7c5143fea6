/// Sizes, counts and times of the artifact plane.
public enum ArtifactLimits {
    /// Bytes in one chunk; only an artifact's last may have fewer.
    public static let chunkBytes = 256 * 1024
    /// Chunks that may be under way to or from one peer: its credit.
    public static let chunksInFlightMax = 8
    /// Bytes of the largest artifact.
    public static let artifactBytesMax = 4 << 30

    /// Messages that libzmq queues per peer and direction. libzmq notices what was read only half a queue later, so a
    /// peer that keeps to its credit never fills it, and one that does not costs no more than this many chunks.
    static let queuedChunksMax: Int32 = 2 * Int32(chunksInFlightMax)
    /// Bytes of one frame; a peer that sends a larger one is disconnected.
    static let frameBytesMax = Int64(2 * chunkBytes)

    /// Silence of the server after which a client connects anew and goes on where it was.
    public static let silenceMax: Duration = .seconds(3)
    /// How long a client goes on without a single new byte before it gives up.
    public static let patienceDefault: Duration = .seconds(30)
    /// Times that one transfer may begin again at the first byte, when what it resumed turns out to be wrong.
    static let restartsMax = 1
    /// Damaged chunks one after the other, after which a transfer gives up.
    static let damagedMax = 16

    /// Uploads that a server has open; further ones are told to come back.
    public static let uploadsMax = 64
    /// Files that a server keeps open for readers; the one unused for longest is closed.
    public static let openFilesMax = 64
    /// Peers that a server serves chunks to at the same time; further ones are told to come back.
    public static let readersMax = 1024
    /// How long a reader whose queue is full is left alone at most.
    static let fullQueuePauseMax: Duration = .milliseconds(500)
    /// How long a file that nobody reads or sends is kept open.
    static let idleFileMax: Duration = .seconds(30)
    /// Silence of an uploader after which another one may go on in its place.
    static let uploaderSilenceMax: Duration = .seconds(5)
    /// When a peer that was told to come back shall do so.
    static let retryAfterMs = 500
    /// Bytes of an earlier upload that are hashed in one turn of the server, between which it serves others.
    static let hashedPerTurnMax = 2 << 20
    /// Chunks that a server sends in one turn, over all peers.
    static let chunksPerTurnMax = 16
}
