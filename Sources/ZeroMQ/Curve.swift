internal import CZeroMQ
import Glibc

/// A pair of CURVE keys (RFC 26), each as 40 characters of Z85.
public struct CurveKeyPair: Sendable, Hashable {
    /// Characters of a key.
    public static let keyCharacters = 40

    /// What others may know.
    public let publicKey: String
    /// What nobody else may know.
    public let secretKey: String

    /// A pair that was made before.
    public init(publicKey: String, secretKey: String) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// Makes a new pair.
    /// - Throws: ``ZeroMQError`` when this libzmq has no CURVE.
    public static func generate() throws(ZeroMQError) -> CurveKeyPair {
        var publicKey = [CChar](repeating: 0, count: keyCharacters + 1)
        var secretKey = publicKey
        guard unsafe zmq_curve_keypair(&publicKey, &secretKey) == 0 else { throw ZeroMQError("make a CURVE key pair") }
        return CurveKeyPair(publicKey: text(publicKey), secretKey: text(secretKey))
    }

    /// The public half of a secret key; nil when the text is no key.
    public static func publicKey(of secretKey: String) -> String? {
        guard isKey(secretKey) else { return nil }
        var publicKey = [CChar](repeating: 0, count: keyCharacters + 1)
        guard unsafe zmq_curve_public(&publicKey, secretKey) == 0 else { return nil }
        return text(publicKey)
    }

    /// Whether `text` can be a key: 40 characters of Z85.
    public static func isKey(_ text: String) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 32)
        guard text.utf8.count == keyCharacters else { return false }
        return unsafe zmq_z85_decode(&bytes, text) != nil
    }

    /// The text of a key's 32 bytes; nil for another number of bytes.
    static func text(ofKey bytes: [UInt8]) -> String? {
        guard bytes.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: keyCharacters + 1)
        guard unsafe zmq_z85_encode(&text, bytes, bytes.count) != nil else { return nil }
        return Self.text(text)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// How a socket proves who it is and hides what it says. All connections of a socket use the same.
public enum CurveOptions: Sendable, Hashable {
    /// The side that is known by its public key. Whom it lets in, the ``Authenticator`` of its context says; without
    /// one nobody gets in, because ZAP is enforced.
    case server(secretKey: String, domain: String)
    /// The side that knows the server's public key and shows its own.
    case client(serverKey: String, keys: CurveKeyPair)
}
