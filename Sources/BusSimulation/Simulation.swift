import Bus
import Events

/// A broker, its log, and programs that publish, consume, watch, work and ask, under virtual time, with faults from a
/// seed.
///
/// The state machines are those of the real programs; around them stands what a machine and a network can do to them.
/// Time goes in steps. The same seed gives the same run, in every process, and so the same ``Trace/hash``.
package final class Simulation {
    /// What was promised and not kept.
    package struct Violation: Sendable, Hashable {
        /// Virtual time.
        package let at: Duration
        /// Names the program and the event.
        package let message: String
    }

    static let step: Duration = .milliseconds(10)
    /// The wall clock of all programs; nothing may depend on it.
    static let time = Timestamp(microseconds: 1_587_400_000_000_000)
    private static let chaosTime: Duration = .seconds(4)
    private static let settleTime: Duration = .seconds(60)

    /// What the run is made from.
    package let seed: UInt64
    let sabotage: Sabotage?
    var random: SeededGenerator
    var now: Duration = .zero
    var disk: Disk
    var clients: [Client] = []
    var hasFaults = true
    /// Each seed makes some kinds of trouble and not others, so that the rare ones are not always hidden by the common.
    private let profile: Set<Fault>
    let isCloned: Bool
    var isPoisoned: Bool { profile.contains(.poison) }

    // The broker's process.
    var broker: Broker
    var brokerUpAt: Duration = .zero
    /// Boundaries between the broker's actions until it ends.
    var brokerCrashIn: Int?
    /// Changes with each start; who sees another after an action knows that the broker ended in it.
    var brokerLife = 0
    var beatAt: Duration = .zero
    var tickAt: Duration = .zero
    var logQueue: [LogCommand] = []
    var logResults = Fifo<(at: Duration, result: LogResult)>()
    var logBusyUntil: Duration = .zero
    var failedGeneration: UInt64 = 0
    /// What would be left if the power went now; only a broken disk has other contents than it says.
    var durable: Disk?
    var book = Book()
    /// By the number of its link: the client.
    var owners: [Int] = []

    /// What the broken state of things has cost so far.
    package private(set) var faults = FaultCounts()
    /// The first promise that was broken.
    package private(set) var violation: Violation?
    /// What happened, in order.
    package var trace: Trace
    /// Messages that went over connections.
    package var messages = 0

    /// A run that has not begun.
    package init(seed: UInt64, sabotage: Sabotage? = nil, keepsTrace: Bool = false) {
        self.seed = seed
        self.sabotage = sabotage
        trace = Trace(keeps: keepsTrace)
        random = SeededGenerator(seed: seed)
        var profile: Set<Fault> = []
        for fault in Fault.allCases where !random.one(in: 3) { profile.insert(fault) }
        self.profile = profile
        isCloned = profile.contains(.clone) && !profile.contains(.oldEpoch)
        let forgets: FakeLog.Forgetfulness =
            switch sabotage {
            case .forgetsNamed: .named
            case .forgetsProducers: .producers
            case .wrongPrevious: .topics
            case .cursorRunsAhead: .cursors
            default: []
            }
        let filters = ["e/", "e/*/c0/", "e/*/*/said/v1/", nil, nil].map { $0.flatMap { try? TopicFilter($0) } }
        disk = Disk(log: FakeLog(forgets: forgets), filters: filters)
        broker = Broker(site: "site", requestsAfter: random.next() >> 12, log: disk.log.snapshot)
        if sabotage == .ackBeforeCommit { durable = disk }
        let roles: [Client.Role] = [.member, .worker, .worker, .asker, .double]
        for (index, role) in roles.enumerated() {
            let watched = [0: "e/", 3: "e/*/*/said/v1/"][index].flatMap { try? TopicFilter($0) }
            let producer = [0, 1, 2, nil, isCloned ? 0 : 1][index]
            let link = newLink(index)
            let client = Client(
                index,
                role,
                producer: producer,
                filter: filters[index],
                watched: watched,
                link: link
            )
            if role == .double {
                client.downUntil = isCloned ? .milliseconds(Int.random(in: 500...3000, using: &random)) : .seconds(9999)
            } else {
                client.start(now: now, link: link)
            }
            clients.append(client)
        }
        if isCloned { count(.clone, 4) }
    }

    // MARK: Running

    /// Faults for some time, then none until everything is done.
    package func run() {
        while now < Self.chaosTime, violation == nil { advance() }
        calm()
        while now < Self.chaosTime + Self.settleTime, violation == nil {
            for _ in 0..<10 { advance() }
            if isSettled { break }
        }
        if violation == nil { checkEnd() }
    }

    private func calm() {
        hasFaults = false
        (brokerUpAt, logBusyUntil, brokerCrashIn) = (min(brokerUpAt, now), min(logBusyUntil, now), nil)
        for client in clients {
            (client.pausedUntil, client.crashIn) = (.zero, nil)
            (client.link.upHeldUntil, client.link.downHeldUntil) = (.zero, .zero)
            if client.role == .double {
                client.downUntil = .seconds(9999)
            } else if client.downUntil != nil {
                client.downUntil = now
            }
        }
    }

    private func advance() {
        now += Self.step
        if hasFaults { injectFaults() }
        let first = Int.random(in: 0..<clients.count, using: &random)
        for offset in clients.indices { advance(clients[(first + offset) % clients.count]) }
        if now >= brokerUpAt { advanceBroker() }
    }

    // MARK: Faults

    /// True once in `n` times when the seed has that kind of trouble and there still is any.
    func happens(_ fault: Fault, oneIn n: Int, _ detail: Int = 0) -> Bool {
        guard hasFaults, profile.contains(fault), random.one(in: n) else { return false }
        count(fault, detail)
        return true
    }

    func count(_ fault: Fault, _ detail: Int = 0) {
        faults[fault] += 1
        note(.fault, detail, UInt64(fault.rawValue))
    }

    func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(Int.random(in: range, using: &random)) }

    private func injectFaults() {
        if brokerCrashIn == nil, happens(.brokerCrash, oneIn: 250, -1) {
            brokerCrashIn = Int.random(in: 1...60, using: &random)
        }
        if happens(.brokerPause, oneIn: 500, -1) { brokerUpAt = max(brokerUpAt, now + milliseconds(50...6000)) }
        if happens(.slowCommit, oneIn: 300, -1) { logBusyUntil = now + milliseconds(100...3000) }
        for client in clients where client.downUntil == nil { injectFaults(client) }
    }

    private func injectFaults(_ client: Client) {
        let index = client.index
        if happens(.connectionBroken, oneIn: 150, index) { client.link = newLink(index) }
        if happens(.partition, oneIn: 400, index) {
            let until = now + milliseconds(100...5000)
            (client.link.upHeldUntil, client.link.downHeldUntil) = (until, until)
        }
        if happens(.halfOpen, oneIn: 400, index) {
            let until = now + milliseconds(100...5000)
            if random.one(in: 2) { client.link.upHeldUntil = until } else { client.link.downHeldUntil = until }
        }
        if client.crashIn == nil, happens(.clientCrash, oneIn: 250, index) {
            client.crashIn = Int.random(in: 1...12, using: &random)
        }
        if happens(.clientPause, oneIn: 400, index) { client.pausedUntil = now + milliseconds(50...6000) }
        guard client.core.isReady, now >= client.link.isOpenFrom else { return }
        if happens(.garbage, oneIn: 200, index) { sendUp(client, [[1, 2, 3], []]) }
        if let producer = client.producer, client.role != .double, happens(.outOfOrder, oneIn: 200, index) {
            let message = ClientMessage.publish(
                0,
                sequence: client.sent + 1000,
                topic: Payload.topic(producer, 1),
                header: [],
                data: Payload(.invented, index, 0).bytes
            )
            if let frames = try? message.frames() { sendUp(client, frames) }
        }
    }

    func newLink(_ client: Int) -> Link {
        owners.append(client)
        let delay = milliseconds(0...60)
        return Link(
            number: owners.count - 1,
            isOpenFrom: max(now, brokerUpAt) + delay,
            random: SeededGenerator(seed: random.next())
        )
    }

    var delayMax: Int { hasFaults ? 120 : 5 }

    func sendUp(_ client: Client, _ frames: Frames) {
        messages += 1
        client.link.sendUp(frames, now: now, delayMax: delayMax)
    }

    func fail(_ message: @autoclosure () -> String) {
        if violation == nil { violation = Violation(at: now, message: message()) }
    }

    func note(_ kind: Trace.Kind, _ actor: Int, _ a: UInt64 = 0, _ b: UInt64 = 0) {
        trace.add(Int32(now / .milliseconds(1)), kind, actor, a, b)
    }
}
