import Decay
import Foundation
import Testing

@testable import HexloopApp

/// Crude oil from 2019 to 2021, with the day on which its price was negative. The model is an autoregression over five
/// days, fitted on 2015 to 2018 and then frozen.
@Suite(.timeLimit(.minutes(1)))
struct OilScenarioTests {
    private let dates: [String]
    private let prices: [Double]
    private let weights: [Double]
    private let training: [Int]

    init() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../examples/oil-price/wti-daily.csv")
        let rows = try String(contentsOf: path, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst()
            .map { $0.split(separator: ",") }
        let (dates, prices) = (rows.map { String($0[0]) }, rows.map { Double($0[1]) ?? .nan })
        let training = dates.indices.filter { dates[$0] >= "2015-01-02" && dates[$0] < "2019-01-02" }
        weights = Self.leastSquares(training.map { Self.row(prices, $0) }, training.map { prices[$0] })
        (self.dates, self.prices, self.training) = (dates, prices, training)
    }

    private static func row(_ prices: [Double], _ day: Int) -> [Double] { [1] + (1...5).map { prices[day - $0] } }

    /// By the normal equations.
    private static func leastSquares(_ rows: [[Double]], _ targets: [Double]) -> [Double] {
        let size = rows[0].count
        var a = [[Double]](repeating: [Double](repeating: 0, count: size + 1), count: size)
        for (row, target) in zip(rows, targets) {
            for i in 0..<size {
                for j in 0..<size { a[i][j] += row[i] * row[j] }
                a[i][size] += row[i] * target
            }
        }
        for i in 0..<size {
            let pivot = (i..<size).max { abs(a[$0][i]) < abs(a[$1][i]) } ?? i
            a.swapAt(i, pivot)
            for k in 0..<size where k != i {
                let factor = a[k][i] / a[i][i]
                for j in i...size { a[k][j] -= factor * a[i][j] }
            }
        }
        return (0..<size).map { a[$0][size] / a[$0][$0] }
    }

    private func error(_ day: Int) -> Double {
        abs(prices[day] - zip(weights, Self.row(prices, day)).reduce(0) { $0 + $1.0 * $1.1 })
    }

    @Test("Performance breaches on 2020-03-10, recovers on the first day under the warning line, and nothing before")
    func performance() throws {
        let settings = try RollingErrorMonitor.Settings(
            reference: training.map { error($0) },
            window: 21,
            rearmAfter: 1_000
        )
        #expect(abs(settings.baseline - 0.8956516768976261) < 1e-6)
        #expect(abs((settings.breachLevel - settings.baseline) / 3 - 0.26395946015193534) < 1e-6)
        var monitor = RollingErrorMonitor(settings: settings)
        var signals: [String] = []
        for day in dates.indices where dates[day] >= "2019-01-02" && dates[day] < "2022" {
            switch monitor.add(error: error(day), key: dates[day], at: Double(day)) {
            case .suspected: signals.append("warning \(dates[day])")
            case .detected: signals.append("breach \(dates[day])")
            case .cleared: signals.append("recovery \(dates[day])")
            case nil: break
            }
        }
        #expect(signals.first == "warning 2019-09-23")
        let breaches = signals.filter { $0.hasPrefix("breach") }
        #expect(breaches == ["breach 2020-03-10", "breach 2021-11-30"])
        #expect(signals.contains { $0 > "recovery 2020-05-22" && $0 < "recovery 2020-06-30" })
    }

    @Test("The sequential test on the errors says decay in March 2020 and never before")
    func sequential() {
        var watch = ValueWatch(side: .up)
        for day in training { _ = watch.add(error(day)) }
        var alarms: [String] = []
        for day in dates.indices where dates[day] >= "2019-01-02" && dates[day] < "2022" {
            if watch.add(error(day)) == .drift { alarms.append(dates[day]) }
        }
        #expect(alarms.first.map { $0 >= "2020-03-09" && $0 <= "2020-03-31" } == true, "\(alarms)")
        #expect(alarms.count <= 3)
    }

