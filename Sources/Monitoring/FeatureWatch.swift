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

/// What is remembered of one feature: at most about 11 kB, however many rows there were.
struct FeatureWatch: Codable, Sendable, Hashable {
    /// Values up to which a feature may be one of categories.
    private static let categoriesMax = 16
    /// Rows after which categories and constants are known.
    private static let knownRows = 200

    /// What is wrong with a value.
    enum Fault: Sendable, Hashable, CaseIterable {
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

    /// The newest rows and what they are compared with.
    private(set) var window: ReferenceWindow
    private var season = SeasonalReference()
    private var drift: ValueWatch?
    private var steps = StepWatch()

    // Categories and constants.
    private var rows = 0
    private var categories: [Float]? = []
    private var categorySince = 0
    private var run = 0
    private var longestRun = 0
    private var runValue: Float?

    init(seed: Int) { window = ReferenceWindow(seed: UInt64(seed)) }

    /// The watch under the next champion: what was newest under the one before is what it begins with as reference.
    init(after previous: FeatureWatch, rows count: Int, seed: Int) {
        window = ReferenceWindow(after: previous.window, values: count, seed: UInt64(seed))
        steps = previous.steps
        (categories, categorySince, rows) = (previous.categories, previous.categorySince, previous.rows)
        (run, longestRun, runValue) = (previous.run, previous.longestRun, previous.runValue)
    }

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
        window.add(value)
        return Sight(fault: check(Float(value)), outlier: steps.add(value), hasDrifted: drift?.add(value) == .drift)
    }

    private mutating func check(_ value: Float) -> Fault? {
        defer { rows += 1 }
        var fault: Fault?
        if value == runValue {
            run += 1
            // Long runs are no news to a feature that had such before.
            if longestRun > 0, run == max(ReferenceWindow.valuesMin, 4 * longestRun), rows >= Self.knownRows {
                fault = .stale
            }
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

    /// The window is over.
    /// - Parameter becoming: How it enters the reference, and what is known of steps with it.
    mutating func endWindow(_ becoming: ReferenceWindow.Becoming) {
        if becoming == .all { steps = steps.forgotten }
        if becoming != .nothing { steps.learn(window.current) }
        window.endWindow(becoming)
    }

    /// Counts the value in the present part of the season.
    mutating func countInSeason(_ value: Double) { season.count(value, bins: window.reference) }

    /// A part of a season is over: how likely it is that nothing changed since the same part of earlier seasons.
    mutating func endSlot(_ slot: Int) -> Double {
        defer { window.endStretch() }
        return season.endSlot(slot, dependence: window.dependence.factor)
    }
}
