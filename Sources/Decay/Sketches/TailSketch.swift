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
        centroids = (centroids + other.centroids).sorted { $0.mean < $1.mean }
        merged += other.merged
        buffer += other.buffer
        compress()
    }

    /// The quantile; nil before the first value.
    ///
    /// The distribution function is a line from the middle of one centroid to the middle of the next. A centroid whose
    /// values are all the same is a step.
    public mutating func quantile(_ p: Double) -> Double? {
        if !buffer.isEmpty { compress() }
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
        let (old, values) = (centroids, ascending(buffer))
        centroids.removeAll(keepingCapacity: true)
        buffer.removeAll(keepingCapacity: true)
        merged += Double(values.count)
        var run = Run(k: k, total: merged)
        var (i, j) = (0, 0)
        while i < old.count || j < values.count {
            let isOld = j == values.count || i < old.count && old[i].mean <= values[j]
            let item = isOld ? old[i] : Centroid(mean: values[j], weight: 1, low: values[j], high: values[j])
            i += isOld ? 1 : 0
            j += isOld ? 0 : 1
            if let ended = run.add(item) { centroids.append(ended) }
        }
        if let last = run.end() { centroids.append(last) }
    }

    /// Centroids in ascending order, joined as far as their size allows.
    private struct Run {
        private let total: Double
        private let normalizer: Double
        private var open: Centroid?
        /// Sum of the distances from `open.low`, which is exact where all values are the same.
        private var distances = 0.0
        /// Weight before `open`, and the limit that this end of it sets.
        private var before = 0.0
        private var limit = 0.0

        init(k: Int, total: Double) {
            self.total = total
            let compression = 2 * Double(k)
            normalizer = total / (compression / (4 * Libm.log(max(total / compression, 1)) + 24))
        }

        /// - Returns: The centroid that cannot take the next one.
        mutating func add(_ item: Centroid) -> Centroid? {
            guard let last = open else {
                begin(item)
                return nil
            }
            let proposed = last.weight + item.weight
            let high = (before + proposed) / total
            // Neither end of a centroid may ask for a smaller one; equal values are one whatever their weight.
            guard proposed <= min(limit, high * (1 - high) * normalizer) || last.low == item.high else {
                let ended = end()
                before += last.weight
                begin(item)
                return ended
            }
            distances += (item.mean - last.low) * item.weight
            open?.weight = proposed
            open?.high = max(last.high, item.high)
            return nil
        }

        private mutating func begin(_ item: Centroid) {
            open = item
            distances = (item.mean - item.low) * item.weight
            let low = before / total
            limit = low * (1 - low) * normalizer
        }

        /// The last centroid.
        func end() -> Centroid? {
            guard var last = open else { return nil }
            last.mean = last.low + distances / last.weight
            return last
        }
    }
}
