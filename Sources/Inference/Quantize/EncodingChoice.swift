import ModelGraph
import Quantization

/// The encoding of every value that stands as bytes.
///
/// Values that an operator only moves have one encoding in common: what a maximum pool, a reshape, a transposition, a
/// slice, a padding or a resize reads and writes, and what only a concatenation reads with what it gives. The common
/// encoding covers all their ranges. An encoding that was given stands whatever was seen.
struct EncodingChoice {
    private var groups = ValueGroups()
    private var ranges: [String: (min: Float, max: Float)] = [:]
    private var steps: [String: Float] = [:]
    private var chosen: [String: Encoding] = [:]
    /// Groups whose encoding was given.
    private var given: Set<String> = []

    /// - Parameters:
    ///   - ranges: What bytes shall cover of each value.
    ///   - fixed: Encodings that were given. Operators that only move elements lie between equal ones.
    init(
        _ lowered: LoweredGraph,
        ranges observed: [String: (min: Float, max: Float)],
        fixed given: [String: Encoding] = [:]
    ) {
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
            case _ where node.operation.keepsEncoding:
                if isBytes(node.inputs[0]) { groups.join(node.inputs[0], node.output) }
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
            for input in node.inputs
            where readers[input] == 1 && !groups.isJoined(input) && fixed[input] == nil && given[input] == nil {
                groups.join(input, node.output)
            }
        }
        chosen = [:]
        for (value, encoding) in fixed { chosen[groups.root(of: value)] = encoding }
        let converted = lowered.origins.filter { isBytes($0.key) }
        for (value, range) in observed.merging(converted.compactMapValues { observed[$0] }, uniquingKeysWith: { $1 }) {
            let root = groups.root(of: value)
            let known = self.ranges[root]
            self.ranges[root] = (min(known?.min ?? range.min, range.min), max(known?.max ?? range.max, range.max))
        }
        keep(given, graph)
    }

    private mutating func keep(_ given: [String: Encoding], _ graph: Graph) {
        // The table of a softmax has one encoding.
        let tables = Set(graph.nodes.filter { $0.operation == .softmax }.map { groups.root(of: $0.output) })
        for (value, encoding) in given.sorted(by: { $0.key < $1.key }) {
            let root = groups.root(of: value)
            guard !tables.contains(root), !self.given.contains(root) else { continue }
            chosen[root] = encoding
            self.given.insert(root)
        }
        // What only a rectification reads needs no more than what it leaves.
        for node in graph.nodes.reversed() {
            guard case .function(let function) = node.operation, function.isRectification else { continue }
            let (input, output) = (groups.root(of: node.inputs[0]), groups.root(of: node.output))
            guard chosen[input] == nil, ranges[input] == nil, let encoding = chosen[output] else { continue }
            chosen[input] = encoding
        }
    }

    /// Whether an encoding of a value can be told.
    func isKnown(_ value: String) -> Bool {
        let root = groups.root(of: value)
        return chosen[root] != nil || ranges[root] != nil
    }

    /// The encoding of a value.
    ///
    /// - Throws: ``InferenceError/quantization(node:_:)`` naming the value when nothing was seen of it.
    func encoding(of value: String) throws(InferenceError) -> Encoding {
        let root = groups.root(of: value)
        if let encoding = chosen[root] { return encoding }
        return try InferenceError.wrapQuantization(node: value) { () throws(QuantizationError) in
            guard let range = ranges[root] else { throw .noValues }
            let observed = try Encoding(min: range.min, max: range.max)
            guard let step = steps[root], observed.scale < step else { return observed }
            let low = observed.range.lowerBound
            return try Encoding(min: low, max: max(observed.range.upperBound, low + 255 * step))
        }
    }

    /// Makes the encoding of a value at least so coarse, one that was given too.
    ///
    /// - Returns: Whether it changed.
    mutating func requireStep(_ step: Float, of value: String) throws(InferenceError) -> Bool {
        let root = groups.root(of: value)
        guard step.isFinite, try encoding(of: value).scale < step else { return false }
        if let encoding = chosen[root] {
            guard given.remove(root) != nil else { return false }
            chosen[root] = nil
            ranges[root] = (encoding.range.lowerBound, encoding.range.upperBound)
        }
        steps[root] = step
        return true
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

extension Function {
    /// Whether what is below 0 becomes 0 and the rest stays up to a limit.
    fileprivate var isRectification: Bool {
        switch self {
        case .relu, .relu6, .clip(low: 0, high: _): true
        default: false
        }
    }
}
