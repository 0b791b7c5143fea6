public import Events

/// What the broker asks of the log besides appends, notes and reads: the operator's business, in order with them.
public struct StoreRequest: Sendable, Hashable {
    /// Who waits for the answer; nil for the broker itself.
    public var asker: Requester?
    /// What to do.
    public var operation: StoreOperation

    /// A request from its parts.
    public init(asker: Requester?, operation: StoreOperation) {
        self.asker = asker
        self.operation = operation
    }
}

/// What the log can do for an operator.
public enum StoreOperation: Sendable, Hashable {
    /// Figures of the file.
    case status
    /// The oldest dead letters after a place, of one group or all.
    case listDead(group: String?, after: DeadLetter.Place?, limit: Int)
    /// One dead letter with its record.
    case showDead(DeadLetter.Place)
    /// Takes dead letters out of the store and makes jobs of them again, at most `limit`: one, those of a group, or all.
    case requeue(group: String?, sequence: UInt64?, limit: Int)
    /// The dead letters that were taken out and are not done yet.
    case loadRevived
    /// Forgets a consumer's cursor.
    case removeConsumer(String)
    /// Forgets a group's progress and its dead letters.
    case removeGroup(String)
    /// Begins a copy of the log under that file name.
    case backUp(name: String)
    /// How far the last copy is.
    case backupProgress
}

/// What came of a ``StoreRequest``.
public enum StoreOutcome: Sendable {
    case status(LogFigures)
    case dead([DeadLetter], counts: [String: Int])
    case deadRecord(DeadLetter, Record?)
    /// Jobs that are open again, with their records; `counts` is what is left among the dead.
    case revived([RevivedJob], counts: [String: Int])
    case removed
    case backup(BackupProgress)
    case refused(Refusal)
}

/// A dead letter that is a job again.
public struct RevivedJob: Sendable, Hashable {
    /// The group that gave it up.
    public var group: String
    /// Deliveries since it was taken out, and the last reason.
    public var failure: JobFailure
    /// What the member gets.
    public var record: Record

    /// A revived job from its parts.
    public init(group: String, failure: JobFailure, record: Record) {
        self.group = group
        self.failure = failure
        self.record = record
    }
}
