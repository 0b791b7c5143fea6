extension Pipeline {
    /// When the model counts as decayed, and what is watched to see it coming.
    public struct MonitorSettings: Codable, Sendable, Hashable {
        /// Detectors on the metric, which need labels.
        public enum MetricDetector: String, Codable, Sendable, Hashable, CaseIterable {
            /// The mean over the window reaches a multiple of the baseline.
            case threshold
            /// The errors are surely more than before, with a stated budget of false alarms.
            case sequential
        }

        /// Detectors on inputs, which need no labels.
        public enum InputDetector: String, Codable, Sendable, Hashable, CaseIterable {
            /// A value outside the range of the training data.
            case outOfRange = "out-of-range"
            /// Level or spread are surely others than before, with the budget of false alarms shared by the features.
            case drift
            /// A window's distribution differs from the reference's (Kolmogorov-Smirnov on sketches).
            case kolmogorovSmirnov = "ks"
            /// A window's distribution differs from the reference's (population stability, judged by its size).
            case populationStability = "psi"
        }

        /// Checks of the inputs' quality.
        public enum QualityCheck: String, Codable, Sendable, Hashable, CaseIterable {
            /// A value is not there; the node refuses the observation.
            case missing
            /// A value is outside of the schema; the node refuses the observation.
            case outOfSchema = "out-of-schema"
            /// A feature of few whole numbers has another one.
            case unseen
            /// A feature that was constant varies.
            case constant
            /// A feature that varied has one value again and again.
            case stale
            /// A feature's step from the row before is far larger than its steps usually are.
            case outlier
            /// Rows come again that were there shortly before.
            case duplicate
        }

        /// Where the levels' baseline comes from.
        public enum Baseline: Codable, Sendable, Hashable {
            /// The champion's own metric in its gates.
            case validation
            /// The mean over so many first labelled predictions.
            case learned(Int)

            /// As it is written: `validation`, `200 predictions`.
            public var text: String {
                switch self {
                case .validation: "validation"
                case .learned(let count): "\(count) predictions"
                }
            }
        }

        /// Whether something is done.
        public enum Switch: String, Codable, Sendable, Hashable, CaseIterable {
            /// It is.
            case on
            /// It is not.
            case off
        }

        /// How many false alarms are allowed.
        public struct FalseAlarms: Codable, Sendable, Hashable {
            /// What the count is taken over.
            public enum Span: String, Codable, Sendable, Hashable, CaseIterable {
                /// So many ``FalseAlarms/predictions``.
                case predictions
                /// An hour.
                case hour
                /// A day.
                case day
                /// A week.
                case week
                /// A twelfth of a year.
                case month
                /// 365.25 days.
                case year

                /// Its length; nil for ``predictions``.
                public var seconds: Double? {
                    switch self {
                    case .predictions: nil
                    case .hour: 3600
                    case .day: 86_400
                    case .week: 604_800
                    case .month: 2_629_800
                    case .year: 31_557_600
                    }
                }
            }

            /// False alarms in one span, 1...1000.
            public var count: Int
            /// What they are counted over.
            public var span: Span
            /// For ``Span/predictions``: how many; 1 otherwise.
            public var predictions: Int

            /// A budget from its parts.
            public init(count: Int, span: Span, predictions: Int = 1) {
                self.count = count
                self.span = span
                self.predictions = predictions
            }

            /// False alarms a value, where values come `perSecond` times a second; 1e-12...0.01.
            public func perValue(perSecond: Double) -> Double {
                let values = span.seconds.map { $0 * perSecond } ?? Double(predictions)
                return min(0.01, max(1e-12, Double(count) / max(values, 1)))
            }
        }

        /// How inputs are compared with their reference.
        public struct Drift: Codable, Sendable, Hashable {
            /// What the reference is.
            public enum Reference: String, Codable, Sendable, Hashable, CaseIterable {
                /// The first rows under the champion.
                case fixed
                /// The rows before the window.
                case sliding
                /// The same part of earlier seasons.
                case seasonal
            }

            /// Correction for looking at several features.
            public enum Correction: String, Codable, Sendable, Hashable, CaseIterable {
                /// Every p-value times the number of features.
                case bonferroni
                /// Step down; never less sensitive than Bonferroni.
                case holm
                /// Keeps the share of false alarms among alarms.
                case benjaminiHochberg = "benjamini-hochberg"
                /// None.
                case none
            }

            /// Probability of a false alarm of one window (default 0.1%).
            public var alpha: Double
            /// Correction over the features (default holm).
            public var correction: Correction
            /// Rows of a window (default 250).
            public var windowRows: Int
            /// What windows are compared with (default fixed).
            public var reference: Reference
            /// Rows from which a reference is learned (default 1000).
            public var referenceRows: Int
            /// Length of a season in seconds (default 1d).
            public var seasonSeconds: Double
        }

        /// A way to cut predictions into parts that are watched each.
        public struct Slice: Codable, Sendable, Hashable {
            /// `year`, `month`, `weekday`, `hour`, or the name of an input.
            public var by: String
            /// For an input: where the parts begin, ascending; four equal parts of the training range when empty.
            public var at: [Double]
        }

        /// Measure that is watched.
        public var metric: Metric
        /// Labelled predictions in the rolling value (default 20).
        public var window: Int
        /// Times the baseline from which on decay is suspected (default 1.5).
        public var nearFactor: Double
        /// Times the baseline from which on decay is detected (default 2).
        public var breachFactor: Double
        /// Labelled predictions still in breach after which it is said again (default: the window).
        public var rearmAfter: Int
        /// What the levels are multiples of (default validation).
        public var baseline: Baseline
        /// Detectors on the metric (default both).
        public var detectors: [MetricDetector]
        /// Budget of the sequential detectors (default 1 per year).
        public var falseAlarms: FalseAlarms
        /// Labels under which a value of a window, slice or node is unknown (default 20, or the window if smaller).
        public var minLabels: Int
        /// How long a prediction waits for its label, in seconds (default 5d).
        public var labelTimeoutSeconds: Double
        /// Length of a window by the time of the predictions, in seconds (default 1d).
        public var periodSeconds: Double
        /// Detectors on inputs, in file order (default out-of-range, drift).
        public var inputs: [InputDetector]
        /// How inputs are compared with their reference.
        public var drift: Drift
        /// Checks of the inputs' quality, in file order (default all).
        public var quality: [QualityCheck]
        /// Whether performance is estimated without labels (default on).
        public var estimate: Switch
        /// Whether crossings are forecast (default on).
        public var forecast: Switch
        /// Parts that are watched each, in file order (default none).
        public var slices: [Slice]
        /// Whether each node is watched by itself (default on).
        public var perNode: Switch
    }
}

