import ArgumentParser
import Bus
import Events
import ZeroMQ

/// What the way through the broker and a work group costs a request, against a call without it.
struct RequestBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Times requests through a work group; start 'bench worker' first."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "Requests in all.")
    var count = 5000

    @Option(help: "Bytes in each request.")
    var bytes = 256

    @Option(help: "Where the worker also answers without the bus.")
    var direct: String?

    @Flag(help: "One JSON object.")
    var json = false

    func run() async throws {
        let place = try options.place()
        let connection = try await BusConnection.open(place, name: "bench-request")
        defer { connection.close() }
        let topic = try Topic("q/\(place.site)/bench/echo/v1/any/")
        let payload = [UInt8](repeating: 7, count: bytes)
        let event = CloudEvent(
            id: "1",
            source: connection.source,
            type: "dev.hexloop.bench.echo.v1",
            data: payload
        )
        var (through, without): ([Duration], [Duration]) = ([], [])
        let echo = try direct.map { try DirectCall($0) }
        // The two in turn, so that both see the same machine.
        for index in 0..<count + count / 10 {
            let began = ContinuousClock.now
            _ = try await connection.client.request(topic: topic, event)
            let reached = ContinuousClock.now
            if let echo { try await echo.call(payload) }
            guard index >= count / 10 else { continue }
            through.append(reached - began)
            if echo != nil { without.append(ContinuousClock.now - reached) }
        }
        let (group, call) = (Percentiles(through), Percentiles(without))
        var figures = [("p50_us", group[0.5].microseconds), ("p99_us", group[0.99].microseconds)]
        if echo != nil {
            figures += [
                ("direct_p50_us", call[0.5].microseconds), ("direct_p99_us", call[0.99].microseconds),
                ("added_p50_us", (group[0.5] - call[0.5]).microseconds),
                ("added_p99_us", (group[0.99] - call[0.99]).microseconds),
            ]
        }
        Measurement(name: "request", figures: figures).write(asJSON: json, to: Terminal())
    }
}

/// A DEALER that asks one thing at a time, on a thread of its own as a program's client would.
private struct DirectCall {
    private let reactor: Reactor<Call>

    struct Call: Sendable {
        let payload: [UInt8]
        let answer: CheckedContinuation<Void, Never>
    }

    init(_ endpoint: String) throws {
        reactor = Reactor("direct") { _ in
            try Body(endpoint)
        } failed: {
            Terminal.complain("\($0)")
        }
    }

    func call(_ payload: [UInt8]) async throws {
        await withCheckedContinuation { reactor.post(Call(payload: payload, answer: $0)) }
    }

    private final class Body: ReactorBody {
        private let context: Context
        private let dealer: Socket
        private var waiting: CheckedContinuation<Void, Never>?

        init(_ endpoint: String) throws {
            context = try Context()
            dealer = try Socket(context, .dealer)
            try dealer.connect(endpoint)
        }

        func prepare(_ set: inout PollSet) { set.add(dealer) }

        func handle(_ call: Call) {
            waiting = call.answer
            _ = try? dealer.send([call.payload])
        }

        func turn() -> Duration {
            while case .message? = try? dealer.receive() {
                waiting?.resume()
                waiting = nil
            }
            return .seconds(1)
        }

        func close(undelivered: [Call]) {
            for call in undelivered { call.answer.resume() }
            waiting?.resume()
        }
    }
}
