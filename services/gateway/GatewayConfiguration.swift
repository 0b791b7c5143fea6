import Membership
import ServiceKit

/// The gateway's settings, besides those of every program.
///
/// - `http.host` (host name or address, default 127.0.0.1): where it listens; `0.0.0.0` for every interface.
/// - `http.port` (int, default 8080, range 0...65535): the port; 0 takes a free one, which the log names.
struct GatewayConfiguration: Sendable {
    let host: String
    let port: Int

    static let defaults = MemberConfiguration.defaults.merging(["http.host": "127.0.0.1", "http.port": 8080]) {
        _,
        own in own
    }

    /// Reads the settings.
    /// - Throws: `SettingsError` or `ConfigurationError` that names the key and the way out.
    init(_ settings: Settings) throws {
        host = try settings.string("http.host")
        port = try settings.int("http.port", in: 0...65_535)
        guard !host.isEmpty else {
            throw ConfigurationError("http.host is empty; write 127.0.0.1, or 0.0.0.0 for every interface")
        }
    }
}
