public import Events

/// What the broker answers itself: an operator's questions. All that changes the log goes through it, in order with
/// appends and notes, and is answered when it is on disk.
extension Broker {
    /// Dead letters in one answer, and jobs that one request revives.
    static let deadPageMax = 1000
    /// Revived jobs of all groups that are open at once; they are in memory.
    static let revivedMax = 1000

    mutating func answer(_ asker: Requester, _ data: [UInt8], now: Duration) {
        let query: BusQuery
        do { query = try EventCoding.decode(BusQuery.self, from: data) } catch {
            refuse(asker.peer, asker.correlation, error.code, error.message)
            return
        }
        do throws(EventError) {
            let operation = try operation(query)
            actions.append(.store(StoreRequest(asker: asker, operation: operation)))
        } catch {
            refuse(
                asker.peer,
                asker.correlation,
                error.code,
                error.message,
                retryAfterMs: error.code == .busy ? 500 : nil
            )
        }
    }

    private mutating func operation(_ query: BusQuery) throws(EventError) -> StoreOperation {
        let limit = min(max(query.limit ?? Self.deadPageMax, 1), Self.deadPageMax)
        switch query.question {
        case .status: return .status
        case .deadList: return .listDead(group: query.group, after: query.after, limit: limit)
        case .deadShow:
            guard let group = query.group, let sequence = query.sequence else {
                throw EventError(.badData, "'dead.show' needs 'group' and 'sequence'")
            }
            return .showDead(DeadLetter.Place(group: group, sequence: sequence))
        case .deadRequeue:
            guard query.sequence == nil || query.group != nil else {
                throw EventError(.badData, "'dead.requeue' of one sequence needs 'group'")
            }
            let room = Self.revivedMax - revivedCount
            guard room > 0 else {
                throw EventError(.busy, "\(revivedCount) requeued jobs are not done yet; ask again when some are")
            }
            return .requeue(group: query.group, sequence: query.sequence, limit: min(limit, room))
        case .backup:
            guard let name = query.name, Topic.isSegment(name), !name.hasPrefix(".") else {
                throw EventError(.badData, "'backup' needs 'name', a file name of a-z, 0-9, '.', '_' and '-'")
            }
            return .backUp(name: name)
        case .backupProgress: return .backupProgress
        case .consumerRemove:
            guard let name = query.name, cursors[name] != nil else {
                throw EventError(.notFound, "there is no durable consumer '\(query.name ?? "")'")
            }
            guard !consumers.values.contains(where: { $0.name == name }) else {
                throw EventError(.busy, "consumer '\(name)' is being read; stop its program first")
            }
            cursors[name] = nil
            consumersHeardAt[name] = nil
            return .removeConsumer(name)
        case .groupRemove:
            guard let name = query.group, let group = groups[name], group.isOverLog else {
                throw EventError(.notFound, "there is no work group '\(query.group ?? "")' over the log")
            }
            guard group.memberCount == 0 else {
                throw EventError(.busy, "group '\(name)' has \(group.memberCount) members; stop their programs first")
            }
            groups[name] = nil
            deadCounts[name] = nil
            return .removeGroup(name)
        }
    }

    private var revivedCount: Int { groups.values.reduce(0) { $0 + $1.revivedCount } }

    /// The log did what it was asked.
    public mutating func stored(_ request: StoreRequest, _ outcome: StoreOutcome, now: Duration) {
        switch outcome {
        case .status(let figures):
            deadCounts = figures.dead
            reply(request, status(figures, now: now))
        case .dead(let letters, let counts):
            deadCounts = counts
            reply(request, DeadLettersAnswer(letters: letters, counts: counts))
        case .deadRecord(let letter, let record):
            let event = record.flatMap { try? $0.event() }
            let json = event.flatMap { try? $0.structured() }
            reply(
                request,
                DeadLetterAnswer(
                    letter: letter,
                    event: json.flatMap { try? EventCoding.decode(JSONValue.self, from: $0) }
                )
            )
        case .revived(let jobs, let counts):
            deadCounts = counts
            for job in jobs { groups[job.group]?.revive(job) }
            for name in Set(jobs.map(\.group)).sorted() { dispatch(name, now: now) }
            guard case .requeue(let group, let sequence, _) = request.operation else { return }
            let left = sequence == nil ? group.map { counts[$0] ?? 0 } ?? counts.values.reduce(0, +) : 0
            reply(
                request,
                RequeueAnswer(
                    requeued: jobs.map { DeadLetter.Place(group: $0.group, sequence: $0.failure.sequence) },
                    left: left
                )
            )
        case .removed:
            switch request.operation {
            case .removeConsumer(let name), .removeGroup(let name): reply(request, BusDone(removed: name))
            default: break
            }
        case .backup(let progress): reply(request, progress)
        case .refused(let refusal):
            guard let asker = request.asker else { return }
            counters.refused += 1
            send(asker.peer, .nak(asker.correlation, refusal))
        }
    }

