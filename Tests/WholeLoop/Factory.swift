public import Bus
public import Events
import Foundation

/// Another system, as the loop sees it: it owns a pipeline, records observations, and labels them afterwards.
public struct Factory: Sendable {
    /// The stack that it feeds.
    public let stack: RunningStack
    /// Name of its pipeline.
    public let pipeline: String

    /// A factory that feeds `stack` under the name of one pipeline.
    public init(stack: RunningStack, pipeline: String) {
        self.stack = stack
        self.pipeline = pipeline
    }

    /// The pipeline file: four inputs, a target that is their sum, small nets.
    public var file: String {
        """
        pipeline: \(pipeline)
        automation: automatic
        task: {kind: regression, inputs: {load: {shape: [3]}, speed: {shape: [1], unit: m/s}}, target: power}
        data: {observations: \(pipeline)-in, labels: \(pipeline)-out, schema: {load: {min: -50, max: 50}, speed: {min: 0, max: 2000}}}
        train: {kind: mlp, hidden: [8], loss: huber, epochs: 40, learning-rate: 0.01, batch: 32, seed: 7}
        shadows: [{name: last-60, window: 60 rows}, {name: last-120, window: 120 rows}]
        gates: {metric: mae, max-quantization-drop: 50%, recent: 60 rows, frozen-worse: 5000%}
        monitor: {metric: mae, window: 10, near: 1.5x baseline, breach: 2x baseline, inputs: [out-of-range]}
        policy: {cooldown: 0s, runs-per-day: 1000}
        """
    }

    /// Inputs of step `index`: the two features have scales that differ a hundredfold.
    public func inputs(_ index: Int) -> [String: [Double]] {
        let phase = Double(index)
        return [
            "load": [sin(phase * 0.7) * 4, cos(phase * 0.3) * 4, sin(phase * 0.11) * 4],
            "speed": [500 + 400 * sin(phase * 0.05)],
        ]
    }

    /// The truth; after the world changed, everything is `shift` more.
    public func target(_ index: Int, shift: Double) -> Double {
        let inputs = inputs(index)
        return (inputs["load"] ?? []).reduce(0, +) + (inputs["speed"]?.first ?? 0) / 100 + shift
    }

    /// Puts an event into the log and returns its sequence.
    @discardableResult
    public func publish(_ event: any Event, id: String? = nil) async throws -> UInt64 {
        let topic = try type(of: event).kind.topic(site: "local", subject: event.subject)
        let cloudEvent = try CloudEvent(
            event,
            id: id ?? UUID().uuidString,
            source: "//factory",
            time: Timestamp(seconds: Date().timeIntervalSince1970)
        )
        return try await stack.bus.publish(topic: topic, cloudEvent, timeout: .seconds(40)).sequence
    }

    /// Registers the pipeline, records history and waits until the first model serves.
    public func begin() async throws {
        try await publish(PipelinePushed(pipeline: pipeline, file: file))
        try await wait(for: PipelineRegistered.self) { $0.pipeline == pipeline }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<240 {
                group.addTask {
                    try await publish(
                        ExampleRecorded(
                            stream: "\(pipeline)-in",
                            key: "past-\(index)",
                            inputs: inputs(index),
                            value: target(index, shift: 0)
                        )
                    )
                }
            }
            try await group.waitForAll()
        }
        try await publish(TrainingRequested(pipeline: pipeline, reason: "first model"))
        try await wait(for: RolloutCompleted.self) { $0.pipeline == pipeline }
    }

    /// Records observation and label `index`.
    public func step(_ index: Int, shift: Double) async throws {
        try await publish(ObservationRecorded(stream: "\(pipeline)-in", key: "k-\(index)", inputs: inputs(index)))
        try await publish(
            LabelRecorded(stream: "\(pipeline)-out", key: "k-\(index)", value: target(index, shift: shift))
        )
    }

    /// Steps until the log holds an event that fits, at most `max` times.
    /// - Returns: The next index.
    public func stepUntil<E: Event>(
        _ kind: E.Type,
        from start: Int,
        shift: Double,
        max: Int = 600,
        where fits: @escaping @Sendable (E) -> Bool
    ) async throws -> Int {
        for index in start..<(start + max) {
            try await step(index, shift: shift)
            if index % 5 == 4, try await all(kind).contains(where: fits) { return index + 1 }
        }
        throw StackError("no \(E.kind) in \(max) steps\n" + stack.output)
    }

    /// Every event of a kind in the log.
    public func all<E: Event>(_ kind: E.Type) async throws -> [E] { try await records(kind).map(\.1) }

    /// Every event of a kind in the log, with its record.
    public func records<E: Event>(_ kind: E.Type) async throws -> [(Record, E)] {
        var found: [(Record, E)] = []
        var after: UInt64 = 0
        while true {
            let (records, scannedTo) = try await stack.bus.fetch(
                [try E.kind.filter],
                after: after,
                timeout: .seconds(40)
            )
            for record in records { found.append((record, try record.event().decode(kind))) }
            if scannedTo == after { return found }
            after = scannedTo
        }
    }

    /// Waits for an event that fits, in the log or yet to come.
    public func wait<E: Event>(for kind: E.Type, where fits: @escaping @Sendable (E) -> Bool) async throws {
        let (id, records) = stack.bus.subscribe(
            SubscribeRequest(consumer: nil, filters: [try E.kind.filter], start: .origin, credit: 256)
        )
        defer { stack.bus.leave(id) }
        while true {
            let batch = await records.next(max: 64)
            guard let last = batch.last else { throw StackError("the bus ended\n" + stack.output) }
            for record in batch where fits(try record.event().decode(kind)) { return }
            stack.bus.acknowledge(id, upTo: last.sequence, credit: batch.count)
        }
    }

    /// Waits until every observation has a prediction, and checks that none has two different ones.
    public func expectAllAnswered(_ range: Range<Int>) async throws {
        let wanted = Set(range.map { "k-\($0)" })
        let (id, records) = stack.bus.subscribe(
            SubscribeRequest(
                consumer: nil,
                filters: [try PredictionsMade.kind.filter],
                start: .origin,
                credit: 256
            )
        )
        defer { stack.bus.leave(id) }
        var answered: Set<String> = []
        while !wanted.isSubset(of: answered) {
            let batch = await records.next(max: 64)
            guard let last = batch.last else { throw StackError("the bus ended\n" + stack.output) }
            for record in batch {
                let made = try record.event().decode(PredictionsMade.self)
                guard made.pipeline == pipeline else { continue }
                answered.formUnion(made.predictions.map(\.key))
            }
            stack.bus.acknowledge(id, upTo: last.sequence, credit: batch.count)
        }
    }
}
