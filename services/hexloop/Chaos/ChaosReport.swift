import FoundationEssentials
import Glibc
import Membership

/// The results as a part of docs/reliability.md; rows of scenarios that were not run now stay as they are.
struct ChaosReport {
    let results: [ChaosResult]

    static let begin = "<!-- begin: written by 'hexloop chaos --report' -->"
    static let end = "<!-- end -->"
    private static let titles = [
        "scenario", "list", "seed", "seconds", "events", "acknowledged", "faults", "lost", "duplicated",
        "jobs repeated", "remark",
    ]

    /// Replaces what is between the marks.
    /// - Throws: ``CommandError`` when the file cannot be read or has no marks.
    func write(to path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read")
        }
        let parts = String(decoding: data, as: UTF8.self)
            .split(separator: Self.begin, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2,
            case let rest = parts[1].split(separator: Self.end, maxSplits: 1, omittingEmptySubsequences: false),
            rest.count == 2
        else { throw CommandError("\(path) has no line '\(Self.begin)' with '\(Self.end)' after it") }
        let text =
            parts[0] + Self.begin + "\n" + lines(after: rest[0]).joined(separator: "\n") + "\n" + Self.end + rest[1]
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private func lines(after old: Substring) -> [String] {
        var rows: [String: [String]] = [:]
        for line in old.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = Self.cells(line)
            if cells.count == Self.titles.count { rows[cells[0]] = cells }
        }
        for result in results { rows["`\(result.scenario)`"] = Self.row(result) }
        let ordered = ChaosScenario.all.compactMap { rows["`\($0.name)`"] }
        func sum(_ title: String) -> Int {
            guard let column = Self.titles.firstIndex(of: title) else { return 0 }
            return ordered.reduce(0) { $0 + (Int($1[column]) ?? 0) }
        }
        var machine = utsname()
        uname(&machine)
        let release = withUnsafeBytes(of: &machine.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return [
            "",
            "\(Member.clock().dateAndClock.prefix(10)), \(ProcessInfo.processInfo.activeProcessorCount) cores, "
                + "Linux \(release): \(ordered.count) scenarios, \(sum("events")) events, \(sum("faults")) faults, "
                + "**\(sum("lost")) lost, \(sum("duplicated")) duplicated**. The numbers of the list are those of the "
                + "fault list of the specification.",
            "",
            "| " + Self.titles.joined(separator: " | ") + " |",
            "|---|---|" + String(repeating: "---:|", count: 8) + "---|",
        ] + ordered.map { "| " + $0.joined(separator: " | ") + " |" } + [
            "", "| list | what | where |", "|---|---|---|",
        ] + ChaosScenario.elsewhere.map { "| \($0.covers) | \($0.what) | \($0.place) |" } + [""]
    }

    private static func cells(_ line: Substring) -> [String] {
        line.split(separator: "|").map { cell in
            String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func row(_ result: ChaosResult) -> [String] {
        let name = "`\(result.scenario)`"
        if let skipped = result.skipped {
            return [name, result.covers] + Array(repeating: "-", count: 8) + ["not run: \(skipped)"]
        }
        let remarks = (result.problems + [result.remark]).filter { !$0.isEmpty }
        return [
            name, result.covers, "\(result.seed)", result.seconds.fixed(1), "\(result.events)",
            "\(result.acknowledged)", "\(result.faults)", "\(result.lost)", "\(result.duplicated)",
            "\(result.jobsRepeated)", remarks.isEmpty ? "-" : remarks.joined(separator: "; "),
        ]
    }
}
