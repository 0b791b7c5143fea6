import Events
import Inference
import ModelGraph
import Pipelines

/// The figures of the demo: laps, errors of the ways compared, and what was promised.
struct DemoReport: Sendable {
    let plan: DemoPlan
    let record: DemoRecord
    let terminal: Terminal

    /// One way of answering: its absolute errors by day, of int8 and of float.
    private struct Way {
        let name: String
        var quantized: [Int: Double] = [:]
        var float: [Int: Double] = [:]
    }

    private var series: PriceSeries { plan.feed.series }

    func show(dailyStep: Int?) async throws {
        title("Laps")
        LapTable(record.laps, days: record.decayDays).write(to: terminal)

        title("Recomputing")
        let (frozen, loop, wrong) = try replayed()
        let naive = Way(
            name: "tomorrow = today, no model",
            float: errors { series.prices[$0] }
        )
        let daily = try await retrainedDaily(dailyStep)

        title(
            "Mean absolute error in USD per barrel, \(plan.labelled.count) days, "
                + "\(series.dates[plan.labelled.lowerBound]) to \(series.dates[plan.labelled.upperBound - 1])"
        )
        let ways = [frozen, loop, daily, naive]
        var table = TextTable(["", ">int8", ">float"])
        for way in ways { table.add([way.name, Self.mean(way.quantized), Self.mean(way.float)]) }
        table.write(to: terminal, indent: "  ")
        terminal.line()
        byYear(ways)
        verdict(frozen, loop, naive)
        promises(wrong)
    }

    private func title(_ text: String) {
        terminal.line()
        terminal.line(terminal.paint(text, .bold))
    }

    // MARK: The ways

    private func errors(_ answer: (Int) throws -> Double?) rethrows -> [Int: Double] {
        var errors: [Int: Double] = [:]
        for day in plan.labelled {
            if let answer = try answer(day) { errors[day] = abs(answer - series.prices[day + 1]) }
        }
        return errors
    }

    /// The first model for all days, the live answers with their float models, and the live answers that differ from
    /// what their container says.
    private func replayed() throws -> (Way, Way, [String]) {
        var frozen = Way(name: "never retrained")
        var loop = Way(name: "this loop, \(record.lapsClosed) laps")
        var wrong = record.contradictions
        for day in plan.days {
            let features = try plan.features(day)
            let key = series.dates[day]
            let truth = day < plan.labelled.upperBound ? series.prices[day + 1] : nil
            if let truth, let first = record.models[record.first.digest] {
                frozen.quantized[day] = abs(Double(try first.quantized.predict(features, rows: 1)[0]) - truth)
                frozen.float[day] = abs(Double(try first.float.run(features, rows: 1)[0]) - truth)
            }
            guard let answer = record.answers[key], let model = record.models[answer.digest] else { continue }
            let again = try model.quantized.predict(features, rows: 1)[0]
            if again.bitPattern != answer.output.bitPattern { wrong.insert(key) }
            if let truth {
                loop.quantized[day] = abs(Double(answer.output) - truth)
                loop.float[day] = abs(Double(try model.float.run(features, rows: 1)[0]) - truth)
            }
        }
        terminal.line(
            "\(record.answers.count) answers recomputed from \(record.models.count) containers, \(wrong.count) differ"
        )
        return (frozen, loop, wrong.sorted())
    }

    private func retrainedDaily(_ given: Int?) async throws -> Way {
        let daily = try DailyRetraining(plan)
        let measured = given == nil ? try await daily.affordableStep() : 1
        let step = given ?? measured
        let trainings = (plan.labelled.count + step - 1) / step
        let often = step == 1 ? "every day" : "every \(step) days"
        terminal.line(
            "retraining \(often): \(trainings) trainings on \(daily.threads) threads"
                + (given == nil && step > 1 ? "; --daily-step 1 retrains every day and takes longer" : "")
        )
        let bar = ProgressBar(terminal, "training", total: trainings)
        let began = ContinuousClock.now
        let answers = try await daily.run(step: step) { bar.step() }
        bar.finish()
        terminal.line("\(trainings) trainings in \((ContinuousClock.now - began).short)")
        return Way(
            name: "retrained \(often)",
            quantized: errors { answers[$0].map { Double($0.quantized) } },
            float: errors { answers[$0].map { Double($0.float) } }
        )
    }

