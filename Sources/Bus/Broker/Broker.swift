public import Events

/// The broker as a state machine: messages, commits and time go in, actions come out. It does no I/O.
///
/// The order that keeps the promise: an event is first appended to the log, then acknowledged, then fanned out.
/// `docs/wire.md` describes the conversation.
public struct Broker: Sendable {
    /// Silence after which a session ends; clients ping every second.
    public static let silenceMax: Duration = .seconds(4)
    /// Bytes of events that wait for the disk; beyond it publishers are told to come back.
    public static let pendingBytesMax = 64 << 20
    /// Records that one read from the log brings.
    static let readMax = 256
    /// Events of the broker itself that wait for room on the disk.
    static let postponedMax = 1000
    /// Work groups, those over the log and those in memory.
    static let groupsMax = 1024

    /// What the shell shall do, in this order.
    public enum Action: Sendable {
        case send(PeerID, BrokerMessage)
        case append(Append)
        case read(ReadRequest)
        case note(LogNote)
        /// Ask the log something else; the answer goes to ``Broker/stored(_:now:)``.
        case store(StoreRequest)
        /// To every subscriber of the fan-out socket.
        case fanOut(Frames)
    }

    /// What happened so far, for metrics.
    public struct Counters: Sendable, Hashable {
        /// Records that came onto the disk since the broker was made.
        public var published = 0
        /// Events that the log had before.
        public var duplicates = 0
        /// Messages and events that were answered with ERR or NAK, or dropped at the ingress socket.
        public var refused = 0
        /// Records sent to subscriptions.
        public var delivered = 0
        /// Jobs handed to members, repeats among them.
        public var jobs = 0
        /// Jobs given up after ``WorkGroup/deliveriesMax`` deliveries.
        public var jobsDead = 0
        /// Telemetry records relayed.
        public var telemetry = 0
        /// Telemetry records that are missing in their publishers' numbering.
        public var telemetryLost = 0
        /// Sessions that ended, for whatever reason.
        public var sessionsEnded = 0
        /// Messages, subscriptions and connections that were refused for want of a right or a key.
        public var denied = 0
        /// Messages that were refused or dropped because their identity sent too much.
        public var throttled = 0
    }

    struct Session {
        var number: UInt64
        var hello: Hello
        var since: Duration
        var heardAt: Duration
        var consumers: Set<UInt64> = []
        /// Membership correlation to group name.
        var memberships: [UInt64: String] = [:]
    }

    struct Producer {
        var epoch: UInt64
        /// Last number on disk.
        var committed: UInt64
        /// Last number handed to the log.
        var accepted: UInt64
        var peer: PeerID?
    }

    struct Consumer {
        var name: String?
        var filters: [TopicFilter]
        var tail: LogTail
        var credit: Int
    }

    /// The site in source and topic of the broker's own events.
    public let site: String
    /// What a peer may ask for; WELCOME names them.
    public let limits: BusLimits
    /// The log's incarnation.
    public let epoch: UInt64
    /// Sequence of the newest record on disk.
    public internal(set) var head: UInt64
    /// What happened since the broker was made.
    public internal(set) var counters = Counters()
    var sessions: [PeerID: Session] = [:]
    var producers: [String: Producer]
    var cursors: [String: UInt64]
    var consumers: [ConsumerID: Consumer] = [:]
    var groups: [String: WorkGroup]
    /// Groups of which the log does not know everything yet.
    var touchedGroups: Set<String> = []
    /// Dead letters of each group.
    var deadCounts: [String: Int]
    /// When each durable consumer was last heard, since the broker was made.
    var consumersHeardAt: [String: Duration] = [:]
    /// Refusals by their code.
    var refusals: [ErrorCode: Int] = [:]
    var telemetry = TelemetryRelay()
    /// Who may do what; nil when nobody is judged.
    var access: AccessPolicy?
    var refusalRepeats = RepeatFilter()
    var rates: RateLimits
    var pendingBytes = 0
    var generation: UInt64 = 1
    var actions: [Action] = []
    private var postponed: [Append] = []
    private var sessionCount: UInt64 = 0
    var requestCount: UInt64
    private var ownCount: UInt64 = 0
    private var topicsSinceBeat: [String: UInt64] = [:]
    /// The head that the last beat named.
    private var beatHead: UInt64

