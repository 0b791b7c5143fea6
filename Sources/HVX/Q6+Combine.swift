// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Registers and pairs.
extension Q6 {
    /// The even register of a pair.
    public static func V_lo_W(_ u: VectorPair) -> Vector { u.low }

    /// The odd register of a pair.
    public static func V_hi_W(_ u: VectorPair) -> Vector { u.high }

    /// `high = u, low = v`
    public static func W_vcombine_VV(_ u: Vector, _ v: Vector) -> VectorPair { VectorPair(low: v, high: u) }
}
