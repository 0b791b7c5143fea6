import Dispatch
import Synchronization

/// Many seeds, on as many threads as there are cores.
package struct SimulationRun: Sendable {
    /// One seed that broke a promise.
    package struct Finding: Sendable {
        /// Replays the run exactly.
        package let seed: UInt64
        /// What was broken, and when.
        package let violation: Simulation.Violation
    }

    /// Seeds that were run.
    package var seeds = 0
    /// Messages that went over connections.
    package var messages = 0
    /// What was done to them.
    package var faults = FaultCounts()
    /// What did not hold, by seed.
    package var findings: [Finding] = []
    /// Of all runs, whatever their order.
    package var hash: UInt64 = 0

    /// Runs `count` seeds from `first`.
    /// - Parameters:
    ///   - findingsMax: Seeds that may fail before no more are begun.
    ///   - progress: Called now and then with the figures so far.
    package static func run(
        from first: UInt64,
        count: Int,
        sabotage: Sabotage? = nil,
        findingsMax: Int = 1,
        threads: Int,
        progress: @escaping @Sendable (SimulationRun) -> Void = { _ in }
    ) -> SimulationRun {
        let state = Mutex(SimulationRun())
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count, state.withLock({ $0.findings.count < findingsMax }) else { return }
                let simulation = Simulation(seed: first &+ UInt64(index), sabotage: sabotage)
                simulation.run()
                let snapshot = state.withLock { run in
                    run.add(simulation)
                    return run.seeds.isMultiple(of: 250) ? run : nil
                }
                if let snapshot { progress(snapshot) }
            }
        }
        var run = state.withLock { $0 }
        run.findings.sort { $0.seed < $1.seed }
        return run
    }

    private mutating func add(_ simulation: Simulation) {
        seeds += 1
        messages += simulation.messages
        faults += simulation.faults
        hash ^= simulation.trace.hash
        if let violation = simulation.violation {
            findings.append(Finding(seed: simulation.seed, violation: violation))
        }
    }
}
