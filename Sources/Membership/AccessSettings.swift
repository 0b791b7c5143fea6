public import Bus
public import Logging
public import ServiceKit
public import ServiceLifecycle
import ZeroMQ

/// How a program that binds sockets is protected: by the directory they lie in, by keys, or by nothing that it knows of.
///
/// - `access.file` (path, default none): who may connect, and what each may do; needed over TCP, with `bus.key`.
/// - `access.open` (bool, default false): binds over TCP without keys.
public struct AccessSettings: Sendable {
    /// The policy in force; it judges nobody on local sockets and on open ones.
    public let store: AccessStore
    /// What the sockets are known by; nil without keys.
    public let serverSecretKey: String?
    private let path: String?
    private let isOpen: Bool

    /// The keys and their defaults.
    public static let defaults: [String: Settings.Default] = ["access.file": "", "access.open": false]

    /// Reads the keys, the key file and the access file.
    /// - Parameters:
    ///   - address: Where the program binds.
    ///   - keyPath: Its key file.
    /// - Throws: `SettingsError` or ``ConfigurationError`` that says what is missing for that address.
    public init(_ settings: Settings, address: BusAddress, keyPath: String?) throws {
        let path = try settings.string("access.file")
        let isOpen = try settings.bool("access.open")
        guard address.directory == nil else {
            (store, serverSecretKey, self.path, self.isOpen) = (AccessStore(nil), nil, nil, false)
            return
        }
        if isOpen {
            guard path.isEmpty else {
                throw ConfigurationError("access.open lets everybody in, and access.file says who may come: give one")
            }
            (store, serverSecretKey, self.path, self.isOpen) = (AccessStore(nil), nil, nil, true)
            return
        }
        guard !path.isEmpty, let keyPath else {
            throw ConfigurationError(
                "'\(address)' can be reached by other machines: it needs bus.key and access.file, which "
                    + "'hexloop keys setup' makes (docs/security.md). access.open=true does without, on a network that "
                    + "you trust"
            )
        }
        guard Context.hasCurve else {
            throw ConfigurationError("this libzmq (\(Context.libraryVersion)) has no CURVE; install one that has")
        }
        do throws(AccessError) {
            guard let secret = try BusKey(path: keyPath).serverSecretKey else {
                throw AccessError("bus.key \(keyPath) has no 'serverSecretKey'; it is another program's")
            }
            (store, serverSecretKey) = (AccessStore(try AccessWatch.read(path)), secret)
        } catch {
            throw ConfigurationError(error.description)
        }
        (self.path, self.isOpen) = (path, false)
    }

    /// Says so when the sockets are open to the network.
    public func warnIfOpen(_ logger: Logger) {
        guard isOpen else { return }
        logger.warning(
            "access.open is on: everybody who reaches this address may read, write and forge everything",
            metadata: ["way.out": "hexloop keys setup"]
        )
    }

    /// What keeps the policy as the access file says.
    public func watches(_ logger: Logger) -> [any Service] {
        path.map { [AccessWatch(path: $0, store: store, logger: logger)] } ?? []
    }
}
