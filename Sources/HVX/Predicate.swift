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
        self.init()
        for word in 0..<4 {
            var part: UInt32 = 0
            for group in 0..<8 {
                // Multiplying brings the four low bits together in bits 24...27 of the product.
                let bytes = UInt64(UInt32(bitPattern: mask.words[8 * word + group]) & 0x0101_0101)
                let nibble = UInt32(truncatingIfNeeded: (bytes &* 0x0102_0408) >> 24) & 15
                part |= nibble << UInt32(4 * group)
            }
            bits |= UInt128(part) << UInt128(32 * word)
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
        var words = SIMD32<Int32>()
        for group in 0..<32 {
            let nibble = UInt32(truncatingIfNeeded: bits >> UInt128(4 * group)) & 15
            // Bit j goes to the lowest bit of byte j, and times 255 it fills the byte.
            let spread = (nibble &* 0x0020_4081) & 0x0101_0101
            words[group] = Int32(bitPattern: spread &* 255)
        }
        return Vector(words: words)
    }
}
