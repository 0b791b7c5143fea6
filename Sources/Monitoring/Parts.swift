import Decay
import Events
import Pipelines

/// Slices and nodes: the metric of parts of the predictions, each with its own zone.
struct Parts: Codable, Sendable, Hashable {
    /// Parts that are told apart at most; predictions of further ones count as `other`.
    static let partsMax = 256

    /// One part.
    struct Part: Codable, Sendable, Hashable {
        var predictions = 0
        var labels = 0
        var errors: FadingMoments
        var isOver = false

        /// The newest errors' mean with its doubt; nil under the minimum of labels.
        func value(minimum: Int) -> Trail.Part? {
            guard labels >= minimum else { return nil }
            // So many values say as much as a fading mean does.
            let effective = min(Double(labels), 2 / errors.fading - 1)
            return Trail.Part(count: max(2, Int(effective)), mean: errors.mean, variance: errors.variance)
        }
    }

    private let settings: Pipeline.MonitorSettings
    private(set) var parts: [String: Part] = [:]

    init(_ settings: Pipeline.MonitorSettings) { self.settings = settings }

    private mutating func change(_ name: String, _ body: (inout Part) -> Void) {
        let known = parts[name] != nil || parts.count < Self.partsMax ? name : "other"
        var part = parts[known] ?? Part(errors: FadingMoments(fading: 2 / Double(settings.window + 1)))
        body(&part)
        parts[known] = part
    }

    mutating func addPrediction(_ names: [String]) { for name in names { change(name) { $0.predictions += 1 } } }

    /// - Returns: Parts that are surely over the breach level since this label, by name.
    mutating func addLabel(error: Double, _ names: [String], near: Double?, breach: Double?) -> [String] {
        var over: [String] = []
        let (minimum, isShare) = (settings.minLabels, settings.metric == .errorRate)
        for name in names {
            change(name) { part in
                part.labels += 1
                part.errors.add(error)
                guard let near, let breach, let value = part.value(minimum: minimum) else { return }
                let interval = value.interval(isShare: isShare)
                if !part.isOver, value.mean >= breach, (interval?.low ?? 0) >= near {
                    part.isOver = true
                    over.append(name)
                } else if part.isOver, value.mean < near {
                    part.isOver = false
                }
            }
        }
        return over
    }

    /// Names of the parts that a prediction belongs to.
    ///
    /// - Parameters:
    ///   - row: The inputs; nil for a question, of which the monitor knows none.
    static func names(
        _ pipeline: Pipeline,
        ranges: [String: ClosedRange<Double>],
        row: [Float]?,
        at time: Timestamp
    ) -> [String] {
        let text = time.rfc3339
        return pipeline.monitor.slices.compactMap { slice in
            switch slice.by {
            case "year": return "year=\(text.prefix(4))"
            case "month": return "month=\(text.dropFirst(5).prefix(2))"
            case "hour": return "hour=\(text.dropFirst(11).prefix(2))"
            case "weekday":
                // 1970-01-01 was a Thursday.
                let days = Int((time.seconds / 86_400).rounded(.down)) + 3
                let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
                return "weekday=\(names[((days % 7) + 7) % 7])"
            default:
                guard let row, let value = mean(of: slice.by, in: row, pipeline) else { return nil }
                return "\(slice.by)=\(interval(value, slice.at, ranges[slice.by]))"
            }
        }
    }

    private static func mean(of input: String, in row: [Float], _ pipeline: Pipeline) -> Double? {
        var start = 0
        for known in pipeline.task.inputs {
            let elements = start..<(start + known.count)
            if known.name == input { return elements.reduce(0.0) { $0 + Double(row[$1]) } / Double(elements.count) }
            start = elements.upperBound
        }
        return nil
    }

    private static func interval(_ value: Double, _ given: [Double], _ range: ClosedRange<Double>?) -> String {
        var edges = given
        if edges.isEmpty, let range {
            let width = range.upperBound - range.lowerBound
            edges = width > 0 ? (1...3).map { range.lowerBound + width * Double($0) / 4 } : []
        }
        guard let first = edges.first, let last = edges.last else { return "all" }
        if value < first { return "..<\(first.readable)" }
        guard let upper = edges.first(where: { $0 > value }) else { return "\(last.readable)..." }
        return "\((edges.last { $0 <= value } ?? first).readable)..<\(upper.readable)"
    }
}
