public import Events
import ZeroMQ

/// Who may connect and what each may do: the access file as a value.
///
/// A key names an identity, and an identity has rights. After a rotation two keys name the same identity until the
/// older one's time is over. `docs/security.md` has the file's form.
public struct AccessPolicy: Sendable, Hashable {
    /// Identities of one policy.
    public static let identitiesMax = 10_000
    /// Keys of one identity: the present one, and older ones in their time of grace.
    public static let keysPerIdentityMax = 8

    /// A public key of an identity.
    public struct Key: Codable, Sendable, Hashable {
        /// 40 characters of Z85.
        public var key: String
        /// When it stops to be accepted; nil for the present key.
        public var until: Timestamp?

        /// A key, for ever or for a time.
        public init(_ key: String, until: Timestamp? = nil) {
            self.key = key
            self.until = until
        }
    }

    /// Somebody who may connect.
    public struct Identity: Codable, Sendable, Hashable {
        /// By what it is known to people, and in refusals.
        public var name: String
        /// What its rights were made from, for people.
        public var role: String?
        /// The present key first.
        public var keys: [Key]
        /// What it may do.
        public var rights: AccessRights

        /// An identity from its parts.
        public init(name: String, role: String? = nil, keys: [Key], rights: AccessRights) {
            self.name = name
            self.role = role
            self.keys = keys
            self.rights = rights
        }
    }

    /// A key that is not accepted any more, whatever else is said of it.
    public struct Revoked: Codable, Sendable, Hashable {
        /// 40 characters of Z85.
        public var key: String
        /// Whose it was.
        public var name: String
        /// Since when.
        public var at: Timestamp

        /// A revoked key.
        public init(key: String, name: String, at: Timestamp) {
            self.key = key
            self.name = name
            self.at = at
        }
    }

    /// What a key gives at the moment.
    public enum Standing: Sendable, Hashable {
        case granted(Identity)
        /// The key is refused; the text says why, for people, and names the identity when it is known.
        case refused(String)
    }

    /// By what keys the broker and the registry's artifact socket are known; new identities are told.
    public struct Servers: Codable, Sendable, Hashable {
        /// The broker's public key.
        public var bus: String
        /// The artifact socket's public key.
        public var artifacts: String

        /// Two public keys.
        public init(bus: String, artifacts: String) {
            self.bus = bus
            self.artifacts = artifacts
        }
    }

    /// Known from the access file only.
    public var servers: Servers?
    /// All that may connect.
    public private(set) var identities: [Identity]
    /// Keys that were taken back.
    public private(set) var revoked: [Revoked]
    private var byKey: [String: (identity: Int, until: Timestamp?)] = [:]

    /// Nobody may connect.
    public init() { (identities, revoked) = ([], []) }

    /// Checks and keeps identities and revoked keys.
    /// - Throws: ``AccessError`` that names the identity which is wrong.
    public init(identities: [Identity], revoked: [Revoked] = []) throws(AccessError) {
        self.identities = identities
        self.revoked = revoked
        guard identities.count <= Self.identitiesMax else {
            throw AccessError("\(identities.count) identities are more than \(Self.identitiesMax)")
        }
        var names: Set<String> = []
        for (index, identity) in identities.enumerated() {
            let name = identity.name
            guard Topic.isSegment(name) else {
                throw AccessError("the name '\(name)' may only hold a-z, 0-9, '.', '_' and '-'")
            }
            guard names.insert(name).inserted else { throw AccessError("'\(name)' is there twice") }
            guard identity.keys.count <= Self.keysPerIdentityMax else {
                throw AccessError("'\(name)' has more than \(Self.keysPerIdentityMax) keys")
            }
            for key in identity.keys {
                guard CurveKeyPair.isKey(key.key) else {
                    throw AccessError("a key of '\(name)' is not 40 characters of Z85")
                }
                guard byKey.updateValue((index, key.until), forKey: key.key) == nil else {
                    throw AccessError("a key of '\(name)' is there twice")
                }
            }
        }
        for entry in revoked { byKey[entry.key] = nil }
    }

