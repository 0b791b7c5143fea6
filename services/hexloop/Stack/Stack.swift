import Bus
import Events
import FoundationEssentials
import Glibc
import ServiceKit
import UnixSignals

/// The whole loop on one machine: every program as a child of this one.
struct Stack: Sendable {
    /// After this the programs that are not ready are named.
    static let readyPatience: Duration = .seconds(30)

    let place: Place
    let nodes: Int
    let gatewayPort: Int
    let terminal: Terminal
    /// Programs whose errors are shown here as they come into their logs.
    let followedLogs: @Sendable (Program) -> Bool

    /// Somebody pressed Ctrl-C or sent SIGTERM.
    struct Interrupted: Error {}

    private enum Turn<Result: Sendable>: Sendable {
        case done(Result)
        case ended
    }

    /// Starts the programs, runs `body` once they are ready, and stops them however it ends.
    /// - Throws: ``Interrupted``, ``CommandError``, and what `body` throws.
    func run<Result: Sendable>(_ body: @escaping @Sendable (Supervisor) async throws -> Result) async throws -> Result {
        let keys = try KeyPair.ensure(in: place.keyDirectory)
        try KeyPair.makeDirectory(place.runDirectory)
        try KeyPair.makeDirectory(place.logDirectory)
        if let directory = place.bus.directory { try KeyPair.makeDirectory(directory) }
        let lock = try DirectoryLock.acquire("\(place.runDirectory)/up")
        defer { withExtendedLifetime(lock) {} }
        // Over TCP every program shows a key; over local sockets the directory is what protects.
        let busKeys = place.bus.directory == nil ? KeyDirectory(path: place.keyDirectory) : nil
        _ = try busKeys?.setUp(site: place.site)
        let programs = Program.all(nodes: nodes, gatewayPort: gatewayPort, keys: keys, busKeys: busKeys)
        let executables = try Supervisor.executableDirectory()
        for name in Set(programs.map(\.name)).sorted() where access("\(executables)/\(name)", X_OK) != 0 {
            throw CommandError("\(executables)/\(name) is missing; build all programs with 'make build'")
        }
        signal(SIGPIPE, SIG_IGN)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let supervisor = Supervisor(programs, place: place, executables: executables) { [terminal] text, style in
            terminal.line(terminal.paint(text, style))
        }
        let connection = BusConnection(place, name: "up")
        defer { connection.close() }
        let (interrupts, interrupt) = AsyncStream.makeStream(of: Void.self)
        return try await withThrowingTaskGroup(of: Turn<Result>.self) { group in
            group.addTask {
                await supervisor.run()
                return .ended
            }
            group.addTask {
                await hear(connection, supervisor)
                return .ended
            }
            group.addTask {
                try await followLogs(programs)
                return .ended
            }
            group.addTask {
                await obey(signals, supervisor, interrupt)
                return .ended
            }
            group.addTask {
                for await _ in interrupts { throw Interrupted() }
                return .ended
            }
            group.addTask { .done(try await body(supervisor)) }
            defer { group.cancelAll() }
            do {
                while let turn = try await group.next() {
                    guard case .done(let result) = turn else { continue }
                    await supervisor.stop()
                    return result
                }
                throw Interrupted()
            } catch {
                await supervisor.stop()
                throw error
            }
        }
    }

    private func hear(_ connection: BusConnection, _ supervisor: Supervisor) async {
        guard let topic = try? Topic("t/\(place.site)/service/beat/v1/") else { return }
        for await frames in connection.client.listen(prefixes: [topic.text]) {
            guard let event = try? Record(frames: frames).event(), let beat = try? event.decode(ServiceBeat.self)
            else { continue }
            await supervisor.heard(beat)
        }
    }

    private func followLogs(_ programs: [Program]) async throws {
        var follower = LogFollower(programs.filter(followedLogs), directory: place.logDirectory)
        while !Task.isCancelled {
            try await Task.sleep(for: .milliseconds(250))
            for line in follower.problems() { terminal.line(terminal.paint(line, .yellow)) }
        }
    }

    /// The first signal stops in order, the second at once.
    private func obey(
        _ signals: UnixSignalsSequence,
        _ supervisor: Supervisor,
        _ interrupt: AsyncStream<Void>.Continuation
    ) async {
        var isFirst = true
        for await _ in signals {
            if isFirst {
                terminal.setBar("")
                terminal.line("stopping...")
                interrupt.yield()
                isFirst = false
            } else {
                await supervisor.killAll()
            }
        }
    }

    /// Waits until the stack is ready and shows it.
    func showReady(_ supervisor: Supervisor) async throws {
        while try await !supervisor.waitUntilReady(timeout: Self.readyPatience) {
            let unready = await supervisor.unready
            terminal.line(terminal.paint("not ready after \(Self.readyPatience.short):", .yellow))
            for line in unready { terminal.line("  \(line)") }
        }
        let ready = await supervisor.readyAfter ?? .zero
        terminal.line(terminal.paint("ready in \(ready.short)", .green))
        let children = await supervisor.children
        var table = TextTable(["program", "instance", ">pid", ">resident MB", ">shared once MB"])
        func add(_ name: String, _ instance: String, _ pid: pid_t) -> ResidentMemory {
            let memory = ResidentMemory(of: pid)
            table.add([name, instance, "\(pid)", memory.bytes.megabytes, memory.sharedOnceBytes.megabytes])
            return memory
        }
        var sum = ResidentMemory()
        for child in children { sum += add(child.program.name, child.instance, child.processID ?? 0) }
        sum += add("hexloop", "up", getpid())
        table.add(["sum", "", "", sum.bytes.megabytes, sum.sharedOnceBytes.megabytes])
        table.write(to: terminal, indent: "  ")
    }

    /// Memory of all programs and of this one.
    static func residentMemory(_ children: [Supervisor.Child]) -> ResidentMemory {
        var sum = ResidentMemory(of: getpid())
        for child in children.compactMap(\.processID) { sum += ResidentMemory(of: child) }
        return sum
    }
}
