/// One column in a reference and now: how it was tested, how much it changed, and what to draw.
public struct ColumnComparison: Codable, Sendable, Hashable {
    /// A test or distance.
    public struct Measure: Codable, Sendable, Hashable {
        /// Its name.
        public var name: String
        /// The statistic.
        public var statistic: Double
        /// The probability of such a statistic when nothing changed; nil for a mere distance.
        public var pValue: Double?
        /// Whether the verdict hangs on it.
        public var decides: Bool
    }

    /// How large a change is, whether or not it is sure.
    public enum Size: String, Codable, Sendable, Hashable, CaseIterable {
        /// A stability index under 0.1.
        case small
        /// 0.1 and more.
        case moderate
        /// 0.25 and more.
        case large

        /// Judges a stability index by the limits that are usual for it.
        public init(stabilityIndex: Double) {
            self = stabilityIndex >= 0.25 ? .large : stabilityIndex >= 0.1 ? .moderate : .small
        }
    }

    /// Shares of the same bins or words on both sides.
    public struct Bars: Codable, Sendable, Hashable {
        /// What each bar stands for.
        public var labels: [String]
        /// Shares of the reference.
        public var reference: [Double]
        /// Shares now.
        public var current: [Double]
    }

    /// Figures of one side.
    public struct Side: Codable, Sendable, Hashable {
        /// Cells.
        public var rows: Int
        /// Share of cells without a value.
        public var missingShare: Double
        /// Different values, about.
        public var distinct: Int
        /// The mean of numbers.
        public var mean: Double?
        /// The standard deviation of numbers.
        public var deviation: Double?
        /// The median of numbers.
        public var median: Double?
        /// The smallest number.
        public var minimum: Double?
        /// The largest number.
        public var maximum: Double?

        init(_ profile: ColumnProfile, _ distribution: NumberDistribution?) {
            rows = profile.rows
            missingShare = profile.missingShare
            distinct = profile.distinct
            guard profile.kind == .numeric, profile.moments.count > 0 else { return }
            mean = profile.moments.mean
            deviation = profile.moments.deviation
            median = distribution?.quantile(0.5)
            minimum = profile.moments.minimum
            maximum = profile.moments.maximum
        }
    }

    /// Name of the column.
    public var name: String
    /// What its cells are.
    public var kind: ColumnKind
    /// The reference.
    public var reference: Side
    /// Now.
    public var current: Side
    /// All tests and distances.
    public var measures: [Measure] = []
    /// The stability index; nil where nothing was compared.
    public var stabilityIndex: Double?
    /// Probability of what the deciding tests saw when nothing changed, their number taken into account.
    public var pValue = 1.0
    /// The same with the number of columns taken into account.
    public var adjusted = 1.0
    /// Whether the column drifted.
    public var isDrifted = false
    /// What to draw; nil where nothing was compared.
    public var bars: Bars?

    /// How large the change is.
    public var size: Size { Size(stabilityIndex: stabilityIndex ?? 0) }

    /// Products of two sizes up to which orders are counted.
    static let countedMax = 250_000
    /// Bins of a drawing.
    static let barsMax = 24

    /// Compares two profiles of one column.
    public init(_ reference: ColumnProfile, _ current: ColumnProfile) {
        name = reference.name
        kind = reference.kind
        // Sorted once each.
        let isNumeric = kind == .numeric
        let (before, now) = (
            isNumeric ? reference.distribution : nil, isNumeric ? current.distribution : nil
        )
        self.reference = Side(reference, before)
        self.current = Side(current, now)
        guard kind != .text, reference.valued > 0, current.valued > 0 else { return }
        if let counts = reference.counts, current.counts != nil || isNumeric {
            compareCounts(counts, current)
        } else if let before, let now {
            compareNumbers(before, now)
        } else {
            compareFrequent(reference, current)
        }
        let deciding = measures.filter(\.decides).compactMap(\.pValue)
        if let least = deciding.min() { pValue = min(1, least * Double(deciding.count)) }
    }

