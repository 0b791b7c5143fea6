import Decay
import Pipelines

/// What is wrong with rows that fit the pipeline, each trouble once.
///
/// Who is in charge is nothing to the quality of rows: the next champion's watch goes on with it.
struct InputQuality: Codable, Sendable, Hashable {
    /// What begins with a row.
    enum Finding: Sendable, Hashable {
        case fault(FeatureWatch.Fault, features: [Int])
        case outlier(StepWatch.Outlier, feature: Int)
        case duplicates(share: Double, most: Double)
    }

    /// An episode of a fault: the row that had it last, and the features that have it.
    private struct Episode: Codable, Sendable, Hashable {
        var row: Int
        var features: [Int]
    }

    /// Rows for which a fault is remembered.
    private static let faultRows = 500

    private var checks: [Pipeline.MonitorSettings.QualityCheck]
    private var rows = 0
    /// The newest episode of each fault.
    private var faults: [String: Episode] = [:]
    private var outliers: OutlierEpisodes
    private var duplicates = DuplicateWatch()

    init(_ settings: Pipeline.MonitorSettings, after previous: InputQuality?) {
        self = previous ?? InputQuality(settings)
        checks = settings.quality
    }

    private init(_ settings: Pipeline.MonitorSettings) {
        checks = settings.quality
        outliers = OutlierEpisodes(window: settings.window)
    }

    /// Adds a row and what its features showed, in their order.
    mutating func add(_ row: [Float], _ sights: [FeatureWatch.Sight]) -> [Finding] {
        rows += 1
        var findings: [Finding] = []
        for fault in FeatureWatch.Fault.allCases {
            let features = sights.indices.filter { sights[$0].fault == fault }
            if !features.isEmpty, note(fault.check, features) {
                findings.append(.fault(fault, features: features))
            }
        }
        let far = sights.indices.max { distance(sights[$0]) < distance(sights[$1]) }
        if checks.contains(.outlier), let far, let step = sights[far].outlier,
            outliers.add(deviations: step.deviations, row: rows)
        {
            findings.append(.outlier(step, feature: far))
        }
        if checks.contains(.duplicate) {
            let most = Double(duplicates.most ?? 0) / Double(DuplicateWatch.window)
            if let share = duplicates.add(hash: StableHash.hash(row: row)), note(.duplicate, []) {
                findings.append(.duplicates(share: share, most: most))
            }
        }
        return findings
    }

    private func distance(_ sight: FeatureWatch.Sight) -> Double { abs(sight.outlier?.deviations ?? 0) }

    /// Notes that features have a fault, or the rows.
    /// - Returns: Whether an episode begins that is to be said.
    private mutating func note(_ check: Pipeline.MonitorSettings.QualityCheck, _ indices: [Int]) -> Bool {
        guard checks.contains(check) else { return false }
        let open = faults[check.rawValue].flatMap { rows - $0.row <= Self.faultRows ? $0.features : nil }
        var features = open ?? []
        for index in indices where !features.contains(index) { features.append(index) }
        faults[check.rawValue] = Episode(row: rows, features: features)
        return open == nil
    }

    /// The faults of the newest rows with the features that had them, none for whole rows. An outlier is no fault that
    /// would explain what comes after it.
    func faults(within count: Int) -> [(check: String, features: [Int])] {
        faults.sorted { $0.key < $1.key }.filter { rows - $0.value.row <= count }.map { ($0.key, $0.value.features) }
    }
}
