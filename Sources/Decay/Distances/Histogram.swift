/// Bins with edges, as the tools that users compare with choose them.
public struct Histogram: Codable, Sendable, Hashable {
    /// Ascending edges; a bin holds its lower edge, and the last one both.
    public let edges: [Double]

    /// How many bins a range gets.
    public enum Rule: String, Codable, Sendable, Hashable, CaseIterable {
        /// `range / (log2 n + 1)` wide.
        case sturges
        /// Sturges with more bins for skewed values.
        case doane
    }

    /// Keeps the edges.
    /// - Precondition: There are two edges at least, ascending.
    public init(edges: [Double]) {
        precondition(edges.count >= 2 && zip(edges, edges.dropFirst()).allSatisfy { $0 <= $1 }, "edges are no bins")
        self.edges = edges
    }

    /// Bins of equal width over the range of some values.
    ///
    /// - Parameter values: Finite; where all are the same, one bin of width 1 lies about them, and without any 0...1.
    public init(_ rule: Rule, of values: [Double]) {
        var (low, high) = (values.min() ?? 0, values.max() ?? 1)
        let range = high - low
        let count = Double(values.count)
        var width = 0.0
        switch rule {
        case .sturges: width = range / (Libm.log2(count) + 1)
        case .doane:
            if values.count > 2 {
                let mean = pairwiseSum(values[...]) / count
                let deviation = (pairwiseSum(values.map { ($0 - mean) * ($0 - mean) }[...]) / count).squareRoot()
                if deviation > 0 {
                    let skew =
                        pairwiseSum(
                            values.map { value in
                                let z = (value - mean) / deviation
                                return z * z * z
                            }[...]
                        ) / count
                    let scale = (6 * (count - 2) / ((count + 1) * (count + 3))).squareRoot()
                    width = range / (1 + Libm.log2(count) + Libm.log2(1 + abs(skew) / scale))
                }
            }
        }
        if low == high {
            low -= 0.5
            high += 0.5
        }
        let bins = width > 0 ? max(1, Int(((high - low) / width).rounded(.up))) : 1
        self.init(from: low, to: high, bins: bins)
    }

    /// `bins` bins of equal width.
    public init(from low: Double, to high: Double, bins: Int) {
        let step = (high - low) / Double(bins)
        var edges = (0...bins).map { Double($0) * step + low }
        edges[bins] = high
        self.edges = edges
    }

    /// Values in each bin; those outside are in none.
    /// - Complexity: O(n) for sorted values.
    public func counts(_ sample: Sample) -> [Int] {
        let values = sample.sorted
        var bounds: [Int] = []
        bounds.reserveCapacity(edges.count)
        for (i, edge) in edges.enumerated() {
            bounds.append(i + 1 < edges.count ? lowerBound(values, edge) : upperBound(values, edge))
        }
        return (0..<edges.count - 1).map { bounds[$0 + 1] - bounds[$0] }
    }

    /// Share of all values in each bin.
    public func fractions(_ sample: Sample) -> [Double] {
        let count = Double(sample.count)
        return counts(sample).map { Double($0) / count }
    }
}

/// The first index whose value is not below `value`.
func lowerBound(_ sorted: [Double], _ value: Double) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
        let middle = (low + high) / 2
        if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
}

/// The first index whose value is above `value`.
func upperBound(_ sorted: [Double], _ value: Double) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
        let middle = (low + high) / 2
        if sorted[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
}
