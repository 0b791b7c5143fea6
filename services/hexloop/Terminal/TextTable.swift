/// Rows of text in aligned columns.
struct TextTable {
    private let titles: [String]
    private let isNumeric: [Bool]
    private var rows: [[String]] = []

    /// A table with a line of titles; those that begin with `>` head columns of numbers, which end where it ends.
    init(_ titles: [String]) {
        isNumeric = titles.map { $0.hasPrefix(">") }
        self.titles = titles.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// The lines, titles first.
    var lines: [String] {
        let widths = titles.indices.map { column in
            ([titles] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([titles] + rows).map { row in
            let cells = titles.indices.map { column in
                isNumeric[column] ? row[column].leftPadded(widths[column]) : row[column].padded(widths[column])
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Writes the table, its titles dim.
    func write(to terminal: Terminal, indent: String = "") {
        for (index, line) in lines.enumerated() {
            terminal.line(indent + (index == 0 ? terminal.paint(line, .dim) : line))
        }
    }
}

extension String {
    /// Blanks at the end up to that width.
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    /// Blanks at the beginning up to that width.
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
