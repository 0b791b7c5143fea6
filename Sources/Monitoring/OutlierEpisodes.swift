/// Episodes of outliers, so that one trouble is said once.
///
/// An episode lasts until a stretch of rows had none, a window at first and twice as long after each episode: where
/// outliers keep coming, they are not unusual. Within an episode only one that is twice as far as all before is news.
struct OutlierEpisodes: Codable, Sendable, Hashable {
    /// Rows without an outlier after which the next is always news.
    private static let quietMax = 500

    private var last: Int?
    private var quiet: Int
    private var farthest = 0.0

    init(window: Int) { quiet = min(Self.quietMax, window) }

    /// Takes the farthest outlier of a row.
    /// - Returns: Whether it is news.
    mutating func add(deviations: Double, row: Int) -> Bool {
        defer { last = row }
        let distance = abs(deviations)
        if let last, row - last <= quiet {
            guard distance > 2 * farthest else { return false }
            farthest = distance
            return true
        }
        if last != nil { quiet = min(Self.quietMax, 2 * quiet) }
        farthest = distance
        return true
    }
}
