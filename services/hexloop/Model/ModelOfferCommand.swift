import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Membership
import Storage

/// Brings a model that was trained elsewhere onto the nodes.
struct ModelOfferCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offer",
        abstract: "Offers a model of another program (ONNX, TFLite) to a pipeline, and shows what becomes of it.",
        discussion: """
            The file goes to the registry; the converter checks it against the pipeline, quantizes and signs it; the \
            registry puts it through the pipeline's gates; the nodes load it. It ends with 0 when all live nodes serve it, \
            and with 1 and the reason when it was refused.

            Ranges are measured on --calibration, rows such as the model will meet, in the order of the pipeline's inputs: \
            NumPy's .npy or bare float32. Without it they are measured on the pipeline's own newest rows. With --labels, \
            one for each row, the model is also judged on these rows.
            """
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The file: ONNX, TFLite, or a container (.hxm) with a float model.")
    var file: String

    @Option(help: "The pipeline that shall serve it.")
    var pipeline: String

    @Option(help: ArgumentHelp("Rows to measure ranges on. (default: the pipeline's newest)", valueName: "file"))
    var calibration: String?

    @Option(help: ArgumentHelp("A label for each row: the target, or the class from 0.", valueName: "file"))
    var labels: String?

    @Option(help: "What it is called in versions and history. (default: the file's name)")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "For a model with several inputs: which input of the pipeline one of them is. Repeatable.",
            valueName: "model's=pipeline's"
        )
    )
    var input: [String] = []

    @Option(help: "Who offers it. (default: $USER)")
    var by: String?

    @Option(help: "Why, for the audit.")
    var reason = "offered by hand"

    @Flag(name: .customLong("no-wait"), help: "End when the offer is in the log.")
    var isNotAwaited = false

    @Option(help: "Seconds to wait for the nodes.")
    var timeout = 600.0

    func validate() throws {
        guard labels == nil || calibration != nil else { throw ValidationError("--labels needs --calibration") }
        guard timeout > 0, timeout <= 86_400 else { throw ValidationError("--timeout must be above 0, at most 86400") }
        for pair in input where pair.split(separator: "=").count != 2 {
            throw ValidationError("--input \(pair) must be <input of the model>=<input of the pipeline>")
        }
    }

    func run() async throws {
        let place = try options.place()
        let connection = try await BusConnection.open(place, name: "offer")
        defer { connection.close() }
        let fileName = file.split(separator: "/").last.map(String.init) ?? file
        var event = ModelOffered(
            pipeline: pipeline,
            name: name ?? Self.stem(fileName),
            model: String(repeating: "0", count: 64),
            file: fileName,
            inputs: mapping,
            by: by ?? ProcessInfo.processInfo.environment["USER"] ?? "operator",
            reason: reason
        )
        do throws(EventError) { try event.check() } catch { throw CommandError(error.message) }
        let client = ArtifactClient(place.artifacts, keyPath: place.keyPath)
        event.model = try await upload(file, client, bytesMax: ModelOffered.fileBytesMax)
        if let calibration {
            event.calibration = try await upload(calibration, client, bytesMax: ModelOffered.rowsBytesMax)
        }
        if let labels { event.labels = try await upload(labels, client, bytesMax: ModelOffered.rowsBytesMax) }
        let receipt: BusClient.Receipt
        do { receipt = try await connection.publish(event) } catch let error as TopicError {
            throw CommandError("'\(pipeline)' is no pipeline name: \(error)")
        }
        let run = "run-\(receipt.sequence)"
        let terminal = Terminal()
        terminal.line("offered to '\(pipeline)' as \(event.name), \(event.model.shortID); \(run)")
        guard !isNotAwaited else { return }
        let isServed = try await withTimeout(.seconds(timeout)) {
            try await Self.follow(run, receipt.sequence, connection, terminal)
            return true
        }
        guard isServed == true else {
            throw CommandError(
                "not all nodes serve it after \(timeout.short) s; the offer stands: "
                    + "hexloop laps --pipeline \(pipeline) shows how far it is"
            )
        }
    }

    private var mapping: [String: String]? {
        guard !input.isEmpty else { return nil }
        let pairs = input.map { $0.split(separator: "=").map(String.init) }
        return Dictionary(pairs.map { ($0[0], $0[1]) }) { _, last in last }
    }

    /// The name without its last ending.
    private static func stem(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
        return String(name[..<dot].prefix(ModelOffered.textCharactersMax))
    }

    private func upload(_ path: String, _ client: ArtifactClient, bytesMax: Int) async throws -> String {
        let bars = TransferBars()
        let name = path.split(separator: "/").last.map(String.init) ?? path
        do {
            let byteCount = try OutgoingFile(path: path).count
            guard byteCount <= bytesMax else {
                throw CommandError("\(path) has \(byteCount) bytes and \(bytesMax) are taken")
            }
            let digest = try await FileDigest.of(path) { bars.show("reading \(name)", $0, $1) }
            let report = try await client.upload(file: path, digest: digest) { bars.show("sending \(name)", $0, $1) }
            bars.finish("\(name)  \(report.total) bytes, \(digest)")
            return digest
        } catch {
            bars.clear()
            throw error is CommandError ? error : CommandError("\(error)")
        }
    }

    /// Shows each step of a lap until all nodes serve its model.
    /// - Throws: ``CommandError`` when the model was refused on the way.
    private static func follow(
        _ run: String,
        _ sequence: UInt64,
        _ connection: BusConnection,
        _ terminal: Terminal
    ) async throws {
        let filters = try [
            ConversionCompleted.kind, ConversionFailed.kind, ModelRegistered.kind, ModelRejected.kind,
            ModelPromoted.kind, ModelRefused.kind, RolloutCompleted.kind,
        ].map { try $0.filter }
        var failure: CommandError?
        try await connection.follow(filters, from: .after(sequence)) { _, event in
            guard event.runID == run else { return true }
            switch event.type {
            case ConversionFailed.kind.type:
                let failed = try event.decode(ConversionFailed.self)
                failure = CommandError("it cannot be converted (\(failed.code.rawValue)): \(failed.message)")
                return false
            case ModelRejected.kind.type:
                let rejected = try event.decode(ModelRejected.self)
                failure = CommandError("it did not pass the gates: \(rejected.message)")
                return false
            case ModelRefused.kind.type:
                let refused = try event.decode(ModelRefused.self)
                failure = CommandError(
                    "\(refused.node) does not load it (\(refused.code.rawValue)): \(refused.message)"
                )
                return false
            default:
                terminal.line(EventLine(event).text(terminal))
                return event.type != RolloutCompleted.kind.type
            }
        }
        if let failure { throw failure }
    }
}
