public import Events

/// Gives each job to one member at a time, under a lease.
///
/// States of a job: ready -> leased(member, token, deadline) -> done | ready again | dead. A job goes to the member
/// that is expected to end it first (`WorkGroup+Dispatch.swift`). DONE is taken only with the token of the present
/// lease.
///
/// A group may have jobs of two kinds: records of the log, whose progress survives restarts, and requests that wait in
/// memory for somebody who asks. Both share the members' credit.
public struct WorkGroup: Sendable {
    /// Deliveries after which a job is given up.
    public static let deliveriesMax: UInt32 = 5
    /// Requests in one JOB: 4 frames each and 3 before them stay under the 64 of a message.
    public static let batchMax = 15
    /// Bytes of the requests in one JOB.
    static let batchBytesMax = 1 << 20
    /// Set in the numbers of requests, so that none is a sequence of the log.
    static let requestBit: UInt64 = 1 << 63

    /// A job: a record of the log, or a request that somebody waits for.
    public struct Job: Sendable, Hashable {
        /// The record's sequence, or the request's number.
        public var id: UInt64
        /// What the member gets.
        public var record: Record
        /// Who waits for the answer; nil for a job of the log.
        public var requester: Requester?
        /// Deliveries so far.
        public var delivery: UInt32 = 0
        /// Why the last delivery failed, and with whom; another member gets the next one if it can.
        public var reason: Refusal?
        var failedWith: Requester?
        /// It was given up before and somebody asked for it again; it is no part of the group's progress.
        var isRevived = false
        /// It failed together with others, so from now on it travels alone.
        var isSingle = false

        /// A job that was never delivered.
        public init(id: UInt64, record: Record, requester: Requester? = nil) {
            self.id = id
            self.record = record
            self.requester = requester
        }
    }

    /// A job that goes out now.
    public struct Assignment: Sendable, Hashable {
        /// Who gets it: the peer and the correlation of its JOIN.
        public var member: Requester
        /// What the member must show with DONE, FAIL and EXTEND.
        public var token: LeaseToken
        /// Milliseconds that the member has, unless it extends.
        public var leaseMs: UInt32
        /// The job itself; several for requests that travel together.
        public var records: [Record]
    }

    struct Lease {
        var parts: [Job]
        var member: Requester
        var deadline: Duration
        var delivery: UInt32
    }

    /// The name that members give in JOIN.
    public let name: String
    /// The topics that make jobs; the same for all members.
    public private(set) var filters: [TopicFilter]
    var members: [Requester: Member] = [:]
    /// Jobs that all members together could take more.
    private(set) var spareCredit = 0
    private(set) var totalCredit = 0
    var requests = JobQueue()
    var logJobs = JobQueue()
    private var leases: [UInt64: Lease] = [:]
    /// Jobs that their last member took with it; the next ``expire(now:)`` gives them up.
    private var abandoned: [Job] = []
    private var progressOverLog: GroupProgress
    /// Sequences of dead letters that are jobs again.
    private var revived: Set<UInt64> = []
    private var notes: [GroupNote] = []
    /// Requests that went out since the last job of the log.
    var requestsInRow = 0
    /// Jobs that went out so far; members remember when they got one.
    var assignmentCount: UInt64 = 0
    var probedAt: UInt64 = 0
    var tail: LogTail

    /// A group that begins after `floor`, without the jobs in `done`.
    /// - Parameter failures: Jobs above the floor that were delivered before, in vain.
    public init(
        name: String,
        filters: [TopicFilter],
        floor: UInt64,
        done: [UInt64] = [],
        failures: [JobFailure] = []
    ) {
        self.name = name
        self.filters = filters
        progressOverLog = GroupProgress(floor: floor, done: done, failures: failures)
        tail = LogTail(position: floor)
    }

    /// Whether records of the log are jobs here.
    public var isOverLog: Bool { filters.contains { $0.text.hasPrefix("e/") } }

    // MARK: Members

    /// Members at the moment.
    public var memberCount: Int { members.count }