    // MARK: The words

    private static func mean(_ errors: [Int: Double]) -> String { value(errors).map { $0.fixed(2) } ?? "-" }

    private static func value(_ errors: [Int: Double]) -> Double? {
        errors.isEmpty ? nil : errors.values.reduce(0, +) / Double(errors.count)
    }

    /// int8 where there is one.
    private func byYear(_ ways: [Way]) {
        var table = TextTable(["year", ">days"] + ways.map { ">\($0.name)" })
        for (year, days) in Dictionary(grouping: plan.labelled, by: { series.dates[$0].prefix(4) }).sorted(by: {
            $0.key < $1.key
        }) {
            let cells = ways.map { way in
                let errors = way.quantized.isEmpty ? way.float : way.quantized
                return Self.mean(errors.filter { days.contains($0.key) })
            }
            table.add([String(year), "\(days.count)"] + cells)
        }
        table.write(to: terminal, indent: "  ")
    }

    private func verdict(_ frozen: Way, _ loop: Way, _ naive: Way) {
        guard let before = Self.value(frozen.quantized), let after = Self.value(loop.quantized),
            let floatBefore = Self.value(frozen.float), let simple = Self.value(naive.float)
        else { return }
        terminal.line()
        terminal.line(
            after < before
                ? "The loop's int8 error is \((before / after).fixed(1)) times smaller than that of the model that was "
                    + "never replaced."
                : "The loop did not lower the error of the model that was never replaced."
        )
        if before > 1.5 * floatBefore {
            terminal.line(
                "Left alone, int8 is \((before / floatBefore).fixed(1)) times worse than its own float parent: prices left "
                    + "the range it was calibrated on, and it answers with its limit without an error."
            )
        }
        if simple < min(before, after) {
            terminal.line(
                "Tomorrow's price is best guessed to be today's, here as everywhere: the loop makes no better forecast of "
                    + "oil, it notices and repairs a model that went wrong."
            )
        }
    }

    private func promises(_ wrong: [String]) {
        title("Promises")
        let times = record.laps.compactMap { lap -> Double? in
            guard lap.cause == "decay.detected", let last = lap.lastNode, let first = lap.detected else { return nil }
            return (last - first).seconds
        }.sorted()
        func row(_ isKept: Bool, _ text: String) {
            terminal.line("  \(terminal.paint(isKept ? "yes" : " no", isKept ? .green : .red))  \(text)")
        }
        row(record.lapsClosed >= 5, "laps closed unattended: \(record.lapsClosed), at least 5")
        if let longest = times.last {
            row(
                longest < 5,
                "decay event to all nodes (T1 to T7), \(plan.pipeline.shadows.count + 1) models trained: median "
                    + "\(times[times.count / 2].fixed(2)) s, longest \(longest.fixed(2)) s, under 5 s"
            )
        }
        row(record.lost.isEmpty, "predictions lost: \(list(record.lost)) of \(plan.days.count)")
        row(
            wrong.isEmpty,
            "predictions answered wrongly: \(list(wrong)) of \(record.answers.count), compared bit by bit"
        )
        row(record.readyAfter < .seconds(3), "stack ready in \(record.readyAfter.short), under 3 s")
        row(
            record.memory.bytes < 250_000_000,
            "resident memory after start, this program included: \(record.memory.bytes.megabytes) MB, under 250 MB "
                + "(\(record.memory.sharedOnceBytes.megabytes) MB with shared pages counted once)"
        )
    }

    private func list(_ keys: [String]) -> String {
        keys.isEmpty ? "0" : "\(keys.count) (\(keys.prefix(3).joined(separator: ", "))\(keys.count > 3 ? ", ..." : ""))"
    }
}
