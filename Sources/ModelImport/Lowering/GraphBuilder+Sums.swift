import ModelGraph

/// Sums over one dimension with constant weights: whatever resamples or reorders it.
struct LinearMap {
    /// How many elements go in.
    let inputs: Int
    /// `[outputs, inputs]`
    var weights: [Float]
    /// `[outputs]`
    var offsets: [Float]

    init(inputs: Int, outputs: Int) {
        self.inputs = inputs
        weights = [Float](repeating: 0, count: inputs * outputs)
        offsets = [Float](repeating: 0, count: outputs)
    }
}

/// Where a window moves: each list has a number for each dimension of the plane.
struct Windows {
    var size: [Int]
    var stride: [Int]
    var dilation: [Int]
    var before: [Int]
    var after: [Int]

    /// The positions along a dimension of so many elements.
    func positions(_ extent: Int, _ index: Int) -> Int {
        let room = extent + before[index] + after[index] - (size[index] - 1) * dilation[index] - 1
        return room < 0 ? 0 : room / stride[index] + 1
    }

    /// Checks what comes from a file, so that nothing overflows later.
    func check() throws(Refusal) {
        let range = 1...Graph.attributeMax
        guard size.allSatisfy(range.contains), stride.allSatisfy(range.contains), dilation.allSatisfy(range.contains)
        else { throw .damaged("a window of \(size), stride \(stride), dilation \(dilation) is not possible") }
        let around = 0...Graph.attributeMax
        guard before.allSatisfy(around.contains), after.allSatisfy(around.contains) else {
            throw .unsupported("padding \(before), \(after)")
        }
    }
}

extension GraphBuilder {
    // MARK: Products

    /// A convolution over one or two dimensions.
    ///
    /// - Parameters:
    ///   - weights: `[outputs, size..., channels / groups]`
    ///   - bias: `[outputs]`
    mutating func convolve(
        _ value: Value,
        channel: Int,
        spatial: [Int],
        weights: Constant,
        bias: Constant?,
        _ windows: Windows,
        groups: Int,
        activation: Activation = .none
    ) throws(Refusal) -> Value {
        try windows.check()
        guard (1...2).contains(spatial.count) else {
            throw .unsupported("a convolution over \(spatial.count) dimensions")
        }
        let others = value.shape.indices.filter { $0 != channel && !spatial.contains($0) }
        guard others.allSatisfy({ value.shape[$0] == 1 }) else {
            throw .unsupported(
                "a fixed batch of \(others.map { value.shape[$0] }.reduce(1, *)); export the model with a batch of 1"
            )
        }
        guard weights.tensor.shape.count == spatial.count + 2, (1...Graph.attributeMax).contains(groups),
            weights.tensor.elementCount > 0
        else { throw .damaged("weights of shape \(weights.tensor.shape) in \(groups) groups") }
        let outputs = weights.tensor.shape[0]
        var shape = value.shape
        for (index, axis) in spatial.enumerated() { shape[axis] = windows.positions(value.shape[axis], index) }
        shape[channel] = outputs
        try check(shape)
        let one = spatial.count == 1
        let full = one ? weights.reshaped(weights.tensor.shape[..<2] + [1] + weights.tensor.shape[2...]) : weights
        let zeros = Constant(tensor: SourceTensor(shape: [outputs], floats: [Float](repeating: 0, count: outputs)))
        let names = (
            try constant(full, current.output + "/weights"),
            try constant(bias ?? zeros, current.output + "/bias")
        )
        func pair(_ numbers: [Int], _ missing: Int) -> Extent {
            Extent(height: numbers[0], width: one ? missing : numbers[1])
        }
        let operation = Operation.convolution(
            Convolution(
                weights: names.0,
                bias: names.1,
                stride: pair(windows.stride, 1),
                padding: Margins(
                    top: windows.before[0],
                    left: one ? 0 : windows.before[1],
                    bottom: windows.after[0],
                    right: one ? 0 : windows.after[1]
                ),
                dilation: pair(windows.dilation, 1),
                groups: groups,
                activation: activation
            )
        )
        return try overPlane(value, channel: channel, spatial: spatial, shape: shape) { builder, input in
            builder.emit(operation, [input])
        }
    }

