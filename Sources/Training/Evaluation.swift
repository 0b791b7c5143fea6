public import ModelGraph

/// How good answers are. Each measure is a mean over rows; an empty set has none.
public enum Evaluation {
    /// Runs a float graph over all rows of a set.
    ///
    /// - Returns: `[rows, outputs]` row-major.
    /// - Throws: ``TrainingError/graph(_:)`` when the graph does not fit the rows.
    public static func predict(_ graph: Graph, _ set: TrainingSet) throws(TrainingError) -> [Float] {
        do {
            return try FloatInterpreter(graph).run(set.inputs, rows: set.rows)
        } catch {
            throw .graph("\(error)")
        }
    }

    /// Mean absolute difference of two lists of equal length; nil when they are empty or differ in length.
    public static func meanAbsoluteError(outputs: [Float], targets: [Float]) -> Double? {
        guard !outputs.isEmpty, outputs.count == targets.count else { return nil }
        var sum = 0.0
        for (output, target) in zip(outputs, targets) { sum += (Double(output) - Double(target)).magnitude }
        return sum / Double(outputs.count)
    }

    /// Root of the mean squared difference; nil as for ``meanAbsoluteError(outputs:targets:)``.
    public static func rootMeanSquaredError(outputs: [Float], targets: [Float]) -> Double? {
        guard !outputs.isEmpty, outputs.count == targets.count else { return nil }
        var sum = 0.0
        for (output, target) in zip(outputs, targets) {
            let distance = Double(output) - Double(target)
            sum += distance * distance
        }
        return (sum / Double(outputs.count)).squareRoot()
    }

    /// Share of rows whose largest output is at the index that `targets` names; nil when there is no row or the counts
    /// do not fit. Of equal outputs the first counts.
    public static func accuracy(outputs: [Float], classes: Int, targets: [Float]) -> Double? {
        guard classes > 0, !targets.isEmpty, outputs.count == targets.count * classes else { return nil }
        var right = 0
        for (row, target) in targets.enumerated() where Float(answer(outputs, row, classes)) == target { right += 1 }
        return Double(right) / Double(targets.count)
    }

    /// Mean absolute error of a float graph on a set.
    ///
    /// - Throws: ``TrainingError/graph(_:)`` when the graph does not fit; ``TrainingError/noRows`` for an empty set.
    public static func meanAbsoluteError(_ graph: Graph, _ set: TrainingSet) throws(TrainingError) -> Double {
        let outputs = try predict(graph, set)
        guard let error = meanAbsoluteError(outputs: outputs, targets: set.targets) else { throw .noRows }
        return error
    }

    /// Accuracy of a float graph on a set whose targets are class indices.
    ///
    /// - Throws: ``TrainingError/graph(_:)`` when the graph does not fit; ``TrainingError/noRows`` for an empty set.
    public static func accuracy(_ graph: Graph, _ set: TrainingSet) throws(TrainingError) -> Double {
        let outputs = try predict(graph, set)
        let classes = set.rows > 0 ? outputs.count / set.rows : 0
        guard let accuracy = accuracy(outputs: outputs, classes: classes, targets: set.targets) else { throw .noRows }
        return accuracy
    }

    private static func answer(_ outputs: [Float], _ row: Int, _ classes: Int) -> Int {
        var best = 0
        for index in 1..<max(1, classes) where outputs[row * classes + index] > outputs[row * classes + best] {
            best = index
        }
        return best
    }
}
