/// The sum or difference of two values of bytes with encodings of their own, element by element.
///
/// ```
/// x   = (a[i] - aZeroPoint) * aMultiplier + (b[i] - bZeroPoint) * bMultiplier      exact in 32 bits
/// h   = sat16((x + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift)                   vasr:rnd:sat
/// out = clamp(satu8(sat16(h + zeroPoint)), low, high)
/// ```
/// Real factors `f = inputScale / outputScale` become `round(f * 2^shift)`; a difference has a negative multiplier.
public struct Addition: Sendable, Hashable {
    /// The elements of each operand.
    public var count: Int
    /// In units of 2^-shift.
    public var aMultiplier: Int16
    /// In units of 2^-shift.
    public var bMultiplier: Int16
    /// The byte of `a` that stands for 0.
    public var aZeroPoint: UInt8
    /// The byte of `b` that stands for 0.
    public var bZeroPoint: UInt8
    /// In 0...15.
    public var shift: Int32
    /// The byte of the result that stands for 0.
    public var zeroPoint: UInt8
    /// What results are clamped to.
    public var range: ClosedRange<UInt8>

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)`` for a negative count or a shift outside 0...15.
    public init(
        count: Int,
        aMultiplier: Int16,
        bMultiplier: Int16,
        aZeroPoint: UInt8,
        bZeroPoint: UInt8,
        shift: Int32,
        zeroPoint: UInt8,
        range: ClosedRange<UInt8> = 0...255
    ) throws(KernelError) {
        guard count >= 0, (0...15).contains(shift) else { throw .invalidShape([count, Int(shift)]) }
        self.count = count
        self.aMultiplier = aMultiplier
        self.bMultiplier = bMultiplier
        self.aZeroPoint = aZeroPoint
        self.bZeroPoint = bZeroPoint
        self.shift = shift
        self.zeroPoint = zeroPoint
        self.range = range
    }
}

/// The product of two values of bytes, element by element.
///
/// `out = requantize((a[i] - aZeroPoint) * (b[i] - bZeroPoint))` by the formula of ``/Quantization/Requantization``.
public struct Multiplication: Sendable, Hashable {
    /// The elements of each operand.
    public var count: Int
    /// The byte of `a` that stands for 0.
    public var aZeroPoint: UInt8
    /// The byte of `b` that stands for 0.
    public var bZeroPoint: UInt8
    /// One channel, for all elements.
    public var stage: RequantizeStage

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)`` for a negative count, ``KernelError/count(what:expected:actual:)`` unless
    ///   the stage has one channel.
    public init(count: Int, aZeroPoint: UInt8, bZeroPoint: UInt8, stage: RequantizeStage) throws(KernelError) {
        guard count >= 0 else { throw .invalidShape([count]) }
        guard stage.channels.count == 1 else {
            throw .count(what: "requantizations", expected: 1, actual: stage.channels.count)
        }
        self.count = count
        self.aZeroPoint = aZeroPoint
        self.bZeroPoint = bZeroPoint
        self.stage = stage
    }
}
