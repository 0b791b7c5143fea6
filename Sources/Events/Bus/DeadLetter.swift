/// A job of the log that a work group gave up.
public struct DeadLetter: Codable, Sendable, Hashable {
    /// Which one: a record can be dead in several groups.
    public struct Place: Codable, Sendable, Hashable {
        /// The group that gave it up.
        public var group: String
        /// The record's position in the log.
        public var sequence: UInt64

        /// A place from its parts.
        public init(group: String, sequence: UInt64) {
            self.group = group
            self.sequence = sequence
        }
    }

    /// The group that gave it up.
    public var group: String
    /// The record's position in the log.
    public var sequence: UInt64
    /// The record's topic; empty when the log no longer has it.
    public var topic: String
    /// Deliveries that were in vain.
    public var deliveries: UInt32
    /// Why the last one failed; a code that is not known here reads as `failed`.
    public var code: ErrorCode
    /// Why the last one failed, for people.
    public var message: String
    /// When it was given up.
    public var at: Timestamp

    /// A dead letter from its parts.
    public init(
        group: String,
        sequence: UInt64,
        topic: String,
        deliveries: UInt32,
        code: ErrorCode,
        message: String,
        at: Timestamp
    ) {
        self.group = group
        self.sequence = sequence
        self.topic = topic
        self.deliveries = deliveries
        self.code = code
        self.message = message
        self.at = at
    }
}

/// Answers ``BusQuery/Question/deadList``, by group and sequence.
public struct DeadLettersAnswer: Codable, Sendable, Hashable {
    /// At most the limit that was asked for.
    public var letters: [DeadLetter]
    /// All that there are, by group.
    public var counts: [String: Int]

    /// An answer from its parts.
    public init(letters: [DeadLetter], counts: [String: Int]) {
        self.letters = letters
        self.counts = counts
    }
}

/// Answers ``BusQuery/Question/deadShow``.
public struct DeadLetterAnswer: Codable, Sendable, Hashable {
    /// Where, why and when.
    public var letter: DeadLetter
    /// The event as structured CloudEvents JSON; absent when the log no longer has it or it is none.
    public var event: JSONValue?

    /// An answer from its parts.
    public init(letter: DeadLetter, event: JSONValue?) {
        self.letter = letter
        self.event = event
    }
}

/// Answers ``BusQuery/Question/deadRequeue``.
public struct RequeueAnswer: Codable, Sendable, Hashable {
    /// What became jobs again.
    public var requeued: [DeadLetter.Place]
    /// What is still dead of what was asked for; ask again when those before are done.
    public var left: Int

    /// An answer from its parts.
    public init(requeued: [DeadLetter.Place], left: Int) {
        self.requeued = requeued
        self.left = left
    }
}
