/// How a kernel moves over a feature map.
///
/// Output position `(y, x)` sees input positions `(y·strideY - top + i·dilationY, x·strideX - left + j·dilationX)` for
/// `i` in `0..<height`, `j` in `0..<width`; what lies outside is padding.
public struct Window: Sendable, Hashable {
    /// Lines of the kernel.
    public var height: Int
    /// Positions in a line of the kernel.
    public var width: Int
    /// Lines from one output line to the next.
    public var strideY: Int
    /// Positions from one output position to the next.
    public var strideX: Int
    /// Lines from one line of the kernel to the next.
    public var dilationY: Int
    /// Positions from one position of the kernel to the next.
    public var dilationX: Int
    /// What surrounds the input.
    public var padding: Edges

    /// Lines or positions at each side.
    public struct Edges: Sendable, Hashable {
        /// Lines above.
        public var top: Int
        /// Positions before each line.
        public var left: Int
        /// Lines below.
        public var bottom: Int
        /// Positions behind each line.
        public var right: Int

        /// Makes a value of its parts.
        public init(top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0) {
            self.top = top
            self.left = left
            self.bottom = bottom
            self.right = right
        }
    }

    /// Makes a value of its parts.
    public init(
        height: Int = 1,
        width: Int = 1,
        strideY: Int = 1,
        strideX: Int = 1,
        dilationY: Int = 1,
        dilationX: Int = 1,
        padding: Edges = Edges()
    ) {
        self.height = height
        self.width = width
        self.strideY = strideY
        self.strideX = strideX
        self.dilationY = dilationY
        self.dilationX = dilationX
        self.padding = padding
    }

    /// More than this in any dimension is refused.
    public static let dimensionMax = 1 << 20

    /// The positions of the kernel.
    public var taps: Int { height * width }

    /// The output's dimensions, `floor((input + padding - reach) / stride) + 1` in each direction.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)`` when a part is out of range or the kernel does not fit the input.
    public func output(of input: FeatureMap, channels: Int) throws(KernelError) -> FeatureMap {
        try input.check()
        let parts = [height, width, strideY, strideX, dilationY, dilationX]
        let edges = [padding.top, padding.left, padding.bottom, padding.right]
        guard parts.allSatisfy({ (1...Window.dimensionMax).contains($0) }),
            edges.allSatisfy({ (0...Window.dimensionMax).contains($0) }),
            input.height <= Window.dimensionMax, input.width <= Window.dimensionMax
        else { throw .invalidShape(parts + edges) }
        let room = (
            input.height + padding.top + padding.bottom - (height - 1) * dilationY - 1,
            input.width + padding.left + padding.right - (width - 1) * dilationX - 1
        )
        guard room.0 >= 0, room.1 >= 0 else { throw .invalidShape([input.height, input.width] + parts + edges) }
        let output = FeatureMap(height: room.0 / strideY + 1, width: room.1 / strideX + 1, channels: channels)
        try output.check()
        return output
    }
}
