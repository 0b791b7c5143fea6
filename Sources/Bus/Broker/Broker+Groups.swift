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
        // One group has one kind of numbers: the log's sequences, or those of requests in memory.
        guard
            request.filters.allSatisfy({ $0.text.hasPrefix("e/") })
                || request.filters.allSatisfy({ $0.text.hasPrefix("q/") })
        else {
            refuse(
                member.peer,
                member.correlation,
                .badTopic,
                "the filters of group '\(request.group)' must all begin with e/ or all with q/"
            )
            return
        }
        if groups[request.group] == nil {
            let floor: UInt64 =
                switch request.start {
                case .origin: 0
                case .head: head
                case .after(let sequence): min(sequence, head)
                }
            groups[request.group] = WorkGroup(name: request.group, filters: request.filters, floor: floor)
            note(request.group)
        } else if groups[request.group]?.filters != request.filters {
            refuse(
                member.peer,
                member.correlation,
                .badFrame,
                "group '\(request.group)' exists with filters "
                    + (groups[request.group]?.filters.map(\.text).joined(separator: ", ") ?? "")
            )
            return
        }
        sessions[member.peer]?.memberships[member.correlation] = request.group
        groups[request.group]?.join(
            member,
            credit: min(request.credit, limits.creditMax),
            leaseMs: request.leaseMs
        )
        send(member.peer, .ack(member.correlation, sequence: head, duplicate: false))
        dispatch(request.group, now: now)
    }

    /// Ends a membership, or a subscription of that correlation.
    mutating func leave(_ member: Requester, now: Duration) {
        if let name = sessions[member.peer]?.memberships.removeValue(forKey: member.correlation) {
            groups[name]?.leave(member)
            turnAway(name)
            dispatch(name, now: now)
        } else if sessions[member.peer]?.consumers.remove(member.correlation) != nil {
            consumers[ConsumerID(peer: member.peer, correlation: member.correlation)] = nil
        }
    }

    mutating func done(_ member: Requester, _ token: LeaseToken, _ result: [UInt8], now: Duration) {
        guard let name = sessions[member.peer]?.memberships[member.correlation],
            let job = groups[name]?.finish(member, token, now: now)
        else {
            staleLease(member, token)
            return
        }
        if let requester = job.requester, sessions[requester.peer] != nil {
            send(requester.peer, .answer(requester.correlation, result))
        }
        note(name)
        dispatch(name, now: now)
    }

    mutating func fail(
        _ member: Requester,
        _ token: LeaseToken,
        _ reason: Refusal,
        now: Duration,
        at time: Timestamp
    ) {
        guard let name = sessions[member.peer]?.memberships[member.correlation],
            let outcome = groups[name]?.fail(member, token, reason)
        else {
            staleLease(member, token)
            return
        }
        if let dead = outcome { bury(dead, of: name, at: time) }
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

    /// A job that five deliveries could not finish: its asker is told, or the log says so.
    mutating func bury(_ job: WorkGroup.Job, of name: String, at time: Timestamp) {
        counters.jobsDead += 1
        let reason = job.reason ?? Refusal(.failed, "no reason given")
        if let requester = job.requester {
            send(requester.peer, .nak(requester.correlation, reason))
            return
        }
        note(name)
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
        let name = groups.values.filter { $0.memberCount > 0 && $0.filters.contains { $0.matches(topic) } }
            .map(\.name).min()
        guard let name, let group = groups[name] else {
            refuse(
                requester.peer,
                requester.correlation,
                .busy,
                "nobody answers '\(topic)' at the moment",
                retryAfterMs: 200
            )
            return
        }
        guard group.waitingCount < limits.waitingRequestsMax else {
            refuse(
                requester.peer,
                requester.correlation,
                .busy,
                "group '\(name)' has \(group.waitingCount) requests waiting",
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
        groups[name]?.add(WorkGroup.Job(id: requestCount, record: record, requester: requester))
        dispatch(name, now: now)
    }

    /// Tells those who wait for a group without members to come back.
    mutating func turnAway(_ name: String) {
        guard let group = groups[name], group.memberCount == 0, !isOverLog(group) else { return }
        for requester in groups[name]?.takeRequests() ?? [] {
            refuse(requester.peer, requester.correlation, .busy, "the last member of '\(name)' left", retryAfterMs: 200)
        }
    }

    private func isOverLog(_ group: WorkGroup) -> Bool { !group.filters.contains { $0.text.hasPrefix("q/") } }

    mutating func feedGroups(_ records: [Record], now: Duration) {
        for (name, var group) in groups where isOverLog(group) {
            for record in records {
                guard group.tail.follows(record.sequence) else { break }
                if group.filters.contains(where: { $0.matches(record.topic) }) {
                    guard group.appetite > 0 else { break }
                    group.add(WorkGroup.Job(id: record.sequence, record: record))
                }
                group.tail.advance(to: record.sequence)
            }
            groups[name] = group
            dispatch(name, now: now)
        }
    }

    mutating func feedGroup(_ name: String, _ result: ReadResult, now: Duration) {
        guard groups[name]?.tail.isReading == true else { return }
        groups[name]?.tail.endRead()
        for record in result.records { groups[name]?.add(WorkGroup.Job(id: record.sequence, record: record)) }
        groups[name]?.tail.advance(to: result.scannedTo)
        dispatch(name, now: now)
    }

    mutating func dispatch(_ name: String, now: Duration) {
        guard var group = groups[name] else { return }
        for assignment in group.dispatch(now: now) {
            counters.jobs += 1
            send(
                assignment.member.peer,
                .job(
                    membership: assignment.member.correlation,
                    assignment.token,
                    leaseMs: assignment.leaseMs,
                    assignment.record
                )
            )
        }
        let appetite = group.appetite
        if isOverLog(group), appetite > 0, !group.tail.isReading, group.tail.position < head {
            group.tail.beginRead()
            actions.append(
                .read(
                    ReadRequest(
                        owner: .group(name),
                        filters: group.filters,
                        after: group.tail.position,
                        limit: min(appetite, Self.readMax)
                    )
                )
            )
        }
        groups[name] = group
    }

    private mutating func note(_ name: String) {
        guard let group = groups[name], isOverLog(group), let progress = groups[name]?.progress() else { return }
        actions.append(
            .note(.group(name: name, filters: group.filters, floor: progress.floor, done: progress.done))
        )
    }
}
