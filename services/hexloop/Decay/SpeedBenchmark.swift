import Decay
import FoundationEssentials

/// Times and sizes of what a monitor does all day. The numbers count in a release build only.
struct SpeedBenchmark {
    private let clock = ContinuousClock()

    /// The median of some runs.
    private func median(_ runs: Int = 5, _ body: () -> Void) -> Duration {
        var times = (0..<runs).map { _ in clock.measure(body) }
        times.sort()
        return times[runs / 2]
    }

    private func normal(_ count: Int, seed: UInt64, shift: Double = 0) -> [Double] {
        var generator = CounterGenerator(seed: seed)
        return (0..<count).map { _ in generator.normal() + shift }
    }

    func lines() -> [String] {
        var lines = ["### Times on this machine, one core", "", "| what | time |", "|---|---|"]
        func add(_ name: String, _ time: Duration) {
            lines.append("| \(name) | \((time.seconds * 1e3).fixed(2)) ms |")
        }
        for (name, count) in [("10k", 10_000), ("100k", 100_000), ("1M", 1_000_000)] {
            let (a, b) = (normal(count, seed: 1), normal(count, seed: 2))
            add("KS of \(name) and \(name), sorted inside", median { _ = KolmogorovSmirnov.test(Sample(a), Sample(b)) })
            if count < 1_000_000 {
                add("W1 of \(name) and \(name)", median { _ = Transport.wasserstein(Sample(a), Sample(b)) })
            }
        }
        add("report of 20 columns, 10k and 10k rows", reportTime())
        let columns = (0..<8).map { (normal(50_000, seed: $0 + 10), normal(50_000, seed: $0 + 30)) }
        add(
            "KS of 50k and 50k rows, 8 columns, chunks of 5 000",
            median(3) {
                for (reference, current) in columns {
                    let sample = Sample(reference)
                    for chunk in ChunkValues.chunks(of: current.count, size: 5_000) {
                        _ = KolmogorovSmirnov.test(sample, Sample(Array(current[chunk])), method: .asymptotic)
                    }
                }
            }
        )
        var generator = CounterGenerator(seed: 5)
        func answers(_ count: Int) -> BinaryAnswers {
            let scores = (0..<count).map { _ in generator.uniform() }
            let labels = scores.map { generator.uniform() < $0 }
            return BinaryAnswers(scores: scores, answers: scores.map { $0 > 0.5 }, labels: labels)
        }
        let (before, now) = (answers(50_000), answers(50_000))
        add(
            "CBPE: fit and estimate 50k and 50k, three metrics",
            median(3) {
                let estimator = BinaryConfidenceEstimator(reference: before, chunkSize: 5_000)
                for metric in [PerformanceMetric.areaUnderCurve, .f1, .accuracy] {
                    _ = estimator.estimates(metric, now)
                }
            }
        )
        let (past, next) = (regression(seed: 11), regression(seed: 12))
        add(
            "DLE: fit and estimate 60k and 60k rows of 5 columns",
            median(1) {
                _ = LossEstimator(reference: past, chunkSize: 6_000).estimates(.meanAbsoluteError, next)
            }
        )
        let many = answers(100_000)
        let labels = many.labels.map { $0 ? 1.0 : 0 }
        add("isotonic fit of 100k", median { _ = IsotonicCalibration(scores: many.scores, labels: labels) })
        add("area under the curve of 100k", median { _ = Ranking.areaUnderCurve(many.scores, many.labels) })
        lines += ["", "| what | million a second |", "|---|---|"]
        func rate(_ name: String, _ count: Int, _ body: () -> Void) {
            lines.append("| \(name) | \((Double(count) / median(5, body).seconds / 1e6).fixed(2)) |")
        }
        let values = normal(1_000_000, seed: 3)
        rate("KLL of 200, values", values.count) {
            var sketch = QuantileSketch()
            for value in values { sketch.add(value) }
        }
        rate("KLL of 200, values at once", values.count) {
            var sketch = QuantileSketch()
            sketch.add(contentsOf: values)
        }
        rate("t-digest of 200, values", values.count) {
            var sketch = TailSketch(k: 200)
            for value in values { sketch.add(value) }
        }
        rate("ADWIN that looks at each value, values", 200_000) {
            var detector = ADWIN(clock: 1)
            for value in values.prefix(200_000) { _ = detector.add(value) }
        }
        rate("KSWIN of 100 and 30, values", 200_000) {
            var detector = KSWIN()
            for value in values.prefix(200_000) { _ = detector.add(value) }
        }
        rate("HyperLogLog of 12, values", values.count) {
            var sketch = DistinctSketch()
            for value in values { sketch.add(value) }
        }
        rate("count-min of 5 x 2000, hashes", values.count) {
            var sketch = FrequencySketch()
            for value in 0..<UInt64(values.count) { sketch.add(hash: value &* 0x9E37_79B9_7F4A_7C15) }
        }
        rate("moments, values", values.count) {
            var moments = Moments()
            for value in values { moments.add(value) }
        }
        rate("moments, values at once", values.count) {
            var moments = Moments()
            moments.add(contentsOf: values)
        }
        let rows = (0..<50_000).map { row in (0..<4).map { values[4 * row + $0] } }
        let forest = IsolationForest(Array(rows.prefix(2_000)))
        rate("isolation forest of 100 trees, rows scored", rows.count) { _ = forest.scores(rows) }
        return lines + [""] + pipeline()
    }

