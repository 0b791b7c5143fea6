import Events

/// The commands of the DEALER-ROUTER channel; the number is the fourth byte of frame 0.
public enum Command: UInt8, Sendable, Hashable, CaseIterable {
    case hello = 1
    case welcome = 2
    case publish = 3
    case ack = 4
    case nak = 5
    case subscribe = 6
    case deliver = 7
    case credit = 8
    case consumerAck = 9
    case fetch = 10
    case record = 11
    case endOfRecords = 12
    case last = 13
    case join = 14
    case job = 15
    case done = 16
    case fail = 17
    case extend = 18
    case leave = 19
    case artifactOpen = 20
    case artifactGet = 21
    case artifactChunk = 22
    case artifactPut = 23
    case ping = 24
    case pong = 25
    case bye = 26
    case error = 27
}

/// Frame 0 of every command: `'EB' version command | flags u32 | correlation u64`, big-endian, 16 bytes.
public struct CommandHeader: Sendable, Hashable {
    /// The version that this code speaks.
    public static let version: UInt8 = 1

    /// What the frames after it mean.
    public var command: Command
    /// Bits that a command defines; unknown ones are ignored.
    public var flags: UInt32
    /// Chosen by the asker, repeated in the answer; names a subscription or membership for its later frames.
    public var correlation: UInt64

    /// A header.
    public init(_ command: Command, flags: UInt32 = 0, correlation: UInt64 = 0) {
        self.command = command
        self.flags = flags
        self.correlation = correlation
    }

    /// The 16 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = [0x45, 0x42, Self.version, command.rawValue]
        bytes.append(bigEndian: flags)
        bytes.append(bigEndian: correlation)
        return bytes
    }

    /// Reads frame 0.
    /// - Throws: ``WireError`` with code `bad-frame`, `bad-version` or `unknown-command`.
    public init(_ bytes: [UInt8]) throws(WireError) {
        guard bytes.count == 16, bytes[0] == 0x45, bytes[1] == 0x42,
            let flags = bytes.bigEndian(UInt32.self, at: 4), let correlation = bytes.bigEndian(UInt64.self, at: 8)
        else { throw WireError(.badFrame, "frame 0 must be 16 bytes and begin with 'EB'") }
        guard bytes[2] == Self.version else {
            throw WireError(.badVersion, "version \(bytes[2]) is not spoken here; versions: \(Self.version)")
        }
        guard let command = Command(rawValue: bytes[3]) else {
            throw WireError(.unknownCommand, "command \(bytes[3]) is not known in version \(Self.version)")
        }
        self.command = command
        self.flags = flags
        self.correlation = correlation
    }
}
