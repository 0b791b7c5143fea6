import CoreMetrics
import FoundationEssentials
import Testing

@testable import ServiceKit

@Suite("The registry keeps metrics until somebody asks")
struct MetricsRegistryTests {
    private func sample(_ name: String, in registry: MetricsRegistry) throws -> MetricSample {
        try #require(registry.snapshot().first { $0.name == name })
    }

    @Test("a counter adds up over all its instances")
    func counter() throws {
        let registry = MetricsRegistry(help: ["events": "Events taken."])
        Counter(label: "events", dimensions: [("topic", "a")], factory: registry).increment(by: 2)
        Counter(label: "events", dimensions: [("topic", "a")], factory: registry).increment()
        FloatingPointCounter(label: "events", dimensions: [("topic", "a")], factory: registry).increment(by: 0.5)
        let expected = MetricSample(
            name: "events",
            labels: ["topic": "a"],
            kind: .counter,
            value: 3.5,
            help: "Events taken."
        )
        #expect(try sample("events", in: registry) == expected)
    }

    @Test("a counter never falls and takes no odd numbers")
    func counterOddities() {
        let counter = CounterSeries()
        counter.increment(by: Int64(5))
        counter.increment(by: Int64(-3))
        counter.increment(by: Double.nan)
        counter.increment(by: Double.infinity)
        #expect(counter.reading().value == 5)
        counter.reset()
        #expect(counter.reading().value == 0)
    }

    @Test("meters and gauges hold a level and ignore what is no number")
    func gauge() throws {
        let registry = MetricsRegistry()
        let meter = Meter(label: "queue_depth", factory: registry)
        meter.set(10)
        meter.increment(by: 2.5)
        meter.decrement(by: 0.5)
        meter.set(Double.nan)
        #expect(try sample("queue_depth", in: registry).value == 12)
        Gauge(label: "load", factory: registry).record(0.5)
        #expect(try sample("load", in: registry) == MetricSample(name: "load", kind: .gauge, value: 0.5))
    }

    @Test("a timer is a histogram in seconds whose bounds belong to the bucket below")
    func timer() throws {
        let registry = MetricsRegistry(timerBounds: [0.001, 0.01, 1])
        let timer = Timer(label: "bus_publish", factory: registry)
        for nanoseconds: Int64 in [1_000_000, 1_000_001, 10_000_000, 999_999_999, 5_000_000_000] {
            timer.recordNanoseconds(nanoseconds)
        }
        let sample = try sample("bus_publish_seconds", in: registry)
        #expect(sample.kind == .histogram)
        #expect(abs(sample.value - 6.012) < 1e-8)
        #expect(
            sample.distribution
                == MetricSample.Distribution(
                    count: 5,
                    buckets: [
                        .init(upperBound: 0.001, count: 1), .init(upperBound: 0.01, count: 3),
                        .init(upperBound: 1, count: 4),
                    ]
                )
        )
    }

    @Test("a recorder that aggregates is a histogram")
    func recorder() throws {
        let registry = MetricsRegistry()
        Recorder(label: "model_load_bytes", factory: registry).record(5)
        let distribution = try #require(try sample("model_load_bytes", in: registry).distribution)
        #expect(distribution.buckets.first { $0.count == 1 }?.upperBound == 16)
    }

    @Test("series beyond the bound are refused and counted, known ones go on")
    func overflow() throws {
        let registry = MetricsRegistry(seriesMax: 2)
        for topic in ["a", "b", "c", "d", "a"] {
            Counter(label: "events", dimensions: [("topic", topic)], factory: registry).increment()
        }
        #expect(registry.snapshot().map(\.value) == [2, 1, 2])
        #expect(try sample("metrics_series_refused", in: registry).value == 2)
    }

    @Test("a name cannot have two kinds, with other labels or the same")
    func kindConflict() throws {
        let registry = MetricsRegistry()
        Counter(label: "x", factory: registry).increment()
        Meter(label: "x", factory: registry).set(5)
        Meter(label: "x", dimensions: [("a", "b")], factory: registry).set(5)
        #expect(registry.snapshot().map(\.value) == [1, 2])
    }

    @Test("a destroyed series makes room, also for another kind")
    func destroy() throws {
        let registry = MetricsRegistry(seriesMax: 1)
        let counter = Counter(label: "x", factory: registry)
        counter.increment()
        counter.destroy()
        Meter(label: "x", factory: registry).set(5)
        #expect(try sample("x", in: registry).kind == .gauge)
    }

    @Test("names are made valid and label values are cut")
    func names() throws {
        let registry = MetricsRegistry()
        Counter(label: "1.bus-events", dimensions: [("t", String(repeating: "x", count: 500))], factory: registry)
            .increment()
        #expect(try sample("_1_bus_events", in: registry).labels["t"]?.count == 128)
    }

    @Test("samples travel as JSON")
    func codable() throws {
        let registry = MetricsRegistry()
        Counter(label: "a", factory: registry).increment()
        Timer(label: "b", dimensions: [("x", "y")], factory: registry).recordNanoseconds(7)
        let group = MetricGroup(labels: ["service": "bus"], samples: registry.snapshot())
        #expect(try JSONDecoder().decode(MetricGroup.self, from: JSONEncoder().encode(group)) == group)
    }

    @Test("many tasks can count at once")
    func concurrency() async throws {
        let registry = MetricsRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<200 {
                        Counter(label: "x", factory: registry).increment()
                    }
                }
            }
        }
        #expect(try sample("x", in: registry).value == 1600)
    }

    @Test("bounds that do not rise are a mistake of the programmer")
    func bounds() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricsRegistry(timerBounds: [2, 1])
        }
        await #expect(processExitsWith: .failure) {
            _ = MetricsRegistry(seriesMax: 0)
        }
    }
}

