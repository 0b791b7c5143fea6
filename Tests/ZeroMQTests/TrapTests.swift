import CZeroMQ
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import ZeroMQ

/// The traps of libzmq that `docs/libzmq.md` lists, each with real sockets; its number stands in the test's name.
@Suite("What libzmq does to those who trust it is guarded against", .timeLimit(.minutes(1)))
struct TrapTests {
    private let directory: TrapDirectory
    private let context: Context

    init() throws {
        directory = try TrapDirectory()
        context = try Context()
    }

    private func receive(_ socket: borrowing Socket) throws -> [[UInt8]]? {
        for _ in 0..<600 {
            if case .message(let frames) = try socket.receive() { return frames }
            socket.waitReadable(milliseconds: 50)
        }
        return nil
    }

    private func send(_ frames: [[UInt8]], _ socket: borrowing Socket) throws {
        for _ in 0..<600 {
            if try socket.send(frames) == .queued { return }
            socket.waitWritable(milliseconds: 50)
        }
        Issue.record("the message was never taken")
    }

    private static let kinds: [SocketKind] = [.router, .dealer, .publisher, .subscriber, .extendedPublisher]

    // MARK: Options

    @Test(
        "T1, T2, T14, T21: heartbeats are off, linger is short, keepalive is on, frames are bounded",
        arguments: kinds
    )
    func options(_ kind: SocketKind) throws {
        let socket = try Socket(context, kind)
        #expect(socket.option(ZMQ_HEARTBEAT_IVL) == 0)
        #expect(socket.option(ZMQ_LINGER) == 0)
        #expect(socket.option(ZMQ_TCP_KEEPALIVE) == 1)
        #expect(socket.option(ZMQ_TCP_KEEPALIVE_IDLE) == 30)
        #expect(socket.option(ZMQ_TCP_KEEPALIVE_INTVL) == 5)
        #expect(socket.option(ZMQ_TCP_KEEPALIVE_CNT) == 3)
        #expect(socket.option(ZMQ_TCP_MAXRT) == 15_000)
        #expect(socket.option(ZMQ_HANDSHAKE_IVL) == 5000)
        #expect(socket.option(ZMQ_RECONNECT_IVL) == 100)
        #expect(socket.option(ZMQ_RECONNECT_IVL_MAX) == 5000)
        #expect(socket.option(ZMQ_SNDHWM) == 4096)
        #expect(socket.option(ZMQ_RCVHWM) == 4096)
        #expect(socket.frameBytesMax == 1 << 20)
        socket.setLinger(milliseconds: 2000)
        #expect(socket.option(ZMQ_LINGER) == 2000)
    }

