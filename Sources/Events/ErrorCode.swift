/// Every error code that crosses the bus, in NAK, ERR and FAIL frames and in the `code` of refusals.
public enum ErrorCode: String, Sendable, Hashable, Codable, CaseIterable {
    // Frames and sessions
    /// The peer is not known: a restart, a silence, or CHUNK before PUT. Say HELLO (or PUT), then go on.
    case rehello
    /// Frames, sizes or a body are wrong, or JOIN has other filters than the group. Correct the sender.
    case badFrame = "bad-frame"
    /// The header or record is of another version. Speak one that the message names.
    case badVersion = "bad-version"
    /// No such command, or not for this side of the socket. Correct the sender.
    case unknownCommand = "unknown-command"
    /// Another session took the producer or consumer, or the epoch is old. See that one program uses one name.
    case fenced
    /// A number is missing before this one. Send again from the first that is not acknowledged.
    case outOfOrder = "out-of-order"
    /// Over a limit in bytes. Store large data as an artifact and name its digest.
    case tooLarge = "too-large"
    /// More subscriptions, filters or events in a batch than allowed. Use fewer.
    case tooMany = "too-many"
    /// The log is too far behind, or its disk is full. Wait `retryAfterMs`, send again; free space.
    case full
    /// The identity's rights do not cover it, or its key is unknown or revoked. Use another key, or change its rights.
    case denied
    /// Nobody answers such requests now, too many wait, or a producer is too far ahead. Wait, send again.
    case busy
    /// The job has gone to another member, or back into the group. Forget it.
    case staleLease = "stale-lease"
    /// No answer in time, or a job's leases ran out. Ask again, events with the same id.
    case timeout
    /// Bytes could not be read or written on the other side. Look at that program's log and disk.
    case storage
    // Events
    /// The topic breaks a rule, or its class is not taken here. Correct the topic.
    case badTopic = "bad-topic"
    /// A CloudEvents attribute is missing or wrong. Correct the one that the message names.
    case badAttribute = "bad-attribute"
    /// The data is not JSON, or a field is missing or of the wrong type. Correct the field that the message names.
    case badData = "bad-data"
    /// The event's type or media type is not one that is taken here. Send the right one.
    case wrongType = "wrong-type"
    // Inputs
    /// No pipeline of that name, or none that reads that stream, is registered. Push it, or correct the name.
    case unknownPipeline = "unknown-pipeline"
    /// The pipeline has no such input. Correct the sender, or the pipeline's inputs.
    case unknownFeature = "unknown-feature"
    /// An input that the pipeline needs is not there. Correct the sender.
    case missingFeature = "missing-feature"
    /// An input or a model has another number of elements than the pipeline. Correct the sender, or train again.
    case badShape = "bad-shape"
    /// A value is no finite 32-bit float, or is null. Correct the sender.
    case notFinite = "not-finite"
    /// A value is outside the pipeline's schema, or is none of its classes. Correct the sender, or the schema.
    case outOfSchema = "out-of-schema"
    /// This node serves no model of that pipeline or stream. Train a first one: ``TrainingRequested``.
    case noModel = "no-model"
    // Models and runs
    /// The pipeline's definition is wrong. Correct the key that the message names.
    case badPipeline = "bad-pipeline"
    /// A model or data set is damaged or does not fit. Train again; look for a bad disk.
    case badContainer = "bad-container"
    /// The model has operators or shapes that are not computed here. Change what the message names, and export it again.
    case unsupported
    /// The envelope is not by the key that is trusted here, or for other bytes. Use one pair of keys everywhere.
    case badSignature = "bad-signature"
    /// The container has no golden answers, or one comes out differently here. Report it; no other try will help.
    case badGolden = "bad-golden"
    /// No such artifact or path. Store it first, or correct the name.
    case notFound = "not-found"
    /// The bytes do not hash to the name they go by. Send or fetch them again.
    case digestMismatch = "digest-mismatch"
    /// Too few labelled rows to train on and to keep some back. Record more.
    case tooFewRows = "too-few-rows"
    /// A run is under way or ended a short while ago. Wait, or ask with ``TrainingRequested``.
    case cooldown
    /// The pipeline had its runs of 24 hours. Wait, or ask with ``TrainingRequested``.
    case runLimit = "run-limit"
    /// The pipeline is not trained without being asked. Ask with ``TrainingRequested``.
    case manual
    /// A run that is under way answers this decay too. Wait for it.
    case merged
    /// Too few labels show the decay, or it is not surely worse than the baseline. Wait for more labels.
    case unproven
    /// Many pipelines decayed at once. Look for the trouble that they share, or ask with ``TrainingRequested``.
    case storm
    /// The pipeline is not trained for such a cause. Repair the inputs, or ask with ``TrainingRequested``.
    case wrongCause = "wrong-cause"
    /// None of the others; for a model, a gate that was not passed. Read the message.
    case failed
}

extension ErrorCode {
    /// Reads a code; one that a newer program added reads as ``failed``, and the message beside it still says why.
    public init(from decoder: any Decoder) throws {
        self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .failed
    }
}
