import ArgumentParser
import Bus
import Events
import ZeroMQ

/// The other side of ``RequestBench``: answers with what it was asked, through the bus and on a socket of its own.
struct BenchWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Answers the requests of 'bench request', until it is stopped."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "Where it also answers without the bus, such as tcp://127.0.0.1:7777.")
    var direct: String?

    @Option(help: "Requests that it takes at once.")
    var credit = 64

    static func filter(site: String) throws -> TopicFilter { try TopicFilter("q/\(site)/bench/") }

    func run() async throws {
        let place = try options.place()
        let connection = try await BusConnection.open(place, name: "bench-worker")
        defer { connection.close() }
        let door = direct.map { endpoint in
            Reactor<Never>("direct") { _ in
                try EchoBody(endpoint)
            } failed: {
                Terminal.complain("\($0)")
            }
        }
        defer {
            door?.stop()
            door?.join()
        }
        let (id, jobs) = connection.client.join(
            JoinRequest(group: "bench", filters: [try Self.filter(site: place.site)], credit: credit)
        )
        while true {
            let batch = await jobs.next(max: credit)
            if batch.isEmpty { return }
            for job in batch { connection.client.finish(id, job.token, result: job.record.data) }
        }
    }
}

private final class EchoBody: ReactorBody {
    private let context: Context
    private let router: Socket

    init(_ endpoint: String) throws {
        context = try Context()
        router = try Socket(context, .router)
        try router.bind(endpoint)
    }

    func prepare(_ set: inout PollSet) { set.add(router) }
    func handle(_ command: Never) {}
    func close(undelivered: [Never]) {}

    func turn() -> Duration {
        while case .message(let frames)? = try? router.receive() { _ = try? router.send(frames) }
        return .seconds(1)
    }
}
