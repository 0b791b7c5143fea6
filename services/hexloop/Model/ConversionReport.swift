import FoundationEssentials
import Inference
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

    /// A layer that is not computed in integers.
    struct FloatLayer: Codable, Equatable {
        let layer: String
        let reason: String
    }

    /// A layer, and what it costs on rows with labels: wrong rows, or the sum of absolute errors.
    struct Loss: Codable, Equatable {
        let name: String
        let cost: Double
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
    /// What was done besides rounding.
    let measures: [QuantizationReport.Measure]
    /// How both models do on rows with labels, when there are some.
    var labelled: LabelledQuality?
    /// What was changed before any integer was made, a line each.
    var fused: [String] = []
    /// What works on real numbers, and why.
    var float: [FloatLayer] = []
    /// What became of encodings that were given.
    var kept: KeptEncodings?
    /// When too much is lost, the layers that cost most.
    var losses: [Loss] = []

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

    /// What is told in words, in this order.
    private var summary: [(name: String, value: String)] {
        var facts = [
            (name: "model", value: "\(source), \(sourceDigest)"),
            (name: "container", value: "\(digest), \(byteCount) bytes"),
            (name: "ranges", value: "\(ranges), values of \(activationBits) bits"),
        ]
        if rows > 0 {
            facts.append(
                (
                    "answers",
                    "\(signalToNoiseDB.fixed(1)) dB of signal to noise, errors of \(meanAbsError.short) in the mean and "
                        + "\(maxAbsError.short) at most, over \(rows) rows"
                )
            )
        } else {
            facts.append(("answers", "not compared, because no rows were given"))
        }
        if let labelled { facts.append(("labels", labelled.summary)) }
        for loss in losses.prefix(3) where loss.cost > 0 {
            facts.append(("cost", "\(loss.cost.short) by '\(loss.name)'"))
        }
        if let kept {
            facts.append(("kept", "\(kept.values) encodings of values, integers of \(kept.constants) constants"))
            for departure in kept.departures {
                facts.append(("not kept", "'\(departure.name)': \(departure.reason)"))
            }
        }
        for note in fused { facts.append(("done", note)) }
        for line in measures.flatMap(\.lines) { facts.append(("", line)) }
        for layer in float { facts.append(("float", "'\(layer.layer)': \(layer.reason)")) }
        return facts
    }

    private static let columns = ["layer, worst first", ">dB", ">cosine", ">least", ">greatest", ">% saturated"]

    private static func cells(_ layer: QuantizationReport.Layer) -> [String] {
        [
            layer.name, layer.signalToNoiseDB.fixed(1), layer.cosine.map { $0.fixed(5) } ?? "",
            Double(layer.min).short, Double(layer.max).short, (layer.saturatedShare * 100).fixed(3),
        ]
    }

    /// The report for a terminal.
    func lines(layersMax: Int) -> [String] {
        var table = TextTable(Self.columns, longest: 60)
        for layer in layers.prefix(layersMax) { table.add(Self.cells(layer)) }
        let rest = layers.count - min(layersMax, layers.count)
        return summary.map { "\($0.name.padded(10))\($0.value)" } + (layers.isEmpty ? [] : [""] + table.lines)
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
            <h2>Distance of the directions from input to answer: 1 less the cosine</h2>
            \(cosinePlot)
            <h2>Layers, worst first</h2>
            <table><thead><tr>\(titles.joined())</tr></thead><tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table>
            </body></html>

            """
    }

    private var plot: String {
        let byName = Dictionary(layers.map { ($0.name, $0.signalToNoiseDB) }) { first, _ in first }
        let top = max(10, (((byName.values.max() ?? 0) / 10).rounded(.up)) * 10)
        let step = top > 100 ? 50.0 : 20.0
        return bars(
            "Signal to noise of each layer",
            marks: stride(from: 0, through: top, by: step).map { ($0 / top, $0.fixed(0)) }
        ) { name in
            let decibels = byName[name] ?? 0
            return (decibels / top, "\(decibels.fixed(1)) dB")
        }
    }

    private var cosinePlot: String {
        let byName = Dictionary(layers.map { ($0.name, 1 - ($0.cosine ?? 1)) }) { first, _ in first }
        let top = max(1e-6, byName.values.max() ?? 0)
        return bars(
            "Distance of the directions of each layer",
            marks: [0, 0.5, 1].map { ($0, ($0 * top).fixed(top < 0.001 ? 6 : 4)) }
        ) { name in
            let distance = byName[name] ?? 0
            return (distance / top, distance.fixed(7))
        }
    }

    /// A bar for each layer in the order of the model, the worst tenth in red; each says its name when pointed at.
    ///
    /// - Parameters:
    ///   - marks: Heights in 0...1 with what stands beside them.
    ///   - bar: The height of a layer's bar, in 0...1, and its number in words.
    private func bars(
        _ label: String,
        marks: [(height: Double, text: String)],
        _ bar: (_ name: String) -> (height: Double, text: String)
    ) -> String {
        let (width, height, left, bottom) = (900.0, 240.0, 58.0, 12.0)
        let worst = Set(layers.prefix(max(1, layers.count / 10)).map(\.name))
        let step = (width - left) / Double(max(1, order.count))
        func y(_ share: Double) -> Double { height - bottom - min(max(0, share), 1) * (height - 2 * bottom) }
        var parts = ["<svg viewBox=\"0 0 900 240\" role=\"img\" aria-label=\"\(label)\">"]
        for mark in marks {
            let place = y(mark.height).fixed(1)
            parts.append("<line x1=\"\(left)\" x2=\"900\" y1=\"\(place)\" y2=\"\(place)\" stroke=\"#ddd\"/>")
            parts.append("<text x=\"\(left - 6)\" y=\"\(place)\" text-anchor=\"end\" dy=\"4\">\(mark.text)</text>")
        }
        for (index, name) in order.enumerated() {
            let (share, text) = bar(name)
            parts.append(
                "<rect x=\"\((left + Double(index) * step).fixed(2))\" y=\"\(y(share).fixed(1))\" "
                    + "width=\"\((step * 0.8).fixed(2))\" height=\"\(max(1, height - bottom - y(share)).fixed(1))\" "
                    + "fill=\"\(worst.contains(name) ? "#c0392b" : "#2e75b6")\"><title>\(Self.escaped(name)): "
                    + "\(text)</title></rect>"
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
