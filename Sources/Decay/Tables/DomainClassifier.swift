/// Whether a classifier can tell new rows from those of a reference: drift of all columns together, also where each by
/// itself looks as before.
///
/// Boosted trees learn on one half and are asked about the other, both ways round. When nothing changed the area under
/// the curve is 0.5 but for chance, of which Mann and Whitney know how large it is.
/// - Source: D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests (2017).
public struct DomainClassifier: Codable, Sendable, Hashable {
    /// How much a column helps to tell rows apart.
    public struct Contribution: Codable, Sendable, Hashable {
        /// Name of the column.
        public var name: String
        /// Its share of what all columns together explain, 0...1.
        public var share: Double
    }

    /// The area under the curve of rows that were not learned from; 0.5 is chance, 1 is sure.
    public let areaUnderCurve: Double
    /// The probability of such an area or a larger one when nothing changed.
    public let pValue: Double
    /// The columns, those that help most first; empty where the area is chance.
    public let contributions: [Contribution]

    /// Fewer rows of either side are not learned from.
    public static let rowsMin = 50

    /// Compares rows of a reference with rows of now.
    ///
    /// - Parameters:
    ///   - reference: `[row][column]`; NaN is a value of its own.
    ///   - current: Rows with the same columns.
    ///   - names: Of the columns.
    /// - Returns: Nil for fewer than ``rowsMin`` rows of either.
    /// - Precondition: Every row has as many elements as there are names.
    public init?(reference: [[Double]], current: [[Double]], names: [String], seed: UInt64 = 0) {
        guard min(reference.count, current.count) >= Self.rowsMin, !names.isEmpty else { return nil }
        var generator = CounterGenerator(seed: seed)
        let rows =
            (reference.map { (row: $0, isNew: false) } + current.map { (row: $0, isNew: true) })
            .shuffled(using: &generator)
        precondition(rows.allSatisfy { $0.row.count == names.count }, "rows differ in length")
        // NaN comes before the least number.
        let floors = names.indices.map { column in
            (rows.lazy.map { $0.row[column] }.filter(\.isFinite).min() ?? 0) - 1
        }
        func cell(_ value: Double, _ column: Int) -> Double { value.isNaN ? floors[column] : value }
        var settings = BoostedTrees.Settings()
        settings.trees = 40
        settings.leaves = 8
        settings.bins = 64
        let halves = [0..<rows.count / 2, rows.count / 2..<rows.count]
        var (area, z) = (0.0, 0.0)
        var gains = names.map { _ in 0.0 }
        for (train, test) in [(halves[0], halves[1]), (halves[1], halves[0])] {
            let trees = BoostedTrees(
                columns: names.indices.map { column in rows[train].map { cell($0.row[column], column) } },
                targets: rows[train].map { $0.isNew ? 1 : 0 },
                settings: settings
            )
            gains = zip(gains, trees.gains).map { $0 + $1 }
            let scores = rows[test].map { row in trees.predict(row.row.indices.map { cell(row.row[$0], $0) }) }
            let labels = rows[test].map(\.isNew)
            let own = Ranking.areaUnderCurve(scores, labels)
            guard !own.isNaN else { return nil }
            let n = Double(labels.reduce(0) { $0 + ($1 ? 1 : 0) })
            let m = Double(labels.count) - n
            area += own / 2
            z += (own - 0.5) / ((n + m + 1) / (12 * n * m)).squareRoot() / 2.0.squareRoot()
        }
        areaUnderCurve = area
        pValue = Distributions.normalTail(z)
        let all = gains.reduce(0, +)
        contributions =
            pValue < 0.05 && all > 0
            ? zip(names, gains).map { Contribution(name: $0, share: $1 / all) }.sorted { $0.share > $1.share } : []
    }
}

/// All columns of two tables together, from rows that were drawn of both.
public struct JointComparison: Codable, Sendable, Hashable {
    /// Rows that stand apart from the reference.
    public struct Apart: Codable, Sendable, Hashable {
        /// Share of the rows now.
        public var seen: Double
        /// Share of reference rows that were not learned from.
        public var expected: Double
        /// The probability of so many or more when nothing changed.
        public var pValue: Double
    }

    /// Whether a classifier tells new rows from old ones.
    public let classifier: DomainClassifier
    /// Rows that an isolation forest of the reference finds unusual.
    public let apart: Apart

    /// Compares the samples of two profiles by the columns of the same names.
    /// - Returns: Nil for fewer than ``DomainClassifier/rowsMin`` rows of either, or no column that has numbers or words
    ///   of a list on both sides.
    public init?(reference: TableProfile, current: TableProfile) {
        let places = reference.columns.indices.compactMap { before in
            reference.columns[before].kind == .text
                ? nil
                : current.columns.firstIndex { $0.name == reference.columns[before].name }.map { (before, $0) }
        }
        let old = reference.sample.map { row in places.map { row[$0.0] } }
        let new = current.sample.map { row in places.map { row[$0.1] } }
        let names = places.map { reference.columns[$0.0].name }
        guard let classifier = DomainClassifier(reference: old, current: new, names: names) else { return nil }
        self.classifier = classifier
        let medians = names.indices.map { column in Sample(old.map { $0[column] }.filter(\.isFinite)).median }
        func filled(_ row: [Double]) -> [Double] {
            zip(row, medians).map { $0.isFinite ? $0 : $1.isNaN ? 0 : $1 }
        }
        let half = old.count / 2
        let forest = IsolationForest(old.prefix(half).map(filled))
        let scores = Sample(forest.scores(old.dropFirst(half).map(filled)))
        let limit = scores.quantile(0.99)
        let expected = Double(scores.count - upperBound(scores.sorted, limit)) / Double(scores.count)
        let hits = forest.scores(new.map(filled)).count { $0 > limit }
        let likely = min(1, (expected * Double(scores.count) + 3) / Double(scores.count))
        apart = Apart(
            seen: Double(hits) / Double(new.count),
            expected: expected,
            pValue: Distributions.binomialTail(hits - 1, new.count, likely)
        )
    }
}
