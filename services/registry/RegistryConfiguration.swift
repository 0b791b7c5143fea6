import Membership
import ModelContainer
import ServiceKit

/// The registry's settings: those of every program, and
///
/// - `verification.key` (path, required): the public key that containers must be signed with;
/// - `access.file`, `access.open`: who may fetch and store artifacts over TCP; the same file as the bus's.
struct RegistryConfiguration: Sendable {
    let member: MemberConfiguration
    let verificationKey: VerificationKey
    let access: AccessSettings

    static let defaults = MemberConfiguration.defaults.merging(["verification.key": .required]) { _, new in new }
        .merging(AccessSettings.defaults) { _, new in new }

    init(_ settings: Settings) throws {
        member = try MemberConfiguration(settings)
        verificationKey = try VerificationKey(file: try settings.string("verification.key"))
        access = try AccessSettings(settings, address: member.artifacts, keyPath: member.keyPath)
    }
}
