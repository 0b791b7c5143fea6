import Bus
import Events

extension Simulation {
    enum LogCommand {
        case append([Append], [LogNote])
        case read(ReadRequest)
    }

    enum LogResult {
        case committed(Commit)
        case read(ReadResult)
    }

    /// What one life of the broker said and heard, to check it by.
    struct Book {
        struct Lease {
            var delivery: UInt32
            var peer: PeerID
        }

        struct JobKey: Hashable {
            var membership: UInt64
            var job: UInt64
        }

        var leases: [JobKey: Lease] = [:]
        var done: Set<JobKey> = []
        /// Highest epoch that was welcomed, by producer.
        var welcomed: [UInt64] = [0, 0, 0, 0, 0]
        var (delivered, jobs, published) = (0, 0, 0)
        var lastAnswer: [UInt8] = []
    }

    func advanceBroker() {
        let life = brokerLife
        deliverUp()
        guard life == brokerLife else { return }
        advanceLog()
        guard life == brokerLife else { return }
        if now >= tickAt {
            tickAt = now + .milliseconds(50)
            broker.tick(now: sabotage == .endlessLeases ? .zero : now, at: Self.time)
        }
        if now >= beatAt {
            beatAt = now + .seconds(1)
            if sabotage != .silent { broker.beat() }
        }
        runBroker()
    }

    /// A boundary between two of the broker's actions; true when it ends here.
    private func brokerEnds() -> Bool {
        guard let left = brokerCrashIn else { return false }
        brokerCrashIn = left - 1
        guard left <= 1 else { return false }
        crashBroker()
        return true
    }

    private func crashBroker() {
        checkCounters()
        brokerCrashIn = nil
        brokerLife += 1
        brokerUpAt = now + milliseconds(0...1500)
        if let durable { disk = durable }
        broker = Broker(
            site: "site",
            requestsAfter: random.next() >> 12,
            log: disk.log.snapshot
        )
        (logQueue, failedGeneration, book) = ([], 0, Book())
        logResults.removeAll()
        for client in clients { client.link = newLink(client.index) }
        note(.brokerStarts, -1, disk.log.snapshot.head)
    }

    // MARK: What comes in

    private func deliverUp() {
        let (life, first) = (brokerLife, Int.random(in: 0..<clients.count, using: &random))
        for offset in clients.indices {
            let client = clients[(first + offset) % clients.count]
            guard now >= client.link.upHeldUntil else { continue }
            while let next = client.link.up.first, next.at <= now {
                receive(client, client.link.up.removeFirst().frames)
                if life != brokerLife { return }
            }
        }
        runBroker()
    }

    private func receive(_ client: Client, _ frames: Frames) {
        let command = Self.command(frames)
        guard [Command.done, .fail, .extend].contains(where: { $0.rawValue == command }) else {
            broker.receive(from: client.link.peer, forged(client, frames), now: now, at: Self.time)
            return
        }
        // What waits must not be taken for the answer to this.
        runBroker()
        guard let header = try? CommandHeader(frames[0]), let token = try? LeaseToken(frames[1]) else { return }
        let (key, peer) = (Book.JobKey(membership: header.correlation, job: token.job), client.link.peer)
        let lease = book.leases[key]
        let isCurrent = lease?.delivery == token.delivery && lease?.peer == peer
        if !isCurrent, sabotage == .takesOldLeases, let lease {
            let forged = LeaseToken(job: token.job, delivery: lease.delivery)
            broker.receive(from: lease.peer, [frames[0], forged.bytes] + frames[2...], now: now, at: Self.time)
        } else {
            broker.receive(from: peer, frames, now: now, at: Self.time)
        }
        let actions = broker.takeActions()
        let isRefused = actions.contains {
            if case .send(peer, .error) = $0 { true } else { false }
        }
        if !isRefused {
            if !isCurrent || book.done.contains(key) {
                fail(
                    "delivery \(token.delivery) of job \(token.job) was ended by client \(client.index) without a lease"
                )
            }
            if command == Command.done.rawValue { book.done.insert(key) }
            if command != Command.extend.rawValue { book.leases[key] = nil }
        }
        run(actions)
    }

    /// The message as a broker that lost its memory of epochs would take it.
    private func forged(_ client: Client, _ frames: Frames) -> Frames {
        guard sabotage == .forgetsEpochs, client.role == .double, let producer = client.producer,
            case .hello(let id, var hello) = try? ClientMessage(frames: frames)
        else { return frames }
        hello.producerEpoch = max(hello.producerEpoch ?? 1, book.welcomed[producer])
        return (try? ClientMessage.hello(id, hello).frames()) ?? frames
    }

    // MARK: What goes out

    private func runBroker() {
        let life = brokerLife
        while life == brokerLife {
            let actions = broker.takeActions()
            if actions.isEmpty { return }
            run(actions)
        }
    }

