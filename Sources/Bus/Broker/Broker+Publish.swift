public import Events

extension Broker {
    /// An event of the session's producer: taken in order, once.
    mutating func publish(
        _ peer: PeerID,
        sequence: UInt64,
        topic: String,
        header: [UInt8],
        data: [UInt8],
        at time: Timestamp
    ) {
        guard let name = sessions[peer]?.hello.producer, let producer = producers[name], producer.peer == peer else {
            send(peer, .nak(0, Refusal(.fenced, "this session has no producer name; say it in HELLO")))
            return
        }
        if sequence <= producer.committed {
            counters.duplicates += 1
            send(peer, .ackSequenced(upTo: producer.committed, sequence: head))
            return
        }
        if sequence <= producer.accepted { return }
        guard sequence == producer.accepted + 1 else {
            refuse(
                peer,
                0,
                .outOfOrder,
                "event \(sequence) of '\(name)' came after \(producer.accepted); send again from there",
                retryAfterMs: 0
            )
            return
        }
        guard check(topic, header, data, reliability: .event, peer, 0),
            // The outbox keeps the event; rights may be given while it waits.
            mayPublish(Requester(peer: peer, correlation: 0), topic, header, retryAfterMs: 5000, at: time)
        else { return }
        guard pendingBytes < Self.pendingBytesMax else {
            refuse(peer, 0, .full, "the log is behind by \(pendingBytes) bytes", retryAfterMs: 50)
            return
        }
        guard sequence - producer.committed <= UInt64(limits.publishWindowMax) else {
            refuse(
                peer,
                0,
                .busy,
                "more than \(limits.publishWindowMax) events wait for the log; limits are in WELCOME",
                retryAfterMs: 20
            )
            return
        }
        producers[name]?.accepted = sequence
        enqueue(
            Append(
                topic: topic,
                flags: .durable,
                header: header,
                data: data,
                identity: .sequenced(producer: name, epoch: producer.epoch, sequence: sequence),
                requester: nil,
                generation: generation
            )
        )
    }

    /// An event that is known again by source and id, or a request of class `q`.
    mutating func publishNamed(
        _ requester: Requester,
        topic: String,
        header: [UInt8],
        data: [UInt8],
        now: Duration,
        at time: Timestamp
    ) {
        if topic.hasPrefix("q/") {
            guard check(topic, header, data, reliability: .work, requester.peer, requester.correlation),
                mayPublish(requester, topic, header, at: time)
            else { return }
            request(requester, topic: topic, header: header, data: data, now: now)
            return
        }
        guard check(topic, header, data, reliability: .event, requester.peer, requester.correlation) else { return }
        do {
            let event = try CloudEvent(header: header, data: [])
            guard mayPublish(requester, topic, event, at: time) else { return }
            take(requester, topic: topic, flags: .durable, header: header, data: data, event)
        } catch {
            refuse(requester.peer, requester.correlation, error.code, error.message)
        }
    }

    /// Topic and `application/cloudevents+json`: what foreigners send.
    mutating func publishStructured(
        _ requester: Requester,
        topic: String,
        event bytes: [UInt8],
        now: Duration,
        at time: Timestamp
    ) {
        do {
            let event = try CloudEvent(structured: bytes)
            let header = try event.header()
            if topic.hasPrefix("q/") {
                guard check(topic, header, event.data, reliability: .work, requester.peer, requester.correlation),
                    mayPublish(requester, topic, event, at: time)
                else { return }
                request(requester, topic: topic, header: header, data: event.data, now: now)
                return
            }
            guard check(topic, header, event.data, reliability: .event, requester.peer, requester.correlation),
                mayPublish(requester, topic, event, at: time)
            else { return }
            take(requester, topic: topic, flags: .durable, header: header, data: event.data, event)
        } catch {
            refuse(requester.peer, requester.correlation, error.code, error.message)
        }
    }

    private mutating func take(
        _ requester: Requester?,
        topic: String,
        flags: Record.Flags,
        header: [UInt8],
        data: [UInt8],
        _ event: CloudEvent
    ) {
        guard pendingBytes < Self.pendingBytesMax else {
            if let requester {
                refuse(
                    requester.peer,
                    requester.correlation,
                    .full,
                    "the log is behind by \(pendingBytes) bytes",
                    retryAfterMs: 50
                )
            }
            return
        }
        enqueue(
            Append(
                topic: topic,
                flags: flags,
                header: header,
                data: data,
                identity: .named(source: event.source, id: event.id),
                requester: requester,
                generation: generation
            )
        )
    }

