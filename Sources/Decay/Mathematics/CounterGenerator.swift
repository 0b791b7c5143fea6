/// SplitMix64 as a counter: small, fast, and the same on every machine. Not for secrets.
/// - Source: G. L. Steele, D. Lea and C. H. Flood, Fast splittable pseudorandom number generators (2014).
public struct CounterGenerator: RandomNumberGenerator, Codable, Sendable, Hashable {
    private var state: UInt64

    /// Begins the sequence of a seed.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z ^= z >> 30
        z &*= 0xBF58_476D_1CE4_E5B9
        z ^= z >> 27
        z &*= 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The next number of 0..<1, of 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// The sum of twelve uniforms less six: mean 0, deviation 1, and no further out than 6.
    public mutating func normal() -> Double {
        var sum = uniform()
        for _ in 0..<11 { sum += uniform() }
        return sum - 6
    }
}
