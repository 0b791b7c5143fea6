public import CoreMetrics
import Synchronization

/// Keeps the metrics of a process in memory until somebody asks.
///
/// Counters stay counters, meters and gauges become gauges, timers become histograms in seconds, and recorders that
/// aggregate become histograms. A name is brought into the form `[a-zA-Z_:][a-zA-Z0-9_:]*`; a timer's name gets the
/// ending `_seconds` if it lacks it.
///
/// The number of series is bounded: beyond ``seriesMax``, and for a name already used with another kind, a new
/// series is refused, its values are dropped, and `metrics_series_refused` counts it.
///
/// ```swift
/// let registry = MetricsRegistry()
/// MetricsSystem.bootstrap(registry)
/// ```
public final class MetricsRegistry: MetricsFactory {
    /// How many series there may be, all metrics together.
    public let seriesMax: Int

    private let timerBounds: [Double]
    private let recorderBounds: [Double]
    private let help: [String: String]
    private let state = Mutex(State())

    private struct Key: Hashable {
        let name: String
        let labels: [String: String]
    }

    private struct State {
        var series: [Key: any MetricSeries] = [:]
        /// The kind of each name and how many series have it.
        var names: [String: (kind: MetricSample.Kind, count: Int)] = [:]
        var refused = 0
    }

    /// The largest number of series unless the service says otherwise.
    public static let seriesDefaultMax = 2_000
    /// The length to which label values are cut.
    public static let labelValueCharactersMax = 128
    /// Bounds for timers, in seconds: 0.1 ms to 5 min.
    public static let secondsBounds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    ]
    /// Bounds for recorded values such as bytes and counts: powers of four, 1 to 2^30.
    public static let valueBounds: [Double] = (0...15).map { Double(1 << (2 * $0)) }

    static let refusedName = "metrics_series_refused"

    /// Creates an empty registry.
    ///
    /// - Parameters:
    ///   - help: One sentence per metric name.
    ///   - seriesMax: How many series there may be, at least 1.
    ///   - timerBounds: Bucket bounds for timers, in seconds, rising.
    ///   - recorderBounds: Bucket bounds for recorders, rising.
    public init(
        help: [String: String] = [:],
        seriesMax: Int = MetricsRegistry.seriesDefaultMax,
        timerBounds: [Double] = MetricsRegistry.secondsBounds,
        recorderBounds: [Double] = MetricsRegistry.valueBounds
    ) {
        precondition(seriesMax >= 1, "A registry holds at least one series")
        for bounds in [timerBounds, recorderBounds] {
            precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "Bucket bounds must rise")
        }
        self.help = help
        self.seriesMax = seriesMax
        self.timerBounds = timerBounds
        self.recorderBounds = recorderBounds
    }

    /// All series with their values now, sorted by name and labels; the last is the count of refused series.
    public func snapshot() -> [MetricSample] {
        let (series, refused) = state.withLock { ($0.series, $0.refused) }
        let samples = series.map { key, series in
            let reading = series.reading()
            return MetricSample(
                name: key.name,
                labels: key.labels,
                kind: type(of: series).kind,
                value: reading.value,
                distribution: reading.distribution,
                help: help[key.name]
            )
        }
        let overflow = MetricSample(
            name: Self.refusedName,
            kind: .counter,
            value: Double(refused),
            help: "Series that were refused because there are too many or the name has another kind."
        )
        return samples.sorted { ($0.name, $0.labels.sortKey) < ($1.name, $1.labels.sortKey) } + [overflow]
    }

    private func series<Series: MetricSeries>(
        _ label: String,
        _ dimensions: [(String, String)],
        ending: String = "",
        make: () -> Series
    ) -> Series? {
        var name = PrometheusText.name(label)
        if !name.hasSuffix(ending) {
            name += ending
        }
        let labels = Dictionary(
            dimensions.map { ($0, String($1.prefix(Self.labelValueCharactersMax))) },
            uniquingKeysWith: { _, later in later }
        )
        let key = Key(name: name, labels: labels)
        return state.withLock { state in
            if let existing = state.series[key] as? Series {
                return existing
            }
            let known = state.names[name]
            guard state.series[key] == nil, state.series.count < seriesMax,
                known.map({ $0.kind == Series.kind }) ?? true
            else {
                state.refused += 1
                return nil
            }
            let new = make()
            state.series[key] = new
            state.names[name] = (Series.kind, (known?.count ?? 0) + 1)
            return new
        }
    }

    private func remove(_ handler: AnyObject) {
        state.withLock { state in
            guard let key = state.series.first(where: { $0.value === handler })?.key,
                let known = state.names[key.name]
            else { return }
            state.series[key] = nil
            state.names[key.name] = known.count > 1 ? (known.kind, known.count - 1) : nil
        }
    }
}

extension MetricsRegistry {
    /// Finds or creates a counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, make: CounterSeries.init) ?? NOOPMetricsHandler.instance
    }

    /// Finds or creates a counter that takes fractions.
    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, make: CounterSeries.init) ?? NOOPMetricsHandler.instance
    }

    /// Finds or creates a gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, make: GaugeSeries.init) ?? NOOPMetricsHandler.instance
    }

    /// Finds or creates a histogram, or a gauge when the recorder does not aggregate.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else {
            return series(label, dimensions, make: GaugeSeries.init) ?? NOOPMetricsHandler.instance
        }
        return series(label, dimensions) { HistogramSeries(bounds: recorderBounds) } ?? NOOPMetricsHandler.instance
    }

    /// Finds or creates a histogram in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, ending: "_seconds") { HistogramSeries(bounds: timerBounds) }
            ?? NOOPMetricsHandler.instance
    }

    /// Removes the series.
    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }

    /// Removes the series.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }

    /// Removes the series.
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }

    /// Removes the series.
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }

    /// Removes the series.
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}

extension [String: String] {
    fileprivate var sortKey: String {
        sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