    @Test(
        "The negative price is critical on its day, in the incident that is open, and leaves what was learned unharmed"
    )
    func quality() throws {
        var profile = ColumnProfile(name: "price", kind: .numeric)
        for day in training { profile.add(.number(prices[day])) }
        var expectation = profile.expectation
        expectation.allowed = 0.01...1_000
        // The first change is that from the last day before.
        expectation.change = RobustLevel(training.map { ((prices[$0] - prices[$0 - 1]) * 100).rounded() / 100 })
        #expect(expectation.seen == 26.19...77.41)
        #expect(expectation.change?.limit == RobustLevel.limitMin)
        #expect(abs((expectation.change?.deviation ?? 0) - 1.022995530768862) < 1e-9)
        var watch = QualityWatch(expectation)
        var incidents = QualityIncidents(quiet: 21)
        var (jumps, outside, signals): ([String], Int, [String]) = ([], 0, [])
        for day in dates.indices where dates[day] >= "2019-01-02" && dates[day] < "2022" {
            let findings = watch.add(.number(prices[day]))
            if findings.contains(where: { $0.issue == .jump }) { jumps.append(dates[day]) }
            if findings.contains(where: { $0.issue == .outOfRange }) { outside += 1 }
            if dates[day] == "2020-04-20" {
                #expect(findings.map(\.issue).contains(.notAllowed))
                let jump = findings.first { $0.issue == .jump }?.amount ?? 0
                #expect(abs(jump + 54.07) < 0.1)
            }
            switch incidents.add(findings) {
            case .opened(let incident): signals.append("opened \(dates[day]) \(incident.severity)")
            case .grown(let incident): signals.append("grown \(dates[day]) \(incident.severity)")
            case .closed, nil: break
            }
        }
        #expect(jumps == ["2019-09-16", "2020-03-09", "2020-04-20", "2020-04-21", "2021-11-29"])
        #expect(outside == 74)
        #expect(
            signals == [
                "opened 2019-09-16 warning", "opened 2020-03-09 warning", "grown 2020-04-20 critical",
                "opened 2021-11-29 warning",
            ]
        )
        // The reference is a value that no cell changes.
        #expect(watch.expectation == expectation)
        var sketch = QuantileSketch()
        for day in dates.indices { sketch.add(prices[day]) }
        #expect(sketch.minimum == -36.98)
        #expect((sketch.quantile(0.5) ?? 0) > 20)
    }

    @Test("A moved level of prices is drift of the data and not of the model")
    func level() {
        let reference = Sample(training.map { prices[$0] })
        let window = dates.indices.filter { dates[$0] >= "2019-03-01" && dates[$0] < "2019-04-01" }
        #expect(KolmogorovSmirnov.test(reference, Sample(window.map { prices[$0] })).pValue < 0.05)
    }
}
/// The electricity market of New South Wales, and a logistic regression of its first 13 weeks, frozen.
@Suite(.timeLimit(.minutes(1)))
struct ElectricityScenarioTests {
    /// Half hours of a quarter of 13 weeks.
    private static let quarter = 4_368

    @Test("Warnings by quarter 3, one event for retraining in quarter 4, recovery in quarter 8, few events at all")
    func performance() throws {
        let errors = try GoldenTests.folder.numbers(["stream": "elec2_frozen_lr_err"])
        var watch = ErrorWatch()
        var (warnings, alarms, recoveries): ([Int], [Int], [Int]) = ([], [], [])
        for (row, error) in errors.enumerated() {
            let before = watch.improvements
            switch watch.add(error) {
            case .drift: alarms.append(row / Self.quarter + 1)
            case .warning: warnings.append(row / Self.quarter + 1)
            case .none: break
            }
            if watch.improvements > before { recoveries.append(row / Self.quarter + 1) }
        }
        #expect(warnings.contains(3))
        #expect(alarms.first.map { $0 == 4 || $0 == 5 } == true, "\(alarms)")
        #expect(alarms.count <= 12)
        #expect(recoveries.last == 8, "\(recoveries)")
    }

    @Test("Weeks under three deviations of the reference's are breaches of the weekly rate")
    func weeks() throws {
        let errors = try GoldenTests.folder.numbers(["stream": "elec2_frozen_lr_err"])
        let settings = try RollingErrorMonitor.Settings(
            reference: Array(errors.prefix(Self.quarter)),
            window: 336,
            rearmAfter: 100_000
        )
        let weeks = stride(from: Self.quarter, through: errors.count - 336, by: 336).filter { start in
            errors[start..<start + 336].reduce(0, +) / 336 > settings.breachLevel
        }
        #expect(weeks.map { $0 / 336 } == [67, 88])
    }

