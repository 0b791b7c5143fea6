/// When a metric that moves towards its threshold will cross it: about, and between which counts with 80 %.
///
/// The level and slope of the metric are followed by exponentially weighted least squares over its last values. A
/// forecast is given only where the slope is sure: its interval without 0 and towards the threshold. It keeps its own
/// books: a forecast was right when the crossing came inside of its interval.
public struct CrossingForecast: Codable, Sendable, Hashable {
    /// A forecast.
    public struct Forecast: Codable, Sendable, Hashable {
        /// Values until the crossing, most likely.
        public var samples: Int
        /// With 80 % it comes no sooner.
        public var earliest: Int
        /// With 80 % it comes no later.
        public var latest: Int
    }

    /// How forecasts came out.
    public struct Record: Codable, Sendable, Hashable {
        /// Forecasts whose interval is over or whose crossing came.
        public var settled = 0
        /// Of those, the ones with a crossing inside of the interval.
        public var right = 0
        /// Crossings, forecast or not.
        public var crossings = 0
        /// Of those, the ones that a forecast in force had named.
        public var foreseen = 0

        /// Share of forecasts that came true; nil before any was settled.
        public var precision: Double? { settled > 0 ? Double(right) / Double(settled) : nil }
        /// Share of crossings that were foreseen; nil before any.
        public var recall: Double? { crossings > 0 ? Double(foreseen) / Double(crossings) : nil }
    }

    /// The value that must not be reached from below. The line through the last values crosses it, not one value.
    public let threshold: Double
    /// Values over which the slope is taken, about.
    public let memory: Double
    /// The forecast in force.
    public private(set) var forecast: Forecast?
    /// How forecasts came out.
    public private(set) var record = Record()

    private var count = 0
    private var open: [Made] = []
    private var isOver = false

    private struct Made: Codable, Sendable, Hashable {
        var at: Int
        var forecast: Forecast
    }

    /// Forecasts that wait for their outcome at most; one is taken into the books every ``bookedEvery`` values.
    static let openMax = 32
    static let bookedEvery = 16

    private var long: FadingLine
    private var short: FadingLine

    /// Begins without values.
    /// - Precondition: `memory` is 8 or more.
    public init(threshold: Double, memory: Double = 64) {
        precondition(memory >= 8, "no memory")
        self.threshold = threshold
        self.memory = memory
        long = FadingLine(memory: memory)
        short = FadingLine(memory: memory / 3)
    }

    /// Looks at the metric's next value, which must be finite, and gives the forecast in force.
    public mutating func add(_ value: Double) -> Forecast? {
        count += 1
        long.add(value)
        short.add(value)
        let wasOver = isOver
        isOver = (short.fit()?.level ?? value) >= threshold
        settle(crossed: isOver && !wasOver)
        forecast = isOver || Double(count) < memory / 2 ? nil : estimate()
        if let forecast, count % Self.bookedEvery == 0, open.count < Self.openMax {
            open.append(Made(at: count, forecast: forecast))
        }
        return forecast
    }

    private mutating func settle(crossed: Bool) {
        if crossed {
            record.crossings += 1
            if !open.isEmpty { record.foreseen += 1 }
            record.settled += open.count
            record.right += open.reduce(0) {
                $0 + (($1.forecast.earliest...$1.forecast.latest).contains(count - $1.at) ? 1 : 0)
            }
            open.removeAll()
            return
        }
        let waiting = open.filter { count - $0.at <= $0.forecast.latest }
        record.settled += open.count - waiting.count
        open = waiting
    }

    /// Both memories have a say: the short one knows a trend that has just begun, the long one a steady trend.
    private func estimate() -> Forecast? {
        guard let near = short.fit(), let far = long.fit(), far.slope > 3 * far.slopeError, near.level < threshold
        else { return nil }
        let slow = steps(far, -1)
        let fast = near.slope > 0 ? min(steps(near, 1), steps(far, 1)) : steps(far, 1)
        let middle = near.slope > near.slopeError ? (steps(near, 0) * steps(far, 0)).squareRoot() : steps(far, 0)
        func whole(_ value: Double) -> Int { Int(min(1e9, max(1, value.rounded(.up)))) }
        return Forecast(samples: whole(middle), earliest: whole(min(fast, middle)), latest: whole(max(slow, middle)))
    }

    /// Values until the threshold, were level and slope `side` times the 80 % deviation higher.
    private func steps(_ line: FadingLine.Fit, _ side: Double) -> Double {
        let z = 1.281_551_565_544_600_4 * side
        let gap = threshold - line.level - z * line.levelError
        return max(1, gap / max(line.slope + z * line.slopeError, line.slope / 10))
    }
}

/// A line through values whose weight fades with their age.
struct FadingLine: Codable, Sendable, Hashable {
    struct Fit {
        var level: Double
        var slope: Double
        var slopeError: Double
        var levelError: Double
    }

    private let fade: Double
    // Weighted sums of 1, t, t², y, ty, y², where t is 0 now and falls by 1 with each value.
    private var weight = 0.0
    private var weights2 = 0.0
    private var t = 0.0
    private var tt = 0.0
    private var y = 0.0
    private var ty = 0.0
    private var yy = 0.0

    init(memory: Double) { fade = 1 - 1 / memory }

    mutating func add(_ value: Double) {
        (tt, ty, t) = (fade * (tt - 2 * t + weight), fade * (ty - y), fade * (t - weight))
        (weight, weights2) = (fade * weight + 1, fade * fade * weights2 + 1)
        (y, yy) = (fade * y + value, fade * yy + value * value)
    }

    func fit() -> Fit? {
        let spread = tt - t * t / weight
        let effective = weight * weight / weights2
        guard spread > 0, effective > 4 else { return nil }
        let slope = (ty - t * y / weight) / spread
        let rest = max(0, (yy - y * y / weight) - slope * slope * spread)
        let noise = rest / weight * effective / (effective - 2)
        let mean = t / weight
        let slopeVariance = noise / spread * weights2 / weight
        return Fit(
            level: y / weight - slope * mean,
            slope: slope,
            slopeError: slopeVariance.squareRoot(),
            levelError: (noise / effective + slopeVariance * mean * mean).squareRoot()
        )
    }
}
