import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// Starts programs as children, each in a process group of its own: Ctrl-C reaches this program alone, which then stops
/// them in order.
enum ChildProcess {
    /// How a child ended.
    enum Ending: Sendable, Hashable, CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)

        init(status: Int32) {
            self = status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
        }

        var description: String {
            switch self {
            case .exit(let code): "ended with exit code \(code)"
            case .signal(let number): "was ended by signal \(number)"
            }
        }
    }

    /// Starts a program whose output goes to the end of a file.
    /// - Returns: Its process id.
    static func spawn(
        _ executable: String,
        arguments: [String] = [],
        environment: [String: String],
        log: String
    ) throws(CommandError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        )

        // Safety: the copies live until they are freed below; posix_spawn keeps none of them.
        var arguments: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, executable, &actions, &attributes, &arguments, &variables)
        guard result == 0 else {
            throw CommandError("\(executable) cannot be started: \(String(cString: strerror(result)))")
        }
        return child
    }
}

/// Waits for children on one thread: as many waits as there were starts.
final class Reaper: Sendable {
    private struct State {
        var endings: [pid_t: ChildProcess.Ending] = [:]
        var waiters: [pid_t: CheckedContinuation<ChildProcess.Ending, Never>] = [:]
    }

    private let state = Mutex(State())
    private let started = DispatchSemaphore(value: 0)

    init() {
        DispatchQueue(label: "reaper").async { [self] in
            while true {
                started.wait()
                reap()
            }
        }
    }

    /// Waits for a child; call it once for each.
    func ending(of child: pid_t) async -> ChildProcess.Ending {
        started.signal()
        return await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if let ending = state.endings.removeValue(forKey: child) { return ending as ChildProcess.Ending? }
                state.waiters[child] = continuation
                return nil
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    private func reap() {
        var status: Int32 = 0
        var child: pid_t = -1
        repeat { child = waitpid(-1, &status, 0) } while child < 0 && errno == EINTR
        guard child > 0 else { return }
        let ending = ChildProcess.Ending(status: status)
        let waiter = state.withLock { state in
            if let waiter = state.waiters.removeValue(forKey: child) { return waiter as CheckedContinuation? }
            state.endings[child] = ending
            return nil
        }
        waiter?.resume(returning: ending)
    }
}
