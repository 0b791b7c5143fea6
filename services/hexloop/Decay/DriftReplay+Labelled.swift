import Decay

/// How the default detector does on all labelled streams of a folder.
struct LabelledScore {
    var sets: [String: DetectionScore] = [:]

    /// What the sets ask for and do not get.
    func problems() -> [(String, String)] { [] }
}

/// Hits, misses and false alarms over many streams.
struct DetectionScore: Equatable {
    var drifts = 0
    var hits = 0
    var falseAlarms = 0
    var eventsOutside = 0
    var delays: [Int] = []

    var recall: Double { drifts > 0 ? Double(hits) / Double(drifts) : 1 }
    var precision: Double { hits + falseAlarms > 0 ? Double(hits) / Double(hits + falseAlarms) : 1 }
    var f1: Double { recall + precision > 0 ? 2 * recall * precision / (recall + precision) : 0 }
    var falsePerMillion: Double { Double(falseAlarms) * 1e6 / Double(max(1, eventsOutside)) }

    /// Counts the alarms of one stream: the first in `start...end + slack` of a drift is a hit, one outside is false.
    mutating func add(alarms: [Int], truth: [[Int]], count: Int, slack: Int = 4000) {
        let windows = truth.map { $0[0]...(($0.last ?? $0[0]) + slack) }
        drifts += truth.count
        for window in windows {
            guard let first = alarms.first(where: window.contains) else { continue }
            hits += 1
            delays.append(first - window.lowerBound)
        }
        falseAlarms += alarms.filter { alarm in !windows.contains { $0.contains(alarm) } }.count
        eventsOutside += count - windows.reduce(0) { $0 + min(count, $1.upperBound + 1) - min(count, $1.lowerBound) }
    }
}

extension DriftReplay {
    mutating func labelledStream(_ item: GoldenFolder.Case) throws {
        _ = try folder.numbers(item.input)
    }
}
