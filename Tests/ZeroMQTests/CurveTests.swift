import FoundationEssentials
import Glibc
import Testing

@testable import ZeroMQ

/// Waits for the next message and where it came from.
private func receive(_ socket: borrowing Socket) throws -> (Socket.Reception, Origin) {
    var origin = Origin.none
    for _ in 0..<1000 {
        let reception = try socket.receive(&origin)
        if reception != .none { return (reception, origin) }
        socket.waitReadable(milliseconds: 50)
    }
    return (.none, .none)
}

/// A bound socket with its authenticator and monitor.
private struct Door: ~Copyable {
    let context: Context
    let authenticator: Authenticator?
    let monitor: SocketMonitor
    let socket: Socket
    let server: CurveKeyPair

    init(_ kind: SocketKind, hasAuthenticator: Bool = true, grants: Bool = false) throws {
        let context = try Context()
        let server = try CurveKeyPair.generate()
        let authenticator = hasAuthenticator ? try Authenticator(context) : nil
        var options = SocketOptions()
        options.curve = .server(secretKey: server.secretKey, domain: "bus")
        options.grantsSubscriptions = grants
        options.mandatory = kind == .router
        let socket = try Socket(context, kind, options: options)
        let monitor = try SocketMonitor(context, socket, name: "door")
        if kind == .subscriber { socket.subscribe("") }
        try socket.bind("tcp://127.0.0.1:*")
        self.context = context
        self.server = server
        self.authenticator = authenticator
        self.monitor = monitor
        self.socket = socket
    }

    /// Lets in who is welcome until a message or a happening comes.
    func wait(_ isWelcome: (Applicant) -> Bool) throws -> (Socket.Reception, Origin, SocketMonitor.Event?) {
        var origin = Origin.none
        for _ in 0..<1000 {
            authenticator?.serve(isWelcome)
            let reception = try socket.receive(&origin)
            if reception != .none { return (reception, origin, nil) }
            while let event = monitor.next() {
                switch event {
                case .handshakeFailed, .closed: return (.none, .none, event)
                case .accepted: continue
                }
            }
            var set = PollSet(wake: -1)
            set.add(socket)
            monitor.prepare(&set)
            authenticator?.prepare(&set)
            set.wait(milliseconds: 50)
        }
        return (.none, .none, nil)
    }

    func client(_ kind: SocketKind, _ keys: CurveKeyPair?, serverKey: String? = nil) throws -> Socket {
        var options = SocketOptions()
        options.curve = keys.map { .client(serverKey: serverKey ?? server.publicKey, keys: $0) }
        let client = try Socket(context, kind, options: options)
        if kind == .subscriber { client.subscribe("e/a/") }
        try client.connect(socket.lastEndpoint())
        return client
    }
}

@Suite("CURVE lets in who is known", .timeLimit(.minutes(1)))
struct CurveTests {
    @Test("keys are 40 characters, and a secret key gives its public half")
    func keys() throws {
        #expect(Context.hasCurve)
        let pair = try CurveKeyPair.generate()
        #expect(CurveKeyPair.isKey(pair.publicKey) && CurveKeyPair.isKey(pair.secretKey))
        #expect(CurveKeyPair.publicKey(of: pair.secretKey) == pair.publicKey)
        #expect(!CurveKeyPair.isKey("short"))
        #expect(!CurveKeyPair.isKey(String(repeating: "\"", count: 40)))
        #expect(CurveKeyPair.publicKey(of: "short") == nil)
        var options = SocketOptions()
        options.curve = .server(secretKey: "short", domain: "bus")
        let context = try Context()
        #expect(throws: ZeroMQError.self) { _ = try Socket(context, .router, options: options) }
    }

