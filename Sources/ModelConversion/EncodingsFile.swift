import FoundationEssentials

/// Encodings of tensors by name, as AIMET exports them and as QNN's and SNPE's converters take them.
///
/// Three forms are read: AIMET's 0.6.1, where each tensor's name leads to a list of objects; AIMET's 1.0.0, where each
/// object in one list has its name; and the overrides of QNN and SNPE, which look like 0.6.1 without a version.
///
/// All say `real = scale * (integer + offset)` with integers from 0 on, so that an offset is a zero point with its sign
/// turned: -128 means that the byte 128 stands for 0.
public struct EncodingsFile: Sendable, Hashable {
    /// The encoding of one tensor.
    public struct Entry: Sendable, Hashable {
        /// The name of the tensor in the model's file.
        public var name: String
        /// Bits of an integer.
        public var bits: Int
        /// Whether the tensor shall stay in floats of so many bits.
        public var isFloat: Bool
        /// One for the whole tensor, or one for each output.
        public var scales: [Double]
        /// The integers that stand for 0, counted from the least one of `bits` bits; as many as there are scales.
        public var zeroPoints: [Int]
    }

    /// Of values, in the order of their names.
    public private(set) var activations: [Entry] = []
    /// Of constants, in the order of their names.
    public private(set) var parameters: [Entry] = []

    /// Bits of an integer that are read at all.
    private static let bits = 2...32

    /// Reads the contents of a file.
    ///
    /// - Throws: ``EncodingsError``.
    public init(_ contents: [UInt8]) throws(EncodingsError) {
        let document: Document
        do { document = try JSONDecoder().decode(Document.self, from: Data(contents)) } catch {
            throw .malformed(EncodingsFile.reason(error))
        }
        if let version = document.version, !["0.6.1", "1.0.0"].contains(version) {
            throw .malformed("version \(version) is not known; export with 0.6.1 or 1.0.0")
        }
        activations = try EncodingsFile.entries(document.activations, isParameter: false)
        parameters = try EncodingsFile.entries(document.parameters, isParameter: true)
        guard !activations.isEmpty || !parameters.isEmpty else {
            throw .malformed("there is no encoding in 'activation_encodings' or 'param_encodings'")
        }
    }

