import ArgumentParser
import Bus
import Events
import FoundationEssentials

struct InferCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infer",
        abstract: "Asks a pipeline's champion, on whichever node has time."
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The pipeline.")
    var pipeline: String

    @Option(
        help: ArgumentHelp(
            "A feature and its numbers, such as price=20.1,22.4 or speed=7; 'missing' for one that is. Repeatable.",
            valueName: "feature=numbers"
        )
    )
    var input: [String] = []

    @Option(
        help: ArgumentHelp("Features as a JSON object: {\"price\": [20.1, 22.4], \"speed\": 7}.", valueName: "file")
    )
    var inputFile: String?

    @Option(help: "Joins the prediction with a label that comes later. (default: the node makes one)")
    var key: String?

    @Option(help: "Ask that many times and show how long answers took.")
    var count = 1

    @Option(help: "Seconds to wait for an answer.")
    var timeout = 5.0

    @Flag(help: "The answer as JSON.")
    var json = false

    func validate() throws {
        guard count >= 1 else { throw ValidationError("--count \(count) must be at least 1") }
        guard timeout > 0, timeout <= 3600 else { throw ValidationError("--timeout must be above 0, at most 3600") }
    }

    func run() async throws {
        let inputs = try Self.inputs(input, file: inputFile)
        let place = try options.place()
        let topic: Topic
        do { topic = try InferenceRequest.kind.topic(site: place.site, subject: pipeline) } catch {
            throw CommandError("'\(pipeline)' is no pipeline name: \(error)")
        }
        let connection = try await BusConnection.open(place, name: "infer")
        defer { connection.close() }
        let terminal = Terminal()
        var seconds: [Double] = []
        for _ in 0..<count {
            let request = InferenceRequest(pipeline: pipeline, inputs: inputs, key: key)
            let began = ContinuousClock.now
            let bytes: [UInt8]
            do throws(BusError) {
                bytes = try await connection.client.request(
                    topic: topic,
                    try Self.envelope(request, connection),
                    timeout: .seconds(timeout)
                )
            } catch { throw Self.explain(error, pipeline, seconds: timeout) }
            seconds.append((ContinuousClock.now - began) / .seconds(1))
            if seconds.count == 1 { try show(bytes, terminal) }
        }
        if count > 1 {
            seconds.sort()
            let total = seconds.reduce(0, +)
            terminal.line(
                "\(count) answers, p50 \((Self.percentile(seconds, 0.5) * 1000).fixed(2)) ms, "
                    + "p99 \((Self.percentile(seconds, 0.99) * 1000).fixed(2)) ms, "
                    + "\(Int((Double(count) / max(total, 1e-9)).rounded())) in a second one after the other"
            )
        }
    }

    private static func envelope(
        _ request: InferenceRequest,
        _ connection: BusConnection
    ) throws(BusError) -> CloudEvent {
        do { return try connection.envelope(request) } catch { throw BusError(.badData, "\(error)") }
    }

    private static func percentile(_ sorted: [Double], _ share: Double) -> Double {
        sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    private func show(_ bytes: [UInt8], _ terminal: Terminal) throws {
        guard !json else {
            terminal.line(String(decoding: bytes, as: UTF8.self))
            return
        }
        let answer = try EventCoding.decode(InferenceAnswer.self, from: bytes)
        terminal.line(
            "\(answer.outputs.map { Double($0).short }.joined(separator: " "))  "
                + terminal.paint("key \(answer.key), model \(answer.digest.shortID), \(answer.node)", .dim)
        )
    }

    /// What went wrong and what to do about it.
    static func explain(_ error: BusError, _ pipeline: String, seconds: Double) -> CommandError {
        switch error.code {
        case .noModel:
            CommandError(
                "\(error.message); see 'hexloop status'; a training.requested, sent with 'hexloop publish', trains a first one"
            )
        case .busy: CommandError("\(error.message); is an inference node running, and are there enough of them?")
        case .timeout:
            CommandError("no answer from a node within \(seconds.short) s: \(error.message); is one running?")
        default: CommandError("pipeline '\(pipeline)': \(error.code.rawValue): \(error.message)")
        }
    }

    /// Features from `name=1,2,3` and from a file; the options win.
    static func inputs(_ options: [String], file: String?) throws -> [String: [Double]] {
        var inputs: [String: [Double]] = [:]
        if let file {
            guard let data = FileManager.default.contents(atPath: Place.absolute(file)) else {
                throw CommandError("cannot read \(file)")
            }
            do {
                inputs = try EventCoding.decode([String: FeatureValue].self, from: Array(data)).mapValues(\.elements)
            } catch {
                throw CommandError("\(file): \(error.message); it holds {\"feature\": number or list of numbers, ...}")
            }
        }
        for option in options {
            let parts = option.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandError("--input '\(option)' must be feature=numbers, such as price=20.1,22.4")
            }
            inputs[String(parts[0])] = try parts[1].split(separator: ",", omittingEmptySubsequences: false).map {
                let text = $0.filter { $0 != " " }
                if text == "missing" { return .nan }
                guard let number = Double(text), number.isFinite else {
                    throw CommandError("--input '\(option)': '\(text)' is no number")
                }
                return number
            }
        }
        guard !inputs.isEmpty else {
            throw CommandError("no input; give features with --input feature=numbers or --input-file FILE")
        }
        return inputs
    }
}
