public import ModelContainer
import ModelGraph
import Quantization

/// What each layer of a quantized model costs, in the measure of the caller.
public struct LossByLayer: Sendable, Hashable {
    /// A layer and its part of the loss.
    public struct Layer: Sendable, Hashable {
        /// The name of the node; the input is named as in the graph.
        public var name: String
        /// By how much the cost falls when this layer, too, gives what the float model gives.
        public var cost: Double
    }

    /// The greatest cost first; layers that are equal in the order of the model.
    public var layers: [Layer]

    /// Runs rows again and again, each time with one layer more that gives the float model's values, rounded to its
    /// integers.
    ///
    /// - Parameters:
    ///   - float: The float model.
    ///   - quantized: The model that was made of it.
    ///   - inputs: `[rows, inputs]` row-major.
    ///   - cost: What an answer to a row costs, for instance 1 when it is wrong.
    ///   - progress: Called with the number of rows that are done.
    /// - Throws: ``InferenceError``, as for ``Quantizer/compare(float:quantized:inputs:rows:progress:)``.
    /// - Complexity: The runs of a row are as many as the model has layers.
    public init(
        float: ModelContainer,
        quantized: ModelContainer,
        inputs: [Float],
        rows: Int,
        cost: (_ row: Int, _ answer: [Float]) -> Double,
        progress: (_ done: Int) -> Void = { _ in }
    ) throws(InferenceError) {
        let model = try QuantizedModel(quantized)
        let twin = try FloatTwin(float, of: quantized, model)
        guard inputs.count == rows * model.inputCount else {
            throw .inputCount(expected: rows * model.inputCount, actual: inputs.count)
        }
        let plan = model.plan
        // The inputs together, and each step.
        let stages = [plan.inputs.filter { $0.encoding != nil }.map(\.value)] + plan.steps.map { [$0.output] }
        let names = [plan.inputs.first.map { plan.values[$0.value].name } ?? "input"] + plan.steps.map(\.node)
        let wanted = Set(stages.joined().map { twin.name(of: plan.values[$0].name) })
        var costs = [Double](repeating: 0, count: stages.count)
        var session = try model.makeSession()
        for row in 0..<rows {
            let input = Array(inputs[row * model.inputCount..<(row + 1) * model.inputCount])
            var floats: [String: [Float]] = [:]
            _ = try InferenceError.wrapGraph { () throws(GraphError) in
                try twin.interpreter.run(input, rows: 1) { name, elements, _ in
                    if wanted.contains(name) { floats[name] = elements }
                }
            }
            let exact = stages.map { values in
                values.map { value in
                    let info = plan.values[value]
                    return (value, info.storage.bytes(floats[twin.name(of: info.name)] ?? []))
                }
            }
            var before = cost(row, try session.run(input, rows: 1))
            for last in stages.indices {
                let answer = try session.run(input, rows: 1) { step, memory in
                    guard step < last else { return }
                    for (value, bytes) in exact[step + 1] { memory.replace(value, with: bytes) }
                }
                let now = cost(row, answer)
                costs[last] += before - now
                before = now
            }
            progress(row + 1)
        }
        layers = zip(names, costs).map { Layer(name: $0, cost: $1) }.enumerated()
            .sorted { (-$0.element.cost, $0.offset) < (-$1.element.cost, $1.offset) }.map(\.element)
    }
}

extension Plan.Storage {
    /// The bytes in which real numbers stand, little-endian.
    fileprivate func bytes(_ reals: [Float]) -> [UInt8] {
        func littleEndian(_ words: [some FixedWidthInteger]) -> [UInt8] {
            words.flatMap { word in (0..<word.bitWidth / 8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
        }
        switch self {
        case .bytes(let encoding): return reals.map { encoding.quantize($0) }
        case .halfwords(let scale): return littleEndian(reals.map { Int16(Encoding.whole($0 / scale, limit: 32767)) })
        case .sums(let scale, _):
            return littleEndian(
                reals.indices.map { index in
                    let steps = (Double(reals[index]) / Double(scale[index % scale.count])).rounded()
                    return Int32(min(max(steps, -0x1p31), 0x1p31 - 1))
                }
            )
        case .reals: return littleEndian(reals.map(\.bitPattern))
        case .indices: return []
        }
    }
}
