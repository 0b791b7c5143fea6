import FoundationEssentials
import ModelContainer

/// What a conversion did to a model, layer by layer, the worst first.
struct ConversionReport: Codable, Sendable {
    /// A form of the report, by the ending of a file.
    enum Form: String, CaseIterable {
        case txt, json, html

        init?(path: String) {
            guard let dot = path.lastIndex(of: ".") else { return nil }
            self.init(rawValue: String(path[path.index(after: dot)...]))
        }
    }

    /// The file that was converted.
    let source: String
    let sourceDigest: String
    /// Of the new container.
    let digest: String
    let byteCount: Int
    /// How ranges were chosen.
    let ranges: String
    let activationBits: Int
    /// The rows that both models answered.
    let rows: Int
    /// Of the answers.
    let signalToNoiseDB: Double
    let maxAbsError: Double
    let meanAbsError: Double
    /// Least signal to noise first; layers that are equal in the order of the model.
    let layers: [QuantizationReport.Layer]
    /// The names in the order of the model.
    let order: [String]
    /// The layers that stay float, and why.
    var floatLayers: [FloatLayer] = []
    /// What was done besides rounding.
    let measures: [QuantizationReport.Measure]
    /// How both models do on rows with labels, when there are some.
    var labelled: LabelledQuality?

    init(
        source: String,
        sourceDigest: String,
        digest: String,
        byteCount: Int,
        ranges: String,
        activationBits: Int,
        quantization: QuantizationReport
    ) {
        self.source = source
        self.sourceDigest = sourceDigest
        self.digest = digest
        self.byteCount = byteCount
        self.ranges = ranges
        self.activationBits = activationBits
        rows = quantization.rows
        signalToNoiseDB = quantization.signalToNoiseDB
        maxAbsError = quantization.maxAbsError
        meanAbsError = quantization.meanAbsError
        layers = quantization.layers.enumerated().sorted {
            ($0.element.signalToNoiseDB, $0.offset) < ($1.element.signalToNoiseDB, $1.offset)
        }.map(\.element)
        order = quantization.layers.map(\.name)
        measures = quantization.measures
    }

    func text(_ form: Form) throws(CommandError) -> String {
        switch form {
        case .txt: return lines(layersMax: .max).map { "\($0)\n" }.joined()
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            do { return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n" } catch {
                throw CommandError("the report cannot be written as JSON: \(error)")
            }
        case .html: return html
        }
    }

    /// The three worst layers, for a sentence.
    var worst: String {
        layers.prefix(3).map { "'\($0.name)' (\($0.signalToNoiseDB.fixed(1)) dB)" }.joined(separator: ", ")
    }

    private var summary: [(name: String, value: String)] {
        facts + floatLayers.map { ("float", "'\($0.node)': \($0.reason)") }
            + measures.flatMap { measure in measure.lines.map { ("", $0) } }
            + (labelled.map { [("labels", $0.summary)] } ?? [])
    }

    private var facts: [(name: String, value: String)] {
        [
            ("model", "\(source), \(sourceDigest)"), ("container", "\(digest), \(byteCount) bytes"),
            ("ranges", "\(ranges), values of \(activationBits) bits"),
            (
                "answers",
                "\(signalToNoiseDB.fixed(1)) dB of signal to noise, errors of \(meanAbsError.short) in the mean and "
                    + "\(maxAbsError.short) at most, over \(rows) rows"
            ),
        ]
    }

    private static let columns = ["layer, worst first", ">dB", ">least", ">greatest", ">% saturated"]

    private static func cells(_ layer: QuantizationReport.Layer) -> [String] {
        [
            layer.name, layer.signalToNoiseDB.fixed(1), Double(layer.min).short, Double(layer.max).short,
            (layer.saturatedShare * 100).fixed(3),
        ]
    }

    /// The report for a terminal.
    func lines(layersMax: Int) -> [String] {
        var table = TextTable(Self.columns)
        for layer in layers.prefix(layersMax) { table.add(Self.cells(layer)) }
        let rest = layers.count - min(layersMax, layers.count)
        return summary.map { "\($0.name.padded(10))\($0.value)" } + [""] + table.lines
            + (rest > 0 ? ["and \(rest) better ones"] : [])
    }

