import ArgumentParser
import Bus
import ZeroMQ

/// Measures a running bus. `Benchmarks/bus.py` starts one, and its peers beside it.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures the bus: events per second, requests, fairness.",
        subcommands: [PublishBench.self, RequestBench.self, FairnessBench.self, BenchWorker.self, SessionsBench.self]
    )
}

/// Times in ascending order, and what stands at a share of them.
struct Percentiles: Sendable {
    private let sorted: [Duration]

    init(_ times: [Duration]) { sorted = times.sorted() }

    /// The time that this share of all (0...1) does not exceed; zero without any.
    subscript(_ share: Double) -> Duration {
        guard !sorted.isEmpty else { return .zero }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    var count: Int { sorted.count }
}

extension Duration {
    /// Microseconds, with one digit after the point.
    var microseconds: Double { (seconds * 1e7).rounded() / 10 }
}

/// What one measurement prints: a line for people, or a JSON object for programs.
struct Measurement {
    var name: String
    var figures: [(name: String, value: Double)]

    func write(asJSON: Bool, to terminal: Terminal) {
        if asJSON {
            let fields = figures.map { "\"\($0.name)\": \($0.value.short)" }.joined(separator: ", ")
            terminal.line("{\"measurement\": \"\(name)\", \(fields)}")
        } else {
            terminal.line(
                "\(name): " + figures.map { "\($0.value.short) \($0.name)" }.joined(separator: ", ")
            )
        }
    }
}

extension Place {
    /// A DEALER on the command socket, with this place's key where it needs one.
    func openDealer(_ context: Context, _ options: SocketOptions = .init()) throws -> Socket {
        var options = options
        if bus.directory == nil, let keyPath { options.curve = try BusKey(path: keyPath).toBus }
        let socket = try Socket(context, .dealer, options: options)
        try socket.connect(bus.endpoint(SocketTable.command))
        return socket
    }
}
