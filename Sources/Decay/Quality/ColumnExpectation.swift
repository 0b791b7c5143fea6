/// What one cell of a table holds.
public enum CellValue: Codable, Sendable, Hashable {
    /// Nothing.
    case missing
    /// A number; NaN counts as missing.
    case number(Double)
    /// Text that is no number.
    case text(String)
}

/// What a column is.
public enum ColumnKind: String, Codable, Sendable, Hashable, CaseIterable {
    /// Numbers.
    case numeric
    /// Words out of a list.
    case categorical
    /// Words without a list: names, identifiers, sentences.
    case text
}

/// What a column may hold: what the schema permits, and what a reference held.
///
/// Everything that is nil or empty is not checked. ``ColumnProfile/expectation`` learns all but ``allowed``.
public struct ColumnExpectation: Codable, Sendable, Hashable {
    /// Name of the column.
    public var name: String
    /// What its cells are.
    public var kind: ColumnKind
    /// What the schema permits. A number outside cannot be.
    public var allowed: ClosedRange<Double>?
    /// The smallest and the largest number of the reference.
    public var seen: ClosedRange<Double>?
    /// Words of the reference, when it held all there are.
    public var categories: Set<String>?
    /// The only value of the reference, when it held one in all of ``rows``.
    public var constant: CellValue?
    /// Share of missing cells in the reference.
    public var missingShare = 0.0
    /// Middle and robust deviation of the numbers.
    public var level: RobustLevel?
    /// Middle and robust deviation of the change from one number to the next.
    public var change: RobustLevel?
    /// The longest run of one value in the reference.
    public var longestRun = 0
    /// Cells of the reference.
    public var rows = 0

    /// Expects nothing but a kind.
    public init(name: String, kind: ColumnKind) {
        self.name = name
        self.kind = kind
    }
}

/// The middle of some numbers, how far they usually lie from it, and from where on a number is an outlier.
public struct RobustLevel: Codable, Sendable, Hashable {
    /// A number is never an outlier within so many robust deviations.
    public static let limitMin = 8.0

    /// The median.
    public var median: Double
    /// The median distance from it, as large as the standard deviation were the numbers normal.
    public var deviation: Double
    /// Robust deviations from which on a number is an outlier.
    public var limit: Double
    /// Share of the reference that was further out.
    public var outsideShare = 0.0

    /// Keeps what is known.
    public init(median: Double, deviation: Double, limit: Double = RobustLevel.limitMin) {
        self.median = median
        self.deviation = deviation
        self.limit = limit
    }

    /// Learns from numbers; nil without any.
    ///
    /// Numbers of long tails lie far out by themselves, so the limit is twice the distance within which 99.5 % of them
    /// lie, if that is more than ``limitMin``. A single wild number does not move it.
    public init?(_ values: [Double]) {
        self.init(Sample(values))
    }

    /// The same of a sample.
    public init?(_ sample: Sample) {
        guard sample.count > 0 else { return nil }
        let (median, deviation) = (sample.median, sample.robustDeviation)
        self.init(median: median, deviation: deviation)
        guard deviation > 0 else { return }
        let distances = ascending(sample.sorted.map { abs($0 - median) / deviation })
        limit = max(Self.limitMin, 2 * distances[Int(Double(distances.count - 1) * 0.995)])
        outsideShare = Double(distances.count - upperBound(distances, limit)) / Double(distances.count)
    }

    /// Deviations from the median; nil where there is no deviation to compare with.
    public func z(_ value: Double) -> Double? { deviation > 0 ? (value - median) / deviation : nil }
}
