import ModelGraph

/// What is folded into the weights of convolutions and fully-connected nodes.
extension Rewrite {
    /// `x * scale + offset` by the last dimension.
    private struct Affine {
        var scale: [Float]
        var offset: [Float]
    }

    /// What a node multiplies and adds by the last dimension, if that is all it does.
    private func affine(_ node: Node) -> Affine? {
        let count = shape(node.output).last ?? 1
        switch node.operation {
        case .affine(let scale, let offset):
            guard let scale = floats(scale), let offset = floats(offset) else { return nil }
            return Affine(scale: scale, offset: offset)
        case .arithmetic(let arithmetic):
            guard let name = arithmetic.constant, arithmetic.activation == .none, let tensor = constants[name],
                let floats = floats(name), shape(node.inputs[0]) == shape(node.output),
                tensor.elementCount == 1 || (tensor.shape.last == count && tensor.elementCount == count)
            else { return nil }
            let numbers = floats.count == 1 ? [Float](repeating: floats[0], count: count) : floats
            let (ones, zeros) = ([Float](repeating: 1, count: count), [Float](repeating: 0, count: count))
            switch arithmetic.kind {
            case .add: return Affine(scale: ones, offset: numbers)
            case .subtract: return Affine(scale: ones, offset: numbers.map { -$0 })
            case .multiply: return Affine(scale: numbers, offset: zeros)
            case .divide, .maximum, .minimum, .raise: return nil
            }
        default: return nil
        }
    }

    /// The names of weights and bias, if a node has them and no activation.
    private func sums(_ node: Node) -> (weights: String, bias: String)? {
        switch node.operation {
        case .fullyConnected(let weights, let bias, .none): (weights, bias)
        case .convolution(let convolution) where convolution.activation == .none:
            (convolution.weights, convolution.bias)
        default: nil
        }
    }

    private func with(_ operation: Operation, weights: String, bias: String) -> Operation {
        switch operation {
        case .fullyConnected(_, _, let activation):
            return .fullyConnected(weights: weights, bias: bias, activation: activation)
        case .convolution(var convolution):
            convolution.weights = weights
            convolution.bias = bias
            return .convolution(convolution)
        default: return operation
        }
    }

    /// Two of them one after the other become one.
    mutating func joinAffines() {
        var count = 0
        for index in indices {
            guard let node = nodes[index], case .affine = node.operation, let first = affine(node),
                let next = soleReader(of: node.output), let reader = nodes[next], let second = affine(reader)
            else { continue }
            let scale = zip(first.scale, second.scale).map { $0 * $1 }
            let offset = first.offset.indices.map { first.offset[$0] * second.scale[$0] + second.offset[$0] }
            guard scale.count == first.scale.count else { continue }
            let names = (
                add(Tensor(shape: [scale.count], floats: scale), "\(reader.name)/scale"),
                add(Tensor(shape: [scale.count], floats: offset), "\(reader.name)/offset")
            )
            replace(index, with: nil)
            replace(
                next,
                with: Node(
                    name: reader.name,
                    operation: .affine(scale: names.0, offset: names.1),
                    inputs: node.inputs,
                    output: reader.output
                )
            )
            count += 1
        }
        note("factors and addends joined", count)
    }

    /// A normalization, factor or addend behind a sum becomes a part of its weights and bias.
    mutating func foldAffinesAfterSums() {
        var count = 0
        for index in indices {
            while let node = nodes[index], let sums = sums(node), let next = soleReader(of: node.output),
                let reader = nodes[next], let affine = affine(reader),
                fold(affine, after: index, sums, as: reader.output)
            {
                replace(next, with: nil)
                // Again, because the reader's output has the maker's place now.
                if let node = nodes[index] { replace(index, with: node) }
                count += 1
            }
        }
        note("normalizations, factors and addends folded into the weights before them", count)
    }

    private mutating func fold(
        _ affine: Affine,
        after index: Int,
        _ sums: (weights: String, bias: String),
        as output: String
    ) -> Bool {
        guard var node = nodes[index], let weights = constants[sums.weights], let bias = floats(sums.bias),
            bias.count == affine.scale.count, let old = floats(sums.weights)
        else { return false }
        let width = old.count / bias.count
        var names = sums
        if affine.scale.contains(where: { $0 != 1 }) {
            let scaled = old.indices.map { old[$0] * affine.scale[$0 / width] }
            guard scaled.allSatisfy(\.isFinite) else { return false }
            names.weights = add(Tensor(shape: weights.shape, floats: scaled), "\(node.name)/folded")
            // The integers of the file stay, with other scales.
            if var quantized = quantizedConstants[sums.weights], affine.scale.allSatisfy({ $0 > 0 }),
                quantized.axis ?? 0 == 0
            {
                let first = quantized.scales
                let zeroPoints = quantized.zeroPoints
                quantized.scales = bias.indices.map { first[first.count == 1 ? 0 : $0] * affine.scale[$0] }
                quantized.zeroPoints = bias.indices.map { zeroPoints[zeroPoints.count == 1 ? 0 : $0] }
                quantized.axis = 0
                quantizedConstants[names.weights] = quantized
            }
        }
        let moved = bias.indices.map { bias[$0] * affine.scale[$0] + affine.offset[$0] }
        guard moved.allSatisfy(\.isFinite) else { return false }
        names.bias = add(Tensor(shape: [moved.count], floats: moved), "\(node.name)/folded-bias")
        node.operation = with(node.operation, weights: names.weights, bias: names.bias)
        node.output = output
        replace(index, with: node)
        return true
    }

