/// Keeps the probability of any false drift alarm under a bound over all batches that are ever looked at.
///
/// A test at one percent says one percent of all batches; over a year of batches and twenty columns something is always
/// "different". Here batch after batch spends a smaller part of one budget, which is divided among the columns by Holm.
/// The bound holds however the batches and columns depend on each other and the reference, and however many there are,
/// as long as each probability is right by itself. Restart it with a new reference, not with a new model.
/// - Source: the series `1 / (n ln² n)` of D. P. Foster and R. A. Stine, α-investing (2008), as spending without gains.
public struct DriftBudget: Codable, Sendable, Hashable {
    /// The probability of ever giving a false alarm.
    public let alpha: Double
    /// Batches so far.
    public private(set) var batches = 0

    /// Begins without batches.
    /// - Precondition: `alpha` is above 0 and under 1.
    public init(alpha: Double = 0.05) {
        precondition(alpha > 0 && alpha < 1, "no budget")
        self.alpha = alpha
    }

    /// What the sum of `1 / (n ln² n)` over all n from 2 on is.
    static let seriesSum = 2.109_742_801_236_892

    /// What the next batch may spend.
    public var nextShare: Double {
        let n = Double(batches + 2)
        let logarithm = Libm.log(n)
        return alpha / (Self.seriesSum * n * logarithm * logarithm)
    }

    /// Judges the next batch.
    /// - Parameter pValues: One for each column.
    /// - Returns: Which columns drifted.
    public mutating func add(_ pValues: [Double]) -> [Bool] {
        let share = nextShare
        batches += 1
        return MultipleTesting.holm.rejected(pValues, alpha: share)
    }
}
