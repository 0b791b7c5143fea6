/// Answers ``BusQuery/Question/status``: what the broker holds and who uses it.
///
/// Lists hold at most ``listMax`` entries; the counts beside them are exact.
public struct BusStatus: Codable, Sendable, Hashable {
    /// Entries of each list.
    public static let listMax = 500

    /// The broker's site.
    public var site: String
    /// Seconds since the broker was started.
    public var upSeconds: Double
    /// The log's file.
    public var log: LogFigures
    /// Durable consumers, the slowest first, and subscriptions without a name.
    public var consumers: [ConsumerStatus]
    /// Work groups by name.
    public var groups: [GroupStatus]
    /// Sessions by name.
    public var peers: [PeerStatus]
    /// All sessions.
    public var peerCount: Int
    /// What happened since the broker was started.
    public var counters: BusCounters

    /// A status from its parts.
    public init(
        site: String,
        upSeconds: Double,
        log: LogFigures,
        consumers: [ConsumerStatus],
        groups: [GroupStatus],
        peers: [PeerStatus],
        peerCount: Int,
        counters: BusCounters
    ) {
        self.site = site
        self.upSeconds = upSeconds
        self.log = log
        self.consumers = consumers
        self.groups = groups
        self.peers = peers
        self.peerCount = peerCount
        self.counters = counters
    }
}

/// The log's file in figures.
public struct LogFigures: Codable, Sendable, Hashable {
    /// A topic and its newest record.
    public struct Stream: Codable, Sendable, Hashable {
        /// The topic.
        public var topic: String
        /// Sequence of its newest record.
        public var last: UInt64

        /// A stream from its parts.
        public init(topic: String, last: UInt64) {
            self.topic = topic
            self.last = last
        }
    }

    /// The log's incarnation.
    public var epoch: UInt64
    /// Sequence of the newest record; 0 when there is none.
    public var head: UInt64
    /// Sequence of the oldest record; 0 when there is none.
    public var oldest: UInt64
    /// Bytes of the file.
    public var bytes: Int
    /// Bytes that were not yet written back into it.
    public var walBytes: Int
    /// Topics, those with the newest records first.
    public var streams: [Stream]
    /// All topics.
    public var streamCount: Int
    /// Dead letters of each group.
    public var dead: [String: Int]

    /// Figures from their parts.
    public init(
        epoch: UInt64,
        head: UInt64,
        oldest: UInt64,
        bytes: Int,
        walBytes: Int,
        streams: [Stream],
        streamCount: Int,
        dead: [String: Int]
    ) {
        self.epoch = epoch
        self.head = head
        self.oldest = oldest
        self.bytes = bytes
        self.walBytes = walBytes
        self.streams = streams
        self.streamCount = streamCount
        self.dead = dead
    }
}

/// How a consumer stands.
public struct ConsumerStatus: Codable, Sendable, Hashable {
    /// Its name; absent for a subscription that ends with its session.
    public var name: String?
    /// Everything up to here took effect; for one without a name, was sent.
    public var cursor: UInt64
    /// Records from there to the head; those that its filters do not match count too.
    public var lag: UInt64
    /// Name of the session that reads; absent when none does.
    public var session: String?
    /// Seconds since it was last heard of, at most since the broker was started.
    public var idleSeconds: Double

    /// A consumer's status from its parts.
    public init(name: String?, cursor: UInt64, lag: UInt64, session: String?, idleSeconds: Double) {
        self.name = name
        self.cursor = cursor
        self.lag = lag
        self.session = session
        self.idleSeconds = idleSeconds
    }
}

/// How a work group stands.
public struct GroupStatus: Codable, Sendable, Hashable {
    /// A member and what it has.
    public struct Member: Codable, Sendable, Hashable {
        /// Name of its session.
        public var name: String
        /// Jobs that it takes at once.
        public var credit: Int
        /// Jobs that it has; more than its credit when requests travel together.
        public var leased: Int
        /// Seconds from one DONE to the next while it is at work; absent before the first.
        public var serviceSeconds: Double?

