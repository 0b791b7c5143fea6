import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Glibc

/// The options that say which loop a command works on.
struct PlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the programs keep their state. (default: $HEXLOOP_DATA, or .hexloop)",
            valueName: "directory"
        )
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Where the bus is: ipc://<directory> or tcp://<host>[:<port>]. (default: $HEXLOOP_BUS, or ipc://<data>/run)",
            valueName: "address"
        )
    )
    var bus: String?

    @Option(
        name: .customLong("bus-key"),
        help: ArgumentHelp(
            "The key file to show to a bus over TCP. (default: $HEXLOOP_BUS_KEY, or <data>/keys/operator/bus.key)",
            valueName: "file"
        )
    )
    var busKey: String?

    @Option(
        help: ArgumentHelp("The plant or place in every topic. (default: $HEXLOOP_SITE, or local)", valueName: "name")
    )
    var site: String?

    func place() throws -> Place {
        let environment = ProcessInfo.processInfo.environment
        func value(_ option: String?, _ name: String) -> String? {
            [option, environment[name]].compactMap(\.self).first { !$0.isEmpty }
        }
        return try Place(
            data: value(data, "HEXLOOP_DATA") ?? ".hexloop",
            bus: value(bus, "HEXLOOP_BUS"),
            artifacts: value(nil, "HEXLOOP_ARTIFACTS"),
            site: value(site, "HEXLOOP_SITE") ?? "local",
            key: value(busKey, "HEXLOOP_BUS_KEY")
        )
    }
}

/// One loop: its data directory, its bus and its site.
struct Place: Sendable {
    let data: String
    let bus: BusAddress
    let artifacts: BusAddress
    let site: String
    private let givenKey: String?

    /// The key file to show over TCP; nil without one. `hexloop up` makes the operator's when it starts.
    var keyPath: String? {
        let own = KeyDirectory(path: keyDirectory).keyPath(AccessRole.operator.rawValue)
        return givenKey ?? (access(own, R_OK) == 0 ? own : nil)
    }

    /// What Linux takes as the path of a local socket, in bytes, without the closing zero.
    static let socketPathBytesMax = 107

    var runDirectory: String { "\(data)/run" }
    var logDirectory: String { "\(data)/log" }
    var keyDirectory: String { "\(data)/keys" }

    init(
        data: String,
        bus: String? = nil,
        artifacts: String? = nil,
        site: String = "local",
        key: String? = nil
    ) throws(CommandError) {
        let data = Self.absolute(data)
        let address = bus ?? "ipc://\(data)/run"
        guard let parsed = BusAddress(address) else {
            throw CommandError("bus '\(address)' must be \(BusAddress.forms)")
        }
        let artifacts = artifacts ?? address
        guard let parsedArtifacts = BusAddress(artifacts) else {
            throw CommandError("artifacts '\(artifacts)' must be \(BusAddress.forms)")
        }
        guard Topic.isSegment(site) else {
            throw CommandError("site '\(site)' may only hold a-z, 0-9, '.', '_' and '-'")
        }
        for row in SocketTable.rows {
            guard parsed.directory != nil else { break }
            let path = parsed.endpoint(row).dropFirst("ipc://".count)
            guard path.utf8.count <= Self.socketPathBytesMax else {
                throw CommandError(
                    "the socket path \(path) has \(path.utf8.count) bytes and \(Self.socketPathBytesMax) are allowed; "
                        + "choose a shorter directory with --data or --bus"
                )
            }
        }
        self.data = data
        givenKey = key.map(Self.absolute)
        self.bus = parsed
        self.artifacts = parsedArtifacts
        self.site = site
    }

    /// A path that no longer depends on where the program runs, without `.`, `..` and double slashes.
    static func absolute(_ path: String) -> String {
        let full = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        var parts: [Substring] = []
        for part in full.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
