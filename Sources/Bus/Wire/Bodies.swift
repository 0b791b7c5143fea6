public import Events

/// HELLO: who connects.
public struct Hello: Codable, Sendable, Hashable {
    /// Service and instance, for people: `trainer/main`.
    public var name: String
    /// Name under which sequenced events are published; absent for those that publish none.
    public var producer: String?
    /// The producer's incarnation of its numbering; an older one is fenced.
    public var producerEpoch: UInt64?

    /// A greeting; without a producer the session publishes by source and id alone.
    public init(name: String, producer: String? = nil, producerEpoch: UInt64? = nil) {
        self.name = name
        self.producer = producer
        self.producerEpoch = producerEpoch
    }
}

/// WELCOME: what the broker knows and allows.
public struct Welcome: Codable, Sendable, Hashable {
    /// The session's number, for logs.
    public var session: UInt64
    /// The log's incarnation.
    public var epoch: UInt64
    /// Sequence of the newest record.
    public var head: UInt64
    /// Incarnation of this producer's numbering that the log has; 0 without a producer.
    public var producerEpoch: UInt64
    /// Last number of that incarnation on disk; the outbox goes on behind it. 0 when there is none.
    public var producerSequence: UInt64
    /// What this peer may ask for.
    public var limits: BusLimits

    /// A welcome from its parts.
    public init(
        session: UInt64,
        epoch: UInt64,
        head: UInt64,
        producerEpoch: UInt64,
        producerSequence: UInt64,
        limits: BusLimits
    ) {
        self.session = session
        self.epoch = epoch
        self.head = head
        self.producerEpoch = producerEpoch
        self.producerSequence = producerSequence
        self.limits = limits
    }
}

/// What one peer may ask of the broker.
public struct BusLimits: Codable, Sendable, Hashable {
    /// Events sent and not yet acknowledged.
    public var publishWindowMax = 1024
    /// Records delivered and not yet credited anew, per subscription.
    public var creditMax = 4096
    /// Subscriptions and memberships per session.
    public var subscriptionsMax = 256
    /// Filters per subscription.
    public var filtersMax = 64
    /// Records per FETCH answer.
    public var fetchMax = 1000
    /// Requests that wait in a work group in memory.
    public var waitingRequestsMax = 1024
    /// Bytes of data in one event.
    public var dataBytesMax = CloudEvent.dataBytesMax
    /// Bytes of one event's header.
    public var headerBytesMax = CloudEvent.headerBytesMax

    /// The limits that this version has.
    public init() {}
}

/// NAK and ERR and FAIL: why not.
public struct Refusal: Codable, Sendable, Hashable {
    /// Stable, for programs.
    public var code: ErrorCode
    /// One sentence for people that names what is wrong and the way out.
    public var message: String
    /// When trying again makes sense; absent when it does not.
    public var retryAfterMs: Int?

    /// A refusal; with `retryAfterMs` when the same message may succeed later.
    public init(_ code: ErrorCode, _ message: String, retryAfterMs: Int? = nil) {
        self.code = code
        self.message = message
        self.retryAfterMs = retryAfterMs
    }
}

/// Where a new reader begins.
public enum StartPosition: Codable, Sendable, Hashable {
    /// The oldest record.
    case origin
    /// After the newest record.
    case head
    /// After that sequence.
    case after(UInt64)

    /// Reads `"origin"`, `"head"` or a sequence.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let sequence = try? container.decode(UInt64.self) {
            self = .after(sequence)
            return
        }
        switch try container.decode(String.self) {
        case "origin": self = .origin
        case "head": self = .head
        default:
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "'origin', 'head' or a sequence was expected"
            )
        }
    }

    /// Writes `"origin"`, `"head"` or the sequence.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .origin: try container.encode("origin")
        case .head: try container.encode("head")
        case .after(let sequence): try container.encode(sequence)
        }
    }
}

/// SUB: wants the records that any of the filters matches.
public struct SubscribeRequest: Codable, Sendable, Hashable {
    /// Name of a durable consumer; absent for one that ends with its session.
    public var consumer: String?
    /// Any of them may match; 1 to ``BusLimits/filtersMax``.
    public var filters: [TopicFilter]
    /// Absent: where the durable consumer stopped, or the origin when it is new.
    public var start: StartPosition?
    /// Records that may be sent at once.
    public var credit: Int

    /// A subscription from its parts.
    public init(consumer: String?, filters: [TopicFilter], start: StartPosition?, credit: Int) {
        self.consumer = consumer
        self.filters = filters
        self.start = start
        self.credit = credit
    }
}

