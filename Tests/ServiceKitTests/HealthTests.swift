import Testing

@testable import ServiceKit

@Suite("A service is ready when all its parts are")
struct HealthTests {
    @Test("expected parts must report first")
    func expected() {
        let health = Health(expecting: ["bus", "store"])
        #expect(!health.isReady)
        #expect(health.reasons == ["bus: not started", "store: not started"])
        health.set("bus", .ready)
        #expect(health.reasons == ["store: not started"])
        health.set("store", .ready)
        #expect(health.isReady)
        #expect(health.reasons.isEmpty)
    }

    @Test("the last report of a part counts")
    func changes() {
        let health = Health()
        health.set("bus", .ready)
        health.set("bus", .notReady("connecting to tcp://bus:7000"))
        #expect(!health.isReady)
        #expect(health.reasons == ["bus: connecting to tcp://bus:7000"])
    }

    @Test("without a report it is not ready and says so")
    func nothing() {
        #expect(!Health().isReady)
        #expect(Health().reasons == ["no part has reported yet"])
    }
}
