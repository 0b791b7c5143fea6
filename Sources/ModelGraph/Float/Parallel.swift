import Glibc

/// A loop whose turns do not depend on each other, on all processors.
enum Parallel {
    /// A loop with fewer multiplications runs on the caller alone: a thread takes some ten microseconds to begin.
    private static let workMin = 1 << 21
    /// More threads than this gain little beside the memory that they share.
    private static let threadsMax = 8

    private static let processors: Int = max(1, min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), threadsMax))

    /// Calls the body with parts of `0..<units` that together are all of it, and returns when all are done.
    ///
    /// - Parameters:
    ///   - work: About how many multiplications the loop has.
    ///   - body: Writes nothing that another part writes.
    static func loop(_ units: Int, work: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let threads = min(processors, units, max(1, work / workMin))
        guard threads > 1 else { return body(0..<units) }
        withoutActuallyEscaping(body) { body in
            let part = { (index: Int) in units * index / threads..<units * (index + 1) / threads }
            var running: [pthread_t] = []
            for index in 1..<threads {
                let range = part(index)
                if let thread = start({ body(range) }) { running.append(thread) } else { body(range) }
            }
            body(part(0))
            for thread in running { pthread_join(thread, nil) }
        }
    }

    /// nil when the operating system has no thread to give.
    private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        final class Start: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let start = unsafe Unmanaged.passRetained(Start(body))
        var thread = pthread_t()
        // Safety: the thread takes the object that is retained for it.
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                // Signals are for the threads of the program.
                var signals = sigset_t()
                unsafe sigfillset(&signals)
                unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard status == 0 else {
            unsafe start.release()
            return nil
        }
        return thread
    }
}
