/// The newest values of a feature in windows, and the reference that they are compared with.
///
/// The reference is a sketch. It may be the first windows for ever (each joins it until there are enough, then none
/// does) or always the window before; who ends a window says which. Both sides count as fewer values where each depends
/// on the one before. ``SeasonalReference`` has the same for parts of a season.
public struct ReferenceWindow: Codable, Sendable, Hashable {
    /// Size of the reference's sketch: ranks are right to 1.7 %.
    static let sketchSize = 160
    /// Values that a comparison needs on either side.
    public static let valuesMin = 50

    /// How a window enters the reference.
    public enum Becoming: Sendable {
        /// Not at all.
        case nothing
        /// It joins what is there.
        case part
        /// It takes the place of all that is there.
        case all
    }

    /// How the newest values differ from the reference.
    public struct Comparison: Sendable, Hashable {
        /// The Kolmogorov-Smirnov distance.
        public var distance = 0.0
        /// 1 where it cannot be told: too few values, or values that depend on each other too much.
        public var pValue = 1.0
        /// Whether a difference could have been seen.
        public var isTestable = false
    }

    /// What the newest values are compared with.
    public private(set) var reference: QuantileSketch
    /// How much values depend on the one before.
    public private(set) var dependence = SerialDependence()
    /// The values of the present window.
    public private(set) var current: [Float] = []
    private var last: [Float] = []
    private var windows = 0

    /// Begins without values.
    public init(seed: UInt64) { reference = QuantileSketch(k: Self.sketchSize, seed: seed) }

    /// Begins with the newest `count` values of another as reference.
    public init(after previous: ReferenceWindow, values count: Int, seed: UInt64) {
        self.init(seed: seed)
        reference.add(contentsOf: previous.newest.suffix(count).map(Double.init))
        dependence = previous.dependence
    }

    /// The newest values, at most two windows.
    public var newest: [Float] { last + current }

    /// Adds the next value.
    public mutating func add(_ value: Double) {
        current.append(Float(value))
        dependence.add(value)
    }

    /// The newest values against the reference.
    public func compare() -> Comparison {
        let newest = newest
        guard newest.count >= Self.valuesMin, reference.count >= Self.valuesMin else { return Comparison() }
        var sketch = QuantileSketch(k: 1024)
        sketch.add(contentsOf: newest.map(Double.init))
        let distance = QuantileSketch.distance(reference, sketch)
        let factor = dependence.factor
        let (n, m) = (Int(Double(reference.count) / factor), Int(Double(newest.count) / factor))
        guard n >= 8, m >= 8 else { return Comparison(distance: distance) }
        // What the sketch may be wrong about is no difference.
        let sure = max(0, distance - (reference.retained < reference.count ? reference.rankError : 0))
        let p = sure == 0 ? 1 : KolmogorovSmirnov.asymptoticTail(sure, n, m)
        return Comparison(distance: distance, pValue: min(1, max(0, p)), isTestable: true)
    }

    /// The present window against the reference by population stability, as the probability of such a difference when
    /// nothing changed.
    public func stability() -> Double {
        guard reference.count >= Self.valuesMin else { return 1 }
        let factor = dependence.factor
        let (n, m) = (Int(Double(reference.count) / factor), Int(Double(current.count) / factor))
        guard n >= 50, m >= 50 else { return 1 }
        let bins = DecileBins(reference)
        let p = bins.shares { reference.rank($0) }
        let sorted = ascending(current.map(Double.init))
        let q = bins.shares { Double(upperBound(sorted, $0)) / Double(max(1, sorted.count)) }
        return SizeAwareStability.test(p, n, q, m).pValue
    }

    /// The window is over.
    public mutating func endWindow(_ becoming: Becoming) {
        windows += 1
        switch becoming {
        case .nothing: break
        case .part: reference.add(contentsOf: current.map(Double.init))
        case .all:
            reference = QuantileSketch(k: Self.sketchSize, seed: UInt64(windows))
            reference.add(contentsOf: current.map(Double.init))
        }
        // Mostly the last values that it gets for a long time.
        if becoming != .nothing { reference.trim() }
        last = current
        current.removeAll(keepingCapacity: true)
    }

    /// What the next value's mean differs by is no dependence: a part of a season is over.
    public mutating func endStretch() { dependence.endStretch() }
}

/// Bins between the deciles of a reference, fewer where deciles are the same.
struct DecileBins {
    static let count = 10

    /// The upper ends of all bins but the last.
    let edges: [Double]

    init(_ sketch: QuantileSketch) {
        let inner = sketch.quantiles((1..<Self.count).map { Double($0) / Double(Self.count) })
        edges = inner.reduce(into: []) { edges, edge in if edge > edges.last ?? -.infinity { edges.append(edge) } }
    }

    /// The share of each bin, from the share of values up to a number.
    func shares(_ rank: (Double) -> Double) -> [Double] {
        let ranks = [0] + edges.map(rank) + [1]
        return zip(ranks, ranks.dropFirst()).map { max(0, $1 - $0) }
    }
}
