/// Every error code that crosses the bus, in NAK, ERR and FAIL frames and in the `code` of refusals.
public enum ErrorCode: String, Sendable, Hashable, Codable, CaseIterable {
    // Frames and sessions
    case rehello
    case badFrame = "bad-frame"
    case badVersion = "bad-version"
    case unknownCommand = "unknown-command"
    case fenced
    case outOfOrder = "out-of-order"
    case tooLarge = "too-large"
    case tooMany = "too-many"
    case full
    case busy
    case staleLease = "stale-lease"
    case timeout
    case storage
    // Events
    case badTopic = "bad-topic"
    case badAttribute = "bad-attribute"
    case badData = "bad-data"
    case wrongType = "wrong-type"
    // Inputs
    case unknownPipeline = "unknown-pipeline"
    case unknownFeature = "unknown-feature"
    case missingFeature = "missing-feature"
    case badShape = "bad-shape"
    case notFinite = "not-finite"
    case outOfSchema = "out-of-schema"
    case noModel = "no-model"
    // Models and runs
    case badPipeline = "bad-pipeline"
    case badContainer = "bad-container"
    case badSignature = "bad-signature"
    case badGolden = "bad-golden"
    case notFound = "not-found"
    case digestMismatch = "digest-mismatch"
    case tooFewRows = "too-few-rows"
    case cooldown
    case runLimit = "run-limit"
    case manual
    case failed
}
