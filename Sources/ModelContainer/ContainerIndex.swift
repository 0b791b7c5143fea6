import FoundationEssentials
import ModelGraph

/// The JSON of a container: the manifest, and where the tensors are.
struct ContainerIndex: Codable {
    /// More tensors than this are refused.
    static let tensorsMax = 1 << 16

    struct Entry: Codable {
        var name: String
        var type: DataType
        var shape: [Int]
        /// From where the tensors begin, a multiple of 128.
        var offset: Int
        var byteCount: Int
    }

    var manifest: Manifest
    var tensors: [Entry]

    init(manifest: Manifest, tensors: [Entry]) {
        self.manifest = manifest
        self.tensors = tensors
    }

    init(json: ArraySlice<UInt8>) throws(ContainerError) {
        do {
            self = try JSONDecoder().decode(ContainerIndex.self, from: Data(json))
        } catch {
            throw .invalid(field: "index", reason: JSON.reason(error))
        }
        guard tensors.count <= ContainerIndex.tensorsMax else {
            throw .invalid(field: "index.tensors", reason: "\(tensors.count) are too many")
        }
    }

    /// Checks that the tensors follow one another without gaps and end with the file.
    ///
    /// - Parameter dataBytes: The bytes from the beginning of the tensors to the end of the file.
    func checkLayout(dataBytes: Int) throws(ContainerError) {
        var expected = 0
        var names: Set<String> = []
        for entry in tensors {
            let field = "tensor '\(entry.name)'"
            guard !entry.name.isEmpty, names.insert(entry.name).inserted else {
                throw .invalid(field: field, reason: "its name is empty or used twice")
            }
            guard let elements = Tensor.elementCount(of: entry.shape) else {
                throw .invalid(field: field, reason: "shape \(entry.shape) is negative or too large")
            }
            let (bytes, overflow) = elements.multipliedReportingOverflow(by: entry.type.byteCount)
            guard !overflow, bytes == entry.byteCount else {
                throw .invalid(field: field, reason: "\(entry.byteCount) bytes do not fill shape \(entry.shape)")
            }
            guard entry.offset == expected else {
                throw .invalid(field: field, reason: "offset \(entry.offset) instead of \(expected)")
            }
            // expected <= dataBytes holds from the round before.
            guard bytes <= dataBytes - expected else {
                throw .truncated(field: field, neededBytes: bytes, actualBytes: dataBytes - expected)
            }
            expected = ContainerHeader.aligned(expected + bytes)
            guard expected <= dataBytes else {
                throw .truncated(field: field, neededBytes: expected, actualBytes: dataBytes)
            }
        }
        guard expected == dataBytes else {
            throw .invalid(field: "file", reason: "\(dataBytes - expected) bytes belong to no tensor")
        }
    }
}

/// JSON that is the same for the same value: sorted keys, no white space.
enum JSON {
    static func encode(_ value: some Encodable) throws(ContainerError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            throw .unencodable(reason(error))
        }
    }

    /// What a coding error says, with the path of the field.
    static func reason(_ error: any Error) -> String {
        func text(_ path: [any CodingKey], _ message: String) -> String {
            (path.map { $0.intValue.map(String.init) ?? $0.stringValue } + [message]).joined(separator: ": ")
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context): return text(context.codingPath + [key], "missing")
        case DecodingError.typeMismatch(_, let context): return text(context.codingPath, context.debugDescription)
        case DecodingError.valueNotFound(_, let context): return text(context.codingPath, context.debugDescription)
        case DecodingError.dataCorrupted(let context): return text(context.codingPath, context.debugDescription)
        case EncodingError.invalidValue(_, let context): return text(context.codingPath, context.debugDescription)
        default: return "\(error)"
        }
    }
}