    @Test("The label-free estimate is withdrawn within the second chunk, and stays where it is right")
    func trust() throws {
        for (name, isWithdrawn) in [("elec2_frozen_lr", true), ("car_loan", false)] {
            let (reference, rows) = (try Self.answers(name + ".ref"), try Self.answers(name + ".ana"))
            let estimator = BinaryConfidenceEstimator(reference: reference, chunkSize: 2_184)
            var trust = EstimateTrust()
            var withdrawn: Int?
            for (row, p) in estimator.probabilities(rows.scores).enumerated() {
                let (answer, label) = (rows.answers[row], rows.labels[row])
                if trust.add(probabilityRight: answer ? p : 1 - p, wasRight: answer == label) { withdrawn = row }
            }
            #expect((withdrawn != nil) == isWithdrawn, "\(name)")
            if let withdrawn { #expect(withdrawn < 2 * 2_184) }
        }
    }

    @Test("Nor is the estimate of a classifier of three classes withdrawn where it is right")
    func trustOfClasses() throws {
        func answers(_ name: String) throws -> MulticlassAnswers {
            let stream = try GoldenTests.folder.stream(name)
            let classes = try #require(stream["classes"].elements).compactMap(\.string)
            return MulticlassAnswers(
                scores: try classes.map { try #require(stream["proba"][$0].numbers) },
                answers: try #require(stream["y_pred"].digits),
                labels: try #require(stream["y_true"].digits)
            )
        }
        let (reference, rows) = (try answers("credit_mc.ref"), try answers("credit_mc.ana"))
        let estimator = MulticlassConfidenceEstimator(reference: reference, chunkSize: 2_000)
        let probabilities = estimator.probabilities(rows.scores)
        var trust = EstimateTrust()
        for (row, answer) in rows.answers.enumerated() {
            let isWithdrawn = trust.add(
                probabilityRight: probabilities[answer][row],
                wasRight: answer == rows.labels[row]
            )
            #expect(!isWithdrawn, "row \(row)")
        }
    }

    private static func answers(_ name: String) throws -> BinaryAnswers {
        let stream = try GoldenTests.folder.stream(name)
        return BinaryAnswers(
            scores: try #require(stream["y_pred_proba"].numbers),
            answers: try #require(stream["y_pred"].bits),
            labels: try #require(stream["y_true"].bits)
        )
    }

    @Test("Three columns that begin to vary are one incident within a day")
    func merger() throws {
        guard let path = Self.table else {
            print("skipped: there is no ../shared/data/elec2 beside this repository")
            return
        }
        let rows = try Self.unpacked(path).split(separator: "\n").map { $0.split(separator: ",") }
        let names = rows[0].map(String.init)
        let chosen = ["nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
        let places = try chosen.map { try #require(names.firstIndex(of: $0)) }
        func cell(_ row: Int, _ place: Int) -> CellValue { .number(Double(rows[row + 1][place]) ?? .nan) }
        var watches = chosen.enumerated().map { index, name in
            var profile = ColumnProfile(name: name, kind: .numeric)
            for row in 0..<Self.quarter { profile.add(cell(row, places[index])) }
            return QualityWatch(profile.expectation)
        }
        var incidents = QualityIncidents(quiet: 48)
        var signals: [(row: Int, incident: QualityIncidents.Incident)] = []
        for row in Self.quarter..<rows.count - 1 {
            let findings = watches.indices.flatMap { watches[$0].add(cell(row, places[$0])) }
            if let signal = incidents.add(findings.filter { $0.issue == .constantVaries }) {
                if case .closed = signal { continue }
                signals.append((row, signal.incident))
            }
        }
        #expect(signals.count == 1)
        #expect(signals.first.map { (17_424..<17_472).contains($0.row) } == true)
        #expect(signals.first?.incident.columns.map(\.name) == ["vicprice", "vicdemand", "transfer"])
    }

    private static let table: URL? = {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../shared/data/elec2/elec2.csv.gz")
        return FileManager.default.fileExists(atPath: path.path) ? path : nil
    }()

    private static func unpacked(_ path: URL) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", path.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
