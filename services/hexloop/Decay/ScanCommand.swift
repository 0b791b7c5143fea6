import ArgumentParser
import Decay
import FoundationEssentials

extension DecayCommand {
    struct Scan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares a table with its reference: drift of each column, and what is wrong with the cells.",
            discussion: """
                Both files are read once, in bounded memory: a CSV file with titles, or an .npy file of one or two \
                dimensions. Columns are matched by name and may be in another order.

                Each column is tested by its kind, the probabilities are corrected for the number of columns, and \
                every measure knows how many rows it was taken of. One wild value neither hides a drift nor makes one; \
                it is named as an outlier. Ends with 0, with 1 when a file cannot be used, and with 2 when there is \
                what --fail-on names.
                """
        )

        enum Failure: String, ExpressibleByArgument, CaseIterable {
            case drift, quality, any, never
        }

        @Argument(help: ArgumentHelp("The table, as .csv or .npy.", valueName: "file"))
        var file: String

        @Option(help: ArgumentHelp("What it is compared with, as .csv or .npy.", valueName: "file"))
        var reference: String

        @Option(help: ArgumentHelp("Share of false alarms that is accepted, 0.000001...0.5.", valueName: "share"))
        var alpha = 0.01

        @Option(
            help: ArgumentHelp(
                "How the number of columns is accounted for: bh keeps the share of false alarms among alarms, holm the "
                    + "probability of any.",
                valueName: "bh|holm|none"
            )
        )
        var correction = Correction.bh

        @Option(
            help: ArgumentHelp("Drift of a smaller stability index does not count, 0...10.", valueName: "index")
        )
        var indexMin = 0.0

        @Option(help: ArgumentHelp("Columns to leave out, with commas between them.", valueName: "names"))
        var ignore: String?

        @Option(help: ArgumentHelp("Whether the first line has titles: auto, yes or no.", valueName: "auto|yes|no"))
        var titles = TableFile.Titles.auto

        @Option(
            help: ArgumentHelp("The character between fields; found by itself otherwise.", valueName: "character")
        )
        var separator: String?

        @Option(help: ArgumentHelp("Lines of the report, 0 for all.", valueName: "count"))
        var top = 30

        @Flag(help: "Print the report as JSON.")
        var json = false

        @Option(help: ArgumentHelp("Where the report goes as a page with drawings.", valueName: "file"))
        var html: String?

        @Flag(help: "Also look at all columns together: a classifier of old and new rows, and rows that stand apart.")
        var joint = false

        @Option(help: ArgumentHelp("End with 2 for: drift, quality, any or never.", valueName: "what"))
        var failOn = Failure.never

        enum Correction: String, ExpressibleByArgument, CaseIterable {
            case bh, holm, none
        }

        func validate() throws {
            guard (0.000_001...0.5).contains(alpha) else { throw ValidationError("--alpha: 0.000001...0.5") }
            guard (0...10).contains(indexMin) else { throw ValidationError("--index-min: 0...10") }
            guard top >= 0 else { throw ValidationError("--top: 0 or more") }
            guard separator.map({ $0.utf8.count == 1 }) ?? true else {
                throw ValidationError("--separator: one character, such as ';'")
            }
        }

        func run() async throws {
            let report = try report()
            let terminal = Terminal()
            if let html { try Stream.write(Array(ScanPage(report).text.utf8), to: html) }
            if json {
                terminal.line(try report.json())
            } else {
                report.write(to: terminal, top: top == 0 ? .max : top)
                if let html { terminal.line("\nThe page is in \(html).") }
            }
            let fails =
                switch failOn {
                case .never: false
                case .drift: report.hasDrifted
                case .quality: report.hasBadCells
                case .any: report.hasDrifted || report.hasBadCells
                }
            if fails { throw ExitCode(2) }
        }

        func report() throws -> ScanReport {
            var files = TableFile.Settings()
            files.titles = titles
            files.separator = separator?.utf8.first
            files.ignored = Set((ignore ?? "").split(separator: ",").map { $0.trimmed })
            var settings = TableComparison.Settings()
            settings.alpha = alpha
            settings.indexMin = indexMin
            settings.correction = correction == .holm ? .holm : .benjaminiHochberg
            settings.isCorrected = correction != .none
            return try ScanReport(
                file: file,
                reference: reference,
                files: files,
                settings: settings,
                isJoint: joint
            )
        }
    }
}

extension TableFile.Titles: ExpressibleByArgument {}

extension Substring {
    /// Without blanks at its ends.
    fileprivate var trimmed: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
