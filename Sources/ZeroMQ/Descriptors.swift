import Glibc

/// File descriptors of this process: each connection is one.
public enum Descriptors {
    /// Lets the process open as many as the system allows it.
    /// - Returns: How many that are.
    @discardableResult
    public static func raiseLimit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
                _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many the process may open at the moment.
    public static func limit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many are open; those with a number from `end` on are not looked at.
    public static func open(upTo end: Int) -> Int {
        (0..<Int32(clamping: end)).count { fcntl($0, F_GETFD) >= 0 }
    }
}
