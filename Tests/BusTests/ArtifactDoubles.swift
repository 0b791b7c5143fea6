import Events

@testable import Bus

/// Artifacts in memory, for one thread: what is on "disk" survives a crash of the server.
///
/// Safety: each test uses it from its own thread only.
final class ArtifactMemory: ArtifactStorage, @unchecked Sendable {
    /// The bytes that belong to each name.
    var truth: [String: [UInt8]] = [:]
    var stored: [String: [UInt8]] = [:]
    var parts: [String: [UInt8]] = [:]
    /// Room on the disk.
    var roomBytes = Int.max
    var opened = 0

    static func name(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 64 - digits.count) + digits
    }

    /// Bytes that differ from block to block.
    static func bytes(_ count: Int, seed: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let value = UInt8(truncatingIfNeeded: bytes.count / 4096 &* 7 &+ seed)
            bytes += [UInt8](repeating: value, count: min(4096, count - bytes.count))
        }
        return bytes
    }

    func isDigest(_ text: String) -> Bool { text.utf8.count == 64 }

    func open(_ digest: String) -> (any ArtifactSource)? {
        opened += 1
        return stored[digest].map(MemorySource.init)
    }

    func receive(_ digest: String) -> any ArtifactSink { PartSink(self, digest) }
}

final class MemorySource: ArtifactSource {
    let bytes: [UInt8]
    var total: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(offset: Int, count: Int) -> [UInt8] { Array(bytes[offset..<offset + count]) }
}

/// A sink that wants one piece of what was there hashed at a time.
final class PartSink: ArtifactSink {
    private let memory: ArtifactMemory
    private let digest: String
    private var hashed = 0
    var offset: Int { memory.parts[digest]?.count ?? 0 }

    init(_ memory: ArtifactMemory, _ digest: String) {
        self.memory = memory
        self.digest = digest
    }

    func verify(bytesMax: Int) -> Bool {
        hashed = min(hashed + bytesMax, offset)
        return hashed == offset
    }

    func append(_ bytes: [UInt8]) throws(BusError) {
        precondition(hashed == offset)
        guard memory.roomBytes >= bytes.count else { throw BusError(.full, "no room") }
        memory.roomBytes -= bytes.count
        memory.parts[digest, default: []] += bytes
        hashed = offset
    }

    func restart() {
        memory.parts[digest] = nil
        hashed = 0
    }

    func seal() throws(BusError) -> @Sendable () throws(BusError) -> Void {
        let bytes = memory.parts.removeValue(forKey: digest) ?? []
        guard bytes == memory.truth[digest] else { throw BusError(.digestMismatch, "wrong bytes") }
        return { [memory, digest] in memory.stored[digest] = bytes }
    }
}

extension Frames {
    var command: Command? { first.flatMap { try? CommandHeader($0).command } }
    var correlation: UInt64? { first.flatMap { try? CommandHeader($0).correlation } }
    var chunk: ArtifactChunk? { try? ArtifactChunk(frames: self) }
    var open: ArtifactOpen? {
        command == .artifactOpen ? try? EventCoding.decode(ArtifactOpen.self, from: self[1]) : nil
    }
    var refusal: Refusal? { command == .error ? try? EventCoding.decode(Refusal.self, from: self[1]) : nil }

    static func get(_ digest: String, _ offset: Int, chunks: Int = 8, _ correlation: UInt64 = 1) throws -> Frames {
        let body = try EventCoding.encode(ArtifactGet(digest: digest, offset: offset, chunks: chunks))
        return [CommandHeader(.artifactGet, correlation: correlation).bytes, body]
    }

    static func put(_ digest: String, _ total: Int, _ correlation: UInt64 = 1) throws -> Frames {
        let body = try EventCoding.encode(ArtifactPut(digest: digest, total: total))
        return [CommandHeader(.artifactPut, correlation: correlation).bytes, body]
    }
}
