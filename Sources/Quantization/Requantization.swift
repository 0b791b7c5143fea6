/// The multiplier and shifts that scale a 32-bit sum down to a byte the way HVX code does.
///
/// ```
/// t = wrap32(accumulator << leftShift)
/// p = sat32((int64(t) * multiplier + 2^30) >> 31)
/// z = sat32(p + (rightShift > 0 ? 1 << (rightShift - 1) : 0)) >> rightShift
/// byte = clamp(satu8(sat16(sat16(z) + zeroPoint)), low, high)
/// ```
/// Both roundings take ties to +infinity; `>>` floors. Two roundings, not one: the result differs from a rounding of
/// the real product in rare cases, and equals the hardware in all.
public struct Requantization: Sendable, Hashable {
    /// The multiplier, in units of 2^-31.
    public let multiplier: Int32
    /// In 0...31.
    public let leftShift: Int32
    /// In 0...31.
    public let rightShift: Int32

    /// - Throws: ``QuantizationError/shiftOutOfRange(left:right:)``.
    public init(multiplier: Int32, leftShift: Int32, rightShift: Int32) throws(QuantizationError) {
        guard (0...31).contains(leftShift), (0...31).contains(rightShift) else {
            throw .shiftOutOfRange(left: leftShift, right: rightShift)
        }
        self.multiplier = multiplier
        self.leftShift = leftShift
        self.rightShift = rightShift
    }

    /// The nearest multiplier with 31 bits: `realMultiplier ≈ multiplier / 2^31 * 2^(leftShift - rightShift)`.
    ///
    /// The multiplier lies in 2^30..<2^31, but for real multipliers below 2^-32, which lose bits and end at 0. Only one
    /// of the shifts is not 0.
    ///
    /// - Throws: ``QuantizationError/multiplierOutOfRange(_:)`` unless `realMultiplier` is in `0..<2^31`.
    public init(realMultiplier: Double) throws(QuantizationError) {
        guard realMultiplier >= 0, realMultiplier < 0x1p31 else { throw .multiplierOutOfRange(realMultiplier) }
        guard realMultiplier >= 0x1p-64 else {
            try self.init(multiplier: 0, leftShift: 0, rightShift: 0)
            return
        }
        // realMultiplier = fraction * 2^exponent with the fraction in 0.5..<1.
        var exponent = Int32(realMultiplier.exponent) + 1
        var mantissa = Int64((realMultiplier.significand * 0x1p30).rounded(.toNearestOrAwayFromZero))
        if mantissa == 1 << 31 {
            mantissa >>= 1
            exponent += 1
        }
        if exponent < -31 {
            mantissa >>= Int64(-31 - exponent)
            exponent = -31
        }
        guard exponent <= 31 else { throw .multiplierOutOfRange(realMultiplier) }
        try self.init(
            multiplier: Int32(mantissa),
            leftShift: Swift.max(exponent, 0),
            rightShift: Swift.max(-exponent, 0)
        )
    }

    /// A multiplier without a right shift, so that a sum is rounded once, as other programs do: `multiplier / 2^31`.
    ///
    /// It is off by at most 2^-32, which a sum of 2^22 turns into a thousandth of a step. Below ``leastRoundedOnce``, where
    /// a multiplier would have fewer than 15 bits, it is that of ``init(realMultiplier:)``.
    ///
    /// - Throws: ``QuantizationError/multiplierOutOfRange(_:)`` unless `realMultiplier` is in `0..<2^31`.
    public init(roundingOnce realMultiplier: Double) throws(QuantizationError) {
        let multiplier = (realMultiplier * 0x1p31).rounded(.toNearestOrAwayFromZero)
        guard realMultiplier >= Requantization.leastRoundedOnce, multiplier < 0x1p31 else {
            try self.init(realMultiplier: realMultiplier)
            return
        }
        try self.init(multiplier: Int32(multiplier), leftShift: 0, rightShift: 0)
    }

    /// See ``init(roundingOnce:)``.
    public static let leastRoundedOnce = 0x1p-17

    /// What the multiplier and shifts mean as a real number.
    public var realMultiplier: Double {
        Double(multiplier) * Double(sign: .plus, exponent: Int(leftShift - rightShift) - 31, significand: 1)
    }

    /// The scaled sum before it is narrowed: `z` of the formula above.
    @inlinable
    public func scale(_ accumulator: Int32) -> Int32 {
        let shifted = accumulator << leftShift
        let product = Int32(clamping: (Int64(shifted) * Int64(multiplier) + (1 << 30)) >> 31)
        let half: Int32 = rightShift > 0 ? 1 << (rightShift - 1) : 0
        let (sum, overflow) = product.addingReportingOverflow(half)
        return (overflow ? .max : sum) >> rightShift
    }

    /// The byte of a sum: all of the formula above.
    @inlinable
    public func byte(_ accumulator: Int32, zeroPoint: Int32, range: ClosedRange<UInt8> = 0...255) -> UInt8 {
        let narrow = Int32(Int16(clamping: scale(accumulator)))
        let byte = UInt8(clamping: Int16(clamping: narrow + zeroPoint))
        return Swift.min(Swift.max(byte, range.lowerBound), range.upperBound)
    }
}

extension Requantization: Codable {
    private enum Key: String, CodingKey { case multiplier, leftShift, rightShift }

    /// Reads and checks the fields; a value out of range is an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        try self.init(
            multiplier: container.decode(Int32.self, forKey: .multiplier),
            leftShift: container.decode(Int32.self, forKey: .leftShift),
            rightShift: container.decode(Int32.self, forKey: .rightShift)
        )
    }

    /// Writes the fields that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(multiplier, forKey: .multiplier)
        try container.encode(leftShift, forKey: .leftShift)
        try container.encode(rightShift, forKey: .rightShift)
    }
}
