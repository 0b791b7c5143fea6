// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Windows of two rows of three taps over a pair, with coefficients of ten bits.
///
/// Word k of v.low and v.high holds the rows of coefficients `d` and `e`: tap j is byte j, with bits 2j and 2j+1 of byte
/// 3 above it, signed. With A and B three bytes of the words k of `a = u.low` and `b = u.high`:
/// i even: `high.w[k] = A·e + B·d, low.w[k] = B·e`; i odd: `high.w[k] = A·d, low.w[k] = A·e + B·d`.
extension Q6 {
    /// i of 0 or 1: `A = a[3] b[2] b[3], B = a[1] b[0] b[1]`; of 2 or 3: `A = a[2] a[3] b[2], B = a[0] a[1] b[0]`.
    public static func Ww_v6mpy_WubWbI_v(_ u: VectorPair, _ v: VectorPair, _ i: Int32) -> VectorPair {
        i & 2 == 0
            ? sixProducts(u, v, i, Taps(3, 6, 7), Taps(1, 4, 5))
            : sixProducts(u, v, i, Taps(2, 3, 6), Taps(0, 1, 4))
    }

    /// As ``Ww_v6mpy_WubWbI_v(_:_:_:)``, added to x.
    public static func Ww_v6mpyacc_WwWubWbI_v(
        _ x: VectorPair,
        _ u: VectorPair,
        _ v: VectorPair,
        _ i: Int32
    ) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_v6mpy_WubWbI_v(u, v, i))
    }

    /// i of 0 or 1: `A = b[3] b[1] a[3], B = b[2] b[0] a[2]`; of 2 or 3: `A = b[1] a[3] a[1], B = b[0] a[2] a[0]`.
    public static func Ww_v6mpy_WubWbI_h(_ u: VectorPair, _ v: VectorPair, _ i: Int32) -> VectorPair {
        i & 2 == 0
            ? sixProducts(u, v, i, Taps(7, 5, 3), Taps(6, 4, 2))
            : sixProducts(u, v, i, Taps(5, 3, 1), Taps(4, 2, 0))
    }

    /// As ``Ww_v6mpy_WubWbI_h(_:_:_:)``, added to x.
    public static func Ww_v6mpyacc_WwWubWbI_h(
        _ x: VectorPair,
        _ u: VectorPair,
        _ v: VectorPair,
        _ i: Int32
    ) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_v6mpy_WubWbI_h(u, v, i))
    }

    private static func sixProducts(
        _ u: VectorPair,
        _ v: VectorPair,
        _ i: Int32,
        _ first: Taps,
        _ second: Taps
    ) -> VectorPair {
        let (d, e) = (v.low, v.high)
        let (firstE, secondD) = (first.products(u, e), second.products(u, d))
        let both = Vw_vadd_VwVw(firstE, secondD)
        return i & 1 == 0
            ? VectorPair(low: second.products(u, e), high: both)
            : VectorPair(low: both, high: first.products(u, d))
    }
}

/// Three of the eight bytes that a pair has in a word: 0...3 are those of the low register, 4...7 those of the high.
private struct Taps {
    private let places: (UInt64, UInt64, UInt64)

    init(_ first: UInt64, _ second: UInt64, _ third: UInt64) {
        places = (8 * first, 8 * second, 8 * third)
    }

    /// `w[k] = Σj<3 byte(j) * coefficient(j)`
    func products(_ u: VectorPair, _ coefficients: Vector) -> Vector {
        Q6.lanes(u.low, u.high, coefficients) { a, b, coefficients, k -> Int32 in
            let bytes = UInt64(b[uw: k]) << 32 | UInt64(a[uw: k])
            let word = coefficients[uw: k]
            let first = Q6.product(UInt8(truncatingIfNeeded: bytes &>> places.0), coefficient(word, 0))
            let second = Q6.product(UInt8(truncatingIfNeeded: bytes &>> places.1), coefficient(word, 1))
            let third = Q6.product(UInt8(truncatingIfNeeded: bytes &>> places.2), coefficient(word, 2))
            return first &+ second &+ third
        }
    }

    /// Ten bits, signed.
    @inline(__always)
    private func coefficient(_ word: UInt32, _ tap: UInt32) -> Int16 {
        let upper = (word &>> (24 &+ 2 &* tap)) & 3
        let lower = (word &>> (8 &* tap)) & 255
        return Int16(truncatingIfNeeded: (upper << 8 | lower) << 6) >> 6
    }
}