/// FETCH: a page of the log. LAST uses ``filters`` alone and answers with each topic's newest record.
public struct FetchRequest: Codable, Sendable, Hashable {
    /// Any of them may match.
    public var filters: [TopicFilter]
    /// Records behind this sequence; 0 for the oldest.
    public var after: UInt64
    /// Records at most; the broker cuts it to ``BusLimits/fetchMax``.
    public var limit: Int

    /// A page from its parts.
    public init(filters: [TopicFilter], after: UInt64 = 0, limit: Int = 1000) {
        self.filters = filters
        self.after = after
        self.limit = limit
    }
}

extension FetchRequest {
    /// Reads a body; `after` and `limit` may be left out.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            filters: try container.decode([TopicFilter].self, forKey: .filters),
            after: try container.decodeIfPresent(UInt64.self, forKey: .after) ?? 0,
            limit: try container.decodeIfPresent(Int.self, forKey: .limit) ?? 1000
        )
    }
}

/// JOIN: takes part in a work group.
///
/// Filters of class `e` make records of the log its jobs: their progress survives restarts. Filters of class `q` make
/// requests its jobs, which wait in memory: who asks, retries. A group may have both.
public struct JoinRequest: Codable, Sendable, Hashable {
    /// Its name, a topic segment.
    public var group: String
    /// The topics that make jobs, of class `e` or `q`; those of the group while it has other members.
    public var filters: [TopicFilter]
    /// Where a new group over the log begins; ignored when the group exists.
    public var start: StartPosition
    /// Jobs that this member works on at once.
    public var credit: Int
    /// Silence after which a job goes to another member.
    public var leaseMs: Int
    /// Requests that may come in one JOB when more wait than there is credit; the broker cuts it to
    /// ``WorkGroup/batchMax``.
    public var batch: Int

    /// A membership from its parts.
    public init(
        group: String,
        filters: [TopicFilter],
        start: StartPosition = .head,
        credit: Int,
        leaseMs: Int = 10_000,
        batch: Int = 1
    ) {
        self.group = group
        self.filters = filters
        self.start = start
        self.credit = credit
        self.leaseMs = leaseMs
        self.batch = batch
    }
}

/// What a member makes of one request of a JOB that carries several.
public enum JobResult: Sendable, Hashable {
    /// The answer to its asker.
    case answer([UInt8])
    /// It cannot be answered: its asker is told why; or, with `retryAfterMs`, another member may be able to, and gets it
    /// as after FAIL.
    case refusal(Refusal)
}

extension JoinRequest {
    private enum CodingKeys: String, CodingKey {
        case group
        case filters
        case start
        case credit
        case leaseMs
        case batch
    }

    /// Writes a body; a batch of one is left out.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(group, forKey: .group)
        try container.encode(filters, forKey: .filters)
        try container.encode(start, forKey: .start)
        try container.encode(credit, forKey: .credit)
        try container.encode(leaseMs, forKey: .leaseMs)
        if batch != 1 { try container.encode(batch, forKey: .batch) }
    }

    /// Reads a body; `start`, `leaseMs` and `batch` may be left out.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            group: try container.decode(String.self, forKey: .group),
            filters: try container.decode([TopicFilter].self, forKey: .filters),
            start: try container.decodeIfPresent(StartPosition.self, forKey: .start) ?? .head,
            credit: try container.decode(Int.self, forKey: .credit),
            leaseMs: try container.decodeIfPresent(Int.self, forKey: .leaseMs) ?? 10_000,
            batch: try container.decodeIfPresent(Int.self, forKey: .batch) ?? 1
        )
    }
}

/// Which attempt at which job: a DONE with an older token than the job's present lease is refused.
public struct LeaseToken: Sendable, Hashable {
    /// The record's sequence, or the request's number.
    public var job: UInt64
    /// 1 for the first delivery.
    public var delivery: UInt32

    /// A token from its parts.
    public init(job: UInt64, delivery: UInt32) {
        self.job = job
        self.delivery = delivery
    }

    /// 12 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: job)
        bytes.append(bigEndian: delivery)
        return bytes
    }

    /// Reads 12 bytes.
    public init(_ bytes: [UInt8]) throws(WireError) {
        guard bytes.count == 12, let job = bytes.bigEndian(UInt64.self, at: 0),
            let delivery = bytes.bigEndian(UInt32.self, at: 8)
        else { throw WireError(.badFrame, "a lease token has 12 bytes") }
        self.job = job
        self.delivery = delivery
    }
}
