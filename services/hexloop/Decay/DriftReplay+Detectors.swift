import Decay

extension DriftReplay {
    /// Every drift index and every run of warnings.
    private struct Finding {
        var drifts: [Int] = []
        var warnings: [[Int]] = []

        init(_ detector: inout some Detector, _ values: [Double]) {
            for (index, value) in values.enumerated() {
                switch detector.add(value) {
                case .none: break
                case .drift: drifts.append(index)
                case .warning:
                    if let last = warnings.indices.last, warnings[last][1] == index - 1 {
                        warnings[last][1] = index
                    } else {
                        warnings.append([index, index])
                    }
                }
            }
        }

        var json: [String: GoldenJSON] { ["drifts": GoldenJSON(drifts), "warnings": GoldenJSON(warnings)] }
    }

    func detector(_ item: GoldenFolder.Case) throws -> GoldenJSON? {
        let values = try folder.numbers(item.input)
        let p = item.params
        func finding(_ detector: some Detector) -> GoldenJSON {
            var detector = detector
            return .object(Finding(&detector, values).json)
        }
        // That tool's detectors have the same names and other rules.
        if item.family == "detectors_frouros" { return nil }
        switch item.kind {
        case "DDM":
            return finding(
                DDM(
                    warmStart: p["warm_start"].integer ?? 30,
                    warningLevel: p["warning_threshold"].number ?? 2,
                    driftLevel: p["drift_threshold"].number ?? 3
                )
            )
        case "EDDM":
            return finding(
                EDDM(
                    warmStart: p["warm_start"].integer ?? 30,
                    alpha: p["alpha"].number ?? 0.95,
                    beta: p["beta"].number ?? 0.9
                )
            )
        case "FHDDM":
            return finding(
                FHDDM(
                    window: p["sliding_window_size"].integer ?? 100,
                    confidence: p["confidence_level"].number ?? 1e-6,
                    shortWindow: p["short_window_size"].integer
                )
            )
        case "HDDM_A":
            return finding(
                HDDMA(
                    driftConfidence: p["drift_confidence"].number ?? 0.001,
                    warningConfidence: p["warning_confidence"].number ?? 0.005,
                    isTwoSided: p["two_sided_test"].bool ?? false
                )
            )
        case "HDDM_W":
            return finding(
                HDDMW(
                    driftConfidence: p["drift_confidence"].number ?? 0.001,
                    warningConfidence: p["warning_confidence"].number ?? 0.005,
                    lambda: p["lambda_val"].number ?? 0.05,
                    isTwoSided: p["two_sided_test"].bool ?? false
                )
            )
        case "PageHinkley":
            return finding(
                PageHinkley(
                    minimumCount: p["min_instances"].integer ?? 30,
                    delta: p["delta"].number ?? 0.005,
                    threshold: p["threshold"].number ?? 50,
                    alpha: p["alpha"].number ?? 0.9999,
                    mode: PageHinkley.Mode(rawValue: p["mode"].string ?? "both") ?? .both
                )
            )
        case "KSWIN":
            return finding(
                KSWIN(
                    alpha: p["alpha"].number ?? 0.005,
                    window: p["window_size"].integer ?? 100,
                    newest: p["stat_size"].integer ?? 30,
                    seed: UInt64(p["seed"].integer ?? 0)
                )
            )
        case "ADWIN", "ADWIN_keep":
            var detector = adwin(p, keeps: item.kind == "ADWIN_keep")
            var answer = Finding(&detector, values).json
            answer["final"] = [
                "width": GoldenJSON(detector.width), "total": .number(detector.total),
                "variance": .number(detector.squares),
            ]
            if let places = item.expect["checkpoints"].elements?.compactMap({ $0.numbers?.first }) {
                var again = adwin(p, keeps: item.kind == "ADWIN_keep")
                var rows: [[Double]] = []
                for (index, value) in values.enumerated() {
                    _ = again.add(value)
                    if places.contains(Double(index)) {
                        rows.append([Double(index), Double(again.width), again.total, again.squares])
                    }
                }
                answer["checkpoints"] = GoldenJSON(rows)
            }
            return .object(answer)
        default: return nil
        }
    }

    private func adwin(_ p: GoldenJSON, keeps: Bool) -> ADWIN {
        ADWIN(
            delta: p["delta"].number ?? 0.002,
            clock: p["clock"].integer ?? 32,
            bucketsMax: p["max_buckets"].integer ?? 5,
            partMin: p["min_window_length"].integer ?? 5,
            gracePeriod: p["grace_period"].integer ?? 10,
            keepsWindow: keeps
        )
    }

    func detectorTrace(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        let values = try folder.numbers(item.input)
        guard let recorded = item.expect["rows"].elements else { throw Mismatch("no rows") }
        let places = Set(recorded.compactMap { $0.elements?.first?.integer })
        func trace<D: Detector>(_ start: D, _ columns: (D) -> [Double?]) -> GoldenJSON {
            var detector = start
            var rows: [GoldenJSON] = []
            for (index, value) in values.enumerated() {
                let signal = detector.add(value)
                guard places.contains(index) else { continue }
                rows.append(
                    .array(
                        [GoldenJSON(index), GoldenJSON(Int(signal.rawValue))] + columns(detector).map { GoldenJSON($0) }
                    )
                )
            }
            return ["rows": .array(rows)]
        }
        switch item.kind {
        case "DDM": return trace(DDM()) { [$0.errorRate, $0.lowestRate, $0.lowestDeviation] }
        case "EDDM":
            return trace(EDDM()) { [Double($0.errors), $0.meanDistance, $0.distanceVariance, $0.largest] }
        case "HDDM_A":
            return trace(HDDMA()) { [$0.all.value, $0.low.count, $0.low.value, $0.high.count, $0.high.value] }
        case "HDDM_W":
            return trace(HDDMW()) { [$0.all.value, $0.all.weight, max(0, $0.before.value), max(0, $0.after.value)] }
        case "PageHinkley":
            return trace(PageHinkley(threshold: item.params["threshold"].number ?? 50)) {
                [$0.mean, $0.riseSum, $0.riseLow, $0.fallSum, $0.fallHigh]
            }
        case "ADWIN":
            return trace(ADWIN(clock: item.params["clock"].integer ?? 32)) {
                [Double($0.width), $0.total, $0.squares]
            }
        default: throw Mismatch("unknown detector")
        }
    }
}
