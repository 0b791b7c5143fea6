/// The name of a kind of event: what happened to what, and in which version of its data.
///
/// One value gives both the CloudEvents `type` and the topic, so the two cannot disagree.
public struct EventKind: Sendable, Hashable, CustomStringConvertible {
    /// Reverse-DNS prefix of every `type` that Hexloop defines.
    public static let typePrefix = "dev.hexloop."

    /// What the bus promises for it.
    public let reliability: Topic.Reliability
    /// The thing, such as `decay`.
    public let noun: String
    /// What happened, in the past tense for facts (`detected`), imperative for commands.
    public let verb: String
    /// Version of the data; a breaking change is a new kind.
    public let version: Int

    /// A kind of event of class `e` unless said otherwise.
    public init(_ noun: String, _ verb: String, version: Int = 1, reliability: Topic.Reliability = .event) {
        self.reliability = reliability
        self.noun = noun
        self.verb = verb
        self.version = version
    }

    /// Reads a CloudEvents type such as `dev.hexloop.decay.detected.v1`; nil when it is not one of ours.
    public init?(type: String, reliability: Topic.Reliability = .event) {
        guard type.hasPrefix(Self.typePrefix) else { return nil }
        let parts = type.dropFirst(Self.typePrefix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, Topic.isSegment(parts[0]), Topic.isSegment(parts[1]), parts[2].hasPrefix("v"),
            let version = Int(parts[2].dropFirst()), version > 0
        else { return nil }
        self.init(String(parts[0]), String(parts[1]), version: version, reliability: reliability)
    }

    /// CloudEvents `type`: `dev.hexloop.decay.detected.v1`.
    public var type: String { "\(Self.typePrefix)\(noun).\(verb).v\(version)" }

    /// `noun.verb`, as rules, logs and people name it.
    public var description: String { "\(noun).\(verb)" }

    /// The topic of this kind at `site` about `subject`.
    /// - Throws: ``TopicError`` when site or subject are no topic segments.
    public func topic(site: String, subject: String) throws(TopicError) -> Topic {
        let text = "\(reliability.rawValue)/\(site)/\(noun)/\(verb)/v\(version)/\(subject)/"
        for segment in [site, subject] where !Topic.isSegment(segment) { throw .badSegment(text, segment) }
        return try Topic(text)
    }

    /// Matches this kind from every site about every subject.
    public var filter: TopicFilter {
        get throws(TopicError) { try TopicFilter("\(reliability.rawValue)/*/\(noun)/\(verb)/v\(version)/") }
    }

    /// Matches this kind from every site about one subject.
    public func filter(about subject: String) throws(TopicError) -> TopicFilter {
        try TopicFilter("\(try filter.text)\(subject)/")
    }
}
