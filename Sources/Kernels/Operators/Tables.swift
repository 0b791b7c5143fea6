/// Any function of one byte: `out[i] = table[input[i]]`.
///
/// Requantization to another encoding, relu, clip, leaky relu, hard-swish, sigmoid and tanh of a quantized value are all
/// such a table, which the converter computes and the container stores.
public struct ByteTable: Sendable, Hashable {
    /// The elements of the input.
    public var count: Int
    /// 256 results.
    public var table: [UInt8]

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public init(count: Int, table: [UInt8]) throws(KernelError) {
        guard count >= 0 else { throw .invalidShape([count]) }
        guard table.count == 256 else { throw .count(what: "table", expected: 256, actual: table.count) }
        self.count = count
        self.table = table
    }
}

/// Softmax over the last dimension, on bytes.
///
/// ```
/// m    = max(input[c])
/// e[c] = exponentials[m - input[c]]
/// out  = min(255, (256 * e[c] + Σe / 2) / Σe)        integer division
/// ```
/// `exponentials[d] = round(65535 * exp(-d * inputScale))`, so the result has the scale 1/256 and the zero point 0.
public struct TableSoftmax: Sendable, Hashable {
    /// The number of vectors in a row of the value.
    public var outer: Int
    /// The elements of a vector, at most ``channelsMax``.
    public var channels: Int
    /// 256 results; the first is not 0.
    public var exponentials: [UInt16]

    /// The greatest sum fits in 32 unsigned bits up to here.
    public static let channelsMax = 65536

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public init(outer: Int, channels: Int, exponentials: [UInt16]) throws(KernelError) {
        guard outer >= 0, (1...TableSoftmax.channelsMax).contains(channels) else {
            throw .invalidShape([outer, channels])
        }
        guard exponentials.count == 256, exponentials[0] > 0 else {
            throw .count(what: "exponentials", expected: 256, actual: exponentials.count)
        }
        _ = try elementCount(outer, channels)
        self.outer = outer
        self.channels = channels
        self.exponentials = exponentials
    }
}
