import Foundation
import Testing

@testable import Decay

@Suite(.timeLimit(.minutes(1)))
struct QualityTests {
    private static func expectation(_ values: [CellValue], kind: ColumnKind = .numeric) -> ColumnExpectation {
        var profile = ColumnProfile(name: "x", kind: kind)
        for value in values { profile.add(value) }
        return profile.expectation
    }

    private static func normal(seed: UInt64, _ count: Int) -> [CellValue] {
        var generator = CounterGenerator(seed: seed)
        return (0..<count).map { _ in .number(generator.normal()) }
    }

    private static func issues(_ watch: inout QualityWatch, _ values: [CellValue]) -> [QualityIssue] {
        values.flatMap { watch.add($0).map(\.issue) }
    }

    @Test("Cells of the reference's population are hardly ever found, and outliers, words and steps are")
    func numbers() {
        var watch = QualityWatch(Self.expectation(Self.normal(seed: 1, 2_000)))
        let usual = Self.issues(&watch, Self.normal(seed: 2, 2_000))
        #expect(usual.allSatisfy { $0 == .outOfRange } && usual.count < 10)
        #expect(Self.issues(&watch, [.number(40)]) == [.outOfRange, .outlier, .jump])
        #expect(Self.issues(&watch, [.number(0), .text("n/a?")]) == [.jump, .wrongType])
        var bounded = Self.expectation(Self.normal(seed: 1, 2_000))
        bounded.allowed = 0...10
        watch = QualityWatch(bounded)
        #expect(Self.issues(&watch, [.number(-0.1)]) == [.notAllowed])
        #expect(QualityIssue.notAllowed.severity == .critical)
    }

    @Test("A stuck sensor is stale once a run, and a run of the reference's kind is not")
    func stale() {
        var watch = QualityWatch(Self.expectation(Self.normal(seed: 1, 500)))
        let found = Self.issues(&watch, Array(repeating: .number(0.5), count: 200))
        #expect(found == [.stale])
        let steps = (0..<500).map { CellValue.number(Double($0 / 40)) }
        watch = QualityWatch(Self.expectation(steps))
        #expect(Self.issues(&watch, Array(repeating: .number(3), count: 160)).filter { $0 == .stale } == [])
        #expect(Self.issues(&watch, [.number(3)]) == [.stale])
    }

    @Test("More missing cells are found within a window, and as many as before are not")
    func missing() {
        var generator = CounterGenerator(seed: 4)
        func cells(_ share: Double, _ count: Int) -> [CellValue] {
            (0..<count).map { _ in generator.uniform() < share ? .missing : .number(generator.normal()) }
        }
        var watch = QualityWatch(Self.expectation(cells(0.05, 2_000)))
        #expect(!Self.issues(&watch, cells(0.05, 10_000)).contains(.missing))
        #expect(Self.issues(&watch, cells(0.3, 256)).contains(.missing))
    }

    @Test("Words that were not there are found, unless the reference has too many to know")
    func words() {
        let towns = ["Bern", "Oslo"].map { CellValue.text($0) }
        var watch = QualityWatch(
            Self.expectation(Array(repeating: towns, count: 50).flatMap { $0 }, kind: .categorical)
        )
        #expect(Self.issues(&watch, towns + [.text("Paris")]) == [.unseenCategory])
        let many = (0..<5_000).map { CellValue.text("u\($0)") }
        watch = QualityWatch(Self.expectation(many, kind: .categorical))
        #expect(Self.issues(&watch, [.text("new")]) == [])
    }

    @Test("A constant that varies is said once, and only of a reference that knows")
    func constant() {
        var watch = QualityWatch(Self.expectation(Array(repeating: .number(3), count: 500)))
        #expect(Self.issues(&watch, [.number(3), .number(4), .number(5), .number(3)]) == [.constantVaries])
        watch = QualityWatch(Self.expectation(Array(repeating: .number(3), count: 20)))
        #expect(Self.issues(&watch, [.number(4)]) == [])
    }

    @Test("Rows that come again are found once; as many again are no news, and few may be chance")
    func duplicates() {
        var watch = DuplicateWatch()
        func shares(_ rows: some Sequence<UInt64>) -> [Double] {
            rows.compactMap { watch.add(hash: StableHash.mixed($0)) }
        }
        #expect(shares(0..<512) == [])
        #expect(shares((1000..<1256).map { $0 % 20 == 0 ? 1001 : $0 }) == [])
        #expect(shares((2000..<2256).map { $0 % 100 }) == [156.0 / 256])
        #expect(shares((3000..<3256).map { $0 % 100 }) == [1])
        #expect(shares((3256..<3512).map { $0 % 100 }) == [])
        #expect(shares(4000..<4256) == [])
    }

    @Test("A row's hash is of its numbers in their order")
    func rowHash() {
        #expect(StableHash.hash(row: [1, 2]) != StableHash.hash(row: [2, 1]))
        #expect(StableHash.hash(row: [0]) == StableHash.hash(row: [-0.0]))
        #expect(StableHash.hash(row: [0]) != StableHash.hash(row: [0, 0]))
    }

