import Bus
import Events
import FoundationEssentials
import Glibc
import ServiceKit
import ZeroMQ

/// The keys of a loop on disk: `access/access.json` for those that bind sockets, and one folder for each identity with
/// its secret in it, so that a program can be given its folder and nothing else.
struct KeyDirectory: Sendable {
    let path: String

    var accessPath: String { "\(path)/access/access.json" }

    func keyPath(_ name: String) -> String { "\(path)/\(name)/bus.key" }

    /// What is in force.
    /// - Throws: ``CommandError`` when there is none.
    func policy() throws -> AccessPolicy {
        guard let data = FileManager.default.contents(atPath: accessPath) else {
            throw CommandError("\(accessPath) is not there; make it with 'hexloop keys setup'")
        }
        do throws(AccessError) { return try AccessPolicy(parsing: Array(data)) } catch {
            throw CommandError("\(accessPath): \(error.description)")
        }
    }

    /// Makes the broker's and the registry's keys and one identity for each program, for the operator and for a
    /// publisher. What is there already stays.
    /// - Returns: The names that were made.
    func setUp(site: String) throws -> [String] {
        try change { policy in
            let isNew = policy.servers == nil
            let (bus, artifacts) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
            if isNew { policy.servers = .init(bus: bus.publicKey, artifacts: artifacts.publicKey) }
            var made: [String] = []
            for role in AccessRole.programs + [.operator, .publisher] where policy.identity(named: role.rawValue) == nil
            {
                guard isNew || (role != .bus && role != .registry) else {
                    throw CommandError(
                        "\(accessPath) lacks '\(role.rawValue)', whose secret nobody can make again; remove the whole "
                            + "directory and set it up anew"
                    )
                }
                var rights = role.rights(name: role.rawValue, site: site)
                if role == .publisher {
                    // The demo's publisher speaks through the command hexloop.
                    rights.sources += ["hexloop", "replay", "history-load"].map { "//\(site)/\($0)/" }
                    rights.names += ["replay", "history-load"]
                }
                let secret = role == .bus ? bus.secretKey : role == .registry ? artifacts.secretKey : nil
                try add(role.rawValue, role, rights, serverSecretKey: secret, to: &policy)
                made.append(role.rawValue)
            }
            return made
        }
    }

    /// Makes one identity.
    /// - Parameter isKept: Its key file goes into its folder here.
    /// - Returns: The key file's text.
    func make(_ name: String, _ role: AccessRole?, _ rights: AccessRights, isKept: Bool) throws -> [UInt8] {
        try change { policy in
            guard policy.identity(named: name) == nil else {
                throw CommandError("'\(name)' is there already; 'hexloop keys rotate' gives it a new key")
            }
            return try add(name, role, rights, serverSecretKey: nil, isKept: isKept, to: &policy)
        }
    }

    @discardableResult
    private func add(
        _ name: String,
        _ role: AccessRole?,
        _ rights: AccessRights,
        serverSecretKey: String?,
        isKept: Bool = true,
        to policy: inout AccessPolicy
    ) throws -> [UInt8] {
        guard name != "access" else {
            throw CommandError("'access' is the folder of the access file; choose another name")
        }
        let keys = try CurveKeyPair.generate()
        try policy.set(
            AccessPolicy.Identity(name: name, role: role?.rawValue, keys: [.init(keys.publicKey)], rights: rights)
        )
        guard let servers = policy.servers else { throw CommandError("run 'hexloop keys setup' first") }
        let key = BusKey(
            name: name,
            keys: keys,
            busKey: servers.bus,
            artifactsKey: servers.artifacts,
            serverSecretKey: serverSecretKey
        )
        let text = try key.text()
        if isKept { try Self.write(text, to: keyPath(name), mode: 0o600) }
        return text
    }

    /// Gives an identity a new key; the old one is accepted for `grace`.
    /// - Returns: The new key file's text.
    func rotate(_ name: String, grace: Duration, now: Timestamp, isKept: Bool) throws -> [UInt8] {
        try change { policy in
            guard let servers = policy.servers else { throw CommandError("run 'hexloop keys setup' first") }
            // The broker and the registry go on being known by the same keys.
            let isServer = [AccessRole.bus, .registry].contains { $0.rawValue == name }
            let serverSecretKey = isServer ? try BusKey(path: keyPath(name)).serverSecretKey : nil
            let keys = try CurveKeyPair.generate()
            let microseconds = grace.components.seconds * 1_000_000
            let until = Timestamp(microseconds: now.microseconds + microseconds)
            try policy.rotate(name, to: keys.publicKey, graceUntil: until)
            let key = BusKey(
                name: name,
                keys: keys,
                busKey: servers.bus,
                artifactsKey: servers.artifacts,
                serverSecretKey: serverSecretKey
            )
            // The program must not find a key that is not known yet, so the access file goes first.
            try save(policy)
            let text = try key.text()
            if isKept { try Self.write(text, to: keyPath(name), mode: 0o600) }
            return text
        }
    }

    /// Takes back an identity's keys, or one key.
    /// - Returns: The keys.
    func revoke(_ nameOrKey: String, now: Timestamp) throws -> [String] {
        try change { policy in try policy.revoke(nameOrKey, at: now) }
    }

    /// Changes the access file, one command at a time.
    private func change<Result>(_ body: (inout AccessPolicy) throws -> Result) throws -> Result {
        try KeyPair.makeDirectory(path)
        try KeyPair.makeDirectory("\(path)/access")
        let lock = try DirectoryLock.acquire("\(path)/access")
        defer { withExtendedLifetime(lock) {} }
        var policy = FileManager.default.fileExists(atPath: accessPath) ? try policy() : AccessPolicy()
        let before = policy
        let result = try body(&policy)
        if policy != before { try save(policy) }
        return result
    }

    private func save(_ policy: AccessPolicy) throws {
        try Self.write(try policy.text(), to: accessPath, mode: 0o644)
    }

    /// Replaces a file as a whole: a reader finds the old or the new one.
    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try KeyPair.makeDirectory(folder)
        let draft = "\(folder)/.new-\(getpid())"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw CommandError("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(draft, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(draft)
            throw CommandError("\(path) cannot be written: \(reason)")
        }
        let directory = open(folder, O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }
}
