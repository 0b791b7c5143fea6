public import Quantization

/// Turns the sums of a layer into bytes with a multiplier and shifts for each channel.
///
/// The formula is that of ``/Quantization/Requantization``; the definition in HVX terms is ``reference(_:rows:)``.
public struct RequantizeStage: Sendable, Hashable {
    /// The byte that stands for 0.
    public let zeroPoint: UInt8
    /// What bytes are clamped to, which is how a `relu` is done.
    public let range: ClosedRange<UInt8>
    /// One multiplier with its shifts for each channel.
    public let channels: [Requantization]

    /// The number of channels.
    public var channelCount: Int { channels.count }

    /// - Parameter channels: One for each channel.
    public init(channels: [Requantization], zeroPoint: UInt8, range: ClosedRange<UInt8> = 0...255) {
        self.zeroPoint = zeroPoint
        self.range = range
        self.channels = channels
    }
}
