import Testing

@testable import MonitorApp

@Suite("How monitors share pipelines")
struct ShareBalanceTests {
    @Test("A monitor alone takes everything")
    func alone() {
        let balance = ShareBalance(pipelines: ["a", "b", "c"], held: ["b"], monitors: 1)
        #expect(balance.wanted.names == ["a", "c"] && balance.wanted.count == 2)
        #expect(balance.released == [])
    }

    @Test("One that is not alone gives back what is over its share, and what is no pipeline any more")
    func over() {
        let balance = ShareBalance(pipelines: ["a", "b", "c", "d"], held: ["a", "b", "c", "x"], monitors: 2)
        #expect(balance.released == ["x", "c"])
        #expect(balance.wanted.count == 0)
    }

    @Test("No pipelines are no work")
    func none() {
        #expect(ShareBalance(pipelines: [], held: [], monitors: 3).wanted.names == [])
    }

    @Test("Whoever comes first: all pipelines are taken, nobody has more than an equal share", arguments: 1...6)
    func converges(monitors: Int) {
        for pipelines in 0...13 {
            let names = Set((0..<pipelines).map { "p\($0)" })
            var held = Array(repeating: Set<String>(), count: monitors)
            // The first has everything, as when the others came later.
            held[0] = names
            for round in 0..<3 * monitors {
                let own = round % monitors
                let balance = ShareBalance(pipelines: names, held: held[own], monitors: monitors)
                held[own].subtract(balance.released)
                let taken = held.reduce(Set()) { $0.union($1) }
                for name in balance.wanted.names.filter({ !taken.contains($0) }).prefix(balance.wanted.count) {
                    held[own].insert(name)
                }
            }
            #expect(held.reduce(0) { $0 + $1.count } == pipelines, "each has one holder")
            #expect(held.reduce(Set()) { $0.union($1) } == names)
            #expect(held.allSatisfy { $0.count <= (pipelines + monitors - 1) / monitors })
        }
    }
}
