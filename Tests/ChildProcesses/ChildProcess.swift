public import Glibc

/// A child of a test: started with posix_spawn and waited for with waitpid, without run loops or signal handlers.
///
/// Safe to use from many tests at once. Whoever starts one kills and reaps it; when the whole run is killed, programs of
/// Hexloop notice and end.
public struct ChildProcess: Sendable {
    /// The process id.
    public let id: pid_t

    /// A child that could not be started.
    public struct StartError: Error, CustomStringConvertible {
        /// What could not be done and why.
        public let description: String
    }

    /// Starts the program `name` that was built beside the test bundle, or any program by its absolute path.
    /// - Parameters:
    ///   - environment: All of its environment.
    ///   - output: A file that takes standard output and error; nil for those of the test.
    public init(
        _ name: String,
        arguments: [String] = [],
        environment: [String: String] = [:],
        output: String? = nil
    ) throws(StartError) {
        let path = name.hasPrefix("/") ? name : "\(try Self.folder())/\(name)"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        let variables = environment.merging(["HEXLOOP_PARENT_PID": "\(getpid())"]) { given, _ in given }
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") }
        argv.append(nil)
        envp.append(nil)
        defer { for pointer in argv + envp { free(pointer) } }
        var id = pid_t()
        let status = posix_spawn(&id, path, &actions, &attributes, argv, envp)
        guard status == 0 else {
            throw StartError(description: "cannot start \(path): \(String(cString: strerror(status)))")
        }
        self.id = id
    }

    private static func folder() throws(StartError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { throw StartError(description: "cannot find the folder of the test bundle") }
        let path = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }

    /// Whether the child has not ended yet. Reaps nothing.
    public var isRunning: Bool {
        var information = siginfo_t()
        let status = waitid(P_PID, id_t(id), &information, WEXITED | WNOHANG | WNOWAIT)
        return status == 0 && information.si_signo == 0
    }

    /// Sends a signal.
    public func signal(_ signal: Int32) { kill(id, signal) }

    /// Waits for the end and reaps the child; blocks the calling thread. Call it once.
    /// - Returns: The exit code, or minus the signal that ended it.
    @discardableResult
    public func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
    }
}
