import ModelContainer
import ModelGraph

/// Which layers are more than bytes.
struct LayerPrecision: Hashable {
    /// Why nodes stay float, by name.
    var floats: [String: String] = [:]
    /// Values that stand in 16 bits, by name.
    var wides: Set<String> = []
    /// Whether all values stand in 16 bits.
    var isWide = false
}

/// A rewritten graph with every value's storage decided: between values of 8 and of 16 bits stand reshapes that convert.
struct LoweredGraph {
    private(set) var graph: Graph
    private(set) var infos: [String: TensorInfo]
    private(set) var roles: ValueRoles
    /// Nodes that stay float and why: those asked for, and those that would have to give 16 bits and cannot.
    private(set) var floats: [String: String]
    /// Values that stand in 16 bits.
    private(set) var wides: Set<String> = []
    /// For each value that is another one converted: which.
    private(set) var origins: [String: String] = [:]
    /// Values of 16 bits that were made of bytes, whose scale they have.
    private(set) var widened: [String: String] = [:]

    private let fixed: Set<String>

    /// - Parameters:
    ///   - graph: A rewritten graph, whose names are those of `precision`.
    ///   - fixed: Values that stand as bytes because their encoding was given.
    init(_ graph: Graph, _ precision: LayerPrecision, fixed: Set<String> = []) throws(InferenceError) {
        self.graph = graph
        self.fixed = fixed
        infos = try InferenceError.wrapGraph { () throws(GraphError) in try graph.values() }
        floats = precision.floats
        roles = try ValueRoles(graph, infos, floatNodes: Set(floats.keys), fixed: fixed)
        try settleWides(precision)
        guard !wides.isEmpty else { return }
        try insertConversions()
    }

    /// Why a node stays float, in the order of the graph.
    var floatLayers: [FloatLayer] {
        graph.nodes.compactMap { node in floats[node.name].map { FloatLayer(node: node.name, reason: $0) } }
    }

    /// The value of the rewritten graph that a value stands for, standardized inputs among them.
    func floatValue(of value: String) -> String {
        let value = origins[value] ?? value
        return roles.folds[value]?.value ?? value
    }

    func isWide(_ value: String) -> Bool { wides.contains(value) }

    /// What must give 16 bits and cannot stays float, which changes how other values stand.
    private mutating func settleWides(_ precision: LayerPrecision) throws(InferenceError) {
        guard precision.isWide || !precision.wides.isEmpty else { return }
        while true {
            wides = []
            for info in infos.values where roles.isEncoded(info) {
                if precision.isWide || precision.wides.contains(info.name) { wides.insert(info.name) }
            }
            // What is only another shape of a value stands as it does.
            var isSettled = false
            while !isSettled {
                isSettled = true
                for node in graph.nodes {
                    guard case .reshape = node.operation, roles.isInteger(node) else { continue }
                    guard wides.contains(node.inputs[0]) != wides.contains(node.output) else { continue }
                    wides.formUnion([node.inputs[0], node.output])
                    isSettled = false
                }
            }
            let refused = graph.nodes.filter {
                roles.isInteger($0) && wides.contains($0.output) && !$0.operation.hasWideForm
            }
            guard !refused.isEmpty else { return }
            for node in refused { floats[node.name] = "there is no \(node.operation.kind) of 16-bit integers" }
            roles = try ValueRoles(graph, infos, floatNodes: Set(floats.keys), fixed: fixed)
        }
    }

    private mutating func insertConversions() throws(InferenceError) {
        var names = Set(graph.nodes.map(\.name) + Array(infos.keys) + Array(graph.constants.keys))
        func fresh(_ base: String) -> String {
            var name = base
            var number = 1
            while !names.insert(name).inserted {
                number += 1
                name = "\(base).\(number)"
            }
            return name
        }
        /// The converted form of a value, once for all its readers.
        var converted: [String: String] = [:]
        var nodes: [Node] = []
        for var node in graph.nodes {
            guard roles.isInteger(node), infos[node.output]?.dataType == .float32 else {
                nodes.append(node)
                continue
            }
            if case .reshape = node.operation {
                nodes.append(node)
                continue
            }
            let isWide =
                node.operation.hasWideForm
                && (wides.contains(node.output) || node.inputs.contains(where: wides.contains))
            for index in node.inputs.indices {
                let value = node.inputs[index]
                guard let info = infos[value], roles.isEncoded(info), wides.contains(value) != isWide else { continue }
                if converted[value] == nil {
                    let name = fresh("\(value).\(isWide ? 16 : 8)-bits")
                    nodes.append(Node(name: name, operation: .reshape(shape: info.shape), input: value, output: name))
                    converted[value] = name
                    origins[name] = value
                    if isWide {
                        wides.insert(name)
                        widened[name] = value
                    }
                }
                node.inputs[index] = converted[value] ?? value
            }
            guard isWide, !wides.contains(node.output), let info = infos[node.output], roles.isEncoded(info) else {
                nodes.append(node)
                continue
            }
            let output = node.output
            let name = fresh("\(output).16-bits")
            node.output = name
            origins[name] = output
            wides.insert(name)
            nodes.append(node)
            nodes.append(
                Node(
                    name: fresh("\(output).8-bits"),
                    operation: .reshape(shape: info.shape),
                    input: name,
                    output: output
                )
            )
        }
        graph.nodes = nodes
        let graph = graph
        infos = try InferenceError.wrapGraph { () throws(GraphError) in try graph.values() }
        let floatNodes = Set(floats.keys)
        roles = try ValueRoles(graph, infos, floatNodes: floatNodes, fixed: fixed)
    }
}

extension Operation {
    /// Whether there is an operator that reads and gives 16-bit integers.
    var hasWideForm: Bool {
        switch self {
        case .fullyConnected, .convolution, .affine, .reshape: true
        default: false
        }
    }
}
