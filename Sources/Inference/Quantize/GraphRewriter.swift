import ModelContainer
import ModelGraph

/// Turns a float graph into one that computes the same and has, for each node, an integer operator.
///
/// Nodes that no output needs go; a `relu` joins the node before it; zeros around a plane become padding of the
/// convolution behind them; constants of more than one element become an `affine`; what repeats in an arithmetic
/// operation is repeated by a `resize`; the axes of a mean become neighbours; the greater of two values is the maximum
/// pool of both. What has no such form stays as it is.
struct GraphRewriter {
    private(set) var graph: Graph
    private var infos: [String: TensorInfo] = [:]
    private var names: Set<String>
    private let kept: Set<String>
    private let fixed: FixedEncodings
    /// What was fused, a line each.
    private(set) var notes: [String] = []

    /// - Parameters:
    ///   - graph: A validated float graph.
    ///   - kept: Nodes that stay float and are not taken apart.
    ///   - fixed: Encodings that were given: values that have one stay values.
    init(
        _ graph: Graph,
        keeping kept: Set<String> = [],
        fixed: FixedEncodings = FixedEncodings()
    ) throws(InferenceError) {
        self.fixed = fixed
        let graph = fixed.separating(graph)
        self.graph = graph
        self.kept = kept
        names = Set(graph.nodes.map(\.name) + graph.nodes.map(\.output) + graph.inputs.map(\.name))
        names.formUnion(graph.constants.keys)
        removeDead()
        try refresh()
        try fuse()
        try refresh()
        try expand()
        removeDead()
        try refresh()
    }

    private mutating func refresh() throws(InferenceError) {
        let graph = graph
        infos = try InferenceError.wrapGraph { () throws(GraphError) in try graph.values() }
    }

    private mutating func removeDead() {
        var needed = Set(graph.outputs)
        var kept: [Node] = []
        for node in graph.nodes.reversed() where needed.contains(node.output) {
            needed.formUnion(node.inputs)
            kept.append(node)
        }
        graph.nodes = kept.reversed()
        let constants = Set(graph.nodes.flatMap(\.operation.constants))
        graph.constants = graph.constants.filter { constants.contains($0.key) }
    }

    // MARK: Fusing

    private mutating func fuse() throws(InferenceError) {
        var producers: [String: Int] = [:]
        var readers: [String: Int] = [:]
        for node in graph.nodes { for input in node.inputs { readers[input, default: 0] += 1 } }
        for output in graph.outputs { readers[output, default: 0] += 1 }
        var nodes: [Node] = []
        var (activations, pads) = (0, 0)
        for var node in graph.nodes {
            if let only = node.inputs.first, node.inputs.count == 1, readers[only] == 1, let index = producers[only] {
                let isFixed = fixed.values[only] != nil && fixed.values[only] != fixed.values[node.output]
                if !isFixed, case .function(let function) = node.operation,
                    let activation = GraphRewriter.activation(of: function),
                    let fused = nodes[index].operation.adding(activation)
                {
                    nodes[index].operation = fused
                    nodes[index].output = node.output
                    producers[node.output] = index
                    activations += 1
                    continue
                }
                // Zeros have the encoding of what they surround.
                if case .convolution(let convolution) = node.operation,
                    case .pad(let before, let after, 0) = nodes[index].operation,
                    let fused = convolution.adding(before: before, after: after)
                {
                    node.operation = .convolution(fused)
                    node.inputs = nodes[index].inputs
                    pads += 1
                }
            }
            producers[node.output] = nodes.count
            nodes.append(node)
        }
        graph.nodes = nodes
        removeDead()
        if activations > 0 { notes.append("activations fused: \(activations)") }
        if pads > 0 { notes.append("pads fused into convolutions: \(pads)") }
    }

    private static func activation(of function: Function) -> Activation? {
        switch function {
        case .relu: .relu
        case .relu6: .relu6
        case .clip(low: 0, high: nil): .relu
        case .clip(low: 0, high: 6): .relu6
        default: nil
        }
    }

    // MARK: Expanding

    private mutating func expand() throws(InferenceError) {
        let nodes = graph.nodes
        graph.nodes = []
        for node in nodes {
            guard !kept.contains(node.name) else {
                graph.nodes.append(node)
                continue
            }
            switch node.operation {
            case .arithmetic(let arithmetic):
                if let constant = arithmetic.constant {
                    try expand(node, arithmetic, constant: constant)
                } else if [.divide, .raise].contains(arithmetic.kind) {
                    graph.nodes.append(node)
                } else {
                    expandRepeats(node, arithmetic)
                }
            case .mean(let axes, _):
                expandMean(node, axes: axes)
            default:
                graph.nodes.append(node)
            }
        }
    }