extension Pipeline.MonitorSettings {
    static let keys = [
        "metric", "window", "near", "breach", "rearm", "baseline", "detectors", "false-alarms", "min-labels",
        "label-timeout", "period", "inputs", "drift", "quality", "estimate", "forecast", "slices", "per-node",
    ]

    init(_ section: Section, _ task: Pipeline.Task) throws(PipelineError) {
        metric = try Pipeline.Metric(section.optional("metric"), task.kind)
        let window = try section.optional("window")?.count("predictions", 1...100_000, isUnitOptional: true) ?? 20
        self.window = window
        let near = try section.optional("near")
        let breach = try section.optional("breach")
        let breachGiven = try breach?.factor()
        nearFactor = try near?.factor() ?? min(1.5, breachGiven ?? 1.5)
        breachFactor = breachGiven ?? max(2, nearFactor)
        if nearFactor > breachFactor, let near {
            throw near.refused("up to breach (\(short(breachFactor))x baseline)", .conflict)
        }
        rearmAfter =
            try section.optional("rearm")?.count("predictions", 1...1_000_000, isUnitOptional: true) ?? window
        baseline = try Self.baseline(section.optional("baseline"))
        detectors =
            try section.optional("detectors")?.choices(MetricDetector.self, "such as [threshold, sequential]", least: 1)
            ?? MetricDetector.allCases
        falseAlarms = try section.optional("false-alarms")?.falseAlarms() ?? FalseAlarms(count: 1, span: .year)
        let least = try section.optional("min-labels")
        minLabels = try least?.count("labels", 1...100_000, isUnitOptional: true) ?? min(20, window)
        if let least, minLabels > window { throw least.refused("up to window (\(window))", .conflict) }
        labelTimeoutSeconds = try section.optional("label-timeout")?.duration(1...31_536_000) ?? 432_000
        periodSeconds = try section.optional("period")?.duration(1...31_536_000) ?? 86_400
        inputs =
            try section.optional("inputs")?.choices(InputDetector.self, "such as [out-of-range, drift]")
            ?? [.outOfRange, .drift]
        drift = try Drift(section.section("drift", keys: Drift.keys))
        quality =
            try section.optional("quality")?.choices(QualityCheck.self, "such as [missing, unseen]")
            ?? QualityCheck.allCases
        estimate = try section.optional("estimate")?.choice(Switch.self) ?? .on
        forecast = try section.optional("forecast")?.choice(Switch.self) ?? .on
        slices = try Self.slices(section.optional("slices"), task)
        perNode = try section.optional("per-node")?.choice(Switch.self) ?? .on
    }

    private static func baseline(_ field: Field?) throws(PipelineError) -> Baseline {
        guard let field, case .scalar(let text, _) = field.document.content, text != "validation" else {
            return .validation
        }
        let allowed = "validation, or 10...100000 predictions to learn it from, such as \"200 predictions\""
        do { return .learned(try field.count("predictions", 10...100_000)) } catch {
            throw field.refused(allowed, suggestion: error.suggestion)
        }
    }

