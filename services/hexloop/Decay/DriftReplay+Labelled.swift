import Decay

/// How the default detectors do on all labelled streams of a folder.
struct LabelledScore {
    /// The score of each set: `b` is of errors, `v` of values.
    var sets: [String: DetectionScore] = [:]

    /// What the goals ask of each set and it does not reach; small sets are not judged.
    func problems() -> [(String, String)] {
        var problems: [(String, String)] = []
        for (name, score) in sets.sorted(by: { $0.key < $1.key }) where score.drifts >= 10 {
            // The best peers: ADWIN with its defaults on errors, and with delta 1e-5 on values.
            let peer = name == "b" ? 0.734 : 0.153
            if score.f1 < peer { problems.append((name, "F1 is \(score.f1); the best peer has \(peer)")) }
        }
        return problems
    }
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
        let values = try folder.numbers(item.input)
        guard let truth = item.expect["truth"].rows, let kind = item.expect["kind"].string?.prefix(1) else {
            throw Mismatch("no truth")
        }
        let alarms: [Int]
        if kind == "b" {
            var watch = ErrorWatch()
            alarms = watch.drifts(in: values)
        } else {
            var watch = ValueWatch()
            alarms = watch.drifts(in: values)
        }
        let places = truth.map { $0.map { Int($0) } }
        labelled.sets[String(kind), default: DetectionScore()].add(alarms: alarms, truth: places, count: values.count)
    }
}
