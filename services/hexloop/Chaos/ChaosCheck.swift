import Bus
import Events
import FoundationEssentials

/// What one scenario came to.
struct ChaosResult: Codable, Sendable {
    var scenario: String
    /// Numbers of the fault list in docs/reliability.md.
    var covers: String
    var seed: UInt64
    var seconds = 0.0
    /// Records in the log.
    var events = 0
    /// Events that were promised to those who sent them.
    var acknowledged = 0
    /// Faults that were made.
    var faults = 0
    /// Promised and not in the log, or in the log and not consumed.
    var lost = 0
    /// In the log twice, or consumed twice.
    var duplicated = 0
    /// Jobs that were worked on more than once.
    var jobsRepeated = 0
    /// What else was not as it should be.
    var problems: [String] = []
    /// What the scenario has to say.
    var remark = ""
    /// Why it could not run here.
    var skipped: String?

    var isGood: Bool { lost == 0 && duplicated == 0 && problems.isEmpty }
}

/// Compares what the clients wrote down with what the log has.
struct ChaosCheck {
    private let records: [Record]
    private var result: ChaosResult
    /// Source of labels to their numbers and sequences, in the order of the log.
    private var labels: [String: [(number: Int, sequence: UInt64)]] = [:]
    private var labelSequences: [UInt64] = []
    private var refused: Set<UInt64> = []

    init(_ records: [Record], _ result: ChaosResult) {
        self.records = records
        self.result = result
        self.result.events = records.count
        var last: [String: UInt64] = [:]
        for (index, record) in records.enumerated() {
            if record.sequence != UInt64(index) + 1 { complain("the log has a hole before \(record.sequence)") }
            if record.previous != last[record.topic] ?? 0 { complain("previous of \(record.sequence) is wrong") }
            last[record.topic] = record.sequence
            guard let event = try? record.event() else {
                complain("record \(record.sequence) cannot be read")
                continue
            }
            if let label = try? event.decode(LabelRecorded.self) {
                labels[label.stream, default: []].append((Int(label.key) ?? 0, record.sequence))
                labelSequences.append(record.sequence)
            } else if let refusal = try? event.decode(EventRefused.self), let sequence = refusal.sequence {
                refused.insert(sequence)
            }
        }
    }

    /// Sequence of the newest event that consumers and workers get.
    var lastSequence: UInt64 { labelSequences.last ?? 0 }

    private mutating func complain(_ problem: String) {
        if result.problems.count < 20 { result.problems.append(problem) }
    }

    /// Each promised event is there once, in order, and nothing else is.
    mutating func producer(_ name: String, _ history: ChaosHistory.Contents) {
        let numbers = labels[name, default: []].map(\.number)
        let made = max(history.invoked.max() ?? 0, history.acknowledged.keys.max() ?? 0)
        result.acknowledged += history.acknowledged.count
        let known = Set(numbers)
        result.lost += (1...max(made, 1)).count { made > 0 && !known.contains($0) }
        result.duplicated += numbers.count - known.count
        if let invented = numbers.first(where: { $0 > made }) { complain("event \(invented) of \(name) was invented") }
        if zip(numbers, numbers.dropFirst()).contains(where: { $0 >= $1 }) {
            complain("the events of \(name) changed places")
        }
    }

    mutating func publisher(_ name: String, _ history: ChaosHistory.Contents) {
        let found = labels[name, default: []]
        result.acknowledged += history.acknowledged.count
        let places = Dictionary(found.map { ($0.number, $0.sequence) }) { first, _ in first }
        result.duplicated += found.count - places.count
        for (number, sequence) in history.acknowledged {
            if places[number] == nil {
                result.lost += 1
            } else if places[number] != sequence {
                complain("\(name) was told \(sequence) for event \(number)")
            }
        }
        if let invented = places.keys.first(where: { !history.invoked.contains($0) }) {
            complain("event \(invented) of \(name) was invented")
        }
    }

    mutating func consumer(_ name: String, _ history: ChaosHistory.Contents) {
        let seen = history.effects.map(\.sequence)
        let known = Set(seen)
        result.lost += labelSequences.count { !known.contains($0) }
        result.duplicated += seen.count - known.count
        if seen != seen.sorted() { complain("\(name) went back in the log") }
        if let invented = known.subtracting(labelSequences).first {
            complain("\(name) saw \(invented), which is not there")
        }
    }

    /// Jobs of the log that nobody did yet and that were not given up.
    func open(_ histories: [ChaosHistory.Contents]) -> Int {
        let done = histories.reduce(into: refused) { $0.formUnion($1.effects.map(\.sequence)) }
        return labelSequences.count { !done.contains($0) }
    }

    mutating func workers(_ histories: [ChaosHistory.Contents]) {
        var times: [UInt64: Int] = [:]
        for history in histories { for effect in history.effects { times[effect.sequence, default: 0] += 1 } }
        result.lost += open(histories)
        result.jobsRepeated += times.values.count { $0 > 1 }
        let deliveries = histories.flatMap(\.effects).map(\.number)
        if let many = deliveries.first(where: { $0 > Int(WorkGroup.deliveriesMax) }) {
            complain("a job was delivered \(many) times")
        }
    }

    /// Says how many jobs were given up.
    var refusedCount: Int { refused.count }

    func finish() -> ChaosResult { result }
}
