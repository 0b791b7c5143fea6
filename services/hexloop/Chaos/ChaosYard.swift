import Bus
import Events
import FoundationEssentials
import Glibc
import Membership
import ServiceKit

/// A temporary directory with a broker and clients, all of them processes of their own.
actor ChaosYard {
    /// Files that tell the clients what to do: publish no more; read up to the sequence in it; end.
    static let stop = "control/stop"
    static let until = "control/until"
    static let end = "control/end"
    static let broker = "bus"

    /// How a program is started.
    struct Start: Sendable {
        var executable: String
        var arguments: [String] = []
        var environment: [String: String] = [:]
    }

    nonisolated let directory: String
    nonisolated let executables: String
    nonisolated let reaper: Reaper
    private var starts: [String: Start] = [:]
    private var running: [String: pid_t] = [:]
    private var stopped: Set<String> = []
    private var endings: [String: Task<ChildProcess.Ending, Never>] = [:]
    /// What the broker's environment has in addition, until it is changed.
    private var brokerFaults: [String: String] = [:]

    init(directory: String, executables: String, reaper: Reaper) throws {
        self.directory = directory
        self.executables = executables
        self.reaper = reaper
        for name in ["data", "log", "history", "control", "run", "proxy"] {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(name)",
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
    }

    nonisolated var address: String { "ipc://\(directory)/run" }
    nonisolated var proxyAddress: String { "ipc://\(directory)/proxy" }
    nonisolated var logFile: String { "\(directory)/data/bus/bus.sqlite" }

    // MARK: Processes

    /// Starts a program under a name; it is started again as it was by ``restart(_:)``.
    func start(_ name: String, _ start: Start) throws {
        starts[name] = start
        try restart(name)
    }

    func restart(_ name: String) throws {
        guard running[name] == nil, let start = starts[name] else { return }
        var environment = start.environment
        for key in ["PATH", "LD_LIBRARY_PATH"] { environment[key] = ProcessInfo.processInfo.environment[key] }
        let child = try ChildProcess.spawn(
            "\(executables)/\(start.executable)",
            arguments: start.arguments,
            environment: environment,
            log: "\(directory)/log/\(name).log"
        )
        running[name] = child
        endings[name] = Task { [reaper] in
            let ending = await reaper.ending(of: child)
            self.ended(name, child)
            return ending
        }
    }

    private func ended(_ name: String, _ child: pid_t) {
        if running[name] == child { running[name] = nil }
        stopped.remove(name)
    }

    func isRunning(_ name: String) -> Bool { running[name] != nil }
    func processID(_ name: String) -> pid_t? { running[name] }
    func names(_ prefix: String) -> [String] { starts.keys.filter { $0.hasPrefix(prefix) }.sorted() }
    func forget(_ name: String) { starts[name] = nil }

    /// Starts the broker; `faults` are the variables of the library that makes disks fail.
    func startBroker(_ faults: [String: String] = [:]) throws {
        var environment = [
            "HEXLOOP_DATA": "\(directory)/data", "HEXLOOP_BUS": address,
            ParentWatch.environmentName: "\(getpid())",
        ]
        if !faults.isEmpty {
            environment["LD_PRELOAD"] = "\(executables)/\(Self.faultLibrary)"
            environment["HEXLOOP_FAULT_FILES"] = "bus.sqlite"
            environment.merge(faults) { $1 }
        }
        try start(Self.broker, Start(executable: "bus", environment: environment))
    }

    static let faultLibrary = "libFaultyDisk.so"

    func startClient(
        _ role: ChaosClientCommand.Role,
        _ name: String,
        throughProxy: Bool = false,
        options: [String] = [],
        faults: [String: String] = [:]
    ) throws {
        var environment: [String: String] = [:]
        if !faults.isEmpty {
            environment = faults
            environment["LD_PRELOAD"] = "\(executables)/\(Self.faultLibrary)"
            environment["HEXLOOP_FAULT_FILES"] = "/data/\(name)/"
        }
        try start(
            name,
            Start(
                executable: "hexloop",
                arguments: [
                    "chaos-client", role.rawValue, "--name", name, "--yard", directory, "--bus",
                    throughProxy ? proxyAddress : address,
                ] + options,
                environment: environment
            )
        )
    }

    func signal(_ name: String, _ number: Int32) {
        guard let child = running[name] else { return }
        Glibc.kill(child, number)
        if number == SIGSTOP { stopped.insert(name) }
        if number == SIGCONT { stopped.remove(name) }
    }

    /// Waits for the end of a program.
    @discardableResult
    func ending(of name: String) async -> ChildProcess.Ending? { await endings[name]?.value }

    /// Waits for the end of a program for some time; nil when it did not end.
    @discardableResult
    func ending(of name: String, within limit: Duration) async -> ChildProcess.Ending? {
        let deadline = ContinuousClock.now + limit
        while running[name] != nil, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        return running[name] == nil ? await ending(of: name) : nil
    }

    /// kill -9, and waits until it is gone.
    func kill(_ name: String) async {
        guard running[name] != nil else { return }
        signal(name, SIGKILL)
        await ending(of: name)
    }

    func killAll() async {
        for name in running.keys.sorted() { await kill(name) }
    }

    /// Nothing fails any more: what stands goes on, what ended is started again, without faults.
    func heal() async throws {
        for name in stopped { signal(name, SIGCONT) }
        unlink("\(directory)/\(Self.full)")
        if starts[Self.broker]?.environment["LD_PRELOAD"] != nil || running[Self.broker] == nil {
            await kill(Self.broker)
            try startBroker()
        }
        for name in starts.keys.sorted() where name != Self.broker {
            if starts[name]?.environment["LD_PRELOAD"] != nil {
                await kill(name)
                starts[name]?.environment = [:]
            }
            try restart(name)
        }
    }

    /// While it exists, the disk of who looks at it is full.
    static let full = "control/full"

    nonisolated func write(_ text: String, to file: String) {
        let path = "\(directory)/\(file)"
        if !FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) {
            Terminal.complain("\(path) cannot be written")
        }
    }

    nonisolated func history(_ name: String) -> ChaosHistory.Contents {
        ChaosHistory.read("\(directory)/history/\(name)")
    }

    nonisolated func log(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: "\(directory)/log/\(name).log") ?? Data(), as: UTF8.self)
    }

    // MARK: The end

    /// Waits until each of these has done everything that it had begun, starting again what ends before.
    /// - Returns: Those that did not in time.
    func drain(_ names: [String], timeout: Duration) async throws -> [String] {
        let deadline = ContinuousClock.now + timeout
        var left = names
        while true {
            left = left.filter { !history($0).isDrained || running[$0] != nil }
            if left.isEmpty || ContinuousClock.now > deadline { return left }
            for name in left where running[name] == nil { try restart(name) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// All records of the log, in order.
    nonisolated func readLog() async throws -> [Record] {
        guard let bus = BusAddress(address) else { return [] }
        let client = BusClient(.init(address: bus, name: "hexloop/chaos"), logger: BusConnection.silentLogger)
        defer { client.close() }
        var (records, after) = ([Record](), UInt64(0))
        let everything = [try TopicFilter("e/")]
        while true {
            let page = try await client.fetch(everything, after: after, timeout: .seconds(30))
            records += page.records
            if page.scannedTo <= after { return records }
            after = page.scannedTo
        }
    }
}