    private static func slices(_ field: Field?, _ task: Pipeline.Task) throws(PipelineError) -> [Slice] {
        guard let field else { return [] }
        let times = ["year", "month", "weekday", "hour"]
        let words = times + task.inputs.map(\.name)
        var slices: [Slice] = []
        for item in try field.list("slices such as {by: hour}", 0...16) {
            let section = try Section(item.document, item.path, keys: ["by", "at"])
            let by = try section.required("by", words.joined(separator: ", "))
            let word = try by.text(words.joined(separator: ", "))
            guard words.contains(word) else {
                throw by.refused(words.joined(separator: ", "), suggestion: nearest(to: word, in: words))
            }
            guard !slices.contains(where: { $0.by == word }) else { throw by.refused("each slice once", .conflict) }
            var edges: [Double] = []
            if let at = try section.optional("at") {
                guard !times.contains(word) else { throw at.refused("only for an input", .conflict) }
                let all = -Double(Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude)
                for edge in try at.list("numbers such as [0, 50]", 1...15) {
                    let number = try edge.number(all)
                    if let last = edges.last, number <= last { throw edge.refused("more than \(short(last))") }
                    edges.append(number)
                }
            }
            slices.append(Slice(by: word, at: edges))
        }
        return slices
    }

    var document: Document {
        .mapping([
            "metric": .text(metric.rawValue), "window": .number(window),
            "near": .text("\(short(nearFactor))x baseline"), "breach": .text("\(short(breachFactor))x baseline"),
            "rearm": .number(rearmAfter),
            "baseline": .text(baseline.text),
            "detectors": .list(detectors.map { .text($0.rawValue) }), "false-alarms": .text(falseAlarms.text),
            "min-labels": .number(minLabels), "label-timeout": .seconds(labelTimeoutSeconds),
            "period": .seconds(periodSeconds), "inputs": .list(inputs.map { .text($0.rawValue) }),
            "drift": drift.document, "quality": .list(quality.map { .text($0.rawValue) }),
            "estimate": .text(estimate.rawValue), "forecast": .text(forecast.rawValue),
            "slices": .list(
                slices.map { slice in
                    .mapping([
                        "by": .text(slice.by), "at": slice.at.isEmpty ? nil : .list(slice.at.map { .number($0) }),
                    ])
                }
            ),
            "per-node": .text(perNode.rawValue),
        ])
    }
}

extension Pipeline.MonitorSettings.Drift {
    static let keys = ["alpha", "correction", "window", "reference", "reference-rows", "season"]

    fileprivate init(_ section: Section) throws(PipelineError) {
        alpha = try section.optional("alpha")?.percent(0.0001...10) ?? 0.001
        correction = try section.optional("correction")?.choice(Correction.self) ?? .holm
        windowRows = try section.optional("window")?.count("rows", 50...500) ?? 250
        reference = try section.optional("reference")?.choice(Reference.self) ?? .fixed
        referenceRows = try section.optional("reference-rows")?.count("rows", 100...1_000_000) ?? 1000
        let season = try section.optional("season")
        if let season, reference != .seasonal { throw season.refused("only with reference: seasonal", .conflict) }
        seasonSeconds = try season?.duration(60...31_557_600) ?? 86_400
    }

    fileprivate var document: Document {
        .mapping([
            "alpha": .percent(alpha), "correction": .text(correction.rawValue), "window": .text("\(windowRows) rows"),
            "reference": .text(reference.rawValue), "reference-rows": .text("\(referenceRows) rows"),
            "season": reference == .seasonal ? .seconds(seasonSeconds) : nil,
        ])
    }
}

extension Pipeline.MonitorSettings.FalseAlarms {
    /// As it is written: `1 per year`, `2 per 1000000 predictions`.
    public var text: String {
        span == .predictions ? "\(count) per \(predictions) predictions" : "\(count) per \(span.rawValue)"
    }
}

extension Field {
    /// Words of an enumeration, each once.
    func choices<Choice: RawRepresentable & CaseIterable & Equatable>(
        _: Choice.Type,
        _ example: String,
        least: Int = 0
    ) throws(PipelineError) -> [Choice] where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        var found: [Choice] = []
        for item in try list("\(words), \(example)", least...Choice.allCases.count) {
            let choice = try item.choice(Choice.self)
            guard !found.contains(choice) else { throw item.refused("each once", .conflict) }
            found.append(choice)
        }
        return found
    }

    /// `1 per year`, `2 per 1000000 predictions`.
    fileprivate func falseAlarms() throws(PipelineError) -> Pipeline.MonitorSettings.FalseAlarms {
        typealias FalseAlarms = Pipeline.MonitorSettings.FalseAlarms
        let allowed =
            "1...1000 per hour, day, week, month or year, or per 100...1000000000000 predictions, such as \"1 per year\""
        let words = try text(allowed).split(separator: " ").map(String.init)
        guard words.count >= 3, words[1] == "per", let count = Int(words[0]), (1...1000).contains(count) else {
            throw refused(allowed)
        }
        if words.count == 3, let span = FalseAlarms.Span(rawValue: words[2]), span != .predictions {
            return FalseAlarms(count: count, span: span)
        }
        guard words.count == 4, words[3] == "predictions", let predictions = Int(words[2]),
            (100...1_000_000_000_000).contains(predictions)
        else { throw refused(allowed, suggestion: "\(count) per year") }
        return FalseAlarms(count: count, span: .predictions, predictions: predictions)
    }
}
