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

/// Where the bus is: `ipc:///run/hexloop` (a directory of sockets) or `tcp://bus` (a host; the ports are fixed).
public struct BusAddress: Sendable, Hashable, CustomStringConvertible {
    /// As configured.
    public let text: String
    private let base: String
    private let isLocal: Bool

    /// The text itself.
    public var description: String { text }

    /// Reads an address; nil when it is neither `ipc://<absolute directory>` nor `tcp://<host>`.
    public init?(_ text: String) {
        self.text = text
        if text.hasPrefix("ipc:///") {
            isLocal = true
            base = text.hasSuffix("/") ? String(text.dropLast()) : text
        } else if text.hasPrefix("tcp://"), text.count > "tcp://".count,
            !text.dropFirst("tcp://".count).contains(where: { $0 == "/" || $0 == ":" })
        {
            isLocal = false
            base = text
        } else {
            return nil
        }
    }

    /// The endpoint of one socket: `ipc:///run/hexloop/command.sock` or `tcp://bus:5555`.
    public func endpoint(_ row: SocketTable.Row) -> String {
        isLocal ? "\(base)/\(row.file).sock" : "\(base):\(row.port)"
    }

    /// Where the binding side binds: every interface for `tcp://`, whatever the host's name.
    public func bindEndpoint(_ row: SocketTable.Row) -> String {
        isLocal ? endpoint(row) : "tcp://*:\(row.port)"
    }

    /// The directory of an `ipc://` address.
    public var directory: String? { isLocal ? String(base.dropFirst("ipc://".count)) : nil }
}
