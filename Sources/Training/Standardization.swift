/// Shift and scale of each column, so that columns of any unit look alike to the network.
struct Standardization: Sendable, Hashable {
    /// Mean of each column.
    let mean: [Float]
    /// Standard deviation of each column, 0 for a column that is constant.
    let deviation: [Float]

    /// Measures the given rows of a row-major matrix in double precision.
    init(_ values: [Float], width: Int, rows: [Int]) {
        var mean = [Double](repeating: 0, count: width)
        var squares = [Double](repeating: 0, count: width)
        for row in rows {
            for column in 0..<width { mean[column] += Double(values[row * width + column]) }
        }
        for column in 0..<width { mean[column] /= Double(max(1, rows.count)) }
        for row in rows {
            for column in 0..<width {
                let distance = Double(values[row * width + column]) - mean[column]
                squares[column] += distance * distance
            }
        }
        self.mean = mean.map { Float($0) }
        deviation = zip(squares, mean).map { square, mean in
            let deviation = (square / Double(max(1, rows.count))).squareRoot()
            // What is left under this is rounding of the column, not information in it.
            return deviation > 1e-7 * mean.magnitude && deviation > 1e-30 ? Float(deviation) : 0
        }
    }

    /// Factor of `y = x * scale + offset`. A constant column gets 0: what the network never saw vary says nothing.
    var scale: [Float] { deviation.map { $0 > 0 ? 1 / $0 : 0 } }
    /// Summand of `y = x * scale + offset`.
    var offset: [Float] { zip(mean, scale).map { -$0 * $1 } }
    /// Deviation by which a standardized target is multiplied back; 1 for a constant target.
    var targetDeviation: [Float] { deviation.map { $0 > 0 ? $0 : 1 } }
}
