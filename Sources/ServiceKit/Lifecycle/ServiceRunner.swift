public import ArgumentParser
public import Logging
public import ServiceLifecycle
import Synchronization
import UnixSignals

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Runs the parts of a service from start to stop.
public enum ServiceRunner {
    /// What it means when a part's `run()` returns while nobody asked for a stop.
    public enum Completion: Sendable {
        /// A part of a server never ends by itself: the others are stopped and the exit code is 1.
        case isFailure
        /// The program is done: the others are stopped and the exit code is 0.
        case endsProgram
    }

    /// The time parts have to stop in order before they are cancelled.
    public static let gracefulShutdownMax = Duration.seconds(20)
    /// The time cancelled parts have before the process ends in spite of them.
    public static let cancellationMax = Duration.seconds(5)

    /// Runs the parts until SIGTERM, SIGINT, a failure, or the loss of the supervisor; see ``ParentWatch``.
    ///
    /// Parts stop in reverse order, each with the parts before it still running. One line is logged at the start and one at
    /// the end; an error is described once, on the last one. SIGPIPE is ignored from then on, so that a closed
    /// log pipe or connection is an error and not the end.
    ///
    /// ```swift
    /// let code = await ServiceRunner.run(name: "bus", logger: logger, services: [reactor, broker])
    /// throw code
    /// ```
    ///
    /// - Parameters:
    ///   - name: The name of the service.
    ///   - logger: Where the two lines go.
    ///   - services: The parts, each after those it needs.
    ///   - completion: What it means when a part returns by itself.
    ///   - environment: The environment variables, for ``ParentWatch``.
    /// - Returns: `ExitCode.success` after an orderly stop, `ExitCode.failure` otherwise; throw either from the command.
    public static func run(
        name: String,
        logger: Logger,
        services: [any Service],
        completion: Completion = .isFailure,
        environment: [String: String] = Settings.processEnvironment
    ) async -> ExitCode {
        signal(SIGPIPE, SIG_IGN)
        let stop = Stop()
        defer { stop.hard.disarm() }
        let identity: Logger.Metadata = ["service.name": "\(name)", "process.id": "\(getpid())"]
        do {
            var parts = services.map { service in
                let name = "\(type(of: service))"
                return configuration(Part(service: service, name: name, stop: stop, completion: completion), name: name)
            }
            let watch = try ParentWatch(name: name, environment: environment, hardStop: stop.hard) {
                logger.warning("The supervisor is gone, stopping", metadata: identity)
            }
            if let watch {
                parts.append(configuration(watch, name: "ParentWatch"))
            }
            parts.append(configuration(StopWitness(name: name, stop: stop), name: "StopWitness"))
            var group = ServiceGroupConfiguration(
                services: parts,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
            group.logging.keys = loggingKeys
            group.maximumGracefulShutdownDuration = gracefulShutdownMax
            logger.notice("Started", metadata: identity)
            try await ServiceGroup(configuration: group).run()
            if let failure = stop.failure {
                throw failure
            }
            logger.notice("Stopped", metadata: identity)
            return .success
        } catch {
            let cause = stop.failure ?? error
            let metadata = identity.merging(["error.message": "\(OneLine.describe(cause))"]) { _, later in later }
            logger.error("Stopped after a failure", metadata: metadata)
            return .failure
        }
    }

    private static func configuration(
        _ service: any Service,
        name: String
    ) -> ServiceGroupConfiguration.ServiceConfiguration {
        ServiceGroupConfiguration.ServiceConfiguration(
            service: service,
            successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup,
            serviceName: name
        )
    }

    private static var loggingKeys: ServiceGroupConfiguration.LoggingConfiguration.Keys {
        var keys = ServiceGroupConfiguration.LoggingConfiguration.Keys()
        keys.signalKey = "signal.name"
        keys.gracefulShutdownSignalsKey = "signal.graceful"
        keys.cancellationSignalsKey = "signal.cancelling"
        keys.serviceKey = "part.name"
        keys.servicesKey = "part.names"
        keys.errorKey = "error.message"
        return keys
    }
}

/// A part returned while nobody asked for a stop.
struct UnexpectedReturn: Error, CustomStringConvertible {
    let part: String

    var description: String { "\(part) ended by itself" }
}

/// Whether the group is stopping, and the first failure, which is the cause of the others.
private final class Stop: Sendable {
    let hard = HardStop()
    private let state = Mutex<(isStopping: Bool, failure: (any Error)?)>((false, nil))

    var failure: (any Error)? { state.withLock { $0.failure } }

    /// Returns false when the group was stopping already.
    @discardableResult
    func begin(failure: (any Error)? = nil) -> Bool {
        state.withLock { state in
            guard !state.isStopping else { return false }
            state = (true, failure)
            return true
        }
    }
}

/// Runs one part and notes how it ended.
private struct Part: Service {
    let service: any Service
    let name: String
    let stop: Stop
    let completion: ServiceRunner.Completion

    func run() async throws {
        do {
            try await service.run()
        } catch {
            let isCancellation = error is CancellationError && (Task.isCancelled || Task.isShuttingDownGracefully)
            if !isCancellation {
                stop.begin(failure: error)
                throw error
            }
            return
        }
        guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
        switch completion {
        case .endsProgram:
            stop.begin()
        case .isFailure:
            let failure = UnexpectedReturn(part: name)
            if stop.begin(failure: failure) {
                throw failure
            }
        }
    }
}

/// The last part, and so the first to hear of a stop: starts the clock for it.
private struct StopWitness: Service {
    let name: String
    let stop: Stop

    func run() async throws {
        do {
            try await gracefulShutdown()
        } catch {
            // Cancelled instead: the same, with less time for the others.
        }
        stop.begin()
        stop.hard.arm(
            after: ServiceRunner.gracefulShutdownMax + ServiceRunner.cancellationMax,
            line: "\(name): a part did not stop in time"
        )
    }
}