    /// Takes a member in, or changes what it takes; credit is at least 1, a lease at least 100 ms, a batch 1 to
    /// ``batchMax``.
    public mutating func join(_ member: Requester, credit: Int, leaseMs: Int, batch: Int = 1) {
        change(member) { joining in
            if joining == nil { joining = Member() }
            joining?.credit = max(1, credit)
            joining?.leaseMs = max(100, leaseMs)
            joining?.batchMax = min(max(1, batch), Self.batchMax)
        }
    }

    /// Takes a member out; its leases are ready again at once, unless they had all their deliveries: a job may be what
    /// ended the member.
    public mutating func leave(_ member: Requester) {
        guard let leaving = members[member] else { return }
        change(member) { $0 = nil }
        for id in leaving.leased {
            guard let lease = leases.removeValue(forKey: id) else { continue }
            for var job in lease.parts {
                job.isSingle = lease.parts.count > 1 || job.isSingle
                job.reason = job.reason ?? Refusal(.failed, "every member that had it went away")
                noteFailure(job)
                if job.delivery < Self.deliveriesMax { makeReady(job) } else { abandoned.append(job) }
            }
        }
        abandoned.sort { $0.id < $1.id }
    }

    /// Changes a member and keeps the sums over all of them.
    private mutating func change(_ key: Requester, _ body: (inout Member?) -> Void) {
        spareCredit -= members[key]?.spareCredit ?? 0
        totalCredit -= members[key]?.credit ?? 0
        body(&members[key])
        spareCredit += members[key]?.spareCredit ?? 0
        totalCredit += members[key]?.credit ?? 0
    }

    /// Other filters make jobs from now on: everything above the floor is read anew. For groups without members.
    mutating func change(filters: [TopicFilter], start: UInt64) {
        let wasOverLog = isOverLog
        self.filters = filters
        logJobs.removeAll { !$0.isRevived }
        abandoned.removeAll { $0.requester == nil && !$0.isRevived }
        progressOverLog.forgetOpen()
        if !wasOverLog { progressOverLog = GroupProgress(floor: start) }
        tail = LogTail(position: progressOverLog.floor(readTo: tail.position, isAllRead: false))
    }

    // MARK: Jobs

    /// Jobs that no member has at the moment.
    public var waitingCount: Int { requests.count + logJobs.count }
    /// Requests that no member has at the moment.
    public var waitingRequestCount: Int { requests.count }
    /// Jobs that a member has at the moment.
    public var leasedCount: Int { members.values.reduce(0) { $0 + $1.parts } }

    /// How many more jobs of the log are worth having in memory: what members could take, and as much again.
    var appetite: Int { max(0, 2 * totalCredit - logJobs.count - leases.count) }

    /// Adds a job unless it is done already.
    public mutating func add(_ job: Job) {
        var job = job
        if job.requester == nil, !job.isRevived {
            guard progressOverLog.open(job.id) else { return }
            if let failure = progressOverLog.failures[job.id] {
                (job.delivery, job.reason) = (failure.deliveries, failure.reason)
            }
        }
        // It had its deliveries before the broker was started anew.
        if job.delivery >= Self.deliveriesMax { abandoned.append(job) } else { makeReady(job) }
    }

    /// Takes a record that was just committed, when the group has everything before it.
    /// - Returns: False when the group must read it later, and with it all that come after.
    mutating func feed(_ record: Record) -> Bool {
        guard tail.follows(record.sequence) else { return false }
        if filters.contains(where: { $0.matches(record.topic) }) {
            guard appetite > 0 else { return false }
            add(Job(id: record.sequence, record: record))
        }
        tail.advance(to: record.sequence)
        return true
    }

    /// Takes records that were read.
    /// - Returns: False when the read was begun before the group's filters changed.
    mutating func feed(_ result: ReadResult) -> Bool {
        guard tail.isReading, tail.position == result.request.after, filters == result.request.filters else {
            return false
        }
        tail.endRead()
        for record in result.records { add(Job(id: record.sequence, record: record)) }
        tail.advance(to: result.scannedTo)
        return true
    }

