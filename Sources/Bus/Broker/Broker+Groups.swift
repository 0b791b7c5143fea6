import Events

extension Broker {
    mutating func join(_ member: Requester, _ request: JoinRequest, now: Duration) {
        guard Topic.isSegment(request.group), !request.filters.isEmpty, request.filters.count <= limits.filtersMax
        else {
            refuse(
                member.peer,
                member.correlation,
                .badFrame,
                "JOIN needs a group name of a-z, 0-9, '.', '_', '-' and 1 to \(limits.filtersMax) filters"
            )
            return
        }
        guard let session = sessions[member.peer],
            session.consumers.count + session.memberships.count < limits.subscriptionsMax
        else {
            refuse(member.peer, member.correlation, .tooMany, "a session has at most \(limits.subscriptionsMax) groups")
            return
        }
        guard request.filters.allSatisfy({ $0.text.hasPrefix("e/") || $0.text.hasPrefix("q/") }) else {
            refuse(
                member.peer,
                member.correlation,
                .badTopic,
                "the filters of group '\(request.group)' must begin with e/ or q/"
            )
            return
        }
        let start: UInt64 =
            switch request.start {
            case .origin: 0
            case .head: head
            case .after(let sequence): min(sequence, head)
            }
        if let group = groups[request.group] {
            guard group.filters == request.filters || change(request, start: start, by: member) else { return }
        } else {
            guard groups.count < Self.groupsMax else {
                refuse(member.peer, member.correlation, .tooMany, "the broker keeps at most \(Self.groupsMax) groups")
                return
            }
            groups[request.group] = WorkGroup(name: request.group, filters: request.filters, floor: start)
            define(request.group)
        }
        sessions[member.peer]?.memberships[member.correlation] = request.group
        groups[request.group]?.join(
            member,
            credit: min(request.credit, limits.creditMax),
            leaseMs: request.leaseMs,
            batch: request.batch
        )
        send(member.peer, .ack(member.correlation, sequence: head, duplicate: false))
        dispatch(request.group, now: now)
    }

    /// Gives a group other filters when nobody works by the old ones any more; else its asker may come back.
    private mutating func change(_ request: JoinRequest, start: UInt64, by member: Requester) -> Bool {
        let filters = groups[request.group]?.filters.map(\.text).joined(separator: ", ") ?? ""
        guard groups[request.group]?.memberCount == 0 else {
            refuse(
                member.peer,
                member.correlation,
                .badFrame,
                "group '\(request.group)' has members with the filters \(filters); others can join when those have left",
                retryAfterMs: 1000
            )
            return false
        }
        groups[request.group]?.change(filters: request.filters, start: start)
        define(request.group)
        return true
    }

    private mutating func define(_ name: String) {
        guard let group = groups[name], group.isOverLog else { return }
        actions.append(.note(.group(name: name, .defined(filters: group.filters, floor: group.floor))))
    }

    /// Ends a membership, or a subscription of that correlation.
    mutating func leave(_ member: Requester, now: Duration) {
        if let name = sessions[member.peer]?.memberships.removeValue(forKey: member.correlation) {
            groups[name]?.leave(member)
            touchedGroups.insert(name)
            turnAway(name)
            dispatch(name, now: now)
        } else if sessions[member.peer]?.consumers.remove(member.correlation) != nil {
            consumers[ConsumerID(peer: member.peer, correlation: member.correlation)] = nil
        }
    }

    mutating func done(_ member: Requester, _ token: LeaseToken, _ results: [JobResult], now: Duration) {
        guard let name = sessions[member.peer]?.memberships[member.correlation],
            let count = groups[name]?.partCount(member, token)
        else {
            staleLease(member, token)
            return
        }
        guard count == results.count else {
            let reason = Refusal(.badFrame, "DONE has \(results.count) results for a job of \(count) requests")
            counters.refused += 1
            send(member.peer, .error(member.correlation, reason))
            return
        }
        for (job, result) in groups[name]?.finish(member, token, results, now: now) ?? [] {
            guard let requester = job.requester, sessions[requester.peer] != nil else { continue }
            switch result {
            case .answer(let bytes): send(requester.peer, .answer(requester.correlation, bytes))
            case .refusal(let refusal): send(requester.peer, .nak(requester.correlation, refusal))
            }
        }
        touchedGroups.insert(name)
        dispatch(name, now: now)
    }

    mutating func fail(
        _ member: Requester,
        _ token: LeaseToken,
        _ reason: Refusal,
        isFinal: Bool,
        now: Duration,
        at time: Timestamp
    ) {
        guard let name = sessions[member.peer]?.memberships[member.correlation],
            let dead = groups[name]?.fail(member, token, reason, isFinal: isFinal)
        else {
            staleLease(member, token)
            return
        }
        for job in dead { bury(job, of: name, at: time) }
        touchedGroups.insert(name)
        dispatch(name, now: now)
    }

