/// What one node gives, from what it reads; every number that comes from outside is checked before it is used.
struct ShapeInference {
    let node: Node
    let values: [String: TensorInfo]
    let constants: [String: Tensor]

    /// The node's output.
    ///
    /// - Throws: the first ``GraphError``, naming node and tensor, value or field.
    func output() throws(GraphError) -> TensorInfo {
        var dataType = DataType.float32
        let shape: [Int]
        switch node.operation {
        case .affine(let scale, let offset):
            shape = try single().shape
            try check(constant(scale), scale, shape: [shape.last ?? 1], types: [.float32, .int8])
            try check(constant(offset), offset, shape: [shape.last ?? 1], types: [.float32, .int32])
        case .fullyConnected(let weights, let bias, _):
            shape = try fullyConnected(weights: weights, bias: bias)
        case .convolution(let convolution):
            shape = try self.convolution(convolution)
        case .arithmetic(let arithmetic):
            shape = try self.arithmetic(arithmetic)
        case .concatenate(let axis):
            (shape, dataType) = try concatenation(axis: axis)
        case .pad(let before, let after, let value):
            shape = try padded(before: before, after: after, value: value)
        case .maxPool(let window):
            shape = try pooled(window)
        case .averagePool(let window, _):
            shape = try pooled(window)
            guard window.dilation == Extent(1) else { throw invalid("dilation", "a mean has none") }
        case .mean(let axes, let keepsDimensions):
            shape = try mean(axes: axes, keepsDimensions: keepsDimensions)
        case .function(let function):
            shape = try single().shape
            try check(function)
        case .softmax, .normalize:
            shape = try single().shape
        case .argMax(let axis, _):
            let input = try single().shape
            guard input.indices.contains(axis) else {
                throw invalid("axis", "\(axis) is no dimension of shape \(input)")
            }
            shape = input.indices.filter { $0 != axis }.map { input[$0] }
        case .reshape(let target):
            let input = try single(anyType: true)
            dataType = input.dataType
            shape = try reshaped(input, to: target)
        case .transpose(let permutation):
            let input = try single(anyType: true)
            dataType = input.dataType
            shape = try transposed(input, by: permutation)
        case .resize(let resize):
            let plane = try self.plane()
            try check(resize.size.height, "size.height", in: 1...Graph.attributeMax)
            try check(resize.size.width, "size.width", in: 1...Graph.attributeMax)
            shape = [resize.size.height, resize.size.width, plane[2]]
        case .gather(let table):
            shape = try gathered(table: table)
        case .slice(let begin, let end, let stride):
            let input = try single(anyType: true)
            dataType = input.dataType
            shape = try sliced(input, begin: begin, end: end, stride: stride)
        }
        let info = TensorInfo(name: node.output, shape: shape, dataType: dataType)
        guard shape.count <= Graph.rankMax else { throw refusal(info, "more than \(Graph.rankMax) dimensions") }
        guard let count = Tensor.elementCount(of: shape), (1...Graph.elementsMax).contains(count) else {
            throw refusal(info, "it would be empty or have more than \(Graph.elementsMax) elements")
        }
        return info
    }

    // MARK: Operations

    private func fullyConnected(weights: String, bias: String) throws(GraphError) -> [Int] {
        let inputs = try single().shape.reduce(1, *)
        let tensor = try constant(weights)
        guard tensor.shape.count == 2, tensor.shape[0] > 0 else {
            throw .shapeMismatch(
                node: node.name,
                tensor: weights,
                expected: [tensor.shape.first ?? 1, inputs],
                actual: tensor.shape
            )
        }
        let outputs = tensor.shape[0]
        try check(tensor, weights, shape: [outputs, inputs], types: [.float32, .int8, .uint8])
        try check(constant(bias), bias, shape: [outputs], types: [.float32, .int32])
        return [outputs]
    }

    private func convolution(_ convolution: Convolution) throws(GraphError) -> [Int] {
        let plane = try self.plane()
        let tensor = try constant(convolution.weights)
        try check(convolution.groups, "groups", in: 1...Graph.attributeMax)
        guard plane[2] % convolution.groups == 0 else {
            throw invalid("groups", "\(convolution.groups) do not divide the \(plane[2]) channels")
        }
        let channels = plane[2] / convolution.groups
        let shape = tensor.shape
        guard shape.count == 4, shape.allSatisfy({ (1...Graph.attributeMax).contains($0) }), shape[3] == channels
        else {
            let known = shape.count == 4 ? shape : [1, 1, 1, channels]
            throw .shapeMismatch(
                node: node.name,
                tensor: convolution.weights,
                expected: [known[0], known[1], known[2], channels],
                actual: shape
            )
        }
        guard shape[0] % convolution.groups == 0 else {
            throw invalid("groups", "\(convolution.groups) do not divide the \(shape[0]) outputs")
        }
        try check(tensor, convolution.weights, shape: shape, types: [.float32, .int8, .uint8])
        try check(constant(convolution.bias), convolution.bias, shape: [shape[0]], types: [.float32, .int32])
        let window = convolution.window(weightShape: shape)
        return try positions(of: window, over: plane) + [shape[0]]
    }

