import BusSimulation
import Events
import Testing

@testable import Bus

@Suite("A work group stays cheap and remembers what matters")
struct WorkGroupTests {
    private static let filter = [try? TopicFilter("e/")].compactMap { $0 }

    static func record(_ sequence: UInt64) -> Record {
        Record(topic: "e/s/x/y/v1/a/", epoch: 7, sequence: sequence, previous: 0, header: [], data: [])
    }

    static func member(_ name: String) -> Requester { Requester(peer: BrokerHarness.peer(name), correlation: 2) }

    @Test("jobs leave a queue in the order of their numbers, however they came", arguments: 0..<20)
    func queue(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = JobQueue()
        var expected: [UInt64] = []
        var next: UInt64 = 1
        for _ in 0..<3000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                queue.insert(WorkGroup.Job(id: next, record: Self.record(next)))
                expected.append(next)
                next += 1
            case 5..<8 where !expected.isEmpty:
                #expect(queue.popFirst()?.id == expected.removeFirst())
            case 8 where !expected.isEmpty:
                #expect(queue.popLast()?.id == expected.removeLast())
            default:
                // One that went out before comes back.
                let id = UInt64.random(in: 0...next, using: &random)
                guard !expected.contains(id), id < next else { continue }
                queue.insert(WorkGroup.Job(id: id, record: Self.record(id)))
                expected.insert(id, at: expected.firstIndex { $0 > id } ?? expected.count)
            }
            #expect(queue.count == expected.count && queue.front?.id == expected.first)
        }
        queue.removeAll { $0.id % 2 == 0 }
        #expect(queue.takeAll().map(\.id) == expected.filter { $0 % 2 == 1 }, "seed \(seed)")
        #expect(queue.isEmpty)
    }

    /// Counts what a DONE costs in steps of the machine's own work, not in time: notes per DONE, and their size.
    @Test("with 4096 credits and 100,000 jobs a DONE notes one sequence, in whatever order jobs end")
    func incremental() throws {
        var group = WorkGroup(name: "g", filters: Self.filter, floor: 0)
        for index in 0..<4 { group.join(Self.member("m\(index)"), credit: 1024, leaseMs: 60_000) }
        for sequence: UInt64 in 1...100_000 { group.add(WorkGroup.Job(id: sequence, record: Self.record(sequence))) }
        group.tail.advance(to: 100_000)
        var random = SeededGenerator(seed: 5)
        var held = group.dispatch(now: .zero)
        #expect(held.count == 4096)
        var snapshot = LogSnapshot(epoch: 7)
        snapshot.apply(.group(name: "g", .defined(filters: Self.filter, floor: 0)))
        var now = Duration.zero
        var (ended, notedMax) = (0, 0)
        while !held.isEmpty {
            now += .milliseconds(1)
            let index = Int.random(in: 0..<held.count, using: &random)
            held.swapAt(index, held.count - 1)
            let one = held.removeLast()
            #expect(group.finish(one.member, one.token, now: now)?.count == 1)
            for note in group.takeNotes() {
                guard case .progressed(_, let done) = note else { continue }
                notedMax = max(notedMax, done.count)
                if ended % 500 == 0 || held.count < 50 { snapshot.apply(.group(name: "g", note)) }
            }
            ended += 1
            held += group.dispatch(now: now)
        }
        #expect(ended == 100_000)
        #expect(notedMax == 1)
        #expect(group.progress() == (100_000, []))
        #expect(group.waitingCount == 0 && group.leasedCount == 0)
    }

    @Test("notes alone give the group back, in whatever order jobs end", arguments: 0..<10)
    func notes(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var group = WorkGroup(name: "g", filters: Self.filter, floor: 0)
        group.join(Self.member("a"), credit: 20, leaseMs: 60_000)
        for sequence: UInt64 in 1...200 { group.add(WorkGroup.Job(id: sequence, record: Self.record(sequence))) }
        group.tail.advance(to: 200)
        var snapshot = LogSnapshot(epoch: 7)
        snapshot.apply(.group(name: "g", .defined(filters: Self.filter, floor: 0)))
        var held = group.dispatch(now: .zero)
        var open = Set<UInt64>(1...200)
        while let one = held.randomElement(using: &random) {
            held.removeAll { $0 == one }
            if random.one(in: 4) {
                let dead = group.fail(one.member, one.token, Refusal(.failed, "no"))
                for job in dead ?? [] { open.remove(job.id) }
            } else {
                _ = group.finish(one.member, one.token, now: .zero)
                open.remove(one.token.job)
            }
            for note in group.takeNotes() { snapshot.apply(.group(name: "g", note)) }
            held += group.dispatch(now: .zero)
            let kept = snapshot.groups["g"]
            let done = Set((1...200).filter { $0 <= kept?.floor ?? 0 }).union(kept?.done ?? [])
            #expect(done == Set<UInt64>(1...200).subtracting(open), "seed \(seed)")
        }
        #expect(open.isEmpty && snapshot.groups["g"]?.floor == 200)
        #expect(snapshot.groups["g"]?.failures.isEmpty == true)
    }
}

