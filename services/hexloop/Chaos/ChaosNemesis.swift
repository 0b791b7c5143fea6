import Bus
import BusSimulation
import FoundationEssentials
import Glibc
import Synchronization

/// Runs one scenario: people the yard, lets the scenario do its worst, heals, waits until all is done, and compares.
final class ChaosNemesis: Sendable {
    private struct State {
        var random: SeededGenerator
        var faults = 0
        var problems: [String] = []
        var remarks: [String] = []
    }

    let yard: ChaosYard
    let proxy: ChaosProxy?
    private let scenario: ChaosScenario
    private let began = ContinuousClock.now
    private let length: Duration
    private let state: Mutex<State>

    private init(_ scenario: ChaosScenario, _ yard: ChaosYard, seed: UInt64, length: Duration) throws {
        self.scenario = scenario
        self.yard = yard
        self.length = length
        state = Mutex(State(random: SeededGenerator(seed: seed)))
        proxy =
            scenario.population.usesProxy
            ? try ChaosProxy(directory: "\(yard.directory)/proxy", target: "\(yard.directory)/run") : nil
    }

    /// How long clients have to do what they had begun.
    private static let drainMax: Duration = .seconds(60)

    /// Runs a scenario in a new directory and removes it.
    static func run(
        _ scenario: ChaosScenario,
        seed: UInt64,
        length: Duration,
        executables: String,
        keeps: Bool,
        reaper: Reaper
    ) async throws -> ChaosResult {
        var result = ChaosResult(scenario: scenario.name, covers: scenario.covers, seed: seed)
        for need in scenario.needs {
            switch need {
            case .root where getuid() != 0: result.skipped = "needs the rights of root"
            case .faultLibrary where access("\(executables)/\(ChaosYard.faultLibrary)", R_OK) != 0:
                result.skipped = "\(executables)/\(ChaosYard.faultLibrary) is missing; 'make build' makes it"
            default: break
            }
        }
        if result.skipped != nil { return result }
        let directory = "/tmp/hexloop-chaos-\(getpid())-\(scenario.name)"
        let yard = try ChaosYard(directory: directory, executables: executables, reaper: reaper)
        let nemesis = try ChaosNemesis(scenario, yard, seed: seed, length: length)
        do {
            result = try await nemesis.run(result)
        } catch {
            result.problems.append("\(error)")
        }
        await yard.killAll()
        nemesis.proxy?.stop()
        // Where a scenario broke off, its volume is still mounted.
        umount2("\(directory)/data/bus", Int32(MNT_DETACH))
        if !keeps { try? FileManager.default.removeItem(atPath: directory) }
        return result
    }

    private func run(_ result: ChaosResult) async throws -> ChaosResult {
        try await yard.startBroker()
        try await populate()
        try await scenario.act(self)
        proxy?.set(.init())
        try await yard.heal()
        let log = try await drain()
        var check = ChaosCheck(log, result)
        for name in await yard.names("p") { check.producer(name, yard.history(name)) }
        for name in await yard.names("n") { check.publisher(name, yard.history(name)) }
        for name in await yard.names("c") { check.consumer(name, yard.history(name)) }
        let workers = await yard.names("w").map(yard.history)
        if !workers.isEmpty { check.workers(workers) }
        if scenario.population.poison > 0 { remark("\(check.refusedCount) jobs given up") }
        if scenario.population.telemetry { checkTelemetry() }
        var result = check.finish()
        result.seconds = (ContinuousClock.now - began) / .seconds(1)
        state.withLock { state in
            result.faults = state.faults
            result.problems = state.problems + result.problems
            result.remark = state.remarks.joined(separator: "; ")
        }
        if result.acknowledged == 0 { result.problems.append("nothing was acknowledged") }
        return result
    }

    private func populate() async throws {
        let population = scenario.population
        func start(_ role: ChaosClientCommand.Role, _ name: String, _ options: [String] = []) async throws {
            try await yard.startClient(role, name, throughProxy: population.usesProxy, options: options)
        }
        for index in 0..<population.producers { try await start(.producer, "p\(index + 1)", ["--pause", "4"]) }
        for index in 0..<population.publishers { try await start(.publisher, "n\(index + 1)", ["--pause", "10"]) }
        for index in 0..<population.consumers { try await start(.consumer, "c\(index + 1)") }
        for index in 0..<population.workers {
            try await start(
                .worker,
                "w\(index + 1)",
                ["--pause", "\(population.jobMs)", "--poison", "\(population.poison)"]
            )
        }
        if population.telemetry {
            try await start(.listener, "l1")
            try await start(.sender, "s1")
        }
    }