    @Test("A watch that is written and read at any place finds the same")
    func restart() throws {
        let values =
            Self.normal(seed: 8, 300) + Array(repeating: .number(1), count: 50) + [.missing, .text("x"), .number(60)]
        let start = QualityWatch(Self.expectation(Self.normal(seed: 9, 500)))
        var whole = start
        let expected = values.map { whole.add($0) }
        for cut in [0, 100, 320, 352] {
            var first = start
            var seen = values[..<cut].map { first.add($0) }
            var second = try JSONDecoder().decode(QualityWatch.self, from: JSONEncoder().encode(first))
            seen += values[cut...].map { second.add($0) }
            #expect(seen == expected)
        }
    }

    @Test("Findings are one incident until it is quiet; it speaks when it opens, grows worse and ends")
    func incidents() {
        func finding(_ column: String, _ issue: QualityIssue) -> QualityFinding {
            QualityFinding(column: column, issue: issue, value: .number(1), amount: nil)
        }
        var incidents = QualityIncidents(quiet: 3)
        var said: [String] = []
        let rows: [[QualityFinding]] = [
            [finding("a", .outOfRange)], [finding("a", .outlier)], [finding("a", .outlier), finding("b", .outOfRange)],
            [],
            [finding("c", .jump)], [finding("c", .notAllowed)], [], [], [], [finding("a", .outlier)],
        ]
        for row in rows {
            switch incidents.add(row) {
            case .opened(let incident): said.append("opened \(incident.columns.map(\.name))")
            case .grown(let incident): said.append("grown \(incident.severity) \(incident.count)")
            case .closed(let incident): said.append("closed \(incident.first)...\(incident.last)")
            case nil: said.append("")
            }
        }
        #expect(
            said == [
                "", "opened [\"a\"]", "", "", "grown warning 4", "grown critical 5", "", "", "closed 1...5",
                "opened [\"a\"]",
            ]
        )
    }
}

@Suite(.timeLimit(.minutes(2)))
struct DistanceTests {
    @Test(
        "Size-aware tests give one percent of false alarms at every size, and find a shift",
        arguments: [100, 300, 1_000]
    )
    func sizes(count: Int) {
        var generator = CounterGenerator(seed: UInt64(count))
        var alarms = [0, 0, 0]
        let runs = 200
        for _ in 0..<runs {
            let reference = Sample((0..<1_000).map { _ in generator.normal() })
            let current = Sample((0..<count).map { _ in generator.normal() })
            let results = [
                SizeAwareStability.test(reference, current), SizeAwareStability.jensenShannonTest(reference, current),
                SizeAwareStability.wassersteinTest(reference, current),
            ]
            for (index, result) in results.enumerated() where result.pValue < 0.01 { alarms[index] += 1 }
        }
        // 2 are expected; 9 or more have a probability under 0.001.
        #expect(alarms.allSatisfy { $0 < 9 }, "\(alarms)")
        let reference = Sample((0..<1_000).map { _ in generator.normal() })
        let moved = Sample((0..<count - 1).map { _ in generator.normal() + 0.8 } + [1e6])
        #expect(SizeAwareStability.wassersteinTest(reference, moved).pValue < 0.001)
        #expect(SizeAwareStability.wassersteinTest(reference, moved).statistic < 2)
        #expect(SizeAwareStability.jensenShannonTest(reference, moved).pValue < 0.001)
    }

    @Test("Sketches of one distribution do not look different whatever their size", arguments: [200, 256, 1024])
    func sketches(k: Int) {
        var generator = CounterGenerator(seed: UInt64(k))
        for run in 0..<3 as Range<UInt64> {
            var (a, b, c) = (
                QuantileSketch(k: k, seed: run), QuantileSketch(k: k, seed: run + 50), QuantileSketch(k: k)
            )
            // Three rank errors, and not less than chance moves samples of that size.
            let shift = max(3 * a.rankError, 0.015)
            for _ in 0..<100_000 {
                let (u, v) = (generator.uniform(), generator.uniform())
                a.add(u)
                b.add(v)
                c.add(v + shift)
            }
            #expect(QuantileSketch.test(a, b).pValue > 0.01)
            #expect(QuantileSketch.test(a, c).pValue < 0.01)
        }
    }

    @Test("Anderson-Darling's statistic is scipy's")
    func andersonDarling() {
        let a = Sample((0..<60).map { Double($0 * 37 % 101) / 7 })
        let b = Sample((0..<45).map { Double($0 * 53 % 97) / 6 + 1 })
        let answer = TwoSampleTests.andersonDarling(a, b)
        #expect(abs(answer.statistic - 1.1713221335790032) < 1e-9)
        #expect(abs(answer.pValue - 0.107) < 0.005)
    }

