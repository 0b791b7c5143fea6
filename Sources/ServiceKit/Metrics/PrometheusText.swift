/// Writes samples in the Prometheus text exposition format, version 0.0.4.
public enum PrometheusText {
    /// The HTTP content type of the text.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Writes the samples of one process.
    ///
    /// - Parameter samples: Samples in any order.
    /// - Returns: The text; empty without samples.
    public static func render(_ samples: [MetricSample]) -> String {
        render([MetricGroup(labels: [:], samples: samples)])
    }

    /// Writes the samples of several processes together.
    ///
    /// All series of a name stand together under one `TYPE` line. Where two processes disagree about a metric's kind, the
    /// first one counts and a comment names the metric that was left out. A label of a sample that has the name of a
    /// group's label is written as `exported_<name>`.
    ///
    /// - Parameter groups: Samples with the labels to add to each of them.
    /// - Returns: The text, metrics sorted by name.
    public static func render(_ groups: [MetricGroup]) -> String {
        var metrics: [String: Metric] = [:]
        for group in groups {
            for sample in group.samples {
                let name = exposedName(of: sample)
                let metric = metrics[name] ?? Metric(kind: sample.kind, help: sample.help)
                metrics[name] = metric.adding(sample, name: name, labels: group.labels)
            }
        }
        return metrics.sorted { $0.key < $1.key }.map { $0.value.text(name: $0.key) }.joined()
    }

    /// Brings a metric or label name into the form `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    static func name(_ raw: String) -> String {
        let name = String(raw.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == ":" ? $0 : "_" })
        guard let first = name.first, !first.isNumber else { return "_" + name }
        return name
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        guard let whole = Int64(exactly: value) else { return "\(value)" }
        return "\(whole)"
    }

    static func labels(_ labels: [String: String], added: [String: String]) -> [(name: String, value: String)] {
        let added = Dictionary(added.map { (name($0).replacing(":", with: "_"), $1) }) { first, _ in first }
        var all = added
        for (raw, value) in labels {
            let label = name(raw).replacing(":", with: "_")
            all[added[label] == nil ? label : "exported_\(label)"] = value
        }
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func exposedName(of sample: MetricSample) -> String {
        let name = name(sample.name)
        return sample.kind == .counter && !name.hasSuffix("_total") ? name + "_total" : name
    }

    /// One metric: its head and the lines of its series.
    private struct Metric {
        let kind: MetricSample.Kind
        let help: String?
        var lines = ""

        func adding(_ sample: MetricSample, name: String, labels added: [String: String]) -> Metric {
            var copy = self
            guard sample.kind == kind else {
                copy.lines += "# \(name) of another kind (\(sample.kind.rawValue)) is left out\n"
                return copy
            }
            let labels = PrometheusText.labels(sample.labels, added: added)
            switch sample.kind {
            case .counter, .gauge:
                copy.append(name, labels, sample.value)
            case .histogram:
                let distribution = sample.distribution ?? MetricSample.Distribution(count: 0, buckets: [])
                for bucket in distribution.buckets where bucket.upperBound.isFinite {
                    let bound = (name: "le", value: PrometheusText.number(bucket.upperBound))
                    copy.append("\(name)_bucket", labels + [bound], Double(bucket.count))
                }
                copy.append("\(name)_bucket", labels + [("le", "+Inf")], Double(distribution.count))
                copy.append("\(name)_sum", labels, sample.value)
                copy.append("\(name)_count", labels, Double(distribution.count))
            }
            return copy
        }

        func text(name: String) -> String {
            let sentence = (help ?? name).replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            return "# HELP \(name) \(sentence)\n# TYPE \(name) \(kind.rawValue)\n\(lines)"
        }

        private mutating func append(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
            let pairs = labels.map { label in
                let escaped = label.value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                    .replacing("\n", with: "\\n")
                return "\(label.name)=\"\(escaped)\""
            }
            lines += pairs.isEmpty ? name : "\(name){\(pairs.joined(separator: ","))}"
            lines += " \(PrometheusText.number(value))\n"
        }
    }
}