    private func arithmetic(_ arithmetic: Arithmetic) throws(GraphError) -> [Int] {
        try checkOperands(arithmetic.constant == nil ? 2 : 1)
        let first = try operand(0)
        let second: [Int]
        if let name = arithmetic.constant {
            let tensor = try constant(name)
            guard [.float32, .int8, .uint8].contains(tensor.dataType) else {
                throw .constantType(node: node.name, constant: name, actual: tensor.dataType)
            }
            guard Arithmetic.shape(first.shape, tensor.shape) != nil else {
                throw .shapeMismatch(node: node.name, tensor: name, expected: first.shape, actual: tensor.shape)
            }
            second = tensor.shape
        } else {
            second = try operand(1).shape
        }
        guard let shape = Arithmetic.shape(first.shape, second) else {
            throw refusal(first, "it does not fit the other operand of shape \(second)")
        }
        return shape
    }

    private func concatenation(axis: Int) throws(GraphError) -> ([Int], DataType) {
        guard !node.inputs.isEmpty else { throw .operands(node: node.name, expected: 1, actual: 0) }
        let first = try operand(0, anyType: true)
        guard first.shape.indices.contains(axis) else {
            throw invalid("axis", "\(axis) is no dimension of shape \(first.shape)")
        }
        var shape = first.shape
        for index in node.inputs.indices.dropFirst() {
            let other = try operand(index, anyType: true)
            guard other.dataType == first.dataType else {
                throw .valueType(node: node.name, value: other.name, actual: other.dataType)
            }
            var wanted = other.shape
            if wanted.indices.contains(axis) { wanted[axis] = first.shape[axis] }
            guard wanted == first.shape else {
                throw refusal(other, "it does not fit '\(first.name)' of shape \(first.shape)")
            }
            // Sums of dimensions of at most 2^26, and fewer inputs than a file has bytes: no overflow.
            shape[axis] += other.shape[axis]
        }
        return (shape, first.dataType)
    }

    private func padded(before: [Int], after: [Int], value: Float) throws(GraphError) -> [Int] {
        let input = try single().shape
        guard value.isFinite else { throw invalid("value", "not finite") }
        for (field, counts) in [("before", before), ("after", after)] {
            guard counts.count == input.count else {
                throw invalid(field, "\(counts.count) numbers for \(input.count) dimensions")
            }
            for count in counts { try check(count, field, in: 0...Graph.attributeMax) }
        }
        return input.indices.map { before[$0] + input[$0] + after[$0] }
    }

    private func pooled(_ window: Window) throws(GraphError) -> [Int] {
        let plane = try self.plane()
        try check(window.size.height, "size.height", in: 1...Graph.attributeMax)
        try check(window.size.width, "size.width", in: 1...Graph.attributeMax)
        let shape = try positions(of: window, over: plane) + [plane[2]]
        // Then no window lies outside the plane as a whole.
        let (padding, span) = (window.padding, window.span)
        guard max(padding.top, padding.bottom) < span.height, max(padding.left, padding.right) < span.width else {
            throw invalid("padding", "as large as the window")
        }
        return shape
    }

    private func mean(axes: [Int], keepsDimensions: Bool) throws(GraphError) -> [Int] {
        let input = try single().shape
        guard Set(axes).count == axes.count, axes.allSatisfy(input.indices.contains), !axes.isEmpty else {
            throw invalid("axes", "\(axes) are no dimensions of shape \(input)")
        }
        return input.indices.compactMap { axes.contains($0) ? (keepsDimensions ? 1 : nil) : input[$0] }
    }

    private func reshaped(_ input: TensorInfo, to target: [Int]) throws(GraphError) -> [Int] {
        guard Tensor.elementCount(of: target) == input.shape.reduce(1, *) else {
            throw refusal(input, "it does not fill shape \(target)")
        }
        return target
    }

    private func transposed(_ input: TensorInfo, by permutation: [Int]) throws(GraphError) -> [Int] {
        guard permutation.sorted() == Array(input.shape.indices) else {
            throw invalid("permutation", "\(permutation) does not order the dimensions of shape \(input.shape)")
        }
        return permutation.map { input.shape[$0] }
    }

    private func gathered(table: String) throws(GraphError) -> [Int] {
        try checkOperands(1)
        let input = try operand(0, anyType: true)
        guard input.dataType == .int32 else {
            throw .valueType(node: node.name, value: input.name, actual: input.dataType)
        }
        let tensor = try constant(table)
        guard let rows = tensor.shape.first, rows > 0, tensor.elementCount > 0 else {
            throw .shapeMismatch(node: node.name, tensor: table, expected: [1, 1], actual: tensor.shape)
        }
        guard [.float32, .int8, .uint8].contains(tensor.dataType) else {
            throw .constantType(node: node.name, constant: table, actual: tensor.dataType)
        }
        return input.shape + tensor.shape.dropFirst()
    }

