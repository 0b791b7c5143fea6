/// How long a row is taken to be.
public enum Norm: String, Codable, Sendable, Hashable, CaseIterable {
    /// The greatest element.
    case max
    /// The sum of the magnitudes.
    case l1
    /// The square root of the sum of the squares.
    case l2

    /// The row divided by its length, or the row itself where that is 0.
    public func callAsFunction(_ row: some Collection<Float>) -> [Float] {
        let length: Double =
            switch self {
            case .max: Double(row.max() ?? 0)
            case .l1: row.reduce(0.0) { $0 + Double($1.magnitude) }
            case .l2: row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            }
        return row.map { length == 0 ? $0 : Float(Double($0) / length) }
    }
}