    private mutating func add(_ name: String, _ result: TestResult, decides: Bool = false) {
        measures.append(
            Measure(name: name, statistic: result.statistic, pValue: result.pValue, decides: decides)
        )
    }

    // MARK: - Numbers

    private mutating func compareNumbers(_ before: NumberDistribution, _ now: NumberDistribution) {
        switch (before, now) {
        case (.exact(let a), .exact(let b)):
            // Counting all orders of unequal sizes takes their product, and large ones do not need it.
            let isCounted = a.count == b.count || a.count * b.count <= Self.countedMax
            let merged = MergedSamples(a, b)
            let distance = KolmogorovSmirnov.test(merged, method: isCounted ? .auto : .asymptotic)
            add(
                "Kolmogorov-Smirnov",
                TestResult(statistic: distance.statistic, pValue: distance.pValue),
                decides: true
            )
            let stability = SizeAwareStability.test(a, b)
            add("population stability", stability, decides: true)
            stabilityIndex = stability.statistic
            add("Wasserstein, in deviations", SizeAwareStability.wassersteinTest(a, b, merged))
            add("Jensen-Shannon", SizeAwareStability.jensenShannonTest(a, b))
            add("Anderson-Darling", TwoSampleTests.andersonDarling(merged))
            if a.count > 1, b.count > 1 {
                add("Brown-Forsythe (spread)", TwoSampleTests.brownForsythe(a, b))
            }
        default:
            let (a, b) = (before.sketch, now.sketch)
            add("Kolmogorov-Smirnov on sketches", QuantileSketch.test(a, b), decides: true)
            stabilityIndex = sketchedStability(before, now)
            measures.append(
                Measure(name: "population stability", statistic: stabilityIndex ?? 0, pValue: nil, decides: false)
            )
        }
        bars = Self.bars(before, now)
    }

    private func sketchedStability(_ before: NumberDistribution, _ now: NumberDistribution) -> Double {
        var edges: [Double] = []
        for i in 1..<10 {
            let edge = before.quantile(Double(i) / 10)
            if edge > edges.last ?? -.infinity { edges.append(edge) }
        }
        func shares(_ distribution: NumberDistribution) -> [Double] {
            let ranks = [0] + edges.map { distribution.rank($0) } + [1]
            return zip(ranks, ranks.dropFirst()).map { max($1 - $0, 0.5 / Double(distribution.count)) }
        }
        return Divergence.populationStability(shares(before), shares(now))
    }

    /// Equal bins over where nearly all numbers of both sides lie; the outer ones hold the rest.
    private static func bars(_ before: NumberDistribution, _ now: NumberDistribution) -> Bars? {
        let low = min(before.quantile(0.005), now.quantile(0.005))
        let high = max(before.quantile(0.995), now.quantile(0.995))
        guard low < high else { return nil }
        let step = (high - low) / Double(barsMax)
        guard step > 0, step.isFinite else { return nil }
        let edges = (1..<barsMax).map { low + Double($0) * step }
        func shares(_ distribution: NumberDistribution) -> [Double] {
            let ranks = [0] + edges.map { distribution.rank($0) } + [1]
            return zip(ranks, ranks.dropFirst()).map { max(0, $1 - $0) }
        }
        return Bars(
            labels: (0..<barsMax).map { "\(low + Double($0) * step) … \(low + Double($0 + 1) * step)" },
            reference: shares(before),
            current: shares(now)
        )
    }

    // MARK: - Counts

