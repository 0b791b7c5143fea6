import BusSimulation
import Testing

@Suite("Under faults nothing acknowledged is lost, and nothing is read twice", .timeLimit(.minutes(2)))
struct SimulationTests {
    @Test("every seed keeps the promises, and every kind of trouble was made")
    func seeds() {
        let run = SimulationRun.run(from: 1, count: 120, threads: 2)
        for finding in run.findings {
            Issue.record("seed \(finding.seed) at \(finding.violation.at): \(finding.violation.message)")
        }
        for fault in Fault.allCases { #expect(run.faults[fault] > 0, "\(fault) never happened") }
    }

    @Test("the same seed gives the same run", arguments: [3, 42, 4711])
    func repeatable(_ seed: UInt64) {
        let (one, two) = (Simulation(seed: seed, keepsTrace: true), Simulation(seed: seed))
        one.run()
        two.run()
        #expect(one.trace.hash == two.trace.hash)
        #expect(one.faults == two.faults)
        #expect(one.trace.lines.count > 1000)
        #expect(two.trace.lines.isEmpty)
    }

    @Test("a broker that breaks a promise is found out", arguments: Sabotage.allCases)
    func sabotage(_ sabotage: Sabotage) {
        let run = SimulationRun.run(from: 1, count: 200, sabotage: sabotage, threads: 2)
        #expect(!run.findings.isEmpty, "\(sabotage) went unnoticed in 200 seeds")
    }
}
