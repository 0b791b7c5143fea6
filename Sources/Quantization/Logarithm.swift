/// Logarithms that give the same bits on every machine, since what depends on them is part of content-addressed files.
package enum Logarithm {
    /// `ln x` for normal `x > 0`, exact to about 1e-9: the exponent, and the series of `artanh` for the significand.
    package static func natural(_ x: Double) -> Double {
        let z = (x.significand - 1) / (x.significand + 1)
        var sum = 0.0
        for n in stride(from: 21.0, through: 1.0, by: -2.0) {
            sum = sum * z * z + 1 / n
        }
        return Double(x.exponent) * 0.693147180559945309 + 2 * z * sum
    }

    /// `log10 x`, as ``natural(_:)``.
    package static func base10(_ x: Double) -> Double { natural(x) / 2.302585092994045684 }
}
