/// How much values depend on the one before.
public struct SerialDependence: Codable, Sendable, Hashable {
    private var moments = Moments()
    private var steps = 0.0
    private var last = 0.0
    // Of stretches that are over.
    private var squares = 0.0
    private var pairs = 0

    /// Begins without values.
    public init() {}

    /// Adds the next value.
    public mutating func add(_ value: Double) {
        if moments.count > 0 { steps += (value - last) * (value - last) }
        last = value
        moments.add(value)
    }

    /// A stretch is over: what the next one's mean differs by is no dependence of values within either.
    public mutating func endStretch() {
        squares += moments.variance * Double(max(0, moments.count - 1))
        pairs += max(0, moments.count - 1)
        moments = Moments()
    }

    /// 1 for independent values, `(1 + ρ) / (1 - ρ)` in general: so many values say as much as one independent one.
    public var factor: Double {
        let inner = max(0, moments.count - 1)
        let n = Double(pairs + inner)
        let squares = squares + moments.variance * Double(inner)
        guard n >= 20, squares > 0 else { return 1 }
        // The mean square of steps is 2 (1 - ρ) variances.
        let rho = min(0.9995, 1 - steps / (2 * squares))
        return rho <= 0 || rho * rho * n < 9 ? 1 : (1 + rho) / (1 - rho)
    }
}
