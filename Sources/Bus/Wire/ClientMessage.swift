public import Events

/// What a client tells the broker.
public enum ClientMessage: Sendable, Hashable {
    case hello(UInt64, Hello)
    /// A sequenced event of the session's producer, from its outbox.
    case publish(UInt64, sequence: UInt64, topic: String, header: [UInt8], data: [UInt8])
    /// An event without producer numbering, known again by its source and id; or a request, for class `q`.
    case publishUnsequenced(UInt64, topic: String, header: [UInt8], data: [UInt8])
    /// The two frames that foreigners send: topic and `application/cloudevents+json`.
    case publishStructured(UInt64, topic: String, event: [UInt8])
    case subscribe(UInt64, SubscribeRequest)
    case credit(subscription: UInt64, Int)
    case acknowledge(subscription: UInt64, sequence: UInt64)
    case fetch(UInt64, FetchRequest)
    case last(UInt64, FetchRequest)
    case join(UInt64, JoinRequest)
    case done(membership: UInt64, LeaseToken, result: [UInt8])
    /// One result for each request of a JOB that carried several.
    case doneParts(membership: UInt64, LeaseToken, [JobResult])
    /// The job goes to another member, or has had its deliveries.
    case fail(membership: UInt64, LeaseToken, Refusal)
    /// No other member could do it either: the job is given up at once.
    case refuse(membership: UInt64, LeaseToken, Refusal)
    case extend(membership: UInt64, LeaseToken)
    /// Ends a membership or a subscription.
    case leave(UInt64)
    case ping
    case bye

    /// The frames after the routing id.
    public func frames() throws(EventError) -> Frames {
        switch self {
        case .hello(let id, let body): return [header(.hello, id), try EventCoding.encode(body)]
        case .publish(let id, let sequence, let topic, let header, let data):
            var number: [UInt8] = []
            number.append(bigEndian: sequence)
            return [self.header(.publish, id), number, Array(topic.utf8), header, data]
        case .publishUnsequenced(let id, let topic, let header, let data):
            return [self.header(.publish, id), [], Array(topic.utf8), header, data]
        case .publishStructured(let id, let topic, let event):
            return [header(.publish, id), Array(topic.utf8), event]
        case .subscribe(let id, let body): return [header(.subscribe, id), try EventCoding.encode(body)]
        case .credit(let id, let count):
            var bytes: [UInt8] = []
            bytes.append(bigEndian: UInt32(clamping: count))
            return [header(.credit, id), bytes]
        case .acknowledge(let id, let sequence):
            var bytes: [UInt8] = []
            bytes.append(bigEndian: sequence)
            return [header(.consumerAck, id), bytes]
        case .fetch(let id, let body): return [header(.fetch, id), try EventCoding.encode(body)]
        case .last(let id, let body): return [header(.last, id), try EventCoding.encode(body)]
        case .join(let id, let body): return [header(.join, id), try EventCoding.encode(body)]
        case .done(let id, let token, let result): return [header(.done, id), token.bytes, result]
        case .fail(let id, let token, let refusal):
            return [header(.fail, id), token.bytes, try EventCoding.encode(refusal)]
        case .doneParts(let id, let token, let results):
            var flags = Self.partsFlag
            var frames: Frames = []
            for (index, result) in results.prefix(WorkGroup.batchMax).enumerated() {
                switch result {
                case .answer(let bytes): frames.append(bytes)
                case .refusal(let refusal):
                    flags |= Self.refusedPartFlag << UInt32(index)
                    frames.append(try EventCoding.encode(refusal))
                }
            }
            return [CommandHeader(.done, flags: flags, correlation: id).bytes, token.bytes] + frames
        case .refuse(let id, let token, let refusal):
            return [
                CommandHeader(.fail, flags: Self.finalFlag, correlation: id).bytes, token.bytes,
                try EventCoding.encode(refusal),
            ]
        case .extend(let id, let token): return [header(.extend, id), token.bytes]
        case .leave(let id): return [header(.leave, id)]
        case .ping: return [header(.ping, 0)]
        case .bye: return [header(.bye, 0)]
        }
    }

    /// DONE carries a frame for each request of its JOB.
    private static let partsFlag: UInt32 = 1
    /// DONE: the frame of the first request is a refusal; the bit above it stands for the second, and so on.
    private static let refusedPartFlag: UInt32 = 1 << 16
    /// FAIL: another delivery would be in vain.
    private static let finalFlag: UInt32 = 1

