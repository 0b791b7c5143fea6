import Events
import ModelContainer
import ModelGraph
import Pipelines

/// Makes a graph of a file take a pipeline's rows and give its answers, or says why that cannot be. Pure.
struct PipelineFit: Sendable {
    /// Takes a row of the pipeline: its inputs in the order of the pipeline file, each row-major.
    private(set) var graph: Graph
    /// What was done, a line each.
    private(set) var notes: [String] = []
    private let pipeline: Pipeline

    /// - Parameter mapping: The pipeline's input for each of the model's; by name, or in order, when nil.
    /// - Throws: `EventError` `badShape` with what the model has and what the pipeline needs, `badData` for a mapping
    ///   that names what there is not.
    init(_ file: OfferedFile, to pipeline: Pipeline, mapping: [String: String]? = nil) throws(EventError) {
        self.pipeline = pipeline
        graph = file.graph
        try chooseOutput()
        try orderInputs(file.inputs, mapping)
        removeUnread()
        do throws(GraphError) { try graph.validate() } catch { throw EventError(.badContainer, "\(error)") }
    }

    /// Classes as the pipeline counts them; one number for a regression.
    private var answers: Int { pipeline.task.classes ?? 1 }

    // MARK: Outputs

    private mutating func chooseOutput() throws(EventError) {
        let infos: [String: TensorInfo]
        do throws(GraphError) { infos = try graph.values() } catch { throw EventError(.badContainer, "\(error)") }
        func count(_ output: String) -> Int { infos[output]?.shape.reduce(1, *) ?? 0 }
        let fitting = graph.outputs.filter { count($0) == answers }
        if fitting.count == 1 {
            if graph.outputs.count > 1 { notes.append("of \(graph.outputs.count) outputs '\(fitting[0])' is taken") }
            graph.outputs = fitting
            return
        }
        if fitting.isEmpty, answers == 2, graph.outputs.count == 1, count(graph.outputs[0]) == 1, splitSigmoid() {
            notes.append("the probability of one class becomes those of two")
            return
        }
        let have = graph.outputs.map { "'\($0)' with \(Self.elements(count($0)))" }.joined(separator: ", ")
        let need =
            pipeline.task.kind == .regression
            ? "one number, '\(pipeline.task.target)'" : "a number for each of its \(answers) classes"
        throw EventError(
            .badShape,
            "the model gives \(have); pipeline '\(pipeline.name)' needs \(need)"
                + (fitting.count > 1 ? ": export the model with that output alone" : "")
        )
    }

    /// A sigmoid over one sum is a softmax over 0 and that sum: `[1 - p, p]`.
    private mutating func splitSigmoid() -> Bool {
        guard let last = graph.nodes.lastIndex(where: { $0.output == graph.outputs[0] }),
            case .function(.sigmoid) = graph.nodes[last].operation,
            let before = graph.nodes.lastIndex(where: { $0.output == graph.nodes[last].inputs[0] }),
            graph.nodes.filter({ $0.inputs.contains(graph.nodes[before].output) }).count == 1,
            case .fullyConnected(let weightsName, let biasName, .none) = graph.nodes[before].operation,
            let weights = graph.constants[weightsName], let bias = graph.constants[biasName],
            weights.shape.count == 2, let row = try? weights.floats, let addend = try? bias.floats
        else { return false }
        let (wider, wide) = (unused("\(weightsName).two"), unused("\(biasName).two"))
        graph.constants[wider] = Tensor(
            shape: [2, weights.shape[1]],
            floats: [Float](repeating: 0, count: row.count) + row
        )
        graph.constants[wide] = Tensor(shape: [2], floats: [0] + addend)
        graph.nodes[before].operation = .fullyConnected(weights: wider, bias: wide, activation: .none)
        graph.nodes[last].operation = .softmax
        return true
    }

    /// Ends a classifier's graph with a softmax when its answers are no probabilities.
    ///
    /// - Parameter outputs: Its answers for some rows.
    mutating func ensureProbabilities(_ outputs: [Float]) {
        guard pipeline.task.kind == .classification, answers > 0, !outputs.isEmpty else { return }
        let isDistribution = stride(from: 0, to: outputs.count, by: answers).allSatisfy { start in
            let row = outputs[start..<start + answers]
            return row.allSatisfy { $0 >= -1e-4 } && abs(row.reduce(0, +) - 1) < 1e-2
        }
        guard !isDistribution else { return }
        let (name, value) = (unused("probabilities"), graph.outputs[0])
        graph.nodes.append(Node(name: name, operation: .softmax, input: value, output: name))
        graph.outputs = [name]
        notes.append("a softmax makes probabilities of the scores '\(value)'")
    }

    // MARK: Inputs

