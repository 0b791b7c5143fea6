import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// What works on real numbers, and what only passes values on.
extension PlanReader {
    /// A node that works on real numbers, at the end of the graph.
    mutating func readTail(_ node: Node, _ tail: Plan.Tail) throws(InferenceError) {
        let name = node.inputs[0]
        var output: Plan.Output
        if let before = reals[name] {
            output = before
        } else if let number = numbers[name], values[number].storage != .indices {
            output = Plan.Output(name: name, value: number, tail: [])
        } else {
            throw .unsupported(node: node.name, reason: "'\(name)' is no real number")
        }
        output.name = node.output
        output.tail.append(tail)
        reals[node.output] = output
    }

    mutating func readReshape(_ node: Node) throws(InferenceError) {
        let name = node.inputs[0]
        if var output = reals[name] {
            output.name = node.output
            reals[node.output] = output
            return
        }
        guard let number = numbers[name] else { return }
        let value = values[number]
        switch value.storage {
        case .bytes, .halfwords:
            let storage = try storage(of: node.output)
            guard storage == value.storage else {
                try readConversion(node, from: value, number, to: storage)
                return
            }
        case .sums(let scale, _):
            guard scale.count == outputShape(of: node).last ?? 1 || Set(scale).count == 1 else {
                throw .unsupported(node: node.name, reason: "it tears the channels of sums apart")
            }
        case .indices, .reals: break
        }
        _ = define(node.output, value.storage, sharing: value.buffer)
    }

    /// A reshape between bytes and 16-bit integers.
    private mutating func readConversion(
        _ node: Node,
        from value: Plan.Value,
        _ number: Int,
        to storage: Plan.Storage
    ) throws(InferenceError) {
        let conversion: Plan.Conversion
        switch (value.storage, storage) {
        case (.bytes(let encoding), .halfwords(let scale)) where scale == encoding.scale:
            conversion = .widening(zeroPoint: zeroPoint(encoding))
            // The number that the output gets.
            reaches[values.count] = Int64(max(encoding.zeroPoint, 255 - encoding.zeroPoint))
        case (.halfwords, .bytes(let encoding)):
            let requantization = try requantizations(node, count: 1)[0]
            guard Int64(1 << 15) << Int64(requantization.leftShift) <= Int64(Int32.max) else {
                throw .overflow(node: node.name, output: 0)
            }
            conversion = .narrowing(requantization, zeroPoint: zeroPoint(encoding))
        default:
            throw .invalid(
                field: "manifest.encodings",
                reason: "'\(node.output)' must have the encoding of '\(value.name)'"
            )
        }
        let output = define(node.output, storage)
        steps.append(Plan.Step(node: node.name, work: .conversion(conversion), inputs: [number], output: output))
    }

    /// The most elements of what all float layers of a model read and give for a row.
    private static let floatElementsMax = 1 << 25

    /// A layer that stays float: reads anything but what is only made at the end, gives integers where it has an encoding.
    mutating func readFloat(_ node: Node) throws(InferenceError) {
        guard infos[node.output]?.dataType == .float32 else {
            throw .unsupported(node: node.name, reason: "integers that name rows are not made of real numbers")
        }
        var inputs: [Int] = []
        for name in node.inputs {
            guard let number = numbers[name] else {
                throw .unsupported(node: node.name, reason: "'\(name)' is made at the end, and no layer follows")
            }
            inputs.append(number)
            floatElements += values[number].count
        }
        let output = define(node.output, hasEncoding(node.output) ? try storage(of: node.output) : .reals)
        floatElements += values[output].count
        guard floatElements <= PlanReader.floatElementsMax else {
            throw .invalid(field: "manifest.floatLayers", reason: "up to '\(node.name)' they have too many elements")
        }
        var constants: [String: Tensor] = [:]
        for name in node.operation.constants {
            let tensor = try InferenceError.wrapContainer { () throws(ContainerError) in try container.tensor(name) }
            _ = try container.reals(name, shape: tensor.shape)
            constants[name] = tensor
        }
        let layer = Plan.FloatLayer(
            node: node,
            inputs: inputs.map { values[$0].shape },
            output: outputShape(of: node),
            constants: constants
        )
        if case .gather(let table) = node.operation {
            guard case .indices = values[inputs[0]].storage else {
                throw .unsupported(node: node.name, reason: "'\(node.inputs[0])' does not name rows")
            }
            limit(inputs[0], toRows: constants[table]?.shape.first ?? 1)
        }
        steps.append(Plan.Step(node: node.name, work: .float(layer), inputs: inputs, output: output))
    }

    /// What a value of integers may be when it comes from outside.
    mutating func limit(_ value: Int, toRows rows: Int) {
        for index in inputs.indices where inputs[index].value == values[value].buffer {
            inputs[index].rowsOfTable = min(inputs[index].rowsOfTable ?? rows, rows)
        }
    }
}
