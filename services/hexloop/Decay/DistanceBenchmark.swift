import Decay
import FoundationEssentials

/// How often tests of two samples are wrong when nothing changed, by size; on sketches as well; and over a whole run.
struct DistanceBenchmark {
    /// Pairs of samples of each size.
    var runs = 2_000
    /// Monitors that are simulated over a whole run.
    var monitors = 100

    private static let alpha = 0.01

    /// False alarms of size-aware tests beside those of fixed thresholds.
    func sizes() -> [String] {
        var lines = [
            "### False alarms of two samples at α = 1 %, in % (5 000 reference values, N(0,1))", "",
            "| rows | PSI | JS | W1 | KS | PSI > 0.1 | JS > 0.1 | W1 > 0.1 sd |", "|---|---|---|---|---|---|---|---|",
        ]
        var generator = CounterGenerator(seed: 8)
        func sample(_ count: Int) -> Sample { Sample((0..<count).map { _ in generator.normal() }) }
        for count in [100, 300, 1_000, 10_000] {
            var alarms = [Int](repeating: 0, count: 7)
            for _ in 0..<runs {
                let (reference, current) = (sample(5_000), sample(count))
                let stability = SizeAwareStability.test(reference, current)
                let distance = SizeAwareStability.jensenShannonTest(reference, current)
                let transport = SizeAwareStability.wassersteinTest(reference, current)
                let isAlarm = [
                    stability.pValue < Self.alpha, distance.pValue < Self.alpha, transport.pValue < Self.alpha,
                    KolmogorovSmirnov.test(reference, current, method: .asymptotic).pValue < Self.alpha,
                    stability.statistic > 0.1, distance.statistic > 0.1, transport.statistic > 0.1,
                ]
                for (index, alarm) in isAlarm.enumerated() where alarm { alarms[index] += 1 }
            }
            let cells = alarms.map { (Double($0) * 100 / Double(runs)).fixed(2) }
            lines.append("| \(count) | " + cells.joined(separator: " | ") + " |")
        }
        return lines + [""]
    }

    /// Kolmogorov-Smirnov on sketches of half a million values.
    func sketches() -> [String] {
        var lines = [
            "### Kolmogorov-Smirnov on two sketches of 500 000 values at α = 1 %, in %", "",
            "| k | nothing changed | moved by three rank errors |", "|---|---|---|",
        ]
        let runs = max(20, runs / 20)
        for k in [200, 256, 1024, 4096] {
            var (alarms, hits) = (0, 0)
            for run in 0..<UInt64(runs) {
                var generator = CounterGenerator(seed: 90 + run)
                var a = QuantileSketch(k: k, seed: 3 * run)
                var (b, c) = (QuantileSketch(k: k, seed: 3 * run + 1), QuantileSketch(k: k, seed: 3 * run + 2))
                // Of uniform values a shift of the values is a shift of the ranks.
                let shift = 3 * a.rankError
                for _ in 0..<500_000 {
                    let value = generator.uniform()
                    a.add(generator.uniform())
                    b.add(value)
                    c.add(value + shift)
                }
                if QuantileSketch.test(a, b).pValue < Self.alpha { alarms += 1 }
                if QuantileSketch.test(a, c).pValue < Self.alpha { hits += 1 }
            }
            let shares = [alarms, hits].map { (Double($0) * 100 / Double(runs)).fixed(1) }
            lines.append("| \(k) | \(shares[0]) | \(shares[1]) |")
        }
        return lines + [
            "", "At 4096 three rank errors are less than chance moves two samples of that size, so no test finds them.",
            "",
        ]
    }

    /// Monitors that ever alarm, when nothing changes: 20 columns, 1 000 batches of 200 rows.
    func wholeRun() -> [String] {
        let (columns, batches) = (20, 1_000)
        var (spent, each, corrected) = (0, 0, 0)
        for monitor in 0..<UInt64(monitors) {
            var generator = CounterGenerator(seed: 500 + monitor)
            let references = (0..<columns).map { _ in Sample((0..<2_000).map { _ in generator.normal() }) }
            var budget = DriftBudget(alpha: 0.05)
            var has = (spent: false, each: false, corrected: false)
            for _ in 0..<batches {
                let p = references.map { reference in
                    let batch = Sample((0..<200).map { _ in generator.normal() })
                    return KolmogorovSmirnov.test(reference, batch, method: .asymptotic).pValue
                }
                if budget.add(p).contains(true) { has.spent = true }
                if p.contains(where: { $0 < 0.05 }) { has.each = true }
                if MultipleTesting.benjaminiHochberg.rejected(p, alpha: 0.05).contains(true) { has.corrected = true }
            }
            if has.spent { spent += 1 }
            if has.each { each += 1 }
            if has.corrected { corrected += 1 }
        }
        func percent(_ count: Int) -> String { (Double(count) * 100 / Double(monitors)).fixed(0) }
        return [
            "### Monitors of 20 columns that ever alarm in 1 000 batches without drift, in %", "",
            "| DriftBudget of 5 % | each column at 5 % | each batch at 5 % after Benjamini and Hochberg |",
            "|---|---|---|",
            "| \(percent(spent)) | \(percent(each)) | \(percent(corrected)) |", "",
        ]
    }
}
