import Decay

/// Asks this project what other tools were asked, and compares the answers.
struct DriftReplay {
    /// How many cases passed and failed, and what was left out.
    struct Count: Equatable {
        var passed = 0
        var failed = 0
        /// Cases that are not counted, by family or kind.
        var skipped: [String: Int] = [:]
        /// Passed and failed cases of each family.
        var families: [String: [Int]] = [:]
    }

    /// Why a case did not pass.
    struct Mismatch: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    let folder: GoldenFolder
    /// Answers that several cases share.
    var labelled = LabelledScore()

    init(_ folder: GoldenFolder) { self.folder = folder }

    /// Families that are compared by eye, because they hold peers' scores.
    private static let neverCounted: Set = ["labelled_baseline", "baseline_studies", "scenario"]

    /// Replays all cases, or those whose id or family begins with a text.
    /// - Parameter report: Called with a line for each case that fails.
    mutating func run(only prefix: String? = nil, report: (String) -> Void) -> Count {
        var count = Count()
        for problem in folder.problems {
            count.failed += 1
            report(problem)
        }
        for family in folder.families {
            for item in family.cases where prefix.map({ item.id.hasPrefix($0) || family.name.hasPrefix($0) }) ?? true {
                if let reason = skipped(item) {
                    count.skipped[reason, default: 0] += 1
                    continue
                }
                do {
                    if try answer(item) {
                        count.passed += 1
                        count.families[family.name, default: [0, 0]][0] += 1
                    } else {
                        count.skipped["\(family.name): \(item.kind)", default: 0] += 1
                    }
                } catch {
                    count.failed += 1
                    count.families[family.name, default: [0, 0]][1] += 1
                    report("\(family.name) \(item.id): \(error)")
                }
            }
        }
        for (part, problem) in labelled.problems() where prefix == nil {
            count.failed += 1
            report("labelled, \(part): \(problem)")
        }
        return count
    }

    private func skipped(_ item: GoldenFolder.Case) -> String? {
        if Self.neverCounted.contains(item.family) { return "\(item.family): never counted" }
        if item.id.hasPrefix("KSWIN_rng") { return "\(item.family): KSWIN_rng, never counted" }
        if item.id.contains("_vs_realized") { return "\(item.family): _vs_realized, never counted" }
        return nil
    }

    /// Compares one case.
    /// - Returns: False for what this project does not answer; such kinds are named as skipped.
    /// - Throws: ``Mismatch`` when the answers differ.
    private mutating func answer(_ item: GoldenFolder.Case) throws -> Bool {
        switch item.family {
        case "two_sample": try compare(item, twoSample(item))
        case "categorical": try compare(item, categorical(item))
        case "multiple_testing": try compare(item, multipleTesting(item))
        case "rates":
            guard let answer = try rates(item) else { return false }
            try compare(item, answer)
        case "detectors", "detectors_frouros":
            guard let answer = try detector(item) else { return false }
            try compare(item, answer)
        case "detector_trace": try compare(item, detectorTrace(item))
        case "cbpe": try compare(item, confidence(item))
        case "dle": try lossEstimate(item)
        case "calibration": try compare(item, calibration(item))
        case "metrics": try compare(item, metrics(item))
        case "label_delay": try compare(item, labelDelay(item))
        case "quality": try compare(item, quality(item))
        case "sketches": return try sketch(item)
        case "outliers":
            if item.kind == "auc" { try outlierAreas(item) } else { try compare(item, outliers(item)) }
        case "labelled": try labelledStream(item)
        case "two_sample_frouros":
            guard let answer = try otherTwoSample(item) else { return false }
            try compare(item, answer)
        case "multivariate_alibi":
            guard let answer = try manyFeatures(item) else { return false }
            try compare(item, answer)
        default: return false
        }
        return true
    }

    // MARK: - Comparing

    /// Fields that say how something was asked and not what was answered.
    private static let descriptions: Set = ["columns", "accept", "checkpoints_note"]

    /// Compares every field that was recorded with ours.
    func compare(_ item: GoldenFolder.Case, _ ours: GoldenJSON) throws(Mismatch) {
        guard let fields = item.expect.members else { throw Mismatch("nothing was recorded") }
        if !item.expect["error"].isNull { return }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) where !Self.descriptions.contains(name) {
            if name == "flag", value.string != nil { continue }
            let special = item.tolerance[name]
            try compare(value, ours[name], special.isNull ? item.tolerance : special, name)
        }
    }

    private func compare(
        _ theirs: GoldenJSON,
        _ ours: GoldenJSON,
        _ tolerance: GoldenJSON,
        _ path: String
    ) throws(Mismatch) {
        if let expected = theirs.number {
            guard let value = ours.number else { throw Mismatch("\(path) is missing; \(expected) was recorded") }
            let relative = tolerance["rel"].number ?? 0
            let absolute = tolerance["abs"].number ?? 0
            let isEqual = value == expected || (value.isNaN && expected.isNaN)
            guard isEqual || abs(value - expected) <= absolute + relative * abs(expected) else {
                throw Mismatch("\(path) is \(value); \(expected) was recorded")
            }
            return
        }
        switch (theirs, ours) {
        case (.null, _): return
        case (.string("undefined"), .number(let value)) where !value.isFinite: return
        case (.bool(let a), .bool(let b)) where a == b: return
        case (.string(let a), .string(let b)) where a == b: return
        case (.array(let a), .array(let b)):
            guard a.count == b.count else {
                throw Mismatch("\(path) has \(b.count) elements\(firstDifference(a, b)); \(a.count) were recorded")
            }
            for (index, pair) in zip(a, b).enumerated() { try compare(pair.0, pair.1, tolerance, "\(path)[\(index)]") }
        case (.object(let a), .object):
            for (key, value) in a.sorted(by: { $0.key < $1.key }) {
                let special = tolerance[key]
                try compare(value, ours[key], special.isNull ? tolerance : special, "\(path).\(key)")
            }
        default: throw Mismatch("\(path) is \(ours); \(theirs) was recorded")
        }
    }

    private func firstDifference(_ theirs: [GoldenJSON], _ ours: [GoldenJSON]) -> String {
        let index = zip(theirs, ours).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        return index.map { ", the first other at \($0): \(ours[$0]) and not \(theirs[$0])" } ?? ""
    }
}
