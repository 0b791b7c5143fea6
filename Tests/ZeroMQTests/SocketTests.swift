import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import ZeroMQ

/// A directory of its own for one test's sockets, removed afterwards.
private final class SocketDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/hexloop-zmq-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func endpoint(_ name: String) -> String { "ipc://\(path)/\(name)" }
}

/// Waits for the next message; libzmq wakes the poll, nothing sleeps.
private func receive(_ socket: borrowing Socket) throws -> Socket.Reception {
    for _ in 0..<1000 {
        let reception = try socket.receive()
        if reception != .none { return reception }
        socket.waitReadable(milliseconds: 50)
    }
    return .none
}

private func send(_ frames: [[UInt8]], _ socket: borrowing Socket) throws {
    for _ in 0..<1000 {
        if try socket.send(frames) == .queued { return }
        socket.waitWritable(milliseconds: 50)
    }
    Issue.record("the message was never taken")
}

@Suite("Sockets carry messages whole or not at all", .timeLimit(.minutes(1)))
struct SocketTests {
    @Test("a dealer and a router talk over a local socket and over TCP on any free port", arguments: ["ipc", "tcp"])
    func conversation(_ transport: String) throws {
        let directory = try SocketDirectory()
        let context = try Context()
        let router = try Socket(context, .router)
        try router.bind(transport == "ipc" ? directory.endpoint("a.sock") : "tcp://127.0.0.1:*")
        let dealer = try Socket(context, .dealer)
        try dealer.connect(router.lastEndpoint())
        try send([[1], [], [2, 3]], dealer)
        guard case .message(let frames) = try receive(router) else {
            Issue.record("nothing came")
            return
        }
        #expect(Array(frames.dropFirst()) == [[1], [], [2, 3]])
        try send([frames[0], [9]], router)
        #expect(try receive(dealer) == .message([[9]]))
        #expect(try dealer.receive() == .none)
    }

    @Test("a subscriber gets what begins with its prefix, once the publisher knows of it")
    func prefixes() throws {
        let directory = try SocketDirectory()
        let context = try Context()
        let publisher = try Socket(context, .extendedPublisher)
        try publisher.bind(directory.endpoint("p.sock"))
        let subscriber = try Socket(context, .subscriber)
        subscriber.subscribe("t/a/")
        try subscriber.connect(directory.endpoint("p.sock"))
        #expect(try receive(publisher) == .message([[1] + Array("t/a/".utf8)]))
        for topic in ["t/ab/", "t/a/x/", "e/"] { try send([Array(topic.utf8), [1]], publisher) }
        #expect(try receive(subscriber) == .message([Array("t/a/x/".utf8), [1]]))
        subscriber.unsubscribe("t/a/")
        #expect(try receive(publisher) == .message([[0] + Array("t/a/".utf8)]))
    }

    @Test("a message over the limits is dropped as a whole and named by its first frame")
    func oversize() throws {
        let directory = try SocketDirectory()
        let context = try Context()
        let router = try Socket(context, .router)
        try router.bind(directory.endpoint("a.sock"))
        let dealer = try Socket(context, .dealer)
        try dealer.connect(directory.endpoint("a.sock"))
        try send([[UInt8]](repeating: [7], count: Socket.framesMax - 1), dealer)
        try send([[UInt8]](repeating: [7], count: Socket.framesMax), dealer)
        try send([[UInt8]](repeating: [UInt8](repeating: 1, count: 900_000), count: 3), dealer)
        try send([[8]], dealer)
        guard case .message(let whole) = try receive(router) else {
            Issue.record("a message at the limit was dropped")
            return
        }
        #expect(whole.count == Socket.framesMax)
        #expect(try receive(router) == .oversized(firstFrame: whole[0]))
        #expect(try receive(router) == .oversized(firstFrame: whole[0]))
        #expect(try receive(router) == .message([whole[0], [8]]))
    }

