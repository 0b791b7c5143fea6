import Events

extension Broker {
    mutating func subscribe(_ peer: PeerID, _ id: UInt64, _ request: SubscribeRequest) {
        guard !request.filters.isEmpty, request.filters.count <= limits.filtersMax else {
            refuse(peer, id, .tooMany, "a subscription has 1 to \(limits.filtersMax) filters")
            return
        }
        guard let session = sessions[peer],
            session.consumers.count + session.memberships.count < limits.subscriptionsMax
        else {
            refuse(peer, id, .tooMany, "a session has at most \(limits.subscriptionsMax) subscriptions")
            return
        }
        if let name = request.consumer {
            detach(name)
            consumersHeardAt[name] = session.heardAt
        }
        let position: UInt64 =
            switch request.start {
            case .origin: 0
            case .head: head
            case .after(let sequence): min(sequence, head)
            case nil: request.consumer.flatMap { cursors[$0] } ?? 0
            }
        if let name = request.consumer, cursors[name] == nil {
            cursors[name] = position
            actions.append(.note(.consumer(name: name, cursor: position)))
        }
        let key = ConsumerID(peer: peer, correlation: id)
        sessions[peer]?.consumers.insert(id)
        consumers[key] = Consumer(
            name: request.consumer,
            filters: request.filters,
            tail: LogTail(position: position),
            credit: min(max(request.credit, 0), limits.creditMax)
        )
        send(peer, .ack(id, sequence: position, duplicate: false))
        readOn(key)
    }

    /// A durable consumer has one reader: the newest.
    private mutating func detach(_ name: String) {
        for (key, consumer) in consumers where consumer.name == name {
            send(
                key.peer,
                .error(key.correlation, Refusal(.fenced, "consumer '\(name)' is read by another session now"))
            )
            consumers[key] = nil
            sessions[key.peer]?.consumers.remove(key.correlation)
        }
    }

    mutating func credit(_ key: ConsumerID, _ count: Int) {
        guard var consumer = consumers[key] else { return }
        consumer.credit = min(consumer.credit + count, limits.creditMax)
        consumers[key] = consumer
        readOn(key)
    }

    mutating func acknowledge(_ key: ConsumerID, _ sequence: UInt64) {
        // Nothing can have taken effect that was not delivered; a cursor from another log would hide this one's records.
        guard let consumer = consumers[key], let name = consumer.name else { return }
        consumersHeardAt[name] = sessions[key.peer]?.heardAt
        let sequence = min(sequence, consumer.tail.position)
        guard sequence > cursors[name] ?? 0 else { return }
        cursors[name] = sequence
        actions.append(.note(.consumer(name: name, cursor: sequence)))
    }

    mutating func fetch(_ requester: Requester, _ request: FetchRequest) {
        actions.append(
            .read(
                ReadRequest(
                    owner: .fetch(requester),
                    filters: request.filters,
                    after: min(request.after, head),
                    limit: min(max(request.limit, 1), limits.fetchMax)
                )
            )
        )
    }

    /// Asks the log for more when the consumer is behind and may receive.
    private mutating func readOn(_ key: ConsumerID) {
        guard var consumer = consumers[key], consumer.credit > 0, !consumer.tail.isReading,
            consumer.tail.position < head
        else { return }
        consumer.tail.beginRead()
        consumers[key] = consumer
        actions.append(
            .read(
                ReadRequest(
                    owner: .consumer(key),
                    filters: consumer.filters,
                    after: consumer.tail.position,
                    limit: min(consumer.credit, Self.readMax)
                )
            )
        )
    }

    mutating func deliver(_ result: ReadResult, to key: ConsumerID) {
        // A read that an earlier session of the same peer asked for has another beginning: its own read is still to come.
        guard var consumer = consumers[key], consumer.tail.isReading, result.request.after == consumer.tail.position
        else { return }
        consumer.tail.endRead()
        consumer.tail.advance(to: result.scannedTo)
        consumer.credit -= result.records.count
        consumers[key] = consumer
        counters.delivered += result.records.count
        for var record in result.records {
            record.flags.insert(.replayed)
            send(key.peer, .deliver(subscription: key.correlation, record))
        }
        readOn(key)
    }

    /// Hands just-committed records to the consumers that have everything before them.
    mutating func follow(_ records: [Record]) {
        for (key, var consumer) in consumers {
            for record in records {
                guard consumer.tail.follows(record.sequence) else { break }
                if consumer.filters.contains(where: { $0.matches(record.topic) }) {
                    guard consumer.credit > 0 else { break }
                    consumer.credit -= 1
                    counters.delivered += 1
                    send(key.peer, .deliver(subscription: key.correlation, record))
                }
                consumer.tail.advance(to: record.sequence)
            }
            consumers[key] = consumer
            readOn(key)
        }
    }

    /// How far each durable consumer is behind the head.
    public var consumerLag: [String: UInt64] { cursors.mapValues { head > $0 ? head - $0 : 0 } }
}
