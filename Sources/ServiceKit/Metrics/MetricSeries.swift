import CoreMetrics
import Synchronization

/// One series of the registry. A value that is no finite number is dropped: it would spoil the sum for good.
protocol MetricSeries: AnyObject, Sendable {
    static var kind: MetricSample.Kind { get }
    func reading() -> (value: Double, distribution: MetricSample.Distribution?)
}

/// A sum that only grows.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
    static var kind: MetricSample.Kind { .counter }

    private let sum = Mutex(0.0)

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) {
        guard amount.isFinite, amount > 0 else { return }
        sum.withLock { $0 += amount }
    }

    func reset() { sum.withLock { $0 = 0 } }

    func reading() -> (value: Double, distribution: MetricSample.Distribution?) { (sum.withLock { $0 }, nil) }
}

/// A level.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    static var kind: MetricSample.Kind { .gauge }

    private let level = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) {
        guard value.isFinite else { return }
        level.withLock { $0 = value }
    }

    func increment(by amount: Double) {
        guard amount.isFinite else { return }
        level.withLock { $0 += amount }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func record(_ value: Int64) { set(value) }

    func record(_ value: Double) { set(value) }

    func reading() -> (value: Double, distribution: MetricSample.Distribution?) { (level.withLock { $0 }, nil) }
}

/// A histogram with fixed buckets.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    static var kind: MetricSample.Kind { .histogram }

    private struct State {
        var sum = 0.0
        var count = 0
        /// Values per bucket, those of smaller buckets not included.
        var perBucket: [Int]
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        self.state = Mutex(State(perBucket: Array(repeating: 0, count: bounds.count)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 }
        state.withLock { state in
            state.sum += value
            state.count += 1
            if let bucket {
                state.perBucket[bucket] += 1
            }
        }
    }

    func reading() -> (value: Double, distribution: MetricSample.Distribution?) {
        state.withLock { state in
            var below = 0
            let buckets = zip(bounds, state.perBucket).map { bound, count in
                below += count
                return MetricSample.Bucket(upperBound: bound, count: below)
            }
            return (state.sum, MetricSample.Distribution(count: state.count, buckets: buckets))
        }
    }
}