    private func shape(_ value: String) -> [Int] { infos[value]?.shape ?? [] }

    private mutating func fresh(_ base: String) -> String {
        var name = base
        var number = 1
        while !names.insert(name).inserted {
            number += 1
            name = "\(base).\(number)"
        }
        return name
    }

    /// Appends a node that reads one value, and gives the name of what it produces.
    private mutating func append(_ operation: Operation, _ input: String, for node: Node, _ what: String) -> String {
        let name = fresh("\(node.name).\(what)")
        let output = fresh("\(name).out")
        graph.nodes.append(Node(name: name, operation: operation, inputs: [input], output: output))
        return output
    }

    /// A constant of one element stays and becomes a table; others become an `affine` over the dimensions they vary in.
    private mutating func expand(_ node: Node, _ arithmetic: Arithmetic, constant: String) throws(InferenceError) {
        guard let tensor = graph.constants[constant] else { throw .container(.missingTensor(constant)) }
        let (input, output) = (shape(node.inputs[0]), shape(node.output))
        guard tensor.elementCount > 1, input == output, ![.maximum, .minimum, .raise].contains(arithmetic.kind) else {
            graph.nodes.append(node)
            return
        }
        let floats = try InferenceError.wrapGraph { () throws(GraphError) in try tensor.floats }
        // Dimensions from the first on in which the constant varies.
        let missing = output.count - tensor.shape.count
        let first = missing + (tensor.shape.firstIndex { $0 != 1 } ?? 0)
        let varying = Array(output[first...])
        let elements = GraphRewriter.repeated(floats, of: Array(tensor.shape[(first - missing)...]), over: varying)
        let count = elements.count
        let (ones, zeros) = ([Float](repeating: 1, count: count), [Float](repeating: 0, count: count))
        let (scale, offset): ([Float], [Float]) =
            switch arithmetic.kind {
            case .add: (ones, elements)
            case .subtract: (ones, elements.map { -$0 })
            case .multiply: (elements, zeros)
            case .divide: (elements.map { 1 / $0 }, zeros)
            case .maximum, .minimum, .raise: (ones, zeros)
            }
        let scaleName = fresh("\(node.name).factor")
        let offsetName = fresh("\(node.name).addend")
        graph.constants[scaleName] = Tensor(shape: [count], floats: scale)
        graph.constants[offsetName] = Tensor(shape: [count], floats: offset)
        var value = node.inputs[0]
        let isFlat = varying.count == 1
        if !isFlat {
            value = append(.reshape(shape: [output[..<first].reduce(1, *), count]), value, for: node, "flat")
        }
        var current = node
        current.operation = .affine(scale: scaleName, offset: offsetName)
        current.inputs = [value]
        let hasActivation = arithmetic.activation != .none
        if isFlat, !hasActivation {
            graph.nodes.append(current)
            return
        }
        current.output = fresh("\(node.name).affine")
        graph.nodes.append(current)
        value = current.output
        if !isFlat {
            guard hasActivation else {
                graph.nodes.append(
                    Node(
                        name: fresh("\(node.name).shape"),
                        operation: .reshape(shape: output),
                        inputs: [value],
                        output: node.output
                    )
                )
                return
            }
            value = append(.reshape(shape: output), value, for: node, "shape")
        }
        let function: Function = arithmetic.activation == .relu ? .relu : .relu6
        graph.nodes.append(
            Node(
                name: fresh("\(node.name).activation"),
                operation: .function(function),
                inputs: [value],
                output: node.output
            )
        )
    }

    /// The elements of a constant, repeated where its dimensions are 1.
    private static func repeated(_ elements: [Float], of shape: [Int], over target: [Int]) -> [Float] {
        var result = elements
        var inner = 1
        for axis in shape.indices.reversed() {
            if shape[axis] == 1, target[axis] > 1 {
                result = stride(from: 0, to: result.count, by: inner).flatMap { start in
                    (0..<target[axis]).flatMap { _ in result[start..<start + inner] }
                }
            }
            inner *= target[axis]
        }
        return result
    }

    /// Operands that repeat are repeated before.
    private mutating func expandRepeats(_ node: Node, _ arithmetic: Arithmetic) {
        var node = node
        let output = shape(node.output)
        for index in node.inputs.indices where shape(node.inputs[index]) != output {
            node.inputs[index] = repeated(node.inputs[index], to: output, for: node)
        }
        if arithmetic.kind == .maximum || arithmetic.kind == .minimum {
            expandExtremum(node, arithmetic, shape: output)
        } else {
            graph.nodes.append(node)
        }
    }

