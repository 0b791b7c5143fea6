import Pipelines

/// An observation with its label, in the pipeline's feature order.
struct LabelledRow: Sendable, Hashable {
    let key: String
    let features: [Float]
    let target: Float
}

/// Which rows a run trains on, and which it keeps back for the gates. Pure.
struct RunPlan: Sendable {
    /// One model to train.
    struct Candidate: Sendable {
        let name: String
        let rows: [LabelledRow]
        let seed: UInt64
    }

    /// Every so manieth row of the first run is frozen for good; of the newest rows, every so manieth is held out.
    static let frozenStride = 20
    static let recentStride = 3
    /// Rows on which int8 is compared with float.
    static let parityRows = 250
    /// Fewest rows that any model is trained on.
    static let rowsMin = 20

    let candidates: [Candidate]
    /// The newest rows that were held out: candidate and champion are compared on them.
    let recent: [LabelledRow]
    let frozen: [LabelledRow]
    let parity: [LabelledRow]

    /// Plans a run over `rows`, oldest first.
    ///
    /// The newest rows are held out one in three, not as a block at the end: a model shall learn from the days after
    /// the change that called for it.
    /// - Parameter frozenKeys: The pipeline's frozen test set; empty in its first run, which makes it.
    /// - Returns: nil when there are too few rows.
    init?(_ pipeline: Pipeline, rows: [LabelledRow], frozenKeys: Set<String>) {
        let isFirst = frozenKeys.isEmpty
        var frozen: [LabelledRow] = []
        var recent: [LabelledRow] = []
        var training: [LabelledRow] = []
        let recentStart = rows.count - min(pipeline.gates.recentRows, rows.count / 2)
        for (index, row) in rows.enumerated() {
            if isFirst ? index % Self.frozenStride == Self.frozenStride - 1 : frozenKeys.contains(row.key) {
                frozen.append(row)
            } else if index >= recentStart, (index - recentStart) % Self.recentStride == Self.recentStride - 1 {
                recent.append(row)
            } else {
                training.append(row)
            }
        }
        guard training.count >= Self.rowsMin, !recent.isEmpty, !frozen.isEmpty else { return nil }
        var windows: [(String, Int?)] = [("champion", pipeline.train.windowRows)]
        windows += pipeline.shadows.map { ($0.name, $0.windowRows) }
        candidates = windows.enumerated().map { index, window in
            let count = max(window.1 ?? training.count, Self.rowsMin)
            return Candidate(
                name: window.0,
                rows: training.suffix(count),
                seed: pipeline.train.seed &+ UInt64(index)
            )
        }
        self.recent = recent
        self.frozen = frozen
        parity = rows.suffix(Self.parityRows)
    }

    /// Rows for calibration: evenly spread, and those with the extremes of every feature, so that no training value
    /// is outside the range that int8 can say.
    static func calibrationRows(of rows: [LabelledRow], max: Int) -> [LabelledRow] {
        guard rows.count > max else { return rows }
        var chosen: Set<Int> = []
        for column in 0..<(rows.first?.features.count ?? 0) {
            let byValue = rows.indices.lazy.map { (rows[$0].features[column], $0) }
            if let low = byValue.min(by: { $0 < $1 }) { chosen.insert(low.1) }
            if let high = byValue.max(by: { $0 < $1 }) { chosen.insert(high.1) }
        }
        let rest = Swift.max(max - chosen.count, 1)
        for step in 0..<rest { chosen.insert(step * rows.count / rest) }
        return chosen.sorted().map { rows[$0] }
    }
}