    /// Lets everybody do what was begun, and says who did not.
    private func drain() async throws -> [Record] {
        yard.write("", to: ChaosYard.stop)
        let publishing = await yard.names("p") + yard.names("n")
        for name in try await yard.drain(publishing, timeout: Self.drainMax) {
            complain("\(name) did not come to its end")
        }
        var log = try await yard.readLog()
        let last = ChaosCheck(log, ChaosResult(scenario: "", covers: "", seed: 0)).lastSequence
        yard.write("\(last)", to: ChaosYard.until)
        let reading = await yard.names("c") + yard.names("l") + yard.names("s")
        for name in try await yard.drain(reading, timeout: Self.drainMax) {
            complain("\(name) did not come to its end")
        }
        let workers = await yard.names("w")
        let deadline = ContinuousClock.now + Self.drainMax
        while !workers.isEmpty, ContinuousClock.now < deadline {
            for name in workers where await !yard.isRunning(name) { try await yard.restart(name) }
            log = try await yard.readLog()
            let check = ChaosCheck(log, ChaosResult(scenario: "", covers: "", seed: 0))
            if check.open(workers.map(yard.history)) == 0 { break }
            try await Task.sleep(for: .milliseconds(200))
        }
        yard.write("", to: ChaosYard.end)
        return log
    }

    private func checkTelemetry() {
        let (listener, sender) = (yard.history("l1"), yard.history("s1"))
        guard let heard = listener.acknowledged.first, let sent = sender.acknowledged.keys.first else {
            complain("the telemetry's clients wrote nothing down")
            return
        }
        let missing = listener.invoked.first ?? 0
        if UInt64(heard.key + missing) != heard.value {
            complain("\(heard.key) received and \(missing) missing are not the \(heard.value) that were relayed")
        }
        remark("\(sent) samples sent, \(heard.key) received, \(missing) counted as lost")
    }

    // MARK: For scenarios

    /// Until the scenario's time is over.
    var goesOn: Bool { ContinuousClock.now - began < length }
    func isPast(_ share: Double) -> Bool { ContinuousClock.now - began > length * share }

    func count() { state.withLock { $0.faults += 1 } }
    func complain(_ problem: String) { state.withLock { $0.problems.append(problem) } }
    func remark(_ text: String) { state.withLock { $0.remarks.append(text) } }

    func number(_ range: ClosedRange<Int>) -> Int { state.withLock { Int.random(in: range, using: &$0.random) } }
    func one(in n: Int) -> Bool { state.withLock { $0.random.one(in: n) } }
    func pick(_ names: [String]) -> String { names.isEmpty ? "" : names[number(0...names.count - 1)] }

    /// A pause of random length, in milliseconds.
    func pause(_ range: ClosedRange<Int>) async { try? await Task.sleep(for: .milliseconds(number(range))) }

    /// One of `parts` equal shares of the scenario's time.
    func share(of parts: Int) async { try? await Task.sleep(for: length / parts) }

    /// Everybody but the broker.
    var clients: [String] {
        get async {
            let names = await yard.names("")
            return names.filter { $0 != ChaosYard.broker }
        }
    }

    /// The clients that keep something on disk.
    var stores: [(role: ChaosClientCommand.Role, name: String)] {
        get async {
            let (producers, consumers) = (await yard.names("p"), await yard.names("c"))
            return producers.map { (.producer, $0) } + consumers.map { (.consumer, $0) }
        }
    }

    /// How often a client said that it lost the bus.
    var alarms: Int {
        get async { await clients.reduce(0) { $0 + yard.log($1).split(separator: "lost the bus").count - 1 } }
    }

    /// Waits until the broker has opened its log that many times.
    func waitForLog(opened times: Int) async {
        let deadline = ContinuousClock.now + .seconds(30)
        while yard.log(ChaosYard.broker).split(separator: "the log is open").count - 1 < times,
            ContinuousClock.now < deadline
        {
            await pause(20...20)
        }
    }

    var brokerBytes: Int {
        get async { ResidentMemory(of: await yard.processID(ChaosYard.broker) ?? 0).bytes }
    }

