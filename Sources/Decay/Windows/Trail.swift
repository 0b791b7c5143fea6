/// Sums over the newest values for suffixes of any length, in memory that grows with the logarithm of the longest.
///
/// Buckets of 2^r values, at most four of a size; a suffix is made of whole buckets, so it may be up to a third longer
/// than asked.
public struct Trail: Codable, Sendable, Hashable {
    private struct Bucket: Codable, Sendable, Hashable {
        var count: Int
        var sum: Double
        var squares: Double

        static func + (left: Bucket, right: Bucket) -> Bucket {
            Bucket(count: left.count + right.count, sum: left.sum + right.sum, squares: left.squares + right.squares)
        }
    }

    /// Buckets of one size at most.
    private static let perSize = 4
    /// Values beyond which the oldest are forgotten.
    private static let countMax = 1 << 20

    /// The oldest first.
    private var buckets: [Bucket] = []

    /// Values that are still in the sums.
    public private(set) var count = 0

    /// Begins without values.
    public init() {}

    /// Adds the next value.
    public mutating func add(_ value: Double) {
        buckets.append(Bucket(count: 1, sum: value, squares: value * value))
        count += 1
        var size = 1
        while true {
            // Buckets of a size stand together.
            let end = buckets.lastIndex { $0.count == size } ?? -1
            let start = end - Self.perSize
            guard start >= 0, buckets[start].count == size else { break }
            let merged = buckets[start] + buckets[start + 1]
            buckets.replaceSubrange(start...(start + 1), with: [merged])
            size *= 2
        }
        while count > Self.countMax, let oldest = buckets.first {
            count -= oldest.count
            buckets.removeFirst()
        }
    }

    /// Count, mean and variance of a part of the values.
    public struct Part: Sendable, Hashable {
        /// Values.
        public var count: Int
        /// Their mean.
        public var mean: Double
        /// Their variance.
        public var variance: Double

        /// A part from its figures.
        public init(count: Int = 0, mean: Double = 0, variance: Double = 0) {
            (self.count, self.mean, self.variance) = (count, mean, variance)
        }

        /// A part from the sums of its values and of their squares.
        init(count: Int, sum: Double, squares: Double) {
            self.init()
            guard count > 0 else { return }
            let n = Double(count)
            let mean = sum / n
            let spread = max(0, squares / n - mean * mean)
            self.init(count: count, mean: mean, variance: count > 1 ? spread * n / (n - 1) : 0)
        }

        /// Where the true mean lies with 95 %; for shares of wrong answers by Wilson.
        public func interval(isShare: Bool) -> (low: Double, high: Double)? {
            guard count > 1 else { return nil }
            if isShare {
                return RateTests.interval(Int((mean * Double(count)).rounded()), of: count)
            }
            let half = 1.959_963_984_540_054 * (variance / Double(count)).squareRoot()
            return (max(0, mean - half), mean + half)
        }

        /// Probability of so high a mean when the true one is `baseline`.
        public func pValue(above baseline: Double, isShare: Bool) -> Double? {
            guard count > 1 else { return nil }
            if isShare {
                let hits = Int((mean * Double(count)).rounded())
                guard hits > 0 else { return 1 }
                return Distributions.binomialTail(hits - 1, count, min(1, max(0, baseline)))
            }
            let error = (variance / Double(count)).squareRoot()
            guard error > 0 else { return mean > baseline ? 0 : 1 }
            return Distributions.normalTail((mean - baseline) / error)
        }
    }

    /// The newest values, at least `length` of them where there are as many.
    public func newest(_ length: Int) -> Part { Self.part(split(length).newest) }

    /// What came before those.
    public func before(_ length: Int) -> Part { Self.part(split(length).before) }

    private func split(_ length: Int) -> (before: ArraySlice<Bucket>, newest: ArraySlice<Bucket>) {
        var taken = 0
        var start = buckets.count
        while start > 0, taken < length {
            start -= 1
            taken += buckets[start].count
        }
        return (buckets[..<start], buckets[start...])
    }

    private static func part(_ buckets: ArraySlice<Bucket>) -> Part {
        let all = buckets.reduce(Bucket(count: 0, sum: 0, squares: 0), +)
        return Part(count: all.count, sum: all.sum, squares: all.squares)
    }
}
