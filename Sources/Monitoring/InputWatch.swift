import Decay
import Events
import Pipelines

/// The inputs of one champion: ranges, drift of each feature against its reference, categories and constants.
///
/// Its state follows from the rows alone: who keeps a snapshot and the rows since has all of it.
public struct InputWatch: Sendable, Hashable {
    /// Everything but the features: small, and written with each snapshot.
    public struct Head: Codable, Sendable, Hashable {
        let settings: Pipeline.MonitorSettings
        let plans: [FeaturePlan]
        var ranges: InputRangeMonitor?
        var rows = 0
        var windowRows = 0
        var firstAt: Double?
        var lastAt: Double?
        var slot: Int?
        /// Features that drift in the open episode of drift.
        var drifting: [Int] = []
        var quality: InputQuality
        /// Windows in succession without any difference.
        var quietWindows = 0
        /// Middle and distance of each feature's reference, for how far a row is from it.
        var centers: [Double] = []
        var scales: [Double] = []
    }

    /// What a row changed.
    enum Signal: Sendable, Hashable {
        case outOfRange(InputRangeMonitor.RangeFigures)
        case drift(detector: Pipeline.MonitorSettings.InputDetector, features: [DecayFigures.Contribution], age: Int)
        case quality(InputQuality.Finding, features: [DecayFigures.Contribution], value: Double)
    }

    /// What the inputs say of a decay.
    struct Verdict: Sendable, Hashable {
        var drifted: [DecayFigures.Contribution] = []
        var faulty: [DecayFigures.Contribution] = []
        /// Features for which a difference could have been seen.
        var testable = 0
    }

    /// Rows from which the rate of rows is learned, that the budget of the sequential detectors needs.
    private static let rateRows = 50

    /// Everything but the features.
    public private(set) var head: Head
    /// One for each feature.
    var features: [FeatureWatch]

    /// Begins under a champion.
    /// - Parameter previous: The watch under the champion before, whose newest rows become the reference.
    init(_ pipeline: Pipeline, ranges: [RolloutStepped.Range], previous: InputWatch?) throws(DecaySettingsError) {
        let settings = pipeline.monitor
        let plans = FeaturePlan.all(pipeline)
        let known = previous.flatMap { $0.head.plans == plans ? $0 : nil }
        head = Head(
            settings: settings,
            plans: plans,
            quality: InputQuality(settings, after: known?.head.quality)
        )
        if settings.inputs.contains(.outOfRange), !ranges.isEmpty {
            head.ranges = try InputRangeMonitor(
                features: ranges.map {
                    InputRangeMonitor.Feature(
                        name: $0.feature,
                        count: $0.count,
                        trainingMin: $0.min,
                        trainingMax: $0.max
                    )
                },
                window: settings.window,
                share: 1 / Double(settings.window)
            )
        }
        if let known {
            features = known.features.enumerated().map {
                FeatureWatch(after: $0.element, rows: settings.drift.windowRows, seed: $0.offset)
            }
        } else {
            features = plans.indices.map { FeatureWatch(seed: $0) }
        }
        center()
    }

    /// Puts together what ``head`` and ``featureStates`` gave.
    public init(head: Head, features: [FeatureState]) {
        self.head = head
        self.features = features.map(\.watch)
    }

    /// One feature's state as it is written.
    public struct FeatureState: Codable, Sendable, Hashable {
        let watch: FeatureWatch
    }

    /// The state of each feature, at most 12 kB each.
    public var featureStates: [FeatureState] { features.map { FeatureState(watch: $0) } }

    /// Whether drift of the inputs was said and is not over.
    var isDrifting: Bool { !head.drifting.isEmpty }

    /// How far a row is from the reference: the mean of its features' robust distances, at most 10; nil before there
    /// is a reference.
    func strangeness(_ row: [Float]) -> Double? {
        guard !head.centers.isEmpty else { return nil }
        var sum = 0.0
        for (index, plan) in head.plans.enumerated() where head.scales[index] > 0 {
            sum += min(10, abs(plan.value(in: row) - head.centers[index]) / head.scales[index])
        }
        return sum / Double(head.plans.count)
    }