@Suite("Samples are written as Prometheus text")
struct PrometheusTextTests {
    @Test("counters, gauges and histograms have their lines")
    func kinds() {
        let text = PrometheusText.render([
            MetricSample(name: "b_events", labels: ["topic": "a"], kind: .counter, value: 3, help: "Events."),
            MetricSample(name: "c_total", kind: .counter, value: 1e15),
            MetricSample(name: "a_depth", kind: .gauge, value: -0.5),
            MetricSample(
                name: "d_seconds",
                labels: ["x": "1"],
                kind: .histogram,
                value: 6.25,
                distribution: .init(
                    count: 4,
                    buckets: [.init(upperBound: 0.0001, count: 1), .init(upperBound: 1, count: 3)]
                )
            ),
        ])
        #expect(
            text == """
                # HELP a_depth a_depth
                # TYPE a_depth gauge
                a_depth -0.5
                # HELP b_events_total Events.
                # TYPE b_events_total counter
                b_events_total{topic="a"} 3
                # HELP c_total c_total
                # TYPE c_total counter
                c_total 1000000000000000
                # HELP d_seconds d_seconds
                # TYPE d_seconds histogram
                d_seconds_bucket{x="1",le="0.0001"} 1
                d_seconds_bucket{x="1",le="1"} 3
                d_seconds_bucket{x="1",le="+Inf"} 4
                d_seconds_sum{x="1"} 6.25
                d_seconds_count{x="1"} 4

                """
        )
    }

    @Test("backslash, quote and line break are escaped in values and help")
    func escaping() {
        let text = PrometheusText.render([
            MetricSample(name: "a-b", labels: ["9:x": "\\\"\n"], kind: .gauge, value: .infinity, help: "one\\\ntwo\"")
        ])
        #expect(
            text == #"""
                # HELP a_b one\\\ntwo"
                # TYPE a_b gauge
                a_b{_9_x="\\\"\n"} +Inf

                """#
        )
    }

    @Test("several services stand together under one head")
    func groups() {
        let text = PrometheusText.render([
            MetricGroup(
                labels: ["service": "bus", "instance": "1"],
                samples: [MetricSample(name: "up", labels: ["service": "x"], kind: .gauge, value: 1)]
            ),
            MetricGroup(
                labels: ["service": "monitor"],
                samples: [
                    MetricSample(name: "up", kind: .gauge, value: .nan),
                    MetricSample(name: "z", kind: .gauge, value: 0),
                ]
            ),
        ])
        #expect(
            text == """
                # HELP up up
                # TYPE up gauge
                up{exported_service="x",instance="1",service="bus"} 1
                up{service="monitor"} NaN
                # HELP z z
                # TYPE z gauge
                z{service="monitor"} 0

                """
        )
    }

    @Test("a metric of another kind is left out with a comment")
    func conflict() {
        let text = PrometheusText.render([
            MetricSample(name: "x", kind: .gauge, value: 1), MetricSample(name: "x", kind: .histogram, value: 2),
        ])
        #expect(text == "# HELP x x\n# TYPE x gauge\nx 1\n# x of another kind (histogram) is left out\n")
    }

    @Test("nothing gives nothing, and an empty name is still a name")
    func empty() {
        #expect(PrometheusText.render([MetricSample]()) == "")
        #expect(PrometheusText.name("") == "_")
    }
}
