/// A predicate register: one bit for each byte lane of a register. A lane of 16 or 32 bits has 2 or 4 of them.
public struct Predicate: Sendable, Hashable {
    /// The size of a predicate in memory.
    public static let byteCount = 16

    /// Bit i belongs to byte lane i.
    public var bits: UInt128

    /// Makes a value of its bits; without any, none is set.
    public init(bits: UInt128 = 0) {
        self.bits = bits
    }

    /// The lowest bit of each byte of a register.
    public init(mask: Vector) {
        bits = Swift.withUnsafeBytes(of: mask.words) { bytes in
            /// The bits of 64 bytes, eight at a time: multiplying brings the low bits of eight bytes together in the
            /// highest byte of the product.
            func half(_ first: Int) -> UInt64 {
                var bits: UInt64 = 0
                for group in 0..<8 {
                    let lowest = bytes.load(fromByteOffset: first + 8 * group, as: UInt64.self) & 0x0101_0101_0101_0101
                    bits |= ((lowest &* 0x0102_0408_1020_4080) >> 56) << UInt64(8 * group)
                }
                return bits
            }
            return UInt128(half(64)) << 64 | UInt128(half(0))
        }
    }

    /// Bit of a byte lane, index in 0..<128.
    public subscript(_ index: Int) -> Bool {
        get {
            precondition(index >= 0 && index < Vector.byteCount, "a predicate has no bit \(index)")
            return (bits >> UInt128(index)) & 1 == 1
        }
        set {
            precondition(index >= 0 && index < Vector.byteCount, "a predicate has no bit \(index)")
            let bit = UInt128(1) << UInt128(index)
            bits = newValue ? bits | bit : bits & ~bit
        }
    }

    /// The register of which a byte is 255 where the bit is set, and 0 where it is not.
    public var mask: Vector {
        let (first, second) = (UInt64(truncatingIfNeeded: bits), UInt64(truncatingIfNeeded: bits >> 64))
        return Q6.lanes { group -> UInt32 in
            let half = group < 16 ? first : second
            let nibble = UInt32(truncatingIfNeeded: half &>> UInt64(4 &* (group & 15))) & 15
            // Bit j goes to the lowest bit of byte j, and times 255 it fills the byte.
            return ((nibble &* 0x0020_4081) & 0x0101_0101) &* 255
        }
    }
}