        /// A member from its parts.
        public init(name: String, credit: Int, leased: Int, serviceSeconds: Double?) {
            self.name = name
            self.credit = credit
            self.leased = leased
            self.serviceSeconds = serviceSeconds
        }
    }

    /// The group's name.
    public var name: String
    /// The topics that make jobs.
    public var filters: [TopicFilter]
    /// Members, by name.
    public var members: [Member]
    /// Jobs that all members together take at once.
    public var credit: Int
    /// Jobs that members have.
    public var leased: Int
    /// Jobs in memory that no member has.
    public var waiting: Int
    /// Everything up to here is done; absent for a group that is not over the log.
    public var floor: UInt64?
    /// Records from there to the head; absent as the floor.
    public var lag: UInt64?
    /// Dead letters.
    public var dead: Int

    /// A group's status from its parts.
    public init(
        name: String,
        filters: [TopicFilter],
        members: [Member],
        credit: Int,
        leased: Int,
        waiting: Int,
        floor: UInt64?,
        lag: UInt64?,
        dead: Int
    ) {
        self.name = name
        self.filters = filters
        self.members = members
        self.credit = credit
        self.leased = leased
        self.waiting = waiting
        self.floor = floor
        self.lag = lag
        self.dead = dead
    }
}

/// How a session stands.
public struct PeerStatus: Codable, Sendable, Hashable {
    /// As it said in HELLO.
    public var name: String
    /// Who it is, as its key says; absent where no keys are used.
    public var identity: String?
    /// The session's number.
    public var session: UInt64
    /// Seconds since HELLO.
    public var seconds: Double
    /// Seconds since its last message.
    public var silentSeconds: Double
    /// Name of its numbered events; absent when it sends none.
    public var producer: String?
    /// Numbered events that wait for the disk.
    public var inFlight: Int
    /// Subscriptions.
    public var subscriptions: Int
    /// Work groups that it is a member of.
    public var groups: [String]

    /// A session's status from its parts.
    public init(
        name: String,
        identity: String?,
        session: UInt64,
        seconds: Double,
        silentSeconds: Double,
        producer: String?,
        inFlight: Int,
        subscriptions: Int,
        groups: [String]
    ) {
        self.name = name
        self.identity = identity
        self.session = session
        self.seconds = seconds
        self.silentSeconds = silentSeconds
        self.producer = producer
        self.inFlight = inFlight
        self.subscriptions = subscriptions
        self.groups = groups
    }
}

/// What happened since the broker was started.
public struct BusCounters: Codable, Sendable, Hashable {
    /// Records put into the log.
    public var published: Int
    /// Events that the log had before.
    public var duplicates: Int
    /// Records sent to subscriptions.
    public var delivered: Int
    /// Jobs handed out, repeats among them.
    public var jobs: Int
    /// Jobs and requests given up.
    public var jobsDead: Int
    /// Telemetry records relayed.
    public var telemetry: Int
    /// Telemetry records that never came, by their senders' numbering. What the fan-out socket drops for a slow reader
    /// is known to that reader only.
    public var telemetryLost: Int
    /// Messages and events refused.
    public var refused: Int
    /// Those that were answered, by code.
    public var refusedByCode: [String: Int]
    /// Sessions that ended.
    public var sessionsEnded: Int

    /// Counters from their parts.
    public init(
        published: Int,
        duplicates: Int,
        delivered: Int,
        jobs: Int,
        jobsDead: Int,
        telemetry: Int,
        telemetryLost: Int,
        refused: Int,
        refusedByCode: [String: Int],
        sessionsEnded: Int
    ) {
        self.published = published
        self.duplicates = duplicates
        self.delivered = delivered
        self.jobs = jobs
        self.jobsDead = jobsDead
        self.telemetry = telemetry
        self.telemetryLost = telemetryLost
        self.refused = refused
        self.refusedByCode = refusedByCode
        self.sessionsEnded = sessionsEnded
    }
}
