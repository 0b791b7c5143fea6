public import Events

/// A peer of the broker's ROUTER: its routing id, which libzmq chooses, and the key that it proved to own.
///
/// Who takes over a routing id with another key is another peer: it has nothing of the first one's session.
public struct PeerID: Sendable, Hashable {
    /// As libzmq hands it over; it names one connection, a peer that connects again has another.
    public let bytes: [UInt8]
    /// The peer's public key; nil on sockets without keys.
    public let key: String?

    /// A peer by its routing id and key.
    public init(_ bytes: [UInt8], key: String? = nil) {
        self.bytes = bytes
        self.key = key
    }

    /// The routing id alone tells peers apart well enough.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

/// Who waits for an answer: a peer and the correlation it chose.
public struct Requester: Sendable, Hashable {
    /// Who asked.
    public var peer: PeerID
    /// The number that the peer chose; the answer repeats it.
    public var correlation: UInt64

    /// A requester from its parts.
    public init(peer: PeerID, correlation: UInt64) {
        self.peer = peer
        self.correlation = correlation
    }
}

/// An event on its way into the log.
public struct Append: Sendable, Hashable {
    /// How the log knows an event again.
    public enum Identity: Sendable, Hashable {
        /// By its producer's numbering.
        case sequenced(producer: String, epoch: UInt64, sequence: UInt64)
        /// By CloudEvents `source` and `id`.
        case named(source: String, id: String)
        /// The broker's own; written once.
        case own
    }

    /// The record's topic, already checked.
    public var topic: String
    /// Flags of the record that it becomes.
    public var flags: Record.Flags
    /// CloudEvents attributes as a JSON object.
    public var header: [UInt8]
    /// The event's data.
    public var data: [UInt8]
    /// How the log tells whether it has the event.
    public var identity: Identity
    /// Who gets an ACK for this event alone; nil for numbered ones, the simple door and the broker's own.
    public var requester: Requester?
    /// Appends of a generation that failed are failed without being tried.
    public var generation: UInt64

    /// Bytes that the append holds in memory, roughly.
    public var bytes: Int { topic.utf8.count + header.count + data.count + 64 }
}

/// What the log made of one append.
public enum AppendOutcome: Sendable, Hashable {
    case appended(UInt64)
    case duplicate(UInt64)
}

/// What became of a batch of appends: all of them are on disk, or none.
public struct Commit: Sendable {
    /// The whole batch, in order, those that the log had before among them.
    public var appends: [Append]
    /// One per append, or empty when the batch failed.
    public var outcomes: [AppendOutcome]
    /// The new records, in order.
    public var records: [Record]
    /// Why nothing was written.
    public var failure: Refusal?

    /// A batch's outcome from its parts.
    public init(appends: [Append], outcomes: [AppendOutcome], records: [Record], failure: Refusal? = nil) {
        self.appends = appends
        self.outcomes = outcomes
        self.records = records
        self.failure = failure
    }
}

/// Who asked for records.
public enum ReadOwner: Sendable, Hashable {
    case consumer(ConsumerID)
    case group(String)
    case fetch(Requester)
    case last(Requester)
}

/// A subscription: its session's peer and its correlation.
public struct ConsumerID: Sendable, Hashable {
    /// The session's peer.
    public var peer: PeerID
    /// The correlation of its SUB.
    public var correlation: UInt64
}

/// Records to read from the log.
public struct ReadRequest: Sendable, Hashable {
    /// Who gets the answer.
    public var owner: ReadOwner
    /// Any of them may match.
    public var filters: [TopicFilter]
    /// Read what is behind this sequence.
    public var after: UInt64
    /// Records at most.
    public var limit: Int
}

/// Records that match, and how far the log was read for them.
public struct ReadResult: Sendable {
    /// What was asked for.
    public var request: ReadRequest
    /// What matched, in the order of the log.
    public var records: [Record]
    /// Everything up to this sequence was looked at; the next read goes on from here.
    public var scannedTo: UInt64

