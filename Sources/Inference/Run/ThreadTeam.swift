import Glibc
import Synchronization

/// A few threads that do the units of a step together with the thread that asks.
///
/// A step takes microseconds, so that the threads look for work for a while before they go to sleep.
// Safety: `job` is written by the asking thread while no other works, and published by `generation`.
@safe final class ThreadTeam: Sendable {
    /// More threads than this for one session are refused.
    static let threadsMax = 64
    /// How often a thread looks for work before it sleeps.
    private static let looksMax = 4_000

    private let shared: Shared
    private let handles: [pthread_t]

    /// Starts all threads but that of the caller.
    init(_ threads: Int) {
        let shared = Shared(threads: threads)
        self.shared = shared
        handles = (1..<threads).map { index in ThreadTeam.start { shared.work(thread: index) } }
    }

    deinit {
        shared.end()
        for handle in handles { pthread_join(handle, nil) }
    }

    /// What the team does: the units of one step.
    struct Job {
        let memory: SessionMemory
        let model: PreparedModel
        let step: Int
        let rows: Int
        let units: Int
    }

    /// Runs all units of a step, parts of them on each thread, and returns when all are done.
    func run(_ job: Job) { shared.run(job) }

    private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
        final class Start: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let start = unsafe Unmanaged.passRetained(Start(body))
        var handle = pthread_t()
        let status = unsafe pthread_create(
            &handle,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                var signals = sigset_t()
                unsafe sigfillset(&signals)
                unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        precondition(status == 0, "the operating system refuses a thread: error \(status)")
        return handle
    }

    // Safety: as above; mutex and condition are allocated in init and freed in deinit.
    @safe private final class Shared: @unchecked Sendable {
        private let threads: Int
        /// Odd when the team has ended, else twice the number of tasks.
        private let generation = Atomic<Int>(0)
        private let working = Atomic<Int>(0)
        private let sleepers = Atomic<Int>(0)
        private var job: Job?
        private let mutex: UnsafeMutablePointer<pthread_mutex_t>
        private let wake: UnsafeMutablePointer<pthread_cond_t>

        init(threads: Int) {
            self.threads = threads
            unsafe mutex = .allocate(capacity: 1)
            unsafe wake = .allocate(capacity: 1)
            unsafe mutex.initialize(to: pthread_mutex_t())
            unsafe wake.initialize(to: pthread_cond_t())
            unsafe pthread_mutex_init(mutex, nil)
            unsafe pthread_cond_init(wake, nil)
        }

        deinit {
            unsafe pthread_cond_destroy(wake)
            unsafe pthread_mutex_destroy(mutex)
            unsafe wake.deallocate()
            unsafe mutex.deallocate()
        }

        func run(_ job: Job) {
            self.job = job
            working.store(threads - 1, ordering: .relaxed)
            publish(2)
            run(job, thread: 0)
            var looks = 0
            while working.load(ordering: .acquiring) > 0 {
                looks += 1
                if looks > ThreadTeam.looksMax { sched_yield() }
            }
            self.job = nil
        }

        func end() { publish(1) }

        func work(thread: Int) {
            var seen = 0
            while true {
                seen = wait(after: seen)
                guard seen & 1 == 0 else { return }
                if let job { run(job, thread: thread) }
                working.subtract(1, ordering: .releasing)
            }
        }

        private func run(_ job: Job, thread: Int) {
            let units = job.units * thread / threads..<job.units * (thread + 1) / threads
            guard !units.isEmpty else { return }
            job.memory.run(job.step, of: job.model, rows: job.rows, units: units, thread: thread)
        }

        private func publish(_ step: Int) {
            generation.add(step, ordering: .sequentiallyConsistent)
            guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
            unsafe pthread_mutex_lock(mutex)
            unsafe pthread_cond_broadcast(wake)
            unsafe pthread_mutex_unlock(mutex)
        }

        private func wait(after seen: Int) -> Int {
            for _ in 0..<ThreadTeam.looksMax {
                let now = generation.load(ordering: .acquiring)
                if now != seen { return now }
            }
            unsafe pthread_mutex_lock(mutex)
            sleepers.add(1, ordering: .sequentiallyConsistent)
            var now = generation.load(ordering: .sequentiallyConsistent)
            while now == seen {
                unsafe pthread_cond_wait(wake, mutex)
                now = generation.load(ordering: .sequentiallyConsistent)
            }
            sleepers.subtract(1, ordering: .sequentiallyConsistent)
            unsafe pthread_mutex_unlock(mutex)
            return now
        }
    }
}
