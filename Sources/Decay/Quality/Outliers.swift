/// What a feature's values usually are, without being moved by the values that are not.
public struct RobustRange: Codable, Sendable, Hashable {
    /// The middle value.
    public let median: Double
    /// The median distance from it times 1.4826; 0 where half of the values are the same.
    public let deviation: Double
    /// A quarter of the values lie below.
    public let lowerQuartile: Double
    /// A quarter of the values lie above.
    public let upperQuartile: Double
    /// The smallest value.
    public let minimum: Double
    /// The largest value.
    public let maximum: Double

    /// Learns from values.
    public init(_ sample: Sample) {
        median = sample.median
        deviation = sample.robustDeviation
        lowerQuartile = sample.quantile(0.25)
        upperQuartile = sample.quantile(0.75)
        minimum = sample.sorted.first ?? .nan
        maximum = sample.sorted.last ?? .nan
    }

    /// Deviations from the median. Where there is no deviation, any other value is infinitely far.
    public func z(_ value: Double) -> Double {
        let distance = value - median
        if deviation > 0 { return distance / deviation }
        return distance == 0 ? 0 : distance > 0 ? .infinity : -.infinity
    }

    /// Tukey's fences: quartiles and `factor` times their distance.
    public func fences(_ factor: Double = 1.5) -> ClosedRange<Double> {
        let range = upperQuartile - lowerQuartile
        return (lowerQuartile - factor * range)...(upperQuartile + factor * range)
    }
}

/// Hampel's filter: a value far from the median of the window that ends with it.
public struct HampelFilter: Codable, Sendable, Hashable {
    /// Values in the window.
    public let window: Int
    /// Robust deviations that are too far.
    public let limit: Double

    private var values: [Double] = []
    private var oldest = 0

    /// Begins without values.
    /// - Precondition: `window` is 3 or more.
    public init(window: Int = 21, limit: Double = 5) {
        precondition(window >= 3, "no window")
        self.window = window
        self.limit = limit
    }

    /// Whether the next value is an outlier; never before the window is full or where half of it is one value.
    public mutating func add(_ value: Double) -> Bool {
        if values.count < window {
            values.append(value)
        } else {
            values[oldest] = value
            oldest = oldest + 1 == window ? 0 : oldest + 1
        }
        guard values.count == window else { return false }
        let median = Sample(values).median
        let deviation = Sample(values.map { abs($0 - median) }).median * 1.4826
        return deviation > 0 && abs(value - median) > limit * deviation
    }
}

/// Distances of rows from a center that know how features go together.
public struct Mahalanobis: Codable, Sendable, Hashable {
    /// How the covariance is kept from being singular.
    public enum Shrinkage: String, Codable, Sendable, Hashable, CaseIterable {
        /// Not at all.
        case none = "EmpiricalCovariance"
        /// Ledoit and Wolf's (2004).
        case ledoitWolf = "LedoitWolf"
        /// The oracle approximation of Chen et al. (2010).
        case oracle = "OAS"
    }

    /// The mean of each feature.
    public let center: [Double]
    /// The covariance, shrunk.
    public let covariance: [[Double]]
    /// The share of the mean variance in it.
    public let shrinkage: Double

    private let factor: [[Double]]

    /// Learns from rows; nil when the covariance is singular or there is no row.
    public init?(_ rows: [[Double]], shrinkage method: Shrinkage = .ledoitWolf) {
        guard let first = rows.first, !first.isEmpty, rows.allSatisfy({ $0.count == first.count }) else { return nil }
        let (n, p) = (Double(rows.count), Double(first.count))
        let size = first.count
        let center = (0..<size).map { j in rows.reduce(0) { $0 + $1[j] } / n }
        let x = rows.map { row in zip(row, center).map { $0 - $1 } }
        var covariance = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
        for row in x {
            for i in 0..<size { for j in 0...i { covariance[i][j] += row[i] * row[j] } }
        }
        for i in 0..<size {
            for j in 0...i {
                covariance[i][j] /= n
                covariance[j][i] = covariance[i][j]
            }
        }
        let mean = (0..<size).reduce(0) { $0 + covariance[$1][$1] } / p
        let squares = covariance.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }
        var shrinkage = 0.0
        switch method {
        case .none: break
        case .ledoitWolf:
            let fourth = x.reduce(0) { sum, row in
                let square = row.reduce(0) { $0 + $1 * $1 }
                return sum + square * square
            }
            let delta = (squares - 2 * mean * mean * p + p * mean * mean) / p
            let beta = (fourth / n - squares) / (p * n)
            shrinkage = delta == 0 ? 0 : min(beta, delta) / delta
        case .oracle:
            let alpha = squares / (p * p)
            let numerator = alpha + mean * mean
            let denominator = (n + 1) * (alpha - mean * mean / p)
            shrinkage = denominator == 0 ? 1 : min(1, numerator / denominator)
        }
        for i in 0..<size {
            for j in 0..<size { covariance[i][j] *= 1 - shrinkage }
            covariance[i][i] += shrinkage * mean
        }
        var factor = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
        for i in 0..<size {
            for j in 0...i {
                var sum = covariance[i][j]
                for k in 0..<j { sum -= factor[i][k] * factor[j][k] }
                if i == j {
                    guard sum > 0 else { return nil }
                    factor[i][i] = sum.squareRoot()
                } else {
                    factor[i][j] = sum / factor[j][j]
                }
            }
        }
        self.center = center
        self.covariance = covariance
        self.shrinkage = shrinkage
        self.factor = factor
    }

    /// The squared distance of a row.
    public func squaredDistance(_ row: [Double]) -> Double {
        var sum = 0.0
        var solved: [Double] = []
        for i in factor.indices {
            var value = row[i] - center[i]
            for k in 0..<i { value -= factor[i][k] * solved[k] }
            value /= factor[i][i]
            solved.append(value)
            sum += value * value
        }
        return sum
    }

    /// The probability of a row as far out, were the features normal.
    public func pValue(_ row: [Double]) -> Double {
        Distributions.chiSquareTail(squaredDistance(row), df: Double(center.count))
    }
}

