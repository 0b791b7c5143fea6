/// Watches whether a model is asked about inputs that its training data did not cover.
///
/// A row counts against a feature when any element of the feature lies outside the feature's training range. A feature
/// is out of range as soon as the rows that count among its last `window` rows are at least `share` of `window`; that
/// is said once. It is back after `window` rows in succession that do not count.
///
/// Like ``RollingErrorMonitor`` this is a pure value: no clock, and the decoded value gives the same signals.
public struct InputRangeMonitor: Sendable, Hashable {
    /// The most rows that a window may hold.
    public static let windowMax = 100_000

    /// Features in the order of a row.
    public let features: [Feature]
    /// Rows in the window, 1...``windowMax``.
    public let window: Int
    /// Share of the window that must be outside, above 0 and up to 1.
    public let share: Double
    /// Rows with a NaN, an infinity or a wrong element count; they are counted here and change nothing else.
    public private(set) var rowsIgnored = 0

    private var tracks: [Track]

    /// One feature of a row and the range that its training data covered.
    public struct Feature: Codable, Sendable, Hashable {
        /// Name as in the pipeline.
        public var name: String
        /// Elements of this feature in a row, 1 or more.
        public var count: Int
        /// Smallest value of any element in the training data.
        public var trainingMin: Float
        /// Largest value of any element in the training data.
        public var trainingMax: Float

        /// Describes one feature; ``InputRangeMonitor/init(features:window:share:)`` checks it.
        public init(name: String, count: Int, trainingMin: Float, trainingMax: Float) {
            self.name = name
            self.count = count
            self.trainingMin = trainingMin
            self.trainingMax = trainingMax
        }
    }

    /// What a row changed for one feature.
    public enum RangeSignal: Codable, Sendable, Hashable {
        /// The feature left its training range.
        case left(RangeFigures)
        /// The feature was inside its training range for a whole window.
        case returned(RangeFigures)

        /// The figures of either signal.
        public var figures: RangeFigures {
            switch self {
            case .left(let figures), .returned(let figures): figures
            }
        }
    }

    /// The numbers behind a signal.
    public struct RangeFigures: Codable, Sendable, Hashable {
        /// Name of the feature.
        public var feature: String
        /// Element of the feature, from 0, that `value` belongs to.
        public var element: Int
        /// The value furthest outside in this row, or the last such value when the feature returned.
        public var value: Float
        /// Smallest value in the training data.
        public var trainingMin: Float
        /// Largest value in the training data.
        public var trainingMax: Float
        /// Rows outside among the last `window` rows.
        public var rowsOutside: Int
        /// Rows in the window.
        public var window: Int
        /// Key of the row that caused the signal.
        public var key: String
        /// Time of that row, seconds since 1970.
        public var at: Double
        /// Key of the first row outside in this episode.
        public var firstKey: String
        /// Time of that row, seconds since 1970.
        public var firstAt: Double
    }

    private struct Outlier: Codable, Sendable, Hashable {
        var element: Int
        var value: Float
        var key: String
        var at: Double
    }

    /// What is remembered of one feature. `outside` holds the row numbers that count, so a clean stream keeps nothing.
    private struct Track: Codable, Sendable, Hashable {
        var outside: [Int] = []
        var isOut = false
        var first: Outlier?
        var last: Outlier?
    }

    private var rowsSeen = 0

    /// Starts with an empty window.
    ///
    /// - Throws: ``DecaySettingsError`` that names the setting, its value and what is allowed.
    public init(features: [Feature], window: Int, share: Double) throws(DecaySettingsError) {
        guard (1...Self.windowMax).contains(window) else {
            throw DecaySettingsError("window", window, "1...\(Self.windowMax)")
        }
        guard share > 0, share <= 1 else { throw DecaySettingsError("share", share, "above 0 and up to 1") }
        guard !features.isEmpty else { throw DecaySettingsError("features", "none", "at least one feature") }
        for feature in features {
            guard (1...1 << 24).contains(feature.count) else {
                throw DecaySettingsError("\(feature.name).count", feature.count, "1...\(1 << 24)")
            }
            guard feature.trainingMin.isFinite else {
                throw DecaySettingsError("\(feature.name).trainingMin", feature.trainingMin, "a finite number")
            }
            guard feature.trainingMax.isFinite, feature.trainingMax >= feature.trainingMin else {
                throw DecaySettingsError(
                    "\(feature.name).trainingMax",
                    feature.trainingMax,
                    "a finite number that is at least trainingMin (\(feature.trainingMin))"
                )
            }
        }
        self.features = features
        self.window = window
        self.share = share
        tracks = Array(repeating: Track(), count: features.count)
    }