    @Test("a frame over the limit costs its sender the connection, not the receiver its memory")
    func oversizeFrame() throws {
        let directory = try SocketDirectory()
        let context = try Context()
        let router = try Socket(context, .router)
        try router.bind(directory.endpoint("a.sock"))
        let poisoned = try Socket(context, .dealer)
        try poisoned.connect(directory.endpoint("a.sock"))
        try send([[UInt8](repeating: 1, count: (1 << 20) + 1)], poisoned)
        let dealer = try Socket(context, .dealer)
        try dealer.connect(directory.endpoint("a.sock"))
        try send([[8]], dealer)
        guard case .message(let frames) = try receive(router) else {
            Issue.record("nothing came")
            return
        }
        #expect(frames[1] == [8])
    }

    @Test("a router says that a peer is not there, and a dealer that nobody is connected")
    func unreachable() throws {
        let directory = try SocketDirectory()
        let context = try Context()
        var options = SocketOptions()
        options.mandatory = true
        options.immediate = true
        let router = try Socket(context, .router, options: options)
        try router.bind(directory.endpoint("a.sock"))
        #expect(try router.send([[1, 2, 3, 4, 5], [1]]) == .unreachable)
        let dealer = try Socket(context, .dealer, options: options)
        try dealer.connect(directory.endpoint("nobody.sock"))
        #expect(try dealer.send([[1]]) == .full)
    }

    @Test("a peer that does not read fills its queue, and the sender is told")
    func full() throws {
        let directory = try SocketDirectory()
        let context = try Context()
        var options = SocketOptions()
        options.mandatory = true
        options.sendHighWaterMark = 4
        options.receiveHighWaterMark = 4
        let router = try Socket(context, .router, options: options)
        try router.bind(directory.endpoint("a.sock"))
        let dealer = try Socket(context, .dealer, options: options)
        try dealer.connect(directory.endpoint("a.sock"))
        try send([[1]], dealer)
        guard case .message(let frames) = try receive(router) else {
            Issue.record("nothing came")
            return
        }
        let large = [UInt8](repeating: 0, count: 200_000)
        var outcome = Socket.SendOutcome.queued
        for _ in 0..<1000 where outcome == .queued { outcome = try router.send([frames[0], large]) }
        #expect(outcome == .full)
    }

    @Test("what cannot be bound or connected says why and what to do")
    func errors() throws {
        let directory = try SocketDirectory()
        let context = try Context()
        let first = try Socket(context, .router)
        try first.bind("tcp://127.0.0.1:*")
        func message(_ body: () throws(ZeroMQError) -> Void) -> String {
            do { try body() } catch { return error.description }
            return "no error"
        }
        let second = try Socket(context, .router)
        let taken = message { () throws(ZeroMQError) in try second.bind(first.lastEndpoint()) }
        #expect(taken.contains("another program is bound to it"))
        let missing = message { () throws(ZeroMQError) in try second.bind("ipc://\(directory.path)/none/a.sock") }
        #expect(missing.contains("directory of the socket does not exist"))
        let long = message { () throws(ZeroMQError) in
            try second.bind("ipc:///tmp/" + String(repeating: "a", count: 120))
        }
        #expect(long.contains("107 characters"))
        let bad = message { () throws(ZeroMQError) in try second.connect("carrier-pigeon://x") }
        #expect(bad.hasPrefix("connect to carrier-pigeon://x: "))
        #expect(Context.libraryVersion.split(separator: ".").count == 3)
    }
}

@Suite("A mailbox wakes its owner for every command", .timeLimit(.minutes(1)))
struct MailboxTests {
    @Test("nothing is lost or reordered between many threads")
    func threads() {
        let mailbox = Mailbox<(thread: Int, number: Int)>()
        let threads = (0..<4).map { thread in
            DedicatedThread("post-\(thread)") {
                for number in 0..<5000 { mailbox.post((thread, number)) }
            }
        }
        var (count, next) = (0, [Int](repeating: 0, count: 4))
        while count < 20_000 {
            mailbox.wait(milliseconds: 10_000)
            let commands = mailbox.drain()
            if commands.isEmpty { break }
            for command in commands {
                #expect(command.number == next[command.thread])
                next[command.thread] += 1
            }
            count += commands.count
        }
        #expect(count == 20_000)
        for thread in threads { thread.join() }
    }

