/// Values side by side along one dimension, each through a table to the encoding of the result.
///
/// Seen as `[outer, part]` each input gives, for each `outer`, its `part` elements one after the other.
public struct Concatenation: Sendable, Hashable {
    /// One input.
    public struct Part: Sendable, Hashable {
        /// The elements of the input from the joined dimension inwards.
        public var count: Int
        /// 256 results, or nil where the encodings are the same.
        public var table: [UInt8]?

        /// Makes a value of its parts.
        public init(count: Int, table: [UInt8]? = nil) {
            self.count = count
            self.table = table
        }
    }

    /// The product of the dimensions outside the joined one.
    public var outer: Int
    /// The inputs in order.
    public var parts: [Part]

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public init(outer: Int, parts: [Part]) throws(KernelError) {
        guard outer >= 0, !parts.isEmpty else { throw .invalidShape([outer, parts.count]) }
        var width = 0
        for part in parts {
            guard part.count >= 0, part.count <= Int.max / 8 - width else { throw .invalidShape([part.count]) }
            width += part.count
            if let table = part.table, table.count != 256 {
                throw .count(what: "table", expected: 256, actual: table.count)
            }
        }
        _ = try elementCount(outer, width)
        self.outer = outer
        self.parts = parts
    }

    /// The elements of one `outer` of the result.
    public var width: Int { parts.reduce(0) { $0 + $1.count } }
}

/// A border of one byte around a value of up to 6 dimensions.
public struct Border: Sendable, Hashable {
    /// The dimensions of the input.
    public var shape: [Int]
    /// For each dimension how many are added before.
    public var before: [Int]
    /// For each dimension how many are added behind.
    public var behind: [Int]
    /// What the border holds, as a rule the zero point.
    public var value: UInt8

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)``.
    public init(shape: [Int], before: [Int], behind: [Int], value: UInt8) throws(KernelError) {
        guard (1...6).contains(shape.count), before.count == shape.count, behind.count == shape.count,
            (before + behind).allSatisfy({ (0...Window.dimensionMax).contains($0) })
        else { throw .invalidShape(shape + before + behind) }
        self.shape = shape
        self.before = before
        self.behind = behind
        self.value = value
        _ = try count(shape)
        _ = try count(outputShape)
    }

    /// The dimensions of the result.
    public var outputShape: [Int] { shape.indices.map { before[$0] + shape[$0] + behind[$0] } }
}

/// The dimensions of a value in another order: `out` dimension d is input dimension `order[d]`.
public struct Transposition: Sendable, Hashable {
    /// The dimensions of the input.
    public var shape: [Int]
    /// A permutation of the indices of `shape`.
    public var order: [Int]

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)``.
    public init(shape: [Int], order: [Int]) throws(KernelError) {
        guard (1...6).contains(shape.count), order.sorted() == Array(shape.indices) else {
            throw .invalidShape(shape + order)
        }
        _ = try count(shape)
        self.shape = shape
        self.order = order
    }
}

/// A rectangle of a value with a stride: `out[i] = input[start + i * step]` in each dimension.
public struct Slice: Sendable, Hashable {
    /// The dimensions of the input.
    public var shape: [Int]
    /// The first index in each dimension.
    public var start: [Int]
    /// The distance of two indices in each dimension, not 0; may be negative. 1 where there are no two.
    public var step: [Int]
    /// The dimensions of the result.
    public var outputShape: [Int]

    /// Makes a value of its parts; where a dimension of the result has no two indices, its step does not matter.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)`` when an index would lie outside.
    public init(shape: [Int], start: [Int], step: [Int], outputShape: [Int]) throws(KernelError) {
        let rank = shape.count
        guard (1...6).contains(rank), start.count == rank, step.count == rank, outputShape.count == rank else {
            throw .invalidShape(shape + start + step + outputShape)
        }
        _ = try count(shape)
        _ = try count(outputShape)
        for d in shape.indices where outputShape[d] > 0 {
            let (reach, overflow) = (outputShape[d] - 1).multipliedReportingOverflow(by: step[d])
            guard step[d] != 0, !overflow, (0..<shape[d]).contains(start[d]),
                reach.magnitude < Window.dimensionMax << 10, (0..<shape[d]).contains(start[d] + reach)
            else { throw .invalidShape(shape + start + step + outputShape) }
        }
        self.shape = shape
        // What nothing is taken from needs no bounds above, and no products of wild numbers later.
        self.start = shape.indices.map { outputShape[$0] > 0 ? start[$0] : 0 }
        self.step = shape.indices.map { outputShape[$0] > 1 ? step[$0] : 1 }
        self.outputShape = outputShape
    }
}

/// Rows of a constant table chosen by indices: an embedding.
///
/// The input holds s32 indices; one outside `0..<rows` is clamped to the nearest row.
public struct Gather: Sendable, Hashable {
    /// The number of indices in a row of the value.
    public var indices: Int
    /// The bytes of one row of the table.
    public var width: Int
    /// `[rows, width]`, not empty.
    public var table: [UInt8]

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)``.
    public init(indices: Int, width: Int, table: [UInt8]) throws(KernelError) {
        guard indices >= 0, width >= 1, !table.isEmpty, table.count % width == 0 else {
            throw .invalidShape([indices, width, table.count])
        }
        _ = try elementCount(indices, width)
        self.indices = indices
        self.width = width
        self.table = table
    }

    /// The rows of the table.
    public var rows: Int { table.count / width }
}

/// The product of the dimensions.
///
/// - Throws: ``KernelError/invalidShape(_:)`` when one is negative or the product overflows.
func count(_ shape: [Int]) throws(KernelError) -> Int {
    var product = 1
    for dimension in shape {
        product = try elementCount(product, dimension)
    }
    return product
}
