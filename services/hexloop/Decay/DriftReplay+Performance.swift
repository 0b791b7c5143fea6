import Decay

extension DriftReplay {
    private func binary(_ name: GoldenJSON) throws -> BinaryAnswers {
        let stream = try folder.stream(name.string)
        guard let labels = stream["y_true"].bits, let answers = stream["y_pred"].bits,
            let scores = stream["y_pred_proba"].numbers, scores.count == labels.count, scores.count == answers.count
        else { throw Mismatch("no answers in \(name)") }
        return BinaryAnswers(scores: scores, answers: answers, labels: labels)
    }

    private func multiclass(_ name: GoldenJSON) throws -> MulticlassAnswers {
        let stream = try folder.stream(name.string)
        guard let labels = stream["y_true"].digits, let answers = stream["y_pred"].digits,
            let classes = stream["classes"].elements
        else { throw Mismatch("no answers in \(name)") }
        let scores = classes.compactMap { stream["proba"][$0.string ?? ""].numbers }
        return MulticlassAnswers(scores: scores, answers: answers, labels: labels)
    }

    private func chunks(_ values: ChunkValues) -> GoldenJSON {
        let count = values.values.count
        func repeated(_ value: Double?) -> GoldenJSON { .array(Array(repeating: GoldenJSON(value), count: count)) }
        return [
            "value": GoldenJSON(values.values), "sampling_error": GoldenJSON(values.samplingErrors),
            "upper_confidence_boundary": GoldenJSON(values.upperBounds),
            "lower_confidence_boundary": GoldenJSON(values.lowerBounds),
            "upper_threshold": repeated(values.upperThreshold), "lower_threshold": repeated(values.lowerThreshold),
            "alert": GoldenJSON(values.alerts),
        ]
    }

    private func isMulticlass(_ name: GoldenJSON) throws -> Bool {
        try folder.stream(name.string)["kind"].string == "multiclass_model"
    }

    func confidence(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        guard let size = item.input["chunk_size"].integer else { throw Mismatch("no chunk size") }
        var analysis: [String: GoldenJSON] = [:]
        if try isMulticlass(item.input["reference"]) {
            let rows = try multiclass(item.input["analysis"])
            let estimator = MulticlassConfidenceEstimator(
                reference: try multiclass(item.input["reference"]),
                chunkSize: size,
                calibrates: item.params["needs_calibration"].bool
            )
            for metric in PerformanceMetric.allCases {
                analysis[metric.rawValue] = chunks(estimator.estimates(metric, rows))
            }
            return ["needs_calibration": .bool(estimator.needsCalibration), "analysis": .object(analysis)]
        }
        let (reference, rows) = (try binary(item.input["reference"]), try binary(item.input["analysis"]))
        if item.kind == "cbpe_raw" {
            let estimator = BinaryConfidenceEstimator(reference: reference, chunkSize: size, calibrates: false)
            let complete = rows.scores.count / size
            for metric in PerformanceMetric.allCases {
                let values = estimator.estimates(metric, rows).values
                analysis[metric.rawValue] = GoldenJSON(Array(values.prefix(complete)))
            }
            return .object(analysis)
        }
        let estimator = BinaryConfidenceEstimator(
            reference: reference,
            chunkSize: size,
            calibrates: nil
        )
        var realized: [String: GoldenJSON] = [:]
        for metric in PerformanceMetric.allCases {
            analysis[metric.rawValue] = chunks(estimator.estimates(metric, rows))
            realized[metric.rawValue] = GoldenJSON(estimator.realized(metric, reference).values)
        }
        let count = ChunkValues.chunks(of: rows.scores.count, size: size).count
        if let needs = item.params["needs_calibration"].bool, needs != (estimator.calibration != nil) {
            throw Mismatch("calibration is needed: \(!needs); \(needs) was recorded")
        }
        return [
            "chunks": GoldenJSON(count), "analysis": .object(analysis), "reference_realized": .object(realized),
            "needs_calibration": .bool(estimator.calibration != nil),
        ]
    }

