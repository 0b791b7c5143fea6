/// A node found that its processor, an emulation of it or a kernel gives other bytes than portable C, and does without.
///
/// Said once at each start of the node, before it serves; answers stay right and may be slower.
public struct KernelRefused: Event {
    /// Durable; said by the node, for people.
    public static let kind = EventKind("kernel", "refused")

    /// The node's instance, such as `node-1`.
    public var node: String
    /// The variant that failed its self-test, such as `avx2`.
    public var variant: String
    /// The variant that the node computes with instead.
    public var used: String
    /// One sentence for people.
    public var message: String

    /// The node, as the topic's last segment.
    public var subject: String { node }

    /// A refusal from its parts.
    public init(node: String, variant: String, used: String, message: String) {
        self.node = node
        self.variant = variant
        self.used = used
        self.message = message
    }
}
