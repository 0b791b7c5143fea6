/// Which topics a consumer wants: a prefix of segments in which `*` stands for any one segment.
///
/// `e/*/decay/detected/v1/` matches that event of every site and subject. The empty filter matches everything.
public struct TopicFilter: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The filter as written, ending with `/` unless empty.
    public let text: String
    private let segments: [String]

    /// The text itself.
    public var description: String { text }

    /// Checks and keeps a filter.
    /// - Throws: ``TopicError/noTrailingSlash(_:)``, ``TopicError/tooLong(_:)`` or ``TopicError/badSegment(_:_:)``.
    public init(_ text: String) throws(TopicError) {
        guard text.utf8.count <= Topic.bytesMax else { throw .tooLong(text) }
        guard text.isEmpty || text.hasSuffix("/") else { throw .noTrailingSlash(text) }
        segments =
            text.isEmpty ? [] : text.dropLast().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        for segment in segments where segment != "*" && !Topic.isSegment(segment) { throw .badSegment(text, segment) }
        self.text = text
    }

    /// What every matching topic begins with: the segments before the first `*`.
    public var literalPrefix: String {
        let fixed = segments.prefix { $0 != "*" }
        return fixed.isEmpty ? "" : fixed.joined(separator: "/") + "/"
    }

    /// Whether `topic` begins with this filter's segments.
    public func matches(_ topic: String) -> Bool {
        if segments.isEmpty { return true }
        if !text.utf8.contains(UInt8(ascii: "*")) { return topic.utf8.starts(with: text.utf8) }
        var rest = Substring(topic).utf8
        for segment in segments {
            guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return false }
            if segment != "*", !rest[..<slash].elementsEqual(segment.utf8) { return false }
            rest = rest[rest.index(after: slash)...]
        }
        return true
    }

    /// Reads a string and checks it as ``init(_:)`` does.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do { try self.init(text) } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "\(error)")
            )
        }
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
