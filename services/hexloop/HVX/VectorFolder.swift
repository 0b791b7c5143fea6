import Conformance
import FoundationEssentials
import Glibc
import Storage

/// A folder of recorded vectors: `ops.json` with a file for each instruction, `kernels.json` with one for each case.
struct VectorFolder: Sendable {
    /// The largest file that is read.
    static let fileBytesMax = 1 << 30

    let path: String
    let operations: [RecordedOperation]
    let kernels: [GoldenKernel]

    /// Reads the lists.
    ///
    /// - Throws: ``CommandError`` when the folder has neither, or one of them cannot be read.
    init(reading path: String) throws {
        struct Operations: Decodable { let ops: [RecordedOperation] }
        struct Kernels: Decodable { let cases: [GoldenKernel] }
        self.path = path
        let operations = try Self.list("ops.json", in: path, Operations.self)
        let kernels = try Self.list("kernels.json", in: path, Kernels.self)
        guard operations != nil || kernels != nil else {
            throw CommandError(
                "\(path) has neither an ops.json nor a kernels.json; is it a folder of recorded vectors?"
            )
        }
        self.operations = operations?.ops ?? []
        self.kernels = kernels?.cases ?? []
    }

    /// The bytes of a file of the folder.
    ///
    /// - Throws: ``CommandError`` when it lies elsewhere, cannot be read, is too large, or is not the one of the list.
    func bytes(_ file: String, sha256: String?) throws(CommandError) -> [UInt8] {
        guard !file.isEmpty, !file.hasPrefix("/"), !file.split(separator: "/").contains("..") else {
            throw CommandError("\(file) does not lie in the folder")
        }
        let bytes = try Self.read("\(path)/\(file)", as: file)
        guard let bytes else { throw CommandError("\(file) is not there") }
        if let sha256 {
            let digest = BlobStore.digest(of: bytes)
            guard digest == sha256.lowercased() else {
                throw CommandError("\(file) has SHA-256 \(digest), the list says \(sha256)")
            }
        }
        return bytes
    }

    private static func list<List: Decodable>(_ file: String, in path: String, _: List.Type) throws -> List? {
        guard let bytes = try read("\(path)/\(file)", as: file) else { return nil }
        do { return try JSONDecoder().decode(List.self, from: Data(bytes)) } catch let error as DecodingError {
            throw CommandError("\(path)/\(file) is no list of vectors: \(error.place)")
        }
    }

    /// Nil when there is no such file.
    private static func read(_ path: String, as file: String) throws(CommandError) -> [UInt8]? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        // Reading a pipe would wait for someone who writes.
        guard status.st_mode & S_IFMT == S_IFREG else { throw CommandError("\(file) is no regular file") }
        guard status.st_size <= fileBytesMax else {
            throw CommandError("\(file) has \(status.st_size) bytes; more than \(fileBytesMax) are not read")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(file) cannot be read")
        }
        return [UInt8](data)
    }
}

/// An instruction of `ops.json`: `count` records of `recordBytes`, inputs and outputs at fixed places in each.
struct RecordedOperation: Decodable, Sendable {
    struct Operand: Decodable, Sendable {
        let name: String
        let kind: String
        let lane: String?
        let offset: Int
    }

    let name: String
    let file: String
    let inputs: [Operand]
    let outputs: [Operand]
    let recordBytes: Int
    let count: Int
    let sha256: String?

    private enum CodingKeys: String, CodingKey {
        case name, file, inputs, outputs, count, sha256
        case recordBytes = "record_bytes"
    }
}

extension DecodingError {
    /// Where in the text and what, in one sentence.
    fileprivate var place: String {
        let context: Context
        switch self {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
            .dataCorrupted(let found):
            context = found
        @unknown default: return "\(self)"
        }
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "at \(path): \(context.debugDescription)"
    }
}
