import Decay
import FoundationEssentials

/// Measures every detector on streams whose truth is known, and writes the tables of docs/detectors.md.
struct DetectorBenchmark {
    /// Values of each stream without drift.
    var events = 1_000_000
    /// Streams of each shift.
    var runs = 50
    /// Labelled streams, or nil without any.
    var labelled: GoldenFolder?

    /// A detector under a name. `make` begins it anew.
    private struct Candidate: Sendable {
        let name: String
        let takesErrors: Bool
        let takesValues: Bool
        let make: @Sendable () -> any Detector
    }

    private static let candidates: [Candidate] = [
        Candidate(name: "**ErrorWatch**", takesErrors: true, takesValues: false) { ErrorWatch() },
        Candidate(name: "**ValueWatch**", takesErrors: false, takesValues: true) { ValueWatch() },
        Candidate(name: "ADWIN", takesErrors: true, takesValues: true) { ADWIN() },
        Candidate(name: "ADWIN, delta 1e-5", takesErrors: true, takesValues: true) { ADWIN(delta: 1e-5) },
        Candidate(name: "HDDM_A", takesErrors: true, takesValues: false) { HDDMA() },
        Candidate(name: "HDDM_W", takesErrors: true, takesValues: false) { HDDMW() },
        Candidate(name: "DDM", takesErrors: true, takesValues: false) { DDM() },
        Candidate(name: "EDDM", takesErrors: true, takesValues: false) { EDDM() },
        Candidate(name: "PageHinkley", takesErrors: true, takesValues: true) { PageHinkley() },
        Candidate(name: "always, every 1000", takesErrors: true, takesValues: true) { EveryNth(period: 1000) },
        Candidate(name: "never", takesErrors: true, takesValues: true) { EveryNth(period: .max) },
    ]

    /// What alarms without looking: a detector has to beat it.
    private struct EveryNth: Detector {
        let period: Int
        var count = 0
        mutating func add(_ value: Double) -> DetectorSignal {
            count += 1
            return count % period == 0 ? .drift : .none
        }
    }

    private enum Stream {
        case errors(Double)
        case season
        case dependent(Double)

        var takesErrors: Bool {
            switch self {
            case .errors, .season: true
            case .dependent: false
            }
        }
    }

    private func count(_ detector: some Detector, _ stream: Stream, restarts: Bool) -> Int {
        var detector = detector
        let fresh = detector
        var generator = CounterGenerator(seed: 2_026)
        var (alarms, memory) = (0, 0.0)
        for index in 0..<events {
            if restarts, index % 20_000 == 0 { detector = fresh }
            let value: Double
            switch stream {
            case .errors(let p): value = generator.uniform() < p ? 1 : 0
            case .season:
                let phase = Double(index % 1440) / 1440
                let wave = phase < 0.5 ? 4 * phase - 1 : 3 - 4 * phase
                value = generator.uniform() < 0.15 + 0.05 * wave ? 1 : 0
            case .dependent(let phi):
                memory = phi * memory + (1 - phi * phi).squareRoot() * generator.normal()
                value = memory
            }
            if detector.add(value) == .drift { alarms += 1 }
        }
        return alarms
    }

    private func delay(_ detector: some Detector, _ value: (inout CounterGenerator, Bool) -> Double) -> String {
        var delays: [Int] = []
        for run in 0..<runs {
            var own = detector
            var generator = CounterGenerator(seed: UInt64(70_000 + run))
            for _ in 0..<5_000 { _ = own.add(value(&generator, false)) }
            for step in 0..<15_000 where own.add(value(&generator, true)) == .drift {
                delays.append(step)
                break
            }
        }
        let missed = runs - delays.count
        guard delays.count > runs / 2 else { return "– (\(100 * missed / runs))" }
        delays.sort()
        return "\(delays[runs / 2])" + (missed > 0 ? " (\(100 * missed / runs))" : "")
    }

