package import Bus
import Events

/// The log in memory: what is in it survives a crash of the broker, what waits before it does not.
package struct FakeLog {
    /// What a real log forgets when it is broken; for runs that must find that out.
    package struct Forgetfulness: OptionSet, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) { self.rawValue = rawValue }

        /// Events known by source and id are written again.
        package static let named = Forgetfulness(rawValue: 1)
        /// The last number of each producer is not kept.
        package static let producers = Forgetfulness(rawValue: 2)
        /// `previous` names the record before, whatever its topic.
        package static let topics = Forgetfulness(rawValue: 4)
        /// A consumer's cursor is written one too far.
        package static let cursors = Forgetfulness(rawValue: 8)
    }

    private struct Name: Hashable {
        var source: String
        var id: String
    }

    package private(set) var snapshot: LogSnapshot
    package private(set) var records: [Record] = []
    private let forgets: Forgetfulness
    private var lastOfTopic: [String: UInt64] = [:]
    private var seen: [Name: UInt64] = [:]

    package init(epoch: UInt64 = 7, forgets: Forgetfulness = []) {
        snapshot = LogSnapshot(epoch: epoch)
        self.forgets = forgets
    }

    /// Writes everything or, when the disk is `full`, nothing.
    package mutating func write(_ appends: [Append], _ notes: [LogNote], full: Bool = false) -> Commit {
        if full { return Self.refusal(appends) }
        var outcomes: [AppendOutcome] = []
        var new: [Record] = []
        for append in appends {
            switch append.identity {
            case .named(let source, let id):
                let name = Name(source: source, id: id)
                if let known = seen[name], !forgets.contains(.named) {
                    outcomes.append(.duplicate(known))
                    continue
                }
                seen[name] = snapshot.head + 1
            case .sequenced(let producer, let epoch, let sequence):
                if !forgets.contains(.producers) {
                    snapshot.producers[producer] = .init(epoch: epoch, sequence: sequence)
                }
            case .own: break
            }
            snapshot.head += 1
            let previous = forgets.contains(.topics) ? snapshot.head - 1 : lastOfTopic[append.topic] ?? 0
            let record = Record(
                topic: append.topic,
                flags: append.flags,
                epoch: snapshot.epoch,
                sequence: snapshot.head,
                previous: previous,
                header: append.header,
                data: append.data
            )
            lastOfTopic[append.topic] = snapshot.head
            records.append(record)
            new.append(record)
            outcomes.append(.appended(snapshot.head))
        }
        for note in notes { write(note) }
        return Commit(appends: appends, outcomes: outcomes, records: new)
    }

    private mutating func write(_ note: LogNote) {
        if forgets.contains(.cursors), case .consumer(let name, let cursor) = note {
            snapshot.apply(.consumer(name: name, cursor: cursor + 1))
        } else {
            snapshot.apply(note)
        }
    }

    package static func refusal(_ appends: [Append]) -> Commit {
        Commit(
            appends: appends,
            outcomes: [],
            records: [],
            failure: Refusal(.full, "the log's disk is full", retryAfterMs: 100)
        )
    }

    package func read(_ request: ReadRequest, scanMax: Int = 50) -> ReadResult {
        func matches(_ record: Record) -> Bool { request.filters.contains { $0.matches(record.topic) } }
        if case .last = request.owner {
            let newest = lastOfTopic.values.sorted().map { records[Int($0) - 1] }
            return ReadResult(request: request, records: newest.filter(matches), scannedTo: snapshot.head)
        }
        var found: [Record] = []
        var scannedTo = request.after
        for record in records.dropFirst(Int(request.after)).prefix(scanMax) where found.count < request.limit {
            scannedTo = record.sequence
            if matches(record) { found.append(record) }
        }
        return ReadResult(request: request, records: found, scannedTo: scannedTo)
    }
}