/// Outliers of many features are cut off from the rest by few random cuts.
///
/// - Source: F. T. Liu, K. M. Ting and Z.-H. Zhou, Isolation forest (2008).
public struct IsolationForest: Codable, Sendable, Hashable {
    private struct Node: Codable, Sendable, Hashable {
        var feature: Int32
        var right: Int32
        /// The cut of a node, or the expected depth of a leaf.
        var value: Double
    }

    private var trees: [[Node]] = []
    private let scale: Double

    /// Learns from rows.
    /// - Precondition: There is a row at least, and all have the same number of elements, at most 65,535.
    public init(_ rows: [[Double]], trees count: Int = 100, sample: Int = 256, seed: UInt64 = 0) {
        precondition(!rows.isEmpty, "a forest needs rows")
        precondition(rows[0].count <= Int(UInt16.max), "a forest takes 65,535 elements at most")
        var generator = CounterGenerator(seed: seed)
        let size = min(sample, rows.count)
        scale = Self.expectedDepth(size)
        let depthMax = Int(Libm.log2(Double(max(2, size))).rounded(.up))
        for _ in 0..<count {
            var nodes: [Node] = []
            var order = Array(rows.indices)
            for i in 0..<size { order.swapAt(i, Int.random(in: i..<order.count, using: &generator)) }
            Self.grow(&nodes, rows, order.prefix(size).map { $0 }, 0, depthMax, &generator)
            trees.append(nodes)
        }
    }

    /// How unusual each row is, 0...1; over 0.5 it is more so than most.
    ///
    /// All rows take a step down a tree before the next one, as many steps each and without branches, so that the
    /// processor works at several rows at once.
    /// - Precondition: The rows have as many elements as those that were learned from.
    public func scores(_ rows: [[Double]]) -> [Double] {
        guard let width = rows.first?.count else { return [] }
        let walks = trees.map(Walk.init)
        var scores: [Double] = []
        scores.reserveCapacity(rows.count)
        for start in stride(from: 0, to: rows.count, by: Self.rowsTogether) {
            let part = rows[start..<min(rows.count, start + Self.rowsTogether)]
            var depths = [Double](repeating: 0, count: part.count)
            let values = Array(part.joined())
            precondition(values.count == width * part.count, "rows differ in length")
            for walk in walks { walk.addDepths(&depths, values, width: width) }
            for depth in depths { scores.append(Libm.pow(2, -depth / Double(trees.count) / scale)) }
        }
        return scores
    }

    /// Rows that stay in the cache with a tree.
    private static let rowsTogether = 256

    /// A tree in which a row can go on at a leaf and stays there.
    private struct Walk {
        private struct Step {
            /// The cut; values below it go to the first of two neighbours.
            var cut: Double
            /// The first of them, or a leaf itself.
            var next: Int32
            var feature: UInt16
            /// From the first to the second: 1, or 0 for a leaf.
            var distance: UInt16
        }

        private var steps: [Step] = []
        /// The depth at each place where it is a leaf.
        private var depths: [Double] = []
        private var height = 0

