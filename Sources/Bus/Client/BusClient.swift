public import Events
public import Logging
import Synchronization
import ZeroMQ

/// A program's connection to the bus. All sockets live on one thread of its own; calls come from any task.
///
/// It connects, and connects again, for as long as it lives. Calls that wait for the broker end with
/// ``BusError`` `timeout` when the bus is not there in time.
public final class BusClient: Sendable {
    /// Whom to connect as, and where.
    public struct Configuration: Sendable {
        /// Where the bus is.
        public var address: BusAddress
        /// Service and instance, for people: `trainer/main`.
        public var name: String
        /// Name under which ``appendSequenced(_:epoch:)`` numbers events.
        public var producer: String?
        /// Incarnation of the producer's numbering; the log fences older ones.
        public var producerEpoch: UInt64
        /// The file of the ``BusKey`` to connect with over TCP; read again with each new connection, so that a rotated
        /// key is taken up. Nil connects without keys.
        public var keyPath: String?

        /// A configuration; without a producer the client publishes by source and id alone.
        public init(
            address: BusAddress,
            name: String,
            producer: String? = nil,
            producerEpoch: UInt64 = 1,
            keyPath: String? = nil
        ) {
            self.keyPath = keyPath
            self.address = address
            self.name = name
            self.producer = producer
            self.producerEpoch = producerEpoch
        }
    }

    /// What the log did with an event.
    public struct Receipt: Sendable, Hashable {
        /// Its position in the log.
        public let sequence: UInt64
        /// The log had it before.
        public let isDuplicate: Bool
    }

    /// A job that a work group gave to this member.
    public struct Job: Sendable {
        /// Goes back with ``BusClient/finish(_:_:result:)``, ``BusClient/fail(_:_:_:)`` or ``BusClient/extend(_:_:)``.
        public let token: LeaseToken
        /// The event or request to work on; several requests when the member joined with a batch. Those go back with
        /// ``BusClient/finish(_:_:results:)``, a result for each.
        public let records: [Record]

        /// The only, or the first, event or request.
        public var record: Record { records[0] }
        /// Whether somebody waits for an answer.
        public var isRequest: Bool { record.stream == 0 }
    }

    /// News of the connection and of the producer's numbering.
    public enum Signal: Sendable {
        case connected(Welcome)
        case disconnected(String)
        case acknowledged(upTo: UInt64)
        case fenced(Refusal)
    }

    /// A numbered event of the outbox.
    public typealias SequencedEvent = (number: UInt64, topic: String, header: [UInt8], data: [UInt8])

    /// As given; it never changes.
    public let configuration: Configuration
    /// News in order; one task may read them.
    public let signals: AsyncStream<Signal>
    private let reactor: Reactor<ClientCommand>
    private let counter = Atomic<UInt64>(1)
    /// Telemetry that came faster than it was read.
    public let telemetryDropped: TelemetryDropCounter

    /// Starts the connection's thread.
    public init(_ configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        let (signals, continuation) = AsyncStream.makeStream(of: Signal.self, bufferingPolicy: .unbounded)
        self.signals = signals
        let dropped = TelemetryDropCounter()
        telemetryDropped = dropped
        reactor = Reactor("bus-client") { _ in
            try ClientBody(configuration, logger: logger, signals: continuation, dropped: dropped)
        } undelivered: {
            ClientBody.turnAway($0)
        } failed: { error in
            logger.error("bus client cannot start", metadata: ["error": "\(error)"])
            continuation.finish()
        }
    }

    /// Says goodbye and closes the sockets. Calls that wait end with an error.
    public func close() {
        reactor.stop()
        reactor.join()
    }

    private func nextID() -> UInt64 { counter.wrappingAdd(1, ordering: .relaxed).newValue }

    // MARK: Events

    /// Puts an event into the log; returns after it is on disk.
    ///
    /// The event is known again by source and id, so calling once more after a timeout is safe.
    /// - Throws: ``BusError``; see ``BusError/isRetriable``.
    public func publish(
        topic: Topic,
        _ event: CloudEvent,
        timeout: Duration = .seconds(10)
    ) async throws(BusError) -> Receipt {
        let answer = try await ask(try Self.message(topic, event), timeout: timeout)
        guard case .accepted(let sequence, let duplicate) = answer else {
            throw BusError(.badFrame, "the broker answered PUB with something else")
        }
        return Receipt(sequence: sequence, isDuplicate: duplicate)
    }