/// Members, jobs that come at random times, and the group between them, under virtual time.
struct Workplace {
    struct Worker {
        var seconds: Double
        var credit = 8
        var batch = 1
        /// What a JOB costs besides its parts.
        var overhead = 0.0
        var queue: [(token: LeaseToken, parts: Int)] = []
        var doneAt = Double.infinity
    }

    var group = WorkGroup(name: "g", filters: [], floor: 0)
    var workers: [Worker]
    private var random: SeededGenerator
    private var now = 0.0
    private var began: [UInt64: Double] = [:]
    private var count: UInt64 = 0
    /// Seconds from a job's coming to its end, with the worker that ended it.
    private(set) var latencies: [(worker: Int, seconds: Double)] = []

    init(_ workers: [Worker], seed: UInt64) {
        self.workers = workers
        random = SeededGenerator(seed: seed)
        for (index, worker) in workers.enumerated() {
            group.join(WorkGroupTests.member("\(index)"), credit: worker.credit, leaseMs: 600_000, batch: worker.batch)
        }
    }

    private mutating func exponential(_ mean: Double) -> Double {
        -mean * Double.logarithm(1 - Double.random(in: 0..<1, using: &random))
    }

    /// Jobs at random, `rate` in a second; each takes a random time.
    mutating func run(jobs: Int, rate: Double) {
        var arrival = exponential(1 / rate)
        while latencies.count < jobs {
            let next = workers.indices.min { workers[$0].doneAt < workers[$1].doneAt } ?? 0
            if arrival <= workers[next].doneAt, count < jobs {
                now = arrival
                arrival += exponential(1 / rate)
                count += 1
                began[count] = now
                let asker = Requester(peer: BrokerHarness.peer("asker"), correlation: count)
                group.add(WorkGroup.Job(id: count, record: WorkGroupTests.record(count), requester: asker))
            } else {
                now = workers[next].doneAt
                let (token, _) = workers[next].queue.removeFirst()
                let member = WorkGroupTests.member("\(next)")
                for job in group.finish(member, token, now: .seconds(now)) ?? [] {
                    latencies.append((next, now - (began.removeValue(forKey: job.id) ?? now)))
                }
                workers[next].doneAt = .infinity
                begin(next)
            }
            for assignment in group.dispatch(now: .seconds(now)) {
                guard let index = Int(String(decoding: assignment.member.peer.bytes, as: UTF8.self)) else { continue }
                workers[index].queue.append((assignment.token, assignment.records.count))
                begin(index)
            }
        }
    }

    private mutating func begin(_ index: Int) {
        guard workers[index].doneAt == .infinity, let first = workers[index].queue.first else { return }
        let work = (0..<first.parts).reduce(0.0) { sum, _ in sum + exponential(workers[index].seconds) }
        workers[index].doneAt = now + workers[index].overhead + work
    }

