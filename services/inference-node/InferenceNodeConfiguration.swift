import FoundationEssentials
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
        let path = try settings.string("verification.key")
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError("verification.key: cannot read \(path); make one with 'hexloop keys init'")
        }
        do { verificationKey = try VerificationKey(text: String(decoding: data, as: UTF8.self)) } catch {
            throw ConfigurationError("verification.key: \(path): \(error); make a new one with 'hexloop keys init'")
        }
    }
}