    /// A broker over a log that was just opened.
    /// - Parameter requestsAfter: Requests get the numbers behind it, under 2^62. Each life of a broker needs others:
    ///   a member may end a job of an earlier life, and its token must not be that of a request of this one.
    public init(
        site: String,
        limits: BusLimits = .init(),
        rates: RateLimits = .init(),
        access: AccessPolicy? = nil,
        requestsAfter: UInt64 = 0,
        log: LogSnapshot
    ) {
        self.site = site
        requestCount = requestsAfter
        self.rates = rates
        self.access = access
        self.limits = limits
        epoch = log.epoch
        head = log.head
        beatHead = log.head
        producers = log.producers.mapValues {
            Producer(epoch: $0.epoch, committed: $0.sequence, accepted: $0.sequence)
        }
        cursors = log.consumers
        deadCounts = log.deadCounts
        groups = [:]
        for (name, group) in log.groups {
            groups[name] = WorkGroup(
                name: name,
                filters: group.filters,
                floor: group.floor,
                done: group.done,
                failures: Array(group.failures.values)
            )
        }
        // Dead letters that somebody asked for again before the broker was started anew.
        if log.groups.values.contains(where: { !$0.revived.isEmpty }) {
            actions.append(.store(StoreRequest(asker: nil, operation: .loadRevived)))
        }
    }

    /// Takes the actions that have come up since the last call.
    public mutating func takeActions() -> [Action] {
        if !touchedGroups.isEmpty { noteGroups() }
        defer { actions = [] }
        return actions
    }

    /// Who is connected, by the names in HELLO, sorted.
    public var sessionNames: [String] { sessions.values.map(\.hello.name).sorted() }

    // MARK: Messages

    /// One message of a peer, without its routing id. `at` is the wall clock, for events that the broker writes itself.
    public mutating func receive(from peer: PeerID, _ frames: Frames, now: Duration, at time: Timestamp) {
        let message: ClientMessage
        do { message = try ClientMessage(frames: frames) } catch {
            counters.refused += 1
            // Whoever sent a command of a newer version learns which one; of other messages nothing can be trusted.
            let id = error.code == .unknownCommand ? frames.first?.bigEndian(UInt64.self, at: 8) ?? 0 : 0
            send(peer, .error(id, Refusal(error.code, error.message)))
            return
        }
        if access != nil {
            if case .refused(let reason) = standing(of: peer, at: time) {
                turnOut(peer, reason, now: now, at: time)
                return
            }
            guard isInRate(peer, message, frames, now: now, at: time) else { return }
        }
        if case .hello(let id, let hello) = message {
            greet(peer, id, hello, now: now, at: time)
            return
        }
        guard sessions[peer] != nil else {
            if case .bye = message { return }
            send(peer, .error(0, Refusal(.rehello, "this broker does not know you; say HELLO first")))
            return
        }
        sessions[peer]?.heardAt = now
        handle(message, from: peer, now: now, at: time)
    }

    private mutating func handle(_ message: ClientMessage, from peer: PeerID, now: Duration, at time: Timestamp) {
        switch message {
        case .hello: break
        case .publish(_, let sequence, let topic, let header, let data):
            publish(peer, sequence: sequence, topic: topic, header: header, data: data, at: time)
        case .publishUnsequenced(let id, let topic, let header, let data):
            publishNamed(
                Requester(peer: peer, correlation: id),
                topic: topic,
                header: header,
                data: data,
                now: now,
                at: time
            )
        case .publishStructured(let id, let topic, let event):
            publishStructured(Requester(peer: peer, correlation: id), topic: topic, event: event, now: now, at: time)
        case .subscribe(let id, let request):
            guard isGranted(peer, id, at: time, { $0.missing(toSubscribe: request) }) else { return }
            subscribe(peer, id, request)
        case .credit(let id, let count): credit(ConsumerID(peer: peer, correlation: id), count)
        case .acknowledge(let id, let sequence):
            acknowledge(ConsumerID(peer: peer, correlation: id), sequence)
        case .fetch(let id, let request):
            guard isGranted(peer, id, at: time, { $0.missing(toRead: request.filters) }) else { return }
            fetch(Requester(peer: peer, correlation: id), request)
        case .last(let id, let request):
            guard isGranted(peer, id, at: time, { $0.missing(toRead: request.filters) }) else { return }
            actions.append(
                .read(
                    ReadRequest(
                        owner: .last(Requester(peer: peer, correlation: id)),
                        filters: request.filters,
                        after: 0,
                        limit: limits.fetchMax
                    )
                )
            )
        case .join(let id, let request):
            guard isGranted(peer, id, at: time, { $0.missing(toJoin: request) }) else { return }
            join(Requester(peer: peer, correlation: id), request, now: now)
        case .done(let id, let token, let result):
            done(Requester(peer: peer, correlation: id), token, [.answer(result)], now: now)
        case .doneParts(let id, let token, let results):
            done(Requester(peer: peer, correlation: id), token, results, now: now)
        case .fail(let id, let token, let refusal):
            fail(Requester(peer: peer, correlation: id), token, refusal, isFinal: false, now: now, at: time)
        case .refuse(let id, let token, let refusal):
            fail(Requester(peer: peer, correlation: id), token, refusal, isFinal: true, now: now, at: time)
        case .extend(let id, let token): extend(Requester(peer: peer, correlation: id), token, now: now)
        case .leave(let id): leave(Requester(peer: peer, correlation: id), now: now)
        case .ping: send(peer, .pong)
        case .bye: end(peer, now: now)
        }
    }

