/// Whether an estimate without labels may still be believed, decided by the labels that came late.
///
/// For each row that has its label, the probability of being right is compared with whether it was. Their difference is
/// what an estimate is wrong by. When it is more than chance, whatever the number of looks, and more than the tolerance,
/// the estimate is withdrawn and stays so until ``reset()``, because a change of the concept cannot be seen in it.
public struct EstimateTrust: Codable, Sendable, Hashable {
    /// Rows with labels that a decision needs.
    public static let rowsMin = 500

    /// Differences of accuracy up to this are forgiven.
    public let tolerance: Double
    /// The probability of withdrawing an estimate that is right, over all looks.
    public let alpha: Double
    /// Rows with labels so far.
    public private(set) var rows = 0
    /// Whether the estimate is still believed.
    public private(set) var isTrusted = true

    private var difference = 0.0
    private var variance = 0.0

    /// Begins trusting.
    public init(tolerance: Double = 0.05, alpha: Double = 0.001) {
        self.tolerance = tolerance
        self.alpha = alpha
    }

    /// The estimated share of right answers less the realized one.
    public var gap: Double { rows > 0 ? difference / Double(rows) : 0 }

    /// Compares the probability of being right with what the label says.
    /// - Returns: True when this row withdrew the estimate.
    public mutating func add(probabilityRight p: Double, wasRight: Bool) -> Bool {
        rows += 1
        difference += p - (wasRight ? 1 : 0)
        variance += max(p * (1 - p), 0.01)
        guard isTrusted, rows >= Self.rowsMin else { return false }
        let bound = Self.boundary(variance, scale: 500, alpha: alpha)
        guard abs(difference) > bound + tolerance * Double(rows) else { return false }
        isTrusted = false
        return true
    }

    /// A boundary that a random walk of that variance leaves with probability `alpha` at any time.
    /// - Source: H. Robbins, Statistical methods related to the law of the iterated logarithm (1970), the mixture.
    public static func boundary(_ variance: Double, scale: Double, alpha: Double) -> Double {
        ((variance + scale) * (Libm.log((variance + scale) / scale) + 2 * Libm.log(1 / alpha))).squareRoot()
    }

    /// Begins anew, with a new model or a new reference.
    public mutating func reset() { self = EstimateTrust(tolerance: tolerance, alpha: alpha) }
}
