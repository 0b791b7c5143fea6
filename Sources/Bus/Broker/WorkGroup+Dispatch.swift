/// Who gets the next job: the member that is expected to end it first.
///
/// A member with `k` jobs that takes `s` seconds for each would end one more in `(k + 1) · s`; one whose present job
/// takes longer than that is expected to need as long again. Members within ``WorkGroup/equalRatio`` of the fastest count as
/// equally fast, and among equals the one with the larger share of spare credit gets the job, then the one that had
/// none for longest. While the fastest are full, a job waits for them rather than go to a member that would take
/// longer; when so many wait that the last of them would be served sooner by a slow member, that one gets it.
extension WorkGroup {
    /// Members that take at most that many times as long as the fastest share jobs evenly.
    static let equalRatio = 1.5
    /// Jobs after which a member that would get none is given one, to see whether it has become faster.
    static let probeInterval: UInt64 = 200
    /// Requests that may go out before a job of the log that waits.
    static let requestsInRowMax = 3

    /// What a group knows of a member.
    struct Member {
        var credit = 0
        var leaseMs = 0
        var batchMax = 1
        private(set) var leased: Set<UInt64> = []
        /// Jobs in its leases; more than leases when requests travel together.
        private(set) var parts = 0
        /// Number of the last job that it got.
        private(set) var assigned: UInt64 = 0
        /// Since when it works on what it has: its last DONE, or its first job.
        private var busySince = Duration.zero
        /// Time at work and jobs done, the older ones weighing less.
        private var workSeconds = 0.0
        private var doneCount = 0.0

        var spareCredit: Int { max(0, credit - leased.count) }
        var spareShare: Double { Double(spareCredit) / Double(max(credit, 1)) }
        var isProven: Bool { doneCount > 0 }
        /// Seconds between two DONEs while it is at work; nil before the first.
        var serviceSeconds: Double? { doneCount > 0 ? max(workSeconds / doneCount, 1e-6) : nil }

        mutating func take(_ id: UInt64, parts count: Int, number: UInt64, now: Duration) {
            if leased.isEmpty { busySince = now }
            leased.insert(id)
            parts += count
            assigned = number
        }

        mutating func giveBack(_ id: UInt64, parts count: Int, doneAt: Duration?) {
            leased.remove(id)
            parts -= count
            guard let doneAt else { return }
            let seconds = (doneAt - busySince) / .seconds(1)
            // What ends at the same moment was one piece of work.
            if seconds > 0 || doneCount == 0 {
                workSeconds = workSeconds * 0.8 + seconds
                doneCount = doneCount * 0.8
            }
            doneCount += Double(count)
            busySince = doneAt
        }

        /// Seconds until one more job would be done.
        func expectedSeconds(_ service: Double, now: Duration) -> Double {
            let regular = Double(parts + 1) * service
            return leased.isEmpty ? regular : max(regular, (now - busySince) / .seconds(1) + service)
        }
    }

    private struct Choice {
        var key: Requester
        var seconds: Double
        var share: Double
        var assigned: UInt64

        /// Whether the job should rather go here; an order, so that the same messages always give the same assignments.
        func precedes(_ other: Choice) -> Bool {
            if seconds != other.seconds { return seconds < other.seconds }
            if share != other.share { return share > other.share }
            if assigned != other.assigned { return assigned < other.assigned }
            return key.peer == other.key.peer
                ? key.correlation < other.key.correlation
                : key.peer.bytes.lexicographicallyPrecedes(other.key.peer.bytes)
        }
    }

    /// Hands ready jobs to members with spare credit.
    public mutating func dispatch(now: Duration) -> [Assignment] {
        var assignments: [Assignment] = []
        while spareCredit > 0, waitingCount > 0 {
            let isRequest = !requests.isEmpty && (logJobs.isEmpty || requestsInRow < Self.requestsInRowMax)
            guard let assignment = assign(requests: isRequest, now: now) else { break }
            requestsInRow = isRequest ? requestsInRow + 1 : 0
            assignments.append(assignment)
        }
        return assignments
    }

