/// Which pipelines a monitor takes and which it gives back, so that all monitors have about as many.
///
/// Each monitor decides for itself: no more than an equal share, rounded up. All shares together are then enough for all
/// pipelines, whoever is faster.
struct ShareBalance: Sendable, Hashable {
    /// All pipelines.
    var pipelines: Set<String>
    /// Those that this monitor has.
    var held: Set<String>
    /// Monitors that live, this one counted.
    var monitors: Int

    /// Pipelines that one monitor has at most.
    var most: Int { (pipelines.count + monitors - 1) / max(1, monitors) }

    /// What this monitor gives back: what it has over its share, the last by name first, and what is no pipeline.
    var released: [String] {
        let unknown = held.subtracting(pipelines)
        let kept = held.intersection(pipelines).sorted()
        return unknown.sorted() + kept.dropFirst(most)
    }

    /// What it may try to take, and how many of them.
    var wanted: (names: [String], count: Int) {
        let count = most - held.intersection(pipelines).count
        return count > 0 ? (pipelines.subtracting(held).sorted(), count) : ([], 0)
    }
}