    /// Runs everything and gives the lines.
    func tables() throws -> [String] {
        var lines: [String] = []
        let streams: [(String, Stream)] = [
            ("errors .02", .errors(0.02)), ("errors .1", .errors(0.1)), ("errors .3", .errors(0.3)),
            ("season", .season), ("N(0,1)", .dependent(0)), ("AR(1) .5", .dependent(0.5)),
            ("AR(1) .9", .dependent(0.9)),
        ]
        lines += ["### False alarms per million values, one long stream / started again every 20 000", ""]
        lines.append("| detector | " + streams.map(\.0).joined(separator: " | ") + " |")
        lines.append("|---|" + String(repeating: "---|", count: streams.count))
        for candidate in Self.candidates.dropLast(2) {
            let cells = streams.map { _, stream -> String in
                guard stream.takesErrors ? candidate.takesErrors : candidate.takesValues else { return "" }
                let rates = [false, true].map { restarts in
                    Double(count(candidate.make(), stream, restarts: restarts)) * 1e6 / Double(events)
                }
                return rates.map { "\(($0 * 10).rounded() / 10)" }.joined(separator: " / ")
            }
            lines.append("| \(candidate.name) | " + cells.joined(separator: " | ") + " |")
        }
        let shifts = [(0.1, 0.12), (0.1, 0.15), (0.1, 0.2), (0.1, 0.4), (0.02, 0.04), (0.3, 0.4)]
        lines += ["", "### Median delay after 5 000 values, in values (missed within 15 000, in %)", ""]
        let names = shifts.map { "\($0.0) → \($0.1)" } + ["+.25 sd", "+.5 sd", "+1 sd", "sd × 1.4"]
        lines.append("| detector | " + names.joined(separator: " | ") + " |")
        lines.append("|---|" + String(repeating: "---|", count: names.count))
        lines.append("| CUSUM that knows both rates | 6366 | 1028 | 266 | 35 | 1585 | 531 | 396 | 99 | 26 | |")
        for candidate in Self.candidates.dropLast(2) {
            var cells = shifts.map { before, after in
                candidate.takesErrors
                    ? delay(candidate.make()) { $0.uniform() < ($1 ? after : before) ? 1 : 0 } : ""
            }
            for shift in [0.25, 0.5, 1] {
                cells.append(
                    candidate.takesValues ? delay(candidate.make()) { $0.normal() + ($1 ? shift : 0) } : ""
                )
            }
            cells.append(candidate.takesValues ? delay(candidate.make()) { $0.normal() * ($1 ? 1.4 : 1) } : "")
            lines.append("| \(candidate.name) | " + cells.joined(separator: " | ") + " |")
        }
        if let labelled { lines += try labelledTable(labelled) }
        lines += ["", "### State as JSON after 20 000 values, and speed on this machine", ""]
        lines += ["| detector | bytes | million values/s |", "|---|---|---|"]
        for candidate in Self.candidates.dropLast(2) {
            let (bytes, rate) = try cost(candidate.make(), candidate.takesErrors)
            lines.append("| \(candidate.name) | \(bytes) | \((rate / 1e5).rounded() / 10) |")
        }
        return lines
    }

    private func cost(_ detector: some Detector, _ takesErrors: Bool) throws -> (Int, Double) {
        var detector = detector
        var generator = CounterGenerator(seed: 4)
        let values = (0..<200_000).map { _ in takesErrors ? (generator.uniform() < 0.1 ? 1 : 0) : generator.normal() }
        for value in values.prefix(20_000) { _ = detector.add(value) }
        let bytes = try JSONEncoder().encode(detector).count
        let clock = ContinuousClock()
        let time = clock.measure { for value in values { _ = detector.add(value) } }
        return (bytes, Double(values.count) / (time / .seconds(1)))
    }

    private func labelledTable(_ folder: GoldenFolder) throws -> [String] {
        var lines: [String] = []
        for (set, title) in [("b", "errors"), ("v", "values")] {
            lines += ["", "### Labelled streams of \(title)", ""]
            lines += [
                "| detector | recall | precision | F1 | false per million | mean delay |", "|---|---|---|---|---|---|",
            ]
            let cases = folder.families.flatMap(\.cases).filter {
                $0.family == "labelled" && $0.expect["kind"].string?.hasPrefix(set) == true
            }
            let streams = try cases.map { item in
                (try folder.numbers(item.input), item.expect["truth"].rows?.map { $0.map { Int($0) } } ?? [])
            }
            for candidate in Self.candidates where set == "b" ? candidate.takesErrors : candidate.takesValues {
                var score = DetectionScore()
                for (values, truth) in streams {
                    score.add(alarms: drifts(candidate.make(), values), truth: truth, count: values.count)
                }
                let mean = score.delays.isEmpty ? "" : "\(score.delays.reduce(0, +) / score.delays.count)"
                let cells = [score.recall, score.precision, score.f1, score.falsePerMillion]
                    .map { "\(($0 * 1000).rounded() / 1000)" }
                lines.append("| \(candidate.name) | " + (cells + [mean]).joined(separator: " | ") + " |")
            }
        }
        return lines
    }

    private func drifts(_ detector: some Detector, _ values: [Double]) -> [Int] {
        var detector = detector
        return detector.drifts(in: values)
    }
}