    private func sliced(
        _ input: TensorInfo,
        begin: [Int],
        end: [Int],
        stride: [Int]
    ) throws(GraphError) -> [Int] {
        for (field, numbers) in [("begin", begin), ("end", end), ("stride", stride)]
        where numbers.count != input.shape.count {
            throw invalid(field, "\(numbers.count) numbers for \(input.shape.count) dimensions")
        }
        var shape: [Int] = []
        for axis in input.shape.indices {
            try check(begin[axis], "begin", in: 0...input.shape[axis] - 1)
            try check(end[axis], "end", in: begin[axis] + 1...input.shape[axis])
            try check(stride[axis], "stride", in: 1...Graph.attributeMax)
            shape.append((end[axis] - begin[axis] - 1) / stride[axis] + 1)
        }
        return shape
    }

    private func check(_ function: Function) throws(GraphError) {
        switch function {
        case .clip(let low, let high):
            guard low?.isFinite ?? true else { throw invalid("low", "not finite") }
            guard high?.isFinite ?? true else { throw invalid("high", "not finite") }
        case .leakyRelu(let slope):
            guard slope.isFinite else { throw invalid("slope", "not finite") }
        case .hardSigmoid(let slope, let offset):
            guard slope.isFinite else { throw invalid("slope", "not finite") }
            guard offset.isFinite else { throw invalid("offset", "not finite") }
        case .elu(let alpha):
            guard alpha.isFinite else { throw invalid("alpha", "not finite") }
        case .power(let exponent): try check(exponent, "exponent", in: 1...16)
        case .relu, .relu6, .hardSwish, .sigmoid, .tanh, .swish, .gelu, .tanhGelu, .softplus, .softsign, .erf,
            .exponential,
            .logarithm, .absolute, .squareRoot, .reciprocal, .reciprocalSquareRoot, .floor, .ceiling, .round:
            break
        }
    }

    /// The height and width that a window gives.
    private func positions(of window: Window, over plane: [Int]) throws(GraphError) -> [Int] {
        try check(window.stride.height, "stride.height", in: 1...Graph.attributeMax)
        try check(window.stride.width, "stride.width", in: 1...Graph.attributeMax)
        try check(window.dilation.height, "dilation.height", in: 1...Graph.attributeMax)
        try check(window.dilation.width, "dilation.width", in: 1...Graph.attributeMax)
        try check(window.padding.top, "padding.top", in: 0...Graph.attributeMax)
        try check(window.padding.left, "padding.left", in: 0...Graph.attributeMax)
        try check(window.padding.bottom, "padding.bottom", in: 0...Graph.attributeMax)
        try check(window.padding.right, "padding.right", in: 0...Graph.attributeMax)
        let positions = window.positions(over: Extent(height: plane[0], width: plane[1]))
        guard positions.height > 0, positions.width > 0 else {
            throw invalid("size", "a window of \(window.span.height) x \(window.span.width) does not fit \(plane)")
        }
        return [positions.height, positions.width]
    }

    // MARK: Operands

    private func checkOperands(_ expected: Int) throws(GraphError) {
        guard node.inputs.count == expected else {
            throw .operands(node: node.name, expected: expected, actual: node.inputs.count)
        }
    }

    private func operand(_ index: Int, anyType: Bool = false) throws(GraphError) -> TensorInfo {
        let name = node.inputs[index]
        guard let value = values[name] else { throw .unknownValue(node: node.name, value: name) }
        guard anyType || value.dataType == .float32 else {
            throw .valueType(node: node.name, value: name, actual: value.dataType)
        }
        return value
    }

    /// The only input.
    private func single(anyType: Bool = false) throws(GraphError) -> TensorInfo {
        try checkOperands(1)
        return try operand(0, anyType: anyType)
    }

    /// The only input, `[height, width, channels]`.
    private func plane() throws(GraphError) -> [Int] {
        let input = try single()
        guard input.shape.count == 3 else { throw refusal(input, "needed is [height, width, channels]") }
        return input.shape
    }

    private func constant(_ name: String) throws(GraphError) -> Tensor {
        guard let tensor = constants[name] else { throw .unknownConstant(node: node.name, constant: name) }
        return tensor
    }

    private func check(
        _ tensor: Tensor,
        _ name: String,
        shape: [Int],
        types: [DataType]
    ) throws(GraphError) {
        guard tensor.shape == shape else {
            throw .shapeMismatch(node: node.name, tensor: name, expected: shape, actual: tensor.shape)
        }
        guard types.contains(tensor.dataType) else {
            throw .constantType(node: node.name, constant: name, actual: tensor.dataType)
        }
    }

    private func check(_ number: Int, _ field: String, in range: ClosedRange<Int>) throws(GraphError) {
        guard range.contains(number) else { throw invalid(field, "\(number) is not in \(range)") }
    }

    private func invalid(_ field: String, _ reason: String) -> GraphError {
        .invalidField(node: node.name, field: field, reason: reason)
    }

    private func refusal(_ value: TensorInfo, _ reason: String) -> GraphError {
        .valueShape(node: node.name, value: value.name, shape: value.shape, reason: reason)
    }
}
