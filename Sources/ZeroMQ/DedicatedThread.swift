internal import CZeroMQ
import Glibc
import Synchronization

/// An operating-system thread for work that may block; Swift's own pool has one thread per core and never grows.
///
/// All signals are blocked on it, so that libzmq calls are not interrupted and the main thread sees every signal.
public final class DedicatedThread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic(false)

    /// Starts `body` on a thread of that name (at most 15 characters are kept).
    public init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        let status = unsafe pthread_create(
            &handle,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe hexloop_name_thread(String(start.name.prefix(15)))
                var signals = sigset_t()
                unsafe sigfillset(&signals)
                unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        precondition(status == 0, "the operating system refuses a thread: error \(status)")
        self.handle = handle
    }

    /// Runs a computation that would block the cooperative pool on a thread of its own.
    /// - Throws: What `body` throws.
    public static func run<Value: Sendable>(
        _ name: String,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            _ = DedicatedThread(name) { continuation.resume(with: Result { try body() }) }
        }
    }

    /// A thread that nobody joined gives its memory back by itself when its body has returned.
    deinit { if !isJoined.load(ordering: .relaxed) { pthread_detach(handle) } }

    /// Waits until the body has returned; only the first call waits. Not to be called from the thread itself.
    public func join() {
        if !isJoined.exchange(true, ordering: .relaxed) { pthread_join(handle, nil) }
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
