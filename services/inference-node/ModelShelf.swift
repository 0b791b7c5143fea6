import Events
import Inference
import KnownPipelines
import Pipelines
import Synchronization

/// A model that was checked and may answer.
struct LoadedModel: Sendable {
    let alias: String
    let digest: String
    let model: QuantizedModel
}

/// What serves one pipeline: a value, so a request that has begun ends with the models it began with.
struct ServedPipeline: Sendable {
    let known: KnownPipeline
    let champion: LoadedModel
    let shadows: [LoadedModel]

    var pipeline: Pipeline { known.pipeline }

    /// Answers one observation.
    /// - Throws: `EventError` that names the feature or the model that is in the way.
    func predict(
        key: String,
        inputs: [String: [Double]],
        at time: Timestamp
    ) throws(EventError) -> PredictionsMade.Prediction {
        let row = try pipeline.row(from: inputs)
        return PredictionsMade.Prediction(
            key: key,
            at: time,
            digest: champion.digest,
            outputs: try Self.run(champion, row),
            shadows: try shadows.map { shadow throws(EventError) in
                PredictionsMade.Shadow(name: shadow.alias, digest: shadow.digest, outputs: try Self.run(shadow, row))
            }
        )
    }

    private static func run(_ loaded: LoadedModel, _ row: [Float]) throws(EventError) -> [Float] {
        do { return try loaded.model.predict(row, rows: 1) } catch {
            throw EventError(.failed, "model \(loaded.digest.prefix(12)): \(error)")
        }
    }
}

/// The models in service. A swap replaces one reference: no request waits for it, none sees half of it.
final class ModelShelf: Sendable {
    private let served = Mutex<[String: ServedPipeline]>([:])

    func replace(_ pipeline: ServedPipeline) { served.withLock { $0[pipeline.pipeline.name] = pipeline } }

    func pipeline(_ name: String) -> ServedPipeline? { served.withLock { $0[name] } }

    /// The pipelines that answer observations of a stream.
    func pipelines(observing stream: String) -> [ServedPipeline] {
        served.withLock { served in served.values.filter { $0.pipeline.data.observations == stream } }
    }

    var names: [String] { served.withLock { $0.keys.sorted() } }
}
