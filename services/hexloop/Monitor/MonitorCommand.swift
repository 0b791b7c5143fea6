import ArgumentParser
import Bus
import Events

struct MonitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "What the monitor sees of a pipeline.",
        subcommands: [MonitorShowCommand.self]
    )
}

struct MonitorShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Values with their levels and zones, forecast, labels, windows and features of a pipeline's champion."
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The pipeline.")
    var pipeline: String

    @Flag(help: "JSON, as the monitor answers.")
    var json = false

    func run() async throws {
        let connection = try await BusConnection.open(try options.place(), name: "ask")
        defer { connection.close() }
        let answer = try await connection.ask(MonitorQuery(pipeline: pipeline))
        let terminal = Terminal()
        if json { try terminal.json(answer) } else { MonitorReport(answer).write(to: terminal) }
    }
}

/// A monitor's answer as tables for people.
struct MonitorReport {
    private let answer: MonitorAnswer

    init(_ answer: MonitorAnswer) { self.answer = answer }

    func write(to terminal: Terminal) {
        terminal.line(
            "\(terminal.paint(answer.pipeline, .bold))  model \(answer.digest.shortID), \(answer.predictions) predictions, "
                + "\(answer.labels) with labels\(share), \(answer.labelsLate) late, \(answer.labelsCorrected) corrected, "
                + "\(answer.episodes) \(answer.episodes == 1 ? "episode" : "episodes") of decay"
        )
        values(terminal)
        terminal.line(outlook)
        if let estimate { terminal.line(estimate) }
        windows(terminal)
        features(terminal)
    }

    private var share: String { answer.labelledShare.map { " (\(($0 * 100).fixed(1)) % of those due)" } ?? "" }

    private func values(_ terminal: Terminal) {
        var table = TextTable([
            "of", "metric", ">value", ">low", ">high", ">baseline", ">near", ">breach", "zone", ">labels", ">evidence",
        ])
        for value in answer.values {
            table.add([
                value.part, value.metric, text(value.value), text(value.interval?.low), text(value.interval?.high),
                text(value.baseline), text(value.near), text(value.breach), value.zone, "\(value.window)",
                text(value.evidence),
            ])
        }
        table.write(to: terminal)
    }

    private var outlook: String {
        let record = answer.record
        func percent(_ share: Double?) -> String { share.map { "\(($0 * 100).fixed(0)) %" } ?? "-" }
        let books =
            "forecasts so far: \(record.settled) settled, precision \(percent(record.precision)), "
            + "recall \(percent(record.recall))"
        guard let forecast = answer.forecast else { return "no crossing in sight; \(books)" }
        return "crosses breach in about \(forecast.samples) samples (80 % between \(forecast.earliest) and "
            + "\(forecast.latest)); \(books)"
    }

    private var estimate: String? {
        guard let estimate = answer.estimate else { return nil }
        if !estimate.isTrusted {
            return "the estimate without labels is withdrawn: it was off by \(estimate.gap.short)"
        }
        return "estimated without labels: \(text(estimate.value)), off by \(estimate.gap.short) on average"
    }

    private func windows(_ terminal: Terminal) {
        guard !answer.windows.isEmpty else { return }
        var table = TextTable(["window from", ">predictions", ">labelled", ">value", ">low", ">high", "state"])
        for window in answer.windows {
            table.add([
                window.from.dateAndClock, "\(window.predictions)", "\((window.labelledShare * 100).fixed(1)) %",
                window.value.map(\.short) ?? "unknown", text(window.interval?.low), text(window.interval?.high),
                window.isFinal ? "final" : "open",
            ])
        }
        table.write(to: terminal)
    }

    private func features(_ terminal: Terminal) {
        guard !answer.features.isEmpty else { return }
        var table = TextTable([
            "feature", ">reference rows", ">reference median", ">median", ">distance", ">p", ">evidence",
        ])
        for feature in answer.features.prefix(20) {
            table.add([
                feature.feature, "\(feature.referenceRows)", text(feature.referenceMedian), text(feature.median),
                feature.distance.short, feature.pValue.short, feature.evidence.short,
            ])
        }
        table.write(to: terminal)
        if answer.features.count > 20 { terminal.line("and \(answer.features.count - 20) more; --json has them") }
    }

    private func text(_ value: Double?) -> String { value.map(\.short) ?? "-" }
}
