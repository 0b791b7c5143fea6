import Decay
import Events

/// What happens to a pipeline whose world changes in the middle.
struct PressLog {
    let pipeline: String

    /// The pipeline's file.
    var file: String {
        """
        pipeline: \(pipeline)
        task: {kind: regression, inputs: {load: {shape: [3]}, speed: {shape: [1]}}, target: power}
        data: {observations: \(pipeline)-in, labels: \(pipeline)-out, schema: {speed: {min: 0, max: 100}}}
        monitor: {window: 10, inputs: [out-of-range, drift, ks], drift: {window: 50 rows}, slices: [{by: speed}]}
        """
    }

    /// What happens at a place of the log.
    enum Happening: Sendable {
        case observation(ObservationRecorded)
        case prediction(PredictionsMade)
        case label(LabelRecorded)
        case rollout(RolloutStepped)

        /// The event itself.
        var event: any Event {
            switch self {
            case .observation(let event): event
            case .prediction(let event): event
            case .label(let event): event
            case .rollout(let event): event
            }
        }
    }

    private func rollout(_ digest: String) -> Happening {
        .rollout(
            RolloutStepped(
                pipeline: pipeline,
                pipelineVersion: "v",
                champion: .init(alias: "champion", candidate: "champion", version: 1, digest: digest, envelope: "{}"),
                shadows: [],
                baseline: 0.5,
                ranges: [
                    .init(feature: "load", count: 3, min: -5, max: 5),
                    .init(feature: "speed", count: 1, min: 0, max: 90),
                ]
            )
        )
    }

    /// A log: observations, predictions and labels, a shift in the middle, a promotion after it, labels that are
    /// replaced, observations that are refused.
    func events(seed: UInt64) -> [(UInt64, Happening)] {
        var generator = CounterGenerator(seed: seed)
        var log: [Happening] = [rollout("d1")]
        for index in 0..<420 {
            let key = "k-\(index)"
            let digest = index < 320 ? "d1" : "d2"
            if index == 320 { log.append(rollout("d2")) }
            let shift = index < 240 ? 0.0 : 4
            let load = (0..<3).map { _ in generator.uniform() * 4 - 2 + shift / 2 }
            let speed = index % 97 == 50 ? 200 : generator.uniform() * 90
            log.append(
                .observation(
                    ObservationRecorded(stream: "\(pipeline)-in", key: key, inputs: ["load": load, "speed": [speed]])
                )
            )
            guard speed <= 100 else { continue }
            let prediction = PredictionsMade.Prediction(
                key: key,
                at: Timestamp(seconds: 1_700_000_000 + Double(log.count)),
                digest: digest,
                outputs: [Float(load[0])],
                shadows: []
            )
            log.append(
                .prediction(PredictionsMade(pipeline: pipeline, node: "node-\(index % 2)", predictions: [prediction]))
            )
            let label = load[0] + generator.uniform() + (digest == "d1" ? shift : 0)
            log.append(.label(LabelRecorded(stream: "\(pipeline)-out", key: key, value: label)))
            if index % 13 == 0 {
                log.append(.label(LabelRecorded(stream: "\(pipeline)-out", key: key, value: label + 0.25)))
            }
        }
        return log.enumerated().map { (UInt64($0.offset + 1), $0.element) }
    }
}
