#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif

extension Document {
    /// Parses one JSON document. Mappings lose their order, because JSON gives it no meaning.
    init(json: String) throws(PipelineError) {
        guard json.utf8.count <= Pipeline.documentBytesMax else {
            throw PipelineError(
                .syntax,
                "",
                value: "\(json.utf8.count) bytes",
                allowed: "up to \(Pipeline.documentBytesMax) bytes"
            )
        }
        do {
            self = try JSONDecoder().decode(Document.self, from: Data(json.utf8))
        } catch {
            throw PipelineError(.syntax, "", value: "no JSON, or nested too deeply", allowed: "one JSON document")
        }
    }

    /// JSON with sorted keys and without spaces; the same content gives the same bytes.
    var canonicalJSON: String {
        switch content {
        case .scalar(let text, let isPlain): isPlain ? text : quoted(text)
        case .list(let items): "[" + items.map(\.canonicalJSON).joined(separator: ",") + "]"
        case .mapping(let pairs):
            "{"
                + pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { quoted($0.key) + ":" + $0.value.canonicalJSON }.joined(separator: ",") + "}"
        }
    }
}

extension Document: Codable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    init(from decoder: any Decoder) throws {
        guard decoder.codingPath.count <= Self.depthMax else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "more than \(Self.depthMax) levels")
            )
        }
        if let container = try? decoder.container(keyedBy: Key.self) {
            var pairs: [(key: String, value: Document)] = []
            for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
                pairs.append((key.stringValue, try container.decode(Document.self, forKey: key)))
            }
            self.init(.mapping(pairs), nil)
            isOrdered = false
        } else if var container = try? decoder.unkeyedContainer() {
            var items: [Document] = []
            while !container.isAtEnd { items.append(try container.decode(Document.self)) }
            self.init(.list(items), nil)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self.init(.scalar("", isPlain: true), nil)
            } else if let text = try? container.decode(String.self) {
                self.init(.scalar(text, isPlain: false), nil)
            } else if let whole = try? container.decode(UInt64.self) {
                self.init(.scalar("\(whole)", isPlain: true), nil)
            } else if let flag = try? container.decode(Bool.self) {
                self.init(.scalar("\(flag)", isPlain: true), nil)
            } else {
                self.init(.scalar(short(try container.decode(Double.self)), isPlain: true), nil)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch content {
        case .mapping(let pairs):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in pairs { try container.encode(value, forKey: Key(stringValue: key)) }
        case .list(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(item) }
        case .scalar(let text, let isPlain):
            var container = encoder.singleValueContainer()
            if isPlain, let whole = UInt64(text) {
                try container.encode(whole)
            } else if isPlain, let number = Double(text) {
                try container.encode(number)
            } else {
                try container.encode(text)
            }
        }
    }
}

private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\u{0}"..<"\u{20}":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
