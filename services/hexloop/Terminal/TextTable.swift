/// Rows of text in aligned columns.
struct TextTable {
    private let titles: [String]
    private let isNumeric: [Bool]
    private let longest: Int
    private var rows: [[String]] = []

    /// A table with a line of titles; those that begin with `>` head columns of numbers, which end where it ends.
    ///
    /// - Parameter longest: Characters of a name, the first column, beyond which its middle is left out.
    init(_ titles: [String], longest: Int = .max) {
        self.longest = longest
        isNumeric = titles.map { $0.hasPrefix(">") }
        self.titles = titles.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    }

    mutating func add(_ row: [String]) {
        rows.append(row.prefix(1).map { $0.shortened(longest) } + row.dropFirst())
    }

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
    /// Without its middle when it has more characters than that: converters join the names of all layers they fuse.
    fileprivate func shortened(_ longest: Int) -> String {
        guard count > longest else { return self }
        let tail = longest / 3
        return "\(prefix(longest - tail - 1))…\(suffix(tail))"
    }

    /// Blanks at the end up to that width.
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    /// Blanks at the beginning up to that width.
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