    @Test("T20: two threads do transport, so that a slow look-up of a name on one leaves the other")
    func transportThreads() throws { #expect(context.ioThreads == 2) }

    // MARK: Peers that stall

    @Test(
        "T1: a receiver that stalls with its queue full, for as long as it likes, aborts nobody, and then gets everything"
    )
    func stalledReceiver() throws {
        let router = try Socket(context, .router)
        try router.bind(directory.endpoint("a.sock"))
        var options = SocketOptions()
        options.receiveHighWaterMark = 4
        let dealer = try Socket(context, .dealer, options: options)
        try dealer.connect(directory.endpoint("a.sock"))
        try send([[1]], dealer)
        let peer = try #require(try receive(router))[0]
        // Longer than heartbeats of a second and their timeout would need to find the pipe full; the wait is for a
        // message that nobody sends.
        let mailbox = Mailbox<Int>()
        var queued = 0
        while queued < 400, try router.send([peer, [UInt8](repeating: 0, count: 60_000)]) == .queued { queued += 1 }
        mailbox.wait(milliseconds: 1500)
        for _ in 0..<queued { #expect(try receive(dealer)?[0].count == 60_000) }
        #expect(try dealer.receive() == .none)
    }

    @Test("T3: a router says of every message whether it was queued, and each that was queued arrives")
    func mandatory() throws {
        var options = SocketOptions()
        options.mandatory = true
        options.sendHighWaterMark = 100
        options.receiveHighWaterMark = 100
        let router = try Socket(context, .router, options: options)
        try router.bind(directory.endpoint("a.sock"))
        let dealer = try Socket(context, .dealer, options: options)
        try dealer.connect(directory.endpoint("a.sock"))
        try send([[1]], dealer)
        let peer = try #require(try receive(router))[0]
        var (queued, refused) = (0, 0)
        for number in 0..<20_000 {
            switch try router.send([peer, withUnsafeBytes(of: UInt32(number)) { Array($0) }]) {
            case .queued: queued += 1
            case .full: refused += 1
            case .unreachable: Issue.record("the peer is there")
            }
        }
        #expect(queued + refused == 20_000)
        for _ in 0..<queued { #expect(try receive(dealer) != nil) }
        #expect(try dealer.receive() == .none)
        #expect(try router.send([[9, 9, 9], [1]]) == .unreachable)
    }

    @Test("T5, T6: a subscriber that stalls keeps nobody waiting, and what is held for it is its high-water marks")
    func stalledSubscriber() throws {
        var options = SocketOptions()
        options.sendHighWaterMark = 500
        let publisher = try Socket(context, .extendedPublisher, options: options)
        try publisher.bind(directory.endpoint("p.sock"))
        let stalled = RawPeer(context, ZMQ_SUB)
        stalled.set(ZMQ_RCVHWM, 16)
        stalled.set(ZMQ_SUBSCRIBE, [])
        stalled.connect(directory.endpoint("p.sock"))
        #expect(try receive(publisher)?[0] == [1])
        let reader = try Socket(context, .subscriber)
        reader.subscribe("t/")
        try reader.connect(directory.endpoint("p.sock"))
        #expect(try receive(publisher)?[0] == [1] + Array("t/".utf8))
        let (count, size) = (2500, 16_384)
        for number in 0..<count {
            let body = [UInt8](repeating: UInt8(number & 0xFF), count: size)
            #expect(try publisher.send([Array("t/".utf8), body]) == .queued, "the topic is blocked for all")
            // The one that reads gets every message while the other sleeps.
            #expect(try receive(reader)?[1].first == UInt8(number & 0xFF))
        }
        var held = 0
        while stalled.receive(milliseconds: 200) != nil { held += 1 }
        // Two frames each. Beyond the marks only the kernel's buffers of a local socket hold any.
        let most = 500 + 16 + 1_000_000 / size
        #expect(held / 2 <= most, "\(held / 2) of \(count) were held for a subscriber that does not read")
    }

    @Test("T6: a high-water mark counts messages of one peer, so the bound in bytes is mark x frame x peers")
    func highWaterMark() throws {
        var options = SocketOptions()
        options.mandatory = true
        options.sendHighWaterMark = 10
        options.receiveHighWaterMark = 10
        let router = try Socket(context, .router, options: options)
        try router.bind("inproc://marks")
        let dealers = [
            try Holder(Socket(context, .dealer, options: options)),
            try Holder(Socket(context, .dealer, options: options)),
        ]
        var peers: [[UInt8]] = []
        for dealer in dealers {
            try dealer.socket.connect("inproc://marks")
            try send([[1]], dealer.socket)
            peers.append(try #require(try receive(router))[0])
        }
        for peer in peers {
            var queued = 0
            while try router.send([peer, [1], [2], [3]]) == .queued { queued += 1 }
            // T24: within a process the marks of both sides add up, and nothing else holds a message.
            #expect(queued == 20)
        }
    }

    // MARK: Peers that cheat

    @Test("T4: a thief with the same routing id is not heard and gets nothing, chosen or given by the router")
    func thief() throws {
        let router = try Socket(context, .router)
        try router.bind(directory.endpoint("a.sock"))
        let victim = RawPeer(context, ZMQ_DEALER)
        victim.set(ZMQ_ROUTING_ID, Array("worker".utf8))
        victim.connect(directory.endpoint("a.sock"))
        victim.send(Array("mine".utf8))
        #expect(try receive(router) == [Array("worker".utf8), Array("mine".utf8)])
        let thief = RawPeer(context, ZMQ_DEALER)
        thief.set(ZMQ_ROUTING_ID, Array("worker".utf8))
        thief.connect(directory.endpoint("a.sock"))
        thief.send(Array("stolen".utf8))
        // Our own clients choose no id; the router gives them one that begins with a zero byte.
        let honest = try Socket(context, .dealer)
        try honest.connect(directory.endpoint("a.sock"))
        try send([Array("hello".utf8)], honest)
        let given = try #require(try receive(router))
        #expect(given[0].count == 5 && given[0][0] == 0)
        #expect(given[1] == Array("hello".utf8), "what the thief says is not heard")
        let copier = RawPeer(context, ZMQ_DEALER)
        copier.set(ZMQ_ROUTING_ID, given[0])
        copier.connect(directory.endpoint("a.sock"))
        copier.send(Array("stolen".utf8))
        try send([given[0], Array("welcome".utf8)], router)
        #expect(try receive(honest) == [Array("welcome".utf8)])
        #expect(copier.receive(milliseconds: 100) == nil)
        try send([Array("worker".utf8), Array("secret".utf8)], router)
        #expect(victim.receive(milliseconds: 10_000) == Array("secret".utf8))
        #expect(thief.receive(milliseconds: 100) == nil)
    }

    @Test("T25: the ids that routers give begin at random, so nobody can take the next one before its turn")
    func unguessable() throws {
        var starts: Set<[UInt8]> = []
        for number in 0..<6 {
            let router = try Socket(context, .router)
            try router.bind(directory.endpoint("r\(number).sock"))
            let dealer = try Socket(context, .dealer)
            try dealer.connect(directory.endpoint("r\(number).sock"))
            try send([[1]], dealer)
            // Zero, and the upper half of the counter.
            starts.insert(Array(try #require(try receive(router))[0].prefix(3)))
        }
        #expect(starts.count >= 4)
    }

    @Test("T16: a subscription of `v1/` is not one of `v10/`, and without the slash it would be")
    func prefixes() throws {
        let publisher = try Socket(context, .extendedPublisher)
        try publisher.bind(directory.endpoint("p.sock"))
        let strict = try Socket(context, .subscriber)
        let loose = try Socket(context, .subscriber)
        strict.subscribe("e/a/decay/v1/")
        loose.subscribe("e/a/decay/v1")
        try strict.connect(directory.endpoint("p.sock"))
        #expect(try receive(publisher) != nil)
        try loose.connect(directory.endpoint("p.sock"))
        #expect(try receive(publisher) != nil)
        for topic in ["e/a/decay/v10/x/", "e/a/decay/v1/x/"] { try send([Array(topic.utf8)], publisher) }
        #expect(try receive(strict) == [Array("e/a/decay/v1/x/".utf8)])
        #expect(try receive(loose) == [Array("e/a/decay/v10/x/".utf8)])
    }

    @Test("T18: what was queued for a subscriber that goes away is gone, so a reader must look for gaps")
    func lostWithTheConnection() throws {
        let publisher = try Socket(context, .extendedPublisher)
        try publisher.bind(directory.endpoint("p.sock"))
        do {
            let subscriber = try Socket(context, .subscriber)
            subscriber.subscribe("t/")
            try subscriber.connect(directory.endpoint("p.sock"))
            #expect(try receive(publisher) != nil)
            for number in UInt8(0)..<10 { try send([Array("t/".utf8), [number]], publisher) }
            #expect(try receive(subscriber)?[1] == [0])
        }
        #expect(try receive(publisher)?[0] == [0] + Array("t/".utf8))
        let again = try Socket(context, .subscriber)
        again.subscribe("t/")
        try again.connect(directory.endpoint("p.sock"))
        #expect(try receive(publisher) != nil)
        try send([Array("t/".utf8), [10]], publisher)
        #expect(try receive(again)?[1] == [10], "`previous` of a record is what shows that nine are missing")
    }

    // MARK: Threads, signals, ends

    @Test("T12: signals that interrupt every call lose and break nothing")
    func interrupted() throws {
        // Without SA_RESTART each signal ends a system call with EINTR.
        var (ours, before) = (sigaction(), sigaction())
        ours.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGUSR2, &ours, &before)
        defer { sigaction(SIGUSR2, &before, nil) }
        let endpoint = directory.endpoint("a.sock")
        let (context, count) = (context, 3000)
        let received = Mutex(0)
        let ended = Mailbox<Bool>()
        let ready = Mailbox<pthread_t>()
        let answered = Mailbox<Bool>()
        let reader = DedicatedThread("interrupted") {
            // A thread of somebody who does not block signals.
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
            do {
                let router = try Socket(context, .router)
                try router.bind(endpoint)
                ready.post(pthread_self())
                while received.withLock({ $0 }) < count {
                    router.waitReadable(milliseconds: 1000)
                    while case .message(let frames) = try router.receive() {
                        received.withLock { $0 += 1 }
                        _ = try router.send([frames[0], frames[1]])
                    }
                }
                // Closing drops what was not sent yet.
                answered.wait(milliseconds: 30_000)
            } catch { Issue.record("\(error)") }
            ended.post(true)
        }
        ready.wait(milliseconds: 30_000)
        let thread = try #require(ready.drain().first)
        let dealer = try Socket(context, .dealer)
        try dealer.connect(endpoint)
        for number in 0..<count {
            try send([[UInt8(number & 0xFF)]], dealer)
            pthread_kill(thread, SIGUSR2)
        }
        for number in 0..<count { try #require(try receive(dealer) == [[UInt8(number & 0xFF)]]) }
        answered.post(true)
        reader.join()
        #expect(ended.drain() == [true])
        #expect(received.withLock { $0 } == count)
    }

    @Test("T12: threads that own sockets take no signals at all")
    func masked() {
        let blocked = Mutex<[Int32]>([])
        DedicatedThread("masked") {
            var mask = sigset_t()
            pthread_sigmask(SIG_SETMASK, nil, &mask)
            for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE]
            where sigismember(&mask, signal) == 1 {
                blocked.withLock { $0.append(signal) }
            }
        }.join()
        #expect(blocked.withLock { $0.count } == 8)
    }

    @Test("T14, T24: contexts end at once with messages unsent, peers away and sockets of every kind")
    func ends() throws {
        for round in 0..<20 {
            let context = try Context()
            let bound = try Socket(context, .router)
            try bound.bind(directory.endpoint("end-\(round).sock"))
            let away = try Socket(context, .dealer)
            try away.connect(directory.endpoint("nobody-\(round).sock"))
            for _ in 0..<100 { _ = try away.send([[UInt8](repeating: 0, count: 10_000)]) }
            let publisher = try Socket(context, .publisher)
            try publisher.connect("tcp://127.0.0.1:1")
            _ = try publisher.send([[1]])
            // Here the context goes first by name, and last in truth: each socket holds it.
        }
    }
}

/// A directory of its own for one test's sockets, removed afterwards.
private final class TrapDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/hexloop-trap-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func endpoint(_ name: String) -> String { "ipc://\(path)/\(name)" }
}

/// Several sockets in an array.
private final class Holder {
    let socket: Socket

    init(_ socket: consuming Socket) { self.socket = socket }
}
