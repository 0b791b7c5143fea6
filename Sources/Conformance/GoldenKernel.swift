/// One recorded run of an int8 kernel on Hexagon: what went in and what came out. Nothing in it is trusted.
public struct GoldenKernel: Sendable, Hashable, Decodable {
    /// What was computed: `matmul`, `conv3x3`, ...
    public let kernel: String
    /// The file of its tensors, in the folder of the list.
    public let file: String
    /// The digest of the file in hexadecimal digits, if the list has it.
    public let sha256: String?
    /// What the recording says about itself, often nothing.
    public let note: String
    private let params: [String: Parameter]
    private let tensors: [Tensor]

    private enum CodingKeys: String, CodingKey { case kernel, file, sha256, note, params, tensors }

    /// A number or a word.
    private enum Parameter: Sendable, Hashable, Decodable {
        case number(Int)
        case word(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do {
                self = .number(try container.decode(Int.self))
            } catch DecodingError.typeMismatch {
                self = .word(try container.decode(String.self))
            }
        }
    }

    private struct Tensor: Sendable, Hashable, Decodable {
        let name: String
        let role: String
        let dtype: String
        let shape: [Int]
        let offset: Int
    }

    /// Reads a case as the list holds it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        kernel = try container.decode(String.self, forKey: .kernel)
        file = try container.decode(String.self, forKey: .file)
        sha256 = try container.decodeIfPresent(String.self, forKey: .sha256)
        note = try container.decodeIfPresent(String.self, forKey: .note) ?? ""
        params = try container.decode([String: Parameter].self, forKey: .params)
        tensors = try container.decode([Tensor].self, forKey: .tensors)
    }
}

/// Reading parts of a case.
extension GoldenKernel {
    /// The names of what was recorded as a result.
    var outputs: [String] { tensors.filter { $0.role == "output" }.map(\.name) }

    func word(_ name: String) throws(GoldenError) -> String {
        guard case .word(let value)? = params[name] else { throw .parameter(name) }
        return value
    }

    func number(_ name: String) throws(GoldenError) -> Int {
        guard case .number(let value)? = params[name] else { throw .parameter(name) }
        return value
    }

    func integer<Value: FixedWidthInteger>(_ name: String, _: Value.Type = Value.self) throws(GoldenError) -> Value {
        guard let value = Value(exactly: try number(name)) else { throw .parameter(name) }
        return value
    }

    func shape(_ name: String) throws(GoldenError) -> [Int] { try tensor(name).shape }

    func bytes(_ name: String, of record: [UInt8]) throws(GoldenError) -> [UInt8] {
        let tensor = try tensor(name)
        let size = ["u8": 1, "s8": 1, "s32": 4][tensor.dtype]
        guard var count = size, tensor.offset >= 0 else { throw .tensor(name) }
        for dimension in tensor.shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { throw .tensor(name) }
            count = product
        }
        guard tensor.offset <= record.count, count <= record.count - tensor.offset else { throw .tensor(name) }
        return Array(record[tensor.offset..<tensor.offset + count])
    }

    func signedBytes(_ name: String, of record: [UInt8]) throws(GoldenError) -> [Int8] {
        try bytes(name, of: record).map { Int8(bitPattern: $0) }
    }

    func words(_ name: String, of record: [UInt8]) throws(GoldenError) -> [Int32] {
        guard try tensor(name).dtype == "s32" else { throw .tensor(name) }
        let bytes = try bytes(name, of: record)
        return stride(from: 0, to: bytes.count, by: 4).map { first in
            Int32(bitPattern: bytes[first..<first + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
    }

    private func tensor(_ name: String) throws(GoldenError) -> Tensor {
        guard let tensor = tensors.first(where: { $0.name == name }) else { throw .tensor(name) }
        return tensor
    }
}