    private func regression(_ name: GoldenJSON) throws -> LossEstimator.Rows {
        let stream = try folder.stream(name.string)
        guard let labels = stream["y_true"].numbers, let answers = stream["y_pred"].numbers else {
            throw Mismatch("no answers in \(name)")
        }
        var columns: [[Double]] = []
        for (_, column) in (stream["features"].members ?? [:]).sorted(by: { $0.key < $1.key }) {
            if let numbers = column.numbers { columns.append(numbers) }
        }
        for (_, column) in (stream["categorical"].members ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let texts = column.elements?.map({ $0.string ?? "" }) else { continue }
            let categories = Set(texts).sorted()
            columns.append(texts.map { Double(categories.firstIndex(of: $0) ?? -1) })
        }
        return LossEstimator.Rows(columns: columns, answers: answers, labels: labels)
    }

    func lossEstimate(_ item: GoldenFolder.Case) throws {
        guard let size = item.input["chunk_size"].integer else { throw Mismatch("no chunk size") }
        let rows = try regression(item.input["analysis"])
        let estimator = LossEstimator(reference: try regression(item.input["reference"]), chunkSize: size)
        for metric in LossEstimator.Metric.allCases {
            guard let allowed = item.expect["mean_abs_gap"][metric.rawValue].number,
                let naive = item.expect["naive_gap"][metric.rawValue].number
            else { continue }
            let (estimated, realized) = (estimator.estimates(metric, rows), estimator.realized(metric, rows))
            let gap =
                zip(estimated.values, realized.values).reduce(0) { $0 + abs($1.0 - $1.1) }
                / Double(realized.values.count)
            guard gap <= 1.1 * allowed, gap < naive else {
                throw Mismatch(
                    "\(metric.rawValue) is \(gap) away; at most \(1.1 * allowed) and under \(naive) is asked"
                )
            }
        }
    }

    func calibration(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        if item.kind == "isotonic" {
            let rows = try binary(item.input["reference"])
            let fitted = IsotonicCalibration(scores: rows.scores, labels: rows.labels.map { $0 ? 1 : 0 })
            return ["y": GoldenJSON((0...100).map { fitted(Double($0) / 100) })]
        }
        let rows = try binary(item.input["stream"])
        var (scores, labels) = (rows.scores, rows.labels)
        if let words = item.input["rows"].string?.split(separator: " "), words.first == "last",
            let count = words.last.flatMap({ Int($0) })
        {
            (scores, labels) = (Array(scores.suffix(count)), Array(labels.suffix(count)))
        }
        switch item.kind {
        case "curve":
            let curve = CalibrationError.curve(
                scores,
                labels,
                bins: item.params["n_bins"].integer ?? 10,
                byQuantiles: item.params["strategy"].string == "quantile"
            )
            return [
                "fraction_of_positives": GoldenJSON(curve.fractions), "mean_predicted": GoldenJSON(curve.means),
                "counts": GoldenJSON(curve.counts), "ece": .number(curve.expected), "mce": .number(curve.maximum),
            ]
        case "scores":
            return [
                "brier": .number(CalibrationError.brier(scores, labels)),
                "log_loss": .number(CalibrationError.logLoss(scores, labels)),
                "nannyml_ece_10_equal_count": .number(CalibrationError.ofEqualCounts(scores, labels)),
            ]
        case "spiegelhalter": return ["z": .number(CalibrationError.spiegelhalter(scores, labels))]
        default: throw Mismatch("unknown \(item.kind)")
        }
    }

