import FoundationEssentials
import Glibc
import ModelContainer

/// The files of the key pair that signs models.
struct KeyPair: Sendable {
    let secretPath: String
    let publicPath: String
    /// The first digits of the public key's SHA-256.
    let keyID: String
    /// Whether the pair was made just now.
    let isNew: Bool

    /// Reads the pair in `directory`, or makes it when it is missing.
    /// - Throws: ``CommandError`` when a file cannot be read or written or holds no key, or the two do not belong
    ///   together.
    static func ensure(in directory: String) throws -> KeyPair {
        let secretPath = "\(directory)/signing.key"
        let publicPath = "\(directory)/signing.pub"
        try makeDirectory(directory)
        let secret: SigningKey
        let isNew: Bool
        if let data = FileManager.default.contents(atPath: secretPath) {
            do { secret = try SigningKey(text: String(decoding: data, as: UTF8.self)) } catch {
                throw CommandError("\(secretPath): \(error); restore it, or remove both files to make a new pair")
            }
            isNew = false
        } else {
            guard !FileManager.default.fileExists(atPath: secretPath) else {
                throw CommandError("\(secretPath) cannot be read; check its owner and rights")
            }
            secret = SigningKey.generate()
            try write(secret.secretText + "\n", to: secretPath, mode: 0o600)
            isNew = true
        }
        let verification = secret.verificationKey
        if let data = FileManager.default.contents(atPath: publicPath) {
            let known = try? VerificationKey(text: String(decoding: data, as: UTF8.self))
            guard known?.keyID == verification.keyID else {
                throw CommandError(
                    "\(publicPath) does not belong to \(secretPath); remove it to have it written anew"
                )
            }
        } else {
            try write(verification.text + "\n", to: publicPath, mode: 0o644)
        }
        return KeyPair(secretPath: secretPath, publicPath: publicPath, keyID: verification.keyID, isNew: isNew)
    }

    /// Makes a directory that its owner alone may enter, and those above it.
    static func makeDirectory(_ path: String) throws(CommandError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw CommandError("\(path) cannot be made: \(String(cString: strerror(errno))); choose another --data")
        }
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws(CommandError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw CommandError("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw CommandError("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
