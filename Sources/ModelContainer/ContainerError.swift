public import ModelGraph

/// Why a container or a signature was refused.
public enum ContainerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file is shorter than a field of it says.
    case truncated(field: String, neededBytes: Int, actualBytes: Int)
    /// A field of the file has a value that it may not have.
    case invalid(field: String, reason: String)
    /// The file was written by a version that this reader does not know.
    case unsupportedVersion(UInt32)
    /// The bytes after the header do not hash to the header's SHA-256: the file was damaged.
    case damaged
    /// The container holds no tensor of this name.
    case missingTensor(String)
    /// The graph in the manifest does not fit its tensors.
    case graph(GraphError)
    /// A manifest or an envelope cannot be written as JSON.
    case unencodable(String)
    /// A key is not 32 bytes in base64, or the cryptography library refused it.
    case invalidKey(String)
    /// No signature of the envelope was made by the given key.
    case unknownKey(expected: String, found: [String])
    /// A signature by the given key does not match the envelope's contents.
    case badSignature(keyID: String)
    /// The envelope is genuine and signs another file.
    case digestMismatch(expected: String, signed: String)

    /// A stable name of the case, for messages between programs.
    public var code: String {
        switch self {
        case .truncated: "container.truncated"
        case .invalid: "container.invalid"
        case .unsupportedVersion: "container.unsupported-version"
        case .damaged: "container.damaged"
        case .missingTensor: "container.missing-tensor"
        case .graph: "container.graph"
        case .unencodable: "container.unencodable"
        case .invalidKey: "signature.invalid-key"
        case .unknownKey: "signature.unknown-key"
        case .badSignature: "signature.bad"
        case .digestMismatch: "signature.digest-mismatch"
        }
    }

    /// What went wrong, in one line for a log.
    public var description: String {
        switch self {
        case .truncated(let field, let needed, let actual):
            "\(field) needs \(needed) bytes, the file has \(actual)"
        case .invalid(let field, let reason): "\(field): \(reason)"
        case .unsupportedVersion(let version): "container version \(version) is not known"
        case .damaged: "the contents do not match their checksum"
        case .missingTensor(let name): "tensor '\(name)' is missing"
        case .graph(let error): "graph: \(error)"
        case .unencodable(let reason): "cannot be written as JSON: \(reason)"
        case .invalidKey(let reason): "invalid key: \(reason)"
        case .unknownKey(let expected, let found): "no signature by key \(expected), only by \(found)"
        case .badSignature(let keyID): "the signature by key \(keyID) does not match"
        case .digestMismatch(let expected, let signed): "the envelope signs \(signed), not \(expected)"
        }
    }
}
