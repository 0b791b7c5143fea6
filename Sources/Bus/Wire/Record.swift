public import Events

/// One entry of a log as it travels: the four frames topic, control, header and data.
public struct Record: Sendable, Hashable {
    /// What the control frame's flag byte says.
    public struct Flags: OptionSet, Sendable, Hashable {
        /// The byte on the wire; unknown bits are kept and ignored.
        public let rawValue: UInt8

        /// Flags from the byte on the wire.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Stands in the durable log.
        public static let durable = Flags(rawValue: 1)
        /// Sent from the log, not as it happened.
        public static let replayed = Flags(rawValue: 2)
        /// The data frame is `application/cloudevents+json`; the header frame is empty.
        public static let structured = Flags(rawValue: 4)
    }

    /// Bytes of the control frame.
    public static let controlBytes = 40
    /// The durable log's stream number.
    public static let eventStream: UInt32 = 1
    /// The telemetry plane's stream number.
    public static let telemetryStream: UInt32 = 2

    /// Frame 0; checked by whoever took the event in.
    public var topic: String
    /// How the record is to be read.
    public var flags: Flags
    /// Which numbering `sequence` belongs to: ``eventStream``, ``telemetryStream``, or 0 for a request.
    public var stream: UInt32
    /// The log's incarnation; sequences of different epochs cannot be compared.
    public var epoch: UInt64
    /// Position in the stream, from 1, without holes.
    public var sequence: UInt64
    /// Sequence of the record before it on the same topic; 0 when it is the first. Gap <=> it is not the last one seen.
    public var previous: UInt64
    /// CloudEvents attributes as a JSON object.
    public var header: [UInt8]
    /// The event's data; with ``Flags/structured`` the whole event.
    public var data: [UInt8]

    /// A record from its parts.
    public init(
        topic: String,
        flags: Flags = .durable,
        stream: UInt32 = Record.eventStream,
        epoch: UInt64,
        sequence: UInt64,
        previous: UInt64,
        header: [UInt8],
        data: [UInt8]
    ) {
        self.topic = topic
        self.flags = flags
        self.stream = stream
        self.epoch = epoch
        self.sequence = sequence
        self.previous = previous
        self.header = header
        self.data = data
    }

    /// The four frames.
    public var frames: Frames {
        var control: [UInt8] = [0x45, 0x42, 1, flags.rawValue]
        control.reserveCapacity(Self.controlBytes)
        control.append(bigEndian: stream)
        control.append(bigEndian: epoch)
        control.append(bigEndian: sequence)
        control.append(bigEndian: previous)
        let topicBytes = Array(topic.utf8)
        control.append(bigEndian: CRC32C.of(topicBytes, header, data))
        control.append(bigEndian: UInt32(0))
        return [topicBytes, control, header, data]
    }

    /// Reads four frames and checks their checksum.
    /// - Throws: ``WireError`` with code `bad-frame` or `bad-version`.
    public init(frames: some RandomAccessCollection<[UInt8]>) throws(WireError) {
        guard frames.count == 4 else {
            throw WireError(.badFrame, "a record has 4 frames, this has \(frames.count)")
        }
        let parts = Array(frames)
        let control = parts[1]
        guard control.count == Self.controlBytes, control[0] == 0x45, control[1] == 0x42 else {
            throw WireError(.badFrame, "the control frame must be \(Self.controlBytes) bytes and begin with 'EB'")
        }
        guard control[2] == 1 else { throw WireError(.badVersion, "record version \(control[2]); 1 is understood") }
        topic = String(decoding: parts[0], as: UTF8.self)
        flags = Flags(rawValue: control[3])
        stream = control.bigEndian(UInt32.self, at: 4) ?? 0
        epoch = control.bigEndian(UInt64.self, at: 8) ?? 0
        sequence = control.bigEndian(UInt64.self, at: 16) ?? 0
        previous = control.bigEndian(UInt64.self, at: 24) ?? 0
        let expected = control.bigEndian(UInt32.self, at: 32) ?? 0
        header = parts[2]
        data = parts[3]
        guard CRC32C.of(parts[0], header, data) == expected else {
            throw WireError(.badFrame, "checksum of record \(sequence) on '\(topic)' does not fit its bytes")
        }
    }

    /// The CloudEvent that the record carries.
    /// - Throws: ``EventError`` that names the attribute which is missing or wrong.
    public func event() throws(EventError) -> CloudEvent {
        flags.contains(.structured)
            ? try CloudEvent(structured: data) : try CloudEvent(header: header, data: data)
    }
}
