import Bus
import Glibc
import Synchronization
import ZeroMQ

/// Stands between clients and the broker's sockets and does to their connections what networks do.
final class ChaosProxy: Sendable {
    /// What happens to bytes on their way.
    struct Weather: Sendable {
        /// Each piece comes so much later, and up to ``jitterMs`` more.
        var delayMs = 0
        var jitterMs = 0
        /// Nothing gets through towards the broker, or from it; it waits and comes afterwards.
        var holdsUp = false
        var holdsDown = false
        /// Bytes in one piece; with a delay that makes a slow line.
        var pieceBytesMax = 64 << 10
    }

    private struct State {
        var weather = Weather()
        var connections: [Int: (Int32, Int32)] = [:]
        var count = 0
        var isStopped = false
        /// Connections that are cut in the midst of the next piece.
        var cuts: Set<Int> = []
    }

    private let state = Mutex(State())
    /// Where clients connect.
    let directory: String

    /// Listens in `directory` for the sockets of `target`.
    init(directory: String, target: String) throws(CommandError) {
        self.directory = directory
        for row in [SocketTable.command, SocketTable.ingress, SocketTable.fanOut] {
            let listener = try Self.listen("\(directory)/\(row.file).sock")
            let path = "\(target)/\(row.file).sock"
            _ = DedicatedThread("proxy") { [self] in
                while true {
                    let client = accept(listener, nil, nil)
                    guard client >= 0, !state.withLock({ $0.isStopped }) else { break }
                    take(client, path)
                }
                close(listener)
            }
        }
    }

    func set(_ weather: Weather) { state.withLock { $0.weather = weather } }

    /// Ends all connections; in the midst of a message, if one is on its way.
    func cut() { state.withLock { state in state.cuts.formUnion(state.connections.keys) } }

    /// Ends all connections now.
    func reset() {
        state.withLock { state in
            for (client, broker) in state.connections.values {
                shutdown(client, Int32(SHUT_RDWR))
                shutdown(broker, Int32(SHUT_RDWR))
            }
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        reset()
        for row in [SocketTable.command, SocketTable.ingress, SocketTable.fanOut] {
            let path = "\(directory)/\(row.file).sock"
            // One more connection, so that the thread that accepts sees the end.
            let last = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            _ = Self.withAddress(path) { connect(last, $0, $1) }
            close(last)
            unlink(path)
        }
    }

    private func take(_ client: Int32, _ path: String) {
        let broker = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard Self.withAddress(path, { connect(broker, $0, $1) }) == 0 else {
            close(client)
            close(broker)
            return
        }
        let id = state.withLock { state in
            state.count += 1
            state.connections[state.count] = (client, broker)
            return state.count
        }
        let open = OpenEnds(2)
        for (from, to, isUp) in [(client, broker, true), (broker, client, false)] {
            _ = DedicatedThread("proxy") { [self] in
                carry(id, from, to, isUp)
                shutdown(from, Int32(SHUT_RDWR))
                shutdown(to, Int32(SHUT_RDWR))
                guard open.end() else { return }
                state.withLock { $0.connections[id] = nil }
                close(client)
                close(broker)
            }
        }
    }

    private func carry(_ id: Int, _ from: Int32, _ to: Int32, _ isUp: Bool) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let weather = state.withLock { $0.weather }
            var count = recv(from, &buffer, min(buffer.count, weather.pieceBytesMax), 0)
            guard count > 0 else { return }
            let delay = weather.delayMs + (weather.jitterMs > 0 ? Int.random(in: 0...weather.jitterMs) : 0)
            Self.pause(milliseconds: delay)
            while state.withLock({ (isUp ? $0.weather.holdsUp : $0.weather.holdsDown) && !$0.isStopped }) {
                Self.pause(milliseconds: 5)
            }
            let isCut = state.withLock { $0.cuts.remove(id) != nil }
            if isCut { count = max(1, count / 2) }
            var sent = 0
            while sent < count {
                let written = buffer.withUnsafeBytes {
                    Glibc.send(to, $0.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { return }
                sent += written
            }
            if isCut { return }
        }
    }

    private static func pause(milliseconds: Int) {
        if milliseconds > 0 { poll(nil, 0, Int32(milliseconds)) }
    }

    private static func listen(_ path: String) throws(CommandError) -> Int32 {
        unlink(path)
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard listener >= 0, withAddress(path, { bind(listener, $0, $1) }) == 0, Glibc.listen(listener, 64) == 0 else {
            throw CommandError("\(path) cannot be listened on: \(String(cString: strerror(errno)))")
        }
        return listener
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}

/// Counts ends down; says who was the last.
private final class OpenEnds: Sendable {
    private let count: Mutex<Int>

    init(_ count: Int) { self.count = Mutex(count) }

    func end() -> Bool {
        count.withLock { count in
            count -= 1
            return count == 0
        }
    }
}
