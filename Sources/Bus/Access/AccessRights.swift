public import Events

/// What an identity may do on the bus. Nothing, unless it is said.
public struct AccessRights: Codable, Sendable, Hashable {
    /// What an identity may do with artifacts.
    public enum Artifacts: String, Codable, Sendable, Hashable {
        case none, read, write
    }

    /// Topics that it may publish on, and ask questions on.
    public var publish: [AccessFilter]
    /// Topics that it may read: with SUB, FETCH, LAST, JOIN and on the fan-out socket.
    public var subscribe: [AccessFilter]
    /// Work groups that it may join; `*` for any.
    public var groups: [String]
    /// Whether it may fetch artifacts, or also store them.
    public var artifacts: Artifacts
    /// Sources that its events may name: itself, and with a trailing `/` or `*` whatever begins so.
    public var sources: [String]
    /// Names under which it may number events and keep a cursor, in the same way.
    public var names: [String]
    /// Whether the bus tells it about itself, and obeys it.
    public var admin: Bool

    /// No rights but those given.
    public init(
        publish: [AccessFilter] = [],
        subscribe: [AccessFilter] = [],
        groups: [String] = [],
        artifacts: Artifacts = .none,
        sources: [String] = [],
        names: [String] = [],
        admin: Bool = false
    ) {
        self.publish = publish
        self.subscribe = subscribe
        self.groups = groups
        self.artifacts = artifacts
        self.sources = sources
        self.names = names
        self.admin = admin
    }

    /// Reads rights; what is left out is not given.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            publish: try container.decodeIfPresent([AccessFilter].self, forKey: .publish) ?? [],
            subscribe: try container.decodeIfPresent([AccessFilter].self, forKey: .subscribe) ?? [],
            groups: try container.decodeIfPresent([String].self, forKey: .groups) ?? [],
            artifacts: try container.decodeIfPresent(Artifacts.self, forKey: .artifacts) ?? .none,
            sources: try container.decodeIfPresent([String].self, forKey: .sources) ?? [],
            names: try container.decodeIfPresent([String].self, forKey: .names) ?? [],
            admin: try container.decodeIfPresent(Bool.self, forKey: .admin) ?? false
        )
    }

    /// Whether it may publish on `topic`.
    public func mayPublish(_ topic: String) -> Bool { publish.contains { $0.covers(topic) } }

    /// Whether it may read everything that `filter` matches.
    public func mayRead(_ filter: TopicFilter) -> Bool { subscribe.contains { $0.covers(filter) } }

    /// Whether it may read everything that begins with `prefix`.
    public func mayRead(prefix: String) -> Bool { subscribe.contains { $0.covers(prefix: prefix) } }

    /// Whether it may work in that group.
    public func mayJoin(_ group: String) -> Bool { groups.contains { $0 == "*" || $0 == group } }

    /// Whether its events may say that they come from `source`.
    public func maySpeak(as source: String) -> Bool { Self.covers(sources, source) }

    /// Whether it may number events or keep a cursor under `name`.
    public func mayUse(name: String) -> Bool { Self.covers(names, name) }

    private static func covers(_ patterns: [String], _ text: String) -> Bool {
        patterns.contains { pattern in
            if pattern.hasSuffix("*") { return text.utf8.starts(with: pattern.utf8.dropLast()) }
            return pattern == text || (pattern.hasSuffix("/") && text.utf8.starts(with: pattern.utf8))
        }
    }
}
