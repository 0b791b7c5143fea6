import Events
import FoundationEssentials
public import ZeroMQ

/// What a program needs to be let in: its own pair, and the keys by which it knows the broker and the registry.
///
/// One JSON file for each identity; `docs/security.md` has its form. The broker and the registry find the secret key
/// that they are known by in theirs too.
public struct BusKey: Sendable, Hashable {
    /// A name for people; the access file says what the key gives.
    public let name: String
    /// The identity's own pair.
    public let keys: CurveKeyPair
    /// The broker's public key.
    public let busKey: String
    /// The public key of the registry's artifact socket.
    public let artifactsKey: String
    /// The secret key that a binding socket of this program is known by; nil for those that only connect.
    public let serverSecretKey: String?

    private struct File: Codable {
        var name: String
        var publicKey: String
        var secretKey: String
        var busKey: String
        var artifactsKey: String
        var serverSecretKey: String?
    }

    /// A key from its parts.
    public init(name: String, keys: CurveKeyPair, busKey: String, artifactsKey: String, serverSecretKey: String? = nil)
    {
        self.name = name
        self.keys = keys
        self.busKey = busKey
        self.artifactsKey = artifactsKey
        self.serverSecretKey = serverSecretKey
    }

    /// Reads a key file's JSON.
    /// - Throws: ``AccessError`` that names the field, never its value.
    public init(parsing bytes: [UInt8]) throws(AccessError) {
        let file: File
        do { file = try EventCoding.decode(File.self, from: bytes) } catch { throw AccessError(error.message) }
        let keys = [
            ("publicKey", file.publicKey), ("secretKey", file.secretKey), ("busKey", file.busKey),
            ("artifactsKey", file.artifactsKey), ("serverSecretKey", file.serverSecretKey ?? file.secretKey),
        ]
        for (field, key) in keys where !CurveKeyPair.isKey(key) {
            throw AccessError("field '\(field)' is not 40 characters of Z85")
        }
        guard CurveKeyPair.publicKey(of: file.secretKey) == file.publicKey else {
            throw AccessError("'publicKey' and 'secretKey' do not belong together")
        }
        self.init(
            name: file.name,
            keys: CurveKeyPair(publicKey: file.publicKey, secretKey: file.secretKey),
            busKey: file.busKey,
            artifactsKey: file.artifactsKey,
            serverSecretKey: file.serverSecretKey
        )
    }

    /// Reads a key file.
    /// - Throws: ``AccessError`` that names the file, and what is wrong with it.
    public init(path: String) throws(AccessError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw AccessError("\(path) cannot be read; it must be there and belong to this user")
        }
        do throws(AccessError) { try self.init(parsing: Array(data)) } catch {
            throw AccessError("\(path): \(error.description); make it with 'hexloop keys'")
        }
    }

    /// The key file's JSON.
    public func text() throws(AccessError) -> [UInt8] {
        let file = File(
            name: name,
            publicKey: keys.publicKey,
            secretKey: keys.secretKey,
            busKey: busKey,
            artifactsKey: artifactsKey,
            serverSecretKey: serverSecretKey
        )
        do { return try EventCoding.encodeForPeople(file) } catch { throw AccessError(error.message) }
    }

    /// For a socket that connects to the broker.
    public var toBus: CurveOptions { .client(serverKey: busKey, keys: keys) }

    /// For a socket that connects to the registry's artifacts.
    public var toArtifacts: CurveOptions { .client(serverKey: artifactsKey, keys: keys) }
}
