import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// Operators on bytes.
extension PlanReader {
    func bytes(_ name: String, count: Int) throws(InferenceError) -> [UInt8] {
        let tensor = try container.checked(name, shape: [count])
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.uint8s }
    }

    func arithmetic(_ node: Node, _ arithmetic: Arithmetic) throws(InferenceError) -> Operator {
        let output = try encoding(of: node.output, node: node)
        let first = try encoding(ofOperand: 0, of: node)
        let count = outputShape(of: node).reduce(1, *)
        if arithmetic.constant != nil { return try table(node, count: count) }
        let second = try encoding(ofOperand: 1, of: node)
        let range = try range(node, arithmetic.activation, output)
        switch arithmetic.kind {
        case .add, .subtract:
            let multipliers = try container.words("\(node.name).multiplier", count: 2)
            let shift = try container.words("\(node.name).shift", count: 1)[0]
            guard let a = Int16(exactly: multipliers[0]), let b = Int16(exactly: multipliers[1]) else {
                throw .invalid(field: "tensor '\(node.name).multiplier'", reason: "\(multipliers) leave 16 bits")
            }
            let (aZeroPoint, bZeroPoint) = (zeroPoint(first), zeroPoint(second))
            return try kernel(node) { () throws(KernelError) in
                Operator.addition(
                    try Addition(
                        count: count,
                        aMultiplier: a,
                        bMultiplier: b,
                        aZeroPoint: aZeroPoint,
                        bZeroPoint: bZeroPoint,
                        shift: shift,
                        zeroPoint: zeroPoint(output),
                        range: range
                    )
                )
            }
        case .multiply:
            let channels = try requantizations(node, count: 1)
            guard Int64(255 * 255) << Int64(channels[0].leftShift) <= Int64(Int32.max) else {
                throw .overflow(node: node.name, output: 0)
            }
            let stage = RequantizeStage(channels: channels, zeroPoint: zeroPoint(output), range: range)
            return try kernel(node) { () throws(KernelError) in
                Operator.multiplication(
                    try Multiplication(
                        count: count,
                        aZeroPoint: zeroPoint(first),
                        bZeroPoint: zeroPoint(second),
                        stage: stage
                    )
                )
            }
        case .divide, .maximum, .minimum, .raise:
            throw .unsupported(node: node.name, reason: "there is no \(arithmetic.kind.rawValue) of integers")
        }
    }

    func table(_ node: Node, count: Int) throws(InferenceError) -> Operator {
        _ = try encoding(ofOperand: 0, of: node)
        let table = try bytes("\(node.name).table", count: 256)
        return try kernel(node) { () throws(KernelError) in .table(try ByteTable(count: count, table: table)) }
    }

    func concatenation(_ node: Node, axis: Int) throws(InferenceError) -> Operator {
        let output = try encoding(of: node.output, node: node)
        var parts: [Concatenation.Part] = []
        for index in node.inputs.indices {
            let input = try encoding(ofOperand: index, of: node)
            let table = input == output ? nil : try bytes("\(node.name).table.\(index)", count: 256)
            parts.append(Concatenation.Part(count: shape(index, of: node)[axis...].reduce(1, *), table: table))
        }
        let outer = outputShape(of: node)[..<axis].reduce(1, *)
        return try kernel(node) { () throws(KernelError) in
            Operator.concatenation(try Concatenation(outer: outer, parts: parts))
        }
    }

    func averagePool(
        _ node: Node,
        _ map: FeatureMap,
        _ window: Kernels.Window,
        countsPadding: Bool
    ) throws(InferenceError) -> Operator {
        let input = try encoding(ofOperand: 0, of: node)
        let output = try encoding(of: node.output, node: node)
        let taps = window.taps
        let isUniform = countsPadding || window.padding == Kernels.Window.Edges()
        guard taps <= AveragePool.tapsMax else {
            throw .unsupported(node: node.name, reason: "a window of \(taps) elements is too large")
        }
        let channels = try requantizations(node, count: isUniform ? 1 : taps)
        for (index, channel) in channels.enumerated()
        where Int64(taps * 255) << Int64(channel.leftShift) > Int64(Int32.max) {
            throw .overflow(node: node.name, output: index)
        }
        return .averagePool(
            AveragePool(
                input: map,
                window: window,
                countsPadding: countsPadding,
                inputZeroPoint: zeroPoint(input),
                counts: RequantizeStage(channels: channels, zeroPoint: zeroPoint(output))
            )
        )
    }

    /// The mean over neighbouring dimensions is an average pool over one direction of a plane.
    func mean(_ node: Node, axes: [Int]) throws(InferenceError) -> Operator {
        let shape = shape(0, of: node)
        let sorted = axes.sorted()
        guard let first = sorted.first, let last = sorted.last, last - first == axes.count - 1 else {
            throw .unsupported(node: node.name, reason: "the axes \(axes) of its mean are not neighbours")
        }
        let reduced = shape[first...last].reduce(1, *)
        let map = FeatureMap(
            height: shape[..<first].reduce(1, *),
            width: reduced,
            channels: shape[(last + 1)...].reduce(1, *)
        )
        return try averagePool(node, map, Kernels.Window(height: 1, width: reduced), countsPadding: false)
    }

    mutating func readFunction(_ node: Node, _ function: Function) throws(InferenceError) {
        guard container.tensorNames.contains("\(node.name).table") else {
            try readTail(node, .function(function))
            return
        }
        let count = outputShape(of: node).reduce(1, *)
        try add(node, table(node, count: count), storage(of: node.output))
    }

    mutating func readSoftmax(_ node: Node) throws(InferenceError) {
        let channels = outputShape(of: node).last ?? 1
        let name = "\(node.name).exponentials"
        guard container.tensorNames.contains(name) else {
            try readTail(node, .softmax(channels: channels))
            return
        }
        let encoding = try encoding(of: node.output, node: node)
        guard encoding.scale == 0x1p-8, encoding.zeroPoint == 0 else {
            throw .invalid(field: "manifest.encodings", reason: "'\(node.output)' of a softmax must be 1/256 and 0")
        }
        let words = try container.words(name, count: 256)
        let exponentials = words.compactMap { UInt16(exactly: $0) }
        let outer = outputShape(of: node).reduce(1, *) / channels
        let operation = try kernel(node) { () throws(KernelError) in
            Operator.softmax(try TableSoftmax(outer: outer, channels: channels, exponentials: exponentials))
        }
        _ = try self.encoding(ofOperand: 0, of: node)
        try add(node, operation, storage(of: node.output))
    }

    func resize(_ node: Node, _ resize: ModelGraph.Resize) throws(InferenceError) -> Operator {
        let map = featureMap(shape(0, of: node))
        let rows = try sources("\(node.name).rows", count: resize.size.height)
        let columns = try sources("\(node.name).columns", count: resize.size.width)
        return try kernel(node) { () throws(KernelError) in
            Operator.resize(try Kernels.Resize(input: map, rows: rows, columns: columns))
        }
    }

    func sources(_ name: String, count: Int) throws(InferenceError) -> [Kernels.Resize.Source] {
        let tensor = try container.checked(name, shape: [count, 3])
        let words = try InferenceError.wrapGraph { () throws(GraphError) in try tensor.int32s }
        return stride(from: 0, to: 3 * count, by: 3).map { index -> Kernels.Resize.Source in
            Kernels.Resize.Source(
                first: Int(words[index]),
                second: Int(words[index + 1]),
                fraction: Int(words[index + 2])
            )
        }
    }

    mutating func readGather(_ node: Node, table: String) throws(InferenceError) {
        guard let tensor = graph.constants[table] else { throw .container(.missingTensor(table)) }
        let rows = tensor.shape[0]
        let bytes = try constant(table, node) { tensor throws(GraphError) in try tensor.uint8s }
        let count = shape(0, of: node).reduce(1, *)
        let operation = try kernel(node) { () throws(KernelError) in
            Operator.gather(try Gather(indices: count, width: bytes.count / rows, table: bytes))
        }
        let encoding = try encoding(of: node.output, node: node)
        try add(node, operation, .bytes(encoding))
        limit(try operand(0, of: node), toRows: rows)
    }
}

extension Kernels.Window {
    /// The window of a graph as the kernels have it.
    init(_ window: ModelGraph.Window) {
        self.init(
            height: window.size.height,
            width: window.size.width,
            strideY: window.stride.height,
            strideX: window.stride.width,
            dilationY: window.dilation.height,
            dilationX: window.dilation.width,
            padding: Edges(
                top: window.padding.top,
                left: window.padding.left,
                bottom: window.padding.bottom,
                right: window.padding.right
            )
        )
    }
}
