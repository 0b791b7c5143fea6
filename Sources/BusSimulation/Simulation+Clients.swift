import Bus
import Events

extension Simulation {
    func advance(_ client: Client) {
        if let until = client.downUntil {
            guard now >= until else { return }
            client.start(now: now, link: newLink(client.index))
            note(.clientStarts, client.index, client.cursor, UInt64(client.produced))
        }
        guard now >= client.pausedUntil else { return }
        while client.downUntil == nil, let frames = nextDown(client) {
            note(.clientReceives, client.index, UInt64(Self.command(frames)), UInt64(frames.count))
            client.core.receive(frames, now: now)
            perform(client)
        }
        guard client.downUntil == nil else { return }
        client.core.tick(now: now)
        perform(client)
        for act in [produce, consume, watch, work, ask] where client.downUntil == nil {
            act(client)
            perform(client)
        }
    }

    static func command(_ frames: Frames) -> UInt8 { frames.first.flatMap { $0.count == 16 ? $0[3] : nil } ?? 0 }

    private func nextDown(_ client: Client) -> Frames? {
        guard now >= client.link.downHeldUntil, let first = client.link.down.first, first.at <= now else { return nil }
        return client.link.down.removeFirst().frames
    }

    /// A boundary between two of a program's actions; true when the program ends here.
    private func ends(_ client: Client) -> Bool {
        guard let left = client.crashIn else { return client.downUntil != nil }
        client.crashIn = left - 1
        guard left <= 1 else { return false }
        crash(client)
        return true
    }

    private func crash(_ client: Client, downMax: Int = 3000) {
        client.crashIn = nil
        client.downUntil = now + milliseconds(0...(hasFaults ? downMax : 200))
        note(.clientEnds, client.index)
    }

    // MARK: What programs do

    private func produce(_ client: Client) {
        guard client.producer != nil else { return }
        if client.role != .double, client.produced < Client.eventsMax, random.one(in: 12) || !hasFaults {
            client.produced += Int.random(in: 1...3, using: &random)
            if random.one(in: 2) {
                client.namedCount += 1
                client.namedWanted.append(client.namedCount)
            }
        }
        if client.isGreeted {
            let events = client.takeUnsent()
            if !events.isEmpty { client.core.append(events, epoch: client.epoch) }
        }
        for name in client.namedWanted where !client.isAsking(name: name) {
            publish(name, client)
            if happens(.publishedTwice, oneIn: 4, client.index) { publish(name, client) }
        }
    }

    private func publish(_ name: Int, _ client: Client) {
        let id = client.newAsk(.named(name))
        client.core.ask(
            id,
            .publishUnsequenced(
                id,
                topic: Payload.namedTopic,
                header: Self.header(client.index, name),
                data: Payload(.named, client.index, name).bytes
            ),
            deadline: now + .milliseconds(400)
        )
    }

