/// Softmax in arithmetic that gives the same bits on every machine.
///
/// The C library's `exp` differs from one system to the next, which golden answers would notice.
public enum Softmax {
    /// `y[c] = exp(x[c] - max x) / Σ exp(x - max x)`, summed in ascending order in double precision.
    public static func row(_ row: some Collection<Float>) -> [Float] {
        let largest = row.max() ?? 0
        let powers = row.map { exp(Double($0) - Double(largest)) }
        let sum = powers.reduce(0, +)
        return powers.map { Float($0 / sum) }
    }

    /// As ``row(_:)``, in place and without memory of its own.
    public static func replace(_ row: UnsafeMutableBufferPointer<Float>) {
        guard row.count > 0 else { return }
        var largest = unsafe row[0]
        // Safety: indices are those of the buffer, which the caller keeps.
        for index in row.indices { unsafe largest = row[index] > largest ? row[index] : largest }
        var sum = 0.0
        for index in row.indices { unsafe sum += exp(Double(row[index]) - Double(largest)) }
        for index in row.indices {
            unsafe row[index] = Float(exp(Double(row[index]) - Double(largest)) / sum)
        }
    }

    /// `e^x` for `x <= 0`, exact to about 1e-11 relative; 0 below -700.
    ///
    /// `x = k ln 2 + r` with `|r| <= ln 2 / 2`; `e^r` by its Taylor series to the ninth power.
    public static func exp(_ x: Double) -> Double {
        guard x > -700 else { return x.isNaN ? x : 0 }
        let k = (x * 1.442695040888963407).rounded()
        let r = x - k * 0.693147180559945309
        var power = 1.0
        for n in stride(from: 9.0, through: 1.0, by: -1.0) {
            power = 1 + r / n * power
        }
        return Double(sign: .plus, exponent: Int(k), significand: power)
    }
}