    /// A transposed convolution over two dimensions: that of the plane with zeros between its places.
    ///
    /// - Parameters:
    ///   - weights: `[outputs, size..., channels / groups]`, the taps already in reverse.
    ///   - windows: As the file says them: `before` and `after` are what the result loses.
    ///   - size: The height and width of the result.
    mutating func convolveTransposed(
        _ value: Value,
        channel: Int,
        spatial: [Int],
        weights: Constant,
        bias: Constant?,
        _ windows: Windows,
        size: [Int],
        groups: Int,
        activation: Activation = .none
    ) throws(Refusal) -> Value {
        try windows.check()
        guard spatial.count == 2, value.shape.count == 4, value.shape[0] == 1,
            size.allSatisfy((1...Graph.attributeMax).contains)
        else { throw .unsupported("a transposed convolution of \(value.shape)") }
        let order = [0, spatial[0], spatial[1], channel]
        var plane = try transpose(value, order)
        let extents = [plane.shape[1], plane.shape[2]]
        let channels = plane.shape[3]
        if windows.stride != [1, 1] {
            let wide = [extents[0] * windows.stride[0], extents[1] * windows.stride[1]]
            try check([1, wide[0], wide[1], channels])
            let apart = try reshape(plane, [1, extents[0], 1, extents[1], 1, channels])
            let padded = try pad(
                apart,
                before: [0, 0, 0, 0, 0, 0],
                after: [0, 0, windows.stride[0] - 1, 0, windows.stride[1] - 1, 0],
                with: 0
            )
            plane = try reshape(padded, [1, wide[0], wide[1], channels])
        }
        // After the last place there are stride - 1 zeros already.
        var (before, after) = ([0, 0], [0, 0])
        for index in 0..<2 {
            let span = (windows.size[index] - 1) * windows.dilation[index]
            before[index] = span - windows.before[index]
            after[index] = size[index] + span - before[index] - plane.shape[1 + index]
        }
        plane = try pad(
            plane,
            before: [0] + before.map { min(0, $0) } + [0],
            after: [0] + after.map { min(0, $0) } + [0],
            with: 0
        )
        var dense = windows
        dense.stride = [1, 1]
        dense.before = before.map { max(0, $0) }
        dense.after = after.map { max(0, $0) }
        let result = try convolve(
            plane,
            channel: 3,
            spatial: [1, 2],
            weights: weights,
            bias: bias,
            dense,
            groups: groups,
            activation: activation
        )
        return try transpose(result, GraphBuilder.inverse(order))
    }

    /// Runs a node of planes `[height, width, channels]` on a value with one or two spatial dimensions.
    private mutating func overPlane(
        _ value: Value,
        channel: Int,
        spatial: [Int],
        shape: [Int],
        _ node: (inout GraphBuilder, String) -> String
    ) throws(Refusal) -> Value {
        guard spatial.count == 1 else {
            let axes = spatial + [channel]
            return computed(node(&self, try name(of: value, as: axes)), axes: axes, shape: shape)
        }
        // One more dimension of one element at the end, between the spatial one and the channels in the graph.
        let extra = value.shape.count
        let wide = try view(value, shape: value.shape + [1], rename: value.shape.indices.map { $0 })
        let name = node(&self, try name(of: wide, as: [spatial[0], extra, channel]))
        return computed(name, axes: [spatial[0], -1, channel], shape: shape)
    }

