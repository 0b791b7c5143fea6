import Crypto
import FoundationEssentials

/// A secret Ed25519 key that signs models.
public struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Reads a key: 32 bytes in base64, white space around it ignored.
    ///
    /// - Throws: ``ContainerError/invalidKey(_:)``.
    public init(text: String) throws(ContainerError) {
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: try KeyText.bytes(text))
        } catch let error as ContainerError {
            throw error
        } catch {
            throw .invalidKey("not an Ed25519 secret key")
        }
    }

    /// Reads a key file.
    ///
    /// - Throws: ``ContainerError/invalidKey(_:)`` that names the file.
    public init(file path: String) throws(ContainerError) {
        self = try KeyText.read(path) { text throws(ContainerError) in try SigningKey(text: text) }
    }

    private init(key: Curve25519.Signing.PrivateKey) {
        self.key = key
    }

    /// Makes a new random key.
    public static func generate() -> SigningKey {
        SigningKey(key: Curve25519.Signing.PrivateKey())
    }

    /// The key as ``init(text:)`` reads it. It is a secret: write it only to a file that its owner alone can read.
    public var secretText: String { key.rawRepresentation.base64EncodedString() }

    /// The key that verifies what this key signs.
    public var verificationKey: VerificationKey { VerificationKey(key: key.publicKey) }

    /// The first 16 hexadecimal digits of the SHA-256 of the public key.
    public var keyID: String { verificationKey.keyID }

    func signature(for message: [UInt8]) throws(ContainerError) -> [UInt8] {
        do {
            return [UInt8](try key.signature(for: message))
        } catch {
            throw .invalidKey("the key does not sign")
        }
    }
}

/// A public Ed25519 key that verifies signatures.
public struct VerificationKey: Sendable {
    private let key: Curve25519.Signing.PublicKey

    /// Reads a key: 32 bytes in base64, white space around it ignored.
    ///
    /// - Throws: ``ContainerError/invalidKey(_:)``.
    public init(text: String) throws(ContainerError) {
        do {
            key = try Curve25519.Signing.PublicKey(rawRepresentation: try KeyText.bytes(text))
        } catch let error as ContainerError {
            throw error
        } catch {
            throw .invalidKey("not an Ed25519 public key")
        }
    }

    /// Reads a key file.
    ///
    /// - Throws: ``ContainerError/invalidKey(_:)`` that names the file.
    public init(file path: String) throws(ContainerError) {
        self = try KeyText.read(path) { text throws(ContainerError) in try VerificationKey(text: text) }
    }

    init(key: Curve25519.Signing.PublicKey) {
        self.key = key
    }

    /// The key as ``init(text:)`` reads it.
    public var text: String { key.rawRepresentation.base64EncodedString() }

    /// The first 16 hexadecimal digits of the SHA-256 of the key.
    public var keyID: String { String(hexadecimal(SHA256.hash(data: key.rawRepresentation)).prefix(16)) }

    func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        key.isValidSignature(signature, for: message)
    }
}

/// The text form of a key file.
private enum KeyText {
    /// Reads a file as a key; every error names the file.
    static func read<Key>(_ path: String, _ parse: (String) throws(ContainerError) -> Key) throws(ContainerError) -> Key
    {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .invalidKey("cannot read \(path); 'hexloop keys init' makes a pair")
        }
        do { return try parse(String(decoding: data, as: UTF8.self)) } catch {
            throw .invalidKey("\(path): \(error); 'hexloop keys init' makes a new pair")
        }
    }

    static func bytes(_ text: String) throws(ContainerError) -> Data {
        let compact = text.filter { !$0.isWhitespace }
        guard let data = Data(base64Encoded: compact), data.count == 32 else {
            throw .invalidKey("not 32 bytes in base64")
        }
        return data
    }
}
