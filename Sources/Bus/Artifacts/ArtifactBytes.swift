/// An artifact that is sent: a file, or bytes in memory. Used by one thread.
public protocol ArtifactSource: AnyObject {
    /// Bytes of the whole.
    var total: Int { get }
    /// A piece that lies within the whole.
    /// - Throws: ``BusError`` `storage` when it cannot be read, or is no longer what it was when it was opened;
    ///   `digest-mismatch` when it is damaged.
    func read(offset: Int, count: Int) throws(BusError) -> [UInt8]
}

/// An artifact that is received: a file, or bytes in memory. It knows the digest that it shall have. Used by one thread.
public protocol ArtifactSink: AnyObject {
    /// Bytes that it has, from an earlier try too.
    var offset: Int { get }
    /// Reads up to `bytesMax` bytes of what an earlier try left, so that they count in the digest.
    /// - Returns: Whether all of them were; only then may bytes be appended.
    /// - Throws: ``BusError`` `storage`.
    func verify(bytesMax: Int) throws(BusError) -> Bool
    /// Adds bytes at the end. When it throws, the sink is as it was.
    /// - Throws: ``BusError`` `full` when there is no room, `storage` for other reasons.
    func append(_ bytes: [UInt8]) throws(BusError)
    /// Throws all bytes away.
    /// - Throws: ``BusError`` `storage`.
    func restart() throws(BusError)
    /// Compares the bytes with the digest; wrong ones are removed.
    /// - Returns: What is left to do, which may take long and may run on another thread: it forces the bytes onto the
    ///   disk and puts the artifact in its place.
    /// - Throws: ``BusError`` `digest-mismatch`.
    func seal() throws(BusError) -> @Sendable () throws(BusError) -> Void
}

/// Where a server keeps artifacts. Calls come from the server's thread only and may block on the disk, for short.
public protocol ArtifactStorage: Sendable {
    /// Whether `text` can be the name of an artifact.
    func isDigest(_ text: String) -> Bool
    /// Opens an artifact; nil when it is not there.
    /// - Throws: ``BusError`` `storage`.
    func open(_ digest: String) throws(BusError) -> (any ArtifactSource)?
    /// Goes on with an artifact that an earlier upload began, or begins one.
    /// - Throws: ``BusError`` `storage`, `full`.
    func receive(_ digest: String) throws(BusError) -> any ArtifactSink
}
