/// One kind of trouble that a simulation makes.
package enum Fault: Int, CaseIterable, Sendable {
    /// A connection breaks and loses what is under way.
    case connectionBroken
    /// Nothing gets through in either direction for a while, and then comes late, as TCP has it.
    case partition
    /// The same in one direction alone.
    case halfOpen
    /// The broker vanishes between two of its actions and starts again.
    case brokerCrash
    /// A client vanishes between two of its actions and starts again.
    case clientCrash
    /// The broker stands still, as after SIGSTOP.
    case brokerPause
    /// A client stands still; its leases run out.
    case clientPause
    /// A batch is refused because the disk is full.
    case diskFull
    /// A commit fails: it may be on disk or not, and the broker ends.
    case commitFailed
    /// Commits take seconds.
    case slowCommit
    /// A message of the fan-out is dropped.
    case fanOutLost
    /// A numbered event is sent twice.
    case sentTwice
    /// A named event is published twice at once.
    case publishedTwice
    /// A number that skips others is sent.
    case outOfOrder
    /// Bytes that are no message.
    case garbage
    /// A worker forgets a job; its lease runs out.
    case jobForgotten
    /// A worker gives a job back.
    case jobFailed
    /// A job ends whatever works on it.
    case poison
    /// A producer begins a new numbering, and its old copy goes on with the old one.
    case oldEpoch
    /// Two programs are the same producer.
    case clone
}

/// How often each kind of trouble was made.
package struct FaultCounts: Sendable, Hashable {
    private var counts = [Int](repeating: 0, count: Fault.allCases.count)

    package init() {}

    package subscript(_ fault: Fault) -> Int {
        get { counts[fault.rawValue] }
        set { counts[fault.rawValue] = newValue }
    }

    package var total: Int { counts.reduce(0, +) }

    package static func += (left: inout FaultCounts, right: FaultCounts) {
        for fault in Fault.allCases { left[fault] += right[fault] }
    }
}

/// A broker that is broken on purpose: what a simulation must find.
package enum Sabotage: String, CaseIterable, Sendable {
    /// Acknowledges what is not on disk yet.
    case ackBeforeCommit
    /// Forgets the source and id of named events.
    case forgetsNamed
    /// Forgets the producers' numbers when it restarts.
    case forgetsProducers
    /// Writes on after a batch that failed, as if nothing was missing.
    case writesPastFailure
    /// Takes DONE from whoever had the job once.
    case takesOldLeases
    /// Never takes a lease back.
    case endlessLeases
    /// Lets an old incarnation of a producer write.
    case forgetsEpochs
    /// `previous` is that of another topic.
    case wrongPrevious
    /// Keeps a consumer's cursor one too far.
    case cursorRunsAhead
    /// Changes the order of two deliveries.
    case reorders
    /// Never beats, so that the loss of the last records is not seen.
    case silent
    /// Beats as if no beat before was ever lost.
    case hidesLostBeats
    /// Answers a question with another's answer.
    case mixesAnswers
}
