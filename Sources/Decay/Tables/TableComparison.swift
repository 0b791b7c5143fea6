/// A table against its reference: which columns drifted, and what is wrong with the cells.
public struct TableComparison: Codable, Sendable, Hashable {
    /// How a table is judged.
    public struct Settings: Codable, Sendable, Hashable {
        /// Share or probability of false alarms, as the correction promises it.
        public var alpha = 0.01
        /// How looking at many columns is accounted for.
        public var correction = MultipleTesting.benjaminiHochberg
        /// Whether looking at many columns is accounted for at all.
        public var isCorrected = true
        /// Drift of a smaller stability index is told of and does not count.
        public var indexMin = 0.0

        /// The defaults.
        public init() {}
    }

    /// What is wrong with a column, or with whole rows.
    public struct Finding: Codable, Sendable, Hashable {
        /// Name of the column; empty for whole rows.
        public var column: String
        /// How bad it is.
        public var severity: QualitySeverity
        /// What is wrong, in a sentence.
        public var text: String

        /// Keeps the words.
        public init(column: String, severity: QualitySeverity, text: String) {
            self.column = column
            self.severity = severity
            self.text = text
        }
    }

    /// How it was judged.
    public var settings: Settings
    /// Rows of the reference.
    public var referenceRows: Int
    /// Rows now.
    public var rows: Int
    /// All columns of both tables, those that drifted most first.
    public var columns: [ColumnComparison]
    /// What is wrong with the cells, the worst first.
    public var findings: [Finding]

    /// Columns that drifted.
    public var drifted: [ColumnComparison] { columns.filter(\.isDrifted) }
    /// The worst severity of any finding; nil without one.
    public var severity: QualitySeverity? { findings.map(\.severity).max() }

    /// Findings that chance explains with more than this are left out.
    static let findingAlpha = 0.001
    /// Fewer rows than this say nothing of drift.
    public static let rowsMin = 20

    /// Compares two profiles by the names of their columns.
    ///
    /// - Parameter current: Made with the expectations of `reference`.
    public init(reference: TableProfile, current: TableProfile, settings: Settings = Settings()) {
        self.settings = settings
        referenceRows = reference.rows
        rows = current.rows
        let now = Dictionary(current.columns.map { ($0.name, $0) }) { first, _ in first }
        let before = Dictionary(reference.columns.map { ($0.name, $0) }) { first, _ in first }
        var columns = reference.columns.compactMap { column in
            now[column.name].map { ColumnComparison(column, $0) }
        }
        var findings: [Finding] = []
        for column in reference.columns where now[column.name] == nil {
            findings.append(Finding(column: column.name, severity: .critical, text: "the column is not there any more"))
        }
        for column in current.columns where before[column.name] == nil {
            findings.append(Finding(column: column.name, severity: .warning, text: "the reference has no such column"))
        }
        if min(referenceRows, rows) < Self.rowsMin {
            let side = rows < Self.rowsMin ? "the table has \(rows)" : "the reference has \(referenceRows)"
            findings.append(
                Finding(column: "", severity: .warning, text: "\(side) rows; drift is judged from \(Self.rowsMin) on")
            )
        } else {
            let p = columns.map(\.pValue)
            let adjusted = settings.isCorrected ? settings.correction.adjusted(p) : p
            for index in columns.indices {
                columns[index].adjusted = adjusted[index]
                columns[index].isDrifted =
                    adjusted[index] <= settings.alpha && columns[index].stabilityIndex ?? 0 >= settings.indexMin
            }
        }
        findings += columns.flatMap { Self.findings(of: $0, before[$0.name], now[$0.name]) }
        let wild = Set(current.tallies.filter { $0.issue == .outlier }.map(\.column))
        findings += current.tallies.compactMap { tally in
            // The steps to an outlier and back are no news.
            tally.issue == .jump && wild.contains(tally.column)
                ? nil : Self.finding(tally, before[tally.column], current.rows)
        }
        if let finding = Self.repeats(reference, current) { findings.append(finding) }
        self.columns = columns.enumerated().sorted { first, second in
            let (a, b) = (first.element, second.element)
            if a.isDrifted != b.isDrifted { return a.isDrifted }
            let (x, y) = (a.stabilityIndex ?? 0, b.stabilityIndex ?? 0)
            return a.isDrifted && x != y ? x > y : (a.adjusted, first.offset) < (b.adjusted, second.offset)
        }.map(\.element)
        self.findings = findings.enumerated().sorted {
            ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
        }.map(\.element)
    }

