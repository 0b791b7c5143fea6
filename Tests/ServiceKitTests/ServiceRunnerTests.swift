import ArgumentParser
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import ServiceKit

private struct Waiting: Service {
    var onStop: @Sendable () -> Void = {}

    func run() async throws {
        try await gracefulShutdown()
        onStop()
    }
}

private struct Returning: Service {
    func run() async throws {}
}

private struct Failing: Service {
    struct Failure: Error, CustomStringConvertible {
        let description = "disk\nfull"
    }

    func run() async throws { throw Failure() }
}

private struct FailingOnStop: Service {
    func run() async throws {
        try await gracefulShutdown()
        throw Failing.Failure()
    }
}

private struct Signalling: Service {
    let signal: Int32

    func run() async throws {
        kill(getpid(), signal)
        try await gracefulShutdown()
    }
}

private struct Piping: Service {
    func run() async throws { kill(getpid(), SIGPIPE) }
}

@Suite("A service runs from start to stop", .timeLimit(.minutes(1)))
struct ServiceRunnerTests {
    @Test("a program that is done stops the other parts and ends with 0")
    func completion() async {
        let sink = LineSink()
        let stopped = Mutex(false)
        let code = await ServiceRunner.run(
            name: "demo",
            logger: sink.logger("demo", level: .info),
            services: [Waiting(onStop: { stopped.withLock { $0 = true } }), Returning()],
            completion: .endsProgram,
            environment: [:]
        )
        #expect(code == .success)
        #expect(stopped.withLock { $0 })
        #expect(sink.lines.count == 2)
        #expect(sink.lines[0].contains("notice   demo Started"))
        #expect(sink.lines[1].contains("notice   demo Stopped process.id="))
    }

    @Test("a server's part that returns by itself is a failure with the part's name")
    func unexpectedReturn() async {
        let sink = LineSink()
        let code = await ServiceRunner.run(
            name: "bus",
            logger: sink.logger("bus", level: .info),
            services: [Waiting(), Returning()],
            environment: [:]
        )
        #expect(code == .failure)
        #expect(sink.lines.last?.contains("error.message=\"Returning ended by itself\"") == true)
    }

    @Test("a failure is described once, on one line, after the others stopped")
    func failure() async {
        let sink = LineSink()
        let stopped = Mutex(false)
        let code = await ServiceRunner.run(
            name: "bus",
            logger: sink.logger("bus", level: .info),
            services: [Waiting(onStop: { stopped.withLock { $0 = true } }), Failing()],
            environment: [:]
        )
        #expect(code == .failure)
        #expect(stopped.withLock { $0 })
        #expect(sink.lines.count == 2)
        #expect(sink.lines[1].contains("error.message=\"disk; full\""))
    }

    @Test("a failure while stopping is a failure")
    func failureOnStop() async {
        let sink = LineSink()
        let code = await ServiceRunner.run(
            name: "bus",
            logger: sink.logger("bus"),
            services: [FailingOnStop(), Returning()],
            completion: .endsProgram,
            environment: [:]
        )
        #expect(code == .failure)
        #expect(sink.lines.last?.contains("disk; full") == true)
    }

    @Test("a service whose supervisor is gone at the start stops in order")
    func orphanAtStart() async {
        let sink = LineSink()
        let code = await ServiceRunner.run(
            name: "bus",
            logger: sink.logger("bus", level: .info),
            services: [Waiting()],
            environment: ["HEXLOOP_PARENT_PID": "\(Int32.max)"]
        )
        #expect(code == .success)
        #expect(sink.lines.count == 3)
        #expect(sink.lines[1].contains("The supervisor is gone"))
    }

    @Test("a supervisor that is no process id stops the start")
    func badParent() async {
        let sink = LineSink()
        let code = await ServiceRunner.run(
            name: "bus",
            logger: sink.logger("bus", level: .info),
            services: [Waiting()],
            environment: ["HEXLOOP_PARENT_PID": "me"]
        )
        #expect(code == .failure)
        #expect(sink.lines.count == 1)
        #expect(sink.lines[0].contains("HEXLOOP_PARENT_PID"))
    }

    @Test("SIGTERM stops in order")
    func terminate() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let code = await ServiceRunner.run(
                name: "bus",
                logger: Logger(label: "bus"),
                services: [Signalling(signal: SIGTERM)],
                environment: [:]
            )
            exit(code.rawValue)
        }
    }

    @Test("SIGINT stops in order")
    func interrupt() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let code = await ServiceRunner.run(
                name: "bus",
                logger: Logger(label: "bus"),
                services: [Signalling(signal: SIGINT)],
                environment: [:]
            )
            exit(code.rawValue)
        }
    }

    @Test("a reader that went away does not end the service")
    func brokenPipe() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let code = await ServiceRunner.run(
                name: "bus",
                logger: Logger(label: "bus"),
                services: [Piping()],
                completion: .endsProgram,
                environment: [:]
            )
            exit(code.rawValue)
        }
    }

    @Test("a stop that takes too long ends with one line and 1")
    func hardStop() async throws {
        let result = try await #require(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            HardStop().arm(after: .zero, line: "bus: too long")
            while true {
                pause()
            }
        }
        #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("bus: too long\n"))
    }
}

/// A clock on which every wait is over at once.
private struct ImmediateClock: Clock {
    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
    }
}

@Suite("A service notices when its supervisor is gone", .timeLimit(.minutes(1)))
struct ParentWatchTests {
    @Test("it looks until the parent is another one")
    func loss() async throws {
        let looks = Mutex(0)
        let losses = Mutex(0)
        let hardStop = HardStop()
        hardStop.disarm()
        let watch = try #require(
            try ParentWatch(
                name: "bus",
                environment: ["HEXLOOP_PARENT_PID": "77"],
                hardStop: hardStop,
                currentParent: {
                    looks.withLock { looks in
                        looks += 1
                        return looks < 4 ? 77 : 1
                    }
                },
                onLoss: { losses.withLock { $0 += 1 } }
            )
        )
        try await watch.run(clock: ImmediateClock())
        #expect(looks.withLock { $0 } == 4)
        #expect(losses.withLock { $0 } == 1)
    }

    @Test("it ends with the others while the parent lives")
    func normalStop() async {
        let code = await ServiceRunner.run(
            name: "bus",
            logger: LineSink().logger("bus"),
            services: [Returning()],
            completion: .endsProgram,
            environment: ["HEXLOOP_PARENT_PID": "\(getppid())"]
        )
        #expect(code == .success)
    }

    @Test("without the variable there is no watch", arguments: [[:], ["HEXLOOP_PARENT_PID": ""]])
    func absent(environment: [String: String]) throws {
        #expect(try ParentWatch(name: "bus", environment: environment) == nil)
    }

    @Test("what is no process id is refused", arguments: ["0", "-4", "1.0", "x"])
    func malformed(text: String) {
        #expect(throws: SettingsError.self) {
            try ParentWatch(name: "bus", environment: ["HEXLOOP_PARENT_PID": text])
        }
    }
}
