import Bus
public import Events
public import Storage

/// What a handler knows about the event besides its data.
public struct EventContext: Sendable {
    /// Its position in the log.
    public let sequence: UInt64
    /// The event with its attributes.
    public let event: CloudEvent

    /// The lap it belongs to.
    public var runID: String? { event.runID }

    init(_ record: Record, _ event: CloudEvent, _ transaction: Transaction) {
        sequence = record.sequence
        self.event = event
        time = event.time ?? transaction.now
    }

    /// When it happened: as its source says, else when it was handled.
    public let time: Timestamp
}

/// Which events a program takes, and what each does to its state.
///
/// A handler runs inside the transaction that also moves the cursor: its changes and the events it sends are kept
/// together with the cursor, or not at all. It throws `EventError` for an event that it cannot use: its changes are
/// undone, the refusal becomes an `event.refused` (unless the handler is quiet), and the stream goes on.
public struct EventHandlers: Sendable {
    typealias Body = @Sendable (Record, CloudEvent, Transaction) throws -> Void

    struct Entry: Sendable {
        let isQuiet: Bool
        let body: Body
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var filters: [TopicFilter] = []
    private(set) var endings: [@Sendable (Transaction) throws -> Void] = []
    private(set) var scope: Scope?

    /// Which part of the kinds that are handled is read, as the store says.
    struct Scope: Sendable {
        /// Events after which the answer may be another one.
        let boundary: TopicFilter
        let filters: @Sendable (Store) async throws -> [TopicFilter]
    }

    /// No handlers.
    public init() {}

    /// Does something at the end of each batch of events, in its transaction: what handlers kept in memory is written.
    ///
    /// When it throws, the batch is undone and the program ends.
    public mutating func atEnd(_ body: @escaping @Sendable (Transaction) throws -> Void) { endings.append(body) }

    /// Reads only what `filters` matches, of the kinds that are handled. They are asked for again after each event of the
    /// kind `boundary`, and what follows that event is read by the new ones: none is left out or read twice.
    public mutating func narrow<E: Event>(
        again boundary: E.Type,
        to filters: @escaping @Sendable (Store) async throws -> [TopicFilter]
    ) {
        guard let filter = try? E.kind.filter else { preconditionFailure("\(E.kind.type) makes no topic filter") }
        scope = Scope(boundary: filter, filters: filters)
    }

    /// Takes events of that kind, from every site and about every subject. Several handlers of one kind run in the order in
    /// which they were given, and what one of them refuses is refused.
    /// - Parameter quietly: Another program reports what cannot be used; this one only counts.
    public mutating func on<E: Event>(
        _ kind: E.Type,
        quietly: Bool = false,
        _ body: @escaping @Sendable (E, EventContext, Transaction) throws -> Void
    ) {
        guard let filter = try? E.kind.filter else { preconditionFailure("\(E.kind.type) makes no topic filter") }
        let before = entries[E.kind.type]
        if before == nil { filters.append(filter) }
        entries[E.kind.type] = Entry(isQuiet: quietly && before?.isQuiet ?? true) { record, event, transaction in
            try before?.body(record, event, transaction)
            transaction.runID = event.runID
            try body(
                try event.decode(E.self),
                EventContext(record, event, transaction),
                transaction
            )
        }
    }
}