    private mutating func assign(requests isRequest: Bool, now: Duration) -> Assignment? {
        let front = isRequest ? requests.front : logJobs.front
        guard let (key, isLast) = choose(not: front?.failedWith, waiting: waitingCount, now: now) else { return nil }
        guard let job = isRequest ? requests.pop(last: isLast) : logJobs.pop(last: isLast) else { return nil }
        var jobs = [job]
        if isRequest, !isLast { jobs += companions(of: job, batchMax: members[key]?.batchMax ?? 1) }
        return lease(jobs, to: key, now: now)
    }

    /// Requests that travel with one: when more wait than there is credit, as many as make the waiting ones go round.
    private mutating func companions(of job: Job, batchMax: Int) -> [Job] {
        guard batchMax > 1, !job.isSingle, requests.count + 1 > spareCredit else { return [] }
        let wanted = min(batchMax, (requests.count + spareCredit) / max(spareCredit, 1)) - 1
        var bytes = job.record.bytes
        var companions: [Job] = []
        while companions.count < wanted, let next = requests.front, !next.isSingle,
            bytes + next.record.bytes <= Self.batchBytesMax, let taken = requests.popFirst()
        {
            bytes += taken.record.bytes
            companions.append(taken)
        }
        return companions
    }

    /// The member for the first job that waits, or for the last; nil when all shall wait.
    private mutating func choose(
        not avoided: Requester?,
        waiting: Int,
        now: Duration
    ) -> (key: Requester, isLast: Bool)? {
        var fastest = Double.infinity
        // Sums are of whole numbers: members have no order, and the same messages shall give the same assignments.
        var (nanoseconds, proven) = (Int64(0), Int64(0))
        for member in members.values {
            guard let seconds = member.serviceSeconds else { continue }
            fastest = min(fastest, seconds)
            nanoseconds += Int64(min(seconds, 1e6) * 1e9)
            proven += 1
        }
        let usual = proven > 0 ? Double(nanoseconds / proven) / 1e9 : nil
        let avoids = members.contains { $0.key != avoided && isFree($0.value, usual) }
        var free: Choice?
        var full: Choice?
        // Jobs in a million seconds that the full ones end.
        var fullRate: Int64 = 1
        var idle: Choice?
        for (key, member) in members where !avoids || key != avoided {
            // Nobody is known yet: shares of spare credit decide.
            var service = member.serviceSeconds ?? usual ?? 0
            if service <= fastest * Self.equalRatio, usual != nil { service = fastest }
            let choice = Choice(
                key: key,
                seconds: usual == nil ? 0 : member.expectedSeconds(service, now: now),
                share: member.spareShare,
                assigned: member.assigned
            )
            if isFree(member, usual) {
                if free.map(choice.precedes) ?? true { free = choice }
                if member.leased.isEmpty, member.isProven, assignmentCount - member.assigned >= Self.probeInterval,
                    idle.map({ choice.assigned < $0.assigned }) ?? true
                {
                    idle = choice
                }
            } else if usual != nil {
                fullRate += Int64(1e6 / max(service, 1e-6))
                if full.map(choice.precedes) ?? true { full = choice }
            }
        }
        guard let free else { return nil }
        if let idle, idle.key != free.key, assignmentCount - probedAt >= Self.probeInterval {
            probedAt = assignmentCount
            return (idle.key, false)
        }
        guard let full, full.seconds < free.seconds else { return (free.key, false) }
        let wait = Double(waiting - 1) * 1e6 / Double(fullRate)
        return full.seconds + wait >= free.seconds ? (free.key, true) : nil
    }

    /// Whether a member can take a job; one that nobody knows yet takes one at a time beside those that are known.
    private func isFree(_ member: Member, _ usual: Double?) -> Bool {
        member.spareCredit > 0 && (member.isProven || usual == nil || member.leased.isEmpty)
    }
}

extension Record {
    /// Bytes that it takes in a message, roughly.
    var bytes: Int { topic.utf8.count + header.count + data.count + Self.controlBytes }
}
