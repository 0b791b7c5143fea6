/// Why numbers cannot be quantized.
public enum QuantizationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A real multiplier is negative, not finite, or 2^31 or more.
    case multiplierOutOfRange(Double)
    /// A range has a limit that is NaN or infinite, or its limits are in the wrong order.
    case invalidRange(min: Float, max: Float)
    /// A scale is not a positive finite number, or a zero point not in 0...255.
    case invalidEncoding(scale: Float, zeroPoint: Int32)
    /// A multiplier with shifts outside 0...31.
    case shiftOutOfRange(left: Int32, right: Int32)
    /// A share of values to keep that is not above 50 and at most 100.
    case invalidPercentile(Double)
    /// Nothing was observed.
    case noValues

    /// What went wrong, in one line for a log.
    public var description: String {
        switch self {
        case .multiplierOutOfRange(let value): "multiplier \(value) is outside 0..<2^31"
        case .invalidRange(let min, let max): "range \(min)...\(max) has no finite width"
        case .invalidEncoding(let scale, let zeroPoint): "scale \(scale) and zero point \(zeroPoint) encode nothing"
        case .shiftOutOfRange(let left, let right): "shifts \(left) and \(right) are outside 0...31"
        case .invalidPercentile(let share): "percentile \(share) is not above 50 and at most 100"
        case .noValues: "no value was observed"
        }
    }
}
