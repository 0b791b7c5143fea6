import Bus
import Events

/// An event as one line for people: when, what, about what, in which lap, and the few figures that matter.
struct EventLine {
    /// What a kind of event has to say, and how loud.
    struct Summary: Sendable {
        var text: String
        var style: Terminal.Style = .plain
    }

    private static let nameWidth = 21
    private static let subjectWidth = 14
    private static let runWidth = 10

    let event: CloudEvent
    let summary: Summary

    init(_ event: CloudEvent) {
        self.event = event
        summary = Self.summaries[event.type]?(event) ?? Summary(text: "\(event.data.count) bytes", style: .dim)
    }

    /// `decay.detected` of `dev.hexloop.decay.detected.v1`; a foreign type as it is.
    static func name(ofType type: String) -> String {
        EventKind(type: type).map { $0.version == 1 ? $0.description : "\($0.description).v\($0.version)" } ?? type
    }

    func text(_ terminal: Terminal) -> String {
        let time = terminal.paint(event.time?.clock ?? "            ", .dim)
        let name = terminal.paint(Self.name(ofType: event.type).padded(Self.nameWidth), summary.style)
        let subject = (event.subject ?? "").padded(Self.subjectWidth)
        let run = terminal.paint(String((event.runID ?? "").prefix(Self.runWidth)).padded(Self.runWidth), .dim)
        return "\(time)  \(name) \(subject) \(run)  \(summary.text)"
    }

    // MARK: One formatter per kind

    private typealias Formatter = @Sendable (CloudEvent) -> Summary

    private static func on<E: Event>(
        _ kind: E.Type,
        _ style: Terminal.Style = .plain,
        _ text: @escaping @Sendable (E) -> String
    ) -> (String, Formatter) {
        (
            E.kind.type,
            { event in
                do { return Summary(text: text(try event.decode(kind)), style: style) } catch {
                    return Summary(text: "cannot be read: \(error)", style: .red)
                }
            }
        )
    }