    /// Adds the inputs of an observation that fits the pipeline.
    mutating func add(_ row: [Float], key: String, at seconds: Double) -> [Signal] {
        head.rows += 1
        head.windowRows += 1
        head.firstAt = min(head.firstAt ?? seconds, seconds)
        head.lastAt = max(head.lastAt ?? seconds, seconds)
        var signals: [Signal] = []
        if var ranges = head.ranges {
            for case .left(let figures) in ranges.add(features: row, key: key, at: seconds) {
                signals.append(.outOfRange(figures))
            }
            head.ranges = ranges
        }
        if head.rows == Self.rateRows, head.settings.inputs.contains(.drift) { beginDrift() }
        let isSeasonal = head.settings.drift.reference == .seasonal
        if isSeasonal, let signal = season(at: seconds) { signals.append(signal) }

        var sights: [FeatureWatch.Sight] = []
        sights.reserveCapacity(features.count)
        for index in features.indices {
            let value = head.plans[index].value(in: row)
            sights.append(features[index].add(value))
            if isSeasonal { features[index].countInSeason(value) }
        }
        for finding in head.quality.add(row, sights) { signals.append(signal(finding, row)) }
        let drifted = sights.indices.filter { sights[$0].hasDrifted }
        if !drifted.isEmpty {
            let age = drifted.map { features[$0].changeAge }.max() ?? 0
            if let signal = begin(.drift, drifted, age: age) { signals.append(signal) }
        }
        if head.windowRows >= head.settings.drift.windowRows, let signal = endWindow() { signals.append(signal) }
        return signals
    }

    private mutating func beginDrift() {
        let span = max((head.lastAt ?? 0) - (head.firstAt ?? 0), 1e-6)
        let budget = head.settings.falseAlarms.perValue(perSecond: Double(Self.rateRows - 1) / span)
        // Half of the budget is the metric's.
        for index in features.indices { features[index].watchDrift(budget: budget / 2 / Double(features.count)) }
    }

    private func signal(_ finding: InputQuality.Finding, _ row: [Float]) -> Signal {
        switch finding {
        case .fault(let fault, let indices):
            let value = indices.first.map { head.plans[$0].value(in: row) } ?? 0
            return .quality(finding, features: contributions(fault.check.rawValue, indices), value: value)
        case .outlier(_, let index):
            let value = head.plans[index].value(in: row)
            return .quality(finding, features: contributions("outlier", [index]), value: value)
        case .duplicates(let share, _):
            return .quality(finding, features: contributions("duplicate", [], score: share), value: share)
        }
    }

    /// - Parameter indices: The features; none for whole rows.
    private func contributions(_ finding: String, _ indices: [Int], score: Double = 1) -> [DecayFigures.Contribution] {
        let names = indices.isEmpty ? ["row"] : indices.map { head.plans[$0].name }
        return names.prefix(DecayFigures.featuresMax).map {
            DecayFigures.Contribution(feature: $0, finding: finding, score: score)
        }
    }

    // MARK: Windows

    private mutating func endWindow() -> Signal? {
        head.windowRows = 0
        let drift = head.settings.drift
        let (asked, reference) = (head.settings.inputs, drift.reference)
        var signal: Signal?
        var isDifferent = false
        if reference != .seasonal {
            for detector in [Pipeline.MonitorSettings.InputDetector.kolmogorovSmirnov, .populationStability]
            where asked.contains(detector) || isDrifting && detector == .kolmogorovSmirnov {
                let isRank = detector == .kolmogorovSmirnov
                let found = different(features.map { isRank ? $0.window.compare().pValue : $0.window.stability() })
                isDifferent = isDifferent || !found.isEmpty
                if asked.contains(detector), !found.isEmpty, signal == nil { signal = begin(detector, found, age: 0) }
            }
            // A season's parts are what is compared there.
            settle(isDifferent: isDifferent)
        }
        for index in features.indices {
            let becoming: ReferenceWindow.Becoming =
                switch reference {
                case .sliding: .all
                case .fixed, .seasonal:
                    isDifferent || features[index].window.reference.count >= drift.referenceRows ? .nothing : .part
                }
            features[index].endWindow(becoming)
        }
        center()
        return signal
    }

    /// An episode of drift is over after two windows, or two parts of a season, without any difference.
    private mutating func settle(isDifferent: Bool) {
        head.quietWindows = isDifferent ? 0 : head.quietWindows + 1
        if head.quietWindows >= 2 { head.drifting = [] }
    }

    private mutating func center() {
        var (centers, scales): ([Double], [Double]) = ([], [])
        for feature in features {
            let quartiles = feature.window.reference.quantiles([0.25, 0.5, 0.75])
            guard feature.window.reference.count >= ReferenceWindow.valuesMin, quartiles.count == 3 else { return }
            centers.append(quartiles[1])
            scales.append((quartiles[2] - quartiles[0]) / 1.349)
        }
        (head.centers, head.scales) = (centers, scales)
    }

