/// How real numbers stand as unsigned bytes: `real = scale * (byte - zeroPoint)`.
public struct Encoding: Sendable, Hashable {
    /// The real distance of two neighbouring bytes, positive and finite.
    public let scale: Float
    /// The byte that stands for 0, in 0...255.
    public let zeroPoint: Int32

    /// - Throws: ``QuantizationError/invalidEncoding(scale:zeroPoint:)``.
    public init(scale: Float, zeroPoint: Int32) throws(QuantizationError) {
        guard scale.isFinite, scale >= Float.leastNormalMagnitude, (0...255).contains(zeroPoint) else {
            throw .invalidEncoding(scale: scale, zeroPoint: zeroPoint)
        }
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    /// The scale for a value that was never seen to differ from 0: fine enough for the bias of the next layer, which is
    /// counted in steps of it.
    public static let scaleWithoutRange: Float = 0x1p-10

    /// The finest encoding that covers a range, widened so that it holds 0, which is then exact.
    ///
    /// - Throws: ``QuantizationError/invalidRange(min:max:)`` when a limit is not finite or `min > max`.
    public init(min: Float, max: Float) throws(QuantizationError) {
        guard min.isFinite, max.isFinite, min <= max else { throw .invalidRange(min: min, max: max) }
        let low = Double(Swift.min(min, 0))
        let high = Double(Swift.max(max, 0))
        let scale = Float((high - low) / 255)
        self.scale = low == high ? Encoding.scaleWithoutRange : Swift.max(scale, .leastNormalMagnitude)
        self.zeroPoint = Int32(Swift.min(255, (-low / Double(self.scale)).rounded(.toNearestOrAwayFromZero)))
    }

    /// The byte nearest to a real number: `clamp(round(value / scale) + zeroPoint, 0...255)`.
    ///
    /// The division is in 32-bit floats, ties round away from zero, and NaN gives the zero point.
    public func quantize(_ value: Float) -> UInt8 {
        Encoding.byte(value / scale, zeroPoint: zeroPoint)
    }

    /// The real number that a byte stands for: `scale * (byte - zeroPoint)`.
    public func dequantize(_ byte: UInt8) -> Float {
        scale * Float(Int32(byte) - zeroPoint)
    }

    /// The real numbers of the bytes 0 and 255.
    public var range: ClosedRange<Float> { dequantize(0)...dequantize(255) }

    /// `clamp(round(steps) + zeroPoint, 0...255)`: the one rounding that turns a float into an activation.
    ///
    /// Ties round away from zero; NaN gives the zero point. Converter, simulator and node all call this function.
    @inlinable
    public static func byte(_ steps: Float, zeroPoint: Int32) -> UInt8 {
        UInt8(clamping: whole(steps, limit: 512) + zeroPoint)
    }

    /// The whole number nearest to a float of at most `limit`, ties away from zero; NaN gives 0.
    ///
    /// Half is added in 64 bits, where that is exact, and the rest cut off: no call of the C library.
    @inlinable
    package static func whole(_ steps: Float, limit: Float) -> Int32 {
        guard !steps.isNaN else { return 0 }
        let clamped = Double(Swift.min(Swift.max(steps, -limit), limit))
        return Int32(clamped < 0 ? clamped - 0.5 : clamped + 0.5)
    }
}

extension Encoding: Codable {
    private enum Key: String, CodingKey { case scale, zeroPoint }

    /// Reads and checks the fields; a value out of range is an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        try self.init(
            scale: container.decode(Float.self, forKey: .scale),
            zeroPoint: container.decode(Int32.self, forKey: .zeroPoint)
        )
    }

    /// Writes the fields that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(scale, forKey: .scale)
        try container.encode(zeroPoint, forKey: .zeroPoint)
    }
}