        /// Puts a tree in order of its levels, so that the two nodes below one are neighbours.
        init(_ nodes: [Node]) {
            var places = [0]
            var level = 0..<1
            while !level.isEmpty {
                for place in level {
                    let node = nodes[places[place]]
                    let isLeaf = node.feature < 0
                    steps.append(
                        Step(
                            cut: node.value,
                            next: Int32(isLeaf ? place : places.count),
                            feature: UInt16(max(0, node.feature)),
                            distance: isLeaf ? 0 : 1
                        )
                    )
                    depths.append(Double(height) + node.value)
                    if !isLeaf { places += [places[place] + 1, Int(node.right)] }
                }
                level = level.upperBound..<places.count
                if !level.isEmpty { height += 1 }
            }
        }

        /// Adds the depth of each row; `values` are those of the rows, one after the other.
        func addDepths(_ sums: inout [Double], _ values: [Double], width: Int) {
            var places = [Int32](repeating: 0, count: sums.count)
            // Checks of each place would take half of the time.
            places.withUnsafeMutableBufferPointer { places in
                values.withUnsafeBufferPointer { values in
                    steps.withUnsafeBufferPointer { steps in
                        for _ in 0..<height {
                            var start = 0
                            for row in places.indices {
                                let step = steps[Int(places[row])]
                                let side: Int32 = values[start &+ Int(step.feature)] < step.cut ? 0 : 1
                                places[row] = step.next &+ side & Int32(step.distance)
                                start &+= width
                            }
                        }
                    }
                }
            }
            for (row, place) in places.enumerated() { sums[row] += depths[Int(place)] }
        }
    }

    private static func expectedDepth(_ count: Int) -> Double {
        guard count > 1 else { return 0 }
        guard count > 2 else { return 1 }
        let n = Double(count)
        return 2 * (Libm.log(n - 1) + 0.577_215_664_901_532_9) - 2 * (n - 1) / n
    }

    private static func grow(
        _ nodes: inout [Node],
        _ rows: [[Double]],
        _ chosen: [Int],
        _ depth: Int,
        _ depthMax: Int,
        _ generator: inout CounterGenerator
    ) {
        let index = nodes.count
        nodes.append(Node(feature: -1, right: 0, value: expectedDepth(chosen.count)))
        guard chosen.count > 1, depth < depthMax else { return }
        var features = Array(rows[chosen[0]].indices)
        features.shuffle(using: &generator)
        for feature in features {
            let values = chosen.map { rows[$0][feature] }
            guard let low = values.min(), let high = values.max(), low < high else { continue }
            let cut = Double.random(in: low..<high, using: &generator).nextUp
            let left = chosen.filter { rows[$0][feature] < cut }
            let right = chosen.filter { rows[$0][feature] >= cut }
            guard !left.isEmpty, !right.isEmpty else { continue }
            grow(&nodes, rows, left, depth + 1, depthMax, &generator)
            nodes[index] = Node(feature: Int32(feature), right: Int32(nodes.count), value: cut)
            grow(&nodes, rows, right, depth + 1, depthMax, &generator)
            return
        }
    }
}

/// Rows that lie in thinner places than their neighbours do.
///
/// - Source: M. M. Breunig et al., LOF (2000), for rows that were not learned from.
public struct LocalOutlierFactor: Codable, Sendable, Hashable {
    private let rows: [[Double]]
    private let neighbours: Int
    private var reach: [Double] = []
    private var densities: [Double] = []

    /// Learns from rows.
    /// - Complexity: O(n²).
    public init(_ rows: [[Double]], neighbours: Int = 20) {
        self.rows = rows
        self.neighbours = min(neighbours, max(1, rows.count - 1))
        var near: [[(distance: Double, index: Int)]] = []
        for index in rows.indices { near.append(nearest(rows[index], except: index)) }
        reach = near.map { $0.last?.distance ?? 0 }
        densities = near.map { density($0) }
    }

    /// About 1 inside, larger outside.
    public func factor(_ row: [Double]) -> Double {
        let near = nearest(row, except: nil)
        let own = density(near)
        return near.reduce(0) { $0 + densities[$1.index] } / Double(near.count) / own
    }

    private func density(_ near: [(distance: Double, index: Int)]) -> Double {
        let mean = near.reduce(0) { $0 + max($1.distance, reach[$1.index]) } / Double(near.count)
        return 1 / (mean + 1e-10)
    }

    private func nearest(_ row: [Double], except own: Int?) -> [(distance: Double, index: Int)] {
        var all: [(distance: Double, index: Int)] = []
        all.reserveCapacity(rows.count)
        for (index, other) in rows.enumerated() where index != own {
            let square = zip(row, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            all.append((square, index))
        }
        all.sort { ($0.distance, $0.index) < ($1.distance, $1.index) }
        return all.prefix(neighbours).map { ($0.distance.squareRoot(), $0.index) }
    }
}