    // MARK: HTML

    /// One page that needs nothing else: no script, no font, no address.
    private var html: String {
        let rows = layers.map { layer in
            let cells = Self.cells(layer).enumerated().map { index, cell in
                "<td\(index > 0 ? " class=\"n\"" : "")>\(Self.escaped(cell))</td>"
            }
            return "<tr>\(cells.joined())</tr>"
        }
        let titles = Self.columns.map {
            $0.hasPrefix(">") ? "<th class=\"n\">\($0.dropFirst())</th>" : "<th>\($0)</th>"
        }
        let facts = summary.map { "<dt>\($0.name)</dt><dd>\(Self.escaped($0.value))</dd>" }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(Self.escaped(source)): conversion to int8</title>
            <style>
            body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; \
            color: #222; background: #fff }
            dt { font-weight: 600 } dd { margin: 0 0 .4rem; overflow-wrap: anywhere }
            table { border-collapse: collapse; width: 100% } td, th { padding: .2rem .6rem; text-align: left; \
            border-bottom: 1px solid #ddd }
            .n { text-align: right; font-variant-numeric: tabular-nums } svg { width: 100%; height: auto }
            svg text { font: 11px system-ui, sans-serif; fill: #555 }
            </style></head><body>
            <h1>\(Self.escaped(source))</h1>
            <dl>
            \(facts.joined(separator: "\n"))
            </dl>
            <h2>Signal to noise from input to answer, in decibels</h2>
            \(plot)
            <h2>Layers, worst first</h2>
            <table><thead><tr>\(titles.joined())</tr></thead><tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table>
            </body></html>

            """
    }

    /// A bar for each layer in the order of the model, the worst tenth in red; each says its name when pointed at.
    private var plot: String {
        let (width, height, left, bottom) = (900.0, 240.0, 34.0, 12.0)
        let byName = Dictionary(layers.map { ($0.name, $0.signalToNoiseDB) }) { first, _ in first }
        let worst = Set(layers.prefix(max(1, layers.count / 10)).map(\.name))
        let top = max(10, (((byName.values.max() ?? 0) / 10).rounded(.up)) * 10)
        let step = (width - left) / Double(max(1, order.count))
        func y(_ decibels: Double) -> Double { height - bottom - max(0, decibels) / top * (height - 2 * bottom) }
        var parts = ["<svg viewBox=\"0 0 900 240\" role=\"img\" aria-label=\"Signal to noise of each layer\">"]
        let lines = top > 100 ? 50.0 : 20.0
        for mark in stride(from: 0, through: top, by: lines) {
            let place = y(mark).fixed(1)
            parts.append("<line x1=\"34\" x2=\"900\" y1=\"\(place)\" y2=\"\(place)\" stroke=\"#ddd\"/>")
            parts.append("<text x=\"28\" y=\"\(place)\" text-anchor=\"end\" dy=\"4\">\(mark.fixed(0))</text>")
        }
        for (index, name) in order.enumerated() {
            let decibels = byName[name] ?? 0
            parts.append(
                "<rect x=\"\((left + Double(index) * step).fixed(2))\" y=\"\(y(decibels).fixed(1))\" "
                    + "width=\"\((step * 0.8).fixed(2))\" height=\"\(max(1, height - bottom - y(decibels)).fixed(1))\" "
                    + "fill=\"\(worst.contains(name) ? "#c0392b" : "#2e75b6")\"><title>\(Self.escaped(name)): "
                    + "\(decibels.fixed(1)) dB</title></rect>"
            )
        }
        return (parts + ["</svg>"]).joined(separator: "\n")
    }

    private static func escaped(_ text: String) -> String { text.escapedForHTML }
}

extension QuantizationReport.Measure {
    /// What was done and what it brought, for people.
    var lines: [String] {
        let change = (after - before).fixed(1)
        let gain =
            "\(before.fixed(1)) dB before, \(after.fixed(1)) dB after (\(change.hasPrefix("-") ? "" : "+")\(change))"
        return ["\(name): \(gain)\(isKept ? "" : "; undone")"] + details.map { "  \($0)" }
    }
}