    mutating func send(_ peer: PeerID, _ message: BrokerMessage) {
        switch message {
        case .nak(_, let refusal), .error(_, let refusal): refusals[refusal.code, default: 0] += 1
        default: break
        }
        actions.append(.send(peer, message))
    }

    // MARK: Sessions

    private mutating func greet(_ peer: PeerID, _ id: UInt64, _ hello: Hello, now: Duration, at time: Timestamp) {
        if sessions[peer] != nil { end(peer, now: now) }
        guard isGranted(peer, id, at: time, { $0.missing(toGreet: hello) }) else { return }
        guard hasRoomForSession(of: peer, at: time) else {
            refuse(
                peer,
                id,
                .tooMany,
                "an identity has at most \(rates.sessionsMax) sessions",
                retryAfterMs: 5000
            )
            return
        }
        sessionCount += 1
        var known = (epoch: UInt64(0), sequence: UInt64(0))
        if let name = hello.producer {
            let asked = hello.producerEpoch ?? 1
            var producer = producers[name] ?? Producer(epoch: asked, committed: 0, accepted: 0)
            guard asked >= producer.epoch else {
                counters.refused += 1
                send(
                    peer,
                    .error(
                        id,
                        Refusal(
                            .fenced,
                            "producer '\(name)' has moved on to epoch \(producer.epoch), this says \(asked): "
                                + "two programs use one data directory, or an old copy was started"
                        )
                    )
                )
                return
            }
            if asked > producer.epoch {
                producer = Producer(epoch: asked, committed: 0, accepted: 0, peer: producer.peer)
            }
            if let other = producer.peer, other != peer, sessions[other] != nil {
                send(other, .error(0, Refusal(.fenced, "producer '\(name)' connected anew elsewhere")))
                end(other, now: now)
            }
            producer.peer = peer
            producers[name] = producer
            known = (producer.epoch, producer.committed)
        }
        sessions[peer] = Session(number: sessionCount, hello: hello, since: now, heardAt: now)
        send(
            peer,
            .welcome(
                id,
                Welcome(
                    session: sessionCount,
                    epoch: epoch,
                    head: head,
                    producerEpoch: known.epoch,
                    producerSequence: known.sequence,
                    limits: limits
                )
            )
        )
    }

    /// The peer is gone: the transport said so, it said BYE, or it was silent for too long.
    public mutating func end(_ peer: PeerID, now: Duration) {
        guard let session = sessions.removeValue(forKey: peer) else { return }
        counters.sessionsEnded += 1
        for id in session.consumers { consumers[ConsumerID(peer: peer, correlation: id)] = nil }
        for (id, name) in session.memberships {
            groups[name]?.leave(Requester(peer: peer, correlation: id))
            touchedGroups.insert(name)
            turnAway(name)
            dispatch(name, now: now)
        }
        for name in groups.keys { groups[name]?.cancel(requestsOf: peer) }
        if let name = session.hello.producer, producers[name]?.peer == peer { producers[name]?.peer = nil }
    }

    // MARK: Time

    /// Ends silent sessions and takes back leases. Call it a few times a second.
    public mutating func tick(now: Duration, at time: Timestamp) {
        for var append in postponed {
            append.generation = generation
            enqueue(append)
        }
        postponed = []
        for (peer, session) in sessions where now - session.heardAt > Self.silenceMax { end(peer, now: now) }
        for name in groups.keys.sorted() {
            for job in groups[name]?.expire(now: now) ?? [] { bury(job, of: name, at: time) }
            touchedGroups.insert(name)
            dispatch(name, now: now)
            // Nothing is left to remember of a group in memory whose members are gone.
            if groups[name]?.memberCount == 0, groups[name]?.isOverLog == false { groups[name] = nil }
        }
    }

    /// The beat that shows readers of the fan-out the loss of a topic's last records. Call it once a second.
    public mutating func beat() {
        var (topics, since) = (topicsSinceBeat, beatHead)
        (topicsSinceBeat, beatHead) = ([:], head)
        if topics.count > HeadBeat.topicsMax {
            let newest = topics.sorted { $0.value > $1.value }
            topics = Dictionary(uniqueKeysWithValues: newest.prefix(HeadBeat.topicsMax).map { ($0.key, $0.value) })
            since = max(since, newest[HeadBeat.topicsMax].value)
        }
        let body = HeadBeat(epoch: epoch, head: head, since: since, topics: topics)
        guard let data = try? EventCoding.encode(body) else { return }
        actions.append(.fanOut([Array(HeadBeat.topic.utf8), data]))
    }

