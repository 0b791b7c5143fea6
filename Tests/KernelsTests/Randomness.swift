import Quantization

/// A small generator of its own, so that a seed gives the same cases everywhere.
struct Randomness: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Random lanes, of which about half are the least or the greatest value.
    mutating func lanes<Lane: FixedWidthInteger>(_ count: Int, _ lane: Lane.Type = Lane.self) -> [Lane] {
        (0..<count).map { _ in
            let bits = next()
            switch bits >> 62 {
            case 0: return Lane.min
            case 1: return Lane.max
            default: return Lane(truncatingIfNeeded: bits)
            }
        }
    }

    mutating func channels(_ count: Int) throws -> [Requantization] {
        try lanes(count, Int32.self).map {
            try Requantization(
                multiplier: $0,
                leftShift: Int32.random(in: 0...31, using: &self),
                rightShift: Int32.random(in: 0...31, using: &self)
            )
        }
    }
}
