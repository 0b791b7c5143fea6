public import Bus
import Events
public import Storage
import Synchronization

// Where the two meet: the bus moves bytes and knows no files, the storage keeps files and knows no bus.

/// A blob store as what an artifact server serves.
public struct ArtifactShelf: ArtifactStorage {
    private let blobs: BlobStore

    /// Serves that store.
    public init(_ blobs: BlobStore) { self.blobs = blobs }

    /// Whether `text` can be the name of an artifact.
    public func isDigest(_ text: String) -> Bool { BlobStore.isDigest(text) }

    /// Opens an artifact; nil when it is not there.
    /// - Throws: `BusError` `storage`.
    public func open(_ digest: String) throws(BusError) -> (any ArtifactSource)? {
        do { return try blobs.open(digest).map(FileSource.init) } catch { throw BusError(error) }
    }

    /// Goes on with an artifact that an earlier upload began, or begins one.
    /// - Throws: `BusError` `storage`, `full`.
    public func receive(_ digest: String) throws(BusError) -> any ArtifactSink {
        do { return FileSink(try blobs.receive(digest)) } catch { throw BusError(error) }
    }
}

extension ArtifactClient {
    /// Bytes that ``download(_:)`` takes into memory; larger artifacts go to a file.
    public static var inMemoryBytesMax: Int { 512 << 20 }

    /// Fetches an artifact into memory; for what is small and used at once. Its bytes fit its digest.
    /// - Throws: `BusError`, as `fetch`; `too-large` over ``inMemoryBytesMax``.
    public func download(_ digest: String) async throws(BusError) -> [UInt8] {
        let memory = MemorySink(digest: digest)
        _ = try await fetch(digest) { memory }
        return memory.bytes
    }

    /// Fetches an artifact into a file. Until it is whole its bytes are in `<path>.part`, and a later call goes on there.
    /// - Throws: `BusError`, as `fetch`.
    @discardableResult
    public func download(
        _ digest: String,
        to path: String,
        progress: @escaping Progress = { _, _ in }
    ) async throws(BusError) -> ArtifactReport {
        try await fetch(digest, progress: progress) { () throws(BusError) in
            do throws(StorageError) { return FileSink(try IncomingFile(path: path, digest: digest)) } catch {
                throw BusError(error)
            }
        }
    }

    /// Fetches an artifact into a store.
    /// - Throws: `BusError`, as `fetch`.
    @discardableResult
    public func download(_ digest: String, into blobs: BlobStore) async throws(BusError) -> ArtifactReport {
        try await fetch(digest) { () throws(BusError) in try ArtifactShelf(blobs).receive(digest) }
    }

    /// Stores bytes under their digest.
    /// - Throws: `BusError`, as `store`.
    public func upload(_ bytes: [UInt8], digest: String) async throws(BusError) {
        _ = try await store(digest) { MemorySource(bytes) }
    }

    /// Stores a file under its digest. The file must not change meanwhile.
    /// - Throws: `BusError`, as `store`; `storage` when the file changes.
    @discardableResult
    public func upload(
        file path: String,
        digest: String,
        progress: @escaping Progress = { _, _ in }
    ) async throws(BusError) -> ArtifactReport {
        try await store(digest, progress: progress) { () throws(BusError) in
            do throws(StorageError) { return FileSource(try OutgoingFile(path: path)) } catch { throw BusError(error) }
        }
    }
}

extension BusError {
    fileprivate init(_ error: StorageError) {
        switch error.kind {
        case .full: self.init(.full, error.message)
        case .mismatch: self.init(.digestMismatch, error.message)
        case .other: self.init(.storage, error.message)
        }
    }
}

private final class FileSource: ArtifactSource {
    private let file: OutgoingFile
    var total: Int { file.count }

    init(_ file: OutgoingFile) { self.file = file }

    func read(offset: Int, count: Int) throws(BusError) -> [UInt8] {
        do { return try file.read(offset: offset, count: count) } catch { throw BusError(error) }
    }
}

private final class FileSink: ArtifactSink {
    private let file: IncomingFile
    var offset: Int { file.count }

    init(_ file: IncomingFile) { self.file = file }

    func verify(bytesMax: Int) throws(BusError) -> Bool {
        do { return try file.verify(bytesMax: bytesMax) } catch { throw BusError(error) }
    }

    func append(_ bytes: [UInt8]) throws(BusError) {
        do { try file.append(bytes) } catch { throw BusError(error) }
    }

    func restart() throws(BusError) {
        do { try file.restart() } catch { throw BusError(error) }
    }

    func seal() throws(BusError) -> @Sendable () throws(BusError) -> Void {
        do {
            let settle = try file.seal()
            return { () throws(BusError) in
                do throws(StorageError) { try settle() } catch { throw BusError(error) }
            }
        } catch { throw BusError(error) }
    }
}

private final class MemorySource: ArtifactSource {
    private let bytes: [UInt8]
    var total: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(offset: Int, count: Int) throws(BusError) -> [UInt8] { Array(bytes[offset..<offset + count]) }
}

private final class MemorySink: ArtifactSink, Sendable {
    private let digest: String
    private let content = Mutex<[UInt8]>([])
    var bytes: [UInt8] { content.withLock { $0 } }
    var offset: Int { content.withLock { $0.count } }

    init(digest: String) { self.digest = digest }

    func verify(bytesMax: Int) -> Bool { true }

    func append(_ bytes: [UInt8]) throws(BusError) {
        let isTooLarge = content.withLock { content in
            guard content.count + bytes.count <= ArtifactClient.inMemoryBytesMax else { return true }
            content += bytes
            return false
        }
        guard !isTooLarge else {
            throw BusError(
                .tooLarge,
                "artifact \(digest) has more than \(ArtifactClient.inMemoryBytesMax) bytes; fetch it into a file"
            )
        }
    }

    func restart() { content.withLock { $0 = [] } }

    func seal() throws(BusError) -> @Sendable () throws(BusError) -> Void {
        let actual = BlobStore.digest(of: bytes)
        guard actual == digest else {
            throw BusError(.digestMismatch, "the bytes received for \(digest) have SHA-256 \(actual)")
        }
        return {}
    }
}
