import Decay
import FoundationEssentials

/// What `hexloop decay scan` says.
struct ScanReport: Codable {
    /// The table that was looked at.
    let file: String
    /// What it was compared with.
    let reference: String
    /// Columns, tests and findings.
    let comparison: TableComparison
    /// What all columns together say; nil when nobody asked or there is too little.
    let joint: JointComparison?

    /// Whether any column drifted, or all of them together.
    var hasDrifted: Bool {
        !comparison.drifted.isEmpty || joint.map { $0.classifier.pValue <= comparison.settings.alpha } ?? false
    }
    /// Whether any finding is more than a note.
    var hasBadCells: Bool { comparison.severity.map { $0 > .note } ?? false }

    /// Reads both files and compares them.
    /// - Throws: ``CommandError`` that names the file.
    init(
        file: String,
        reference: String,
        files: TableFile.Settings,
        settings: TableComparison.Settings,
        isJoint: Bool
    ) throws {
        let before = try TableFile(path: reference, settings: files).read()
        guard before.profile.rows > 0 else { throw CommandError("\(reference): there are titles and no rows") }
        let now = try TableFile(path: file, settings: files).read(against: before.profile)
        guard now.profile.rows > 0 else { throw CommandError("\(file): there are titles and no rows") }
        guard !before.profile.columns.isEmpty else { throw CommandError("\(reference): no column is left") }
        let names = Set(now.profile.columns.map(\.name))
        guard before.profile.columns.contains(where: { names.contains($0.name) }) else {
            throw CommandError(
                "\(file) and \(reference) have no column in common: "
                    + "\(Self.list(now.profile.columns.map(\.name))) and "
                    + "\(Self.list(before.profile.columns.map(\.name))); is there a line of titles in both (--titles)?"
            )
        }
        var comparison = TableComparison(reference: before.profile, current: now.profile, settings: settings)
        for (read, path) in [(before, reference), (now, file)] where read.ragged > 0 {
            comparison.findings.append(
                TableComparison.Finding(
                    column: "",
                    severity: .warning,
                    text: "\(read.ragged) rows of \(path) have another number of fields than the titles, "
                        + "the first in line \(read.firstRaggedLine)"
                )
            )
        }
        self.file = file
        self.reference = reference
        self.comparison = comparison
        joint = isJoint ? JointComparison(reference: before.profile, current: now.profile) : nil
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(4).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 4 ? ", ..." : "")
    }

    /// The report for a program.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        return String(decoding: try encoder.encode(Answer(self)), as: UTF8.self)
    }

    /// What JSON holds beside the report itself, for those who only look at the verdict.
    private struct Answer: Encodable {
        let file: String
        let reference: String
        let hasDrifted: Bool
        let hasBadCells: Bool
        let drifted: [String]
        let comparison: TableComparison
        let joint: JointComparison?

        init(_ report: ScanReport) {
            file = report.file
            reference = report.reference
            hasDrifted = report.hasDrifted
            hasBadCells = report.hasBadCells
            drifted = report.comparison.drifted.map(\.name)
            comparison = report.comparison
            joint = report.joint
        }
    }

    // MARK: - Text

    /// The verdict in one sentence.
    var verdict: String {
        let (count, all) = (comparison.drifted.count, comparison.columns.count)
        return "\(count) of \(all) \(all == 1 ? "column" : "columns") drifted"
            + (count > 0 ? ": " + Self.list(comparison.drifted.map(\.name)) : "")
    }

    /// How it was judged.
    var method: String {
        let correction =
            !comparison.settings.isCorrected
            ? "each column by itself"
            : comparison.settings.correction == .holm
                ? "any false alarm, after Holm" : "false alarms among alarms, after Benjamini and Hochberg"
        return "alpha \(comparison.settings.alpha): \(correction)"
    }

    static let columns = [
        "column", "kind", "drift", ">stability", ">p", "by", ">mean before", ">now", ">missing", ">now",
    ]

    static func cells(_ column: ColumnComparison) -> [String] {
        let test = column.measures.filter(\.decides).min { ($0.pValue ?? 1) < ($1.pValue ?? 1) }?.name ?? "–"
        return [
            column.name, column.kind.rawValue, column.isDrifted ? column.size.rawValue : "no",
            column.stabilityIndex.map { $0.fixed(3) } ?? "–", probability(column.adjusted), test,
            column.reference.mean.map(\.short) ?? "–", column.current.mean.map(\.short) ?? "–",
            "\((column.reference.missingShare * 100).fixed(1))%", "\((column.current.missingShare * 100).fixed(1))%",
        ]
    }

    static func probability(_ p: Double) -> String {
        guard p > 0, p < 0.001 else { return p.fixed(3) }
        var (mantissa, exponent) = (p, 0)
        while mantissa < 1, exponent < 400 { (mantissa, exponent) = (mantissa * 10, exponent + 1) }
        return "\(mantissa.fixed(1))e-\(exponent)"
    }

    func write(to terminal: Terminal, top: Int) {
        terminal.line(terminal.paint(verdict, hasDrifted ? .yellow : .green))
        terminal.line(
            "\(file), \(comparison.rows) rows, against \(reference), \(comparison.referenceRows) rows; \(method)"
        )
        terminal.line()
        var table = TextTable(Self.columns)
        for column in comparison.columns.prefix(top) { table.add(Self.cells(column)) }
        table.write(to: terminal)
        if comparison.columns.count > top { terminal.line("and \(comparison.columns.count - top) more (--top 0)") }
        if let joint {
            terminal.line()
            for line in joint.lines { terminal.line(line) }
        }
        guard !comparison.findings.isEmpty else { return }
        terminal.line()
        for finding in comparison.findings.prefix(top) {
            let style: Terminal.Style =
                finding.severity == .critical ? .red : finding.severity == .warning ? .yellow : .plain
            let place = finding.column.isEmpty ? "table" : finding.column
            terminal.line("\(terminal.paint("\(finding.severity)".padded(8), style))  \(place): \(finding.text)")
        }
        if comparison.findings.count > top {
            terminal.line("and \(comparison.findings.count - top) more findings (--top 0)")
        }
    }
}

extension JointComparison {
    /// What it says, in sentences.
    var lines: [String] {
        var lines = [
            "A classifier tells old rows from new ones with an area of \(classifier.areaUnderCurve.fixed(3)), "
                + "p \(ScanReport.probability(classifier.pValue)) (0.5 is chance)"
                + (classifier.contributions.isEmpty
                    ? ""
                    : "; by "
                        + classifier.contributions.prefix(3).map { "\($0.name) \(($0.share * 100).fixed(0))%" }
                        .joined(separator: ", "))
        ]
        if apart.pValue < 0.001 {
            lines.append(
                "\((apart.seen * 100).fixed(1))% of the rows stand apart from the reference; "
                    + "\((apart.expected * 100).fixed(1))% is usual"
            )
        }
        return lines
    }
}
