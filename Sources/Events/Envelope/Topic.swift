/// Where an event goes: `e/plant-a/decay/detected/v1/oil-price/`.
///
/// Segments are `[a-z0-9._-]+`, joined by `/`, and the text always ends with `/`: ZeroMQ matches byte prefixes, so
/// without it `v1` would also match `v10`. The first segment is the reliability class.
public struct Topic: Sendable, Hashable, CustomStringConvertible {
    /// The longest topic that the bus takes, in bytes.
    public static let bytesMax = 200

    /// How much the bus promises for a topic; its letter is the topic's first segment.
    public enum Reliability: String, Sendable, Hashable {
        /// Durable: acknowledged after it is on disk.
        case event = "e"
        /// Lossy; every loss is counted.
        case telemetry = "t"
        /// Leased to one member of a work group and answered.
        case work = "q"
        /// The bus's own beats.
        case control = "c"
    }

    /// The whole text, with the trailing `/`.
    public let text: String

    /// The text itself.
    public var description: String { text }

    /// The reliability class that the first segment names.
    public var reliability: Reliability { Reliability(rawValue: String(text.prefix(1))) ?? .event }

    /// Checks and keeps a topic.
    /// - Throws: ``TopicError`` that says which rule the text breaks.
    public init(_ text: String) throws(TopicError) {
        if let error = Self.error(in: text) { throw error }
        self.text = text
    }

    /// Looks at each byte once: the broker checks the topic of every event.
    private static func error(in text: String) -> TopicError? {
        let bytes = text.utf8
        guard bytes.count <= bytesMax else { return .tooLong(text) }
        guard bytes.last == slash else { return .noTrailingSlash(text) }
        let classes = "etqc".utf8
        guard let first = bytes.first, classes.contains(first), bytes.dropFirst().first == slash, bytes.count > 2
        else { return .unknownClass(text) }
        var previous = first
        for byte in bytes {
            guard isSegmentByte(byte) || (byte == slash && previous != slash) else {
                let segments = text.dropLast().split(separator: "/", omittingEmptySubsequences: false)
                return .badSegment(text, String(segments.first { !isSegment($0) } ?? ""))
            }
            previous = byte
        }
        return nil
    }

    private static let slash = UInt8(ascii: "/")

    private static func isSegmentByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2E || byte == 0x5F || byte == 0x2D
    }

    /// Whether `text` may stand between two slashes of a topic.
    public static func isSegment(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isSegmentByte)
    }
}

/// A topic that breaks a rule of ``Topic``.
public enum TopicError: Error, Hashable, CustomStringConvertible {
    /// Over ``Topic/bytesMax`` bytes.
    case tooLong(String)
    /// Does not end with `/`.
    case noTrailingSlash(String)
    /// Does not begin with `e/`, `t/`, `q/` or `c/` and one more segment.
    case unknownClass(String)
    /// Holds a segment that is empty or has other characters than `[a-z0-9._-]`.
    case badSegment(String, String)

    /// Which rule the text breaks and what is allowed.
    public var description: String {
        switch self {
        case .tooLong(let text):
            "topic '\(text.prefix(40))...' has more than \(Topic.bytesMax) bytes; shorten the subject"
        case .noTrailingSlash(let text): "topic '\(text)' must end with '/'"
        case .unknownClass(let text): "topic '\(text)' must begin with e/, t/, q/ or c/ and a site, as in e/plant-a/"
        case .badSegment(let text, let segment):
            "segment '\(segment)' of topic '\(text)' may only hold a-z, 0-9, '.', '_' and '-'"
        }
    }
}
