import ModelGraph

/// Permutations and reshapes.
extension Rewrite {
    /// Two of a kind one after the other become one, and what moves nothing goes away.
    mutating func joinReorderings() {
        var count = 0
        for index in indices {
            guard let node = nodes[index], let input = node.inputs.first else { continue }
            switch node.operation {
            case .transpose(let permutation):
                if permutation == Array(permutation.indices) {
                    count += bypass(index) ? 1 : 0
                } else if let previous = maker(of: input), let first = nodes[previous],
                    case .transpose(let earlier) = first.operation
                {
                    var joined = node
                    joined.operation = .transpose(permutation: permutation.map { earlier[$0] })
                    joined.inputs = first.inputs
                    replace(index, with: joined)
                    if permutation.map({ earlier[$0] }) == Array(permutation.indices) { _ = bypass(index) }
                    count += 1
                }
            case .reshape(let target):
                if shape(input) == target, encodings[input] == encodings[node.output] {
                    count += bypass(index) ? 1 : 0
                } else if let previous = maker(of: input), let first = nodes[previous], case .reshape = first.operation
                {
                    var joined = node
                    joined.inputs = first.inputs
                    replace(index, with: joined)
                    count += 1
                }
            case .fullyConnected:
                // It takes its input as one row anyway.
                guard let previous = maker(of: input), let first = nodes[previous], case .reshape = first.operation
                else {
                    continue
                }
                var joined = node
                joined.inputs = first.inputs
                replace(index, with: joined)
                count += 1
            default: continue
            }
        }
        note("permutations and reshapes joined or removed", count)
        removeUnread()
    }

    /// Lets the readers of a node read what it reads; not where the node's output is an answer.
    private mutating func bypass(_ index: Int) -> Bool {
        guard let node = nodes[index], !isAnswer(node.output) else { return false }
        for next in indices {
            guard var reader = nodes[next], reader.inputs.contains(node.output) else { continue }
            reader.inputs = reader.inputs.map { $0 == node.output ? node.inputs[0] : $0 }
            replace(next, with: reader)
        }
        replace(index, with: nil)
        return true
    }

    /// A permutation before a fully-connected node becomes one of its weights.
    mutating func foldReorderingsIntoWeights() {
        var count = 0
        for index in indices {
            guard var node = nodes[index], case .fullyConnected(let weights, let bias, let activation) = node.operation,
                let previous = maker(of: node.inputs[0]), let first = nodes[previous],
                case .transpose(let permutation) = first.operation, let tensor = constants[weights]
            else { continue }
            let shape = shape(first.inputs[0])
            let inverse = GraphBuilder.inverse(permutation)
            let moved = permutation.map { shape[$0] }
            func permuted(_ tensor: Tensor) -> Tensor? {
                let type: ElementType =
                    switch tensor.dataType {
                    case .float32: .float32
                    case .int8: .int8
                    case .uint8: .uint8
                    case .int32: .int32
                    }
                guard
                    let source = try? SourceTensor(
                        type: type,
                        shape: [tensor.shape[0]] + moved,
                        bytes: tensor.bytes[...],
                        field: weights
                    )
                else { return nil }
                let bytes = source.transposed([0] + inverse.map { $0 + 1 }).bytes
                return try? Tensor(shape: tensor.shape, dataType: tensor.dataType, bytes: Array(bytes))
            }
            guard let ordered = permuted(tensor) else { continue }
            let name = add(ordered, "\(node.name)/ordered")
            origins[name] = origins[weights]
            if var quantized = quantizedConstants[weights], quantized.axis ?? 0 == 0,
                let integers = permuted(quantized.integers)
            {
                quantized.integers = integers
                quantizedConstants[name] = quantized
            }
            node.operation = .fullyConnected(weights: name, bias: bias, activation: activation)
            node.inputs = first.inputs
            replace(index, with: node)
            count += 1
        }
        note("permutations folded into weights", count)
    }
}
