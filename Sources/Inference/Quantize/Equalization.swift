import ModelContainer
import ModelGraph
import Quantization

/// Channels of values between two layers, scaled so that one step fits all of them.
///
/// What a layer gives in a channel is divided by a factor and what the next layers multiplies it with is multiplied by it, so
/// that the graph computes the same. The weights of a layer have a scale for each output, so that the first layer loses
/// nothing; the values have one scale for all channels, which gains where their ranges differ; the next layer's weights
/// have one scale for all inputs of an output, so that the factor is a compromise unless each channel is its own group.
struct Equalization {
    /// Two layers with only operators between them that treat every channel alike, in proportion.
    private struct Link {
        let first: Int
        let second: Int
        /// The channels of what the first gives.
        let channels: Int
        /// Whether each channel is a group of the second.
        let isDepthwise: Bool
    }

    /// The graph with scaled weights.
    private(set) var graph: Graph
    /// By the name of a layer, what each channel that it gives is divided by.
    private(set) var factors: [String: [Float]] = [:]
    /// For people: the layers whose clip at 6 holds some channels as they are.
    private(set) var held: [String: Int] = [:]
    private let links: [Link]

    /// Factors are in this range and its inverse.
    private static let factorMax: Float = 256
    /// A channel that reaches so far is clipped at 6, or may be.
    private static let clipped: Float = 5.99

    /// - Parameters:
    ///   - graph: A rewritten graph.
    ///   - greatest: For the output of each layer the greatest magnitude of each channel over the calibration rows.
    init(_ graph: Graph, greatest: [String: [Float]]) throws(InferenceError) {
        self.graph = graph
        links = try Equalization.links(of: graph)
        for link in links {
            let (first, second) = (graph.nodes[link.first], graph.nodes[link.second])
            guard let greatest = greatest[first.output], greatest.count == link.channels else { continue }
            let weights = try columns(of: second, link)
            var raw = zip(greatest, weights).map { value, weight -> Float in
                guard value > 0, weight > 0 else { return 0 }
                return link.isDepthwise ? value : (value / weight).squareRoot()
            }
            // The channels together keep the range they had.
            let top = greatest.max() ?? 0
            let scaled = zip(greatest, raw).reduce(Float(0)) { $1.1 > 0 ? max($0, $1.0 / $1.1) : $0 }
            guard top > 0, scaled > 0 else { continue }
            raw = raw.map { factor in
                guard factor > 0 else { return 1 }
                return min(max(factor * (scaled / top), 1 / Equalization.factorMax), Equalization.factorMax)
            }
            if first.operation.layerActivation == .relu6 {
                // A clip is no factor of what it clips: channels that reach it stay, others must not come to reach it.
                for channel in raw.indices {
                    if greatest[channel] >= Equalization.clipped {
                        raw[channel] = 1
                        held[first.name, default: 0] += 1
                    } else {
                        raw[channel] = max(raw[channel], greatest[channel] / Equalization.clipped)
                    }
                }
            }
            guard raw.contains(where: { $0 != 1 }) else { continue }
            try apply(raw, link)
        }
    }

    /// The graph that a quantized model was made of, from the factors that its container has.
    ///
    /// - Throws: ``InferenceError/invalid(field:reason:)`` when they do not fit the graph.
    init(of container: ModelContainer, _ graph: Graph) throws(InferenceError) {
        self.graph = graph
        links = try Equalization.links(of: graph)
        for link in links {
            let name = Equalization.tensor(of: graph.nodes[link.first].name)
            guard container.tensorNames.contains(name) else { continue }
            try apply(try container.reals(name, count: link.channels), link)
        }
    }

    /// The name of the tensor with a layer's factors.
    static func tensor(of node: String) -> String { "\(node).equalization" }

    // MARK: Links

