/// The distribution of Kolmogorov's statistic for one sample of finite size.
///
/// Two-sample tests of large samples are judged by it with the harmonic size, which is more exact than the limit.
/// - Source: R. Simard and P. L'Ecuyer, Computing the two-sided Kolmogorov-Smirnov distribution (2011); G. Marsaglia,
///   W. W. Tsang and J. Wang (2003) for the matrix; W. Pelz and I. J. Good (1976) for the expansion.
enum Kolmogorov {
    /// `P(D > x)` of a sample of `n`.
    static func tail(_ x: Double, n: Int) -> Double {
        guard n > 0, !x.isNaN else { return .nan }
        guard x < 1 else { return 0 }
        guard x > 0 else { return 1 }
        let count = Double(n)
        let t = count * x
        if t <= 1 {
            guard t > 0.5 else { return 1 }
            // n! ((2t - 1) / n)^n
            let log =
                SpecialFunctions.stirlingError(count) + 0.5 * Libm.log(2 * .pi * count) - count
                + count * Libm.log(2 * t - 1)
            return 1 - Libm.exp(log)
        }
        if t >= count - 1 { return clip(2 * Libm.pow(1 - x, count)) }
        if x >= 0.5 { return clip(2 * oneSidedTail(x, n: n)) }
        let square = t * x
        if n <= 140 {
            return square <= 4 ? clip(1 - matrix(x, n: n)) : clip(2 * oneSidedTail(x, n: n))
        }
        if square >= 370 { return 0 }
        if square >= 2.2 { return clip(2 * oneSidedTail(x, n: n)) }
        if n <= 100_000, count * Libm.pow(x, 1.5) <= 1.4 { return clip(1 - matrix(x, n: n)) }
        return clip(expansionTail(x, n: count))
    }

    /// `P(D+ > x)`: a sum of positive terms, each a binomial probability.
    static func oneSidedTail(_ x: Double, n: Int) -> Double {
        let count = Double(n)
        let last = Int(count * (1 - x))
        var sum = 0.0
        var largest = 0.0
        for j in 0...max(0, last) {
            let p = x + Double(j) / count
            let q = 1 - p
            guard q >= 0 else { break }
            let term = SpecialFunctions.binomial(Double(j), count, p, q) / p
            sum += term
            largest = max(largest, term)
            if term < largest * 1e-20, j > last / 2 { break }
        }
        return x * sum
    }

    private static func clip(_ p: Double) -> Double { min(1, max(0, p)) }

    /// `P(D < x)` by the power of a matrix of `2⌈nx⌉ - 1` rows.
    private static func matrix(_ x: Double, n: Int) -> Double {
        let k = Int((Double(n) * x).rounded(.up))
        let h = Double(k) - Double(n) * x
        let m = 2 * k - 1
        var a = [Double](repeating: 0, count: m * m)
        for i in 0..<m {
            for j in 0..<m where i - j + 1 >= 0 { a[i * m + j] = 1 }
        }
        for i in 0..<m {
            a[i * m] -= Libm.pow(h, Double(i + 1))
            a[(m - 1) * m + i] -= Libm.pow(h, Double(m - i))
        }
        if 2 * h - 1 > 0 { a[(m - 1) * m] += Libm.pow(2 * h - 1, Double(m)) }
        for i in 0..<m {
            for j in 0..<m where i - j + 1 > 0 {
                for g in 1...(i - j + 1) { a[i * m + j] /= Double(g) }
            }
        }
        // A power by squaring, with the exponent of two kept apart.
        var result = [Double](repeating: 0, count: m * m)
        for i in 0..<m { result[i * m + i] = 1 }
        var resultExponent = 0
        var base = a
        var baseExponent = 0
        var power = n
        while power > 0 {
            if power & 1 == 1 {
                result = multiply(result, base, m)
                resultExponent += baseExponent
                rescale(&result, &resultExponent, m)
            }
            base = multiply(base, base, m)
            baseExponent *= 2
            rescale(&base, &baseExponent, m)
            power >>= 1
        }
        var value = result[(k - 1) * m + k - 1]
        for i in 1...n {
            value *= Double(i) / Double(n)
            if value < 1e-140 {
                value *= 0x1p512
                resultExponent -= 512
            }
        }
        return resultExponent < -2000 ? 0 : value * Libm.pow(2, Double(resultExponent))
    }

    private static func multiply(_ a: [Double], _ b: [Double], _ m: Int) -> [Double] {
        var c = [Double](repeating: 0, count: m * m)
        for i in 0..<m {
            for k in 0..<m {
                let factor = a[i * m + k]
                guard factor != 0 else { continue }
                for j in 0..<m { c[i * m + j] += factor * b[k * m + j] }
            }
        }
        return c
    }

    private static func rescale(_ a: inout [Double], _ exponent: inout Int, _ m: Int) {
        guard a[(m / 2) * m + m / 2] > 0x1p512 else { return }
        for i in a.indices { a[i] *= 0x1p-512 }
        exponent += 512
    }

    private static func expansionTail(_ x: Double, n: Double) -> Double {
        let pi2 = Double.pi * .pi
        let (pi4, pi6) = (pi2 * pi2, pi2 * pi2 * pi2)
        let rootTwoPi = (2 * Double.pi).squareRoot()
        let z = n.squareRoot() * x
        let z2 = z * z
        let (z3, z4, z6) = (z2 * z, z2 * z2, z2 * z2 * z2)
        let logQ = -pi2 / 8 / z2
        guard logQ > -708 else { return 1 }
        let q = Libm.exp(logQ)
        let k1 = (-z2, pi2 / 4)
        let k2 = (6 * z6 + 2 * z4, (2 * z4 - 5 * z2) * pi2 / 4, pi4 * (1 - 2 * z2) / 16)
        let k3 = (
            -30 * z6 - 90 * z4 * z4, pi2 * (135 * z4 - 96 * z6) / 4, pi4 * (-60 * z2 + 212 * z4) / 16,
            pi6 * (5 - 30 * z2) / 64
        )
        var sums = (0.0, 0.0, 0.0, 0.0)
        let last = Int((16 * z / .pi).rounded(.up))
        for k in stride(from: last, through: 1, by: -1) {
            let m2 = Double((2 * k - 1) * (2 * k - 1))
            let (m4, m6) = (m2 * m2, m2 * m2 * m2)
            let power = Libm.pow(q, 8 * Double(k))
            sums.0 = sums.0 * power + 1
            sums.1 = sums.1 * power + k1.0 + k1.1 * m2
            sums.2 = sums.2 * power + k2.0 + k2.1 * m2 + k2.2 * m4
            sums.3 = sums.3 * power + k3.0 + k3.1 * m2 + k3.2 * m4 + k3.3 * m6
        }
        let front = q * rootTwoPi
        sums.0 *= front / z
        sums.1 *= front / (6 * z4)
        sums.2 *= front / (72 * z6 * z)
        sums.3 *= front / (6480 * z4 * z6)
        let q2 = Libm.exp(-pi2 / 2 / z2)
        var extra = (0.0, 0.0)
        for k in stride(from: last, through: 1, by: -1) {
            let square = Double(k * k)
            let power = Libm.pow(q2, square)
            extra.0 += square * power
            extra.1 += (3 * z2 - pi2 * square) * square * power
        }
        sums.2 += extra.0 * pi2 * rootTwoPi / (-36 * z3)
        sums.3 += extra.1 * pi2 * rootTwoPi / (216 * z6)
        let root = n.squareRoot()
        return (1 - sums.0) - sums.1 / root - sums.2 / n - sums.3 / (n * root)
    }
}
