import ArgumentParser
import Bus
import Events
import ZeroMQ

/// Opens many sessions and keeps them until it is stopped, so that the broker's memory can be looked at.
struct SessionsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "Opens many sessions with a subscription each and keeps them until it is stopped."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "Sessions, 1 to 1000.")
    var count = 1000

    func validate() throws {
        guard (1...1000).contains(count) else { throw ValidationError("--count \(count) must be 1 to 1000") }
    }

    func run() async throws {
        let place = try options.place()
        let filter = try TopicFilter("e/\(place.site)/bench/")
        let (turns, turn) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        let (count, terminal) = (count, Terminal())
        let reactor = Reactor<Never>("sessions") { _ in
            try SessionsBody(place, filter, count: count, greeted: { turn.yield($0) })
        } failed: {
            Terminal.complain("\($0)")
            turn.finish()
        }
        for await greeted in turns where greeted == count {
            terminal.line("\(count) sessions stand")
            break
        }
        reactor.join()
    }
}

/// All sessions on one thread: each greets, subscribes and pings.
private final class SessionsBody: ReactorBody {
    private final class Session {
        let socket: Socket
        var isGreeted = false

        init(_ context: Context, _ place: Place) throws { socket = try place.openDealer(context) }
    }

    private let context: Context
    private let sessions: [Session]
    private let greeted: (Int) -> Void

    init(_ place: Place, _ filter: TopicFilter, count: Int, greeted: @escaping (Int) -> Void) throws {
        let context = try Context()
        self.context = context
        self.greeted = greeted
        sessions = try (0..<count).map { _ in try Session(context, place) }
        for (index, session) in sessions.enumerated() {
            let request = SubscribeRequest(consumer: nil, filters: [filter], start: .head, credit: 16)
            _ = try session.socket.send(try ClientMessage.hello(1, Hello(name: "bench-session-\(index)")).frames())
            _ = try session.socket.send(try ClientMessage.subscribe(2, request).frames())
        }
    }

    func prepare(_ set: inout PollSet) {}
    func handle(_ command: Never) {}
    func close(undelivered: [Never]) {}

    func turn() -> Duration {
        for session in sessions {
            while case .message? = try? session.socket.receive() { session.isGreeted = true }
            if let ping = try? ClientMessage.ping.frames() { _ = try? session.socket.send(ping) }
        }
        greeted(sessions.count(where: \.isGreeted))
        return .seconds(1)
    }
}
