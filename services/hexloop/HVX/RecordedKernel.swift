import FoundationEssentials

/// A case of `kernels.json`: parameters, and tensors in one file.
struct RecordedKernel: Decodable, Sendable {
    struct Tensor: Decodable, Sendable {
        let name: String
        let role: String
        let dtype: String
        let shape: [Int]
        let offset: Int

        /// The elements; nil for dimensions that no file can have.
        var count: Int? {
            var product = 1
            for dimension in shape {
                let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
                guard dimension >= 0, !overflow, next <= VectorFolder.fileBytesMax else { return nil }
                product = next
            }
            return product
        }
    }

    /// A number or a word.
    enum Parameter: Decodable, Sendable {
        case number(Int)
        case word(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do { self = .number(try container.decode(Int.self)) } catch is DecodingError {
                self = .word(try container.decode(String.self))
            }
        }
    }

    let kernel: String
    let file: String
    let params: [String: Parameter]
    let tensors: [Tensor]
    let sha256: String?
}

/// A kernel with the bytes of its file: what a replay works on. Every read is checked.
struct LoadedKernel: Sendable {
    let recorded: RecordedKernel
    let bytes: [UInt8]

    /// - Throws: ``CommandError`` when there is no such number.
    func number(_ name: String) throws(CommandError) -> Int {
        guard case .number(let value) = recorded.params[name] else {
            throw CommandError("there is no number \(name) among the parameters")
        }
        return value
    }

    /// - Throws: ``CommandError`` when there is no such word.
    func word(_ name: String) throws(CommandError) -> String {
        guard case .word(let value) = recorded.params[name] else {
            throw CommandError("there is no word \(name) among the parameters")
        }
        return value
    }

    /// A tensor of `u8` or `s8`.
    ///
    /// - Throws: ``CommandError`` when there is none of that name and type, or it lies outside of the file.
    func unsignedBytes(_ name: String) throws(CommandError) -> [UInt8] { try memory(name, ["u8", "s8"]) }

    /// A tensor of `s8` or `u8`, its bits taken as signed.
    ///
    /// - Throws: ``CommandError`` when there is none of that name and type, or it lies outside of the file.
    func signedBytes(_ name: String) throws(CommandError) -> [Int8] {
        try memory(name, ["u8", "s8"]).map { Int8(bitPattern: $0) }
    }

    /// A tensor of `s32`.
    ///
    /// - Throws: ``CommandError`` when there is none of that name and type, or it lies outside of the file.
    func words(_ name: String) throws(CommandError) -> [Int32] {
        let memory = try memory(name, ["s32"])
        return stride(from: 0, to: memory.count, by: 4).map { offset in
            memory[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int32($1) }
        }
    }

    /// The bytes of a tensor of one of some types.
    func memory(_ name: String, _ types: [String] = ["u8", "s8", "s32"]) throws(CommandError) -> [UInt8] {
        guard let tensor = recorded.tensors.first(where: { $0.name == name }) else {
            throw CommandError("there is no tensor \(name)")
        }
        guard types.contains(tensor.dtype) else { throw CommandError("\(name) has type \(tensor.dtype)") }
        let size = tensor.dtype == "s32" ? 4 : 1
        guard let count = tensor.count, tensor.offset >= 0, tensor.offset <= bytes.count,
            count <= (bytes.count - tensor.offset) / size
        else { throw CommandError("\(name) lies outside of \(recorded.file)") }
        return Array(bytes[tensor.offset..<tensor.offset + count * size])
    }
}
