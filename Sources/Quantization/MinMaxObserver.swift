/// The range of the values it has seen; what is not finite is counted and left out.
public struct MinMaxObserver: Sendable, Hashable {
    /// The smallest finite value, or nil when there was none.
    public private(set) var min: Float?
    /// The largest finite value, or nil when there was none.
    public private(set) var max: Float?
    /// The number of finite values.
    public private(set) var count = 0
    /// The number of values that were NaN or infinite.
    public private(set) var nonFiniteCount = 0

    /// Makes a value of its parts.
    public init() {}

    /// Adds values.
    public mutating func observe(_ values: some Sequence<Float>) {
        for value in values {
            guard value.isFinite else {
                nonFiniteCount += 1
                continue
            }
            count += 1
            min = Swift.min(min ?? value, value)
            max = Swift.max(max ?? value, value)
        }
    }

    /// As the general form for many values at once: eight at a time while all of them are finite.
    public mutating func observe(_ values: [Float]) {
        let whole = values.count / 8 * 8
        values.withUnsafeBufferPointer { values in
            var low = SIMD8<Float>(repeating: .infinity)
            var high = SIMD8<Float>(repeating: -.infinity)
            // A finite number times 0 is 0, anything else NaN.
            var doubt = SIMD8<Float>.zero
            for start in stride(from: 0, to: whole, by: 8) {
                var eight = SIMD8<Float>()
                for lane in 0..<8 { eight[lane] = values[start + lane] }
                low = low.replacing(with: eight, where: eight .< low)
                high = high.replacing(with: eight, where: eight .> high)
                doubt += eight * 0
            }
            guard whole > 0, doubt == .zero else {
                for value in values { observe(CollectionOfOne(value)) }
                return
            }
            count += whole
            min = Swift.min(min ?? low.min(), low.min())
            max = Swift.max(max ?? high.max(), high.max())
            for value in values[whole...] { observe(CollectionOfOne(value)) }
        }
    }

    /// Adds what another observer saw.
    public mutating func merge(_ other: MinMaxObserver) {
        count += other.count
        nonFiniteCount += other.nonFiniteCount
        if let value = other.min { min = Swift.min(min ?? value, value) }
        if let value = other.max { max = Swift.max(max ?? value, value) }
    }

    /// The encoding that covers everything seen.
    ///
    /// - Throws: ``QuantizationError/noValues`` when nothing finite was seen.
    public func encoding() throws(QuantizationError) -> Encoding {
        guard let min, let max else { throw .noValues }
        return try Encoding(min: min, max: max)
    }
}