    private mutating func reply(_ request: StoreRequest, _ answer: some Encodable) {
        guard let asker = request.asker, sessions[asker.peer] != nil else { return }
        do { send(asker.peer, .answer(asker.correlation, try EventCoding.encode(answer))) } catch {
            send(
                asker.peer,
                .nak(asker.correlation, Refusal(.failed, "the answer cannot be written: \(error.message)"))
            )
        }
    }

    // MARK: Status

    /// Figures of consumers and groups, for metrics.
    public var groupStatuses: [GroupStatus] {
        groups.values.sorted { $0.name < $1.name }.map { group in
            GroupStatus(
                name: group.name,
                filters: group.filters,
                members: group.members.map { key, member in
                    GroupStatus.Member(
                        name: sessions[key.peer]?.hello.name ?? "",
                        credit: member.credit,
                        leased: member.parts,
                        serviceSeconds: member.serviceSeconds
                    )
                }.sorted { ($0.name, $0.credit, $0.leased) < ($1.name, $1.credit, $1.leased) },
                credit: group.totalCredit,
                leased: group.leasedCount,
                waiting: group.waitingCount,
                floor: group.isOverLog ? group.floor : nil,
                lag: group.isOverLog ? head - min(group.floor, head) : nil,
                dead: deadCounts[group.name] ?? 0
            )
        }
    }

    private func consumerStatuses(now: Duration) -> [ConsumerStatus] {
        var sessionOf: [String: PeerID] = [:]
        var unnamed: [ConsumerStatus] = []
        for (key, consumer) in consumers {
            guard let name = consumer.name else {
                let position = consumer.tail.position
                unnamed.append(
                    ConsumerStatus(
                        name: nil,
                        cursor: position,
                        lag: head - min(position, head),
                        session: sessions[key.peer]?.hello.name,
                        idleSeconds: (now - (sessions[key.peer]?.heardAt ?? now)) / .seconds(1)
                    )
                )
                continue
            }
            sessionOf[name] = key.peer
        }
        let named = cursors.map { name, cursor in
            ConsumerStatus(
                name: name,
                cursor: cursor,
                lag: head - min(cursor, head),
                session: sessionOf[name].flatMap { sessions[$0]?.hello.name },
                idleSeconds: (now - (consumersHeardAt[name] ?? .zero)) / .seconds(1)
            )
        }
        func precedes(_ left: ConsumerStatus, _ right: ConsumerStatus) -> Bool {
            left.lag == right.lag
                ? (left.name ?? left.session ?? "") < (right.name ?? right.session ?? "") : left.lag > right.lag
        }
        return named.sorted(by: precedes) + unnamed.sorted(by: precedes)
    }

    private func peerStatuses(now: Duration) -> [PeerStatus] {
        sessions.map { peer, session in
            let producer = session.hello.producer.flatMap { producers[$0] }
            return PeerStatus(
                name: session.hello.name,
                identity: peer.key.flatMap { access?.name(ofKey: $0) },
                session: session.number,
                seconds: (now - session.since) / .seconds(1),
                silentSeconds: (now - session.heardAt) / .seconds(1),
                producer: session.hello.producer,
                inFlight: producer.map { Int(clamping: $0.accepted - min($0.committed, $0.accepted)) } ?? 0,
                subscriptions: session.consumers.count,
                groups: Set(session.memberships.values).sorted()
            )
        }.sorted { ($0.name, $0.session) < ($1.name, $1.session) }
    }

    private func status(_ figures: LogFigures, now: Duration) -> BusStatus {
        BusStatus(
            site: site,
            upSeconds: now / .seconds(1),
            log: figures,
            consumers: Array(consumerStatuses(now: now).prefix(BusStatus.listMax)),
            groups: Array(groupStatuses.prefix(BusStatus.listMax)),
            peers: Array(peerStatuses(now: now).prefix(BusStatus.listMax)),
            peerCount: sessions.count,
            counters: BusCounters(
                published: counters.published,
                duplicates: counters.duplicates,
                delivered: counters.delivered,
                jobs: counters.jobs,
                jobsDead: counters.jobsDead,
                telemetry: counters.telemetry,
                telemetryLost: counters.telemetryLost,
                refused: counters.refused,
                refusedByCode: Dictionary(uniqueKeysWithValues: refusals.map { ($0.key.rawValue, $0.value) }),
                sessionsEnded: counters.sessionsEnded
            )
        )
    }
}
