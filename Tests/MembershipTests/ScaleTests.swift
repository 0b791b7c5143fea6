import Bus
import Events
import Foundation
import Synchronization
import Testing
import ZeroMQ

/// Members of a work group that come and go under load, on a real broker.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ScaleTests {
    private static let topic = "q/local/sum/ask/v1/x/"

    /// A member in this process, with a connection of its own.
    private final class Worker: Sendable {
        private let client: BusClient
        private let task: Task<Void, Never>

        init(_ name: String, _ bus: BusProcess, credit: Int = 4, batch: Int = 15) throws {
            let client = try bus.client(name)
            self.client = client
            let filter = try TopicFilter("q/local/sum/")
            let (id, jobs) = client.join(JoinRequest(group: "sum", filters: [filter], credit: credit, batch: batch))
            task = Task {
                while true {
                    let batch = await jobs.next(max: 64)
                    if batch.isEmpty { break }
                    for job in batch {
                        client.finish(id, job.token, results: job.records.map { .answer($0.data) })
                    }
                }
            }
        }

        /// Leaves: what it held goes to the others.
        func stop() async {
            client.close()
            await task.value
        }
    }

    /// Load: askers that ask one after the other until they are told to stop.
    private final class Load: Sendable {
        struct State {
            var answered = 0
            var failures: [String] = []
            var isStopping = false
            var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        }

        let state = Mutex(State())

        func run(_ client: BusClient, askers: Int) async {
            await withTaskGroup(of: Void.self) { group in
                for asker in 0..<askers {
                    group.addTask { [self] in
                        var count = 0
                        while !state.withLock({ $0.isStopping }) {
                            count += 1
                            await ask(client, "\(asker)-\(count)")
                        }
                    }
                }
            }
        }

        private func ask(_ client: BusClient, _ text: String) async {
            do {
                let answer = try await ScaleTests.ask(client, text, within: .seconds(10))
                guard answer == text else { throw BusError(.badData, "'\(answer)' answers '\(text)'") }
                let woken = state.withLock { state in
                    state.answered += 1
                    let (due, rest) = (
                        state.waiters.filter { $0.count <= state.answered },
                        state.waiters.filter { $0.count > state.answered }
                    )
                    state.waiters = rest
                    return due
                }
                for waiter in woken { waiter.continuation.resume() }
            } catch { state.withLock { $0.failures.append("\(text): \(error)") } }
        }

        /// Waits for so many more answers.
        func more(_ count: Int) async {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiters.append(($0.answered + count, continuation)) }
            }
        }
    }

    private static func ask(_ client: BusClient, _ text: String, within: Duration) async throws -> String {
        let event = CloudEvent(id: text, source: "//test", type: "test.sum", data: Array(text.utf8))
        return String(
            decoding: try await client.request(topic: try Topic(topic), event, timeout: within),
            as: UTF8.self
        )
    }

    @Test("members 1, 10, 2, 0, 3 under load: every question is answered within its deadline, none by one that is gone")
    func scale() async throws {
        let bus = try BusProcess()
        try bus.start()
        let asker = try bus.client("asker")
        let load = Load()
        var workers = [try Worker("worker-1", bus)]
        async let running: Void = load.run(asker, askers: 24)
        await load.more(200)
        for number in 2...10 { workers.append(try Worker("worker-\(number)", bus)) }
        await load.more(1000)
        while workers.count > 2 { await workers.removeLast().stop() }
        await load.more(200)
        while !workers.isEmpty { await workers.removeLast().stop() }
        // Nobody is there: a question that cannot wait is refused, those with time are asked again.
        let refused = await #expect(throws: BusError.self) {
            try await Self.ask(asker, "now", within: .milliseconds(100))
        }
        #expect(refused?.code == .busy || refused?.code == .timeout)
        for number in 11...13 { workers.append(try Worker("worker-\(number)", bus)) }
        await load.more(400)
        load.state.withLock { $0.isStopping = true }
        await running
        #expect(load.state.withLock { $0.failures } == [])
        for worker in workers { await worker.stop() }
        asker.close()
    }

    @Test("what a member held that vanished without a word goes to another before the asker's time is over")
    func silentDeath() async throws {
        let bus = try BusProcess()
        try bus.start()
        let asker = try bus.client("asker")
        let address = try bus.address
        let (holding, held) = AsyncStream.makeStream(of: Int.self)
        let (dying, die) = AsyncStream.makeStream(of: Void.self)
        // It takes four questions, answers none, says PING no more and closes its socket.
        let corpse = Task {
            try await DedicatedThread.run("corpse") {
                let context = try Context(ioThreads: 1)
                let socket = try Socket(context, .dealer)
                try socket.connect(address.endpoint(SocketTable.command))
                func send(_ message: ClientMessage) throws {
                    let frames = try message.frames()
                    while try socket.send(frames) != .queued { socket.waitWritable(milliseconds: 100) }
                }
                try send(.hello(1, Hello(name: "corpse")))
                let filter = try TopicFilter("q/local/sum/")
                try send(.join(2, JoinRequest(group: "sum", filters: [filter], credit: 4, leaseMs: 60_000)))
                var jobs = 0
                while jobs < 4 {
                    socket.waitReadable(milliseconds: 100)
                    while case .message(let frames) = try socket.receive() {
                        switch try BrokerMessage(frames: frames) {
                        case .ack(2, _, _): held.yield(0)
                        case .job: jobs += 1
                        default: break
                        }
                    }
                }
                held.yield(jobs)
            }
            die.finish()
        }
        var states = holding.makeAsyncIterator()
        _ = await states.next()
        async let answers = withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<8 {
                group.addTask { try await Self.ask(asker, "\(number)", within: .seconds(20)) }
            }
            var answers: [String] = []
            for try await answer in group { answers.append(answer) }
            return answers
        }
        _ = await states.next()
        for await _ in dying {}
        try await corpse.value
        let worker = try Worker("worker", bus, credit: 2)
        #expect(try await answers.sorted() == (0..<8).map { "\($0)" })
        await worker.stop()
        asker.close()
    }

    @Test("many questions to few members: one by one, and together")
    func batchThroughput() async throws {
        let bus = try BusProcess()
        try bus.start()
        var seconds: [Int: Double] = [:]
        for batch in [1, 15] {
            let asker = try bus.client("asker-\(batch)")
            let worker = try Worker("worker-\(batch)", bus, credit: 1, batch: batch)
            _ = try await Self.ask(asker, "ready", within: .seconds(20))
            let began = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2000 {
                    if number >= 256 { try await group.next() }
                    group.addTask { _ = try await Self.ask(asker, "\(number)", within: .seconds(30)) }
                }
                try await group.waitForAll()
            }
            seconds[batch] = (ContinuousClock.now - began) / .seconds(1)
            await worker.stop()
            asker.close()
        }
        let (alone, together) = (seconds[1] ?? 0, seconds[15] ?? 0)
        print(
            "2,000 questions to one member of credit 1 over ipc: \(Int(2000 / alone))/s one by one,",
            "\(Int(2000 / together))/s up to 15 together"
        )
    }
}