    /// Compares counts of the values of the reference; whatever else comes is one more value.
    private mutating func compareCounts(_ before: [String: Int], _ current: ColumnProfile) {
        var labels = before.keys.sorted { (before[$1] ?? 0, $0) < (before[$0] ?? 0, $1) }
        var (a, b): ([Double], [Double])
        if let now = current.counts {
            let unseen = now.keys.filter { before[$0] == nil }.sorted()
            labels += unseen
            a = labels.map { Double(before[$0] ?? 0) }
            b = labels.map { Double(now[$0] ?? 0) }
        } else {
            // Few numbers became many: those of before are counted by their place.
            let distribution = current.distribution
            let numbers = labels.compactMap(Double.init)
            a = labels.map { Double(before[$0] ?? 0) }
            b = numbers.map { number in
                ((distribution.rank(number) - distribution.rank(number.nextDown)) * Double(distribution.count))
                    .rounded()
            }
            labels.append("others")
            a.append(0)
            b.append(max(0, Double(distribution.count) - b.reduce(0, +)))
        }
        compareTable(labels, a, b)
    }

    private mutating func compareFrequent(_ reference: ColumnProfile, _ current: ColumnProfile) {
        let (before, now) = (reference.frequent, current.frequent)
        let counts = Dictionary(uniqueKeysWithValues: now.map { ($0.value, $0.estimate) })
        let labels = before.prefix(100).map(\.value)
        var a = before.prefix(100).map { Double($0.estimate) }
        var b = labels.map { Double(counts[$0] ?? 0) }
        a.append(max(0, Double(reference.valued) - a.reduce(0, +)))
        b.append(max(0, Double(current.valued) - b.reduce(0, +)))
        compareTable(labels + ["others"], a, b)
    }

    private mutating func compareTable(_ labels: [String], _ a: [Double], _ b: [Double]) {
        let (n, m) = (a.reduce(0, +), b.reduce(0, +))
        guard n > 0, m > 0 else { return }
        let (p, q) = (a.map { $0 / n }, b.map { $0 / m })
        let (groupedA, groupedB) = Self.grouped(a, b)
        if groupedA.count == 2, min(groupedA.min() ?? 0, groupedB.min() ?? 0) < 10 || n + m < 200 {
            let result = CategoricalTests.fisherExact(
                Int(groupedA[0]),
                Int(groupedA[1]),
                Int(groupedB[0]),
                Int(groupedB[1])
            )
            add("Fisher", result, decides: true)
        } else {
            for (name, statistic) in [("chi-square", CategoricalTests.Statistic.pearson), ("G", .likelihood)] {
                let answer = CategoricalTests.contingency(
                    reference: groupedA,
                    current: groupedB,
                    statistic,
                    isCorrected: false
                )
                add(
                    name,
                    TestResult(statistic: answer.statistic, pValue: answer.pValue),
                    decides: statistic == .pearson
                )
            }
        }
        let index = SizeAwareStability.test(p, Int(n), q, Int(m)).statistic
        stabilityIndex = index
        measures.append(Measure(name: "population stability", statistic: index, pValue: nil, decides: false))
        measures.append(
            Measure(name: "Jensen-Shannon", statistic: Divergence.jensenShannon(p, q), pValue: nil, decides: false)
        )
        measures.append(
            Measure(name: "L-infinity", statistic: Divergence.lInfinity(p, q), pValue: nil, decides: false)
        )
        let order = p.indices.sorted { (max(p[$1], q[$1]), $0) < (max(p[$0], q[$0]), $1) }.prefix(Self.barsMax)
        bars = Bars(
            labels: order.map { labels[$0] },
            reference: order.map { p[$0] },
            current: order.map { q[$0] }
        )
    }

    /// Values of which fewer than five are expected on a side are one, so that chi-square can be believed.
    private static func grouped(_ a: [Double], _ b: [Double]) -> ([Double], [Double]) {
        let (n, m) = (a.reduce(0, +), b.reduce(0, +))
        let least = min(n, m) / (n + m)
        var (x, y): ([Double], [Double]) = ([], [])
        var (restA, restB) = (0.0, 0.0)
        for (before, now) in zip(a, b) {
            if (before + now) * least < 5 {
                restA += before
                restB += now
            } else {
                x.append(before)
                y.append(now)
            }
        }
        if restA + restB > 0 {
            x.append(restA)
            y.append(restB)
        }
        return (x, y)
    }
}