    func fileBytes(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    // MARK: What takes more than a line

    /// Flips or cuts bytes of the log's file while the broker is down, and looks what it makes of that.
    func damageLog() async throws {
        await pause(300...600)
        await yard.signal(ChaosYard.broker, SIGTERM)
        await yard.ending(of: ChaosYard.broker)
        let path = yard.logFile
        guard let whole = FileManager.default.contents(atPath: path), whole.count > 8192 else {
            try await yard.restart(ChaosYard.broker)
            return
        }
        try await yard.restart(ChaosYard.broker)
        let before = try await yard.readLog()
        await yard.signal(ChaosYard.broker, SIGTERM)
        await yard.ending(of: ChaosYard.broker)
        guard let intact = FileManager.default.contents(atPath: path) else { return }
        var damaged = intact
        let isCut = one(in: 4)
        if isCut {
            damaged = damaged.prefix(number(1...intact.count - 1))
        } else {
            damaged[number(0...intact.count - 1)] ^= UInt8(1 << number(0...7))
        }
        try damaged.write(to: URL(filePath: path))
        count()
        // Nobody may write meanwhile: what is compared is what was there.
        for name in await clients { await yard.signal(name, SIGSTOP) }
        try await yard.restart(ChaosYard.broker)
        let read = try? await withTimeout(.seconds(3)) { [yard] in try await yard.readLog() }
        if let read, read.starts(with: before) {
            remarkOnce("undetected flips lay where nothing is stored")
        } else if await yard.isRunning(ChaosYard.broker), read != nil {
            complain("damage at the log was served: \(isCut ? "cut to \(damaged.count) bytes" : "a flipped bit")")
        } else if !yard.log(ChaosYard.broker).contains("bus.sqlite") {
            complain("the broker did not name the file that is damaged")
        }
        await yard.kill(ChaosYard.broker)
        for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
        try intact.write(to: URL(filePath: path))
        try await yard.restart(ChaosYard.broker)
        for name in await clients { await yard.signal(name, SIGCONT) }
    }

    private func remarkOnce(_ text: String) {
        state.withLock { if !$0.remarks.contains(text) { $0.remarks.append(text) } }
    }

    /// A second broker on the first one's data must end by itself with an error.
    func startSecondBroker() async throws {
        try await yard.start(
            "second",
            ChaosYard.Start(
                executable: "bus",
                environment: [
                    "HEXLOOP_DATA": "\(yard.directory)/data", "HEXLOOP_BUS": "ipc://\(yard.directory)/second",
                ]
            )
        )
        let ending = await yard.ending(of: "second", within: .seconds(10))
        await yard.kill("second")
        await yard.forget("second")
        if ending != .exit(1) { complain("the second broker \(ending.map { "\($0)" } ?? "runs")") }
        await pause(100...300)
    }

    /// Runs `body` beside processes that do nothing but run.
    func burn(cores: Int, _ body: () async throws -> Void) async throws {
        var burners: [pid_t] = []
        let reaper = yard.reaper
        for _ in 0..<cores {
            burners.append(
                try ChildProcess.spawn(
                    "/bin/sh",
                    arguments: [
                        "-c", "while kill -0 \(getpid()); do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done",
                    ],
                    environment: [:],
                    log: "/dev/null"
                )
            )
        }
        defer { for burner in burners { kill(burner, SIGKILL) } }
        try await body()
        for burner in burners { kill(burner, SIGKILL) }
        for burner in burners { _ = await reaper.ending(of: burner) }
    }

    /// Moves the log onto a volume with 10 MB to spare, most of them taken by a file that can be removed.
    func onSmallVolume(_ body: (_ ballast: String) async throws -> Void) async throws {
        let directory = "\(yard.directory)/data/bus"
        await waitForLog(opened: 1)
        // In order, so that the WAL is written back and its file, which is kept at its size, is gone.
        await yard.signal(ChaosYard.broker, SIGTERM)
        await yard.ending(of: ChaosYard.broker)
        let contents = try FileManager.default.contentsOfDirectory(atPath: directory).map { name in
            (name, FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data())
        }
        let bytes = contents.reduce(0) { $0 + $1.1.count } + (10 << 20)
        guard mount("hexloop-chaos", directory, "tmpfs", 0, "size=\(bytes)") == 0 else {
            remark("a small volume cannot be mounted here: \(String(cString: strerror(errno)))")
            try await yard.startBroker()
            return
        }
        for (name, data) in contents { try data.write(to: URL(filePath: "\(directory)/\(name)")) }
        let ballast = "\(directory)/ballast"
        try Data(count: 6 << 20).write(to: URL(filePath: ballast))
        try await yard.startBroker()
        try await body(ballast)
        // Back to the disk, so that nothing is left mounted.
        await yard.signal(ChaosYard.broker, SIGTERM)
        await yard.ending(of: ChaosYard.broker)
        let kept = try FileManager.default.contentsOfDirectory(atPath: directory).map { name in
            (name, FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data())
        }
        umount2(directory, Int32(MNT_DETACH))
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) { unlink("\(directory)/\(name)") }
        for (name, data) in kept { try data.write(to: URL(filePath: "\(directory)/\(name)")) }
    }
}
