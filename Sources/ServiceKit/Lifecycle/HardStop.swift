import Dispatch
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Ends the process when an orderly stop takes too long.
///
/// The timer runs on a thread of its own, so it also fires when every thread of the cooperative pool is blocked.
final class HardStop: Sendable {
    private let isDisarmed = Mutex(false)

    /// Ends the process with exit code 1 after the delay, unless ``disarm()`` comes first.
    func arm(after delay: Duration, line: String) {
        let (seconds, attoseconds) = delay.components
        let deadline = DispatchTime.now() + .seconds(Int(seconds)) + .nanoseconds(Int(attoseconds / 1_000_000_000))
        DispatchQueue(label: "hard-stop").asyncAfter(deadline: deadline) { [self] in
            guard !isDisarmed.withLock({ $0 }) else { return }
            StandardError.write(line)
            _exit(1)
        }
    }

    func disarm() {
        isDisarmed.withLock { $0 = true }
    }
}
