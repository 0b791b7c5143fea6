/// Quantiles that are finest at both ends: the t-digest by merging.
///
/// - Source: T. Dunning, The t-digest (2021); the scale function is the normalized logit.
public struct TailSketch: Codable, Sendable, Hashable {
    /// The size: centroids in the middle hold about `2/k` of the values.
    public let k: Int
    /// The smallest value; nil before the first.
    public private(set) var minimum: Double?
    /// The largest value; nil before the first.
    public private(set) var maximum: Double?

    private struct Centroid: Codable, Sendable, Hashable {
        var mean: Double
        var weight: Double
        var low: Double
        var high: Double
    }

    private var centroids: [Centroid] = []
    private var buffer: [Double] = []
    private var merged = 0.0

    /// Begins without values.
    /// - Precondition: `k` is 10 or more.
    public init(k: Int = 100) {
        precondition(k >= 10, "k is out of range")
        self.k = k
    }

    /// Values so far.
    public var count: Int { Int(merged) + buffer.count }

    /// Centroids that are kept.
    public var retained: Int { centroids.count + buffer.count }

    /// Adds a value; NaN is not one and is left out.
    public mutating func add(_ value: Double) {
        guard !value.isNaN else { return }
        if let low = minimum, let high = maximum {
            if value < low { minimum = value }
            if value > high { maximum = value }
        } else {
            (minimum, maximum) = (value, value)
        }
        buffer.append(value)
        if buffer.count >= 10 * k { compress() }
    }

    /// Adds all values of another part of the stream.
    public mutating func merge(_ other: TailSketch) {
        guard other.count > 0 else { return }
        minimum = min(minimum ?? .infinity, other.minimum ?? .infinity)
        maximum = max(maximum ?? -.infinity, other.maximum ?? -.infinity)
        compress(adding: other.centroids + other.buffer.map { Centroid(mean: $0, weight: 1, low: $0, high: $0) })
    }

    /// The quantile; nil before the first value.
    ///
    /// The distribution function is a line from the middle of one centroid to the middle of the next. A centroid whose
    /// values are all the same is a step.
    public mutating func quantile(_ p: Double) -> Double? {
        compress()
        guard let minimum, let maximum else { return nil }
        if p <= 0 { return minimum }
        if p >= 1 { return maximum }
        let target = p * merged
        var before = 0.0
        var left = (position: 0.0, value: minimum)
        for centroid in centroids {
            let isStep = centroid.low == centroid.high
            let from = isStep ? before : before + centroid.weight / 2
            if target <= from {
                guard from > left.position else { return centroid.mean }
                return left.value + (centroid.mean - left.value) * (target - left.position) / (from - left.position)
            }
            before += centroid.weight
            if isStep, target <= before { return centroid.mean }
            left = (isStep ? before : from, centroid.mean)
        }
        guard merged > left.position else { return maximum }
        return left.value + (maximum - left.value) * (target - left.position) / (merged - left.position)
    }

    private mutating func compress() {
        guard !buffer.isEmpty else { return }
        compress(adding: [])
    }

    private mutating func compress(adding more: [Centroid]) {
        var items = centroids + buffer.map { Centroid(mean: $0, weight: 1, low: $0, high: $0) } + more
        buffer.removeAll(keepingCapacity: true)
        guard !items.isEmpty else { return }
        items.sort { $0.mean < $1.mean }
        merged = items.reduce(0) { $0 + $1.weight }
        centroids.removeAll(keepingCapacity: true)
        let compression = 2 * Double(k)
        let normalizer = compression / (4 * Libm.log(max(merged / compression, 1)) + 24)
        var before = 0.0
        var last = items[0]
        for item in items.dropFirst() {
            let proposed = last.weight + item.weight
            let (low, high) = (before / merged, (before + proposed) / merged)
            // Neither end of a centroid may ask for a smaller one; equal values are one whatever their weight.
            let limit = merged * min(low * (1 - low), high * (1 - high)) / normalizer
            if proposed <= limit || (last.low == item.high) {
                last.mean += (item.mean - last.mean) * item.weight / proposed
                last.weight = proposed
                last.low = min(last.low, item.low)
                last.high = max(last.high, item.high)
            } else {
                centroids.append(last)
                before += last.weight
                last = item
            }
        }
        centroids.append(last)
    }
}
