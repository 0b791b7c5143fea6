/// A version got an alias: `champion`, `shadow-1`, `shadow-2`.
public struct ModelPromoted: Event {
    public static let kind = EventKind("model", "promoted")

    public var pipeline: String
    public var version: Int
    public var digest: String
    public var alias: String
    /// The digest that had the alias before.
    public var previous: String?

    public var subject: String { pipeline }

    public init(pipeline: String, version: Int, digest: String, alias: String, previous: String?) {
        self.pipeline = pipeline
        self.version = version
        self.digest = digest
        self.alias = alias
        self.previous = previous
    }
}