    /// A read's outcome from its parts.
    public init(request: ReadRequest, records: [Record], scannedTo: UInt64) {
        self.request = request
        self.records = records
        self.scannedTo = scannedTo
    }
}

/// What the log keeps besides records.
public enum LogNote: Sendable, Hashable {
    /// A durable consumer's cursor.
    case consumer(name: String, cursor: UInt64)
    /// What happened in a work group over the log.
    case group(name: String, GroupNote)
}

/// What the log keeps of a work group; each note holds only what is new.
public enum GroupNote: Sendable, Hashable {
    /// The group was made, or other topics make its jobs from now on.
    case defined(filters: [TopicFilter], floor: UInt64)
    /// Everything up to `floor` is done, and `done` above it, besides what earlier notes said.
    case progressed(floor: UInt64, done: [UInt64])
    /// A delivery was in vain; the job is still open.
    case failed(JobFailure, isRevived: Bool)
    /// The job is given up and stands among the dead letters.
    case buried(JobFailure)
    /// A job that was taken out of the dead letters is done.
    case revivedDone(UInt64)
}

/// Deliveries of a job that were in vain.
public struct JobFailure: Sendable, Hashable {
    /// The record's position in the log.
    public var sequence: UInt64
    /// Deliveries so far.
    public var deliveries: UInt32
    /// Why the last one failed.
    public var reason: Refusal

    /// A failure from its parts.
    public init(sequence: UInt64, deliveries: UInt32, reason: Refusal) {
        self.sequence = sequence
        self.deliveries = deliveries
        self.reason = reason
    }
}

/// What the log knows when it is opened.
public struct LogSnapshot: Sendable {
    /// The producer's incarnation and last number.
    public struct Producer: Sendable, Hashable {
        /// Incarnation of the producer's numbering; an older one is fenced.
        public var epoch: UInt64
        /// The last number of that incarnation on disk.
        public var sequence: UInt64

        /// A producer's standing from its parts.
        public init(epoch: UInt64, sequence: UInt64) {
            self.epoch = epoch
            self.sequence = sequence
        }
    }

    /// A work group's progress.
    public struct Group: Sendable, Hashable {
        /// The topics that make jobs.
        public var filters: [TopicFilter]
        /// Everything up to this sequence is done.
        public var floor: UInt64
        /// What is done above the floor, rising.
        public var done: [UInt64]
        /// Open jobs above the floor that failed, by sequence.
        public var failures: [UInt64: JobFailure]
        /// Dead letters that were asked for again and are not done yet, by sequence.
        public var revived: [UInt64: JobFailure]

        /// A group's progress from its parts.
        public init(
            filters: [TopicFilter],
            floor: UInt64,
            done: [UInt64] = [],
            failures: [UInt64: JobFailure] = [:],
            revived: [UInt64: JobFailure] = [:]
        ) {
            self.filters = filters
            self.floor = floor
            self.done = done
            self.failures = failures
            self.revived = revived
        }
    }

    /// The log's incarnation; made anew with the file.
    public var epoch: UInt64
    /// Sequence of the newest record; 0 when the log is empty.
    public var head: UInt64
    /// By the names in HELLO.
    public var producers: [String: Producer]
    /// Cursors of the durable consumers, by name.
    public var consumers: [String: UInt64]
    /// Work groups over the log, by name.
    public var groups: [String: Group]
    /// Dead letters of each group.
    public var deadCounts: [String: Int] = [:]

    /// A snapshot from its parts; without them, that of an empty log.
    public init(
        epoch: UInt64,
        head: UInt64 = 0,
        producers: [String: Producer] = [:],
        consumers: [String: UInt64] = [:],
        groups: [String: Group] = [:]
    ) {
        self.epoch = epoch
        self.head = head
        self.producers = producers
        self.consumers = consumers
        self.groups = groups
    }

    /// Takes a note in, as the log on disk does.
    public mutating func apply(_ note: LogNote) {
        switch note {
        case .consumer(let name, let cursor): consumers[name] = max(cursor, consumers[name] ?? 0)
        case .group(let name, .defined(let filters, let floor)):
            groups[name] = Group(
                filters: filters,
                floor: floor,
                done: groups[name]?.done.filter { $0 > floor } ?? [],
                failures: groups[name]?.failures ?? [:],
                revived: groups[name]?.revived ?? [:]
            )
        case .group(let name, let note):
            if case .buried = note { deadCounts[name, default: 0] += 1 }
            groups[name]?.apply(note)
        }
    }
}

extension LogSnapshot.Group {
    fileprivate mutating func apply(_ note: GroupNote) {
        switch note {
        case .defined: break
        case .progressed(let floor, let done):
            self.floor = max(self.floor, floor)
            self.done = Set(self.done + done).filter { $0 > self.floor }.sorted()
            failures = failures.filter { $0.key > self.floor && !done.contains($0.key) }
        case .failed(let failure, let isRevived):
            if isRevived { revived[failure.sequence] = failure } else { failures[failure.sequence] = failure }
        case .buried(let failure):
            failures[failure.sequence] = nil
            revived[failure.sequence] = nil
        case .revivedDone(let sequence): revived[sequence] = nil
        }
    }
}
