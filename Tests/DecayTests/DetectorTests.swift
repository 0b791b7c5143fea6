import Decay
import FoundationEssentials
import Testing

@Suite(.timeLimit(.minutes(2)))
struct DetectorTests {
    /// Errors at 10 %, and at 40 % from 1 000 on.
    private static func bits(seed: UInt64, count: Int = 2_000) -> [Double] {
        var generator = CounterGenerator(seed: seed)
        return (0..<count).map { generator.uniform() < ($0 < 1_000 ? 0.1 : 0.4) ? 1 : 0 }
    }

    private static func expectRestart<D: Detector>(_ start: D, _ values: [Double]) throws {
        var whole = start
        let signals = values.map { whole.add($0) }
        for cut in [1, 37, 640, 1_050, 1_999] {
            var first = start
            var seen = values[..<cut].map { first.add($0) }
            var second = try JSONDecoder().decode(D.self, from: JSONEncoder().encode(first))
            #expect(second == first)
            seen += values[cut...].map { second.add($0) }
            #expect(seen == signals, "\(D.self) restarted at \(cut)")
            #expect(second == whole)
        }
    }

    @Test("A detector that is written and read at any place gives the same signals")
    func restart() throws {
        let values = Self.bits(seed: 3)
        try Self.expectRestart(DDM(), values)
        try Self.expectRestart(EDDM(), values)
        try Self.expectRestart(FHDDM(shortWindow: 20), values)
        try Self.expectRestart(HDDMA(isTwoSided: true), values)
        try Self.expectRestart(HDDMW(isTwoSided: true), values)
        try Self.expectRestart(PageHinkley(threshold: 10), values)
        try Self.expectRestart(ADWIN(), values)
        try Self.expectRestart(KSWIN(), values)
        try Self.expectRestart(CUSUM(level: 0.1, slack: 0.05, threshold: 8), values)
        try Self.expectRestart(EWMAChart(level: 0.1, deviation: 0.3), values)
        try Self.expectRestart(ErrorWatch(), values)
        try Self.expectRestart(ValueWatch(), values)
    }

    @Test("The default detectors see a change and keep still without one", arguments: 1...5 as ClosedRange<UInt64>)
    func defaults(seed: UInt64) {
        var errors = ErrorWatch()
        let found = errors.drifts(in: Self.bits(seed: seed))
        #expect(found.count == 1)
        #expect((1_000...1_150).contains(found.first ?? 0))
        var generator = CounterGenerator(seed: seed)
        var values = ValueWatch()
        #expect(values.drifts(in: (0..<20_000).map { _ in generator.normal() }).isEmpty)
        let shifted = values.drifts(in: (0..<200).map { _ in generator.normal() + 1 })
        #expect(shifted.count == 1)
        #expect(values.change == .level)
    }

    @Test("The budget holds, restarts after roll-outs included")
    func budget() {
        // One false alarm in ten thousand values is allowed: 40 in these; more than 60 would not be chance.
        var generator = CounterGenerator(seed: 11)
        var watch = ErrorWatch(budget: 1e-4)
        var alarms = 0
        for index in 0..<400_000 {
            if index % 20_000 == 0 { watch = ErrorWatch(budget: 1e-4) }
            if watch.add(generator.uniform() < 0.1 ? 1 : 0) == .drift { alarms += 1 }
        }
        #expect(alarms <= 60)
    }

    @Test("A burst of 25 errors and an improvement are no decay")
    func noDecay() {
        var generator = CounterGenerator(seed: 5)
        var watch = ErrorWatch()
        let bursts = (0..<10_000).map { index in
            generator.uniform() < ((5_000..<5_025).contains(index) ? 0.9 : 0.1) ? 1.0 : 0
        }
        #expect(watch.drifts(in: bursts).isEmpty)
        #expect(watch.drifts(in: (0..<8_000).map { _ in generator.uniform() < 0.03 ? 1 : 0 }).isEmpty)
    }

    @Test("Two parts of a stream merge to the sketch of the whole")
    func merging() {
        var generator = CounterGenerator(seed: 8)
        let values = (0..<5_000).map { _ in (generator.normal() * 100).rounded() }
        var (distinct, half, rest) = (DistinctSketch(), DistinctSketch(), DistinctSketch())
        var (counts, firstCounts, restCounts) = (FrequencySketch(), FrequencySketch(), FrequencySketch())
        for (index, value) in values.enumerated() {
            distinct.add(value)
            counts.add("\(value)")
            if index < 2_000 {
                half.add(value)
                firstCounts.add("\(value)")
            } else {
                rest.add(value)
                restCounts.add("\(value)")
            }
        }
        half.merge(rest)
        firstCounts.merge(restCounts)
        #expect(half == distinct)
        #expect(firstCounts == counts)
    }

    @Test("Sketches of one distribution do not look different, and a shift is seen")
    func sketches() {
        var generator = CounterGenerator(seed: 9)
        var (a, b, c) = (QuantileSketch(seed: 1), QuantileSketch(seed: 2), QuantileSketch(seed: 3))
        for _ in 0..<50_000 {
            a.add(generator.normal())
            b.add(generator.normal())
            c.add(generator.normal() + 0.15)
        }
        #expect(QuantileSketch.test(a, b).pValue > 0.01)
        #expect(QuantileSketch.test(a, c).pValue < 0.01)
    }

    @Test("One outlier neither hides a drift nor makes one")
    func outlier() {
        var generator = CounterGenerator(seed: 10)
        let reference = Sample((0..<500).map { _ in generator.normal() })
        let moved = Sample((0..<499).map { _ in generator.normal() + 1 } + [1e6])
        let same = Sample((0..<499).map { _ in generator.normal() } + [1e6])
        #expect(SizeAwareStability.test(reference, moved).pValue < 1e-6)
        #expect(SizeAwareStability.test(reference, same).pValue > 0.01)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct EstimateTests {
    @Test("A forecast of a steady trend holds the crossing, and a flat metric has hardly one")
    func forecast() {
        var (settled, right, crossings, foreseen, flat) = (0, 0, 0, 0, 0)
        for seed in 0..<40 as Range<UInt64> {
            var generator = CounterGenerator(seed: seed)
            var forecast = CrossingForecast(threshold: 1)
            for index in 0..<900 where forecast.record.crossings == 0 {
                _ = forecast.add(0.3 + Double(max(0, index - 300)) / 400 + 0.08 * generator.normal())
            }
            settled += forecast.record.settled
            right += forecast.record.right
            crossings += forecast.record.crossings
            foreseen += forecast.record.foreseen
            var still = CrossingForecast(threshold: 1)
            if (0..<900).contains(where: { _ in still.add(0.3 + 0.08 * generator.normal()) != nil }) { flat += 1 }
        }
        #expect(Double(right) >= 0.8 * Double(settled))
        #expect(crossings == 40 && foreseen == 40)
        #expect(flat <= 3)
    }

    @Test("An estimate is withdrawn when labels contradict it, and not when they agree")
    func trust() {
        var generator = CounterGenerator(seed: 6)
        var (good, bad) = (EstimateTrust(), EstimateTrust())
        for _ in 0..<20_000 {
            let p = 0.7 + 0.3 * generator.uniform()
            _ = good.add(probabilityRight: p, wasRight: generator.uniform() < p)
            _ = bad.add(probabilityRight: p, wasRight: generator.uniform() < p - 0.2)
        }
        #expect(good.isTrusted)
        #expect(!bad.isTrusted)
        #expect(abs(bad.gap - 0.2) < 0.02)
    }
}
