/// How far a reader is in the log, and whether it follows commits or reads behind them.
struct LogTail: Sendable, Hashable {
    /// Everything up to here was handed on or did not match.
    private(set) var position: UInt64
    /// A read is under way; commits are left to the next read.
    private(set) var isReading = false

    init(position: UInt64) { self.position = position }

    /// Whether a record that was just committed is the very next one.
    func follows(_ sequence: UInt64) -> Bool { !isReading && position + 1 == sequence }

    mutating func advance(to sequence: UInt64) { position = max(position, sequence) }

    mutating func beginRead() { isReading = true }

    mutating func endRead() { isReading = false }
}
