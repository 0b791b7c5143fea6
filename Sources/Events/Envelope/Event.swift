/// The data of one kind of event: what crosses a process boundary, and nothing else does.
public protocol Event: Codable, Sendable {
    /// Name, class and version; the only place where they stand.
    static var kind: EventKind { get }

    /// What the event is about, as the topic's last segment: a pipeline, a data stream, a service.
    var subject: String { get }
}
