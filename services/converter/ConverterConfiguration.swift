import Membership
import ModelContainer
import ServiceKit

/// The converter's settings: those of every program, and
///
/// - `signing.key` (path, required): the Ed25519 key that signs containers, as `hexloop keys init` makes it.
struct ConverterConfiguration: Sendable {
    let member: MemberConfiguration
    let signingKey: SigningKey

    static let defaults = MemberConfiguration.defaults.merging(["signing.key": .required]) { _, new in new }

    init(_ settings: Settings) throws {
        member = try MemberConfiguration(settings)
        signingKey = try SigningKey(file: try settings.string("signing.key"))
    }
}
