import Testing

@testable import Decay

@Suite("Windows, and what they are compared with")
struct WindowTests {
    /// Batches of 200 values that differ from the reference, by their numbers; the level rises by 1.5 after the 20th.
    private func differing(_ becoming: (_ batch: Int) -> ReferenceWindow.Becoming) -> [Int] {
        var generator = CounterGenerator(seed: 15)
        var window = ReferenceWindow(seed: 0)
        var found: [Int] = []
        for batch in 0..<60 {
            for _ in 0..<200 { window.add(generator.normal() + (batch < 20 ? 0 : 1.5)) }
            if window.compare().pValue < 0.001 { found.append(batch) }
            window.endWindow(becoming(batch))
        }
        return found
    }

    @Test("A fixed reference stays, a sliding one has soon what is new")
    func references() {
        #expect(differing { $0 < 5 ? .part : .nothing } == Array(20..<60))
        #expect(differing { _ in .all } == [20])
    }

    @Test("Values that depend on each other say less, also over parts of a season with levels of their own")
    func dependence() {
        var generator = CounterGenerator(seed: 16)
        var (independent, dependent) = (SerialDependence(), SerialDependence())
        var value = 0.0
        for part in 0..<40 {
            for _ in 0..<100 {
                independent.add(generator.normal() + Double(part % 4) * 3)
                value = 0.5 * value + generator.normal()
                dependent.add(value)
            }
            independent.endStretch()
        }
        #expect(independent.factor < 1.2)
        #expect(dependent.factor > 2.5 && dependent.factor < 3.5)
    }

    @Test("A seasonal reference knows the hour")
    func seasons() {
        var generator = CounterGenerator(seed: 17)
        var (first, season) = (ReferenceWindow(seed: 0), SeasonalReference())
        for _ in 0..<200 { first.add(generator.normal() * 3) }
        first.endWindow(.part)
        var found: [Int] = []
        for part in 0..<(24 * 10) {
            let slot = part % 24
            let moved = part == 24 * 8 + 5 ? 3.0 : 0
            for _ in 0..<60 { season.count(Double(slot) / 3 - 4 + generator.normal() + moved, bins: first.reference) }
            if season.endSlot(slot, dependence: 1) < 1e-6 { found.append(part) }
        }
        #expect(found == [24 * 8 + 5])
    }

    @Test("Windows by time are told when their labels are there or no longer waited for, and again when one comes late")
    func byTime() {
        var windows = TimeWindows(length: 10, timeout: 20)
        for second in 0..<20 { windows.addPrediction(at: Double(second), expected: second < 10 ? 0.5 : nil) }
        for second in 0..<10 { windows.addLabel(error: 1, at: Double(second), labelledAt: 12) }
        let first = windows.advance(to: 19)
        #expect(first.map(\.window.index) == [0])
        #expect(first.first?.window.part == Trail.Part(count: 10, mean: 1, variance: 0))
        #expect(first.first?.window.expected == 5)
        windows.addLabel(error: 0, at: 15, labelledAt: 35)
        #expect(windows.advance(to: 39).isEmpty)
        #expect(windows.advance(to: 40).map(\.window.labelled) == [1])
        windows.addLabel(error: 4, at: 16, labelledAt: 41)
        let late = windows.advance(to: 41)
        #expect(late.map(\.isCorrection) == [true] && late.first?.window.late == 1)
        windows.correct(error: 4, to: 2, at: 16)
        #expect(windows.advance(to: 42).first?.window.sum == 2)
        #expect(windows.labelledShare == 12.0 / 20 && windows.labelsLate == 1 && windows.labelsCorrected == 1)
    }

    @Test("A step is judged by what steps usually are; a wild one among those hides none that follows")
    func steps() {
        var generator = CounterGenerator(seed: 18)
        var watch = StepWatch()
        var level: Float = 0
        var values: [Float] = []
        for index in 0..<500 {
            level += Float(generator.normal())
            values.append(index == 250 ? 1e6 : level)
            #expect(watch.add(Double(values[index])) == nil, "nothing is usual yet")
        }
        watch.learn(values)
        var found: [Double] = []
        for index in 0..<500 {
            level += index == 100 ? 20 : Float(generator.normal())
            if let outlier = watch.add(Double(level)) {
                found.append(outlier.deviations)
                #expect(!outlier.expected.contains(Double(level)) && outlier.expected.contains(outlier.previous))
            }
        }
        #expect(found.count == 1 && found[0] > 15 && found[0] < 25)
        #expect(watch.forgotten != watch)
    }

    @Test("Trails keep means of suffixes")
    func trail() {
        var trail = Trail()
        for index in 0..<1000 { trail.add(index < 900 ? 0 : 1) }
        #expect(trail.newest(50).mean == 1)
        #expect(trail.newest(50).count >= 50 && trail.newest(50).count < 100)
        #expect(trail.before(400).mean == 0)
        #expect(trail.newest(1000).count == 1000)
        #expect(trail.newest(1000).mean == 0.1)
    }
}

@Suite("Sketches and detectors at their edges")
struct SketchEdgeTests {
    @Test("Values at once are the same as one by one, with NaN among them and of any number")
    func atOnce() {
        var generator = CounterGenerator(seed: 19)
        for count in [0, 1, 199, 200, 201, 5_000] {
            let values = (0..<count).map { $0 % 7 == 3 || $0 > 4_990 ? .nan : generator.normal() } + [.nan, .nan]
            var (together, single) = (QuantileSketch(seed: 3), QuantileSketch(seed: 3))
            together.add(contentsOf: values)
            for value in values { single.add(value) }
            #expect(together == single)
            let retained = together.retained
            together.trim()
            #expect(together == single && together.retained == retained)
        }
    }

    @Test("Few are sorted as the library sorts them", arguments: 0...70)
    func few(count: Int) {
        var generator = CounterGenerator(seed: UInt64(count))
        let values = (0..<count).map { _ in (generator.normal() * 3).rounded() }
        #expect(ascending(values) == values.sorted())
        guard count > 0 else { return }
        var rest = values
        sortFew(&rest, from: 1)
        #expect(rest == values.prefix(1) + values.dropFirst().sorted())
    }

    @Test("However many t-digests are merged, they keep their size, also when nothing is new in them")
    func merging() {
        var generator = CounterGenerator(seed: 20)
        var all = TailSketch(k: 50)
        for _ in 0..<40 {
            var part = TailSketch(k: 50)
            for _ in 0..<1_000 { part.add(generator.normal()) }
            _ = (part.quantile(0.5), all.quantile(0.5))
            all.merge(part)
            #expect(all.retained <= 200)
        }
        #expect(all.count == 40_000)
        #expect(abs(all.quantile(0.5) ?? 9) < 0.03)
    }

    @Test("A window of ranks leaves NaN out", arguments: [60, 100])
    func noNumber(window: Int) {
        var generator = CounterGenerator(seed: 21)
        var (with, without) = (KSWIN(window: window), KSWIN(window: window))
        for index in 0..<500 {
            let value = generator.normal()
            if index % 37 == 5 { #expect(with.add(.nan) == .none) }
            #expect(with.add(value) == without.add(value))
        }
    }
}
