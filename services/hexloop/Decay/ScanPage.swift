import Decay

/// The report of a scan as one page that needs nothing else: no script, no font, no address.
struct ScanPage {
    private let report: ScanReport

    init(_ report: ScanReport) { self.report = report }

    /// Drawings on a page; a table of a thousand columns is told in its list.
    private static let drawingsMax = 60

    var text: String {
        let comparison = report.comparison
        let findings = comparison.findings.map { finding in
            "<li class=\"\(finding.severity)\"><b>\(Self.escaped(finding.column.isEmpty ? "table" : finding.column))</b>: "
                + "\(Self.escaped(finding.text))</li>"
        }
        let rows = comparison.columns.map { column in
            let cells = zip(ScanReport.columns, ScanReport.cells(column)).map { title, cell in
                "<td\(title.hasPrefix(">") ? " class=\"n\"" : "")>\(Self.escaped(cell))</td>"
            }
            return "<tr\(column.isDrifted ? " class=\"drift\"" : "")>\(cells.joined())</tr>"
        }
        let titles = ScanReport.columns.map {
            $0.hasPrefix(">") ? "<th class=\"n\">\($0.dropFirst())</th>" : "<th>\($0)</th>"
        }
        let joint = (report.joint?.lines ?? []).map { "<p>\(Self.escaped($0))</p>" }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(Self.escaped(report.file)): \(Self.escaped(report.verdict))</title>
            <style>
            :root { color-scheme: light dark; --line: #8884; --before: #8a94a6; --now: #2e75b6; --bad: #c0392b; --warn: #b7791f }
            body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
            table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto }
            td, th { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid var(--line) }
            .n { text-align: right; font-variant-numeric: tabular-nums }
            .drift td:first-child { color: var(--bad); font-weight: 600 }
            .critical b { color: var(--bad) } .warning b { color: var(--warn) }
            .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem }
            figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; padding: .6rem }
            figcaption { font-weight: 600; overflow-wrap: anywhere } figcaption small { font-weight: 400 }
            svg { width: 100%; height: auto } svg text { font: 10px system-ui, sans-serif; fill: currentColor; opacity: .7 }
            .key i { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em }
            </style></head><body>
            <h1>\(Self.escaped(report.verdict))</h1>
            <p>\(Self.escaped(report.file)), \(comparison.rows) rows, against \(Self.escaped(report.reference)), \
            \(comparison.referenceRows) rows; \(Self.escaped(report.method)).</p>
            \(joint.joined(separator: "\n"))
            \(findings.isEmpty ? "" : "<h2>Findings</h2>\n<ul>\n\(findings.joined(separator: "\n"))\n</ul>")
            <h2>Columns, those that drifted most first</h2>
            <table><thead><tr>\(titles.joined())</tr></thead><tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table>
            <h2>Distributions</h2>
            <p class="key"><i style="background:var(--before)"></i>reference<i style="background:var(--now)"></i>now</p>
            <div class="plots">
            \(comparison.columns.prefix(Self.drawingsMax).compactMap(Self.figure).joined(separator: "\n"))
            </div>
            </body></html>

            """
    }

    /// Two bars for each bin or word, side by side; each says its share when pointed at.
    private static func figure(_ column: ColumnComparison) -> String? {
        guard let bars = column.bars, !bars.labels.isEmpty else { return nil }
        let (width, height, bottom) = (360.0, 150.0, 16.0)
        let top = max(bars.reference.max() ?? 0, bars.current.max() ?? 0, 1e-9)
        let step = width / Double(bars.labels.count)
        var parts = ["<svg viewBox=\"0 0 360 150\" role=\"img\" aria-label=\"\(escaped(column.name))\">"]
        for (index, label) in bars.labels.enumerated() {
            for (side, share) in [bars.reference[index], bars.current[index]].enumerated() {
                let size = share / top * (height - bottom - 4)
                let x = Double(index) * step + (side == 0 ? 0.08 : 0.5) * step
                parts.append(
                    "<rect x=\"\(x.fixed(1))\" y=\"\((height - bottom - size).fixed(1))\" width=\"\((0.42 * step).fixed(1))\" "
                        + "height=\"\(size.fixed(1))\" fill=\"var(--\(side == 0 ? "before" : "now"))\"><title>"
                        + "\(escaped(label)): \((share * 100).fixed(1))% \(side == 0 ? "before" : "now")</title></rect>"
                )
            }
        }
        let ends = [bars.labels.first, bars.labels.count > 1 ? bars.labels.last : nil].compactMap { $0 }
        for (index, label) in ends.enumerated() {
            parts.append(
                "<text x=\"\(index == 0 ? 2 : 358)\" y=\"146\" text-anchor=\"\(index == 0 ? "start" : "end")\">"
                    + "\(escaped(String(label.prefix(28))))</text>"
            )
        }
        let verdict = column.isDrifted ? "drift, \(column.size.rawValue)" : "no drift"
        return "<figure><figcaption>\(escaped(column.name)) <small>\(verdict), p "
            + "\(ScanReport.probability(column.adjusted))</small></figcaption>" + (parts + ["</svg>"]).joined()
            + "</figure>"
    }

    private static func escaped(_ text: String) -> String { text.escapedForHTML }
}
