public import Events

/// A peer of the broker's ROUTER: its routing id, which libzmq chooses.
public struct PeerID: Sendable, Hashable {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// Who waits for an answer: a peer and the correlation it chose.
public struct Requester: Sendable, Hashable {
    public var peer: PeerID
    public var correlation: UInt64

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

    public var topic: String
    public var flags: Record.Flags
    public var header: [UInt8]
    public var data: [UInt8]
    public var identity: Identity
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
    public var appends: [Append]
    /// One per append, or empty when the batch failed.
    public var outcomes: [AppendOutcome]
    /// The new records, in order.
    public var records: [Record]
    /// Why nothing was written.
    public var failure: Refusal?

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
    public var peer: PeerID
    public var correlation: UInt64
}

/// Records to read from the log.
public struct ReadRequest: Sendable, Hashable {
    public var owner: ReadOwner
    public var filters: [TopicFilter]
    public var after: UInt64
    public var limit: Int
}

/// Records that match, and how far the log was read for them.
public struct ReadResult: Sendable {
    public var request: ReadRequest
    public var records: [Record]
    public var scannedTo: UInt64

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
    /// A work group's progress: everything up to `floor` is done, and `done` above it.
    case group(name: String, filters: [TopicFilter], floor: UInt64, done: [UInt64])
}

/// What the log knows when it is opened.
public struct LogSnapshot: Sendable {
    /// The producer's incarnation and last number.
    public struct Producer: Sendable, Hashable {
        public var epoch: UInt64
        public var sequence: UInt64

        public init(epoch: UInt64, sequence: UInt64) {
            self.epoch = epoch
            self.sequence = sequence
        }
    }

    /// A work group's progress.
    public struct Group: Sendable, Hashable {
        public var filters: [TopicFilter]
        public var floor: UInt64
        public var done: [UInt64]

        public init(filters: [TopicFilter], floor: UInt64, done: [UInt64]) {
            self.filters = filters
            self.floor = floor
            self.done = done
        }
    }

    public var epoch: UInt64
    public var head: UInt64
    public var producers: [String: Producer]
    public var consumers: [String: UInt64]
    public var groups: [String: Group]

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
}