    private static func links(of graph: Graph) throws(InferenceError) -> [Link] {
        let infos = try InferenceError.wrapGraph { () throws(GraphError) in try graph.values() }
        var readers: [String: [Int]] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs { readers[input, default: []].append(index) }
        }
        let outputs = Set(graph.outputs)
        var links: [Link] = []
        for (index, node) in graph.nodes.enumerated() where node.operation.layerActivation != nil {
            guard let channels = infos[node.output]?.shape.last else { continue }
            var value = node.output
            while !outputs.contains(value), let reader = readers[value]?.first, readers[value]?.count == 1 {
                let next = graph.nodes[reader]
                let hasChannels = infos[value]?.shape.last == channels
                switch next.operation {
                case .fullyConnected:
                    links.append(Link(first: index, second: reader, channels: channels, isDepthwise: false))
                case .convolution(let convolution) where hasChannels:
                    let isDepthwise = convolution.groups == channels && channels > 1
                    links.append(Link(first: index, second: reader, channels: channels, isDepthwise: isDepthwise))
                default:
                    if next.operation.isProportional(channels: hasChannels, rank: infos[value]?.shape.count ?? 0) {
                        value = next.output
                        continue
                    }
                }
                break
            }
        }
        return links
    }

    /// For each channel the greatest part that its weights are of the greatest weight of their output.
    private func columns(of node: Node, _ link: Link) throws(InferenceError) -> [Float] {
        let weights = try graph.floats(node.operation.constants[0])
        var greatest = [Float](repeating: 0, count: link.channels)
        try forEachWeight(of: node, link) { output, index, channel, row in
            let top = weights[row].reduce(Float(0)) { max($0, $1.magnitude) }
            if top > 0 { greatest[channel] = max(greatest[channel], weights[index].magnitude / top) }
        }
        return greatest
    }

    /// Calls for each weight of a layer with its output, its place, the channel of the input that it multiplies, and the
    /// places of all weights of the output.
    private func forEachWeight(
        of node: Node,
        _ link: Link,
        _ body: (_ output: Int, _ index: Int, _ channel: Int, _ row: Range<Int>) -> Void
    ) throws(InferenceError) {
        guard let tensor = graph.constants[node.operation.constants[0]] else { return }
        let outputs = tensor.shape[0]
        let inputs = tensor.elementCount / outputs
        var perGroup = link.channels
        var groups = 1
        if case .convolution(let convolution) = node.operation {
            groups = convolution.groups
            perGroup = link.channels / groups
        }
        for output in 0..<outputs {
            let first = output / (outputs / groups) * perGroup
            let row = output * inputs..<(output + 1) * inputs
            for index in row { body(output, index, first + (index - row.lowerBound) % perGroup, row) }
        }
    }

    private mutating func apply(_ factors: [Float], _ link: Link) throws(InferenceError) {
        let (first, second) = (graph.nodes[link.first], graph.nodes[link.second])
        var weights = try graph.floats(first.operation.constants[0])
        let biases = try graph.floats(first.operation.constants[1])
        let inputs = weights.count / factors.count
        for index in weights.indices { weights[index] /= factors[index / inputs] }
        replaceConstants(of: link.first, weights, zip(biases, factors).map { $0 / $1 })
        var next = try graph.floats(second.operation.constants[0])
        try forEachWeight(of: second, link) { _, index, channel, _ in next[index] *= factors[channel] }
        replaceConstants(of: link.second, next, try graph.floats(second.operation.constants[1]))
        self.factors[first.name] = factors
    }

    /// Gives a layer constants of its own.
    private mutating func replaceConstants(of index: Int, _ weights: [Float], _ biases: [Float]) {
        let node = graph.nodes[index]
        let shape = graph.constants[node.operation.constants[0]]?.shape ?? []
        // Names that are in no file: a container calls a layer's constants after the layer.
        let names = ("\(node.name)\nequalized weights", "\(node.name)\nequalized bias")
        graph.constants[names.0] = Tensor(shape: shape, floats: weights)
        graph.constants[names.1] = Tensor(shape: [biases.count], floats: biases)
        switch node.operation {
        case .fullyConnected(_, _, let activation):
            graph.nodes[index].operation = .fullyConnected(weights: names.0, bias: names.1, activation: activation)
        case .convolution(var convolution):
            convolution.weights = names.0
            convolution.bias = names.1
            graph.nodes[index].operation = .convolution(convolution)
        default: break
        }
    }
}

extension Operation {
    /// The activation of a layer with weights; nil for other nodes.
    fileprivate var layerActivation: Activation? {
        switch self {
        case .fullyConnected(_, _, let activation): activation
        case .convolution(let convolution): convolution.activation
        default: nil
        }
    }

    /// Whether a factor of a channel before it is the same factor behind it.
    ///
    /// - Parameter channels: Whether the last dimension of its input is that of the channels.
    fileprivate func isProportional(channels: Bool, rank: Int) -> Bool {
        switch self {
        case .reshape, .function(.relu), .function(.leakyRelu): true
        case .maxPool, .averagePool, .resize: channels
        case .mean(let axes, _): channels && !axes.contains(rank - 1)
        case .pad(let before, let after, let value): channels && value == 0 && before.last == 0 && after.last == 0
        default: false
        }
    }
}

extension QuantizationWork {
    /// Equalizes the channels between layers.
    ///
    /// - Returns: What the channels of each layer were divided by.
    mutating func equalize(
        _ method: RangeMethod,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws(InferenceError) -> [String: [Float]] {
        let earlier = self
        let before = try decibels(build().model)
        let equalization = try Equalization(graph, greatest: greatestOfChannels())
        guard !equalization.factors.isEmpty else {
            let details = ["no two layers follow each other with channels to scale"]
            measures.append(
                QuantizationReport.Measure(name: "equalization", before: before, after: before, details: details)
            )
            return [:]
        }
        var details: [String] = []
        for node in graph.nodes {
            guard let factors = equalization.factors[node.name] else { continue }
            let (least, most) = (factors.min() ?? 1, factors.max() ?? 1)
            let held = equalization.held[node.name].map { ", \($0) held by the clip at 6" } ?? ""
            details.append("'\(node.name)': \(factors.count) channels by \(least)...\(most)\(held)")
        }
        try replace(equalization.graph)
        observed = try rows.observe(graph, interpreter, method: method) { progress($0, rows.count) }
        return try conclude("equalization", details, from: earlier, before: before) ? equalization.factors : [:]
    }

    private func greatestOfChannels() throws(InferenceError) -> [String: [Float]] {
        let infos = try InferenceError.wrapGraph { [graph] () throws(GraphError) in try graph.values() }
        var greatest: [String: [Float]] = [:]
        for node in graph.nodes where node.operation.layerActivation != nil {
            greatest[node.output] = [Float](repeating: 0, count: infos[node.output]?.shape.last ?? 1)
        }
        _ = try InferenceError.wrapGraph { () throws(GraphError) in
            try interpreter.run(rows.floats, rows: rows.count) { name, elements, _ in
                guard var channels = greatest[name] else { return }
                greatest[name] = nil
                for start in stride(from: 0, to: elements.count, by: channels.count) {
                    for channel in channels.indices {
                        channels[channel] = max(channels[channel], elements[start + channel].magnitude)
                    }
                }
                greatest[name] = channels
            }
        }
        return greatest
    }
}