    func metrics(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        switch item.kind {
        case "realized":
            guard let size = item.input["chunk_size"].integer else { throw Mismatch("no chunk size") }
            var answer: [String: GoldenJSON] = [:]
            switch try folder.stream(item.input["reference"].string)["kind"].string {
            case "binary_model":
                let rows = try binary(item.input["analysis"])
                let estimator = BinaryConfidenceEstimator(
                    reference: try binary(item.input["reference"]),
                    chunkSize: size,
                    calibrates: false
                )
                for metric in PerformanceMetric.allCases {
                    answer[metric.rawValue] = chunks(estimator.realized(metric, rows))
                }
            case "multiclass_model":
                let rows = try multiclass(item.input["analysis"])
                let estimator = MulticlassConfidenceEstimator(
                    reference: try multiclass(item.input["reference"]),
                    chunkSize: size,
                    calibrates: false
                )
                for metric in PerformanceMetric.allCases {
                    answer[metric.rawValue] = chunks(estimator.realized(metric, rows))
                }
            default:
                let rows = try regression(item.input["analysis"])
                var settings = BoostedTrees.Settings()
                settings.trees = 0
                let estimator = LossEstimator(
                    reference: try regression(item.input["reference"]),
                    chunkSize: size,
                    settings: settings
                )
                for metric in LossEstimator.Metric.allCases {
                    answer[metric.rawValue] = chunks(estimator.realized(metric, rows))
                }
            }
            return .object(answer)
        case "binary":
            guard let y = item.input["y"].numbers, let scores = item.input["score"].numbers else {
                throw Mismatch("no rows")
            }
            let threshold = item.params["threshold"].number ?? 0.5
            let labels = y.map { $0 != 0 }
            let answers = scores.map { $0 >= threshold }
            let confusion = Confusion(labels: labels, answers: answers)
            let counts = ClassCounts(labels: labels.map { $0 ? 1 : 0 }, answers: answers.map { $0 ? 1 : 0 }, classes: 2)
            return [
                "accuracy": .number(confusion.accuracy), "balanced_accuracy": .number(confusion.balancedAccuracy),
                "precision": .number(confusion.precision), "recall": .number(confusion.recall),
                "f1": .number(confusion.f1), "mcc": .number(counts.matthews), "kappa": .number(counts.kappa),
                "confusion": GoldenJSON(counts.counts), "brier": .number(CalibrationError.brier(scores, labels)),
                "roc_auc": .number(Ranking.areaUnderCurve(scores, labels)),
                "average_precision": .number(Ranking.averagePrecision(scores, labels)),
            ]
        case let kind where kind.hasPrefix("multiclass"):
            guard let labels = item.input["y"].digits, let answers = item.input["pred"].digits else {
                throw Mismatch("no rows")
            }
            let classes = (labels + answers).reduce(0, max) + 1
            let counts = ClassCounts(labels: labels, answers: answers, classes: classes)
            var answer: [String: GoldenJSON] = [
                "accuracy": .number(counts.accuracy), "mcc": .number(counts.matthews), "kappa": .number(counts.kappa),
                "confusion": GoldenJSON(counts.counts),
            ]
            for average in ClassCounts.Average.allCases {
                answer["precision_\(average.rawValue)"] = .number(counts.average(average, of: \.precision))
                answer["recall_\(average.rawValue)"] = .number(counts.average(average, of: \.recall))
                answer["f1_\(average.rawValue)"] = .number(counts.average(average, of: \.f1))
            }
            return .object(answer)
        case "regression":
            guard let labels = item.input["y"].numbers, let answers = item.input["pred"].numbers else {
                throw Mismatch("no rows")
            }
            let metrics = RegressionMetrics(labels: labels, answers: answers)
            return [
                "mae": .number(metrics.meanAbsoluteError), "mse": .number(metrics.meanSquaredError),
                "rmse": .number(metrics.rootMeanSquaredError), "r2": .number(metrics.determination),
                "mape": .number(metrics.meanAbsolutePercentageError), "medae": .number(metrics.medianAbsoluteError),
                "max_error": .number(metrics.maximumError), "msle": .number(metrics.meanSquaredLogError),
                "explained_variance": .number(metrics.explainedVariance),
                "pinball_09": .number(RegressionMetrics.pinballLoss(labels: labels, answers: answers, quantile: 0.9)),
            ]
        default: throw Mismatch("unknown \(item.kind)")
        }
    }

