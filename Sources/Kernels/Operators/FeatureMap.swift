/// The dimensions of one row of an image-like value: height, width, channels, in this order in memory (NHWC without N).
public struct FeatureMap: Sendable, Hashable {
    /// The number of lines.
    public var height: Int
    /// The number of positions in a line.
    public var width: Int
    /// The number of elements at a position, adjacent in memory.
    public var channels: Int

    /// Makes a value of its parts.
    public init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// The number of positions.
    public var positions: Int { height * width }
    /// The number of elements.
    public var count: Int { height * width * channels }

    /// Throws unless every dimension is 1 or more and the elements can be counted.
    func check() throws(KernelError) {
        guard height >= 1, width >= 1, channels >= 1 else { throw .invalidShape([height, width, channels]) }
        _ = try elementCount(elementCount(height, width), channels)
    }
}
