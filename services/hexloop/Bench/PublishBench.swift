import ArgumentParser
import Bus
import Events
import Membership
import ZeroMQ

/// Events that the log acknowledged after they were on disk, per second.
struct PublishBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publishes numbered events and counts the acknowledged ones per second."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "Events that may be under way at once, 1 to 1024.")
    var window = 256

    @Option(help: "Events in all.")
    var events = 100_000

    @Option(help: "Bytes of data in each event.")
    var bytes = 1024

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        guard (1...1024).contains(window) else { throw ValidationError("--window \(window) must be 1 to 1024") }
        guard events > 0 else { throw ValidationError("--events \(events) must be positive") }
        guard (0...CloudEvent.dataBytesMax).contains(bytes) else {
            throw ValidationError("--bytes \(bytes) must be 0 to \(CloudEvent.dataBytesMax)")
        }
    }

    func run() async throws {
        let place = try options.place()
        let options = self
        let (elapsed, waits) = try await DedicatedThread.run("bench") {
            let publisher = try BenchPublisher(place, bytes: options.bytes)
            return try publisher.publish(options.events, window: options.window)
        }
        Measurement(
            name: "publish",
            figures: [
                ("events/s", Double(events) / elapsed.seconds), ("window", Double(window)),
                ("p50_us", waits[0.5].microseconds), ("p99_us", waits[0.99].microseconds),
                ("max_us", waits[1].microseconds),
            ]
        ).write(asJSON: json, to: Terminal())
    }
}

/// A producer on one socket and one thread, as any foreign client may be written from `docs/wire.md`.
private final class BenchPublisher {
    /// The bus may be silent for so long.
    private static let patience: Duration = .seconds(10)

    private let context: Context
    private let socket: Socket
    private let topic: String
    private let header: [UInt8]
    private let data: [UInt8]

    init(_ place: Place, bytes: Int) throws {
        context = try Context()
        var options = SocketOptions()
        options.immediate = true
        socket = try place.openDealer(context, options)
        let site = place.site
        topic = "e/\(site)/bench/published/v1/events/"
        data = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
        header = try CloudEvent(id: "1", source: "//\(site)/hexloop/bench", type: "dev.hexloop.bench.published.v1")
            .header()
        let epoch = UInt64(max(1, Member.clock().microseconds))
        let hello = Hello(name: "hexloop/bench", producer: "hexloop/bench", producerEpoch: epoch)
        socket.waitWritable(milliseconds: 5000)
        _ = try socket.send(try ClientMessage.hello(1, hello).frames())
        guard case .welcome = try receive() else { throw CommandError("the bus answered HELLO with something else") }
    }

    /// Keeps the window full until everything is acknowledged.
    /// - Returns: The time for all, and from sending each event to its acknowledgement.
    func publish(_ count: Int, window: Int) throws -> (elapsed: Duration, waits: Percentiles) {
        var sentAt: [ContinuousClock.Instant] = []
        var waits: [Duration] = []
        sentAt.reserveCapacity(count)
        waits.reserveCapacity(count)
        let began = ContinuousClock.now
        while waits.count < count {
            while sentAt.count < min(waits.count + window, count) {
                let number = UInt64(sentAt.count + 1)
                sentAt.append(ContinuousClock.now)
                let message = ClientMessage.publish(0, sequence: number, topic: topic, header: header, data: data)
                while try socket.send(try message.frames()) != .queued { socket.waitWritable(milliseconds: 100) }
            }
            switch try receive() {
            case .ackSequenced(let number, _):
                let now = ContinuousClock.now
                for index in waits.count..<Int(number) { waits.append(now - sentAt[index]) }
            case .pong: continue
            case .nak(_, let refusal), .error(_, let refusal):
                throw CommandError("the bus refused an event: \(refusal.message)")
            default: continue
            }
        }
        _ = try socket.send(try ClientMessage.bye.frames())
        return (ContinuousClock.now - began, Percentiles(waits))
    }

    private func receive() throws -> BrokerMessage {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            if case .message(let frames) = try socket.receive() { return try BrokerMessage(frames: frames) }
            socket.waitReadable(milliseconds: 1000)
        }
        throw CommandError("no answer from the bus within \(Self.patience.short); is it running?")
    }
}
