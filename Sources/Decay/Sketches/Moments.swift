/// Count, mean, variance, skewness, kurtosis and range of a stream, after Welford; two parts merge to the whole.
///
/// - Source: P. Pébay, Formulas for robust, one-pass parallel computation of covariances and arbitrary-order
///   statistical moments (2008).
public struct Moments: Codable, Sendable, Hashable {
    /// Values so far.
    public private(set) var count = 0
    /// The smallest value; nil before the first.
    public private(set) var minimum: Double?
    /// The largest value; nil before the first.
    public private(set) var maximum: Double?

    /// The first value. All sums are of distances from it, so a large offset costs no digits.
    private var origin = 0.0
    private var shifted = 0.0
    private var second = 0.0
    private var third = 0.0
    private var fourth = 0.0

    /// Begins without values.
    public init() {}

    /// Adds a finite value.
    public mutating func add(_ value: Double) {
        let before = Double(count)
        count += 1
        let n = Double(count)
        if before == 0 { origin = value }
        let delta = (value - origin) - shifted
        let step = delta / n
        let square = step * step
        let term = delta * step * before
        shifted += step
        fourth += term * square * (n * n - 3 * n + 3) + 6 * square * second - 4 * step * third
        third += term * step * (n - 2) - 3 * step * second
        second += term
        if let low = minimum, let high = maximum {
            if value < low { minimum = value }
            if value > high { maximum = value }
        } else {
            (minimum, maximum) = (value, value)
        }
    }

    /// Adds many finite values.
    ///
    /// The same as one after the other to the last digits, and several times as fast: a part is summed up four values
    /// at a time, first for its mean and then about it.
    public mutating func add(contentsOf values: [Double]) {
        let whole = values.count - values.count % Lanes.scalarCount
        for start in stride(from: 0, to: whole, by: Self.partMax) {
            merge(Moments(part: values[start..<min(whole, start + Self.partMax)]))
        }
        for value in values[whole...] { add(value) }
    }

    private typealias Lanes = SIMD4<Double>
    /// Values that are summed up together; they stay in the cache between the two passes.
    private static let partMax = 1024

    /// - Precondition: There are values, in whole lanes.
    private init(part: ArraySlice<Double>) {
        part.withUnsafeBufferPointer { part in
            func forEachLanes(_ body: (Lanes) -> Void) {
                for i in stride(from: 0, to: part.count, by: Lanes.scalarCount) {
                    body(Lanes(part[i], part[i + 1], part[i + 2], part[i + 3]))
                }
            }
            count = part.count
            origin = part[0]
            var (sums, low, high) = (Lanes(), Lanes(repeating: origin), Lanes(repeating: origin))
            forEachLanes { values in
                sums += values - origin
                low.replace(with: values, where: values .< low)
                high.replace(with: values, where: values .> high)
            }
            shifted = sums.sum() / Double(count)
            (minimum, maximum) = (low.min(), high.max())
            var (seconds, thirds, fourths) = (Lanes(), Lanes(), Lanes())
            forEachLanes { values in
                let distances = values - origin - shifted
                let squares = distances * distances
                seconds += squares
                thirds += squares * distances
                fourths += squares * squares
            }
            (second, third, fourth) = (seconds.sum(), thirds.sum(), fourths.sum())
        }
    }

    /// Adds all values of another part of the stream.
    public mutating func merge(_ other: Moments) {
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let (a, b) = (Double(count), Double(other.count))
        let n = a + b
        let delta = (other.origin - origin) + (other.shifted - shifted)
        let square = delta * delta
        let second = second + other.second + square * a * b / n
        let third =
            third + other.third + delta * square * a * b * (a - b) / (n * n)
            + 3 * delta * (a * other.second - b * self.second) / n
        fourth =
            fourth + other.fourth + square * square * a * b * (a * a - a * b + b * b) / (n * n * n)
            + 6 * square * (a * a * other.second + b * b * self.second) / (n * n)
            + 4 * delta * (a * other.third - b * self.third) / n
        self.third = third
        self.second = second
        shifted += delta * b / n
        count += other.count
        minimum = min(minimum ?? .infinity, other.minimum ?? .infinity)
        maximum = max(maximum ?? -.infinity, other.maximum ?? -.infinity)
    }