    /// A normalization before a sum becomes a part of its weights, where no padding lies between them. That of an input
    /// stays, for it folds into the encoding of the input.
    mutating func foldAffinesBeforeSums() {
        var count = 0
        for index in indices {
            guard let node = nodes[index], maker(of: node.inputs.first ?? "") != nil, let affine = affine(node),
                let next = soleReader(of: node.output), var reader = nodes[next],
                let shape = constants[name(reader)]?.shape,
                let weights = floats(name(reader))
            else { continue }
            var biasName = ""
            var channel: (Int) -> Int
            switch reader.operation {
            case .fullyConnected(_, let bias, _):
                // The input is flattened; its last dimension runs fastest.
                channel = { $0 % shape[1] % affine.scale.count }
                biasName = bias
            case .convolution(let convolution):
                guard convolution.padding == Margins() || affine.offset.allSatisfy({ $0 == 0 }) else { continue }
                let width = shape[0] / convolution.groups
                let inputs = shape[3]
                channel = { $0 / (shape[1] * shape[2] * inputs) / width * inputs + $0 % inputs }
                biasName = convolution.bias
            default: continue
            }
            guard var bias = floats(biasName), !bias.isEmpty else { continue }
            let width = weights.count / bias.count
            var scaled = weights
            for place in weights.indices {
                bias[place / width] += weights[place] * affine.offset[channel(place)]
                scaled[place] *= affine.scale[channel(place)]
            }
            guard scaled.allSatisfy(\.isFinite), bias.allSatisfy(\.isFinite) else { continue }
            reader.operation = with(
                reader.operation,
                weights: add(Tensor(shape: shape, floats: scaled), "\(reader.name)/folded"),
                bias: add(Tensor(shape: [bias.count], floats: bias), "\(reader.name)/folded-bias")
            )
            reader.inputs = node.inputs
            replace(index, with: nil)
            replace(next, with: reader)
            count += 1
        }
        note("normalizations folded into the weights behind them", count)
    }

    private func name(_ node: Node) -> String {
        switch node.operation {
        case .fullyConnected(let weights, _, _): weights
        case .convolution(let convolution): convolution.weights
        default: ""
        }
    }

    /// Zeros around a plane become padding of the convolution that reads it.
    mutating func fusePads() {
        var count = 0
        for index in indices {
            guard let node = nodes[index], case .pad(let before, let after, 0) = node.operation, before.count == 3,
                before[2] == 0, after[2] == 0, !isAnswer(node.output)
            else { continue }
            let readers = indices.filter { nodes[$0]?.inputs.contains(node.output) ?? false }
            guard !readers.isEmpty,
                readers.allSatisfy({ if case .convolution? = nodes[$0]?.operation { true } else { false } })
            else { continue }
            for next in readers {
                guard var reader = nodes[next], case .convolution(var convolution) = reader.operation else { continue }
                convolution.padding.top += before[0]
                convolution.padding.left += before[1]
                convolution.padding.bottom += after[0]
                convolution.padding.right += after[1]
                reader.operation = .convolution(convolution)
                reader.inputs = node.inputs
                replace(next, with: reader)
            }
            replace(index, with: nil)
            count += 1
        }
        note("pads fused into convolutions", count)
    }

    /// Rows and columns that are cut off behind a convolution, and come from padding alone, are not computed.
    mutating func cropPadding() {
        var count = 0
        for index in indices {
            guard let reader = nodes[index], case .slice(let begin, let end, let stride) = reader.operation,
                stride == [1, 1, 1], begin == [0, 0, 0], let previous = maker(of: reader.inputs[0]),
                var node = nodes[previous], case .convolution(var convolution) = node.operation,
                let weights = constants[convolution.weights]?.shape, end[2] == shape(node.output)[2],
                isPassedOn(node.output, as: reader.output)
            else { continue }
            let plane = shape(node.inputs[0])
            let cut = (shape(node.output)[0] - end[0], shape(node.output)[1] - end[1])
            convolution.padding.bottom -= cut.0 * convolution.stride.height
            convolution.padding.right -= cut.1 * convolution.stride.width
            guard convolution.padding.bottom >= 0, convolution.padding.right >= 0,
                convolution.window(weightShape: weights).positions(over: Extent(height: plane[0], width: plane[1]))
                    == Extent(height: end[0], width: end[1])
            else { continue }
            node.operation = .convolution(convolution)
            node.output = reader.output
            replace(index, with: nil)
            replace(previous, with: node)
            count += 1
        }
        note("crops taken from the padding of convolutions", count)
    }

    /// Whether one node alone reads a value, and the node's result stands as that does.
    private func isPassedOn(_ value: String, as result: String) -> Bool {
        guard !isAnswer(value), indices.count(where: { nodes[$0]?.inputs.contains(value) ?? false }) == 1 else {
            return false
        }
        return encodings[value] == nil || encodings[value] == encodings[result]
    }

    /// A rectification behind a sum becomes its activation.
    mutating func fuseActivations() {
        var count = 0
        for index in indices {
            guard var node = nodes[index], let next = soleReader(of: node.output), let reader = nodes[next],
                case .function(let function) = reader.operation
            else { continue }
            let activation: Activation
            switch function {
            case .relu, .clip(low: 0, high: nil): activation = .relu
            case .relu6, .clip(low: 0, high: 6): activation = .relu6
            default: continue
            }
            switch node.operation {
            case .fullyConnected(let weights, let bias, .none):
                node.operation = .fullyConnected(weights: weights, bias: bias, activation: activation)
            case .convolution(var convolution) where convolution.activation == .none:
                convolution.activation = activation
                node.operation = .convolution(convolution)
            case .arithmetic(var arithmetic) where arithmetic.activation == .none:
                arithmetic.activation = activation
                node.operation = .arithmetic(arithmetic)
            default: continue
            }
            node.output = reader.output
            replace(next, with: nil)
            replace(index, with: node)
            count += 1
        }
        note("activations fused", count)
    }
}
