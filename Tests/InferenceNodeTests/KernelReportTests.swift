import Events
import Kernels
import Testing

@testable import InferenceNodeApp

@Suite("A node says which kernels it does without")
struct KernelReportTests {
    @Test("One event for each variant that failed, with what is used instead")
    func failures() {
        let events = KernelReport(failed: [.avx2, .avx512vnni], used: .scalar).events(node: "node-1")
        #expect(events.map(\.variant) == ["avx2", "avx512vnni"])
        #expect(events.allSatisfy { $0.used == "scalar" && $0.node == "node-1" && $0.message.contains("scalar") })
    }

    @Test("Nothing failed here, and nothing is said")
    func none() {
        #expect(KernelReport.here.events(node: "node-1").isEmpty)
    }
}
