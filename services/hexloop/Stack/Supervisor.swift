import Bus
import Dispatch
import Events
import FoundationEssentials
import Glibc
import ServiceKit

/// Keeps the programs of a stack running: starts them, starts again what ends, and stops them in reverse order.
actor Supervisor {
    /// A program that ended is started again after this, doubled each time up to the maximum.
    static let restartDelayMin: Duration = .milliseconds(100)
    static let restartDelayMax: Duration = .seconds(5)
    /// A life of that length makes the next delay short again.
    static let settledAfter: Duration = .seconds(10)
    /// The time a program has to stop in order before it is killed.
    static let stopMax: Duration = .seconds(20)

    /// How one program is.
    struct Child: Sendable {
        let program: Program
        var instance: String
        var processID: pid_t?
        var restarts = 0
        var isReady = false
        var reasons: [String] = ["not started"]
        var residentBytes = 0
    }

    /// A row of `pids.json`.
    private struct Row: Codable {
        var program: String
        var instance: String
        var pid: Int32
        var restarts: Int
    }

    private(set) var children: [Child]
    private let place: Place
    private let executables: String
    private let environment: [String: String]
    private let reaper = Reaper()
    private let notice: @Sendable (String, Terminal.Style) -> Void
    private let startedAt = ContinuousClock.now
    private var isStopping = false
    /// From the first start until all were ready for the first time.
    private(set) var readyAfter: Duration?

    init(
        _ programs: [Program],
        place: Place,
        executables: String,
        notice: @escaping @Sendable (String, Terminal.Style) -> Void
    ) {
        children = programs.map { Child(program: $0, instance: $0.instance) }
        self.place = place
        self.executables = executables
        self.notice = notice
        var environment = ProcessInfo.processInfo.environment
        environment["HEXLOOP_DATA"] = place.data
        environment["HEXLOOP_BUS"] = place.bus.text
        environment["HEXLOOP_ARTIFACTS"] = place.artifacts.text
        environment["HEXLOOP_SITE"] = place.site
        environment[ParentWatch.environmentName] = "\(getpid())"
        // One thread per training: more only spin, and each costs memory.
        environment["OPENBLAS_NUM_THREADS"] = "1"
        self.environment = environment
    }

    static let pidFileName = "pids.json"

    /// Where this executable is, and with it the others.
    static func executableDirectory() throws(CommandError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else {
            throw CommandError("/proc/self/exe cannot be read: \(String(cString: strerror(errno)))")
        }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    }

    // MARK: Running

    /// Keeps the programs running until ``stop()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            for index in children.indices { group.addTask { await self.keep(index) } }
        }
    }

    private func keep(_ index: Int) async {
        let program = children[index].program
        let log = "\(place.logDirectory)/\(program.label).log"
        var delay = Self.restartDelayMin
        while !isStopping {
            let began = ContinuousClock.now
            var what: String
            do {
                let child = try ChildProcess.spawn(
                    "\(executables)/\(program.name)",
                    environment: environment.merging(program.environment) { _, own in own },
                    log: log
                )
                children[index].processID = child
                children[index].reasons = ["starting"]
                writeProcessIDs()
                let ending = await reaper.ending(of: child)
                what = "\(program.label) (\(child)) \(ending)"
                children[index].processID = nil
            } catch {
                what = "\(error)"
            }
            children[index].isReady = false
            children[index].residentBytes = 0
            guard !isStopping else { break }
            let life = ContinuousClock.now - began
            if life >= Self.settledAfter { delay = Self.restartDelayMin }
            children[index].restarts += 1
            notice("\(what) after \(life.short); starting it again in \(delay.short); its log: \(log)", .red)
            do { try await Task.sleep(for: delay) } catch { break }
            delay = min(delay * 2, Self.restartDelayMax)
        }
        writeProcessIDs()
    }

    private func writeProcessIDs() {
        let rows = children.compactMap { child in
            child.processID.map {
                Row(program: child.program.name, instance: child.instance, pid: $0, restarts: child.restarts)
            }
        }
        do {
            let bytes = try EventCoding.encode(rows)
            try Data(bytes).write(
                to: URL(filePath: "\(place.runDirectory)/\(Self.pidFileName)"),
                options: .atomic
            )
        } catch {
            notice("\(place.runDirectory)/\(Self.pidFileName) cannot be written: \(error)", .red)
        }
    }

    // MARK: Health

    /// Takes what a program says about itself.
    func heard(_ beat: ServiceBeat) {
        guard
            let index = children.firstIndex(where: {
                $0.processID == beat.processID && $0.program.name == beat.service
            })
        else { return }
        let hasNewName = beat.instance != "main" && children[index].instance != beat.instance
        if hasNewName { children[index].instance = beat.instance }
        children[index].isReady = beat.ready
        children[index].reasons = beat.reasons
        children[index].residentBytes = beat.residentBytes
        if hasNewName { writeProcessIDs() }
        guard readyAfter == nil, children.allSatisfy(\.isReady) else { return }
        readyAfter = ContinuousClock.now - startedAt
    }

    /// Waits until every program has said that it is ready; `false` when that took longer than `timeout`.
    func waitUntilReady(timeout: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + timeout
        while readyAfter == nil {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    /// The programs that are not ready, each with its reason.
    var unready: [String] {
        children.filter { !$0.isReady }.map { "\($0.program.label): \($0.reasons.joined(separator: "; "))" }
    }

    // MARK: Stopping

    /// Stops the programs, the last started first, each before the next.
    func stop() async {
        isStopping = true
        for index in children.indices.reversed() {
            guard let child = children[index].processID else { continue }
            kill(child, SIGTERM)
            let deadline = ContinuousClock.now + Self.stopMax
            var wasKilled = false
            while children[index].processID == child {
                if !wasKilled, ContinuousClock.now >= deadline {
                    notice(
                        "\(children[index].program.label) did not stop in \(Self.stopMax.short); it was killed",
                        .red
                    )
                    kill(child, SIGKILL)
                    wasKilled = true
                }
                // Cancellation must not turn this into a busy loop: children are still to be stopped.
                await Self.pause()
            }
        }
        unlink("\(place.runDirectory)/\(Self.pidFileName)")
    }

    /// Ends all programs at once.
    func killAll() {
        isStopping = true
        for child in children.compactMap(\.processID) { kill(child, SIGKILL) }
    }

    /// A short wait that cancellation does not cut off.
    private static func pause() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(5)) { continuation.resume() }
        }
    }
}
