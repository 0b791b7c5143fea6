public import Events

/// What the broker tells a client.
public enum BrokerMessage: Sendable, Hashable {
    case welcome(UInt64, Welcome)
    /// The log has everything of the session's producer up to and including that number.
    case ackSequenced(upTo: UInt64, sequence: UInt64)
    /// The log has the event; `duplicate` when it had it before.
    case ack(UInt64, sequence: UInt64, duplicate: Bool)
    /// A member of the work group answered the request.
    case answer(UInt64, [UInt8])
    case nak(UInt64, Refusal)
    case deliver(subscription: UInt64, Record)
    case record(UInt64, Record)
    /// No more records; the log was read up to that sequence.
    case endOfRecords(UInt64, scannedTo: UInt64)
    case job(membership: UInt64, LeaseToken, leaseMs: UInt32, Record)
    /// Several requests under one lease.
    case jobs(membership: UInt64, LeaseToken, leaseMs: UInt32, [Record])
    case pong
    case error(UInt64, Refusal)

    private static let duplicateFlag: UInt32 = 1
    private static let answerFlag: UInt32 = 2
    private static let sequencedFlag: UInt32 = 4
    private static let batchFlag: UInt32 = 1

    /// The frames after the routing id.
    public func frames() throws(EventError) -> Frames {
        switch self {
        case .welcome(let id, let body):
            return [CommandHeader(.welcome, correlation: id).bytes, try EventCoding.encode(body)]
        case .ackSequenced(let upTo, let sequence):
            var bytes: [UInt8] = []
            bytes.append(bigEndian: sequence)
            return [CommandHeader(.ack, flags: Self.sequencedFlag, correlation: upTo).bytes, bytes]
        case .ack(let id, let sequence, let duplicate):
            var bytes: [UInt8] = []
            bytes.append(bigEndian: sequence)
            return [CommandHeader(.ack, flags: duplicate ? Self.duplicateFlag : 0, correlation: id).bytes, bytes]
        case .answer(let id, let data):
            return [CommandHeader(.ack, flags: Self.answerFlag, correlation: id).bytes, data]
        case .nak(let id, let refusal):
            return [CommandHeader(.nak, correlation: id).bytes, try EventCoding.encode(refusal)]
        case .deliver(let id, let record): return [CommandHeader(.deliver, correlation: id).bytes] + record.frames
        case .record(let id, let record): return [CommandHeader(.record, correlation: id).bytes] + record.frames
        case .endOfRecords(let id, let scanned):
            var bytes: [UInt8] = []
            bytes.append(bigEndian: scanned)
            return [CommandHeader(.endOfRecords, correlation: id).bytes, bytes]
        case .job(let id, let token, let leaseMs, let record):
            var lease = token.bytes
            lease.append(bigEndian: leaseMs)
            return [CommandHeader(.job, correlation: id).bytes, lease] + record.frames
        case .jobs(let id, let token, let leaseMs, let records):
            var lease = token.bytes
            lease.append(bigEndian: leaseMs)
            return [CommandHeader(.job, flags: Self.batchFlag, correlation: id).bytes, lease]
                + records.flatMap(\.frames)
        case .pong: return [CommandHeader(.pong).bytes]
        case .error(let id, let refusal):
            return [CommandHeader(.error, correlation: id).bytes, try EventCoding.encode(refusal)]
        }
    }

    /// Reads the frames that a DEALER receives.
    /// - Throws: ``WireError``; the client treats it as a broken connection.
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
        func number() throws(WireError) -> UInt64 {
            guard frames.count == 2, let value = frames[1].bigEndian(UInt64.self, at: 0) else {
                throw WireError(.badFrame, "\(header.command) has a u64")
            }
            return value
        }
        switch header.command {
        case .welcome: self = .welcome(id, try body(Welcome.self))
        case .ack where header.flags & Self.answerFlag != 0: self = .answer(id, frames.count > 1 ? frames[1] : [])
        case .ack where header.flags & Self.sequencedFlag != 0:
            self = .ackSequenced(upTo: id, sequence: try number())
        case .ack:
            self = .ack(id, sequence: try number(), duplicate: header.flags & Self.duplicateFlag != 0)
        case .nak: self = .nak(id, try body(Refusal.self))
        case .deliver: self = .deliver(subscription: id, try Record(frames: frames.dropFirst()))
        case .record: self = .record(id, try Record(frames: frames.dropFirst()))
        case .endOfRecords: self = .endOfRecords(id, scannedTo: try number())
        case .job where header.flags & Self.batchFlag != 0:
            guard frames.count >= 6, frames.count % 4 == 2, frames[1].count == 16,
                let lease = frames[1].bigEndian(UInt32.self, at: 12)
            else { throw WireError(.badFrame, "JOB with several requests has 2 frames and 4 for each of them") }
            var records: [Record] = []
            for start in stride(from: 2, to: frames.count, by: 4) {
                records.append(try Record(frames: frames[start..<start + 4]))
            }
            self = .jobs(membership: id, try LeaseToken(Array(frames[1].prefix(12))), leaseMs: lease, records)
        case .job:
            guard frames.count == 6, frames[1].count == 16, let lease = frames[1].bigEndian(UInt32.self, at: 12)
            else { throw WireError(.badFrame, "JOB has 6 frames and a lease of 16 bytes") }
            self = .job(
                membership: id,
                try LeaseToken(Array(frames[1].prefix(12))),
                leaseMs: lease,
                try Record(frames: frames.dropFirst(2))
            )
        case .pong: self = .pong
        case .error: self = .error(id, try body(Refusal.self))
        default: throw WireError(.unknownCommand, "\(header.command) is not for a client")
        }
    }
}
