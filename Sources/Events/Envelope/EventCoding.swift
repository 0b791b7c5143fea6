import FoundationEssentials

/// JSON as the bus writes it: sorted keys, so equal values give equal bytes.
public enum EventCoding {
    /// JSON bytes of `value`.
    /// - Throws: ``EventError`` with code `badData` for values that JSON has no form for, such as NaN.
    public static func encode(_ value: some Encodable) throws(EventError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(value)) } catch {
            throw EventError(.badData, "cannot be written as JSON: \(Self.describe(error))")
        }
    }

    /// Reads a value from JSON bytes.
    /// - Throws: ``EventError`` with code `badData` that names the path of the field.
    public static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(EventError) -> T {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw EventError(.badData, Self.describe(error))
        }
    }

    private static func describe(_ error: any Error) -> String {
        func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
            let keys = context.codingPath + (last.map { [$0] } ?? [])
            return keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context): return "field '\(path(context, key))' is missing"
        case DecodingError.valueNotFound(_, let context): return "field '\(path(context))' is null"
        case DecodingError.typeMismatch(let type, let context):
            return context.codingPath.isEmpty
                ? "a JSON \(type) was expected" : "field '\(path(context))' must be a \(type)"
        case DecodingError.dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "not valid JSON" : "field '\(path(context))': \(context.debugDescription)"
        case EncodingError.invalidValue(let value, _): return "the value \(value)"
        default: return "\(error)"
        }
    }
}

extension EventCoding {
    /// JSON that people read and change: sorted keys, one field on a line.
    /// - Throws: As ``encode(_:)``.
    public static func encodeForPeople(_ value: some Encodable) throws(EventError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        do { return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")] } catch {
            throw EventError(.badData, "cannot be written as JSON: \(Self.describe(error))")
        }
    }
}