    /// The product of the last two dimensions with a matrix, or of each of several with its own.
    ///
    /// - Parameters:
    ///   - weights: `[inputs, outputs]`, or `[..., inputs, outputs]` with the leading dimensions of the value.
    ///   - bias: `[outputs]`
    mutating func multiply(
        _ value: Value,
        _ weights: Constant,
        bias: Constant? = nil,
        activation: Activation = .none
    ) throws(Refusal) -> Value {
        let matrix = weights.tensor.shape
        guard matrix.count >= 2, let inputs = value.shape.last, inputs == matrix[matrix.count - 2],
            weights.tensor.elementCount > 0
        else { throw .damaged("\(value.shape) times \(matrix)") }
        let outputs = matrix[matrix.count - 1]
        let leading = matrix.dropLast(2)
        guard !leading.allSatisfy({ $0 == 1 }) else {
            let rank = max(value.shape.count, matrix.count)
            let flat = weights.reshaped([inputs, outputs]).transposed([1, 0])
            var result = try multiply(value, rows: flat, bias: bias, activation: activation)
            if result.shape.count < rank {
                let missing = rank - result.shape.count
                result = try reshape(result, [Int](repeating: 1, count: missing) + result.shape)
            }
            return result
        }
        guard Array(leading) == Array(value.shape.dropLast(2)), value.shape.count == matrix.count, bias == nil,
            activation == .none
        else { throw .unsupported("\(value.shape) times \(matrix): the matrices are repeated") }
        // Each matrix is a group of a convolution with one tap; the rows are the places.
        let (count, rows) = (leading.reduce(1, *), value.shape[value.shape.count - 2])
        let stacked = try transpose(reshape(value, [count, rows, inputs]), [1, 0, 2])
        let plane = try reshape(stacked, [1, rows, 1, count * inputs])
        let ordered = weights.reshaped([count, inputs, outputs]).transposed([0, 2, 1])
        let product = try convolve(
            plane,
            channel: 3,
            spatial: [1, 2],
            weights: ordered.reshaped([count * outputs, 1, 1, inputs]),
            bias: nil,
            Windows(size: [1, 1], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0]),
            groups: count
        )
        let split = try transpose(reshape(product, [rows, count, outputs]), [1, 0, 2])
        return try reshape(split, Array(value.shape.dropLast()) + [outputs])
    }

    /// The product of the last dimension with each row of a matrix.
    ///
    /// - Parameter rows: `[outputs, inputs]`
    mutating func multiply(
        _ value: Value,
        rows: Constant,
        bias: Constant?,
        activation: Activation = .none
    ) throws(Refusal) -> Value {
        guard let inputs = value.shape.last, rows.tensor.shape.count == 2, rows.tensor.shape[1] == inputs,
            rows.tensor.elementCount > 0
        else { throw .damaged("\(value.shape) times the rows of \(rows.tensor.shape)") }
        let outputs = rows.tensor.shape[0]
        if let bias, bias.tensor.shape != [outputs] {
            throw .damaged("a bias of shape \(bias.tensor.shape) for \(outputs) outputs")
        }
        let shape = Array(value.shape.dropLast()) + [outputs]
        try check(shape)
        let count = value.elementCount / inputs
        if count == 1 {
            let zeros = SourceTensor(shape: [outputs], floats: [Float](repeating: 0, count: outputs))
            let names = (
                try constant(rows, current.output + "/weights"),
                try constant(bias ?? Constant(tensor: zeros), current.output + "/bias")
            )
            let input = try name(of: value, as: GraphBuilder.natural(value.shape))
            let operation = Operation.fullyConnected(weights: names.0, bias: names.1, activation: activation)
            return computed(emit(operation, [input]), axes: [shape.count - 1], shape: shape)
        }
        let plane = try reshape(value, [1, count, 1, inputs])
        let product = try convolve(
            plane,
            channel: 3,
            spatial: [1, 2],
            weights: rows.reshaped([outputs, 1, 1, inputs]),
            bias: bias,
            Windows(size: [1, 1], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0]),
            groups: 1,
            activation: activation
        )
        return try reshape(product, shape)
    }

    /// Sums over one dimension with constant weights.
    mutating func map(_ value: Value, _ map: LinearMap, axis: Int) throws(Refusal) -> Value {
        let rank = value.shape.count
        let last = value.shape.indices.filter { $0 != axis } + [axis]
        var back = [Int](repeating: 0, count: rank)
        for (place, axis) in last.enumerated() { back[axis] = place }
        if isUntouchedInput(value) { _ = try form(of: value) }
        let moved = try transpose(value, last)
        let rows = SourceTensor(shape: [map.offsets.count, map.inputs], floats: map.weights)
        let bias = SourceTensor(shape: [map.offsets.count], floats: map.offsets)
        let product = try multiply(moved, rows: Constant(tensor: rows), bias: Constant(tensor: bias))
        return try transpose(product, back)
    }

    // MARK: Windows

    /// The greatest element of each window.
    mutating func maxPool(
        _ value: Value,
        channel: Int,
        spatial: [Int],
        _ windows: Windows
    ) throws(Refusal) -> Value {
        try windows.check()
        if spatial.count > 2 {
            // The greatest of the greatest: first over all dimensions but the last, then over that.
            var (first, last) = (windows, windows)
            let end = spatial.count - 1
            let keys: [WritableKeyPath<Windows, [Int]>] = [\.size, \.stride, \.dilation, \.before, \.after]
            for key in keys {
                first[keyPath: key] = Array(windows[keyPath: key][..<end])
                last[keyPath: key] = [windows[keyPath: key][end]]
            }
            let flat = try merged(value, spatial[end], into: channel)
            let pooled = try maxPool(flat, channel: channel, spatial: Array(spatial[..<end]), first)
            let split = try separated(pooled, spatial[end], from: channel, count: value.shape[spatial[end]])
            // The other way around for the last dimension: it alone is spatial, the others are channels.
            var line = split
            for axis in spatial[..<end] { line = try merged(line, axis, into: channel) }
            line = try maxPool(line, channel: channel, spatial: [spatial[end]], last)
            for axis in spatial[..<end].reversed() {
                line = try separated(line, axis, from: channel, count: split.shape[axis])
            }
            return line
        }
        var shape = value.shape
        for (index, axis) in spatial.enumerated() { shape[axis] = windows.positions(value.shape[axis], index) }
        try check(shape)
        let window = GraphBuilder.window(windows)
        try check(window, batch: value, channel: channel, spatial: spatial)
        var result = try overPlane(value, channel: channel, spatial: spatial, shape: shape) { builder, input in
            builder.emit(.maxPool(window), [input])
        }
        result.type = value.type
        return result
    }

    /// The mean of each window.
    ///
    /// - Parameters:
    ///   - countsPadding: Whether the padding that the file names counts as zeros.
    ///   - extra: How much of the padding after each dimension only makes the last window complete, and never counts.
    mutating func averagePool(
        _ value: Value,
        channel: Int,
        spatial: [Int],
        _ windows: Windows,
        countsPadding: Bool,
        extra: [Int]
    ) throws(Refusal) -> Value {
        try windows.check()
        var shape = value.shape
        for (index, axis) in spatial.enumerated() { shape[axis] = windows.positions(value.shape[axis], index) }
        try check(shape)
        let padding = zip(windows.before, windows.after).flatMap { [$0, $1] }
        let isPlain =
            spatial.count <= 2 && windows.dilation.allSatisfy { $0 == 1 }
            && (!countsPadding || extra.allSatisfy { $0 == 0 })
            && spatial.indices.allSatisfy { max(windows.before[$0], windows.after[$0]) < windows.size[$0] }
        if isPlain {
            let window = GraphBuilder.window(windows)
            try check(window, batch: value, channel: channel, spatial: spatial)
            let counts = countsPadding && padding.contains { $0 > 0 }
            return try overPlane(value, channel: channel, spatial: spatial, shape: shape) { builder, input in
                builder.emit(.averagePool(window, countsPadding: counts), [input])
            }
        }
        // The mean over a box is the mean of means, one dimension after the other, and each is a sum with weights.
        var result = value
        for (index, axis) in spatial.enumerated() {
            let extent = value.shape[axis]
            try spend(extent * shape[axis])
            var map = LinearMap(inputs: extent, outputs: shape[axis])
            for position in 0..<shape[axis] {
                let start = position * windows.stride[index] - windows.before[index]
                let taps = (0..<windows.size[index]).map { start + $0 * windows.dilation[index] }
                let counted = taps.filter { tap in
                    countsPadding
                        ? tap < extent + windows.after[index] - extra[index]
                        : (0..<extent).contains(tap)
                }
                for tap in taps where (0..<extent).contains(tap) {
                    map.weights[position * extent + tap] = 1 / Float(max(counted.count, 1))
                }
            }
            result = try self.map(result, map, axis: axis)
        }
        return result
    }

    private static func window(_ windows: Windows) -> Window {
        let one = windows.size.count == 1
        return Window(
            size: Extent(height: windows.size[0], width: one ? 1 : windows.size[1]),
            stride: Extent(height: windows.stride[0], width: one ? 1 : windows.stride[1]),
            padding: Margins(
                top: windows.before[0],
                left: one ? 0 : windows.before[1],
                bottom: windows.after[0],
                right: one ? 0 : windows.after[1]
            ),
            dilation: Extent(height: windows.dilation[0], width: one ? 1 : windows.dilation[1])
        )
    }

    private func check(_ window: Window, batch value: Value, channel: Int, spatial: [Int]) throws(Refusal) {
        let (padding, span) = (window.padding, window.span)
        guard max(padding.top, padding.bottom) < span.height, max(padding.left, padding.right) < span.width else {
            throw .unsupported("padding as large as the window")
        }
        for axis in value.shape.indices where axis != channel && !spatial.contains(axis) {
            guard value.shape[axis] == 1 else {
                throw .unsupported("a fixed batch of \(value.shape[axis]); export the model with a batch of 1")
            }
        }
    }

    /// Makes a dimension a part of another: `[..., a, ..., c, ...]` becomes `[..., 1, ..., a * c, ...]`.
    private mutating func merged(_ value: Value, _ axis: Int, into channel: Int) throws(Refusal) -> Value {
        var shape = value.shape
        shape[channel] *= shape[axis]
        shape[axis] = 1
        let others = value.shape.indices.filter { $0 != axis && $0 != channel }
        let moved = try transpose(value, others + [axis, channel])
        let flat = try reshape(moved, others.map { value.shape[$0] } + [1, shape[channel]])
        return try transpose(flat, GraphBuilder.inverse(others + [axis, channel]))
    }

    /// The opposite of ``merged(_:_:into:)``.
    private mutating func separated(
        _ value: Value,
        _ axis: Int,
        from channel: Int,
        count: Int
    ) throws(Refusal) -> Value {
        let others = value.shape.indices.filter { $0 != axis && $0 != channel }
        let moved = try transpose(value, others + [axis, channel])
        let split = try reshape(moved, others.map { value.shape[$0] } + [count, value.shape[channel] / count])
        return try transpose(split, GraphBuilder.inverse(others + [axis, channel]))
    }

    static func inverse(_ permutation: [Int]) -> [Int] {
        var inverse = [Int](repeating: 0, count: permutation.count)
        for (place, axis) in permutation.enumerated() { inverse[axis] = place }
        return inverse
    }

    /// Another height and width, as the graph's own operation.
    mutating func resize(_ value: Value, channel: Int, spatial: [Int], _ resize: Resize) throws(Refusal) -> Value {
        var shape = value.shape
        (shape[spatial[0]], shape[spatial[1]]) = (resize.size.height, resize.size.width)
        try check(shape)
        let axes = spatial + [channel]
        let others = value.shape.indices.filter { !axes.contains($0) }
        guard others.allSatisfy({ value.shape[$0] == 1 }) else {
            throw .unsupported("a fixed batch; export the model with a batch of 1")
        }
        return computed(emit(.resize(resize), [try name(of: value, as: axes)]), axes: axes, shape: shape)
    }

    /// Rows of a table that integers name.
    mutating func lookUp(_ table: Constant, _ indices: Value) throws(Refusal) -> Value {
        let shape = indices.shape + table.tensor.shape.dropFirst()
        try check(shape)
        let axes = GraphBuilder.natural(indices.shape)
        let input = try name(of: indices, as: axes, isIndex: true)
        let name = try constant(table, current.output + "/table")
        let rest = Array(indices.shape.count..<shape.count)
        return computed(emit(.gather(table: name), [input]), axes: axes + rest, shape: shape)
    }
}
