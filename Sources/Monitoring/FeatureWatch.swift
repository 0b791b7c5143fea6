import Decay
import Pipelines

/// A watched number of each row: an element of an input, or the mean of an input's elements where they are many.
struct FeaturePlan: Codable, Sendable, Hashable {
    /// Elements up to which each is watched by itself.
    static let elementsMax = 256

    /// As the pipeline names it, with the element for inputs of several: `price[3]`.
    let name: String
    /// Its elements in the row.
    let elements: Range<Int>

    /// What is watched of a pipeline's rows, in their order.
    static func all(_ pipeline: Pipeline) -> [FeaturePlan] {
        let isEach = pipeline.featureCount <= elementsMax
        var start = 0
        var plans: [FeaturePlan] = []
        for input in pipeline.task.inputs {
            let elements = start..<(start + input.count)
            start = elements.upperBound
            if isEach, input.count > 1 {
                for (number, element) in elements.enumerated() {
                    plans.append(FeaturePlan(name: "\(input.name)[\(number)]", elements: element..<(element + 1)))
                }
            } else {
                plans.append(FeaturePlan(name: input.name, elements: elements))
            }
        }
        return plans
    }

    /// The number in a row.
    func value(in row: [Float]) -> Double {
        guard elements.count > 1 else { return Double(row[elements.lowerBound]) }
        return elements.reduce(0.0) { $0 + Double(row[$1]) } / Double(elements.count)
    }
}

/// How much values depend on the one before.
struct SerialDependence: Codable, Sendable, Hashable {
    private var moments = Moments()
    private var steps = 0.0
    private var last = 0.0
    // Of stretches that are over.
    private var squares = 0.0
    private var pairs = 0

    mutating func add(_ value: Double) {
        if moments.count > 0 { steps += (value - last) * (value - last) }
        last = value
        moments.add(value)
    }

    /// A stretch is over: what the next one's mean differs by is no dependence of values within either.
    mutating func endStretch() {
        squares += moments.variance * Double(max(0, moments.count - 1))
        pairs += max(0, moments.count - 1)
        moments = Moments()
    }

    /// 1 for independent values, `(1 + ρ) / (1 - ρ)` in general: so many values say as much as one independent one.
    var factor: Double {
        let inner = max(0, moments.count - 1)
        let n = Double(pairs + inner)
        let squares = squares + moments.variance * Double(inner)
        guard n >= 20, squares > 0 else { return 1 }
        // The mean square of steps is 2 (1 - ρ) variances.
        let rho = min(0.9995, 1 - steps / (2 * squares))
        return rho <= 0 || rho * rho * n < 9 ? 1 : (1 + rho) / (1 - rho)
    }
}

/// What is remembered of one feature: at most about 11 kB, however many rows there were.
struct FeatureWatch: Codable, Sendable, Hashable {
    /// Size of the reference's sketch: ranks are right to 1.7 %.
    static let sketchSize = 160
    /// Rows that a comparison needs on either side.
    static let rowsMin = 50
    /// Parts of a season.
    static let slots = 24
    /// Bins that windows are counted in.
    private static let bins = 10
    /// Values up to which a feature may be one of categories.
    private static let categoriesMax = 16
    /// Rows after which categories and constants are known.
    private static let knownRows = 200

    /// How the newest rows differ from the reference.
    struct Comparison: Sendable, Hashable {
        var distance = 0.0
        /// 1 where it cannot be told: too few rows, or rows that depend on each other too much.
        var pValue = 1.0
        /// Whether a difference could have been seen.
        var isTestable = false
    }

    /// What is wrong with a value.
    enum Fault: Sendable, Hashable {
        /// A category that was never seen.
        case unseen
        /// Another value after a constant.
        case constant
        /// The same value for unusually long.
        case stale

        var check: Pipeline.MonitorSettings.QualityCheck {
            switch self {
            case .unseen: .unseen
            case .constant: .constant
            case .stale: .stale
            }
        }
    }

    /// What a value shows.
    struct Sight: Sendable, Hashable {
        /// What is wrong with it.
        var fault: Fault?
        /// The step to it, where that is an outlier.
        var outlier: StepWatch.Outlier?
        /// Whether level or spread surely changed.
        var hasDrifted = false
    }

    private(set) var reference: QuantileSketch
    private(set) var current: [Float] = []
    private var last: [Float] = []
    private var dependence = SerialDependence()
    private var drift: ValueWatch?
    private var steps = StepWatch()

    // Seasons.
    private var edges: [Double] = []
    private var slotCounts: [UInt32] = []
    private var slotNow: [UInt32] = []

    // Categories and constants.
    private var rows = 0
    private var categories: [Float]? = []
    private var categorySince = 0
    private var run = 0
    private var longestRun = 0
    private var runValue: Float?

    init(seed: Int) { reference = QuantileSketch(k: Self.sketchSize, seed: UInt64(seed)) }

    /// The watch under the next champion: what was newest under the one before is what it begins with as reference.
    init(after previous: FeatureWatch, rows count: Int, seed: Int) {
        self.init(seed: seed)
        reference.add(contentsOf: previous.newest.suffix(count).map(Double.init))
        dependence = previous.dependence
        (categories, categorySince, rows) = (previous.categories, previous.categorySince, previous.rows)
        (run, longestRun, runValue) = (previous.run, previous.longestRun, previous.runValue)
        steps = previous.steps
    }

