import Decay
import Events
import Pipelines

@testable import Monitoring

/// A pipeline, its rollouts, and streams of observations with labels, each the same every time.
struct World {
    let pipeline: Pipeline
    var watch: PipelineWatch
    var generator: CounterGenerator
    var index = 0
    /// Seconds between observations.
    var step = 60.0
    /// Findings with the index of the observation that caused them.
    var found: [(index: Int, finding: PipelineWatch.Finding)] = []
    /// Whether the watch is written and read back after each event.
    var isRestarted = false
    var node = "node-1"

    static let start = 1_700_000_000.0

    init(_ file: String, baseline: Double = 1, seed: UInt64 = 1) throws {
        pipeline = try Pipeline(yaml: file)
        watch = try PipelineWatch(pipeline, Self.rollout(pipeline, baseline, "d1"), runID: "run-1", previous: nil)
        generator = CounterGenerator(seed: seed)
    }

    static func regression(_ monitor: String = "", features: Int = 2) -> String {
        let inputs = (0..<features).map { "x\($0): {shape: [1]}" }.joined(separator: ", ")
        return """
            pipeline: press
            task: {kind: regression, inputs: {\(inputs)}, target: y}
            data: {observations: in, labels: out, schema: {x0: {min: -100, max: 100}}}
            monitor: {\(monitor)}
            """
    }

    static func classification(_ monitor: String = "") -> String {
        """
        pipeline: press
        task: {kind: classification, inputs: {x0: {shape: [1]}}, target: y, classes: 2}
        data: {observations: in, labels: out}
        monitor: {\(monitor)}
        """
    }

    static func rollout(_ pipeline: Pipeline, _ baseline: Double, _ digest: String) -> RolloutStepped {
        RolloutStepped(
            pipeline: pipeline.name,
            pipelineVersion: "v",
            champion: .init(alias: "champion", candidate: "champion", version: 1, digest: digest, envelope: "{}"),
            shadows: [],
            baseline: baseline,
            ranges: pipeline.task.inputs.map { .init(feature: $0.name, count: $0.count, min: -10, max: 10) }
        )
    }

    mutating func promote(_ digest: String, baseline: Double = 1) throws {
        watch = try PipelineWatch(
            pipeline,
            Self.rollout(pipeline, baseline, digest),
            runID: "run-2",
            previous: watch
        )
    }

    var now: Timestamp { Timestamp(seconds: Self.start + Double(index) * step) }

    private mutating func note(_ findings: [PipelineWatch.Finding]) throws {
        found += findings.map { (index, $0) }
        guard isRestarted else { return }
        let state = try EventCoding.decode(PipelineWatch.State.self, from: EventCoding.encode(watch.state))
        let head = try EventCoding.decode(InputWatch.Head.self, from: EventCoding.encode(watch.inputs.head))
        let features = try watch.inputs.featureStates.map {
            try EventCoding.decode(InputWatch.FeatureState.self, from: EventCoding.encode($0))
        }
        watch = PipelineWatch(state: state, inputs: InputWatch(head: head, features: features))
    }

    /// An observation of those values, and a prediction that waits for its label.
    mutating func predict(_ row: [Double], outputs: [Float] = [0]) throws -> PipelineWatch.Answer {
        index += 1
        let seen = watch.observe(row: row.map { Float($0) }, key: "k-\(index)", at: now)
        try note(seen.findings)
        let made = watch.predict(
            key: "k-\(index)",
            outputs: outputs,
            node: node,
            at: now,
            sighting: seen.sighting
        )
        try note(made.findings)
        return made.answer
    }

    /// The label of an answer, `later` seconds from now.
    mutating func label(_ answer: PipelineWatch.Answer, _ label: Double, later: Double = 0) throws {
        let time = Timestamp(seconds: now.seconds + later)
        try note(watch.label(answer, label, at: time, nextRunID: "run-\(index)"))
    }

    /// A row of normal inputs that are `shift` higher, and an error that is normal around 0 times `scale`.
    mutating func step(shift: Double = 0, scale: Double = 1) throws {
        let row = pipeline.task.inputs.indices.map { _ in generator.normal() + shift }
        let answer = try predict(row)
        try label(answer, generator.normal() * scale)
    }

    var detected: [DecayDetected] {
        found.compactMap { if case .detected(let event) = $0.finding { event } else { nil } }
    }
    var suspected: [DecaySuspected] {
        found.compactMap { if case .suspected(let event) = $0.finding { event } else { nil } }
    }
    var persisted: [DecayPersisted] {
        found.compactMap { if case .persisted(let event) = $0.finding { event } else { nil } }
    }
    var cleared: [DecayCleared] {
        found.compactMap { if case .cleared(let event) = $0.finding { event } else { nil } }
    }
    var reconciled: [PerformanceReconciled] {
        found.compactMap { if case .reconciled(let event) = $0.finding { event } else { nil } }
    }
    var forecasts: [DecayForecast] {
        found.compactMap { if case .forecast(let event) = $0.finding { event } else { nil } }
    }
    /// All findings as text, to compare two runs.
    var transcript: [String] { found.map { "\($0.index) \($0.finding)" } }
}