    private mutating func season(at seconds: Double) -> Signal? {
        let length = head.settings.drift.seasonSeconds / Double(SeasonalReference.slots)
        let slot = Int((seconds / length).rounded(.down))
        defer { head.slot = slot }
        guard let before = head.slot, before != slot else { return nil }
        let place = ((before % SeasonalReference.slots) + SeasonalReference.slots) % SeasonalReference.slots
        let found = different(features.indices.map { features[$0].endSlot(place) })
        settle(isDifferent: !found.isEmpty)
        let asked = head.settings.inputs
        guard !found.isEmpty, asked.contains(.kolmogorovSmirnov) || asked.contains(.populationStability) else {
            return nil
        }
        return begin(.populationStability, found, age: 0)
    }

    private func different(_ pValues: [Double]) -> [Int] {
        let adjusted = Self.adjusted(pValues, head.settings.drift.correction)
        return adjusted.indices.filter { adjusted[$0] <= head.settings.drift.alpha }
    }

    private static func adjusted(
        _ pValues: [Double],
        _ correction: Pipeline.MonitorSettings.Drift.Correction
    ) -> [Double] {
        switch correction {
        case .bonferroni: MultipleTesting.bonferroni.adjusted(pValues)
        case .holm: MultipleTesting.holm.adjusted(pValues)
        case .benjaminiHochberg: MultipleTesting.benjaminiHochberg.adjusted(pValues)
        case .none: pValues
        }
    }

    /// Opens an episode of drift; what else drifts while it is open is part of it.
    private mutating func begin(
        _ detector: Pipeline.MonitorSettings.InputDetector,
        _ indices: [Int],
        age: Int
    ) -> Signal? {
        let isNew = head.drifting.isEmpty
        head.quietWindows = 0
        for index in indices where !head.drifting.contains(index) { head.drifting.append(index) }
        guard isNew else { return nil }
        return .drift(detector: detector, features: contributions(head.drifting), age: age)
    }

    // MARK: What it means

    private func contributions(_ indices: [Int]) -> [DecayFigures.Contribution] {
        let compared = features.map { $0.window.compare() }
        let adjusted = Self.adjusted(compared.map(\.pValue), head.settings.drift.correction)
        return
            indices
            .sorted { (adjusted[$0], compared[$1].distance, $0) < (adjusted[$1], compared[$0].distance, $1) }
            .prefix(DecayFigures.featuresMax)
            .map { index in
                DecayFigures.Contribution(
                    feature: head.plans[index].name,
                    finding: "drift",
                    score: compared[index].distance,
                    pValue: compared[index].isTestable ? adjusted[index] : nil
                )
            }
    }

    /// What the inputs have to do with a decay that was just seen.
    func verdict() -> Verdict {
        let compared = features.map { $0.window.compare() }
        let adjusted = Self.adjusted(compared.map(\.pValue), head.settings.drift.correction)
        var verdict = Verdict(testable: compared.count { $0.isTestable })
        let drifted = adjusted.indices.filter { adjusted[$0] <= head.settings.drift.alpha }
        verdict.drifted = contributions(drifted + head.drifting.filter { !drifted.contains($0) })
        for name in head.ranges?.featuresOut ?? [] where verdict.drifted.count < DecayFigures.featuresMax {
            verdict.drifted.append(DecayFigures.Contribution(feature: name, finding: "out-of-range", score: 1))
        }
        for (check, indices) in head.quality.faults(within: head.settings.drift.windowRows) {
            verdict.faulty += contributions(check, indices)
        }
        return verdict
    }

    /// Each feature with its reference, the farthest first.
    func overview() -> [MonitorAnswer.Feature] {
        features.enumerated().map { index, feature in
            let compared = feature.window.compare()
            let newest = Sample(feature.window.newest.map(Double.init))
            return MonitorAnswer.Feature(
                feature: head.plans[index].name,
                referenceRows: feature.window.reference.count,
                referenceMedian: feature.window.reference.quantile(0.5),
                median: newest.count > 0 ? newest.median : nil,
                distance: compared.distance,
                pValue: compared.pValue,
                evidence: feature.evidence
            )
        }
        .sorted { ($1.distance, $0.feature) < ($0.distance, $1.feature) }
    }
}
