import ModelContainer
import ModelGraph

/// The names of a model's inputs, to say which of them is wrong.
struct FeatureNames: Sendable {
    private let features: [(name: String, count: Int)]
    private let inputCount: Int

    /// - Throws: ``InferenceError/invalid(field:reason:)`` unless the features are not known or fill the input exactly.
    init(_ features: [Feature], inputCount: Int) throws(InferenceError) {
        self.inputCount = inputCount
        var named: [(name: String, count: Int)] = []
        var total = 0
        for feature in features {
            guard let count = Tensor.elementCount(of: feature.shape), count <= inputCount - total else {
                throw .invalid(
                    field: "manifest.features",
                    reason: "'\(feature.name)' leaves the input of \(inputCount) values"
                )
            }
            total += count
            named.append((feature.name, count))
        }
        guard features.isEmpty || total == inputCount else {
            throw .invalid(field: "manifest.features", reason: "\(total) values instead of \(inputCount)")
        }
        self.features = named
    }

    /// The error for an element of the input that is NaN or infinite.
    func nonFinite(at index: Int) -> InferenceError {
        let row = index / inputCount
        var element = index % inputCount
        for feature in features {
            if element < feature.count { return .nonFiniteInput(row: row, feature: feature.name, element: element) }
            element -= feature.count
        }
        return .nonFiniteInput(row: row, feature: "input", element: element)
    }
}
