import ArgumentParser
import Bus
import Events
import FoundationEssentials

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
            "Where the bus is: ipc://<directory> or tcp://<host>. (default: $HEXLOOP_BUS, or ipc://<data>/run)",
            valueName: "address"
        )
    )
    var bus: String?

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
            site: value(site, "HEXLOOP_SITE") ?? "local"
        )
    }
}

/// One loop: its data directory, its bus and its site.
struct Place: Sendable {
    let data: String
    let bus: BusAddress
    let artifacts: BusAddress
    let site: String

    /// What Linux takes as the path of a local socket, in bytes, without the closing zero.
    static let socketPathBytesMax = 107

    var runDirectory: String { "\(data)/run" }
    var logDirectory: String { "\(data)/log" }
    var keyDirectory: String { "\(data)/keys" }

    init(data: String, bus: String? = nil, artifacts: String? = nil, site: String = "local") throws(CommandError) {
        let data = Self.absolute(data)
        let address = bus ?? "ipc://\(data)/run"
        guard let parsed = BusAddress(address) else {
            throw CommandError("bus '\(address)' must be ipc://<absolute directory> or tcp://<host>")
        }
        let artifacts = artifacts ?? address
        guard let parsedArtifacts = BusAddress(artifacts) else {
            throw CommandError("artifacts '\(artifacts)' must be ipc://<absolute directory> or tcp://<host>")
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