    func labelDelay(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        guard let times = item.input["ts"].numbers, let arrivals = item.input["label_ts"].elements,
            let answers = item.input["pred"].bits, let labels = item.input["y"].bits,
            let window = item.params["window"].number, let rows = item.expect["rows"].rows
        else { throw Mismatch("no rows") }
        let horizon = item.params["horizon"].string.flatMap { Int($0.prefix { $0.isNumber }) } ?? 3
        // One for each count: right answers, and among all the true positives, false positives and false negatives.
        var counts = (0..<4).map { _ in TimeWindows(length: window, timeout: Double(horizon) * window) }
        func errors(_ row: Int) -> [Bool] {
            let (answer, label) = (answers[row], labels[row])
            return [answer == label, answer && label, answer && !label, !answer && label]
        }
        var steps: [(time: Double, row: Int, isLabel: Bool)] = []
        for (row, time) in times.enumerated() {
            steps.append((time, row, false))
            if let arrival = arrivals[row].number, arrival.isFinite { steps.append((arrival, row, true)) }
        }
        steps.sort { ($0.time, $0.isLabel ? 1 : 0) < ($1.time, $1.isLabel ? 1 : 0) }
        var answer: [GoldenJSON] = []
        var next = 0
        var before = -Double.infinity
        for watermark in Set(rows.compactMap(\.first)).sorted() {
            while next < steps.count, steps[next].time <= watermark {
                let step = steps[next]
                for (place, isCounted) in errors(step.row).enumerated() {
                    if step.isLabel {
                        let made = times[step.row]
                        counts[place].addLabel(error: isCounted ? 1 : 0, at: made, labelledAt: step.time)
                    } else {
                        counts[place].addPrediction(at: step.time, expected: nil)
                    }
                }
                next += 1
            }
            // Every window that is over, until the labels of its last prediction are no longer waited for.
            for (place, told) in counts[0].windows.enumerated() {
                let end = counts[0].start(of: told) + window
                guard end <= watermark, end + counts[0].timeout > before else { continue }
                let figures = [watermark, Double(told.index), Double(told.predictions), Double(told.labelled)]
                answer.append(GoldenJSON(figures + counts.map { $0.windows[place].sum }))
            }
            before = watermark
        }
        return ["rows": .array(answer)]
    }

    func quality(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        guard let size = item.input["chunk_size"].integer else { throw Mismatch("no chunk size") }
        let reference = try folder.stream(item.input["reference"].string)
        let analysis = try folder.stream(item.input["analysis"].string)
        var answer: [String: GoldenJSON] = [:]
        for name in (item.expect.members ?? [:]).keys {
            /// Values as numbers; missing ones are NaN.
            func column(_ table: GoldenJSON) throws(Mismatch) -> [Double] {
                if let values = table["numeric"][name].elements { return values.map { $0.number ?? .nan } }
                guard let values = table["categorical"][name].numbers else { throw Mismatch("no column \(name)") }
                // Indexes point into each table's own list; the names are what counts.
                let names = table["categories"][name].elements?.compactMap(\.string) ?? []
                let all = analysis["categories"][name].elements?.compactMap(\.string) ?? []
                return values.map { value in
                    guard value >= 0, Int(value) < names.count else { return .nan }
                    return Double(all.firstIndex(of: names[Int(value)]) ?? -1 - Int(value))
                }
            }
            let (before, now) = (try column(reference), try column(analysis))
            switch item.kind {
            case "missing":
                func shares(_ values: [Double]) -> [Double] {
                    ChunkValues.chunks(of: values.count, size: size).map { ColumnQuality.missingShare(values[$0]) }
                }
                answer[name] = chunks(
                    ChunkValues(values: shares(now), threshold: ChunkValues.threshold(shares(before)), range: 0...1)
                )
            case "unseen":
                let seen = Set(before.filter { !$0.isNaN })
                let shares = ChunkValues.chunks(of: now.count, size: size).map {
                    ColumnQuality.share(now[$0]) { !seen.contains($0) }
                }
                answer[name] = chunks(ChunkValues(values: shares, threshold: (nil, 0)))
            case "range":
                let sample = Sample(before)
                let range = (sample.sorted.first ?? .nan)...(sample.sorted.last ?? .nan)
                let shares = ChunkValues.chunks(of: now.count, size: size).map {
                    ColumnQuality.share(now[$0]) { !range.contains($0) }
                }
                answer[name] = chunks(ChunkValues(values: shares, threshold: (nil, 0)))
            default: throw Mismatch("unknown \(item.kind)")
            }
        }
        return .object(answer)
    }
}
