import Events
import ModelContainer
import ModelGraph
import ModelImport
import Pipelines

/// Rows of a pipeline, with or without labels, as they come with an offer or from the registry.
struct OfferedRows: Sendable {
    /// `[count, features]`, row-major.
    private(set) var inputs: [Float]
    /// One for each row: the target, or the class.
    private(set) var labels: [Float]?
    let count: Int
    private let features: Int

    /// Reads rows: a data set, an `.npy` file, or bare float32.
    ///
    /// - Parameter labels: A file with a label for each row; nil when there is none, or when a data set has them.
    /// - Throws: `EventError` `badShape`, `notFinite`, `outOfSchema`, `badContainer`, naming file, row and value.
    init(_ bytes: [UInt8], labels: [UInt8]? = nil, of pipeline: Pipeline) throws(EventError) {
        features = pipeline.featureCount
        if bytes.starts(with: [0x89] + Array("HXM".utf8)) {
            do {
                let container = try ModelContainer(parsing: bytes)
                let tensor = try container.tensor("inputs")
                guard tensor.shape.dropFirst().reduce(1, *) == features else {
                    throw EventError(
                        .badShape,
                        "the calibration rows are \(tensor.shape); a row of pipeline '\(pipeline.name)' has \(features)"
                    )
                }
                inputs = try tensor.floats
                self.labels = container.tensorNames.contains("targets") ? try container.tensor("targets").floats : nil
            } catch let error as EventError { throw error } catch {
                throw EventError(.badContainer, "the calibration rows: \(error)")
            }
        } else {
            inputs = try Self.numbers(bytes, "the calibration rows")
        }
        guard !inputs.isEmpty, inputs.count % features == 0 else {
            throw EventError(
                .badShape,
                "the calibration rows are \(inputs.count) numbers; a row of pipeline '\(pipeline.name)' has \(features)"
            )
        }
        count = inputs.count / features
        if let index = inputs.firstIndex(where: { !$0.isFinite }) {
            throw EventError(
                .notFinite,
                "calibration row \(index / features), element \(index % features) is no number"
            )
        }
        if let labels { self.labels = try Self.numbers(labels, "the labels") }
        try checkLabels(pipeline)
    }

    private func checkLabels(_ pipeline: Pipeline) throws(EventError) {
        guard let labels else { return }
        guard labels.count == count else {
            throw EventError(.badShape, "there are \(labels.count) labels for \(count) calibration rows")
        }
        for (row, label) in labels.enumerated() {
            guard label.isFinite else { throw EventError(.notFinite, "the label of row \(row) is no number") }
            guard let classes = pipeline.task.classes else { continue }
            guard label >= 0, label < Float(classes), label == label.rounded() else {
                throw EventError(
                    .outOfSchema,
                    "the label of row \(row) is \(label); classes are whole numbers from 0 to \(classes - 1)"
                )
            }
        }
    }

    private static func numbers(_ bytes: [UInt8], _ what: String) throws(EventError) -> [Float] {
        do throws(ArrayFileError) {
            return ArrayFile.isNpy(bytes)
                ? try ArrayFile(npy: bytes).floats : try ArrayFile(raw: bytes, element: .float32).floats
        } catch { throw EventError(.badShape, "\(what): \(error)") }
    }

    /// These rows and then others, without labels.
    func joined(_ other: OfferedRows) -> OfferedRows {
        OfferedRows(inputs: inputs + other.inputs, labels: nil, features: features)
    }

    /// At most `max` of the rows, evenly spread.
    func sampled(_ max: Int) -> OfferedRows {
        guard count > max else { return self }
        let chosen = (0..<max).map { $0 * count / max }
        return OfferedRows(
            inputs: chosen.flatMap { inputs[$0 * features..<($0 + 1) * features] },
            labels: labels.map { labels in chosen.map { labels[$0] } },
            features: features
        )
    }

    private init(inputs: [Float], labels: [Float]?, features: Int) {
        self.inputs = inputs
        self.labels = labels
        self.features = features
        count = inputs.count / features
    }

    /// The bytes of a data set with these rows.
    func container() throws(ContainerError) -> [UInt8] {
        var tensors = [("inputs", Tensor(shape: [count, features], floats: inputs))]
        if let labels { tensors.append(("targets", Tensor(shape: [count, 1], floats: labels))) }
        return try ModelContainer.dataset(tensors: tensors, metadata: [:])
    }

    /// The least and the greatest value of some elements of all rows.
    func range(of elements: Range<Int>) -> (min: Float, max: Float)? {
        var range: (min: Float, max: Float)?
        for row in 0..<count {
            for value in inputs[row * features + elements.lowerBound..<row * features + elements.upperBound] {
                range = (Swift.min(range?.min ?? value, value), Swift.max(range?.max ?? value, value))
            }
        }
        return range
    }
}
