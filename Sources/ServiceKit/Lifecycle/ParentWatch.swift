public import ServiceLifecycle

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Ends a service whose supervisor is gone, so that a killed supervisor leaves no child behind.
///
/// The supervisor puts its process id into `HEXLOOP_PARENT_PID`. When the parent of this process is another one, `run()`
/// returns; its group must be set to shut down gracefully then, as ``ServiceRunner`` does. If the process still
/// lives after ``graceMax``, it ends at once with exit code 1.
public struct ParentWatch: Service {
    private let parent: Int32
    private let name: String
    private let hardStop: HardStop
    private let currentParent: @Sendable () -> Int32
    private let onLoss: @Sendable () -> Void

    /// The environment variable with the supervisor's process id.
    public static let environmentName = "HEXLOOP_PARENT_PID"
    /// The time between two looks at the parent.
    public static let interval = Duration.milliseconds(500)
    /// The time an orphan has to stop in order.
    public static let graceMax = Duration.seconds(5)

    /// Creates the watch; nil when no supervisor is named.
    ///
    /// - Parameters:
    ///   - name: The name of the service, for the line written when the time is over.
    ///   - environment: The environment variables.
    /// - Throws: ``SettingsError/malformed(key:value:expected:source:)`` when the variable is no process id.
    public init?(name: String, environment: [String: String]) throws(SettingsError) {
        try self.init(name: name, environment: environment, hardStop: HardStop(), onLoss: {})
    }

    init?(
        name: String,
        environment: [String: String],
        hardStop: HardStop,
        currentParent: @escaping @Sendable () -> Int32 = { getppid() },
        onLoss: @escaping @Sendable () -> Void
    ) throws(SettingsError) {
        guard let text = environment[Self.environmentName], !text.isEmpty else { return nil }
        guard let parent = Int32(text), parent > 0 else {
            throw .malformed(key: "parent.pid", value: text, expected: "a process id", source: .environment)
        }
        self.parent = parent
        self.name = name
        self.hardStop = hardStop
        self.currentParent = currentParent
        self.onLoss = onLoss
    }

    /// Waits until the parent is gone or the group shuts down.
    public func run() async throws {
        try await run(clock: ContinuousClock())
    }

    func run(clock: some Clock<Duration>) async throws {
        while currentParent() == parent {
            do {
                try await cancelWhenGracefulShutdown { try await clock.sleep(for: Self.interval) }
            } catch is CancellationError {
                return
            }
            guard !Task.isShuttingDownGracefully else { return }
        }
        onLoss()
        hardStop.arm(after: Self.graceMax, line: "\(name): the supervisor is gone and the stop took too long")
    }
}
