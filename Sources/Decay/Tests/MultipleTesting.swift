/// Corrections for looking at many features at once.
public enum MultipleTesting: String, Codable, Sendable, Hashable, CaseIterable {
    /// Every p-value times their number: keeps the chance of any false alarm under alpha.
    case bonferroni
    /// Holm's step down: the same promise as Bonferroni, and never less sensitive.
    case holm
    /// Hommel's closed procedure: more sensitive where p-values are not negatively dependent.
    case hommel
    /// Šidák's: exact for independent tests.
    case sidak
    /// Benjamini and Hochberg's: keeps the share of false alarms among alarms under alpha.
    case benjaminiHochberg = "fdr_bh"
    /// Benjamini and Yekutieli's: the same under any dependence.
    case benjaminiYekutieli = "fdr_by"

    /// The p-values with the correction in them, in the given order; a feature is called different when its value is
    /// at most alpha.
    public func adjusted(_ p: [Double]) -> [Double] {
        let n = p.count
        let count = Double(n)
        let order = ascendingOrder(p)
        var result = [Double](repeating: 1, count: n)
        switch self {
        case .bonferroni: return p.map { min(1, $0 * count) }
        case .sidak: return p.map { -Libm.expm1(count * Libm.log1p(-$0)) }
        case .holm:
            var largest = 0.0
            for (rank, index) in order.enumerated() {
                largest = max(largest, p[index] * Double(n - rank))
                result[index] = min(1, largest)
            }
        case .benjaminiHochberg, .benjaminiYekutieli:
            let factor = self == .benjaminiYekutieli ? (0..<n).reduce(0.0) { $0 + 1 / Double($1 + 1) } : 1
            var least = 1.0
            for rank in stride(from: n - 1, through: 0, by: -1) {
                least = min(least, p[order[rank]] * count * factor / Double(rank + 1))
                result[order[rank]] = min(1, least)
            }
        case .hommel:
            guard n > 0 else { return [] }
            let sorted = order.map { p[$0] }
            var adjusted = sorted
            for m in stride(from: n, to: 1, by: -1) {
                let scale = Double(m)
                var least = Double.infinity
                for rank in 1...m { least = min(least, scale * sorted[n - m + rank - 1] / Double(rank)) }
                for i in (n - m)..<n { adjusted[i] = max(adjusted[i], least) }
                for i in 0..<(n - m) { adjusted[i] = max(adjusted[i], min(least, scale * sorted[i])) }
            }
            for (rank, index) in order.enumerated() { result[index] = min(1, adjusted[rank]) }
        }
        return result
    }

    /// Which features are called different at `alpha`.
    public func rejected(_ p: [Double], alpha: Double) -> [Bool] { adjusted(p).map { $0 <= alpha } }
}