    @Test("Ties lie where NumPy's vectorized sort leaves them, and NumPy's permutation is drawn")
    func numpy() {
        func sum(_ values: [Double]) -> Int {
            let order = VectorOrder.ascending(values)
            #expect(zip(order, order.dropFirst()).allSatisfy { values[$0] <= values[$1] })
            return order.enumerated().reduce(0) { $0 + $1.element * ($1.offset + 1) } % 1_000_000_007
        }
        #expect(sum((0..<1_000).map { Double($0 * 7919 % 13) }) == 250_352_980)
        #expect(sum((0..<5_000).map { Double($0 * 7919 % 13) }) == 268_274_122)
        #expect(sum((0..<4_000).map { $0 % 50 == 0 ? 7 : Double($0 * $0 % 3) }) == 387_111_966)
        var generator = MersenneTwister(seed: 42)
        #expect(generator.permuted(Array(0..<10)) == [8, 1, 5, 0, 7, 2, 9, 4, 3, 6])
    }

    @Test("A classifier sees columns that drift only together, and nothing where nothing changed")
    func joint() throws {
        var generator = CounterGenerator(seed: 6)
        func rows(_ together: Double) -> [[Double]] {
            (0..<600).map { _ in
                let x = generator.normal()
                let y = together * x + (1 - together * together).squareRoot() * generator.normal()
                return [x, y, generator.normal()]
            }
        }
        let (reference, same, turned) = (rows(0.8), rows(0.8), rows(-0.8))
        let names = ["x", "y", "z"]
        let still = try #require(DomainClassifier(reference: reference, current: same, names: names))
        #expect(still.pValue > 0.01)
        let moved = try #require(DomainClassifier(reference: reference, current: turned, names: names))
        #expect(moved.pValue < 1e-6 && moved.areaUnderCurve > 0.6)
        #expect(moved.contributions.last?.name == "z")
        #expect(KolmogorovSmirnov.test(Sample(reference.map { $0[1] }), Sample(turned.map { $0[1] })).pValue > 0.001)
        #expect(DomainClassifier(reference: Array(reference.prefix(10)), current: same, names: names) == nil)
    }
}

@Suite(.timeLimit(.minutes(2)))
struct BudgetTests {
    @Test("Hardly any of many monitors ever alarms over hundreds of batches, and a shift is found in the next one")
    func wholeRun() {
        var generator = CounterGenerator(seed: 12)
        var everAlarmed = 0
        let (columns, batches) = (20, 100)
        for _ in 0..<10 {
            let references = (0..<columns).map { _ in Sample((0..<200).map { _ in generator.normal() }) }
            var budget = DriftBudget(alpha: 0.05)
            var hasAlarmed = false
            for _ in 0..<batches {
                let p = references.map { reference in
                    let batch = Sample((0..<50).map { _ in generator.normal() })
                    return KolmogorovSmirnov.test(reference, batch, method: .asymptotic).pValue
                }
                if budget.add(p).contains(true) { hasAlarmed = true }
            }
            if hasAlarmed { everAlarmed += 1 }
            let moved = references.enumerated().map { index, reference in
                let batch = Sample((0..<200).map { _ in generator.normal() + (index == 3 ? 1 : 0) })
                return KolmogorovSmirnov.test(reference, batch, method: .asymptotic).pValue
            }
            #expect(budget.add(moved) == (0..<columns).map { $0 == 3 })
        }
        #expect(everAlarmed <= 2)
    }

    @Test("All that is ever spent is the budget")
    func series() {
        var budget = DriftBudget(alpha: 0.05)
        var spent = 0.0
        for _ in 0..<100_000 {
            spent += budget.nextShare
            _ = budget.add([])
        }
        #expect(spent < 0.05 && spent > 0.045)
    }

    @Test("An estimate for moved inputs is nearer than one that takes the reference for all")
    func shifted() {
        // Two groups with the same scores; in the second the model is wrong more often, and later there is more of it.
        var generator = CounterGenerator(seed: 21)
        func rows(_ share: Double) -> (answers: BinaryAnswers, inputs: [[Double]]) {
            var (scores, labels, groups): ([Double], [Bool], [Double]) = ([], [], [])
            for _ in 0..<3_000 {
                let isSecond = generator.uniform() < share
                scores.append(0.6 + 0.3 * generator.uniform())
                labels.append(generator.uniform() < (isSecond ? 0.55 : 0.9))
                groups.append(isSecond ? 1 : 0)
            }
            let answers = BinaryAnswers(scores: scores, answers: scores.map { _ in true }, labels: labels)
            return (answers, [groups])
        }
        let (reference, now) = (rows(0.2), rows(0.8))
        let plain = BinaryConfidenceEstimator(reference: reference.answers, chunkSize: 1_000)
        let shifted = ShiftedConfidenceEstimator(reference: reference.answers, columns: reference.inputs, flattening: 1)
        let truth = now.answers.realized(.accuracy, 0..<3_000)
        let gap = abs(plain.estimate(.accuracy, now.answers) - truth)
        #expect(gap > 0.15)
        #expect(abs(shifted.estimate(.accuracy, now.answers, inputs: now.inputs) - truth) < 0.05)
    }
}