    private static func reason(_ error: any Error) -> String {
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        }
        switch error as? DecodingError {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let place = path(context)
            return place.isEmpty
                ? "it is no JSON: \(context.debugDescription)" : "\(place): \(context.debugDescription)"
        case .keyNotFound(let key, let context): return "\(path(context)): '\(key.stringValue)' is missing"
        default: return "\(error)"
        }
    }

    private static func entries(
        _ section: Document.Section?,
        isParameter: Bool
    ) throws(EncodingsError) -> [Entry] {
        var entries: [Entry] = []
        for (name, items) in section?.tensors ?? [] {
            guard !entries.contains(where: { $0.name == name }) else {
                throw .tensor(name, reason: "it has two encodings")
            }
            entries.append(try entry(name, items, isParameter: isParameter))
        }
        return entries.sorted { $0.name < $1.name }
    }

    private static func entry(
        _ name: String,
        _ items: [Document.Item],
        isParameter: Bool
    ) throws(EncodingsError) -> Entry {
        guard let first = items.first else { throw .tensor(name, reason: "its list of encodings is empty") }
        guard let bits = first.bits, items.allSatisfy({ $0.bits == bits }) else {
            throw .tensor(name, reason: "its bitwidth is missing, or not the same everywhere")
        }
        guard EncodingsFile.bits.contains(bits) else {
            throw .tensor(name, reason: "its bitwidth is \(bits), which is not in 2...32")
        }
        if first.isFloat {
            return Entry(name: name, bits: bits, isFloat: true, scales: [], zeroPoints: [])
        }
        if let kind = first.kind, !["PER_TENSOR", "PER_CHANNEL"].contains(kind) {
            throw .tensor(name, reason: "its enc_type is \(kind); known are PER_TENSOR and PER_CHANNEL")
        }
        var entry = Entry(name: name, bits: bits, isFloat: false, scales: [], zeroPoints: [])
        for item in items {
            let count = max(item.scales.count, item.minima.count)
            guard count > 0 else { throw .tensor(name, reason: "it has neither a scale nor min and max") }
            guard item.scales.isEmpty || item.scales.count == count, [0, count].contains(item.minima.count),
                item.minima.count == item.maxima.count, [0, 1, count].contains(item.offsets.count)
            else { throw .tensor(name, reason: "scale, offset, min and max have different counts") }
            for index in 0..<count {
                let range = item.minima.isEmpty ? nil : (min: item.minima[index], max: item.maxima[index])
                let (scale, zeroPoint) = try integers(
                    name,
                    bits: bits,
                    scale: item.scales.isEmpty ? nil : item.scales[index],
                    offset: item.offsets.isEmpty ? nil : item.offsets[item.offsets.count == 1 ? 0 : index],
                    range: range,
                    isSymmetric: item.isSymmetric,
                    isParameter: isParameter
                )
                entry.scales.append(scale)
                entry.zeroPoints.append(zeroPoint)
            }
        }
        guard isParameter || entry.scales.count == 1 else {
            throw .tensor(name, reason: "a value has one encoding, and there are \(entry.scales.count)")
        }
        return entry
    }

    /// Scale and zero point of one encoding.
    ///
    /// - Parameter range: The real numbers of the least and the greatest integer.
    private static func integers(
        _ name: String,
        bits: Int,
        scale: Double?,
        offset: Double?,
        range: (min: Double, max: Double)?,
        isSymmetric: Bool,
        isParameter: Bool
    ) throws(EncodingsError) -> (Double, Int) {
        let greatest = Double(UInt64(1) << UInt64(bits)) - 1
        let middle = Double(UInt64(1) << UInt64(bits - 1))
        if let range {
            guard range.min.isFinite, range.max.isFinite, range.min <= 0, range.max >= 0, range.min < range.max else {
                throw .tensor(name, reason: "its range \(range.min)...\(range.max) does not go around 0")
            }
        }
        // A symmetric range of AIMET is -128...127 steps, and of a strict one -127...127.
        let widest = range.map { max(-$0.min / middle, $0.max / (middle - 1)) }
        let step = range.map { isSymmetric && $0.min < 0 ? widest ?? 0 : ($0.max - $0.min) / greatest }
        guard let scale = scale ?? step, scale.isFinite, scale > 0, Float(scale) >= .leastNormalMagnitude,
            Float(scale).isFinite
        else { throw .tensor(name, reason: "its scale is \(scale ?? step ?? 0), and it must be positive") }
        if let offset {
            guard offset == offset.rounded(), offset.magnitude <= greatest else {
                throw .tensor(name, reason: "its offset is \(offset), which is no whole number of \(bits) bits")
            }
        }
        // A symmetric encoding with the offset 0 counts from the middle: SNPE and QNN leave the offset out there. Only
        // AIMET's unsigned ones count from 0, and then nothing is below.
        let isSigned = isSymmetric && (range.map { $0.min < -scale / 2 } ?? isParameter)
        let zeroPoint: Double
        switch offset {
        case .some(0) where isSigned, nil where isSigned: zeroPoint = middle
        case .some(let offset) where offset <= 0: zeroPoint = -offset
        case .some(let offset):
            // Older files of SNPE have the offset without its sign; the range says so.
            guard let range, (-range.min / scale - offset).magnitude <= 1 else {
                throw .tensor(
                    name,
                    reason: "its offset is \(offset), but offsets are negative zero points, such as -\(offset)"
                )
            }
            zeroPoint = offset
        case nil:
            guard let range else { throw .tensor(name, reason: "it has neither an offset nor min and max") }
            zeroPoint = (-range.min / scale).rounded()
        }
        if let range, (-range.min / scale - zeroPoint).magnitude > 1.5, offset != nil {
            throw .tensor(
                name,
                reason: "its min \(range.min) is not what scale \(scale) and offset \(offset ?? 0) give"
            )
        }
        return (scale, Int(min(max(zeroPoint, 0), greatest)))
    }
}

