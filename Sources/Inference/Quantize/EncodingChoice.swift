import ModelGraph
import Quantization

/// The encoding of every value that stands as bytes.
///
/// Values that an operator only moves have one encoding in common: what a maximum pool, a reshape, a transposition, a
/// slice, a padding or a resize reads and writes, and what only a concatenation reads with what it gives. The common
/// encoding covers all their ranges.
struct EncodingChoice {
    private var parents: [String: String] = [:]
    private var ranges: [String: (min: Float, max: Float)] = [:]
    private var steps: [String: Float] = [:]
    private var chosen: [String: Encoding] = [:]

    /// - Parameters:
    ///   - ranges: What bytes shall cover of each value.
    init(_ lowered: LoweredGraph, ranges observed: [String: (min: Float, max: Float)]) {
        let (graph, roles) = (lowered.graph, lowered.roles)
        func isBytes(_ value: String) -> Bool {
            lowered.infos[value].map { roles.isEncoded($0) && !lowered.isWide(value) } ?? false
        }
        var readers: [String: Int] = [:]
        for node in graph.nodes { for input in node.inputs { readers[input, default: 0] += 1 } }
        for output in graph.outputs { readers[output, default: 0] += 1 }
        for node in graph.nodes where roles.isInteger(node) && isBytes(node.output) {
            guard chosen[node.output] == nil else { continue }
            switch node.operation {
            case .maxPool, .reshape, .transpose, .slice, .pad, .resize:
                if isBytes(node.inputs[0]) { join(node.inputs[0], node.output) }
            case .function(let function):
                chosen[node.output] = EncodingChoice.fixed(function)
            case .softmax:
                chosen[node.output] = try? Encoding(scale: 0x1p-8, zeroPoint: 0)
            default: break
            }
        }
        let fixed = chosen
        for node in graph.nodes {
            guard case .concatenate = node.operation, roles.isInteger(node) else { continue }
            // Only what has no ties of its own: the range of the others would grow for nothing.
            for input in node.inputs where readers[input] == 1 && parents[input] == nil && fixed[input] == nil {
                join(input, node.output)
            }
        }
        chosen = [:]
        for (value, encoding) in fixed { chosen[root(value)] = encoding }
        let converted = lowered.origins.filter { isBytes($0.key) }
        for (value, range) in observed.merging(converted.compactMapValues { observed[$0] }, uniquingKeysWith: { $1 }) {
            let root = root(value)
            let known = self.ranges[root]
            self.ranges[root] = (min(known?.min ?? range.min, range.min), max(known?.max ?? range.max, range.max))
        }
    }

    /// The encoding of a value.
    ///
    /// - Throws: ``InferenceError/quantization(node:_:)`` naming the value when nothing was seen of it.
    func encoding(of value: String) throws(InferenceError) -> Encoding {
        let root = root(value)
        if let encoding = chosen[root] { return encoding }
        return try InferenceError.wrapQuantization(node: value) { () throws(QuantizationError) in
            guard let range = ranges[root] else { throw .noValues }
            let observed = try Encoding(min: range.min, max: range.max)
            guard let step = steps[root], observed.scale < step else { return observed }
            let low = observed.range.lowerBound
            return try Encoding(min: low, max: max(observed.range.upperBound, low + 255 * step))
        }
    }

    /// Makes the encoding of a value at least so coarse.
    ///
    /// - Returns: Whether it changed.
    mutating func requireStep(_ step: Float, of value: String) throws(InferenceError) -> Bool {
        let root = root(value)
        guard chosen[root] == nil, step.isFinite, try encoding(of: value).scale < step else { return false }
        steps[root] = step
        return true
    }

    private func root(_ value: String) -> String {
        var value = value
        while let parent = parents[value] { value = parent }
        return value
    }

    private mutating func join(_ first: String, _ second: String) {
        let (a, b) = (root(first), root(second))
        if a != b { parents[b] = a }
    }

    /// Functions that reach a known range have its encoding, whatever was seen.
    private static func fixed(_ function: Function) -> Encoding? {
        switch function {
        case .sigmoid, .hardSigmoid: try? Encoding(scale: 0x1p-8, zeroPoint: 0)
        case .tanh: try? Encoding(scale: 0x1p-7, zeroPoint: 128)
        default: nil
        }
    }
}
