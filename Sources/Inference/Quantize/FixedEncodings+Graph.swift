import ModelGraph
import Quantization

extension FixedEncodings {
    /// The graph with a table from one encoding to another behind each operator that only moves elements, where what it
    /// reads and what it gives are fixed to different encodings.
    func separating(_ graph: Graph) -> Graph {
        guard !values.isEmpty else { return graph }
        var result = graph
        result.nodes = []
        var names = Set(graph.nodes.flatMap { [$0.name, $0.output] } + graph.inputs.map(\.name))
        names.formUnion(graph.constants.keys)
        func fresh(_ base: String) -> String {
            var (name, number) = (base, 1)
            while !names.insert(name).inserted {
                number += 1
                name = "\(base).\(number)"
            }
            return name
        }
        var groups = ValueGroups()
        var encodings = values
        for var node in graph.nodes {
            guard node.operation.keepsEncoding else {
                result.nodes.append(node)
                continue
            }
            let (source, target) = (groups.root(of: node.inputs[0]), node.output)
            guard let own = encodings[target], let other = encodings[source], own != other else {
                encodings[source] = encodings[source] ?? encodings[target]
                groups.join(source, target)
                result.nodes.append(node)
                continue
            }
            let one = fresh("\(node.name).one")
            result.constants[one] = Tensor(shape: [1], floats: [1])
            node.output = fresh("\(node.name).moved")
            groups.join(source, node.output)
            result.nodes.append(node)
            result.nodes.append(
                Node(
                    name: fresh("\(node.name).requantized"),
                    operation: .arithmetic(Arithmetic(.multiply, constant: one)),
                    inputs: [node.output],
                    output: target
                )
            )
        }
        return result
    }
}