    /// The newest rows, at most two windows.
    var newest: [Float] { last + current }
    /// The sequential detector's evidence; 0 before it has a budget.
    var evidence: Double { drift?.evidence ?? 0 }
    /// About how many rows ago the sequential detector's change was.
    var changeAge: Int { drift?.changeAge ?? 0 }
    /// What changed at its last alarm.
    var change: ValueWatch.Change? { drift?.change }

    mutating func watchDrift(budget: Double) {
        if drift == nil { drift = ValueWatch(budget: min(0.01, max(1e-12, budget))) }
    }

    mutating func add(_ value: Double) -> Sight {
        let single = Float(value)
        current.append(single)
        dependence.add(value)
        return Sight(fault: check(single), outlier: steps.add(value), hasDrifted: drift?.add(value) == .drift)
    }

    private mutating func check(_ value: Float) -> Fault? {
        defer { rows += 1 }
        var fault: Fault?
        if value == runValue {
            run += 1
            // Long runs are no news to a feature that had such before.
            if longestRun > 0, run == max(Self.rowsMin, 4 * longestRun), rows >= Self.knownRows { fault = .stale }
        } else {
            if runValue != nil {
                if longestRun == 0, run >= Self.knownRows { fault = .constant }
                longestRun = max(longestRun, run)
            }
            (runValue, run) = (value, 1)
        }
        guard let known = categories, !known.contains(value) else { return fault }
        let isSettled = rows >= Self.knownRows && 2 * categorySince <= rows && known.count > 1
        if isSettled, fault == nil { fault = .unseen }
        if known.count < Self.categoriesMax, value == value.rounded() {
            categories?.append(value)
            categorySince = rows
        } else if !isSettled {
            categories = nil
        }
        return fault
    }

    /// The newest rows against the reference.
    func compare() -> Comparison {
        let newest = newest
        guard newest.count >= Self.rowsMin, reference.count >= Self.rowsMin else { return Comparison() }
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

    /// The full window against the reference, by population stability.
    func stability() -> Double {
        guard reference.count >= Self.rowsMin else { return 1 }
        let factor = dependence.factor
        let (n, m) = (Int(Double(reference.count) / factor), Int(Double(current.count) / factor))
        guard n >= 50, m >= 50 else { return 1 }
        let edges = Self.edges(reference)
        let (p, q) = (Self.ranks(edges) { reference.rank($0) }, shares(of: current, edges))
        return SizeAwareStability.test(p, n, q, m).pValue
    }

    /// The window is over.
    /// - Parameter becomesReference: How it enters the reference.
    mutating func endWindow(_ becomesReference: Becoming) {
        switch becomesReference {
        case .nothing: break
        case .part:
            reference.add(contentsOf: current.map(Double.init))
            steps.learn(current)
        case .all:
            steps = steps.forgotten
            steps.learn(current)
            reference = QuantileSketch(k: Self.sketchSize, seed: UInt64(rows))
            reference.add(contentsOf: current.map(Double.init))
        }
        last = current
        current.removeAll(keepingCapacity: true)
    }

    /// How a window enters the reference.
    enum Becoming: Sendable { case nothing, part, all }

    // MARK: Seasons

    /// Counts the value in the present part of the season, once there are bins.
    mutating func count(_ value: Double) {
        if edges.isEmpty {
            guard reference.count >= Self.rowsMin else { return }
            edges = Self.edges(reference)
            slotCounts = Array(repeating: 0, count: Self.slots * Self.bins)
            slotNow = Array(repeating: 0, count: Self.bins)
        }
        slotNow[edges.firstIndex { value <= $0 } ?? edges.count] += 1
    }

    /// A part of a season is over: how it differs from the same part of earlier seasons, which it joins.
    mutating func endSlot(_ slot: Int) -> Double {
        defer { dependence.endStretch() }
        guard !edges.isEmpty else { return 1 }
        let place = slot * Self.bins
        let before = slotCounts[place..<(place + Self.bins)]
        let factor = dependence.factor
        let (n, m) = (before.reduce(0, +), slotNow.reduce(0, +))
        var p = 1.0
        let (effectiveBefore, effectiveNow) = (Int(Double(n) / factor), Int(Double(m) / factor))
        if effectiveBefore >= 50, effectiveNow >= 20 {
            let (shares, now) = (before.map { Double($0) / Double(n) }, slotNow.map { Double($0) / Double(m) })
            p = SizeAwareStability.test(shares, effectiveBefore, now, effectiveNow).pValue
        }
        for bin in 0..<Self.bins {
            slotCounts[place + bin] &+= slotNow[bin]
            slotNow[bin] = 0
        }
        return p
    }

    private static func edges(_ sketch: QuantileSketch) -> [Double] {
        let inner = sketch.quantiles((1..<bins).map { Double($0) / Double(bins) })
        return inner.reduce(into: []) { edges, edge in if edge > edges.last ?? -.infinity { edges.append(edge) } }
    }

    private static func ranks(_ edges: [Double], _ rank: (Double) -> Double) -> [Double] {
        let ranks = [0] + edges.map(rank) + [1]
        return zip(ranks, ranks.dropFirst()).map { max(0, $1 - $0) }
    }

    private func shares(of values: [Float], _ edges: [Double]) -> [Double] {
        let sorted = values.map(Double.init).sorted()
        return Self.ranks(edges) { edge in
            Double(sorted.partitionPoint { $0 > edge }) / Double(max(1, sorted.count))
        }
    }
}

extension Array where Element == Double {
    /// The first index from which on `isAfter` holds; the array must be sorted so that it does.
    fileprivate func partitionPoint(_ isAfter: (Double) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