    private static let summaries: [String: Formatter] = Dictionary(uniqueKeysWithValues: [
        on(ObservationRecorded.self, .dim) { "\($0.key)  \(inputs($0.values))" },
        on(LabelRecorded.self, .dim) { "\($0.key)  = \($0.value)" },
        on(ExampleRecorded.self, .dim) { "\($0.key)  \(inputs($0.values)) = \($0.value)" },
        on(PredictionsMade.self, .dim) { event in
            let first = event.predictions.first
            let output = first?.outputs.first.map { Double($0).short } ?? "-"
            let more = event.predictions.count > 1 ? " and \(event.predictions.count - 1) more" : ""
            return "\(first?.key ?? "-")  \(output)\(more)  by \(event.node), model \(first?.digest.shortID ?? "-")"
        },
        on(DecaySuspected.self, .yellow) { figures($0.figures) },
        on(DecayDetected.self, .red) { figures($0.figures) },
        on(DecayPersisted.self, .red) { figures($0.figures) },
        on(DecayCleared.self, .green) { figures($0.figures) },
        on(DecayForecast.self, .yellow) { "\($0.key)  \($0.message)" },
        on(PerformanceReconciled.self) { $0.message },
        on(TrainingRequested.self, .cyan) { $0.reason },
        on(TrainingStarted.self, .cyan) {
            "\($0.candidates.joined(separator: ", ")) on \($0.rows) rows because of \($0.cause)"
        },
        on(TrainingProgressed.self, .dim) {
            "\($0.candidate): epoch \($0.epoch) of \($0.epochs), validation loss \($0.validationLoss.short)"
        },
        on(TrainingCompleted.self, .cyan) { event in
            event.candidates.map { "\($0.name) \($0.seconds.fixed(2)) s, \($0.rows) rows" }.joined(separator: "; ")
        },
        on(TrainingFailed.self, .red) { "\($0.code.rawValue): \($0.message)" },
        on(TrainingDeclined.self, .yellow) { "\($0.code.rawValue): \($0.message)" },
        on(ModelOffered.self, .cyan) { "\($0.name): \($0.file), \($0.model.shortID), by \($0.by): \($0.reason)" },
        on(ConversionCompleted.self, .cyan) { event in
            "float to int8: "
                + event.candidates.map { "\($0.name) \($0.signalToNoiseDB.fixed(1)) dB, \($0.containerBytes) B" }
                .joined(separator: "; ")
        },
        on(ConversionFailed.self, .red) { "\($0.candidate): \($0.code.rawValue): \($0.message)" },
        on(PipelinePushed.self) { "\($0.file.utf8.count) bytes" },
        on(PipelineRegistered.self, .green) { "version \($0.version.shortID)" },
        on(PipelineRejected.self, .red) { "\($0.code.rawValue): \($0.message)" },
        on(ModelRegistered.self) {
            "version \($0.version) is \($0.candidate), \($0.digest.shortID); \(gates($0.gates))"
        },
        on(ModelRejected.self, .yellow) { "\($0.candidate), \($0.digest.shortID): \($0.message)" },
        on(ModelPromoted.self, .green) { event in
            let before = event.previous.map { ", was \($0.shortID)" } ?? ""
            return "version \(event.version), \(event.digest.shortID), is \(event.alias)\(before)"
        },
        on(RolloutStepped.self) { event in
            let shadows = event.shadows.map { "\($0.alias) \($0.digest.shortID)" }.joined(separator: ", ")
            return "champion \(event.champion.digest.shortID)\(shadows.isEmpty ? "" : ", \(shadows)"), "
                + "baseline \(event.baseline.short)"
        },
        on(RolloutCompleted.self, .green) {
            "\($0.digest.shortID) is served by all: \($0.nodes.joined(separator: ", "))"
        },
        on(ModelLoaded.self) { "\($0.node) serves \($0.digest.shortID) as \($0.role) after \($0.loadMs.fixed(1)) ms" },
        on(ModelRefused.self, .red) { "\($0.node) refused \($0.digest.shortID): \($0.code.rawValue): \($0.message)" },
        on(KernelRefused.self, .red) { "\($0.node): \($0.message)" },
        on(AlertRaised.self, .red) { "\($0.severity.rawValue): \($0.title)" },
        on(AlertResolved.self, .green) { $0.message },
        on(AlertAcknowledged.self, .cyan) {
            "incident \($0.incident) is looked after by \($0.by)\($0.note.isEmpty ? "" : ": \($0.note)")"
        },
        on(AlertSilenced.self, .cyan) { "until \($0.until.rfc3339) by \($0.by): \($0.reason)" },
        on(EventRefused.self, .red) { event in
            "\(event.service) refused \(event.type.map(name(ofType:)) ?? "an event"): "
                + "\(event.code.rawValue): \(event.message)"
        },
        on(ServiceBeat.self, .dim) {
            "\($0.ready ? "ready" : $0.reasons.joined(separator: "; ")), \($0.residentBytes.megabytes) MB"
        },
    ])

    private static func inputs(_ values: [String: [Double]]) -> String {
        values.sorted { $0.key < $1.key }.map { name, elements in
            let last = elements.suffix(3).map { $0.isFinite ? $0.short : "missing" }.joined(separator: " ")
            return "\(name) \(elements.count > 3 ? "... " : "")\(last)"
        }.joined(separator: ", ")
    }

    private static func figures(_ figures: DecayFigures) -> String {
        let isMetric = figures.cause == "error" || ["threshold", "sequential"].contains(figures.detector)
        return isMetric
            ? "\(figures.key)  \(figures.metric) \(figures.value.short) over \(figures.window), "
                + "near \(figures.near.short), breach \(figures.breach.short), cause \(figures.cause)"
            : "\(figures.key)  \(figures.message)"
    }

    private static func gates(_ gates: [GateResult]) -> String {
        gates.map { "\($0.gate) \($0.value.short)\($0.passed ? " ok" : " FAILED, limit \($0.limit.short)")" }
            .joined(separator: ", ")
    }
}