    /// What to read next; nil when there is no need.
    mutating func beginRead(head: UInt64) -> ReadRequest? {
        let room = appetite
        guard isOverLog, room > 0, !tail.isReading, tail.position < head else { return nil }
        tail.beginRead()
        return ReadRequest(
            owner: .group(name),
            filters: filters,
            after: tail.position,
            limit: min(room, Broker.readMax)
        )
    }

    /// A dead letter is a job again, beside what the group has; one that is open already stays as it is.
    mutating func revive(_ revived: RevivedJob) {
        guard self.revived.insert(revived.failure.sequence).inserted else { return }
        var job = Job(id: revived.failure.sequence, record: revived.record)
        job.isRevived = true
        (job.delivery, job.reason) = (revived.failure.deliveries, revived.failure.reason)
        add(job)
    }

    /// Dead letters that are jobs again.
    public var revivedCount: Int { revived.count }

    private mutating func makeReady(_ job: Job) {
        if job.requester == nil { logJobs.insert(job) } else { requests.insert(job) }
    }

    /// Leases jobs to a member: one, or several requests.
    mutating func lease(_ jobs: [Job], to key: Requester, now: Duration) -> Assignment? {
        guard let first = jobs.first, let leaseMs = members[key]?.leaseMs else { return nil }
        let parts = jobs.map { job in
            var job = job
            job.delivery += 1
            return job
        }
        let token: LeaseToken
        if parts.count == 1 {
            token = LeaseToken(job: first.id, delivery: parts[0].delivery)
        } else {
            // A batch has the number of its first request, with the next bit too.
            token = LeaseToken(job: first.id | Self.requestBit >> 1, delivery: parts[0].delivery)
        }
        assignmentCount += UInt64(parts.count)
        let number = assignmentCount
        change(key) { $0?.take(token.job, parts: parts.count, number: number, now: now) }
        leases[token.job] = Lease(
            parts: parts,
            member: key,
            deadline: now + .milliseconds(leaseMs),
            delivery: token.delivery
        )
        return Assignment(
            member: key,
            token: token,
            leaseMs: UInt32(clamping: leaseMs),
            records: parts.map(\.record)
        )
    }

    private func holds(_ member: Requester, _ token: LeaseToken) -> Lease? {
        guard let lease = leases[token.job], lease.member == member, lease.delivery == token.delivery else {
            return nil
        }
        return lease
    }

    /// How many jobs a lease holds; nil when the lease is not (any longer) that member's.
    func partCount(_ member: Requester, _ token: LeaseToken) -> Int? { holds(member, token)?.parts.count }

    /// Ends the jobs of a lease; nil when it is not (any longer) that member's.
    public mutating func finish(_ member: Requester, _ token: LeaseToken, now: Duration) -> [Job]? {
        guard let lease = holds(member, token) else { return nil }
        release(token.job, lease, doneAt: now)
        for job in lease.parts { end(job) }
        return lease.parts
    }

    /// Ends the jobs of a lease, each with its result; one that was refused for now goes back and may have had its
    /// deliveries with that.
    /// - Returns: What each asker is told; empty for jobs that went back.
    mutating func finish(
        _ member: Requester,
        _ token: LeaseToken,
        _ results: [JobResult],
        now: Duration
    ) -> [(job: Job, result: JobResult)] {
        guard let lease = holds(member, token) else { return [] }
        release(token.job, lease, doneAt: now)
        var told: [(job: Job, result: JobResult)] = []
        for (job, result) in zip(lease.parts, results) {
            if case .refusal(let refusal) = result, refusal.retryAfterMs != nil {
                if let dead = retryOrBury(job, of: lease, refusal, isFinal: false), let reason = dead.reason {
                    told.append((dead, .refusal(reason)))
                }
            } else {
                end(job)
                told.append((job, result))
            }
        }
        return told
    }

    /// Gives the jobs of a lease back; nil when it is not (any longer) that member's.
    /// - Parameter isFinal: No other member could do it either, so the job is given up at once.
    /// - Returns: The jobs that were given up for good.
    public mutating func fail(
        _ member: Requester,
        _ token: LeaseToken,
        _ reason: Refusal,
        isFinal: Bool = false
    ) -> [Job]? {
        guard let lease = holds(member, token) else { return nil }
        release(token.job, lease)
        return lease.parts.compactMap { retryOrBury($0, of: lease, reason, isFinal: isFinal) }
    }