    func percentile(_ share: Double, of isCounted: (Int) -> Bool = { _ in true }) -> Double {
        let sorted = latencies.filter { isCounted($0.worker) }.map(\.seconds).sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

extension Double {
    /// The natural logarithm, by the series of the inverse hyperbolic tangent: no test needs a mathematics library.
    static func logarithm(_ value: Double) -> Double {
        let exponent = Double(value.exponent)
        let ratio = (value.significand - 1) / (value.significand + 1)
        var (term, sum) = (ratio, 0.0)
        for index in 0..<40 {
            sum += term / Double(2 * index + 1)
            term *= ratio * ratio
        }
        return 2 * sum + exponent * 0.693_147_180_559_945_3
    }
}

@Suite("A job goes where it ends first")
struct DispatchTests {
    private static func milliseconds(_ seconds: Double) -> String { String(Int(seconds * 10_000) / 10) }

    @Test("a member that is twelve times slower does not slow the others down", arguments: [1, 8, 64])
    func slowMember(credit: Int) {
        let fast = Workplace.Worker(seconds: 0.010, credit: credit)
        let slow = Workplace.Worker(seconds: 0.120, credit: credit)
        for seed: UInt64 in 0..<3 {
            var (without, with) = (
                Workplace([fast, fast, fast], seed: seed), Workplace([fast, fast, fast, slow], seed: seed)
            )
            without.run(jobs: 20_000, rate: 0.75 * 300)
            with.run(jobs: 20_000, rate: 0.75 * (300 + 100 / 12))
            let (bar, ofFast, ofAll) = (
                without.percentile(0.99), with.percentile(0.99) { $0 < 3 }, with.percentile(0.99)
            )
            let share = Double(with.latencies.count { $0.worker == 3 }) / 20_000
            print(
                "3 fast, 1 slow, credit \(credit), seed \(seed): p99 \(Self.milliseconds(bar)) ms without the slow one;",
                "with it \(Self.milliseconds(ofFast)) ms of the fast, \(Self.milliseconds(ofAll)) ms of all;",
                "the slow one did \(Int(share * 10_000)) of 10,000"
            )
            #expect(ofFast <= 2 * bar, "seed \(seed)")
            #expect(ofAll <= 2 * bar, "seed \(seed)")
        }
    }

    @Test("equal members get equal shares, and unequal ones by what they can do when all are needed")
    func balance() {
        let one = Workplace.Worker(seconds: 0.010)
        var equal = Workplace([one, one, one, one], seed: 3)
        equal.run(jobs: 20_000, rate: 100)
        for worker in 0..<4 {
            let share = Double(equal.latencies.count { $0.worker == worker }) / 20_000
            #expect(abs(share - 0.25) < 0.05, "worker \(worker) did \(share)")
        }
        var unequal = Workplace([one, one, Workplace.Worker(seconds: 0.030)], seed: 4)
        unequal.run(jobs: 20_000, rate: 225)
        let share = Double(unequal.latencies.count { $0.worker == 2 }) / 20_000
        #expect(share > 0.07 && share < 0.17, "a third as fast, it did \(share)")
        #expect(unequal.percentile(0.99) < 1)
    }

    @Test("a member that has become fast again gets work again")
    func recovery() {
        var place = Workplace(
            [Workplace.Worker(seconds: 0.010), Workplace.Worker(seconds: 0.120)],
            seed: 8
        )
        place.run(jobs: 2_000, rate: 60)
        place.workers[1].seconds = 0.010
        let before = place.latencies.count
        place.run(jobs: 12_000, rate: 60)
        let later = place.latencies.dropFirst(before + 8_000)
        let share = Double(later.count { $0.worker == 1 }) / Double(later.count)
        #expect(share > 0.3, "it did \(share)")
    }

    @Test("jobs do not wait for a member that hangs")
    func hanging() {
        var group = WorkGroup(name: "g", filters: [], floor: 0)
        let (fast, slow) = (WorkGroupTests.member("fast"), WorkGroupTests.member("slow"))
        for member in [fast, slow] { group.join(member, credit: 1, leaseMs: 60_000) }
        func add(_ id: UInt64) {
            let asker = Requester(peer: BrokerHarness.peer("asker"), correlation: id)
            group.add(WorkGroup.Job(id: id, record: WorkGroupTests.record(id), requester: asker))
        }
        add(1)
        add(2)
        for one in group.dispatch(now: .zero) {
            _ = group.finish(one.member, one.token, now: one.member == fast ? .milliseconds(10) : .milliseconds(120))
        }
        add(3)
        #expect(group.dispatch(now: .seconds(1)).map(\.member) == [fast])
        add(4)
        #expect(group.dispatch(now: .milliseconds(1001)).isEmpty, "the fast one will be done sooner")
        #expect(group.dispatch(now: .milliseconds(1200)).map(\.member) == [slow], "it takes longer than it should")
    }

    @Test("jobs of the log are not starved by requests")
    func fairness() {
        var group = WorkGroup(name: "g", filters: [], floor: 0)
        group.join(WorkGroupTests.member("a"), credit: 16, leaseMs: 60_000)
        for id: UInt64 in 1...20 {
            let asker = Requester(peer: BrokerHarness.peer("asker"), correlation: id)
            group.add(
                WorkGroup.Job(id: WorkGroup.requestBit | id, record: WorkGroupTests.record(id), requester: asker)
            )
            group.add(WorkGroup.Job(id: id, record: WorkGroupTests.record(id)))
        }
        let jobs = group.dispatch(now: .zero).map { $0.token.job < WorkGroup.requestBit }
        #expect(jobs.count { $0 } == 4)
        #expect(jobs.count { !$0 } == 12)
    }
}

@Suite("Requests travel together when more wait than there is credit")
struct BatchTests {
    private func place(batch: Int, seed: UInt64) -> Workplace {
        // A transaction of 1 ms for each JOB, and 0.2 ms for each request in it.
        let worker = Workplace.Worker(seconds: 0.0002, credit: 2, batch: batch, overhead: 0.001)
        return Workplace([worker, worker], seed: seed)
    }

    @Test("which is faster when a JOB costs more than its requests, and costs nothing when none wait")
    func faster() {
        for rate in [500.0, 1500, 3000] {
            var (alone, together) = (place(batch: 1, seed: 2), place(batch: 15, seed: 2))
            alone.run(jobs: 10_000, rate: rate)
            together.run(jobs: 10_000, rate: rate)
            let (one, many) = (alone.percentile(0.99) * 1000, together.percentile(0.99) * 1000)
            print("\(Int(rate)) requests/s to 2 members: p99 \(one) ms one by one, \(many) ms up to 15 together")
            #expect(many <= one * 1.1)
            if rate == 3000 { #expect(many * 10 < one) }
        }
    }

    private func add(_ group: inout WorkGroup, _ ids: ClosedRange<UInt64>) {
        for id in ids {
            let asker = Requester(peer: BrokerHarness.peer("asker"), correlation: id)
            group.add(
                WorkGroup.Job(id: WorkGroup.requestBit | id, record: WorkGroupTests.record(id), requester: asker)
            )
        }
    }

    @Test("a batch that fails comes back one by one, so a bad request cannot take the others with it")
    func poison() {
        var group = WorkGroup(name: "g", filters: [], floor: 0)
        let member = WorkGroupTests.member("a")
        group.join(member, credit: 1, leaseMs: 1000, batch: 15)
        add(&group, 1...1)
        let first = group.dispatch(now: .zero)
        #expect(first.map(\.records.count) == [1], "one alone is no batch")
        add(&group, 2...6)
        _ = group.finish(member, first[0].token, now: .zero)
        let batch = group.dispatch(now: .zero)
        #expect(batch.map(\.records.count) == [5])
        #expect(batch[0].token.job != WorkGroup.requestBit | 2)
        #expect(group.fail(member, batch[0].token, Refusal(.failed, "no"))?.isEmpty == true)
        var (answered, dead) = ([UInt64](), [UInt64]())
        while let one = group.dispatch(now: .zero).first {
            #expect(one.records.count == 1)
            if one.records[0].sequence == 4 {
                dead += group.fail(member, one.token, Refusal(.badData, "four"))?.map(\.record.sequence) ?? []
            } else {
                answered += group.finish(member, one.token, now: .zero)?.map(\.record.sequence) ?? []
            }
        }
        #expect(answered.sorted() == [2, 3, 5, 6])
        #expect(dead == [4])
    }

    @Test("a batch whose member is lost, or whose lease is over, comes back one by one", arguments: [true, false])
    func lost(leaves: Bool) {
        var group = WorkGroup(name: "g", filters: [], floor: 0)
        let (member, other) = (WorkGroupTests.member("a"), WorkGroupTests.member("b"))
        group.join(member, credit: 1, leaseMs: 1000, batch: 4)
        add(&group, 1...9)
        let batch = group.dispatch(now: .zero)
        #expect(batch.map(\.records.count) == [4], "no more than the member wants")
        if leaves { group.leave(member) } else { #expect(group.expire(now: .seconds(1)).isEmpty) }
        group.join(other, credit: 9, leaseMs: 1000, batch: 15)
        let again = group.dispatch(now: .seconds(1)).filter { $0.member == other }
        #expect(again.allSatisfy { $0.records.count == 1 })
        #expect(Set(again.flatMap { $0.records.map(\.sequence) }).isSuperset(of: [1, 2, 3, 4]))
        #expect(group.finish(member, batch[0].token, now: .seconds(1)) == nil, "its DONE comes too late")
    }
}
