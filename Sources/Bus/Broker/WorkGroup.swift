public import Events

/// Gives each job to one member at a time, under a lease.
///
/// States of a job: ready -> leased(member, token, deadline) -> done | ready again | dead. A job goes to the member
/// with the largest share of spare credit; among equals, to the one that was fastest so far. DONE is taken only with
/// the token of the present lease.
public struct WorkGroup: Sendable {
    /// Deliveries after which a job is given up.
    public static let deliveriesMax: UInt32 = 5

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
        /// The job itself.
        public var record: Record
    }

    private struct Member {
        var credit: Int
        var leaseMs: Int
        var leased: Set<UInt64> = []
        /// Exponentially weighted mean of the time from JOB to DONE, in seconds.
        var serviceSeconds = 0.0

        var spareShare: Double { Double(credit - leased.count) / Double(max(credit, 1)) }
    }

    private struct Lease {
        var job: Job
        var member: Requester
        var since: Duration
        var deadline: Duration
    }

    /// The name that members give in JOIN.
    public let name: String
    /// The topics that make jobs; the same for all members.
    public let filters: [TopicFilter]
    private var members: [Requester: Member] = [:]
    private var ready: [Job] = []
    private var leases: [UInt64: Lease] = [:]
    /// Jobs that their last member took with it; the next ``expire(now:)`` gives them up.
    private var abandoned: [Job] = []
    /// Jobs of the log above the floor that are done.
    private var done: Set<UInt64>
    var tail: LogTail

    /// A group that begins after `floor`, without the jobs in `done`.
    public init(name: String, filters: [TopicFilter], floor: UInt64, done: [UInt64] = []) {
        self.name = name
        self.filters = filters
        self.done = Set(done)
        tail = LogTail(position: floor)
    }

    // MARK: Members

    /// Members at the moment.
    public var memberCount: Int { members.count }

    /// Takes a member in, or changes what it takes; credit is at least 1, a lease at least 100 ms.
    public mutating func join(_ member: Requester, credit: Int, leaseMs: Int) {
        members[member, default: Member(credit: 0, leaseMs: 0)].credit = max(1, credit)
        members[member]?.leaseMs = max(100, leaseMs)
    }

    /// Takes a member out; its leases are ready again at once, unless they had all their deliveries: a job may be what
    /// ended the member.
    public mutating func leave(_ member: Requester) {
        guard let leaving = members.removeValue(forKey: member) else { return }
        for id in leaving.leased.sorted(by: >) {
            guard let lease = leases.removeValue(forKey: id) else { continue }
            if lease.job.delivery < Self.deliveriesMax {
                ready.insert(lease.job, at: 0)
            } else {
                abandoned.append(lease.job)
            }
        }
    }

    // MARK: Jobs

    /// Jobs that no member has at the moment.
    public var waitingCount: Int { ready.count }
    /// Jobs that a member has at the moment.
    public var leasedCount: Int { leases.count }

    /// How many more jobs are worth having in memory: what members could take, and as much again.
    var appetite: Int {
        guard !members.isEmpty else { return 0 }
        let credit = members.values.reduce(0) { $0 + $1.credit }
        return max(0, 2 * credit - ready.count - leases.count)
    }

    /// Adds a job unless it is done already.
    public mutating func add(_ job: Job) {
        guard !done.contains(job.id) else { return }
        ready.append(job)
    }

    /// Hands ready jobs to members with spare credit.
    public mutating func dispatch(now: Duration) -> [Assignment] {
        var assignments: [Assignment] = []
        var next = 0
        while next < ready.count, let member = bestMember(not: ready[next].failedWith) ?? bestMember() {
            var job = ready[next]
            next += 1
            job.delivery += 1
            let leaseMs = members[member]?.leaseMs ?? 0
            members[member]?.leased.insert(job.id)
            leases[job.id] = Lease(job: job, member: member, since: now, deadline: now + .milliseconds(leaseMs))
            assignments.append(
                Assignment(
                    member: member,
                    token: LeaseToken(job: job.id, delivery: job.delivery),
                    leaseMs: UInt32(clamping: leaseMs),
                    record: job.record
                )
            )
        }
        ready.removeFirst(next)
        return assignments
    }

    private func bestMember(not avoided: Requester? = nil) -> Requester? {
        var best: (key: Requester, member: Member)?
        for (key, member) in members where member.leased.count < member.credit && key != avoided {
            guard let current = best else {
                best = (key, member)
                continue
            }
            let (share, bestShare) = (member.spareShare, current.member.spareShare)
            let (seconds, bestSeconds) = (member.serviceSeconds, current.member.serviceSeconds)
            if share > bestShare || (share == bestShare && seconds < bestSeconds)
                || (share == bestShare && seconds == bestSeconds && Self.precedes(key, current.key))
            {
                best = (key, member)
            }
        }
        return best?.key
    }

    /// An order among equals, so that the same messages always give the same assignments.
    private static func precedes(_ left: Requester, _ right: Requester) -> Bool {
        left.peer == right.peer
            ? left.correlation < right.correlation : left.peer.bytes.lexicographicallyPrecedes(right.peer.bytes)
    }

    private func holds(_ member: Requester, _ token: LeaseToken) -> Lease? {
        guard let lease = leases[token.job], lease.member == member, lease.job.delivery == token.delivery else {
            return nil
        }
        return lease
    }

    /// Ends a job; nil when the lease is not (any longer) that member's.
    public mutating func finish(_ member: Requester, _ token: LeaseToken, now: Duration) -> Job? {
        guard let lease = holds(member, token) else { return nil }
        release(lease)
        end(lease.job)
        let (seconds, attoseconds) = (now - lease.since).components
        let taken = Double(seconds) + Double(attoseconds) * 1e-18
        let known = members[member]?.serviceSeconds ?? 0
        members[member]?.serviceSeconds = known == 0 ? taken : known * 0.8 + taken * 0.2
        return lease.job
    }

    /// Gives a job back; nil when the lease is not (any longer) that member's.
    /// - Returns: The job when it was given up for good, else an empty optional inside.
    public mutating func fail(_ member: Requester, _ token: LeaseToken, _ reason: Refusal) -> Job?? {
        guard let lease = holds(member, token) else { return nil }
        release(lease)
        return .some(retryOrBury(lease, reason))
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
        var dead = abandoned.map { job in
            var job = job
            job.reason = job.reason ?? Refusal(.failed, "every member that had it went away")
            return job
        }
        abandoned = []
        for job in dead { end(job) }
        for lease in leases.values.filter({ $0.deadline <= now }).sorted(by: { $0.job.id > $1.job.id }) {
            release(lease)
            let reason = Refusal(.timeout, "no answer within the lease")
            if let job = retryOrBury(lease, reason) { dead.append(job) }
        }
        return dead
    }

    /// Forgets requests whose asker is gone.
    public mutating func cancel(requestsOf peer: PeerID) {
        ready.removeAll { $0.requester?.peer == peer }
    }

    /// Takes out all ready requests, to turn their askers away.
    mutating func takeRequests() -> [Requester] {
        defer { ready = [] }
        return ready.compactMap(\.requester)
    }

    /// Remembers a job of the log as done; requests are never seen again.
    private mutating func end(_ job: Job) { if job.requester == nil { done.insert(job.id) } }

    private mutating func release(_ lease: Lease) {
        leases[lease.job.id] = nil
        members[lease.member]?.leased.remove(lease.job.id)
    }

    private mutating func retryOrBury(_ lease: Lease, _ reason: Refusal) -> Job? {
        var job = lease.job
        (job.reason, job.failedWith) = (reason, lease.member)
        if job.delivery >= Self.deliveriesMax {
            end(job)
            return job
        }
        ready.insert(job, at: 0)
        return nil
    }

    // MARK: Progress over the log

    /// Everything up to here is done; and what is done above it. Cleans up what it passes.
    mutating func progress() -> (floor: UInt64, done: [UInt64]) {
        let open = [ready.lazy.map(\.id).min(), leases.keys.min(), abandoned.lazy.map(\.id).min()]
            .compactMap { $0 }.min()
        let floor = open.map { $0 - 1 } ?? tail.position
        done = done.filter { $0 > floor }
        return (floor, done.sorted())
    }
}
