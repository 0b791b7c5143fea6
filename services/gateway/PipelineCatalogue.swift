import Events
import KnownPipelines
import Membership
import Pipelines
import Synchronization

/// The pipelines in force, at hand for every request.
final class PipelineCatalogue: Sendable {
    private let pipelines: Mutex<[String: Pipeline]>

    /// The catalogue as the store has it.
    init(_ known: [KnownPipeline]) {
        pipelines = Mutex(
            Dictionary(known.map { ($0.pipeline.name, $0.pipeline) }) { first, _ in first }
        )
    }

    /// By name.
    var all: [Pipeline] { pipelines.withLock { $0.values.sorted { $0.name < $1.name } } }

    /// Keeps store and catalogue up to date.
    ///
    /// The catalogue changes before the transaction ends: should that fail, the program ends and reads the store anew.
    func handlers() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers) { [self] known, _ in
            pipelines.withLock { $0[known.pipeline.name] = known.pipeline }
        }
        return handlers
    }
}
