/// Notices that rows come again that were there shortly before, by their hashes.
///
/// A row is a repetition where it is one of the last ``window``. Rows are counted in windows, and one is a finding where
/// it surely has more repetitions than any before it: data that repeat themselves now and then are no news.
public struct DuplicateWatch: Codable, Sendable, Hashable {
    /// Rows that are remembered, and that are counted together.
    public static let window = 256
    /// The probability of a false finding, a window.
    static let alpha = 1e-6

    /// The most repetitions that a window had; nil before the first is over.
    public private(set) var most: Int?
    // Half a hash: two rows in 2^32 are taken for the same.
    private var recent: [UInt32] = []
    private var oldest = 0
    private var repeated = 0
    private var filled = 0

    /// Begins without rows; the first window says what is usual.
    public init() {}

    /// Looks at the next row by its hash; see ``StableHash``.
    ///
    /// - Returns: The share of repetitions in the window that this row ended, if they are surely more than ever.
    public mutating func add(hash: UInt64) -> Double? {
        let hash = UInt32(truncatingIfNeeded: hash)
        if recent.contains(hash) { repeated += 1 }
        if recent.count < Self.window {
            recent.append(hash)
        } else {
            recent[oldest] = hash
            oldest = (oldest + 1) % Self.window
        }
        filled += 1
        guard filled == Self.window else { return nil }
        defer {
            most = max(most ?? 0, repeated)
            (repeated, filled) = (0, 0)
        }
        guard let most, repeated > most else { return nil }
        let chance = CategoricalTests.fisherExact(repeated, filled - repeated, most, filled - most, .greater).pValue
        return chance < Self.alpha ? Double(repeated) / Double(filled) : nil
    }
}