    // MARK: Commits

    /// A batch is on disk, or failed as a whole.
    public mutating func committed(_ commit: Commit, now: Duration) {
        pendingBytes -= commit.appends.reduce(0) { $0 + $1.bytes }
        if let failure = commit.failure {
            failed(commit, failure)
            return
        }
        counters.published += commit.records.count
        counters.duplicates += commit.appends.count - commit.records.count
        if let last = commit.records.last { head = last.sequence }
        acknowledge(commit)
        for record in commit.records {
            topicsSinceBeat[record.topic] = record.sequence
            actions.append(.fanOut(record.frames))
        }
        follow(commit.records)
        feedGroups(commit.records, now: now)
    }

    private mutating func acknowledge(_ commit: Commit) {
        var upTo: [String: (number: UInt64, sequence: UInt64)] = [:]
        for (append, outcome) in zip(commit.appends, commit.outcomes) {
            let (sequence, duplicate) =
                switch outcome {
                case .appended(let sequence): (sequence, false)
                case .duplicate(let sequence): (sequence, true)
                }
            switch append.identity {
            case .sequenced(let name, let epoch, let number):
                guard var producer = producers[name], producer.epoch == epoch else { continue }
                producer.committed = max(producer.committed, number)
                producer.accepted = max(producer.accepted, number)
                producers[name] = producer
                upTo[name] = (number, sequence)
            case .named, .own:
                guard let requester = append.requester, sessions[requester.peer] != nil else { continue }
                send(requester.peer, .ack(requester.correlation, sequence: sequence, duplicate: duplicate))
            }
        }
        for (name, last) in upTo.sorted(by: { $0.key < $1.key }) {
            guard let peer = producers[name]?.peer else { continue }
            send(peer, .ackSequenced(upTo: last.number, sequence: last.sequence))
        }
    }

    private mutating func failed(_ commit: Commit, _ failure: Refusal) {
        counters.refused += commit.appends.count
        if commit.appends.contains(where: { $0.generation >= generation }) { beginGeneration(failure) }
        for append in commit.appends {
            if let requester = append.requester { send(requester.peer, .nak(requester.correlation, failure)) }
            if append.identity == .own, postponed.count < Self.postponedMax { postponed.append(append) }
        }
    }

    /// Everything under way fails with the batch that failed, because the log refuses this generation from now on:
    /// all producers begin again after what is on disk. Failures of an older generation were counted in already.
    private mutating func beginGeneration(_ failure: Refusal) {
        generation += 1
        for (name, producer) in producers where producer.accepted > producer.committed {
            producers[name]?.accepted = producer.committed
            if let peer = producer.peer { send(peer, .nak(0, failure)) }
        }
    }

    /// Records that a reader asked for.
    public mutating func read(_ result: ReadResult, now: Duration) {
        switch result.request.owner {
        case .consumer(let id): deliver(result, to: id)
        case .group(let name): feedGroup(name, result, now: now)
        case .fetch(let requester), .last(let requester):
            guard sessions[requester.peer] != nil else { return }
            for record in result.records { send(requester.peer, .record(requester.correlation, record)) }
            send(requester.peer, .endOfRecords(requester.correlation, scannedTo: result.scannedTo))
        }
    }

    // MARK: The broker's own events

    /// Writes an event of the broker itself into the log.
    mutating func appendOwn(_ event: some Event, at time: Timestamp) {
        ownCount += 1
        guard
            let topic = try? type(of: event).kind.topic(site: site, subject: event.subject),
            let cloudEvent = try? CloudEvent(
                event,
                id: "\(epoch)-\(head)-\(ownCount)",
                source: "//\(site)/bus/main",
                time: time
            ),
            let header = try? cloudEvent.header()
        else { return }
        enqueue(
            Append(
                topic: topic.text,
                flags: .durable,
                header: header,
                data: cloudEvent.data,
                identity: .own,
                requester: nil,
                generation: generation
            )
        )
    }

    mutating func enqueue(_ append: Append) {
        pendingBytes += append.bytes
        actions.append(.append(append))
    }
}

/// What `c/head/` carries each second: the newest sequence, and that of each topic that moved since the last beat.
public struct HeadBeat: Codable, Sendable, Hashable {
    /// The beat's topic on the fan-out socket.
    public static let topic = "c/head/"
    /// Topics in one beat.
    public static let topicsMax = 500

    /// The log's incarnation.
    public var epoch: UInt64
    /// Sequence of the newest record.
    public var head: UInt64
    /// ``topics`` names every topic that moved after this sequence: the head of the beat before, unless more than
    /// ``topicsMax`` moved. A reader that is not complete up to here has missed a beat, and reads the log.
    public var since: UInt64
    /// Topic to the sequence of its newest record.
    public var topics: [String: UInt64]
}
