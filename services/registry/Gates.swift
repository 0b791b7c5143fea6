import Events
import Inference
import ModelContainer
import ModelGraph
import Pipelines

/// Rows with known targets.
struct EvaluationSet: Sendable {
    let inputs: [Float]
    let targets: [Float]
    let rows: Int

    /// Reads a data-set container.
    init(_ container: ModelContainer) throws {
        let inputs = try container.tensor("inputs")
        self.inputs = try inputs.floats
        targets = try container.tensor("targets").floats
        rows = inputs.shape.first ?? 0
        guard rows > 0, targets.count == rows else {
            throw EventError(
                .badContainer,
                "data set \(container.digest) has \(rows) rows and \(targets.count) targets"
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
        let recent = metric(try candidate.predict(self.recent.inputs, rows: self.recent.rows), self.recent)
        let integer = metric(try candidate.predict(parity.inputs, rows: parity.rows), parity)
        let real = metric(try float.run(parity.inputs, rows: parity.rows), parity)
        results.append(quantization(integer, real))
        guard let champion, pipeline.gates.against == .champion else {
            return Verdict(results: results, recent: recent, baseline: baseline(recent))
        }
        let recentLimit = metric(
            try champion.predict(self.recent.inputs, rows: self.recent.rows),
            self.recent
        )
        results.append(
            GateResult(
                gate: "recent",
                passed: recent < recentLimit,
                value: recent,
                limit: recentLimit,
                message: "\(name) on \(self.recent.rows) recent rows: \(text(recent)), champion \(text(recentLimit))"
            )
        )
        let frozenValue = metric(try candidate.predict(frozen.inputs, rows: frozen.rows), frozen)
        let frozenChampion = metric(try champion.predict(frozen.inputs, rows: frozen.rows), frozen)
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

    private func quantization(_ integer: Double, _ real: Double) -> GateResult {
        let drop = real > 0 ? (integer - real) / real : integer
        let limit = pipeline.gates.maxQuantizationDrop
        return GateResult(
            gate: "quantization",
            passed: drop <= limit,
            value: drop,
            limit: limit,
            message: "\(name) int8 \(text(integer)) against float \(text(real)): \(percent(drop)), allowed "
                + percent(limit)
        )
    }

    private var name: String { pipeline.gates.metric.rawValue }

    /// The mean error of the answers; smaller is better.
    private func metric(_ outputs: [Float], _ set: EvaluationSet) -> Double {
        switch pipeline.gates.metric {
        case .meanAbsoluteError:
            var sum = 0.0
            for (output, target) in zip(outputs, set.targets) { sum += Double(abs(output - target)) }
            return sum / Double(set.rows)
        case .errorRate:
            let classes = outputs.count / set.rows
            var wrong = 0
            for row in 0..<set.rows {
                let scores = outputs[(row * classes)..<((row + 1) * classes)]
                let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
                if best - row * classes != Int(set.targets[row]) { wrong += 1 }
            }
            return Double(wrong) / Double(set.rows)
        }
    }

    private func text(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }

    private func percent(_ value: Double) -> String { "\((value * 1000).rounded() / 10) %" }
}

private struct InferenceGateError: Error, CustomStringConvertible {
    let description: String
}
