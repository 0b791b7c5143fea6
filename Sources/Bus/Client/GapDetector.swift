/// Finds records that a lossy reader missed: of a topic it follows, by `previous`, and at the tail, by head beats.
public struct GapDetector: Sendable, Hashable {
    /// What to do with a record.
    public enum Verdict: Sendable, Hashable {
        /// The next one.
        case next
        /// Seen already.
        case repeated
        /// Records of this topic after that sequence were missed; fetch them before this one counts.
        case gap(after: UInt64)
        /// The log was made anew: forget everything and start over.
        case newEpoch
    }

    /// The log's incarnation that the sequences belong to.
    public let epoch: UInt64
    private var last: [String: UInt64] = [:]
    /// What was known to be in the log when following began; older records are not missed.
    let start: UInt64

    /// A reader that has everything up to `start` of the log with that epoch.
    public init(epoch: UInt64, start: UInt64) {
        self.epoch = epoch
        self.start = start
    }

    /// Judges a record and remembers it when it is the next.
    public mutating func accept(_ record: Record) -> Verdict {
        guard record.epoch == epoch else { return .newEpoch }
        let seen = last[record.topic] ?? start
        if record.sequence <= seen { return .repeated }
        if record.previous > seen { return .gap(after: seen) }
        last[record.topic] = record.sequence
        return .next
    }

    /// Topics whose newest records were missed, with the last sequence that was seen.
    public func missing(_ beat: HeadBeat) -> [(topic: String, after: UInt64)] {
        guard beat.epoch == epoch else { return [] }
        return beat.topics.compactMap { topic, sequence in
            let seen = last[topic] ?? start
            return sequence > seen ? (topic, seen) : nil
        }.sorted { $0.0 < $1.0 }
    }
}