    /// What `key` gives at that time.
    public func standing(of key: String, at time: Timestamp) -> Standing {
        if let entry = byKey[key] {
            let identity = identities[entry.identity]
            guard let until = entry.until, until <= time else { return .granted(identity) }
            return .refused(
                "the key of '\(identity.name)' was replaced, and its time of grace ended at \(until.rfc3339)"
            )
        }
        if let entry = revoked.last(where: { $0.key == key }) {
            return .refused("the key of '\(entry.name)' was revoked at \(entry.at.rfc3339)")
        }
        return .refused("the key \(key.prefix(8))... is not known")
    }

    /// The name of the identity that has a key; nil when none has it.
    func name(ofKey key: String) -> String? { byKey[key].map { identities[$0.identity].name } }

    /// The identity of that name.
    public func identity(named name: String) -> Identity? { identities.first { $0.name == name } }

    /// Equal when they say the same.
    public static func == (left: AccessPolicy, right: AccessPolicy) -> Bool {
        left.servers == right.servers && left.identities == right.identities && left.revoked == right.revoked
    }

    /// Hashes what it says.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(identities)
        hasher.combine(revoked)
    }
}

/// An access file or key file that cannot be used.
public struct AccessError: Error, Sendable, CustomStringConvertible {
    /// Names what is wrong and where.
    public let description: String

    /// An error with its reason.
    public init(_ description: String) { self.description = description }
}

// MARK: - The file

extension AccessPolicy {
    private struct File: Codable {
        var version: Int
        var servers: Servers?
        var identities: [Identity]
        var revoked: [Revoked]?
    }

    private static let version = 1

    /// Reads the access file's JSON.
    /// - Throws: ``AccessError`` that names the field.
    public init(parsing bytes: [UInt8]) throws(AccessError) {
        let file: File
        do { file = try EventCoding.decode(File.self, from: bytes) } catch { throw AccessError(error.message) }
        guard file.version == Self.version else {
            throw AccessError("version is \(file.version); \(Self.version) is understood")
        }
        try self.init(identities: file.identities, revoked: file.revoked ?? [])
        servers = file.servers
    }

    /// The access file's JSON, for people to read.
    public func text() throws(AccessError) -> [UInt8] {
        let file = File(version: Self.version, servers: servers, identities: identities, revoked: revoked)
        do { return try EventCoding.encodeForPeople(file) } catch { throw AccessError(error.message) }
    }

    // MARK: Changes

    /// Takes an identity in, or gives the one of that name other keys and rights.
    /// - Throws: ``AccessError`` when it is wrong.
    public mutating func set(_ identity: Identity) throws(AccessError) {
        var identities = identities
        if let index = identities.firstIndex(where: { $0.name == identity.name }) {
            identities[index] = identity
        } else {
            identities.append(identity)
        }
        try replace(identities, revoked)
    }

    /// Gives an identity a new key; the older ones are accepted until `until`, but no longer than they were before.
    /// - Throws: ``AccessError`` when there is no such identity.
    public mutating func rotate(_ name: String, to key: String, graceUntil until: Timestamp) throws(AccessError) {
        guard var identity = identity(named: name) else { throw AccessError("there is no identity '\(name)'") }
        let older = identity.keys.map { Key($0.key, until: min($0.until ?? until, until)) }
        identity.keys = [Key(key)] + older.prefix(Self.keysPerIdentityMax - 1)
        try set(identity)
    }

    /// Takes back all keys of an identity, or one key.
    /// - Returns: The keys that are not accepted any more.
    /// - Throws: ``AccessError`` when neither is known.
    public mutating func revoke(_ nameOrKey: String, at time: Timestamp) throws(AccessError) -> [String] {
        var identities = identities
        var taken: [Revoked] = []
        for index in identities.indices {
            let name = identities[index].name
            for key in identities[index].keys where name == nameOrKey || key.key == nameOrKey {
                taken.append(Revoked(key: key.key, name: name, at: time))
            }
            identities[index].keys.removeAll { key in taken.contains { $0.key == key.key } }
        }
        guard !taken.isEmpty else { throw AccessError("no identity and no key in force is called '\(nameOrKey)'") }
        try replace(identities, revoked + taken)
        return taken.map(\.key)
    }

    private mutating func replace(_ identities: [Identity], _ revoked: [Revoked]) throws(AccessError) {
        var other = try AccessPolicy(identities: identities, revoked: revoked)
        other.servers = servers
        self = other
    }
}
