import FoundationEssentials
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
        let path = try settings.string("signing.key")
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError("signing.key: cannot read \(path); make one with 'hexloop keys init'")
        }
        do { signingKey = try SigningKey(text: String(decoding: data, as: UTF8.self)) } catch {
            throw ConfigurationError("signing.key: \(path): \(error); make a new one with 'hexloop keys init'")
        }
    }
}
