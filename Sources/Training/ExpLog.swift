/// `e^x` for `x <= 0` with a relative error of about 1e-7; nothing of the C library, so every system gives the same.
func expNegative(_ x: Float) -> Float {
    guard x > -87 else { return 0 }
    let k = (x * 1.442_695_04).rounded()
    // ln 2 in two parts, so that the product with k is exact in the first.
    let r = (x - k * 0.693_359_375) + k * 2.121_944_4e-4
    var power: Float = 1.987_569_1e-4
    power = power * r + 1.398_199_9e-3
    power = power * r + 8.333_452e-3
    power = power * r + 4.166_579_6e-2
    power = power * r + 1.666_666_6e-1
    power = power * r + 5.000_000_1e-1
    power = power * r * r + r + 1
    return power * Float(bitPattern: UInt32(Int32(k) + 127) << 23)
}

/// The natural logarithm of a normal number above 0, to double precision: `ln m + e ln 2` with `m` near 1.
func logPositive(_ x: Double) -> Double {
    var exponent = Double(x.exponent)
    var significand = x.significand
    if significand > 1.414_213_562_373_095 {
        significand /= 2
        exponent += 1
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), and the quotient is at most 0.172.
    let z = (significand - 1) / (significand + 1)
    let square = z * z
    var sum = 0.0
    for n in stride(from: 21.0, through: 1.0, by: -2.0) { sum = sum * square + 1 / n }
    return 2 * z * sum + exponent * 0.693_147_180_559_945_3
}
