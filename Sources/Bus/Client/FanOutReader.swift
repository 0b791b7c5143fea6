package import Events

/// Follows the lossy fan-out without holes, as a state machine: frames and pages of the log go in, records come out.
///
/// Three things show a loss: a record whose `previous` was not seen, a beat that names a newer record of a topic, and a
/// beat before which another one was lost. What is missing is asked of the log before anything newer is handed on.
package struct FanOutReader: Sendable {
    /// What is needed from the log; while there is one, no frames are taken.
    package struct Page: Sendable, Hashable {
        /// Any of them may match.
        package var filters: [TopicFilter]
        /// Records behind this sequence.
        package var after: UInt64
    }

    private let filters: [TopicFilter]
    /// What is known to whoever reads; nil for all that is in the log when reading begins.
    private let start: UInt64?
    private var detector: GapDetector?
    /// Sequence of the first record that came before the first beat.
    private var earliest: UInt64?
    /// Everything up to here was handed on or did not match.
    private var complete: UInt64 = 0
    private var pages: [Page] = []
    private var records: [Record] = []

    /// A reader that begins with the first beat.
    package init(_ filters: [TopicFilter], after start: UInt64?) {
        self.filters = filters
        self.start = start
    }

    /// The page that is to be read next, until ``filled(_:scannedTo:)`` says that there is no more.
    package var page: Page? { pages.first }

    /// Everything after this sequence is handed on; nil before the first beat.
    package var begin: UInt64? { detector?.start }

    /// Takes the records that are next of their topics.
    package mutating func takeRecords() -> [Record] {
        defer { records = [] }
        return records
    }

    /// One message of the fan-out socket; call it while ``page`` is nil.
    package mutating func receive(_ frames: Frames) {
        if frames.count == 2 {
            guard let beat = try? EventCoding.decode(HeadBeat.self, from: frames[1]) else { return }
            hear(beat)
        } else if let record = try? Record(frames: frames), record.flags.contains(.durable),
            filters.contains(where: { $0.matches(record.topic) })
        {
            take(record)
        }
    }

    private mutating func hear(_ beat: HeadBeat) {
        if detector?.epoch != beat.epoch {
            complete = detector == nil ? start ?? earliest.map { $0 - 1 } ?? beat.head : 0
            detector = GapDetector(epoch: beat.epoch, start: complete)
            if complete < beat.head || earliest != nil { pages.append(Page(filters: filters, after: complete)) }
        } else if complete < beat.since {
            pages.append(Page(filters: filters, after: complete))
        } else {
            for (topic, after) in detector?.missing(beat) ?? [] where filters.contains(where: { $0.matches(topic) }) {
                guard let filter = try? TopicFilter(topic) else { continue }
                pages.append(Page(filters: [filter], after: after))
            }
        }
        complete = max(complete, beat.head)
    }

    private mutating func take(_ record: Record) {
        switch detector?.accept(record) {
        case .next: records.append(record)
        case .gap(let after):
            guard let filter = try? TopicFilter(record.topic) else { return }
            pages.append(Page(filters: [filter], after: after))
        case .repeated, .newEpoch: break
        case nil: earliest = earliest ?? record.sequence
        }
    }

    /// What the log had of ``page``, and how far it was read for it.
    package mutating func filled(_ found: [Record], scannedTo: UInt64) {
        guard let page = pages.first else { return }
        for record in found where detector?.accept(record) == .next { records.append(record) }
        if scannedTo > page.after { pages[0].after = scannedTo } else { pages.removeFirst() }
    }
}
