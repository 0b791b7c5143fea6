import Decay
import Pipelines

/// The sequential detector of rising errors with the pipeline's budget of false alarms.
///
/// The budget is often stated over time, the detector wants it for a value: so the first values wait until they have
/// shown how often values come.
struct BudgetedWatch: Codable, Sendable, Hashable {
    /// Values from which the rate is learned: the detectors look at none before anyway.
    static let rateValues = 200

    private let budget: Pipeline.MonitorSettings.FalseAlarms
    private let isShare: Bool
    private var early: [Double] = []
    private var firstAt: Double?
    private var lastAt: Double?
    private var bits: ErrorWatch?
    private var values: ValueWatch?

    init(_ budget: Pipeline.MonitorSettings.FalseAlarms, isShare: Bool) {
        self.budget = budget
        self.isShare = isShare
    }

    /// The evidence over its threshold; an alarm from 1 on.
    var evidence: Double { bits?.evidence ?? values?.evidence ?? 0 }
    /// The change is about so many values ago.
    var changeAge: Int { bits?.changeAge ?? values?.changeAge ?? 0 }
    /// False alarms a value that are allowed; nil while the rate is being learned.
    var perValue: Double? { bits?.budget ?? values?.budget }
    /// Values a second, once they are known.
    private(set) var perSecond: Double?

    /// - Returns: Whether errors are surely more than before.
    mutating func add(_ error: Double, at seconds: Double) -> Bool {
        if bits != nil || values != nil { return look(error) }
        firstAt = min(firstAt ?? seconds, seconds)
        lastAt = max(lastAt ?? seconds, seconds)
        early.append(error)
        guard early.count >= Self.rateValues else { return false }
        // What all came in one moment has the rate of the finest clock.
        let span = max((lastAt ?? 0) - (firstAt ?? 0), 1e-6)
        let rate = Double(early.count - 1) / span
        perSecond = rate
        let budget = budget.perValue(perSecond: rate)
        if isShare { bits = ErrorWatch(budget: budget) } else { values = ValueWatch(budget: budget, side: .up) }
        let waiting = early
        early = []
        return waiting.reduce(false) { look($1) || $0 }
    }

    private mutating func look(_ error: Double) -> Bool {
        if isShare { return bits?.add(error) == .drift }
        return values?.add(error) == .drift
    }
}