    /// Puts a request to a work group (class `q`) and returns a member's answer.
    /// - Throws: ``BusError``; `busy` when nobody took it in time.
    public func request(
        topic: Topic,
        _ event: CloudEvent,
        timeout: Duration = .seconds(5)
    ) async throws(BusError) -> [UInt8] {
        guard case .result(let data) = try await ask(try Self.message(topic, event), timeout: timeout) else {
            throw BusError(.badFrame, "the broker answered a request with something else")
        }
        return data
    }

    /// A page of the log: records after `sequence` that match, and how far it was read.
    /// - Throws: ``BusError``.
    public func fetch(
        _ filters: [TopicFilter],
        after sequence: UInt64,
        limit: Int = 1000,
        timeout: Duration = .seconds(10)
    ) async throws(BusError) -> (records: [Record], scannedTo: UInt64) {
        try await records {
            .fetch($0, FetchRequest(filters: filters, after: sequence, limit: limit))
        } timeout: {
            timeout
        }
    }

    /// The newest record of each topic that matches.
    /// - Throws: ``BusError``.
    public func last(_ filters: [TopicFilter], timeout: Duration = .seconds(10)) async throws(BusError) -> [Record] {
        try await records {
            .last($0, FetchRequest(filters: filters))
        } timeout: {
            timeout
        }.records
    }

    private func records(
        _ message: @Sendable (UInt64) -> ClientMessage,
        timeout: () -> Duration
    ) async throws(BusError) -> (records: [Record], scannedTo: UInt64) {
        guard case .records(let records, let scannedTo) = try await ask(message, timeout: timeout()) else {
            throw BusError(.badFrame, "the broker answered a read with something else")
        }
        return (records, scannedTo)
    }

    private static func message(
        _ topic: Topic,
        _ event: CloudEvent
    ) throws(BusError) -> @Sendable (UInt64) -> ClientMessage {
        do throws(EventError) {
            let header = try event.header()
            guard header.count <= CloudEvent.headerBytesMax, event.data.count <= CloudEvent.dataBytesMax else {
                throw EventError(
                    .tooLarge,
                    "the event has \(event.data.count) bytes of data; \(CloudEvent.dataBytesMax) are allowed: store large "
                        + "data as an artifact"
                )
            }
            return { id in
                .publishUnsequenced(id, topic: topic.text, header: header, data: event.data)
            }
        } catch {
            throw BusError(error.code, error.message)
        }
    }

