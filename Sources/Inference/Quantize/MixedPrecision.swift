import ModelContainer
import ModelGraph
import Quantization

/// What may be raised for the sake of the answers, and how much of their noise it causes.
private struct Raise {
    enum Kind {
        /// Values that stand as bytes together become 16-bit integers.
        case wide([String])
        /// A layer keeps its float weights.
        case float(String)
    }

    var kind: Kind
    /// The layers that give the values, or the layer.
    var layers: [String]
    /// The power of the noise in the answers of some rows when only this is rounded.
    var noise: Double
}

extension QuantizationWork {
    /// Rows that show what a value's rounding does to the answers.
    private static let sensitivityRowsMax = 8

    /// Raises the layers whose rounding costs the answers most, until they have as much signal to noise as asked for.
    ///
    /// For each group of values that stands as bytes, and for the weights of each layer, the float model runs with only
    /// these rounded; the power of what changes in the answers orders them. Of the first so few as possible values become
    /// 16-bit integers; if all together do not suffice, layers stay float too, in the same order.
    ///
    /// - Throws: ``InferenceError/budget(wanted:reached:)``.
    mutating func mixPrecisions(
        _ budget: LossBudget,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws(InferenceError) {
        let built = try build()
        let before = try decibels(built.model)
        guard before < budget.decibels else {
            let name = "mixed precision"
            let details = ["nothing was raised: \(budget) are asked for"]
            measures.append(QuantizationReport.Measure(name: name, before: before, after: before, details: details))
            return
        }
        let start = precision
        let all = try raises(built, progress: progress)
        let wides = all.filter { if case .wide = $0.kind { true } else { false } }
        var choice = wides
        var reached = try decibels(of: wides, from: start)
        if reached < budget.decibels, allowsFloat {
            choice = all
            reached = try decibels(of: all, from: start)
        }
        guard reached >= budget.decibels else { throw .budget(wanted: budget.decibels, reached: reached) }
        // The fewest of the first that suffice.
        var (tooFew, enough) = (0, choice.count)
        while enough - tooFew > 1 {
            let middle = (tooFew + enough) / 2
            let decibels = try decibels(of: Array(choice[..<middle]), from: start)
            if decibels >= budget.decibels { (enough, reached) = (middle, decibels) } else { tooFew = middle }
        }
        precision = start.raised(by: choice[..<enough])
        let noise = all.reduce(0) { $0 + $1.noise }
        let details = choice[..<enough].map { raise in
            let layers = raise.layers.map { "'\($0)'" }.joined(separator: ", ")
            let share = "\(Int((100 * raise.noise / noise).rounded()))% of the noise"
            return switch raise.kind {
            case .wide: "\(layers): 16 bits, as its bytes made \(share)"
            case .float: "\(layers): float, as its weights made \(share)"
            }
        }
        measures.append(
            QuantizationReport.Measure(name: "mixed precision", before: before, after: reached, details: details)
        )
    }

    /// The answers' signal to noise with some things raised.
    private mutating func decibels(of raises: [Raise], from start: LayerPrecision) throws(InferenceError) -> Double {
        precision = start.raised(by: raises[...])
        return try decibels(build().model)
    }

    // MARK: Sensitivity

    /// All that can be raised, the noisiest first.
    private func raises(
        _ built: Build,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws(InferenceError) -> [Raise] {
        let groups = valueGroups(built)
        let pairs = try LayerPair.all(of: built.draft)
        let sample = trial.sample(Self.sensitivityRowsMax)
        let simulation = try Simulation(graph)
        var raises = groups.map { Raise(kind: .wide($0.values), layers: $0.layers, noise: 0) }
        let firstLayer = raises.count
        raises += pairs.map { Raise(kind: .float($0.node.name), layers: [$0.node.name], noise: 0) }
        var layers: [FloatNode] = []
        for pair in pairs { layers.append(try pair.withIntegerWeights(in: built.lowered.graph)) }
        let names = Set(graph.inputs.map(\.name) + graph.nodes.map(\.output))
        let total = sample.count * raises.count
        var done = 0
        for row in 0..<sample.count {
            var base: [String: [Float]] = [:]
            _ = try InferenceError.wrapGraph { () throws(GraphError) in
                try interpreter.run(Array(sample[row]), rows: 1) { name, elements, _ in
                    if names.contains(name) { base[name] = elements }
                }
            }
            for (index, group) in groups.enumerated() {
                let draft = built.draft
                raises[index].noise += try simulation.noise(base) { name, values throws(InferenceError) in
                    group.sources.contains(name) ? try draft.rounded(values, as: name) : nil
                }
                done += 1
                progress(done, total)
            }
            for (index, pair) in pairs.enumerated() {
                let changed = try InferenceError.wrapGraph { () throws(GraphError) in
                    try layers[index].run([base[pair.input] ?? []], rows: 1)
                }
                let output = built.lowered.origins[pair.node.output] ?? pair.node.output
                raises[firstLayer + index].noise += try simulation.noise(base) { name, _ in
                    name == output ? changed : nil
                }
                done += 1
                progress(done, total)
            }
        }
        return raises.enumerated().filter { $0.element.noise > 0 }.sorted {
            ($1.element.noise, $0.offset) < ($0.element.noise, $1.offset)
        }.map(\.element)
    }

    /// Values that stand as bytes and that operators only move among each other; where no layer may become float, only
    /// those that all have operators of 16 bits.
    private func valueGroups(_ built: Build) -> [(values: [String], sources: Set<String>, layers: [String])] {
        let (roles, lowered) = (built.lowered.roles, built.lowered)
        let infos = lowered.infos
        func isBytes(_ value: String) -> Bool {
            infos[value].map { roles.isEncoded($0) && !lowered.isWide(value) } ?? false
        }
        var parents: [String: String] = [:]
        func root(_ value: String) -> String {
            var value = value
            while let parent = parents[value] { value = parent }
            return value
        }
        var moved: Set<String> = []
        for node in graph.nodes where roles.isInteger(node) && isBytes(node.output) {
            switch node.operation {
            case .maxPool, .reshape, .transpose, .slice, .pad, .resize, .concatenate:
                moved.insert(node.output)
                for input in node.inputs where isBytes(input) {
                    let (a, b) = (root(input), root(node.output))
                    if a != b { parents[b] = a }
                }
            default: break
            }
        }
        let folded = Dictionary(roles.folds.map { ($0.value.value, $0.key) }) { first, _ in first }
        let between = Set(graph.nodes.filter { roles.foldedNodes.contains($0.name) }.map(\.output))
        // Inputs stand for what their standardization gives.
        let inputs = graph.inputs.map { roles.folds[$0.name]?.value ?? $0.name }
        let values = inputs + graph.nodes.map(\.output).filter { !between.contains($0) }
        let nodes = Dictionary(graph.nodes.map { ($0.output, $0) }) { first, _ in first }
        var order: [String] = []
        var members: [String: [String]] = [:]
        for value in values where isBytes(value) {
            if members[root(value)] == nil { order.append(root(value)) }
            members[root(value), default: []].append(value)
        }
        return order.compactMap { root in
            let values = members[root] ?? []
            let hasWideForm = values.allSatisfy { value in
                folded[value] != nil || nodes[value]?.operation.hasWideForm ?? true
            }
            guard allowsFloat || hasWideForm else { return nil }
            let sources = Set(values).subtracting(moved)
            let layers = values.filter(sources.contains).map { folded[$0] ?? nodes[$0]?.name ?? $0 }
            return (values, sources, layers)
        }
    }
}

extension LayerPrecision {
    /// The same with some things raised.
    fileprivate func raised(by raises: ArraySlice<Raise>) -> LayerPrecision {
        var precision = self
        for raise in raises {
            switch raise.kind {
            case .wide(let values): precision.wides.formUnion(values)
            case .float(let node): precision.floats[node] = "its integer weights cost the answers more than is allowed"
            }
        }
        return precision
    }
}

extension LayerPair {
    /// The float layer with the weights that its integers stand for.
    fileprivate func withIntegerWeights(in graph: Graph) throws(InferenceError) -> FloatNode {
        var graph = graph
        guard let name = node.operation.layerWeights else { return try linear(quantized: true, in: graph) }
        let inputs = weights.count / quantized.biases.count
        let reals = quantized.weights.indices.map { Float(quantized.weights[$0]) * quantized.scales[$0 / inputs] }
        graph.constants[name] = Tensor(shape: weightShape, floats: reals)
        return try InferenceError.wrapGraph { [graph] () throws(GraphError) in
            try FloatNode(node, inputs: [inputShape], output: outputShape, in: graph)
        }
    }
}

/// A float graph of which parts can be run again.
private struct Simulation {
    private let graph: Graph
    private let nodes: [FloatNode]

    init(_ graph: Graph) throws(InferenceError) {
        self.graph = graph
        nodes = try InferenceError.wrapGraph { () throws(GraphError) in
            let values = try graph.values()
            var nodes: [FloatNode] = []
            for node in graph.nodes {
                nodes.append(
                    try FloatNode(
                        node,
                        inputs: node.inputs.compactMap { values[$0]?.shape },
                        output: values[node.output]?.shape ?? [],
                        in: graph
                    )
                )
            }
            return nodes
        }
    }

    /// The power of what changes in the outputs of a row when values are changed.
    ///
    /// - Parameters:
    ///   - base: Every value of the row.
    ///   - change: Gives another value in place of one, or nil.
    func noise(
        _ base: [String: [Float]],
        change: (_ name: String, _ values: [Float]) throws(InferenceError) -> [Float]?
    ) throws(InferenceError) -> Double {
        var changed: [String: [Float]] = [:]
        for input in graph.inputs {
            if let other = try change(input.name, base[input.name] ?? []) { changed[input.name] = other }
        }
        for (index, node) in graph.nodes.enumerated() {
            var values: [Float]?
            if node.inputs.contains(where: { changed[$0] != nil }) {
                values = try InferenceError.wrapGraph { () throws(GraphError) in
                    try nodes[index].run(node.inputs.map { changed[$0] ?? base[$0] ?? [] }, rows: 1)
                }
            }
            if let other = try change(node.output, values ?? base[node.output] ?? []) { values = other }
            changed[node.output] = values
        }
        return graph.outputs.reduce(0.0) { sum, name in
            guard let other = changed[name], let values = base[name] else { return sum }
            return zip(values, other).reduce(sum) {
                $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
            }
        }
    }
}