    /// A straight line with noise that grows to one side, and answers that do not know of the noise.
    private func regression(seed: UInt64) -> LossEstimator.Rows {
        var generator = CounterGenerator(seed: seed)
        let columns = (0..<5).map { _ in (0..<60_000).map { _ in generator.normal() } }
        let answers = columns[0].indices.map { columns[0][$0] + 2 * columns[1][$0] }
        let labels = columns[0].indices.map { answers[$0] + generator.normal() * (1 + abs(columns[2][$0])) }
        return LossEstimator.Rows(columns: columns, answers: answers, labels: labels)
    }

    private func reportTime() -> Duration {
        let columns = (0..<20).map { (normal(10_000, seed: $0 + 100), normal(10_000, seed: $0 + 200)) }
        return median {
            let pairs = columns.enumerated().map { index, pair -> ColumnComparison in
                var (before, now) = (
                    ColumnProfile(name: "c\(index)", kind: .numeric), ColumnProfile(name: "c\(index)", kind: .numeric)
                )
                before.add(contentsOf: pair.0)
                now.add(contentsOf: pair.1)
                return ColumnComparison(before, now)
            }
            _ = MultipleTesting.benjaminiHochberg.adjusted(pairs.map(\.pValue))
        }
    }

    /// Checks and sketches of 20 features and four detectors of errors, event by event; and what they keep.
    private func pipeline() -> [String] {
        let (features, events) = (20, 100_000)
        let values = normal(features * 1_000, seed: 7)
        var watches = (0..<features).map { feature in
            var profile = ColumnProfile(name: "f\(feature)", kind: .numeric)
            for value in values.prefix(2_000) { profile.add(.number(value)) }
            return QualityWatch(profile.expectation)
        }
        var sketches = (0..<features).map { QuantileSketch(seed: UInt64($0)) }
        var moments = (0..<features).map { _ in Moments() }
        var (own, adwin, hinkley, ddm) = (ErrorWatch(), ADWIN(), PageHinkley(), DDM())
        var generator = CounterGenerator(seed: 8)
        let errors = (0..<events).map { _ in generator.uniform() < 0.1 ? 1.0 : 0 }
        var findings = 0
        let time = clock.measure {
            for event in 0..<events {
                let row = event % 1_000 * features
                for feature in 0..<features {
                    let value = values[row + feature]
                    findings += watches[feature].add(.number(value)).count
                    sketches[feature].add(value)
                    moments[feature].add(value)
                }
                let error = errors[event]
                _ = own.add(error)
                _ = adwin.add(error)
                _ = hinkley.add(error)
                _ = ddm.add(error)
            }
        }
        func bytes(_ value: some Encodable) -> Int { (try? JSONEncoder().encode(value).count) ?? 0 }
        let feature = sketches[0].serialized().count + bytes(watches[0]) + bytes(moments[0]) + bytes(ValueWatch())
        return [
            "Checks, sketches and moments of 20 features and four detectors: "
                + "\((Double(events) / time.seconds / 1e3).fixed(0)) thousand events a second and core "
                + "(\(findings) findings). State of a numeric feature with its watch: \((Double(feature) / 1e3).fixed(1)) kB; "
                + "ErrorWatch in memory: \(own.stateBytes) bytes.", "",
        ]
    }
}
