import Glibc
import Synchronization
import ZeroMQ

/// Stands between clients and a server on local sockets, hands on what they say, and counts the bytes.
///
/// Faults are injected at a byte, not at a time: `onBytes` is called on the thread that moves them, before they go on.
final class CountingProxy: Sendable {
    private struct State {
        var down = 0
        var up = 0
        var descriptors: Set<Int32> = []
        var isClosed = false
        /// The byte to the client, counted from the first, that is flipped.
        var flipAt: Int?
    }

    private let listener: Int32
    private let state = Mutex(State())
    private let onBytes: @Sendable (_ down: Int, _ up: Int) -> Void
    private let target: String

    /// Listens at `path` for connections that it makes to `target`.
    init(
        _ path: String,
        to target: String,
        flipAt: Int? = nil,
        onBytes: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) throws {
        self.target = target
        self.onBytes = onBytes
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard Self.withAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, 64) == 0 else {
            throw ProxyError(description: "cannot listen at \(path): \(String(cString: strerror(errno)))")
        }
        state.withLock { $0.flipAt = flipAt }
        _ = DedicatedThread("proxy") { [self] in accept() }
    }

    /// Bytes to clients, and to the server.
    var counts: (down: Int, up: Int) { state.withLock { ($0.down, $0.up) } }

    /// Ends all connections.
    func close() {
        state.withLock { state in
            state.isClosed = true
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            guard Self.withAddress(target, { connect(server, $0, $1) }) == 0, keep([client, server]) else {
                Glibc.close(client)
                Glibc.close(server)
                continue
            }
            let pair = Pair(client: client, server: server)
            _ = DedicatedThread("proxy-up") { [self] in move(pair, isDown: false) }
            _ = DedicatedThread("proxy-down") { [self] in move(pair, isDown: true) }
        }
    }

    private final class Pair: Sendable {
        let client: Int32
        let server: Int32
        /// Directions that have ended.
        let ends = Atomic(0)

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }
    }

    private func keep(_ descriptors: [Int32]) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.descriptors.formUnion(descriptors)
            return true
        }
    }

    private func move(_ pair: Pair, isDown: Bool) {
        let (from, to) = isDown ? (pair.server, pair.client) : (pair.client, pair.server)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        moving: while true {
            let count = read(from, &buffer, buffer.count)
            guard count > 0 else { break }
            let (down, up, flip) = state.withLock { state -> (Int, Int, Int?) in
                var flip: Int?
                if isDown {
                    if let at = state.flipAt, (state.down..<state.down + count).contains(at) {
                        flip = at - state.down
                        state.flipAt = nil
                    }
                    state.down += count
                } else {
                    state.up += count
                }
                return (state.down, state.up, flip)
            }
            if let flip { buffer[flip] ^= 0x10 }
            onBytes(down, up)
            var done = 0
            while done < count {
                let written = buffer.withUnsafeBytes {
                    send(to, $0.baseAddress.map { $0 + done }, count - done, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break moving }
                done += written
            }
        }
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
        guard pair.ends.wrappingAdd(1, ordering: .relaxed).newValue == 2 else { return }
        state.withLock { state in
            state.descriptors.subtract([pair.client, pair.server])
            Glibc.close(pair.client)
            Glibc.close(pair.server)
        }
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        precondition(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

struct ProxyError: Error, CustomStringConvertible {
    let description: String
}
