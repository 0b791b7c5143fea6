import Decay
import Testing

/// Many values at once give what they give one after the other.
@Suite(.timeLimit(.minutes(1)))
struct BatchTests {
    private static func normal(_ count: Int, seed: UInt64) -> [Double] {
        var generator = CounterGenerator(seed: seed)
        return (0..<count).map { _ in generator.normal() }
    }

    /// Columns with what makes cells differ: missing and infinite ones, runs, few values, and more than are kept.
    private static let columns: [[Double]] = [
        [], [1], normal(5_000, seed: 1), normal(3_000, seed: 2).map { ($0 * 2).rounded() },
        normal(900, seed: 3).enumerated().map { place, value in
            place % 7 == 0 ? .nan : place % 11 == 0 ? .infinity : value
        },
        [0, -0.0, 0, 1, 1, 1, -0.0], [.nan, .nan], [-.infinity, .infinity],
    ]

    @Test("A column in parts of any size", arguments: [1, 3, 1_000, 10_000], [100, 100_000])
    func columns(part: Int, exactMax: Int) {
        for values in Self.columns {
            var one = ColumnProfile(name: "c", kind: .numeric, exactMax: exactMax)
            for value in values { one.add(.number(value)) }
            var many = ColumnProfile(name: "c", kind: .numeric, exactMax: exactMax)
            for start in stride(from: 0, to: values.count, by: part) {
                many.add(contentsOf: Array(values[start..<min(values.count, start + part)]))
            }
            #expect(many.expectation == one.expectation)
            #expect(many.distribution == one.distribution)
            #expect(many.counts == one.counts)
            #expect(many.distinct == one.distinct)
            #expect(many.longestRun == one.longestRun)
            #expect([many.rows, many.missing, many.infinite] == [one.rows, one.missing, one.infinite])
            #expect(abs(many.moments.mean - one.moments.mean) <= 1e-12)
        }
    }

    @Test("Words in a column of words")
    func words() {
        var one = ColumnProfile(name: "c", kind: .categorical)
        for value in [1.0, 2, 2, .nan] { one.add(.number(value)) }
        var many = ColumnProfile(name: "c", kind: .categorical)
        many.add(contentsOf: [1, 2, 2, .nan])
        #expect(many == one)
    }

    @Test("Moments of any count, also far from 0", arguments: [0, 1, 3, 4, 1_025, 20_000])
    func moments(count: Int) {
        let values = Self.normal(count, seed: 4).map { $0 * $0 + 1e6 }
        var one = Moments()
        for value in values { one.add(value) }
        var many = Moments()
        many.add(contentsOf: values.prefix(count / 3).map { $0 })
        many.add(contentsOf: values.dropFirst(count / 3).map { $0 })
        #expect(many.count == one.count)
        #expect(many.minimum == one.minimum)
        #expect(many.maximum == one.maximum)
        #expect(abs(many.mean - one.mean) <= 1e-9)
        #expect(abs(many.variance - one.variance) <= 1e-9 * one.variance)
        guard count > 3 else { return }
        #expect(abs(many.skewness - one.skewness) <= 1e-9)
        #expect(abs(many.kurtosis - one.kurtosis) <= 1e-8)
    }

    @Test("Sketches of values")
    func sketches() {
        for values in Self.columns {
            var (one, many) = (QuantileSketch(k: 8), QuantileSketch(k: 8))
            for value in values { one.add(value) }
            many.add(contentsOf: values)
            #expect(many == one)
            var (first, all) = (DistinctSketch(), DistinctSketch())
            for value in values { first.add(value) }
            all.add(contentsOf: values)
            #expect(all == first)
        }
    }

    @Test("A forest scores many rows as it scores each alone")
    func forest() {
        var generator = CounterGenerator(seed: 6)
        let rows = (0..<700).map { _ in (0..<3).map { _ in generator.normal() } }
        let forest = IsolationForest(Array(rows.prefix(300)))
        #expect(forest.scores(rows) == rows.flatMap { forest.scores([$0]) })
        #expect(forest.scores([]) == [])
    }
}
