import Events
import ZeroMQ

/// Fetches and stores artifacts. Each transfer is one thread with one socket, gone afterwards.
public struct ArtifactClient: Sendable {
    /// Silence of the server after which a transfer gives up.
    public static let silenceMax: Duration = .seconds(10)
    /// The artifact server's endpoint.
    public let endpoint: String

    /// A client of the server at `address`.
    public init(_ address: BusAddress) { endpoint = address.endpoint(SocketTable.artifacts) }

    /// Fetches an artifact into memory. The caller checks the bytes against the digest.
    /// - Throws: ``BusError`` `not-found`, `timeout` when nobody answers, or what the server says.
    public func download(_ digest: String) async throws(BusError) -> [UInt8] {
        try await onThread { (peer: borrowing Peer) throws(BusError) in try Self.download(digest, peer) }
    }

    /// Stores an artifact of that digest; returns when it is on the server's disk. Parts that an earlier try left
    /// there are not sent again.
    /// - Throws: ``BusError`` `timeout`, `digest-mismatch`, or what the server says.
    public func upload(_ bytes: [UInt8], digest: String) async throws(BusError) {
        _ = try await onThread { (peer: borrowing Peer) throws(BusError) in
            try Self.upload(bytes, digest, peer)
            return []
        }
    }

    private func onThread(
        _ body: @escaping @Sendable (borrowing Peer) throws(BusError) -> [UInt8]
    ) async throws(BusError) -> [UInt8] {
        let endpoint = endpoint
        let result: Result<[UInt8], BusError> = await withCheckedContinuation { continuation in
            _ = DedicatedThread("artifact") {
                do throws(BusError) {
                    continuation.resume(returning: .success(try body(try Peer.connect(endpoint))))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    private static func download(_ digest: String, _ peer: borrowing Peer) throws(BusError) -> [UInt8] {
        var bytes: [UInt8] = []
        var total: Int?
        while total == nil || bytes.count < total ?? 0 {
            let request = ArtifactGet(
                digest: digest,
                offset: bytes.count,
                chunks: ArtifactLimits.chunksInFlightMax
            )
            try peer.send(.artifactGet, request)
            for _ in 0..<ArtifactLimits.chunksInFlightMax {
                let chunk = try peer.chunk()
                guard chunk.offset == bytes.count, chunk.total <= ArtifactLimits.artifactBytesMax,
                    total == nil || total == chunk.total, !chunk.bytes.isEmpty || chunk.total == 0
                else { throw BusError(.badFrame, "a chunk of \(digest) does not fit the ones before") }
                total = chunk.total
                bytes += chunk.bytes
                if bytes.count >= chunk.total { return bytes }
            }
        }
        return bytes
    }

    private static func upload(_ bytes: [UInt8], _ digest: String, _ peer: borrowing Peer) throws(BusError) {
        try peer.send(.artifactPut, ArtifactPut(digest: digest, total: bytes.count))
        var state = try peer.open()
        var sent = state.offset
        while !state.isComplete {
            while sent < bytes.count, sent - state.offset < ArtifactLimits.chunksInFlightMax * ArtifactLimits.chunkBytes
            {
                let piece = Array(bytes[sent..<min(sent + ArtifactLimits.chunkBytes, bytes.count)])
                try peer.send(ArtifactChunk(offset: sent, total: bytes.count, bytes: piece))
                sent += piece.count
            }
            state = try peer.open()
        }
    }

    /// The server as one transfer sees it.
    private struct Peer: ~Copyable {
        private let context: Context
        private let socket: Socket

        private init(_ context: Context, _ socket: consuming Socket) {
            self.context = context
            self.socket = socket
        }

        static func connect(_ endpoint: String) throws(BusError) -> Peer {
            do throws(ZeroMQError) {
                let context = try Context(ioThreads: 1)
                var options = SocketOptions()
                options.immediate = true
                let socket = try Socket(context, .dealer, options: options)
                try socket.connect(endpoint)
                return Peer(context, socket)
            } catch {
                throw BusError(.failed, error.description)
            }
        }

        func send(_ command: Command, _ body: some Encodable) throws(BusError) {
            do { try send([CommandHeader(command, correlation: 1).bytes, try EventCoding.encode(body)]) } catch {
                throw (error as? BusError) ?? BusError(.badData, "\(error)")
            }
        }

        func send(_ chunk: ArtifactChunk) throws(BusError) { try send(chunk.frames(1)) }

        private func send(_ frames: Frames) throws(BusError) {
            let deadline = ContinuousClock.now + ArtifactClient.silenceMax
            while ContinuousClock.now < deadline {
                do {
                    if try socket.send(frames) == .queued { return }
                    socket.waitWritable(milliseconds: 50)
                } catch {
                    throw BusError(.failed, error.description)
                }
            }
            throw BusError(.timeout, "the artifact server is not there; is the registry running?")
        }

        func chunk() throws(BusError) -> ArtifactChunk {
            do { return try ArtifactChunk(frames: try receive(.artifactChunk)) } catch let error as WireError {
                throw BusError(error.code, error.message)
            } catch {
                throw (error as? BusError) ?? BusError(.failed, "\(error)")
            }
        }

        func open() throws(BusError) -> ArtifactOpen {
            do { return try EventCoding.decode(ArtifactOpen.self, from: try receive(.artifactOpen).last ?? []) } catch {
                throw (error as? BusError) ?? BusError(.badFrame, "\(error)")
            }
        }

        private func receive(_ expected: Command) throws(BusError) -> Frames {
            let deadline = ContinuousClock.now + ArtifactClient.silenceMax
            do {
                while ContinuousClock.now < deadline {
                    socket.waitReadable(milliseconds: 100)
                    guard case .message(let frames) = try socket.receive(), let first = frames.first else { continue }
                    let header = try CommandHeader(first)
                    if header.command == expected { return frames }
                    if header.command == .error, frames.count == 2 {
                        throw BusError(try EventCoding.decode(Refusal.self, from: frames[1]))
                    }
                }
            } catch {
                throw (error as? BusError) ?? BusError(.failed, "\(error)")
            }
            throw BusError(.timeout, "the artifact server does not answer; is the registry running?")
        }
    }
}