    /// The greater of two values is a maximum pool over a plane of both; the smaller that of their negatives, negated.
    private mutating func expandExtremum(_ node: Node, _ arithmetic: Arithmetic, shape: [Int]) {
        let isMinimum = arithmetic.kind == .minimum
        let count = shape.reduce(1, *)
        var minusOne = Arithmetic(.multiply)
        if isMinimum {
            let name = fresh("\(node.name).minus-one")
            graph.constants[name] = Tensor(shape: [], floats: [-1])
            minusOne.constant = name
        }
        let planes = node.inputs.map { input in
            let value = isMinimum ? append(.arithmetic(minusOne), input, for: node, "negative") : input
            return append(.reshape(shape: [1, 1, count]), value, for: node, "flat")
        }
        let name = fresh("\(node.name).both")
        let both = fresh("\(name).out")
        graph.nodes.append(Node(name: name, operation: .concatenate(axis: 0), inputs: planes, output: both))
        let pool = Window(size: Extent(height: 2, width: 1), stride: Extent(1))
        var value = append(.maxPool(pool), both, for: node, "greatest")
        if isMinimum { value = append(.arithmetic(minusOne), value, for: node, "positive") }
        if arithmetic.activation != .none {
            value = append(.function(arithmetic.activation == .relu ? .relu : .relu6), value, for: node, "activation")
        }
        graph.nodes.append(
            Node(name: node.name, operation: .reshape(shape: shape), inputs: [value], output: node.output)
        )
    }

    private mutating func repeated(_ value: String, to output: [Int], for node: Node) -> String {
        var current = [Int](repeating: 1, count: output.count - shape(value).count) + shape(value)
        var value = value
        var axis = output.count - 1
        while axis >= 0 {
            guard current[axis] != output[axis] else {
                axis -= 1
                continue
            }
            // Neighbours that repeat are repeated together.
            var first = axis
            while first > 0, current[first - 1] == 1, output[first - 1] > 1 { first -= 1 }
            let times = output[first...axis].reduce(1, *)
            let outer = current[..<first].reduce(1, *)
            let inner = current[(axis + 1)...].reduce(1, *)
            value = append(.reshape(shape: [outer, 1, inner]), value, for: node, "flat")
            let resize = ModelGraph.Resize(
                .nearest,
                size: Extent(height: outer, width: times),
                coordinates: .asymmetric
            )
            value = append(.resize(resize), value, for: node, "repeat")
            for index in first...axis { current[index] = output[index] }
            axis = first - 1
        }
        return append(.reshape(shape: output), value, for: node, "shape")
    }

    /// Axes that are no neighbours are brought behind the others.
    private mutating func expandMean(_ node: Node, axes: [Int]) {
        let input = shape(node.inputs[0])
        let sorted = axes.sorted()
        guard let first = sorted.first, let last = sorted.last, last - first != axes.count - 1 else {
            graph.nodes.append(node)
            return
        }
        let kept = input.indices.filter { !axes.contains($0) }
        let permutation = kept + sorted
        let moved = append(.transpose(permutation: permutation), node.inputs[0], for: node, "order")
        let mean = Operation.mean(axes: Array(kept.count..<input.count), keepsDimensions: false)
        let value = append(mean, moved, for: node, "mean")
        graph.nodes.append(
            Node(name: node.name, operation: .reshape(shape: shape(node.output)), inputs: [value], output: node.output)
        )
    }
}

extension Operation {
    /// The same with an activation, or nil when it has one or can have none.
    fileprivate func adding(_ activation: Activation) -> Operation? {
        switch self {
        case .fullyConnected(let weights, let bias, .none):
            return .fullyConnected(weights: weights, bias: bias, activation: activation)
        case .convolution(var convolution) where convolution.activation == .none:
            convolution.activation = activation
            return .convolution(convolution)
        case .arithmetic(var arithmetic) where arithmetic.activation == .none:
            arithmetic.activation = activation
            return .arithmetic(arithmetic)
        default:
            return nil
        }
    }
}

extension ModelGraph.Convolution {
    /// The same over a plane without the zeros around it, or nil when they are not only around it.
    fileprivate func adding(before: [Int], after: [Int]) -> ModelGraph.Convolution? {
        guard before.count == 3, before[2] == 0, after[2] == 0 else { return nil }
        var convolution = self
        convolution.padding.top += before[0]
        convolution.padding.left += before[1]
        convolution.padding.bottom += after[0]
        convolution.padding.right += after[1]
        let margins = convolution.padding
        let fits = [margins.top, margins.left, margins.bottom, margins.right].allSatisfy { $0 <= Graph.attributeMax }
        return fits ? convolution : nil
    }
}