    private mutating func check(
        _ topic: String,
        _ header: [UInt8],
        _ data: [UInt8],
        reliability: Topic.Reliability,
        _ peer: PeerID,
        _ correlation: UInt64
    ) -> Bool {
        do {
            let topic = try Topic(topic)
            guard topic.reliability == reliability else {
                refuse(
                    peer,
                    correlation,
                    .badTopic,
                    "topic '\(topic)' is of class '\(topic.reliability.rawValue)'; PUB takes e/ and q/"
                )
                return false
            }
        } catch {
            refuse(peer, correlation, .badTopic, error.description)
            return false
        }
        guard header.count <= limits.headerBytesMax, data.count <= limits.dataBytesMax else {
            refuse(
                peer,
                correlation,
                .tooLarge,
                "header \(header.count) of at most \(limits.headerBytesMax) bytes, data \(data.count) of at most "
                    + "\(limits.dataBytesMax): store large data as an artifact and name its digest"
            )
            return false
        }
        return true
    }

    mutating func refuse(
        _ peer: PeerID,
        _ correlation: UInt64,
        _ code: ErrorCode,
        _ message: String,
        retryAfterMs: Int? = nil
    ) {
        counters.refused += 1
        send(peer, .nak(correlation, Refusal(code, message, retryAfterMs: retryAfterMs)))
    }

    // MARK: The ingress socket

    /// A message from the telemetry socket: telemetry of our own clients, or a foreigner's `[topic][CloudEvents JSON]`.
    /// - Parameter key: The public key of its sender; nil on sockets without keys.
    public mutating func ingress(_ frames: Frames, key: String? = nil, now: Duration, at time: Timestamp) {
        guard isInRate(key, frames, now: now, at: time) else { return }
        switch frames.count {
        case 4:
            guard let record = try? Record(frames: frames), (try? Topic(record.topic))?.reliability == .telemetry
            else {
                refuseIngress(.badFrame, "a telemetry record on '\(name(of: frames))' cannot be read", at: time)
                return
            }
            guard mayEnter(key, record.topic, try? HeaderSource.of(record.header), at: time) else { return }
            counters.telemetry += 1
            let (relayed, lost) = telemetry.relay(record)
            counters.telemetryLost += lost
            actions.append(.fanOut(relayed.frames))
        case 2: simpleDoor(name(of: frames), frames[1], key, at: time)
        default:
            refuseIngress(
                .badFrame,
                "'\(name(of: frames))' came with \(frames.count) frames; send [topic][CloudEvents JSON]",
                at: time
            )
        }
    }

    private func name(of frames: Frames) -> String { String(decoding: (frames.first ?? []).prefix(80), as: UTF8.self) }

    private mutating func simpleDoor(_ topic: String, _ bytes: [UInt8], _ key: String?, at time: Timestamp) {
        do {
            let parsed = try Topic(topic)
            let event = try CloudEvent(structured: bytes)
            let header = try event.header()
            guard header.count <= limits.headerBytesMax, event.data.count <= limits.dataBytesMax else {
                throw EventError(.tooLarge, "data may have \(limits.dataBytesMax) bytes, this has \(event.data.count)")
            }
            guard mayEnter(key, topic, event.source, event, at: time) else { return }
            switch parsed.reliability {
            case .event: take(nil, topic: topic, flags: .durable, header: header, data: event.data, event)
            case .telemetry:
                counters.telemetry += 1
                let record = Record(
                    topic: topic,
                    flags: [],
                    stream: Record.telemetryStream,
                    epoch: 0,
                    sequence: 0,
                    previous: 0,
                    header: header,
                    data: event.data
                )
                actions.append(.fanOut(telemetry.relay(record).record.frames))
            case .work, .control:
                throw EventError(.badTopic, "topic '\(topic)': this socket takes e/ and t/; requests go through DEALER")
            }
        } catch let error as EventError {
            refuseIngress(error.code, "event on '\(topic)': \(error.message)", at: time)
        } catch {
            refuseIngress(.badTopic, "\(error)", at: time)
        }
    }

    private mutating func refuseIngress(_ code: ErrorCode, _ message: String, at time: Timestamp) {
        counters.refused += 1
        guard telemetry.mayReport(at: time) else { return }
        appendOwn(EventRefused(service: "bus", code: code, message: message), at: time)
    }

    /// A message over the frame or byte limit was dropped.
    public mutating func oversized(from peer: PeerID?, at time: Timestamp) {
        counters.refused += 1
        if let peer {
            send(peer, .error(0, Refusal(.tooLarge, "the message has too many frames or bytes and was dropped")))
        } else {
            refuseIngress(.tooLarge, "a telemetry message has too many frames or bytes and was dropped", at: time)
        }
    }
}
