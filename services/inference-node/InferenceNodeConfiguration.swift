import Membership
import ModelContainer
import ServiceKit

/// The node's settings: those of every program, and
///
/// - `verification.key` (path, required): the public key that containers must be signed with.
struct InferenceNodeConfiguration: Sendable {
    let member: MemberConfiguration
    let verificationKey: VerificationKey

    static let defaults = MemberConfiguration.defaults.merging(["verification.key": .required]) { _, new in new }

    init(_ settings: Settings) throws {
        member = try MemberConfiguration(settings)
        verificationKey = try VerificationKey(file: try settings.string("verification.key"))
    }
}
