/// Regression trees that correct each other, over binned features: a learner that is good without tuning.
///
/// - Source: gradient boosting with histograms and leaf-wise growth as in G. Ke et al., LightGBM (2017).
public struct BoostedTrees: Codable, Sendable, Hashable {
    /// How the trees grow.
    public struct Settings: Codable, Sendable, Hashable {
        /// Trees.
        public var trees = 100
        /// Leaves of a tree.
        public var leaves = 31
        /// Share of each tree's answer that counts.
        public var rate = 0.1
        /// Rows that a leaf has at least.
        public var leafRowsMin = 20
        /// Bins of a feature, 2...256.
        public var bins = 255

        /// The defaults.
        public init() {}
    }

    private struct Node: Codable, Sendable, Hashable {
        /// Values up to `threshold` go left; a leaf has no feature.
        var feature = -1
        var threshold = 0.0
        var left = 0
        var right = 0
        var value = 0.0
    }

    private let base: Double
    private var trees: [[Node]] = []
    /// By how much cuts through each feature lessened the squared error, all trees together.
    public private(set) var gains: [Double]

    /// Fits squared error.
    ///
    /// - Parameters:
    ///   - columns: `columns[feature][row]`, without NaN.
    ///   - targets: A number for each row.
    /// - Complexity: O(trees · (rows + leaves · bins) · features).
    public init(columns: [[Double]], targets: [Double], settings: Settings = Settings()) {
        let count = targets.count
        base = count > 0 ? pairwiseSum(targets[...]) / Double(count) : 0
        gains = columns.map { _ in 0 }
        guard count >= 2 * settings.leafRowsMin else { return }
        let edges = columns.map { Self.edges($0, settings.bins) }
        let binned = zip(columns, edges).map { column, edges in column.map { UInt8(lowerBound(edges, $0)) } }
        var residuals = targets.map { $0 - base }
        for _ in 0..<settings.trees {
            trees.append(Self.grow(binned, edges, &residuals, &gains, settings))
        }
    }

    /// The answer for a row.
    public func predict(_ row: [Double]) -> Double {
        var sum = base
        for tree in trees {
            var index = 0
            while tree[index].feature >= 0 {
                index = row[tree[index].feature] <= tree[index].threshold ? tree[index].left : tree[index].right
            }
            sum += tree[index].value
        }
        return sum
    }

    /// Upper edges of all bins but the last: between different values, with about as many rows in each bin.
    private static func edges(_ column: [Double], _ bins: Int) -> [Double] {
        let sorted = ascending(column)
        var distinct: [(value: Double, count: Int)] = []
        for value in sorted {
            if let last = distinct.last, last.value == value {
                distinct[distinct.count - 1].count += 1
            } else {
                distinct.append((value, 1))
            }
        }
        guard distinct.count > 1 else { return [] }
        var edges: [Double] = []
        var filled = 0
        let target = Double(sorted.count) / Double(bins)
        for (i, item) in distinct.dropLast().enumerated() {
            filled += item.count
            if distinct.count <= bins || Double(filled) >= target {
                edges.append((item.value + distinct[i + 1].value) / 2)
                filled = 0
            }
            if edges.count == bins - 1 { break }
        }
        return edges
    }

    private struct Leaf {
        var node: Int
        var rows: [Int32]
        var sum: Double
        var split: Split?
    }

    private struct Split {
        var feature: Int
        var bin: Int
        var gain: Double
    }

    private static func grow(
        _ binned: [[UInt8]],
        _ edges: [[Double]],
        _ residuals: inout [Double],
        _ gains: inout [Double],
        _ settings: Settings
    ) -> [Node] {
        var nodes = [Node()]
        var root = Leaf(node: 0, rows: residuals.indices.map { Int32($0) }, sum: residuals.reduce(0, +))
        root.split = best(root, binned, edges, residuals, settings)
        var leaves = [root]
        while leaves.count < settings.leaves {
            let choice = leaves.indices.filter { leaves[$0].split != nil }
                .max { (leaves[$0].split?.gain ?? 0) < (leaves[$1].split?.gain ?? 0) }
            guard let choice, let split = leaves[choice].split else { break }
            let leaf = leaves[choice]
            let column = binned[split.feature]
            var (left, right): ([Int32], [Int32]) = ([], [])
            var leftSum = 0.0
            for row in leaf.rows {
                if Int(column[Int(row)]) <= split.bin {
                    left.append(row)
                    leftSum += residuals[Int(row)]
                } else {
                    right.append(row)
                }
            }
            gains[split.feature] += split.gain
            nodes[leaf.node].feature = split.feature
            nodes[leaf.node].threshold = edges[split.feature][split.bin]
            nodes[leaf.node].left = nodes.count
            nodes[leaf.node].right = nodes.count + 1
            nodes += [Node(), Node()]
            var first = Leaf(node: nodes.count - 2, rows: left, sum: leftSum)
            var second = Leaf(node: nodes.count - 1, rows: right, sum: leaf.sum - leftSum)
            first.split = best(first, binned, edges, residuals, settings)
            second.split = best(second, binned, edges, residuals, settings)
            leaves[choice] = first
            leaves.append(second)
        }
        for leaf in leaves {
            let value = settings.rate * leaf.sum / Double(leaf.rows.count)
            nodes[leaf.node].value = value
            for row in leaf.rows { residuals[Int(row)] -= value }
        }
        return nodes
    }

    private static func best(
        _ leaf: Leaf,
        _ binned: [[UInt8]],
        _ edges: [[Double]],
        _ residuals: [Double],
        _ settings: Settings
    ) -> Split? {
        let count = leaf.rows.count
        guard count >= 2 * settings.leafRowsMin else { return nil }
        let whole = leaf.sum * leaf.sum / Double(count)
        var best: Split?
        var sums = [Double](repeating: 0, count: 256)
        var counts = [Int](repeating: 0, count: 256)
        for feature in binned.indices where !edges[feature].isEmpty {
            for bin in 0...edges[feature].count { (sums[bin], counts[bin]) = (0, 0) }
            binned[feature].withUnsafeBufferPointer { column in
                for row in leaf.rows {
                    let bin = Int(column[Int(row)])
                    sums[bin] += residuals[Int(row)]
                    counts[bin] += 1
                }
            }
            var (sum, rows) = (0.0, 0)
            for bin in edges[feature].indices {
                sum += sums[bin]
                rows += counts[bin]
                guard rows >= settings.leafRowsMin, count - rows >= settings.leafRowsMin else { continue }
                let rest = leaf.sum - sum
                let gain = sum * sum / Double(rows) + rest * rest / Double(count - rows) - whole
                if gain > max(1e-12 * abs(whole), best?.gain ?? 0) {
                    best = Split(feature: feature, bin: bin, gain: gain)
                }
            }
        }
        return best
    }
}
