import Bus
import Events

/// The log and what the checks know of it; both go back together when a disk loses what it had promised.
struct Disk {
    /// Of one numbered producer: the incarnation and number of its last event.
    private struct Position {
        var epoch: UInt64 = 0
        var number: UInt64 = 0
    }

    var log: FakeLog
    /// Own numbered events of each client, in order and without holes.
    private(set) var numbered: [Int]
    /// Records that each client's filter matches.
    private(set) var wanted: [Int]
    private(set) var jobs: [UInt64] = []
    /// Jobs that were given up.
    private(set) var buried: Set<UInt64> = []
    private var named: Set<UInt32> = []
    private var positions: [Position]
    private var lastOfTopic: [String: UInt64] = [:]
    private let filters: [TopicFilter?]

    init(log: FakeLog, filters: [TopicFilter?]) {
        self.log = log
        self.filters = filters
        numbered = [Int](repeating: 0, count: filters.count)
        wanted = numbered
        positions = [Position](repeating: Position(), count: filters.count)
    }

    /// Looks at what a commit brought; returns what is wrong with it.
    /// - Parameter produced: Events that each client has in its outbox.
    mutating func check(_ commit: Commit, produced: [Int], isCloned: Bool) -> String? {
        var records = commit.records[...]
        for (append, outcome) in zip(commit.appends, commit.outcomes) {
            guard case .appended(let sequence) = outcome else { continue }
            guard let record = records.popFirst(), record.sequence == sequence else {
                return "the commit's records are not its appends"
            }
            if record.previous != lastOfTopic[record.topic] ?? 0 { return "previous of \(sequence) is wrong" }
            lastOfTopic[record.topic] = sequence
            if let wrong = check(append, produced, isCloned) { return wrong }
            for (index, filter) in filters.enumerated() where filter?.matches(record.topic) == true {
                wanted[index] += 1
            }
            if record.topic == Payload.jobTopic { jobs.append(sequence) }
            if record.topic.contains("/event/refused/"),
                let refused = try? EventCoding.decode(EventRefused.self, from: record.data), let job = refused.sequence
            {
                buried.insert(job)
            }
        }
        return nil
    }

    private mutating func check(_ append: Append, _ produced: [Int], _ isCloned: Bool) -> String? {
        let payload = Payload(append.data)
        switch append.identity {
        case .own: return nil
        case .named:
            guard let payload, payload.kind == .named else { return "a named event was invented" }
            return named.insert(payload.key).inserted
                ? nil : "named event \(payload.number) of client \(payload.client) is in the log twice"
        case .sequenced(let producer, let epoch, let number):
            let index = Int(producer.utf8.last ?? 48) - 48
            let last = positions[index]
            positions[index] = Position(epoch: epoch, number: number)
            if epoch < last.epoch { return "producer \(producer) went back to epoch \(epoch) from \(last.epoch)" }
            if number != (epoch == last.epoch ? last.number + 1 : 1) {
                return "number \(number) of \(producer) came after \(last.number)"
            }
            guard let payload else { return "an event of \(producer) was invented" }
            switch payload.kind {
            case .numbered:
                guard payload.client == index else { return "an event of another came from \(producer)" }
                numbered[index] += 1
                if isCloned, index == 0 { return nil }
                if payload.number != numbered[index] {
                    return "event \(payload.number) of \(producer) came as its \(numbered[index])th"
                }
                return payload.number <= produced[index] ? nil : "event \(payload.number) of \(producer) was invented"
            case .double: return nil
            case .named, .invented, .question: return "an event of \(producer) is none of its outbox"
            }
        }
    }
}

/// What the events of a simulation carry: whose they are, and which.
struct Payload {
    enum Kind: UInt8 {
        case numbered = 1
        case named = 2
        /// Of a producer's copy.
        case double = 3
        /// Must never be in the log.
        case invented = 4
        case question = 5
    }

    static let jobTopic = "e/site/job/wanted/v1/a/"
    static let namedTopic = "e/site/named/said/v1/a/"
    static let questionTopic = "q/site/ask/put/v1/a/"
    static let bytesCount = 4

    let kind: Kind
    let client: Int
    let number: Int

    init(_ kind: Kind, _ client: Int, _ number: Int) {
        self.kind = kind
        self.client = client
        self.number = number
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.bytesCount, let kind = Kind(rawValue: bytes[0]) else { return nil }
        self.init(kind, Int(bytes[1]), Int(bytes[2]) << 8 | Int(bytes[3]))
    }

    var bytes: [UInt8] { [kind.rawValue, UInt8(client), UInt8(number >> 8), UInt8(number & 255)] }
    var key: UInt32 { UInt32(client) << 16 | UInt32(number) }

    /// Each third numbered event is a job.
    static func topic(_ client: Int, _ number: Int) -> String {
        if number % 3 == 0 { return jobTopic }
        return number % 2 == 0 ? evenTopics[client] : oddTopics[client]
    }

    private static let evenTopics = (0..<5).map { "e/site/c\($0)/said/v1/s0/" }
    private static let oddTopics = (0..<5).map { "e/site/c\($0)/said/v1/s1/" }

    /// A job that ends whoever works on it.
    var isPoison: Bool { kind == .numbered && number == 9 }
}
