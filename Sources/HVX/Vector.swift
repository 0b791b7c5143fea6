/// A register of 128 bytes, seen as lanes of 1, 2 or 4 bytes, signed or not, in little-endian order.
///
/// The subscripts are labelled as in Qualcomm's notation: `v[ub: 5]` is byte lane 5, unsigned, `v[h: 3]` halfword
/// lane 3, signed.
public struct Vector: Sendable, Hashable {
    /// The size of a register.
    public static let byteCount = 128

    /// The register as 32 signed words.
    public var words: SIMD32<Int32>

    /// All bits 0.
    public init() {
        words = .zero
    }

    /// Makes a value of its parts.
    public init(words: SIMD32<Int32>) {
        self.words = words
    }

    /// A register whose lanes are computed one by one.
    ///
    /// - Parameters:
    ///   - lane: The type of a lane, which decides their number: `128 / size`.
    ///   - value: The value of a lane by its index.
    @inlinable
    public init<Lane: FixedWidthInteger>(_ lane: Lane.Type, _ value: (Int) -> Lane) {
        self.init()
        Swift.withUnsafeMutableBytes(of: &words) { bytes in
            for index in 0..<Vector.byteCount / MemoryLayout<Lane>.size {
                bytes.storeBytes(
                    of: value(index).littleEndian,
                    toByteOffset: index * MemoryLayout<Lane>.size,
                    as: Lane.self
                )
            }
        }
    }

    /// Reads one lane.
    ///
    /// - Precondition: `index` is in `0..<128 / size`.
    @inlinable
    public func lane<Lane: FixedWidthInteger>(_ lane: Lane.Type, _ index: Int) -> Lane {
        let size = MemoryLayout<Lane>.size
        precondition(index >= 0 && index < Vector.byteCount / size, "a register has no lane \(index)")
        return Swift.withUnsafeBytes(of: words) { bytes in
            Lane(littleEndian: bytes.load(fromByteOffset: index * size, as: Lane.self))
        }
    }

    /// Signed byte lane, index in 0..<128.
    @inlinable
    public subscript(b index: Int) -> Int8 { lane(Int8.self, index) }
    /// Unsigned byte lane, index in 0..<128.
    @inlinable
    public subscript(ub index: Int) -> UInt8 { lane(UInt8.self, index) }
    /// Signed halfword lane, index in 0..<64.
    @inlinable
    public subscript(h index: Int) -> Int16 { lane(Int16.self, index) }
    /// Unsigned halfword lane, index in 0..<64.
    @inlinable
    public subscript(uh index: Int) -> UInt16 { lane(UInt16.self, index) }
    /// Signed word lane, index in 0..<32.
    @inlinable
    public subscript(w index: Int) -> Int32 { lane(Int32.self, index) }
    /// Unsigned word lane, index in 0..<32.
    @inlinable
    public subscript(uw index: Int) -> UInt32 { lane(UInt32.self, index) }
}
