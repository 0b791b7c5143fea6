public import Bus
import Events
public import ServiceKit

/// What every program of the loop is told.
///
/// - `data` (directory, required): where programs keep their state, each in a folder of its name.
/// - `bus` (`ipc://<directory>`, `tcp://<host>` or `tcp://<host>:<first port>`, required): where the bus is.
/// - `artifacts` (the same forms, default as `bus`): where the registry serves models and data sets.
/// - `bus.key` (path, default none): the key file of this program; needed where the bus is reached over TCP.
/// - `site` (topic segment, default `local`): the plant or place in every event's source and topic.
public struct MemberConfiguration: Sendable {
    /// Absolute path of the directory under which each program keeps a folder.
    public var data: String
    /// Where the bus is.
    public var bus: BusAddress
    /// Where the registry serves artifacts.
    public var artifacts: BusAddress
    /// The plant or place; a topic segment.
    public var site: String
    /// The program's key file; nil without one. It is read again with each connection.
    public var keyPath: String?

    /// A configuration from its parts, unchecked.
    public init(data: String, bus: BusAddress, artifacts: BusAddress, site: String, keyPath: String? = nil) {
        self.keyPath = keyPath
        self.data = data
        self.bus = bus
        self.artifacts = artifacts
        self.site = site
    }

    /// The keys and their defaults.
    public static let defaults: [String: Settings.Default] = [
        "data": .required, "bus": .required, "artifacts": "", "bus.key": "", "site": "local",
    ]

    /// Reads the keys.
    /// - Throws: `SettingsError` that names the key, the value and the way out.
    public init(_ settings: Settings) throws {
        data = try settings.string("data")
        site = try settings.string("site")
        bus = try Self.address("bus", try settings.string("bus"))
        let artifacts = try settings.string("artifacts")
        self.artifacts = artifacts.isEmpty ? bus : try Self.address("artifacts", artifacts)
        let keyPath = try settings.string("bus.key")
        if !keyPath.isEmpty {
            // A file that cannot be used is said now and not when the first connection is tried.
            do throws(AccessError) { _ = try BusKey(path: keyPath) } catch {
                throw ConfigurationError("bus.key: \(error.description)")
            }
            self.keyPath = keyPath
        }
        guard data.hasPrefix("/") else { throw ConfigurationError("data '\(data)' must be an absolute directory") }
        guard Topic.isSegment(site) else {
            throw ConfigurationError("site '\(site)' may only hold a-z, 0-9, '.', '_' and '-'")
        }
    }

    private static func address(_ key: String, _ text: String) throws(ConfigurationError) -> BusAddress {
        guard let address = BusAddress(text) else {
            throw ConfigurationError("\(key) '\(text)' must be \(BusAddress.forms)")
        }
        return address
    }
}

/// A setting that a program cannot work with.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// Names the key, the value and what is allowed.
    public let description: String

    /// An error with its reason.
    public init(_ description: String) { self.description = description }
}
