internal import CZeroMQ
import Glibc

/// Somebody who has proven to own a key and wants to come in.
public struct Applicant: Sendable, Hashable {
    /// The public key, in Z85.
    public let key: String
    /// The ``CurveOptions`` domain of the socket.
    public let domain: String
    /// The peer's IP address.
    public let address: String
}

/// Answers libzmq's question who may connect (ZAP, RFC 27), for all sockets of one context.
///
/// Make it before the first bind. A CURVE server of a context without an authenticator lets nobody in.
/// Owned by the thread that made it, like any ``Socket``.
public struct Authenticator: ~Copyable {
    /// Where libzmq asks; fixed by RFC 27.
    private static let endpoint = "inproc://zeromq.zap.01"
    /// Questions answered in one turn; the others wait, and with them their handshakes.
    public static let questionsPerTurnMax = 64

    private let socket: Socket

    /// Listens for the questions of a context's sockets.
    /// - Throws: ``ZeroMQError`` when the context has an authenticator already.
    public init(_ context: Context) throws(ZeroMQError) {
        let socket = try Socket(context, .reply)
        try socket.bind(Self.endpoint)
        self.socket = socket
    }

    /// Wakes the poll when somebody knocks.
    public func prepare(_ set: inout PollSet) { set.add(socket) }

    /// Answers the questions that wait. Whoever is let in has the key as ``Origin/key``.
    public func serve(_ isWelcome: (Applicant) -> Bool) {
        for _ in 0..<Self.questionsPerTurnMax {
            guard let reception = try? socket.receive(), reception != .none else { return }
            guard case .message(let frames) = reception, frames.count >= 2 else {
                _ = try? socket.send([[]])
                continue
            }
            var (status, text, user) = ("400", "not welcome", "")
            if frames.count == 7, frames[5] == Array("CURVE".utf8), let key = CurveKeyPair.text(ofKey: frames[6]) {
                let applicant = Applicant(
                    key: key,
                    domain: String(decoding: frames[2], as: UTF8.self),
                    address: String(decoding: frames[3], as: UTF8.self)
                )
                if isWelcome(applicant) { (status, text, user) = ("200", "OK", key) }
            }
            let answer = [Array("1.0".utf8), frames[1], Array(status.utf8), Array(text.utf8), Array(user.utf8), []]
            _ = try? socket.send(answer)
        }
    }
}

/// Where a message came from.
public struct Origin: Sendable, Hashable {
    /// The public key that the peer proved to own; nil on a socket without CURVE.
    public let key: String?
    /// The connection's file descriptor; -1 when libzmq does not say, as for what it writes itself.
    public let descriptor: Int32

    /// A message of libzmq itself.
    public static let none = Origin(key: nil, descriptor: -1)

    /// An origin from its parts.
    public init(key: String?, descriptor: Int32) {
        self.key = key
        self.descriptor = descriptor
    }
}