/// Why encodings cannot be used.
public enum EncodingsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file is no JSON, or not of a form that is known.
    case malformed(String)
    /// The encoding of a tensor makes no sense.
    case tensor(String, reason: String)
    /// The model has no tensor of that name; those that are most alike.
    case unknown(String, nearest: [String])

    /// What went wrong, in one line.
    public var description: String {
        switch self {
        case .malformed(let reason): reason
        case .tensor(let name, let reason): "tensor '\(name)': \(reason)"
        case .unknown(let name, let nearest):
            "the model has no tensor '\(name)'"
                + (nearest.isEmpty ? "" : "; near it are \(nearest.map { "'\($0)'" }.joined(separator: ", "))")
        }
    }
}

// MARK: The JSON

private struct Document: Decodable {
    let version: String?
    let activations: Section?
    let parameters: Section?

    private enum CodingKeys: String, CodingKey {
        case version
        case activations = "activation_encodings"
        case parameters = "param_encodings"
    }

    /// Encodings by name, or objects with names.
    struct Section: Decodable {
        let tensors: [(String, [Item])]

        init(from decoder: any Decoder) throws {
            if let named = try? decoder.singleValueContainer().decode([NamedItem].self) {
                tensors = named.map { ($0.name, [$0.item]) }
                return
            }
            let lists = try decoder.container(keyedBy: AnyKey.self)
            tensors = try lists.allKeys.map { key in
                if let item = try? lists.decode(Item.self, forKey: key) { return (key.stringValue, [item]) }
                return (key.stringValue, try lists.decode([Item].self, forKey: key))
            }
        }
    }

    struct NamedItem: Decodable {
        let name: String
        let item: Item

        private enum CodingKeys: String, CodingKey { case name }

        init(from decoder: any Decoder) throws {
            name = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .name)
            item = try Item(from: decoder)
        }
    }

    /// An encoding with the keys of all forms.
    struct Item: Decodable {
        let bits: Int?
        let isFloat: Bool
        let isSymmetric: Bool
        let kind: String?
        let scales: [Double]
        let offsets: [Double]
        let minima: [Double]
        let maxima: [Double]

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: AnyKey.self)
            bits =
                try fields.decodeIfPresent(Int.self, forKey: "bitwidth")
                ?? fields.decodeIfPresent(Int.self, forKey: "bw")
            isFloat = try fields.decodeIfPresent(String.self, forKey: "dtype")?.lowercased() == "float"
            isSymmetric = try Item.flag(fields, "is_symmetric") ?? Item.flag(fields, "is_sym") ?? false
            kind = try fields.decodeIfPresent(String.self, forKey: "enc_type")
            scales = try Item.numbers(fields, "scale")
            offsets = try Item.numbers(fields, "offset")
            minima = try Item.numbers(fields, "min")
            maxima = try Item.numbers(fields, "max")
        }

        /// `true`, or `"True"` as Python's `str` writes it.
        private static func flag(_ fields: KeyedDecodingContainer<AnyKey>, _ key: AnyKey) throws -> Bool? {
            guard fields.contains(key) else { return nil }
            if let flag = try? fields.decode(Bool.self, forKey: key) { return flag }
            let word = try fields.decode(String.self, forKey: key)
            guard ["true", "false"].contains(word.lowercased()) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key,
                    in: fields,
                    debugDescription: "'\(word)' is no flag"
                )
            }
            return word.lowercased() == "true"
        }

        private static func numbers(_ fields: KeyedDecodingContainer<AnyKey>, _ key: AnyKey) throws -> [Double] {
            guard fields.contains(key), try !fields.decodeNil(forKey: key) else { return [] }
            if let number = try? fields.decode(Double.self, forKey: key) { return [number] }
            return try fields.decode([Double].self, forKey: key)
        }
    }
}

/// Any key of an object.
private struct AnyKey: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init(stringLiteral value: String) { stringValue = value }
    init?(intValue: Int) { nil }
}
