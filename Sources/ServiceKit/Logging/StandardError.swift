import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Writes whole lines to standard error.
enum StandardError {
    private static let turn = Mutex(())

    /// Writes the line and a line break; lines of several threads do not mix.
    ///
    /// When nobody reads any more there is nowhere left to report it, so the line is dropped.
    static func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        turn.withLock { _ in
            var start = 0
            while start < bytes.count {
                let count = bytes[start...].withUnsafeBytes { Descriptor.write(STDERR_FILENO, $0) }
                guard count > 0 else { return }
                start += count
            }
        }
    }
}