    private func ask(
        _ message: @Sendable (UInt64) -> ClientMessage,
        timeout: Duration
    ) async throws(BusError) -> ClientCore.Answer {
        let id = nextID()
        let message = message(id)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let command = ClientCommand.ask(id, message, timeout, continuation)
                if !reactor.post(command) { continuation.resume(returning: .refused(ClientBody.closed)) }
            }
        } onCancel: {
            reactor.post(.cancel(id))
        }
        if case .refused(let refusal) = answer { throw BusError(refusal) }
        return answer
    }

    // MARK: The producer's window

    /// Sends events of the outbox; ``Signal/acknowledged(upTo:)`` says when they are in the log.
    public func appendSequenced(_ events: [SequencedEvent], epoch: UInt64) {
        reactor.post(.append(events, epoch))
    }

    // MARK: Subscriptions and work

    /// Follows the log. Give credit back with ``acknowledge(_:upTo:credit:)`` or the records stop.
    public func subscribe(_ request: SubscribeRequest) -> (id: UInt64, records: BatchChannel<Record>) {
        let id = nextID()
        let channel = BatchChannel<Record>()
        if !reactor.post(.subscribe(id, request, channel)) { channel.finish() }
        return (id, channel)
    }

    /// Everything up to `sequence` took effect; `credit` more records may come.
    public func acknowledge(_ subscription: UInt64, upTo sequence: UInt64, credit: Int) {
        reactor.post(.acknowledge(subscription, sequence, credit))
    }

    /// Takes part in a work group. End each job with ``finish(_:_:result:)`` or ``fail(_:_:_:)``.
    public func join(_ request: JoinRequest) -> (id: UInt64, jobs: BatchChannel<Job>) {
        let id = nextID()
        let channel = BatchChannel<Job>()
        if !reactor.post(.join(id, request, channel)) { channel.finish() }
        return (id, channel)
    }

    /// The job is done; for a request, `result` is its answer.
    public func finish(_ membership: UInt64, _ token: LeaseToken, result: [UInt8] = []) {
        reactor.post(.finish(membership, token, result))
    }

    /// A job of one or more requests is done: a result for each, in their order.
    public func finish(_ membership: UInt64, _ token: LeaseToken, results: [JobResult]) {
        guard results.count == 1, let only = results.first else {
            reactor.post(.finishParts(membership, token, results))
            return
        }
        switch only {
        case .answer(let bytes): finish(membership, token, result: bytes)
        case .refusal(let refusal) where refusal.retryAfterMs != nil: fail(membership, token, refusal)
        case .refusal(let refusal): refuse(membership, token, refusal)
        }
    }

    /// No other member could do the job either: it is given up at once, and an asker is told why.
    public func refuse(_ membership: UInt64, _ token: LeaseToken, _ refusal: Refusal) {
        reactor.post(.refuse(membership, token, refusal))
    }

    /// The job cannot be done by this member now.
    public func fail(_ membership: UInt64, _ token: LeaseToken, _ refusal: Refusal) {
        reactor.post(.fail(membership, token, refusal))
    }

    /// The job needs longer than its lease.
    public func extend(_ membership: UInt64, _ token: LeaseToken) { reactor.post(.extend(membership, token)) }

    /// Ends a subscription or membership; its leases go back at once.
    public func leave(_ id: UInt64) { reactor.post(.leave(id)) }

    // MARK: Telemetry and fan-out

    /// Sends an event that may be lost; the broker counts what is.
    public func sendTelemetry(topic: Topic, _ event: CloudEvent) {
        guard let header = try? event.header() else { return }
        reactor.post(.telemetry(topic.text, header, event.data))
    }

    /// Everything on the fan-out socket whose topic begins with one of the prefixes: telemetry, committed events as
    /// hints, and `c/head/` beats. Newest `buffer` messages are kept for a slow reader; the rest are counted as lost.
    public func listen(prefixes: [String], buffer: Int = 4096) -> AsyncStream<Frames> {
        let id = nextID()
        let (stream, continuation) = AsyncStream.makeStream(of: Frames.self, bufferingPolicy: .bufferingNewest(buffer))
        continuation.onTermination = { [reactor] _ in reactor.post(.unlisten(id)) }
        if !reactor.post(.listen(id, prefixes, continuation)) { continuation.finish() }
        return stream
    }
}

/// Counts telemetry that a slow reader of this process did not take in time.
public final class TelemetryDropCounter: Sendable {
    private let count = Atomic<Int>(0)

    /// Messages dropped so far.
    public var value: Int { count.load(ordering: .relaxed) }

    func increment() { count.wrappingAdd(1, ordering: .relaxed) }
}

enum ClientCommand: Sendable {
    case ask(UInt64, ClientMessage, Duration, CheckedContinuation<ClientCore.Answer, Never>)
    case cancel(UInt64)
    case append([BusClient.SequencedEvent], UInt64)
    case subscribe(UInt64, SubscribeRequest, BatchChannel<Record>)
    case acknowledge(UInt64, UInt64, Int)
    case join(UInt64, JoinRequest, BatchChannel<BusClient.Job>)
    case finish(UInt64, LeaseToken, [UInt8])
    case finishParts(UInt64, LeaseToken, [JobResult])
    case fail(UInt64, LeaseToken, Refusal)
    case refuse(UInt64, LeaseToken, Refusal)
    case extend(UInt64, LeaseToken)
    case leave(UInt64)
    case telemetry(String, [UInt8], [UInt8])
    case listen(UInt64, [String], AsyncStream<Frames>.Continuation)
    case unlisten(UInt64)
}
