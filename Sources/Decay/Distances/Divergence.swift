/// Distances between two lists of shares of the same bins or categories.
public enum Divergence {
    /// The population stability index: `Σ (p - q) ln(p / q)`. A share of 0 makes it infinite; see ``filled(_:)``.
    public static func populationStability(_ p: [Double], _ q: [Double]) -> Double {
        zip(p, q).reduce(0) { $0 + ($1.0 - $1.1) * Libm.log($1.0 / $1.1) }
    }

    /// Kullback and Leibler's divergence of `p` from `q`, in nats, after both were scaled to a sum of 1.
    public static func kullbackLeibler(_ p: [Double], _ q: [Double]) -> Double {
        let (sumP, sumQ) = (p.reduce(0, +), q.reduce(0, +))
        return zip(p, q).reduce(0) { sum, pair in
            let (a, b) = (pair.0 / sumP, pair.1 / sumQ)
            return a > 0 ? sum + a * Libm.log(a / b) : sum
        }
    }

    /// The square root of Jensen and Shannon's divergence, after both were scaled to a sum of 1.
    /// - Parameter base: Of the logarithm; 2 gives 0...1.
    public static func jensenShannon(_ p: [Double], _ q: [Double], base: Double? = nil) -> Double {
        let (sumP, sumQ) = (p.reduce(0, +), q.reduce(0, +))
        var divergence = 0.0
        for (x, y) in zip(p, q) {
            let (a, b) = (x / sumP, y / sumQ)
            let middle = (a + b) / 2
            if a > 0 { divergence += a * Libm.log(a / middle) }
            if b > 0 { divergence += b * Libm.log(b / middle) }
        }
        divergence /= 2
        if let base { divergence /= Libm.log(base) }
        return max(0, divergence).squareRoot()
    }

    /// Hellinger's distance from the overlap: `√(1 - Σ √(pq))`, 0...1.
    public static func hellinger(_ p: [Double], _ q: [Double]) -> Double {
        let overlap = zip(p, q).reduce(0) { $0 + ($1.0 * $1.1).squareRoot() }
        return max(0, 1 - overlap).squareRoot()
    }

    /// Hellinger's distance from the differences: `√(Σ (√p - √q)²) / √2`. Equal to ``hellinger(_:_:)`` for shares that
    /// sum to 1.
    public static func hellingerOfRoots(_ p: [Double], _ q: [Double]) -> Double {
        let sum = zip(p, q).reduce(0) { sum, pair in
            let difference = pair.0.squareRoot() - pair.1.squareRoot()
            return sum + difference * difference
        }
        return sum.squareRoot() / 2.0.squareRoot()
    }

    /// The largest difference of any share.
    public static func lInfinity(_ p: [Double], _ q: [Double]) -> Double {
        zip(p, q).map { abs($0 - $1) }.max() ?? 0
    }

    /// Shares in which empty bins have a little, so that a logarithm exists: 0.0001, or a millionth of the smallest
    /// share where that is no larger than 0.0001.
    public static func filled(_ shares: [Double]) -> [Double] {
        guard let least = shares.filter({ $0 != 0 }).min() else { return shares }
        let fill = least <= 0.0001 ? least / 1_000_000 : 0.0001
        return shares.map { $0 == 0 ? fill : $0 }
    }
}
