import Events
import Inference
import ModelContainer
import ModelGraph
import Pipelines

/// Rows, with their targets where somebody knows them.
struct EvaluationSet: Sendable {
    let inputs: [Float]
    /// Nil for rows that came without labels.
    let targets: [Float]?
    let rows: Int

    /// Reads a data-set container.
    init(_ container: ModelContainer) throws {
        let inputs = try container.tensor("inputs")
        self.inputs = try inputs.floats
        targets = container.tensorNames.contains("targets") ? try container.tensor("targets").floats : nil
        rows = inputs.shape.first ?? 0
        guard rows > 0, targets?.count ?? rows == rows else {
            throw EventError(
                .badContainer,
                "data set \(container.digest) has \(rows) rows and \(targets?.count ?? 0) targets"
            )
        }
    }
}

/// Judges a candidate against its float parent and the champion. Pure.
struct Gates: Sendable {
    let pipeline: Pipeline
    let recent: EvaluationSet
    let frozen: EvaluationSet
    let parity: EvaluationSet

    /// What the gates said, and the candidate's metric on recent rows.
    struct Verdict: Sendable {
        var results: [GateResult]
        /// The metric on recent rows.
        var recent: Double
        /// What the monitor holds later errors against.
        var baseline: Double

        var isPassed: Bool { results.allSatisfy(\.passed) }
    }

    /// Judges `candidate`.
    /// - Parameters:
    ///   - float: The float model that it was made from.
    ///   - champion: What serves now; nil for the first model, which has nothing to beat.
    func judge(_ candidate: QuantizedModel, float: FloatInterpreter, champion: QuantizedModel?) throws -> Verdict {
        var results = [golden(candidate)]
        results.append(
            try quantization(
                try candidate.predict(parity.inputs, rows: parity.rows),
                try float.run(parity.inputs, rows: parity.rows)
            )
        )
        guard let targets = self.recent.targets else {
            if champion != nil, pipeline.gates.against == .champion { results.append(unlabelled) }
            return Verdict(results: results, recent: 0, baseline: 0)
        }
        let recent = metric(try candidate.predict(self.recent.inputs, rows: self.recent.rows), targets)
        guard let champion, pipeline.gates.against == .champion else {
            return Verdict(results: results, recent: recent, baseline: baseline(recent))
        }
        let recentLimit = metric(try champion.predict(self.recent.inputs, rows: self.recent.rows), targets)
        results.append(
            GateResult(
                gate: "recent",
                passed: recent < recentLimit,
                value: recent,
                limit: recentLimit,
                message: "\(name) on \(self.recent.rows) recent rows: \(text(recent)), champion \(text(recentLimit))"
            )
        )
        guard let targets = frozen.targets else {
            results.append(unlabelled)
            return Verdict(results: results, recent: recent, baseline: baseline(recent))
        }
        let frozenValue = metric(try candidate.predict(frozen.inputs, rows: frozen.rows), targets)
        let frozenChampion = metric(try champion.predict(frozen.inputs, rows: frozen.rows), targets)
        let frozenLimit = frozenChampion * (1 + pipeline.gates.frozenWorse)
        results.append(
            GateResult(
                gate: "frozen",
                passed: frozenValue <= frozenLimit,
                value: frozenValue,
                limit: frozenLimit,
                message:
                    "\(name) on \(frozen.rows) frozen rows: \(text(frozenValue)), champion \(text(frozenChampion)), "
                    + "allowed \(text(frozenLimit))"
            )
        )
        return Verdict(results: results, recent: recent, baseline: baseline(recent))
    }

    /// Without labelled rows nobody can say which of two models is better.
    private var unlabelled: GateResult {
        GateResult(
            gate: "recent",
            passed: false,
            value: 0,
            limit: 0,
            message:
                "there are no labelled rows on which it could be compared with the champion; offer it with labels, "
                + "or set gates.against to 'nothing'"
        )
    }

