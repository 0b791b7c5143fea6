/// Asks the broker something about itself, or tells it to do what only an operator may; answered as JSON with the type
/// that the question names.
public struct BusQuery: Event {
    /// A question (class `q`) that the broker answers itself.
    public static let kind = EventKind("bus", "query", reliability: .work)

    /// What is asked, and with which type it is answered.
    public enum Question: String, Codable, Sendable, Hashable, CaseIterable {
        /// ``BusStatus``
        case status
        /// ``DeadLettersAnswer``: the oldest of ``BusQuery/group`` or of all, behind ``BusQuery/after``.
        case deadList = "dead.list"
        /// ``DeadLetterAnswer``: the one of ``BusQuery/group`` and ``BusQuery/sequence``.
        case deadShow = "dead.show"
        /// ``RequeueAnswer``: one, those of a group, or all, become jobs again with a new set of deliveries.
        case deadRequeue = "dead.requeue"
        /// ``BackupProgress``: begins a copy of the log in the file ``BusQuery/name``.
        case backup
        /// ``BackupProgress`` of the last copy.
        case backupProgress = "backup.progress"
        /// ``BusDone``: forgets the cursor of the durable consumer ``BusQuery/name``.
        case consumerRemove = "consumer.remove"
        /// ``BusDone``: forgets the progress and the dead letters of ``BusQuery/group``.
        case groupRemove = "group.remove"
    }

    /// What is asked; it decides the answer's type.
    public var question: Question
    /// The work group that the question is about.
    public var group: String?
    /// ``Question/deadShow``, ``Question/deadRequeue``: the record's position in the log.
    public var sequence: UInt64?
    /// ``Question/deadList``: what comes after this one.
    public var after: DeadLetter.Place?
    /// ``Question/deadList``, ``Question/deadRequeue``: how many at most; the broker cuts it to 1000.
    public var limit: Int?
    /// A consumer's name, or the file name of a backup.
    public var name: String?

    /// Always `bus`: there is one to ask.
    public var subject: String { "bus" }

    /// A question; each takes only what its description names.
    public init(
        _ question: Question,
        group: String? = nil,
        sequence: UInt64? = nil,
        after: DeadLetter.Place? = nil,
        limit: Int? = nil,
        name: String? = nil
    ) {
        self.question = question
        self.group = group
        self.sequence = sequence
        self.after = after
        self.limit = limit
        self.name = name
    }
}

/// Answers ``BusQuery/Question/consumerRemove`` and ``BusQuery/Question/groupRemove``.
public struct BusDone: Codable, Sendable, Hashable {
    /// What was forgotten.
    public var removed: String

    /// An answer about what was forgotten.
    public init(removed: String) { self.removed = removed }
}

/// How a copy of the log stands.
public struct BackupProgress: Codable, Sendable, Hashable {
    /// Where a copy can be.
    public enum State: String, Codable, Sendable, Hashable {
        /// There was none since the broker was started.
        case none
        /// Pages are copied; appends go on between them.
        case copying
        /// The copy is whole and each of its records is checked.
        case verifying
        /// The file is under its name and on disk.
        case done
        /// Nothing is left of it; ``BackupProgress/message`` says why.
        case failed
    }

    /// Where the copy is.
    public var state: State
    /// The file on the broker's machine.
    public var path: String
    /// Pages copied, or records checked.
    public var done: Int
    /// Of that many.
    public var total: Int
    /// Size of the finished file.
    public var bytes: Int?
    /// Newest record in the copy.
    public var head: UInt64?
    /// Why it failed.
    public var message: String?

    /// A copy's state from its parts.
    public init(
        state: State,
        path: String = "",
        done: Int = 0,
        total: Int = 0,
        bytes: Int? = nil,
        head: UInt64? = nil,
        message: String? = nil
    ) {
        self.state = state
        self.path = path
        self.done = done
        self.total = total
        self.bytes = bytes
        self.head = head
        self.message = message
    }
}