    /// The mean; 0 before the first value.
    public var mean: Double { origin + shifted }
    /// The variance of the population; 0 before the first value.
    public var variance: Double { count > 0 ? second / Double(count) : 0 }
    /// The variance of a sample; 0 before the second value.
    public var sampleVariance: Double { count > 1 ? second / Double(count - 1) : 0 }
    /// The standard deviation of the population.
    public var deviation: Double { variance.squareRoot() }
    /// The skewness of the population about ``mean``; NaN where all values are the same.
    public var skewness: Double {
        let (second, third, _) = aboutMean
        return Double(count).squareRoot() * third / Libm.pow(second, 1.5)
    }
    /// The excess kurtosis of the population about ``mean``; NaN where all values are the same.
    public var kurtosis: Double {
        let (second, _, fourth) = aboutMean
        return Double(count) * fourth / (second * second) - 3
    }

    /// The sums about the mean as a double has it: far from 0 that is not quite the mean that the sums are about.
    private var aboutMean: (Double, Double, Double) {
        let n = Double(count)
        let e = (origin - mean) + shifted
        return (
            second + n * e * e, third + 3 * e * second + n * e * e * e,
            fourth + 4 * e * third + 6 * e * e * second + n * e * e * e * e
        )
    }
}

/// Mean and variance that forget: the newest value weighs ``fading``.
public struct FadingMoments: Codable, Sendable, Hashable {
    /// Weight of the newest value, above 0 and up to 1.
    public let fading: Double
    /// Values so far.
    public private(set) var count = 0
    /// The fading mean; 0 before the first value.
    public private(set) var mean = 0.0

    private var meanOfSquares = 0.0

    /// Begins without values.
    public init(fading: Double) { self.fading = fading }

    /// The fading variance; never negative.
    public var variance: Double { max(0, meanOfSquares - mean * mean) }

    /// Adds a finite value.
    public mutating func add(_ value: Double) {
        count += 1
        mean = count == 1 ? value : fading * value + (1 - fading) * mean
        meanOfSquares = count == 1 ? value * value : fading * value * value + (1 - fading) * meanOfSquares
    }
}

/// One quantile from five numbers.
///
/// - Source: R. Jain and I. Chlamtac, The P² algorithm for dynamic calculation of quantiles (1985).
public struct QuantileP2: Codable, Sendable, Hashable {
    /// Which quantile, 0...1.
    public let probability: Double

    /// Values so far.
    public private(set) var count = 0

    private var heights: [Double] = []
    private var positions: [Double] = [1, 2, 3, 4, 5]
    private var desired: [Double]

    /// Begins without values.
    public init(probability p: Double) {
        probability = p
        desired = [1, 1 + 2 * p, 1 + 4 * p, 3 + 2 * p, 5]
    }

    /// The quantile so far; nil before the first value.
    public var value: Double? {
        guard count <= 5 else { return heights[2] }
        let sorted = heights.sorted()
        return sorted.isEmpty ? nil : sorted[min(sorted.count - 1, Int(Double(sorted.count) * probability))]
    }

    /// Adds a finite value.
    public mutating func add(_ value: Double) {
        count += 1
        guard heights.count == 5 else {
            heights.append(value)
            if heights.count == 5 { heights.sort() }
            return
        }
        var cell = 4
        if value < heights[0] {
            heights[0] = value
            cell = 1
        } else if value >= heights[4] {
            heights[4] = value
        } else {
            cell = 1
            while value >= heights[cell] { cell += 1 }
        }
        for i in cell..<5 { positions[i] += 1 }
        desired[1] += probability / 2
        desired[2] += probability
        desired[3] += (1 + probability) / 2
        desired[4] += 1
        for i in 1...3 {
            let (n, q) = (positions[i], heights[i])
            let gap = desired[i] - n
            let (above, below) = (positions[i + 1], positions[i - 1])
            guard (gap >= 1 && above - n > 1) || (gap <= -1 && below - n < -1) else { continue }
            let d: Double = gap < 0 ? -1 : 1
            let parabola =
                q + d / (above - below)
                * ((n - below + d) * (heights[i + 1] - q) / (above - n)
                    + (above - n - d) * (q - heights[i - 1]) / (n - below))
            if heights[i - 1] < parabola, parabola < heights[i + 1] {
                heights[i] = parabola
            } else {
                let j = d < 0 ? i - 1 : i + 1
                heights[i] = q + d * (heights[j] - q) / (positions[j] - n)
            }
            positions[i] = n + d
        }
    }
}
