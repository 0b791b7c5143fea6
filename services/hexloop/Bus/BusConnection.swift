import Bus
import Events
import FoundationEssentials
import Glibc
import Logging
import Membership

/// A command's connection to the bus.
struct BusConnection: Sendable {
    let client: BusClient
    let place: Place
    let source: String

    /// How long a command waits for the bus before it says that there is none.
    static let openTimeout: Duration = .seconds(5)

    /// Connects and waits for the broker's greeting.
    /// - Throws: ``CommandError`` when no bus answers in time.
    static func open(_ place: Place, name: String) async throws -> BusConnection {
        let connection = BusConnection(place, name: name)
        let greeted = try await withTimeout(openTimeout) {
            for await signal in connection.client.signals {
                if case .connected = signal { return true }
            }
            return false
        }
        guard greeted == true else {
            connection.close()
            throw CommandError(
                "no bus answers at \(place.bus); start one with 'hexloop up', or name another with --bus or --data"
                    + (place.bus.directory == nil && place.keyPath == nil ? "; over TCP it may want a --bus-key" : "")
            )
        }
        return connection
    }

    /// A connection that is not waited for.
    init(_ place: Place, name: String) {
        self.place = place
        source = "//\(place.site)/hexloop/\(name)"
        client = BusClient(
            .init(address: place.bus, name: "hexloop/\(name)", keyPath: place.keyPath),
            logger: Self.silentLogger
        )
    }

    /// A command speaks for itself; the client's own log lines would stand between its figures.
    static var silentLogger: Logger { Logger(label: "hexloop") { _ in SwiftLogNoOpLogHandler() } }

    func close() { client.close() }

    func envelope(_ event: any Event, runID: String? = nil) throws -> CloudEvent {
        try CloudEvent(
            event,
            id: "\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 16))",
            source: source,
            time: Member.clock(),
            runID: runID
        )
    }

    /// Puts an event into the log.
    @discardableResult
    func publish(_ event: any Event, runID: String? = nil) async throws -> BusClient.Receipt {
        let topic = try type(of: event).kind.topic(site: place.site, subject: event.subject)
        return try await client.publish(topic: topic, try envelope(event, runID: runID))
    }

    /// Asks the registry.
    func ask<Answer: Decodable>(_ query: RegistryQuery, _ answer: Answer.Type) async throws -> Answer {
        try await ask("the registry", query, answer)
    }

    /// Asks a monitor about a pipeline.
    func ask(_ query: MonitorQuery) async throws -> MonitorAnswer {
        try await ask("the monitor", query, MonitorAnswer.self)
    }

    /// Asks the alert program.
    func ask<Answer: Decodable>(
        _ query: AlertQuery,
        _ answer: Answer.Type,
        timeout: Duration = .seconds(5)
    ) async throws -> Answer {
        try await ask("the alert program", query, answer, timeout: timeout)
    }

    private func ask<Query: Event, Answer: Decodable>(
        _ program: String,
        _ query: Query,
        _ answer: Answer.Type,
        timeout: Duration = .seconds(5)
    ) async throws -> Answer {
        let topic = try Query.kind.topic(site: place.site, subject: query.subject)
        do {
            let bytes = try await client.request(topic: topic, try envelope(query), timeout: timeout)
            return try EventCoding.decode(answer, from: bytes)
        } catch let error as BusError {
            guard error.isRetriable else { throw CommandError(error.message) }
            throw CommandError("\(program) does not answer (\(error)); is it running?")
        }
    }

    /// Calls `body` for each event that matches, in order, until it returns false or the task is cancelled.
    func follow(
        _ filters: [TopicFilter],
        from start: StartPosition,
        _ body: (Record, CloudEvent) async throws -> Bool
    ) async throws {
        let credit = 512
        let (id, records) = client.subscribe(
            SubscribeRequest(consumer: nil, filters: filters, start: start, credit: credit)
        )
        defer { client.leave(id) }
        while true {
            let batch = await records.next(max: credit)
            guard let last = batch.last else { break }
            for record in batch {
                guard let event = try? record.event() else {
                    Terminal.complain("record \(record.sequence) on \(record.topic) cannot be read; it was skipped")
                    continue
                }
                guard try await body(record, event) else { return }
            }
            client.acknowledge(id, upTo: last.sequence, credit: batch.count)
        }
        guard !Task.isCancelled else { return }
        throw CommandError("the bus ended the subscription; is its log older than the position that was asked for?")
    }
}

/// The result of `body`, or nil when it took longer.
func withTimeout<Result: Sendable>(
    _ timeout: Duration,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result? {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: timeout)
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
}
