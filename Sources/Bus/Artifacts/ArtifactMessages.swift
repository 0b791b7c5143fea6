import Events

/// ART.GET: wants chunks of an artifact from `offset` on; the asker's credit is their number.
struct ArtifactGet: Codable, Sendable, Hashable {
    var digest: String
    var offset: Int
    var chunks: Int
}

/// ART.PUT: offers an artifact.
struct ArtifactPut: Codable, Sendable, Hashable {
    var digest: String
    var total: Int
}

/// ART.OPEN: the server's answer to a PUT and to each chunk.
struct ArtifactOpen: Codable, Sendable, Hashable {
    /// Bytes that the server has.
    var offset: Int
    /// The artifact is stored and its bytes fit its name.
    var isComplete: Bool
    /// The server does not take chunks of this peer now, because it checks what an earlier upload left or another peer
    /// is sending the same artifact: say PUT again after that time.
    var retryAfterMs: Int?
}

/// ART.CHUNK: a piece of an artifact with its place, the whole size and a checksum.
struct ArtifactChunk: Sendable, Hashable {
    var offset: Int
    var total: Int
    var bytes: [UInt8]

    /// The frames after the routing id.
    func frames(_ correlation: UInt64) -> Frames {
        var place: [UInt8] = []
        place.append(bigEndian: UInt64(offset))
        place.append(bigEndian: UInt64(total))
        place.append(bigEndian: CRC32C.of(bytes))
        return [CommandHeader(.artifactChunk, correlation: correlation).bytes, place, bytes]
    }

    init(offset: Int, total: Int, bytes: [UInt8]) {
        self.offset = offset
        self.total = total
        self.bytes = bytes
    }

    /// Reads the frames after the routing id.
    /// - Throws: ``WireError`` `bad-frame`, also when the checksum does not fit the bytes.
    init(frames: Frames) throws(WireError) {
        guard frames.count == 3, frames[1].count == 20,
            let offset = frames[1].bigEndian(UInt64.self, at: 0).flatMap({ Int(exactly: $0) }),
            let total = frames[1].bigEndian(UInt64.self, at: 8).flatMap({ Int(exactly: $0) }),
            let checksum = frames[1].bigEndian(UInt32.self, at: 16)
        else { throw WireError(.badFrame, "CHUNK has 3 frames and a place of 20 bytes") }
        guard CRC32C.of(frames[2]) == checksum else {
            throw WireError(.badFrame, "checksum of the chunk at \(offset) does not fit its bytes")
        }
        self.init(offset: offset, total: total, bytes: frames[2])
    }
}