    /// What the figures of both sides say.
    private static func findings(
        of column: ColumnComparison,
        _ before: ColumnProfile?,
        _ now: ColumnProfile?
    ) -> [Finding] {
        guard let before, let now, now.rows > 0, before.rows > 0 else { return [] }
        func finding(_ severity: QualitySeverity, _ text: String) -> Finding {
            Finding(column: column.name, severity: severity, text: text)
        }
        var findings: [Finding] = []
        let expected = (Double(before.missing) + 1) / (Double(before.rows) + 2)
        if now.missing == now.rows {
            if before.missing < before.rows { findings.append(finding(.critical, "all cells are missing")) }
        } else if now.missing > 0,
            Distributions.binomialTail(now.missing - 1, now.rows, expected) < findingAlpha,
            RateTests.proportions(before.missing, of: before.rows, against: now.missing, of: now.rows).pValue
                < findingAlpha
        {
            let (old, new) = (percent(before.missingShare), percent(now.missingShare))
            findings.append(finding(.warning, "\(new) of the cells are missing and were \(old)"))
        }
        if before.distinct > 1, now.distinct == 1, now.valued >= QualityWatch.runMin {
            findings.append(finding(.warning, "all cells are the same; the reference has \(before.distinct) values"))
        }
        return findings
    }

    private static func finding(_ tally: TableProfile.Tally, _ before: ColumnProfile?, _ rows: Int) -> Finding? {
        guard let before else { return nil }
        let first = tally.firstRow + 1
        let places = tally.count == 1 ? "row \(first)" : "\(tally.count) rows, the first \(first)"
        let worst = QualityWatch.word(tally.worst.value)
        let atRow = tally.count == 1 ? "" : " in row \(tally.worstRow + 1)"
        func isChance(_ share: Double) -> Bool {
            Distributions.binomialTail(tally.count - 1, rows, min(1, share)) >= findingAlpha
        }
        let text: String
        switch tally.issue {
        // The shares of both sides say it better.
        case .missing, .duplicate: return nil
        case .wrongType:
            let others = before.wrongType + before.infinite
            if others > 0, isChance((Double(others) + 1) / Double(before.rows)) { return nil }
            text = "text where numbers are expected: '\(worst.prefix(40))' (\(places))"
        case .notAllowed: text = "\(worst)\(atRow) is not permitted (\(places))"
        case .outOfRange:
            // Some of any sample lie outside of what another held.
            if isChance(2 / Double(before.valued + 1)) { return nil }
            text = "numbers outside of what the reference holds, such as \(worst) (\(places))"
        case .outlier:
            guard let level = before.expectation.level, let amount = tally.worst.amount else { return nil }
            if level.outsideShare > 0, isChance(level.outsideShare) { return nil }
            text = "outlier: \(worst)\(atRow) is \(rounded(amount)) robust deviations from the median (\(places))"
        case .jump:
            guard let change = before.expectation.change, let amount = tally.worst.amount else { return nil }
            if change.outsideShare > 0, isChance(change.outsideShare) { return nil }
            text = "jump to \(worst)\(atRow): \(rounded(amount)) robust deviations of the usual step (\(places))"
        case .unseenCategory:
            text = "words that the reference does not hold, such as '\(worst.prefix(40))' (\(places))"
        case .constantVaries: text = "constant in the reference, and '\(worst.prefix(40))' in row \(first)"
        case .stale:
            let length = rounded(tally.worst.amount ?? 0)
            text = "'\(worst.prefix(40))' \(length) times in succession, up to row \(first)"
        }
        return Finding(column: tally.column, severity: tally.issue.severity, text: text)
    }

    private static func repeats(_ reference: TableProfile, _ current: TableProfile) -> Finding? {
        let (before, now) = (reference.repeatedShare, current.repeatedShare)
        let count = Int((now * Double(current.rows)).rounded())
        let expected = min(1, before + 1 / Double(max(1, reference.rows)))
        guard count > 0, Distributions.binomialTail(count - 1, current.rows, expected) < findingAlpha else {
            return nil
        }
        return Finding(
            column: "",
            severity: .warning,
            text: "\(percent(now)) of the rows were there before, and \(percent(before)) in the reference"
        )
    }

    private static func percent(_ share: Double) -> String {
        share > 0 && share < 0.001 ? "under 0.1 %" : "\((share * 1000).rounded() / 10) %"
    }

    private static func rounded(_ value: Double) -> String {
        guard abs(value) < 100, value != value.rounded() else {
            return "\(Int(max(-1e15, min(1e15, value.rounded()))))"
        }
        return "\((value * 10).rounded() / 10)"
    }
}