    /// Names of the features that are out of range now.
    public var featuresOut: [String] { zip(features, tracks).filter { $0.1.isOut }.map { $0.0.name } }

    /// Elements that a row must have.
    public var elementCount: Int { features.reduce(0) { $0 + $1.count } }

    /// Rows outside that put a feature out of range: `share` of `window`, at least one.
    public var rowsNeeded: Int {
        // The small step back keeps a share such as 0.3 of 10 at 3 rows whatever the product rounds to.
        max(1, Int((share * Double(window) - 1e-9).rounded(.up)))
    }

    /// Adds the features of one prediction.
    ///
    /// - Parameters:
    ///   - features: All elements in declared order. A row with a NaN, an infinity or another element count is counted
    ///     in ``rowsIgnored`` and changes nothing else.
    ///   - key: Key of the observation.
    ///   - at: Time of the row, seconds since 1970.
    /// - Returns: One signal for each feature whose state changed, in declared order; most often none.
    public mutating func add(features row: [Float], key: String, at: Double) -> [RangeSignal] {
        guard row.count == elementCount, row.allSatisfy(\.isFinite), at.isFinite else {
            rowsIgnored += 1
            return []
        }
        rowsSeen += 1
        var signals: [RangeSignal] = []
        var start = 0
        for index in features.indices {
            let elements = row[start..<start + features[index].count]
            start += features[index].count
            if let signal = update(index, furthestOutside(elements, features[index], key, at), key, at) {
                signals.append(signal)
            }
        }
        return signals
    }

    private mutating func update(_ index: Int, _ outlier: Outlier?, _ key: String, _ at: Double) -> RangeSignal? {
        let before = rowsSeen - window
        if let expired = tracks[index].outside.firstIndex(where: { $0 > before }) {
            if expired > 0 { tracks[index].outside.removeFirst(expired) }
        } else {
            tracks[index].outside.removeAll(keepingCapacity: true)
        }
        if let outlier {
            tracks[index].outside.append(rowsSeen)
            if tracks[index].first == nil { tracks[index].first = outlier }
            tracks[index].last = outlier
        }
        let track = tracks[index]
        if !track.isOut, outlier != nil, track.outside.count >= rowsNeeded {
            tracks[index].isOut = true
            return figures(index, key, at).map { .left($0) }
        }
        guard track.outside.isEmpty, track.first != nil else { return nil }
        let signal = track.isOut ? figures(index, key, at).map { RangeSignal.returned($0) } : nil
        tracks[index] = Track()
        return signal
    }

    private func figures(_ index: Int, _ key: String, _ at: Double) -> RangeFigures? {
        let track = tracks[index]
        guard let first = track.first, let last = track.last else { return nil }
        return RangeFigures(
            feature: features[index].name,
            element: last.element,
            value: last.value,
            trainingMin: features[index].trainingMin,
            trainingMax: features[index].trainingMax,
            rowsOutside: track.outside.count,
            window: window,
            key: key,
            at: at,
            firstKey: first.key,
            firstAt: first.at
        )
    }

    private func furthestOutside(
        _ elements: ArraySlice<Float>,
        _ feature: Feature,
        _ key: String,
        _ at: Double
    ) -> Outlier? {
        var worst: Outlier?
        var worstDistance: Float = 0
        for (element, value) in elements.enumerated() {
            let distance = max(feature.trainingMin - value, value - feature.trainingMax)
            guard distance > worstDistance else { continue }
            worstDistance = distance
            worst = Outlier(element: element, value: value, key: key, at: at)
        }
        return worst
    }
}

extension InputRangeMonitor: Codable {
    private enum CodingKeys: String, CodingKey { case features, window, share, rowsIgnored, tracks, rowsSeen }

    /// Reads a snapshot and checks it, because it comes from a file.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            features: container.decode([Feature].self, forKey: .features),
            window: container.decode(Int.self, forKey: .window),
            share: container.decode(Double.self, forKey: .share)
        )
        rowsIgnored = try container.decode(Int.self, forKey: .rowsIgnored)
        rowsSeen = try container.decode(Int.self, forKey: .rowsSeen)
        tracks = try container.decode([Track].self, forKey: .tracks)
        let counters = 0...Int.max / 2
        guard tracks.count == features.count, counters.contains(rowsSeen), counters.contains(rowsIgnored),
            tracks.allSatisfy({ $0.outside.count <= window && $0.outside.allSatisfy { $0 >= 1 && $0 <= rowsSeen } })
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .tracks,
                in: container,
                debugDescription: "the rows do not agree with the features"
            )
        }
    }
}