    /// Puts the deadline off by one lease time.
    public mutating func extend(_ member: Requester, _ token: LeaseToken, now: Duration) -> Bool {
        guard let lease = holds(member, token) else { return false }
        leases[token.job]?.deadline = now + .milliseconds(members[lease.member]?.leaseMs ?? 0)
        return true
    }

    /// Takes back leases whose time is over.
    /// - Returns: Jobs that were given up for good.
    public mutating func expire(now: Duration) -> [Job] {
        var dead = abandoned
        abandoned = []
        for job in dead { bury(job) }
        let due = leases.filter { $0.value.deadline <= now }.sorted { $0.key < $1.key }
        for (id, lease) in due {
            release(id, lease)
            let reason = Refusal(.timeout, "no answer within the lease")
            dead += lease.parts.compactMap { retryOrBury($0, of: lease, reason, isFinal: false) }
        }
        return dead
    }

    /// Forgets requests whose asker is gone.
    public mutating func cancel(requestsOf peer: PeerID) {
        guard !requests.isEmpty else { return }
        requests.removeAll { $0.requester?.peer == peer }
    }

    /// Takes out all ready requests, to turn their askers away.
    mutating func takeRequests() -> [Requester] { requests.takeAll().compactMap(\.requester) }

    private mutating func release(_ id: UInt64, _ lease: Lease, doneAt: Duration? = nil) {
        leases[id] = nil
        change(lease.member) { $0?.giveBack(id, parts: lease.parts.count, doneAt: doneAt) }
    }

    private mutating func retryOrBury(_ job: Job, of lease: Lease, _ reason: Refusal, isFinal: Bool) -> Job? {
        var job = job
        (job.reason, job.failedWith) = (reason, lease.member)
        job.isSingle = job.isSingle || lease.parts.count > 1
        if isFinal || job.delivery >= Self.deliveriesMax {
            // That was said to the group; whoever asked has had all tries.
            job.reason?.retryAfterMs = nil
            bury(job)
            return job
        }
        noteFailure(job)
        makeReady(job)
        return nil
    }

    // MARK: What must survive the broker

    private func failure(_ job: Job) -> JobFailure {
        JobFailure(
            sequence: job.id,
            deliveries: job.delivery,
            reason: job.reason ?? Refusal(.failed, "no reason given")
        )
    }

    private mutating func noteFailure(_ job: Job) {
        guard job.requester == nil else { return }
        if !job.isRevived { progressOverLog.failures[job.id] = failure(job) }
        notes.append(.failed(failure(job), isRevived: job.isRevived))
    }

    private mutating func bury(_ job: Job) {
        guard job.requester == nil else { return }
        if job.isRevived { revived.remove(job.id) } else { progressOverLog.end(job.id) }
        notes.append(.buried(failure(job)))
    }

    /// Remembers a job of the log as done; requests are never seen again.
    private mutating func end(_ job: Job) {
        guard job.requester == nil else { return }
        guard job.isRevived else {
            progressOverLog.end(job.id)
            return
        }
        revived.remove(job.id)
        notes.append(.revivedDone(job.id))
    }

    /// Everything up to here is done; and what is done above it.
    mutating func progress() -> (floor: UInt64, done: [UInt64]) {
        let floor = progressOverLog.floor(readTo: tail.position)
        return (floor, progressOverLog.doneAbove(floor))
    }

    /// Everything up to here is done.
    public var floor: UInt64 { progressOverLog.floorSoFar(readTo: tail.position) }

    /// What the log shall keep of what happened since the last call.
    mutating func takeNotes() -> [GroupNote] {
        guard isOverLog else {
            notes = []
            return []
        }
        let progressed = progressOverLog.takeNote(readTo: tail.position)
        defer { notes = [] }
        return notes + (progressed.map { [$0] } ?? [])
    }
}
