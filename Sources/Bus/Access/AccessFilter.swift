public import Events

/// The topics that a right covers: like a ``TopicFilter``, and `*` may also end a segment.
///
/// `e/plant-a/decay/` covers everything below it; `t/*/service/beat/v1/trainer.*/` the beats of all trainers. The empty
/// filter covers everything.
public struct AccessFilter: Sendable, Hashable, CustomStringConvertible {
    /// As written.
    public let text: String
    private let segments: [Segment]

    private struct Segment: Sendable, Hashable {
        let start: String
        let isOpen: Bool

        func covers(_ text: some StringProtocol) -> Bool {
            isOpen ? text.utf8.starts(with: start.utf8) : text.utf8.elementsEqual(start.utf8)
        }
    }

    /// The text itself.
    public var description: String { text }

    /// Checks and keeps a filter; nil when a segment is none, or the trailing `/` is missing.
    public init?(_ text: String) {
        guard text.utf8.count <= Topic.bytesMax, text.isEmpty || text.hasSuffix("/") else { return nil }
        self.text = text
        var segments: [Segment] = []
        for part in text.isEmpty ? [] : text.dropLast().split(separator: "/", omittingEmptySubsequences: false) {
            let isOpen = part.hasSuffix("*")
            let start = isOpen ? part.dropLast() : part
            guard start.isEmpty ? isOpen : Topic.isSegment(start) else { return nil }
            segments.append(Segment(start: String(start), isOpen: isOpen))
        }
        self.segments = segments
    }

    /// Whether it covers a topic.
    public func covers(_ topic: String) -> Bool {
        var rest = Substring(topic)
        for segment in segments {
            guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")), segment.covers(rest[..<slash]) else {
                return false
            }
            rest = rest[rest.utf8.index(after: slash)...]
        }
        return true
    }

    /// Whether it covers every topic that `filter` matches. A `*` there is covered by a `*` here only.
    public func covers(_ filter: TopicFilter) -> Bool {
        var rest = Substring(filter.text)
        for segment in segments {
            guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else { return false }
            let text = rest[..<slash]
            guard text == "*" ? segment.isOpen && segment.start.isEmpty : segment.covers(text) else { return false }
            rest = rest[rest.utf8.index(after: slash)...]
        }
        return true
    }

    /// Whether it covers every topic that begins with `prefix`, as ZeroMQ compares: by bytes, not by segments.
    public func covers(prefix: String) -> Bool {
        var rest = Substring(prefix)
        for (index, segment) in segments.enumerated() {
            guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else {
                // The prefix ends within this segment, so whatever follows has to be covered too.
                return index == segments.count - 1 && segment.isOpen && !rest.isEmpty && segment.covers(rest)
            }
            guard segment.covers(rest[..<slash]) else { return false }
            rest = rest[rest.utf8.index(after: slash)...]
        }
        return true
    }
}

extension AccessFilter: Codable {
    /// Reads a string and checks it as ``init(_:)`` does.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let filter = AccessFilter(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "'\(text)' must be segments of a-z, 0-9, '.', '_', '-' with a trailing '/'"
                )
            )
        }
        self = filter
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
