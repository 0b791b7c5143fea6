/// A feature map of another height and width by the nearest element or by linear interpolation in both directions.
///
/// The converter decides which source positions an output position sees (half-pixel centres, aligned corners, rounding
/// mode); the operator holds only what it decided:
/// ```
/// nearest:   out[y, x] = input[rows[y].first, columns[x].first]
/// bilinear:  top    = 128-unit blend of (first, second) of the column at row first: a·(128 - f) + b·f
///            out    = (top·(128 - g) + bottom·g + 8192) >> 14      f, g in 0...128
/// ```
public struct Resize: Sendable, Hashable {
    /// Which source positions a line or a position of the output sees.
    public struct Source: Sendable, Hashable {
        /// The nearer to the beginning.
        public var first: Int
        /// The other one; equal to `first` when it is alone.
        public var second: Int
        /// The weight of `second` in 128ths, 0...128.
        public var fraction: Int

        /// Makes a value of its parts.
        public init(first: Int, second: Int, fraction: Int) {
            self.first = first
            self.second = second
            self.fraction = fraction
        }
    }

    /// The dimensions of the input.
    public var input: FeatureMap
    /// One for each line of the output.
    public var rows: [Source]
    /// One for each position in a line of the output.
    public var columns: [Source]

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)`` when a source lies outside.
    public init(input: FeatureMap, rows: [Source], columns: [Source]) throws(KernelError) {
        try input.check()
        func fit(_ sources: [Source], _ size: Int) -> Bool {
            !sources.isEmpty
                && sources.allSatisfy {
                    (0..<size).contains($0.first) && (0..<size).contains($0.second)
                        && (0...128).contains($0.fraction)
                }
        }
        guard fit(rows, input.height), fit(columns, input.width) else {
            throw .invalidShape([input.height, input.width, rows.count, columns.count])
        }
        _ = try elementCount(elementCount(rows.count, columns.count), input.channels)
        self.input = input
        self.rows = rows
        self.columns = columns
    }

    /// Whether no output blends two positions.
    public var isNearest: Bool { (rows + columns).allSatisfy { $0.fraction == 0 } }
    /// The dimensions of the result.
    public var output: FeatureMap {
        FeatureMap(height: rows.count, width: columns.count, channels: input.channels)
    }
}
