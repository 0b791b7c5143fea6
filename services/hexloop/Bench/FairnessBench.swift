import ArgumentParser
import Bus
import Events
import Glibc

/// Whether a slow member of a work group makes the others' requests slow.
struct FairnessBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairness",
        abstract: "Three fast workers, with and without a fourth that is slower: how long requests take."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "Milliseconds that a fast worker needs.")
    var fast = 10

    @Option(help: "How many times slower the slow one is.")
    var factor = 12

    @Option(help: "Share of all workers' capacity that is asked for.")
    var load = 0.75

    @Option(help: "Seconds that each of the two runs takes.")
    var seconds = 10

    @Option(help: "Requests that a worker takes at once; it answers them one after the other.")
    var credit = 2

    @Flag(help: "One JSON object.")
    var json = false

    func run() async throws {
        let place = try options.place()
        let quick = Array(repeating: Duration.milliseconds(fast), count: 3)
        let (alone, _) = try await Self.run(place, quick, self)
        let (fast, slow) = try await Self.run(place, quick + [.milliseconds(self.fast * factor)], self)
        Measurement(
            name: "fairness",
            figures: [
                ("p50_ms", fast[0.5].seconds * 1000), ("p99_ms", fast[0.99].seconds * 1000),
                ("alone_p50_ms", alone[0.5].seconds * 1000), ("alone_p99_ms", alone[0.99].seconds * 1000),
                ("p99_ratio", fast[0.99].seconds / max(alone[0.99].seconds, 1e-9)),
                ("fast_answers", Double(fast.count)), ("slow_answers", Double(slow.count)),
                ("slow_p99_ms", slow[0.99].seconds * 1000),
            ]
        ).write(asJSON: json, to: Terminal())
    }

    /// One run: times of the requests that the first three workers answered, and of those of a fourth.
    private static func run(
        _ place: Place,
        _ workers: [Duration],
        _ options: FairnessBench
    ) async throws -> (fast: Percentiles, slow: Percentiles) {
        let asker = try await BusConnection.open(place, name: "bench-fairness")
        defer { asker.close() }
        let event = CloudEvent(id: "1", source: asker.source, type: "dev.hexloop.bench.echo.v1", data: [])
        let topic = try Topic("q/\(place.site)/bench/echo/v1/any/")
        let capacity = workers.reduce(0) { $0 + 1 / $1.seconds }
        let rate = capacity * options.load
        return try await withThrowingTaskGroup(of: Void.self) { serving in
            for (index, time) in workers.enumerated() {
                serving.addTask { try await work(place, index: index, time: time, credit: options.credit) }
            }
            try await waitForWorkers(asker, topic, event, count: workers.count)
            let times = try await withThrowingTaskGroup(of: (UInt8, Duration).self) { asking in
                let began = ContinuousClock.now
                var (at, random) = (0.0, SystemRandomNumberGenerator())
                while at < Double(options.seconds) {
                    // Arrivals as a Poisson process.
                    at -= log(Double.random(in: 1e-12..<1, using: &random)) / rate
                    try await Task.sleep(until: began + .seconds(at), clock: .continuous)
                    asking.addTask {
                        let asked = ContinuousClock.now
                        let answer = try await asker.client.request(topic: topic, event, timeout: .seconds(30))
                        return (answer.first ?? 0, ContinuousClock.now - asked)
                    }
                }
                return try await asking.reduce(into: [(UInt8, Duration)]()) { $0.append($1) }
            }
            serving.cancelAll()
            return (
                Percentiles(times.filter { $0.0 < 3 }.map(\.1)), Percentiles(times.filter { $0.0 >= 3 }.map(\.1))
            )
        }
    }

    /// Every worker has answered once.
    private static func waitForWorkers(
        _ asker: BusConnection,
        _ topic: Topic,
        _ event: CloudEvent,
        count: Int
    ) async throws {
        var seen: Set<UInt8> = []
        while seen.count < count {
            let answers = try await withThrowingTaskGroup(of: UInt8.self) { group in
                for _ in 0..<count * 2 {
                    group.addTask {
                        try await asker.client.request(topic: topic, event, timeout: .seconds(10)).first ?? 0
                    }
                }
                return try await group.reduce(into: Set<UInt8>()) { $0.insert($1) }
            }
            seen.formUnion(answers)
        }
    }

    private static func work(_ place: Place, index: Int, time: Duration, credit: Int) async throws {
        let connection = try await BusConnection.open(place, name: "bench-worker-\(index)")
        defer { connection.close() }
        let (id, jobs) = connection.client.join(
            JoinRequest(group: "bench", filters: [try BenchWorker.filter(site: place.site)], credit: credit)
        )
        defer { connection.client.leave(id) }
        while !Task.isCancelled {
            for job in await jobs.next(max: 1) {
                try? await Task.sleep(for: time)
                connection.client.finish(id, job.token, result: [UInt8(index)])
            }
        }
    }
}
