import FoundationEssentials

/// Questions to a model with the answers that every engine must give, bit for bit.
///
/// In the manifest each row is base64 of its little-endian floats, since decimal numbers would hide the bits.
public struct GoldenAnswers: Sendable, Hashable {
    /// The questions, one row of features each.
    public var inputs: [[Float]]
    /// The answers, one row of outputs for each question.
    public var outputs: [[Float]]

    /// Makes a value of its parts.
    public init(inputs: [[Float]], outputs: [[Float]]) {
        self.inputs = inputs
        self.outputs = outputs
    }
}

extension GoldenAnswers: Codable {
    private enum Key: String, CodingKey { case inputs, outputs }

    /// Reads and checks the fields; a value out of range is an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func rows(_ key: Key) throws -> [[Float]] {
            try container.decode([Data].self, forKey: key).map { data in
                guard data.count % 4 == 0 else {
                    throw DecodingError.dataCorruptedError(
                        forKey: key,
                        in: container,
                        debugDescription: "a row is no whole number of floats"
                    )
                }
                let bytes = [UInt8](data)
                return stride(from: 0, to: bytes.count, by: 4).map { start in
                    Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
                }
            }
        }
        inputs = try rows(.inputs)
        outputs = try rows(.outputs)
    }

    /// Writes the fields that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        func data(_ rows: [[Float]]) -> [Data] {
            rows.map { row in
                Data(row.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
            }
        }
        try container.encode(data(inputs), forKey: .inputs)
        try container.encode(data(outputs), forKey: .outputs)
    }
}