    private func run(_ actions: [Broker.Action]) {
        var appends: [Append] = []
        var notes: [LogNote] = []
        var reads: [ReadRequest] = []
        var fans: [Frames] = []
        var gone: Set<Int> = []
        var sends = [[BrokerMessage]](repeating: [], count: clients.count)
        for action in actions {
            switch action {
            case .send(let peer, let message):
                let link = Link.number(of: peer)
                let owner = owners[link]
                record(owner, peer, message)
                guard clients[owner].link.number == link, clients[owner].downUntil == nil else {
                    gone.insert(link)
                    continue
                }
                sends[owner].append(message)
            case .append(let append):
                check(append)
                appends.append(append)
            case .note(let note): notes.append(note)
            case .read(let request): reads.append(request)
            // Operators ask for nothing here.
            case .store: break
            case .fanOut(let frames): fans.append(sabotage == .hidesLostBeats ? Self.hidingLoss(frames) : frames)
            }
        }
        guard send(sends), fanOut(fans), !brokerEnds() else { return }
        if !appends.isEmpty || !notes.isEmpty { logQueue.append(.append(appends, notes)) }
        for request in reads.sorted(by: Self.precedes) { logQueue.append(.read(request)) }
        for link in gone.sorted() { broker.end(Link.peer(link), now: now) }
        if !gone.isEmpty { runBroker() }
    }

    /// Peers are served in any order, each in its own; false when the broker ended on the way.
    private func send(_ sends: [[BrokerMessage]]) -> Bool {
        let first = Int.random(in: 0..<clients.count, using: &random)
        for offset in clients.indices {
            let client = clients[(first + offset) % clients.count]
            var messages = sends[client.index]
            if sabotage == .reorders { Self.swapDeliveries(&messages) }
            if sabotage == .mixesAnswers { mixAnswers(&messages) }
            for message in messages {
                if brokerEnds() { return false }
                guard let frames = try? message.frames() else { continue }
                note(.brokerSends, -1, UInt64(Self.command(frames)), UInt64(client.index))
                self.messages += 1
                client.link.sendDown(frames, now: now, delayMax: delayMax)
            }
        }
        return true
    }

    private static func swapDeliveries(_ messages: inout [BrokerMessage]) {
        let deliveries = messages.indices.filter { if case .deliver = messages[$0] { true } else { false } }
        if deliveries.count >= 2 { messages.swapAt(deliveries[0], deliveries[1]) }
    }

    private func mixAnswers(_ messages: inout [BrokerMessage]) {
        for index in messages.indices {
            guard case .answer(let id, let data) = messages[index] else { continue }
            if !book.lastAnswer.isEmpty { messages[index] = .answer(id, book.lastAnswer) }
            book.lastAnswer = data
        }
    }

    private func fanOut(_ fans: [Frames]) -> Bool {
        for frames in fans {
            if brokerEnds() { return false }
            note(.fanOut, -1, UInt64(frames.count))
            for client in clients where client.watched != nil && client.downUntil == nil {
                if now < client.link.isOpenFrom || happens(.fanOutLost, oneIn: 8, client.index) { continue }
                messages += 1
                client.link.sendFan(frames, now: now, delayMax: delayMax)
            }
        }
        return true
    }

    private static func hidingLoss(_ frames: Frames) -> Frames {
        guard frames.count == 2, var beat = try? EventCoding.decode(HeadBeat.self, from: frames[1]) else {
            return frames
        }
        beat.since = 0
        return (try? EventCoding.encode(beat)).map { [frames[0], $0] } ?? frames
    }

    /// An order among reads that does not depend on the order of a set.
    private static func precedes(_ left: ReadRequest, _ right: ReadRequest) -> Bool {
        rank(left.owner) < rank(right.owner)
    }

    private static func rank(_ owner: ReadOwner) -> (Int, Int, UInt64) {
        switch owner {
        case .consumer(let id): (0, Link.number(of: id.peer), id.correlation)
        case .group: (1, 0, 0)
        case .fetch(let requester), .last(let requester): (2, Link.number(of: requester.peer), requester.correlation)
        }
    }

    private func record(_ owner: Int, _ peer: PeerID, _ message: BrokerMessage) {
        switch message {
        case .welcome(_, let welcome):
            if let producer = clients[owner].producer {
                book.welcomed[producer] = max(book.welcomed[producer], welcome.producerEpoch)
            }
        case .deliver: book.delivered += 1
        case .job(let membership, let token, _, _):
            book.jobs += 1
            let key = Book.JobKey(membership: membership, job: token.job)
            if book.done.contains(key) { fail("job \(token.job) was given out after it was done") }
            if token.delivery > WorkGroup.deliveriesMax {
                fail("job \(token.job) was delivered \(token.delivery) times")
            }
            if membership == Client.works, let group = disk.log.snapshot.groups["work"],
                token.job <= group.floor || group.done.contains(token.job)
            {
                fail("job \(token.job) was given out, the log says that it is done")
            }
            if let lease = book.leases[key], token.delivery <= lease.delivery {
                fail("two deliveries of job \(token.job) have the token \(token.delivery)")
            }
            book.leases[key] = Book.Lease(delivery: token.delivery, peer: peer)
        default: break
        }
    }