    @Test("a closed mailbox gives back what was not drained and takes nothing more")
    func closing() {
        let mailbox = Mailbox<Int>()
        #expect(mailbox.post(1))
        #expect(mailbox.drain() == [1])
        #expect(mailbox.post(2))
        #expect(mailbox.closeAndDrain() == [2])
        #expect(!mailbox.post(3))
        #expect(mailbox.drain().isEmpty)
    }
}

/// Counts what happens on a reactor's thread; a socket echoes.
private final class Echo: ReactorBody {
    enum Command: Sendable {
        case add(Int)
        case echo([UInt8])
    }

    private let context: Context
    private let router: Socket
    private let dealer: Socket
    private let heard: @Sendable (Int) -> Void
    private let closed: @Sendable (Int) -> Void
    private var sum = 0

    init(_ endpoint: String, heard: @escaping @Sendable (Int) -> Void, closed: @escaping @Sendable (Int) -> Void) throws
    {
        context = try Context()
        router = try Socket(context, .router)
        try router.bind(endpoint)
        dealer = try Socket(context, .dealer)
        try dealer.connect(endpoint)
        self.heard = heard
        self.closed = closed
    }

    func prepare(_ set: inout PollSet) { set.add(router) }

    func handle(_ command: Command) {
        switch command {
        case .add(let number): sum += number
        case .echo(let bytes): _ = try? dealer.send([bytes])
        }
    }

    func turn() -> Duration {
        while case .message(let frames)? = try? router.receive() { heard(frames[1].count) }
        return .seconds(30)
    }

    func close(undelivered: [Command]) { closed(sum) }
}

@Suite("A reactor runs one thread around sockets and a mailbox", .timeLimit(.minutes(1)))
struct ReactorTests {
    @Test("commands and messages wake it, and stopping runs what came before")
    func wakeUps() async throws {
        let directory = try SocketDirectory()
        let endpoint = directory.endpoint("echo.sock")
        let (heard, hear) = AsyncStream.makeStream(of: Int.self)
        let total = Mutex(0)
        let reactor = Reactor<Echo.Command>("echo") { _ in
            try Echo(endpoint, heard: { hear.yield($0) }, closed: { sum in total.withLock { $0 = sum } })
        } failed: {
            Issue.record("\($0)")
        }
        var sizes = heard.makeAsyncIterator()
        for size in 1...20 {
            #expect(reactor.post(.echo([UInt8](repeating: 0, count: size))))
            #expect(await sizes.next() == size)
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<250 { reactor.post(.add(1)) } }
            }
        }
        reactor.stop()
        reactor.join()
        reactor.join()
        #expect(total.withLock { $0 } == 2000)
        #expect(!reactor.post(.add(1)))
    }

    @Test("when it cannot start, the reason and the commands that came before are given back")
    func startFailure() async throws {
        let (events, happened) = AsyncStream.makeStream(of: String.self)
        let gate = Mailbox<Int>()
        let reactor = Reactor<Echo.Command>("echo") { _ in
            gate.wait(milliseconds: 30_000)
            return try Echo("ipc:///tmp/hexloop-no-such-directory/a.sock", heard: { _ in }, closed: { _ in })
        } undelivered: { commands in
            happened.yield("undelivered \(commands.count)")
        } failed: { error in
            happened.yield("\(error)")
        }
        #expect(reactor.post(.add(1)))
        #expect(reactor.post(.add(2)))
        gate.post(1)
        var iterator = events.makeAsyncIterator()
        #expect(await iterator.next()?.contains("directory of the socket does not exist") == true)
        #expect(await iterator.next() == "undelivered 2")
        reactor.join()
        #expect(!reactor.post(.add(3)))
    }

    @Test("a thread that nobody joins leaves nothing behind, and one may be joined twice")
    func threads() async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        for _ in 0..<50 { _ = DedicatedThread("short") { end.yield() } }
        var iterator = ends.makeAsyncIterator()
        for _ in 0..<50 { await iterator.next() }
        let thread = DedicatedThread("a name longer than fifteen") {}
        thread.join()
        thread.join()
    }
}