    private func header(_ command: Command, _ correlation: UInt64) -> [UInt8] {
        CommandHeader(command, correlation: correlation).bytes
    }

    /// Reads the frames after the routing id.
    /// - Throws: ``WireError``; the peer is told its code.
    public init(frames: Frames) throws(WireError) {
        guard let first = frames.first else { throw WireError(.badFrame, "an empty message") }
        let header = try CommandHeader(first)
        let id = header.correlation
        func body<T: Decodable>(_ type: T.Type) throws(WireError) -> T {
            guard frames.count == 2 else { throw WireError(.badFrame, "\(header.command) has 2 frames") }
            do { return try EventCoding.decode(type, from: frames[1]) } catch {
                throw WireError(.badFrame, "\(header.command): \(error.message)")
            }
        }
        func token() throws(WireError) -> LeaseToken {
            guard frames.count >= 2 else { throw WireError(.badFrame, "\(header.command) lacks its lease token") }
            return try LeaseToken(frames[1])
        }
        switch header.command {
        case .hello: self = .hello(id, try body(Hello.self))
        case .publish: self = try Self.publish(id, frames)
        case .subscribe: self = .subscribe(id, try body(SubscribeRequest.self))
        case .credit:
            guard frames.count == 2, let count = frames[1].bigEndian(UInt32.self, at: 0) else {
                throw WireError(.badFrame, "CREDIT has a u32")
            }
            self = .credit(subscription: id, Int(count))
        case .consumerAck:
            guard frames.count == 2, let sequence = frames[1].bigEndian(UInt64.self, at: 0) else {
                throw WireError(.badFrame, "CACK has a u64")
            }
            self = .acknowledge(subscription: id, sequence: sequence)
        case .fetch: self = .fetch(id, try body(FetchRequest.self))
        case .last: self = .last(id, try body(FetchRequest.self))
        case .join: self = .join(id, try body(JoinRequest.self))
        case .done where header.flags & Self.partsFlag != 0:
            let token = try token()
            guard (1...WorkGroup.batchMax).contains(frames.count - 2) else {
                throw WireError(.badFrame, "DONE for several requests has a frame for each, 1 to \(WorkGroup.batchMax)")
            }
            self = .doneParts(
                membership: id,
                token,
                frames.dropFirst(2).enumerated().map { index, frame in
                    header.flags & (Self.refusedPartFlag << UInt32(index)) == 0
                        ? .answer(frame) : .refusal(Self.refusal(frame))
                }
            )
        case .done: self = .done(membership: id, try token(), result: frames.count > 2 ? frames[2] : [])
        case .fail:
            guard frames.count == 3 else { throw WireError(.badFrame, "FAIL has 3 frames") }
            let refusal = Self.refusal(frames[2])
            self =
                header.flags & Self.finalFlag == 0
                ? .fail(membership: id, try token(), refusal) : .refuse(membership: id, try token(), refusal)
        case .extend: self = .extend(membership: id, try token())
        case .leave: self = .leave(id)
        case .ping: self = .ping
        case .bye: self = .bye
        default: throw WireError(.unknownCommand, "\(header.command) is not for the broker")
        }
    }

    private static func refusal(_ frame: [UInt8]) -> Refusal {
        (try? EventCoding.decode(Refusal.self, from: frame)) ?? Refusal(.failed, "no reason given")
    }

    private static func publish(_ id: UInt64, _ frames: Frames) throws(WireError) -> ClientMessage {
        switch frames.count {
        case 3:
            return .publishStructured(id, topic: String(decoding: frames[1], as: UTF8.self), event: frames[2])
        case 5 where frames[1].isEmpty:
            return .publishUnsequenced(
                id,
                topic: String(decoding: frames[2], as: UTF8.self),
                header: frames[3],
                data: frames[4]
            )
        case 5:
            guard frames[1].count == 8, let sequence = frames[1].bigEndian(UInt64.self, at: 0) else {
                throw WireError(.badFrame, "PUB frame 1 must be a u64 or empty")
            }
            return .publish(
                id,
                sequence: sequence,
                topic: String(decoding: frames[2], as: UTF8.self),
                header: frames[3],
                data: frames[4]
            )
        default: throw WireError(.badFrame, "PUB has 3 or 5 frames, this has \(frames.count)")
        }
    }
}