    private static func header(_ client: Int, _ name: Int) -> [UInt8] {
        Array(#"{"id":"\#(name)","source":"//named/\#(client)","specversion":"1.0","type":"t"}"#.utf8)
    }

    private func consume(_ client: Client) {
        guard client.filter != nil else { return }
        while !client.received.isEmpty, !hasFaults || random.one(in: 10) {
            let count = Int.random(in: 1...client.received.count, using: &random)
            // One transaction: the effects and the cursor.
            for sequence in client.received.prefix(count) {
                if sequence <= client.cursor {
                    fail("client \(client.index) got \(sequence) again after \(client.cursor)")
                }
                client.applied.append(sequence)
                client.cursor = sequence
            }
            note(.applied, client.index, client.cursor)
            client.received.removeFirst(count)
            if ends(client) { return }
            client.core.acknowledge(Client.subscription, sequence: client.cursor, credit: count)
            perform(client)
            if client.downUntil != nil { return }
        }
    }

    private func watch(_ client: Client) {
        while client.reader != nil {
            for record in client.reader?.takeRecords() ?? [] {
                note(.handed, client.index, record.sequence)
                client.handed[record.topic, default: []].append(record.sequence)
            }
            if let page = client.reader?.page {
                guard !client.isPaging else { return }
                client.isPaging = true
                let id = client.newAsk(.page)
                let request = FetchRequest(filters: page.filters, after: page.after)
                client.core.ask(id, .fetch(id, request), deadline: now + .seconds(1))
                return
            }
            guard let first = client.link.fan.first, first.at <= now, now >= client.link.downHeldUntil else { return }
            client.reader?.receive(client.link.fan.removeFirst().frames)
        }
    }

    private func work(_ client: Client) {
        guard !client.jobs.isEmpty else { return }
        let due = client.jobs.filter { $0.at <= now }
        client.jobs.removeAll { $0.at <= now }
        for job in due {
            note(.jobEnds, client.index, job.token.job, UInt64(job.token.delivery))
            switch job.ending {
            case .forgotten: break
            case .failed: client.core.fail(job.membership, job.token, Refusal(.failed, "not now"))
            case .done:
                if job.membership == Client.works {
                    // Its own transaction: a program that ends before DONE has the effect already.
                    client.worked.insert(job.token.job)
                    if ends(client) { return }
                    client.core.finish(job.membership, job.token, result: [])
                } else {
                    client.core.finish(job.membership, job.token, result: Array(job.data.reversed()))
                }
            }
        }
    }

    private func ask(_ client: Client) {
        guard client.role == .asker, client.questionCount < Client.questionsMax,
            random.one(in: 40) || !hasFaults
        else { return }
        client.questionCount += 1
        let number = client.questionCount
        let id = client.newAsk(.question(number))
        note(.question, client.index, UInt64(number))
        client.core.ask(
            id,
            .publishUnsequenced(
                id,
                topic: Payload.questionTopic,
                header: Self.header(client.index, number),
                data: Payload(.question, client.index, number).bytes
            ),
            deadline: now + .milliseconds(1500)
        )
    }

    // MARK: What the state machine wants

    private func perform(_ client: Client) {
        var isBroken = false
        for action in client.core.takeActions() {
            if ends(client) { return }
            switch action {
            case .send(let frames):
                guard !isBroken else { continue }
                guard now >= client.link.isOpenFrom else {
                    isBroken = true
                    continue
                }
                let command = Self.command(frames)
                note(.clientSends, client.index, UInt64(command), UInt64(frames.count))
                sendUp(client, frames)
                if command == Command.publish.rawValue, frames[1].count == 8,
                    happens(.sentTwice, oneIn: 20, client.index)
                {
                    sendUp(client, frames)
                }
            case .reopen: client.link = newLink(client.index)
            case .connected(let welcome): connected(client, welcome)
            case .producerAcknowledged(let upTo): acknowledged(client, upTo)
            case .producerFenced: fenced(client)
            case .answered(let id, let answer): answered(client, id, answer)
            case .deliver(_, let record):
                client.received.append(record.sequence)
                if client.received.count > Client.credit { fail("more records than credit") }
                if client.filter?.matches(record.topic) != true { fail("client \(client.index) got \(record.topic)") }
            case .job(let membership, let token, let record): take(client, membership, token, record)
            case .jobs: fail("client \(client.index) got a batch that it did not ask for")
            case .ended(_, let refusal): fail("client \(client.index) lost a subscription: \(refusal)")
            case .disconnected: break
            }
        }
        if isBroken, client.downUntil == nil {
            client.core.sendFailed(now: now)
            perform(client)
        }
    }

    private func connected(_ client: Client, _ welcome: Welcome) {
        guard let producer = client.producer else { return }
        let outbox = UInt64(client.produced - client.base)
        var known = welcome.producerSequence
        if known > outbox {
            if isCloned, producer == 0 {
                // The copy was further; this program goes on behind it, and somebody was told.
                client.produced = client.base + Int(known)
            } else if client.role == .double {
                known = outbox
            } else {
                fail("the log knows \(known) of client \(client.index)'s \(outbox)")
            }
        }
        if known < client.acknowledged { fail("the log knows \(known), \(client.acknowledged) were acknowledged") }
        client.acknowledged = max(client.acknowledged, known)
        client.isGreeted = true
        client.sent = max(client.sent, known)
        if client.index == 1, !client.hasMoved, known == outbox, known > 0, happens(.oldEpoch, oneIn: 2, 1) {
            move(client)
        }
    }

    /// The program begins a new numbering, and a copy of what it was goes on with the old one.
    private func move(_ client: Client) {
        let double = clients[4]
        (double.epoch, double.base, double.produced) = (client.epoch, client.base, client.produced + 3)
        double.downUntil = now
        client.hasMoved = true
        client.epoch += 1
        client.base = client.produced
        (client.sent, client.acknowledged, client.isGreeted) = (0, 0, false)
        client.core.append([], epoch: client.epoch)
    }

    private func acknowledged(_ client: Client, _ upTo: UInt64) {
        // An acknowledgement of the numbering that the program has just left says nothing about the new one.
        guard let producer = client.producer, client.isGreeted else { return }
        let position = disk.log.snapshot.producers[Self.names[producer]]
        if sabotage != .forgetsProducers, upTo > position?.sequence ?? 0, position?.epoch == client.epoch {
            fail("\(upTo) of client \(client.index) acknowledged, the log has \(position?.sequence ?? 0)")
        }
        client.acknowledged = max(client.acknowledged, upTo)
    }

    private static let names = (0..<5).map { "c\($0)" }

    /// A program ends when another has its name; a copy that is fenced may be started again by somebody.
    private func fenced(_ client: Client) {
        let isExpected = client.role == .double || (isCloned && client.index == 0)
        guard isExpected else {
            fail("client \(client.index) was fenced")
            return
        }
        crash(client)
        guard client.role == .double else { return }
        if !isCloned || random.one(in: 2) { client.downUntil = .seconds(9999) }
        if isCloned { (client.produced, client.base) = (clients[0].produced + 1, clients[0].base) }
    }

    private func answered(_ client: Client, _ id: UInt64, _ answer: ClientCore.Answer) {
        guard let ask = client.asked.removeValue(forKey: id) else { return }
        switch (ask, answer) {
        case (.named(let name), .accepted(let sequence, _)):
            client.namedWanted.removeAll { $0 == name }
            let index = Int(sequence) - 1
            guard disk.log.records.indices.contains(index),
                disk.log.records[index].data == Payload(.named, client.index, name).bytes
            else {
                fail("ack \(sequence) of named event \(name) of client \(client.index) names another event")
                return
            }
        case (.question(let number), .result(let result)):
            note(.answer, client.index, UInt64(number), 1)
            if result != Payload(.question, client.index, number).bytes.reversed() {
                fail("the answer to question \(number) is that of another")
            }
        case (.question(let number), .refused): note(.answer, client.index, UInt64(number), 0)
        case (.page, .records(let records, let scannedTo)):
            client.isPaging = false
            client.reader?.filled(records, scannedTo: scannedTo)
        case (.page, .refused): client.isPaging = false
        case (.named, .refused): break
        default: fail("client \(client.index) got an answer of another kind")
        }
    }

    private func take(_ client: Client, _ membership: UInt64, _ token: LeaseToken, _ record: Record) {
        note(.job, client.index, token.job, UInt64(token.delivery))
        if Payload(record.data)?.isPoison == true, membership == Client.works, isPoisoned {
            count(.poison, client.index)
            crash(client, downMax: 300)
            return
        }
        let ending: Client.Job.Ending =
            if happens(.jobFailed, oneIn: 8, client.index) {
                .failed
            } else if happens(.jobForgotten, oneIn: 10, client.index) { .forgotten } else { .done }
        client.jobs.append(
            .init(
                at: now + milliseconds(0...(hasFaults ? 800 : 200)),
                membership: membership,
                token: token,
                data: record.data,
                ending: ending
            )
        )
    }
}