    /// The metric on recent rows as an expectation. A share of few rows says little when it is 0: one more row of each
    /// kind is counted (Laplace), so that a first wrong answer is not a breach.
    private func baseline(_ recent: Double) -> Double {
        switch pipeline.gates.metric {
        case .meanAbsoluteError: recent
        case .errorRate: (recent * Double(self.recent.rows) + 1) / Double(self.recent.rows + 2)
        }
    }

    private func golden(_ candidate: QuantizedModel) -> GateResult {
        let count = candidate.manifest.golden?.inputs.count ?? 0
        do {
            guard count > 0 else { throw InferenceGateError(description: "the container has no golden answers") }
            try candidate.verifyGolden()
            return GateResult(
                gate: "golden",
                passed: true,
                value: Double(count),
                limit: Double(count),
                message: "\(count) golden answers equal in every bit"
            )
        } catch {
            return GateResult(gate: "golden", passed: false, value: 0, limit: Double(count), message: "\(error)")
        }
    }

    /// How much the integers lose, on the newest rows. Without labels the float model's answers are the truth: of classes
    /// the share that changes, of numbers the mean difference as a share of how far the answers spread.
    private func quantization(_ integers: [Float], _ reals: [Float]) throws -> GateResult {
        let limit = pipeline.gates.maxQuantizationDrop
        let drop: Double
        let message: String
        if let targets = parity.targets {
            let (integer, real) = (metric(integers, targets), metric(reals, targets))
            drop = real > 0 ? (integer - real) / real : integer
            message = "\(name) int8 \(text(integer)) against float \(text(real)): \(percent(drop))"
        } else if pipeline.task.kind == .classification {
            drop = Self.errorRate(integers, Self.classes(reals, parity.rows), parity.rows)
            message = "int8 gives another class than float for \(percent(drop)) of \(parity.rows) rows"
        } else {
            let mean = reals.reduce(0) { $0 + Double($1) } / Double(reals.count)
            let spread = reals.reduce(0) { $0 + abs(Double($1) - mean) } / Double(reals.count)
            let difference = Self.meanAbsoluteError(integers, reals, parity.rows)
            drop = spread > 0 ? difference / spread : difference
            message =
                "int8 is \(text(difference)) off float in the mean of \(parity.rows) rows, "
                + "\(percent(drop)) of the spread of the answers"
        }
        return GateResult(
            gate: "quantization",
            passed: drop <= limit,
            value: drop,
            limit: limit,
            message: "\(message), allowed \(percent(limit))"
        )
    }

    private var name: String { pipeline.gates.metric.rawValue }

    /// The mean error of the answers; smaller is better.
    private func metric(_ outputs: [Float], _ targets: [Float]) -> Double {
        switch pipeline.gates.metric {
        case .meanAbsoluteError: Self.meanAbsoluteError(outputs, targets, targets.count)
        case .errorRate: Self.errorRate(outputs, targets, targets.count)
        }
    }

    private static func meanAbsoluteError(_ outputs: [Float], _ targets: [Float], _ rows: Int) -> Double {
        var sum = 0.0
        for (output, target) in zip(outputs, targets) { sum += Double(abs(output - target)) }
        return sum / Double(rows)
    }

    private static func errorRate(_ outputs: [Float], _ targets: [Float], _ rows: Int) -> Double {
        Double(zip(classes(outputs, rows), targets).count { $0 != $1.rounded(.towardZero) }) / Double(rows)
    }

    /// The place of the greatest answer of each row.
    private static func classes(_ outputs: [Float], _ rows: Int) -> [Float] {
        let width = outputs.count / rows
        return (0..<rows).map { row in
            let scores = outputs[(row * width)..<((row + 1) * width)]
            return Float((scores.indices.max { scores[$0] < scores[$1] } ?? row * width) - row * width)
        }
    }

    private func text(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }

    private func percent(_ value: Double) -> String { "\((value * 1000).rounded() / 10) %" }
}

private struct InferenceGateError: Error, CustomStringConvertible {
    let description: String
}