    private mutating func orderInputs(_ ports: [OfferedFile.Port], _ mapping: [String: String]?) throws(EventError) {
        let wanted = pipeline.task.inputs
        guard ports.count > 1 else {
            let shape = graph.inputs.first?.shape ?? []
            guard let port = ports.first, shape.reduce(1, *) == pipeline.featureCount else {
                throw mismatch(ports)
            }
            try check(mapping, ports)
            try order(0, port, wanted.count == 1 ? wanted[0].shape : [pipeline.featureCount])
            return
        }
        guard ports.count == wanted.count else { throw mismatch(ports) }
        var places: [Int] = []
        try check(mapping, ports)
        for (index, input) in wanted.enumerated() {
            let place: Int?
            if let mapping {
                place = ports.firstIndex { mapping[$0.name] == input.name }
            } else if Set(ports.map(\.name)) == Set(wanted.map(\.name)) {
                place = ports.firstIndex { $0.name == input.name }
            } else {
                place = index
            }
            guard let place else {
                throw EventError(.badData, "field 'inputs' maps none of the model's inputs to '\(input.name)'")
            }
            guard graph.inputs[place].shape.reduce(1, *) == input.count else {
                throw EventError(
                    .badShape,
                    "the model's input \(Self.text(ports[place])) stands for '\(input.name)' of pipeline "
                        + "'\(pipeline.name)', which has \(Self.elements(input.count)); name each input's place with 'inputs'"
                )
            }
            places.append(place)
        }
        for (place, input) in zip(places, wanted) { try order(place, ports[place], input.shape) }
        graph.inputs = places.map { graph.inputs[$0] }
        notes.append(
            "inputs: "
                + zip(places, wanted).map { "\(ports[$0].name) is \($1.name)" }.joined(separator: ", ")
        )
    }

    private func check(_ mapping: [String: String]?, _ ports: [OfferedFile.Port]) throws(EventError) {
        guard let mapping else { return }
        let (names, inputs) = (ports.map(\.name), pipeline.task.inputs.map(\.name))
        for (name, input) in mapping.sorted(by: { $0.key < $1.key }) {
            guard names.contains(name) else {
                throw EventError(
                    .badData,
                    "field 'inputs' names '\(name)'; the model's inputs are \(names.joined(separator: ", "))"
                )
            }
            guard inputs.contains(input) else {
                throw EventError(
                    .badData,
                    "field 'inputs' names '\(input)'; the pipeline's inputs are \(inputs.joined(separator: ", "))"
                )
            }
        }
    }

    private func mismatch(_ ports: [OfferedFile.Port]) -> EventError {
        let have = ports.isEmpty ? "no input" : ports.map(Self.text).joined(separator: ", ")
        let need = pipeline.task.inputs.map { "'\($0.name)' \($0.shape)" }.joined(separator: ", ")
        return EventError(
            .badShape,
            "the model takes \(have); pipeline '\(pipeline.name)' gives \(need), in all "
                + Self.elements(pipeline.featureCount)
        )
    }

    /// Lets an input of the graph take its row as the pipeline has it.
    ///
    /// A graph has the channels last. Where the file has another order, a pipeline whose shape is that of the graph
    /// gives it what it needs; otherwise the row is in the order of the file, and turned round.
    private mutating func order(_ place: Int, _ port: OfferedFile.Port, _ shape: [Int]) throws(EventError) {
        func significant(_ shape: [Int]) -> [Int] { shape.filter { $0 != 1 } }
        let info = graph.inputs[place]
        let given = significant(shape)
        guard port.isReordered, given == significant(port.shape) || given != significant(info.shape) else { return }
        let permutation = port.axes.filter { $0 >= 0 }
        let name = unused("\(info.name).as-in-file")
        var nodes: [Node] = []
        let turned = permutation.map { port.shape[$0] }
        let isWhole = turned == info.shape
        let value = isWhole ? info.name : unused("\(info.name).turned")
        nodes.append(
            Node(name: "\(name).turn", operation: .transpose(permutation: permutation), input: name, output: value)
        )
        if !isWhole {
            nodes.append(
                Node(name: "\(name).shape", operation: .reshape(shape: info.shape), input: value, output: info.name)
            )
        }
        graph.inputs[place] = TensorInfo(name: name, shape: port.shape, dataType: info.dataType)
        graph.nodes.insert(contentsOf: nodes, at: 0)
        notes.append("input '\(port.name)' is taken in the order of the file, \(port.shape)")
    }

    // MARK: Names

    /// A name that no value, node or constant has.
    private func unused(_ base: String) -> String {
        var names = Set(graph.constants.keys).union(graph.inputs.map(\.name))
        for node in graph.nodes { names.formUnion([node.name, node.output]) }
        var (name, number) = (base, 1)
        while names.contains(name) || names.contains("\(name).turn") || names.contains("\(name).shape") {
            number += 1
            name = "\(base)-\(number)"
        }
        return name
    }

    /// Leaves out what the answer does not depend on.
    private mutating func removeUnread() {
        var read = Set(graph.outputs)
        var kept: [Node] = []
        for node in graph.nodes.reversed() where read.contains(node.output) {
            read.formUnion(node.inputs)
            kept.append(node)
        }
        graph.nodes = kept.reversed()
        let constants = Set(kept.flatMap(\.operation.constants))
        graph.constants = graph.constants.filter { constants.contains($0.key) }
    }

    private static func text(_ port: OfferedFile.Port) -> String { "'\(port.name)' \(port.shape)" }

    private static func elements(_ count: Int) -> String { count == 1 ? "1 number" : "\(count) numbers" }
}
