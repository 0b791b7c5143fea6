import Bus
import Events

/// A program of the simulation: what it keeps on disk, its connection, and the client's state machine.
final class Client {
    /// What it does.
    enum Role {
        case member
        case worker
        case asker
        /// A copy of another program.
        case double
    }

    /// What the program waits for.
    enum Ask {
        case named(Int)
        case question(Int)
        case page
    }

    static let subscription: UInt64 = 2
    static let works: UInt64 = 3
    static let answers: UInt64 = 4
    static let credit = 4
    static let eventsMax = 12
    static let questionsMax = 8

    let index: Int
    let role: Role
    /// The number of the client whose producer's name it uses.
    let producer: Int?
    let filter: TopicFilter?
    let watched: TopicFilter?

    // What survives a crash: outbox, inbox with its effects, jobs' effects, named events that are wanted.
    var epoch: UInt64 = 1
    /// Events before the first of this epoch.
    var base = 0
    var produced = 0
    var cursor: UInt64 = 0
    var applied: [UInt64] = []
    var worked: Set<UInt64> = []
    var namedWanted: [Int] = []
    var namedCount = 0
    var questionCount = 0
    /// Numbers of this epoch that were acknowledged to the program.
    var acknowledged: UInt64 = 0
    var hasMoved = false

    // What does not.
    var core: ClientCore
    var link: Link
    /// Numbers of this epoch that the core has.
    var sent: UInt64 = 0
    var isGreeted = false
    var received: [UInt64] = []
    var jobs: [Job] = []
    var asked: [UInt64: Ask] = [:]
    var askCount: UInt64 = 100
    var reader: FanOutReader?
    var handed: [String: [UInt64]] = [:]
    var isPaging = false

    // The machine it runs on.
    var downUntil: Duration?
    var pausedUntil: Duration = .zero
    /// Boundaries between its actions until it ends.
    var crashIn: Int?

    /// A job in the program's hands.
    struct Job {
        var at: Duration
        var membership: UInt64
        var token: LeaseToken
        var data: [UInt8]
        var ending: Ending

        enum Ending {
            case done
            case failed
            case forgotten
        }
    }

    init(_ index: Int, _ role: Role, producer: Int?, filter: TopicFilter?, watched: TopicFilter?, link: Link) {
        (self.index, self.role, self.producer) = (index, role, producer)
        (self.filter, self.watched, self.link) = (filter, watched, link)
        core = ClientCore(hello: Hello(name: Self.names[index]), now: .zero)
    }

    private static let names = (0..<5).map { "c\($0)" }
    private static let workFilters = [try? TopicFilter("e/*/job/")].compactMap { $0 }
    private static let questionFilters = [try? TopicFilter("q/*/ask/")].compactMap { $0 }

    /// What a program does when it starts.
    func start(now: Duration, link: Link) {
        self.link = link
        core = ClientCore(
            hello: Hello(
                name: Self.names[index],
                producer: producer.map { Self.names[$0] },
                producerEpoch: producer.map { _ in epoch }
            ),
            now: now
        )
        (downUntil, crashIn, sent, isGreeted) = (nil, nil, 0, false)
        (received, jobs, asked, handed, isPaging) = ([], [], [:], [:], false)
        reader = watched.map { FanOutReader([$0], after: nil) }
        if let filter {
            core.subscribe(
                Self.subscription,
                SubscribeRequest(
                    consumer: Self.names[index],
                    filters: [filter],
                    start: .after(cursor),
                    credit: Self.credit
                )
            )
        }
        guard role == .worker else { return }
        core.join(
            Self.works,
            JoinRequest(group: "work", filters: Self.workFilters, start: .origin, credit: 2, leaseMs: 600)
        )
        core.join(Self.answers, JoinRequest(group: "answer", filters: Self.questionFilters, credit: 2, leaseMs: 600))
    }

    /// Events of the outbox that the core does not have yet.
    func takeUnsent() -> [(number: UInt64, topic: String, header: [UInt8], data: [UInt8])] {
        guard let producer, Int(sent) < produced - base else { return [] }
        let numbers = sent + 1...UInt64(produced - base)
        sent = numbers.upperBound
        let kind: Payload.Kind = role == .double ? .double : .numbered
        return numbers.map { number in
            let event = base + Int(number)
            return (
                number, Payload.topic(producer, event), [], Payload(kind, producer, event).bytes
            )
        }
    }

    func newAsk(_ ask: Ask) -> UInt64 {
        askCount += 1
        asked[askCount] = ask
        return askCount
    }

    func isAsking(name: Int) -> Bool {
        asked.values.contains { if case .named(name) = $0 { true } else { false } }
    }
}

/// A connection: it keeps the order of its messages, as TCP does, and loses all of them when it breaks.
struct Link {
    let peer: PeerID
    let number: Int
    var isOpenFrom: Duration
    /// Its own, so that the order in which peers are served does not matter.
    var random: SeededGenerator
    var up = Fifo<(at: Duration, frames: Frames)>()
    var down = Fifo<(at: Duration, frames: Frames)>()
    /// The fan-out's connection, which drops what it likes.
    var fan = Fifo<(at: Duration, frames: Frames)>()
    /// Until then nothing gets through; then it comes.
    var upHeldUntil: Duration = .zero
    var downHeldUntil: Duration = .zero

    init(number: Int, isOpenFrom: Duration, random: SeededGenerator) {
        self.number = number
        peer = Self.peer(number)
        self.isOpenFrom = isOpenFrom
        self.random = random
    }

    static func peer(_ number: Int) -> PeerID {
        PeerID([UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)])
    }

    static func number(of peer: PeerID) -> Int { peer.bytes.reduce(0) { $0 << 8 | Int($1) } }

    private mutating func due(_ now: Duration, _ max: Int) -> Duration {
        now + .milliseconds(Int.random(in: 0...max, using: &random))
    }

    mutating func sendUp(_ frames: Frames, now: Duration, delayMax: Int) {
        up.append((max(due(now, delayMax), up.last?.at ?? .zero), frames))
    }

    mutating func sendDown(_ frames: Frames, now: Duration, delayMax: Int) {
        down.append((max(due(now, delayMax), down.last?.at ?? .zero), frames))
    }

    mutating func sendFan(_ frames: Frames, now: Duration, delayMax: Int) {
        fan.append((max(due(now, delayMax), fan.last?.at ?? .zero), frames))
    }
}
