/// The sockets of the system: who binds, who connects, and where. `docs/wire.md` carries the same table.
public enum SocketTable {
    /// One socket that the broker or the registry binds.
    public struct Row: Sendable, Hashable {
        /// What `docs/wire.md` calls it.
        public let name: String
        /// Socket type on the binding side.
        public let binds: String
        /// Socket type on the connecting side.
        public let connects: String
        /// TCP port; fixed, so that an address is a host alone.
        public let port: Int
        /// File name under the run directory, for `ipc://`.
        public let file: String
    }

    /// DEALER-ROUTER: events, subscriptions, work.
    public static let command = Row(name: "command", binds: "ROUTER", connects: "DEALER", port: 5555, file: "command")
    /// Telemetry and the simple door in.
    public static let ingress = Row(name: "ingress", binds: "SUB", connects: "PUB", port: 5556, file: "ingress")
    /// Everything out, as it is committed.
    public static let fanOut = Row(name: "fan-out", binds: "XPUB", connects: "SUB", port: 5557, file: "fanout")
    /// Bytes of models and data sets; bound by the registry.
    public static let artifacts = Row(
        name: "artifacts",
        binds: "ROUTER",
        connects: "DEALER",
        port: 5558,
        file: "artifacts"
    )

    /// All rows.
    public static let rows = [command, ingress, fanOut, artifacts]
}

/// Where the bus is: `ipc:///run/hexloop` (a directory of sockets), `tcp://bus` (a host; the ports of ``SocketTable``), or
/// `tcp://bus:25555` (a host and the first of four ports), for a second loop on one machine.
public struct BusAddress: Sendable, Hashable, CustomStringConvertible {
    /// What a setting that holds no address is told.
    public static let forms = "ipc://<absolute directory>, tcp://<host> or tcp://<host>:<first of four ports>"

    /// As configured.
    public let text: String
    private let base: String
    /// What is added to each row's port; nil for a directory.
    private let shift: Int?

    /// The text itself.
    public var description: String { text }

    /// Reads an address; nil when it is of none of the ``forms``.
    public init?(_ text: String) {
        self.text = text
        if text.hasPrefix("ipc:///") {
            shift = nil
            base = text.hasSuffix("/") ? String(text.dropLast()) : text
            return
        }
        guard text.hasPrefix("tcp://") else { return nil }
        let parts = text.dropFirst("tcp://".count).split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty, !parts[0].contains("/") else { return nil }
        base = "tcp://\(parts[0])"
        if parts.count == 1 {
            shift = 0
        } else {
            guard let port = Int(parts[1]), (1...65_532).contains(port) else { return nil }
            shift = port - SocketTable.command.port
        }
    }

    /// The endpoint of one socket: `ipc:///run/hexloop/command.sock` or `tcp://bus:5555`.
    public func endpoint(_ row: SocketTable.Row) -> String {
        shift.map { "\(base):\(row.port + $0)" } ?? "\(base)/\(row.file).sock"
    }

    /// Where the binding side binds. For a name that is every interface; for a number, such as 127.0.0.1, that one.
    public func bindEndpoint(_ row: SocketTable.Row) -> String {
        guard let shift, !isNumber else { return endpoint(row) }
        return "tcp://*:\(row.port + shift)"
    }

    private var isNumber: Bool {
        let parts = base.dropFirst("tcp://".count).split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The directory of an `ipc://` address; nil for `tcp://`.
    public var directory: String? { shift == nil ? String(base.dropFirst("ipc://".count)) : nil }
}