    mutating func extend(_ member: Requester, _ token: LeaseToken, now: Duration) {
        guard let name = sessions[member.peer]?.memberships[member.correlation],
            groups[name]?.extend(member, token, now: now) == true
        else {
            staleLease(member, token)
            return
        }
    }

    private mutating func staleLease(_ member: Requester, _ token: LeaseToken) {
        counters.refused += 1
        send(
            member.peer,
            .error(
                member.correlation,
                Refusal(
                    .staleLease,
                    "delivery \(token.delivery) of job \(token.job) is not yours any more; another member has it"
                )
            )
        )
    }

    /// A job that its deliveries could not finish: its asker is told, or it becomes a dead letter and the log says so.
    mutating func bury(_ job: WorkGroup.Job, of name: String, at time: Timestamp) {
        counters.jobsDead += 1
        let reason = job.reason ?? Refusal(.failed, "no reason given")
        if let requester = job.requester {
            send(requester.peer, .nak(requester.correlation, reason))
            return
        }
        touchedGroups.insert(name)
        deadCounts[name, default: 0] += 1
        let event = try? job.record.event()
        appendOwn(
            EventRefused(
                service: name,
                sequence: job.id,
                type: event?.type,
                source: event?.source,
                id: event?.id,
                code: reason.code,
                message: "given up after \(job.delivery) deliveries in group '\(name)': \(reason.message)"
            ),
            at: time
        )
    }

    /// A request of class `q`: waits in memory for a member of the group that takes its topic.
    mutating func request(
        _ requester: Requester,
        topic: String,
        header: [UInt8],
        data: [UInt8],
        now: Duration
    ) {
        if topic == "q/\(site)/bus/query/v1/bus/" {
            answer(requester, data, now: now)
            return
        }
        let name = groups.values.filter { $0.memberCount > 0 && $0.filters.contains { $0.matches(topic) } }
            .map(\.name).min()
        guard let name, let waiting = groups[name]?.waitingRequestCount else {
            refuse(
                requester.peer,
                requester.correlation,
                .busy,
                "nobody answers '\(topic)' at the moment",
                retryAfterMs: 200
            )
            return
        }
        guard waiting < limits.waitingRequestsMax else {
            refuse(
                requester.peer,
                requester.correlation,
                .busy,
                "group '\(name)' has \(waiting) requests waiting",
                retryAfterMs: 100
            )
            return
        }
        requestCount += 1
        let record = Record(
            topic: topic,
            flags: [],
            stream: 0,
            epoch: epoch,
            sequence: requestCount,
            previous: 0,
            header: header,
            data: data
        )
        let id = WorkGroup.requestBit | requestCount
        groups[name]?.add(WorkGroup.Job(id: id, record: record, requester: requester))
        dispatch(name, now: now)
    }

    /// Tells those who wait for a group without members to come back.
    mutating func turnAway(_ name: String) {
        guard groups[name]?.memberCount == 0 else { return }
        for requester in groups[name]?.takeRequests() ?? [] {
            refuse(requester.peer, requester.correlation, .busy, "the last member of '\(name)' left", retryAfterMs: 200)
        }
    }

    mutating func feedGroups(_ records: [Record], now: Duration) {
        for name in groups.keys.sorted() where groups[name]?.isOverLog == true {
            for record in records {
                guard groups[name]?.feed(record) == true else { break }
            }
            dispatch(name, now: now)
        }
    }

    mutating func feedGroup(_ name: String, _ result: ReadResult, now: Duration) {
        guard groups[name]?.feed(result) == true else { return }
        dispatch(name, now: now)
    }

    mutating func dispatch(_ name: String, now: Duration) {
        for assignment in groups[name]?.dispatch(now: now) ?? [] {
            counters.jobs += assignment.records.count
            let (peer, membership) = (assignment.member.peer, assignment.member.correlation)
            guard assignment.records.count == 1 else {
                send(
                    peer,
                    .jobs(
                        membership: membership,
                        assignment.token,
                        leaseMs: assignment.leaseMs,
                        assignment.records
                    )
                )
                continue
            }
            send(
                peer,
                .job(membership: membership, assignment.token, leaseMs: assignment.leaseMs, assignment.records[0])
            )
        }
        if let request = groups[name]?.beginRead(head: head) { actions.append(.read(request)) }
    }

    /// What happened in the groups since the last call, for the log: one note of progress for each, however many jobs.
    mutating func noteGroups() {
        for name in touchedGroups.sorted() {
            for note in groups[name]?.takeNotes() ?? [] { actions.append(.note(.group(name: name, note))) }
        }
        touchedGroups = []
    }
}