    @Test("a message names its sender's key and connection, whichever socket it comes through")
    func origin() throws {
        for (server, client) in [(SocketKind.router, SocketKind.dealer), (.subscriber, .publisher)] {
            let door = try Door(server)
            let keys = try CurveKeyPair.generate()
            let peer = try door.client(client, keys)
            var found: (Socket.Reception, Origin, SocketMonitor.Event?) = (.none, .none, nil)
            var asked: Applicant?
            // A publisher drops what comes before the subscription does; it says it again.
            for _ in 0..<100 where found.0 == .none {
                _ = try peer.send([[1], [2, 3]])
                for _ in 0..<4 where found.0 == .none {
                    door.authenticator?.serve {
                        asked = $0
                        return true
                    }
                    var origin = Origin.none
                    found = (try door.socket.receive(&origin), origin, nil)
                    if found.0 == .none { door.socket.waitReadable(milliseconds: 20) }
                }
            }
            guard case .message(let frames) = found.0 else {
                Issue.record("nothing came")
                return
            }
            #expect(frames.suffix(2) == [[1], [2, 3]])
            #expect(found.1.key == keys.publicKey)
            #expect(asked == Applicant(key: keys.publicKey, domain: "bus", address: "127.0.0.1"))
            #expect(TCPConnection.peer(found.1.descriptor)?.hasPrefix("127.0.0.1:") == true)
            #expect(try #require(TCPConnection.bytesRead(found.1.descriptor)) > 3)
            #expect(TCPConnection.bytesRead(-1) == nil)
        }
    }

    @Test("an unknown key, no key, and a wrong server key are turned away and told apart")
    func refusals() throws {
        let door = try Door(.router)
        let keys = try CurveKeyPair.generate()
        let unknown = try door.client(.dealer, keys)
        _ = try unknown.send([[1]])
        var knocked: [String] = []
        var found = try door.wait {
            knocked.append($0.key)
            return false
        }
        #expect(found.0 == .none && found.2 == .handshakeFailed(.notWelcome))
        #expect(knocked.first == keys.publicKey)

        let second = try Door(.router)
        let wrong = try second.client(.dealer, keys, serverKey: try CurveKeyPair.generate().publicKey)
        _ = try wrong.send([[1]])
        found = try second.wait { _ in true }
        #expect(found.0 == .none && found.2 == .handshakeFailed(.wrongServerKey))

        let third = try Door(.router)
        let keyless = try third.client(.dealer, nil)
        _ = try keyless.send([[1]])
        found = try third.wait { _ in true }
        #expect(found.0 == .none)
        #expect([.handshakeFailed(.unfinished), .handshakeFailed(.otherProtocol)].contains(found.2))
    }

    @Test("without an authenticator nobody gets in (T15)")
    func failsClosed() throws {
        let door = try Door(.router, hasAuthenticator: false)
        let peer = try door.client(.dealer, try CurveKeyPair.generate())
        _ = try peer.send([[1]])
        let found = try door.wait { _ in true }
        #expect(found.0 == .none)
        #expect(found.2 != nil)
    }

    @Test("a subscription takes effect when it is granted, and not for a connection that is gone (T22)")
    func grants() throws {
        let door = try Door(.extendedPublisher, grants: true)
        let keys = try CurveKeyPair.generate()
        let topic = Array("e/a/".utf8)
        /// Reads on until somebody subscribes: those that left say so too.
        func subscriber() throws {
            while true {
                let (reception, origin, _) = try door.wait { _ in true }
                guard reception == .message([[1] + topic]) else { continue }
                #expect(origin.key == keys.publicKey)
                return
            }
        }
        let refused = try door.client(.subscriber, keys)
        try subscriber()
        for round in 0..<20 {
            let passing = try door.client(.subscriber, keys)
            try subscriber()
            door.socket.grantSubscription(topic)
            _ = try door.socket.send([topic, [UInt8(round)]])
            #expect(try receive(passing).0 == .message([topic, [UInt8(round)]]))
        }
        #expect(try refused.receive() == .none)
        door.socket.endSubscription(topic)
    }

    @Test("a connection that is cut takes an unfinished message with it")
    func cut() throws {
        let door = try Door(.router)
        let keys = try CurveKeyPair.generate()
        let peer = try door.client(.dealer, keys)
        _ = try peer.send([[1]])
        let (reception, origin, _) = try door.wait { _ in true }
        #expect(reception != .none)
        TCPConnection.cut(origin.descriptor)
        var event: SocketMonitor.Event?
        while event == nil { event = try door.wait { _ in true }.2 }
        #expect(event == .closed(origin.descriptor))
    }
}