    // MARK: The log

    /// As the broker's log thread: everything that waits is one batch, and a full disk refuses its generation.
    private func advanceLog() {
        let life = brokerLife
        if let durable, durable.log.snapshot.head < disk.log.snapshot.head, random.one(in: 30) || !hasFaults {
            self.durable = disk
        }
        if now >= logBusyUntil, !logQueue.isEmpty, !hasFaults || random.one(in: 3) {
            let commands = logQueue
            logQueue = []
            var (appends, notes): ([Append], [LogNote]) = ([], [])
            func write() {
                guard !appends.isEmpty || !notes.isEmpty else { return }
                commit(appends, notes)
                (appends, notes) = ([], [])
            }
            for command in commands {
                switch command {
                case .append(let more, let moreNotes):
                    if appends.count > 3 { write() }
                    appends += more
                    notes += moreNotes
                case .read(let request):
                    write()
                    guard life == brokerLife else { return }
                    let result = disk.log.read(request, scanMax: 7)
                    note(.read, -1, request.after, UInt64(result.records.count))
                    report(.read(result))
                }
                guard life == brokerLife else { return }
            }
            write()
            guard life == brokerLife else { return }
        }
        while life == brokerLife, let first = logResults.first, first.at <= now {
            switch logResults.removeFirst().result {
            case .committed(let commit):
                book.published += commit.records.count
                broker.committed(commit, now: now)
            case .read(let result): broker.read(result, now: now)
            }
            runBroker()
        }
    }

    private func commit(_ appends: [Append], _ notes: [LogNote]) {
        if brokerEnds() { return }
        let generations = appends.map(\.generation)
        let commit: Commit
        if let oldest = generations.min(), oldest <= failedGeneration, sabotage != .writesPastFailure {
            failedGeneration = generations.max() ?? failedGeneration
            commit = FakeLog.refusal(appends)
        } else if happens(.commitFailed, oneIn: 100, -1) {
            if random.one(in: 2) { write(appends, notes) }
            crashBroker()
            return
        } else if happens(.diskFull, oneIn: 12, -1) {
            failedGeneration = generations.max() ?? failedGeneration
            commit = FakeLog.refusal(appends)
        } else {
            commit = write(appends, notes)
        }
        if commit.failure != nil { note(.refusedBatch, -1, UInt64(appends.count)) }
        if brokerEnds() { return }
        if !appends.isEmpty { report(.committed(commit)) }
    }

    @discardableResult
    private func write(_ appends: [Append], _ notes: [LogNote]) -> Commit {
        let commit = disk.log.write(appends, notes)
        note(.commit, -1, UInt64(commit.records.count), disk.log.snapshot.head)
        for (name, cursor) in disk.log.snapshot.consumers where !notes.isEmpty { check(name, cursor) }
        if let wrong = disk.check(commit, produced: clients.map(\.produced), isCloned: isCloned) { fail(wrong) }
        return commit
    }

    private func report(_ result: LogResult) {
        logResults.append((max(now + milliseconds(0...delayMax), logResults.last?.at ?? .zero), result))
    }

    // MARK: Checks

    private func check(_ append: Append) {
        guard case .sequenced(let producer, let epoch, _) = append.identity else { return }
        let index = Int(producer.utf8.last ?? 48) - 48
        if epoch < book.welcomed[index] {
            fail("\(producer) of epoch \(epoch) writes on, \(book.welcomed[index]) is welcomed")
        }
    }

    /// Nothing is taken for consumed that was not.
    private func check(_ name: String, _ cursor: UInt64) {
        guard let index = name.utf8.last.map({ Int($0) - 48 }), clients.indices.contains(index) else { return }
        if cursor > clients[index].cursor {
            fail("the cursor of \(name) is \(cursor) in the log, \(clients[index].cursor) in the program")
        }
    }

    /// The counters say what was done.
    func checkCounters() {
        let counters = broker.counters
        if counters.delivered != book.delivered {
            fail("\(book.delivered) records were delivered, the counter says \(counters.delivered)")
        }
        if counters.jobs != book.jobs { fail("\(book.jobs) jobs went out, the counter says \(counters.jobs)") }
        if counters.published != book.published {
            fail("\(book.published) records were written, the counter says \(counters.published)")
        }
    }
}
