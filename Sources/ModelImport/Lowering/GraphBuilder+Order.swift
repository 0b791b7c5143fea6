import ModelGraph

extension GraphBuilder {
    /// Dimension `i` of the result is dimension `permutation[i]` of the value. Costs nothing by itself.
    mutating func transpose(_ value: Value, _ permutation: [Int]) throws(Refusal) -> Value {
        guard permutation.sorted() == Array(value.shape.indices) else {
            throw .damaged("permutation \(permutation) does not order the dimensions of \(value.shape)")
        }
        if let constant = value.constant {
            try spend(constant.tensor.elementCount)
            return Value(constant.transposed(permutation))
        }
        if isUntouchedInput(value) { _ = try name(of: value, as: GraphBuilder.natural(value.shape)) }
        var rename = [Int?](repeating: nil, count: permutation.count)
        for (new, old) in permutation.enumerated() { rename[old] = new }
        return try view(value, shape: permutation.map { value.shape[$0] }, rename: rename)
    }

    /// The same elements under another shape. Costs nothing when only dimensions of one element come or go.
    mutating func reshape(_ value: Value, _ shape: [Int]) throws(Refusal) -> Value {
        guard let count = SourceTensor.elementCount(shape), count == value.elementCount else {
            throw .damaged("\(value.shape) does not fill shape \(shape)")
        }
        if let constant = value.constant { return Value(constant.reshaped(shape)) }
        try check(shape)
        let (before, after) = (
            value.shape.indices.filter { value.shape[$0] != 1 }, shape.indices.filter { shape[$0] != 1 }
        )
        if before.map({ value.shape[$0] }) == after.map({ shape[$0] }) {
            var rename = [Int?](repeating: nil, count: value.shape.count)
            for (old, new) in zip(before, after) { rename[old] = new }
            return try view(value, shape: shape, rename: rename)
        }
        let name = try self.name(of: value, as: GraphBuilder.natural(value.shape))
        let axes = GraphBuilder.natural(shape)
        var result = computed(
            emit(.reshape(shape: axes.map { shape[$0] }), [name]),
            axes: axes,
            shape: shape,
            type: value.type
        )
        result.rounding = value.rounding
        if value.encoding?.axis == nil { result.encoding = value.encoding }
        return result
    }

    /// Without some dimensions of one element.
    mutating func squeeze(_ value: Value, _ axes: [Int]) throws(Refusal) -> Value {
        try reshape(value, value.shape.indices.filter { !axes.contains($0) }.map { value.shape[$0] })
    }

    /// All one after the other along a dimension.
    mutating func concatenate(_ values: [Value], axis: Int) throws(Refusal) -> Value {
        guard let first = values.first else { throw .damaged("nothing to put together") }
        var shape = first.shape
        for value in values.dropFirst() {
            var wanted = value.shape
            guard wanted.indices.contains(axis) else { throw .damaged("\(wanted) has no dimension \(axis)") }
            shape[axis] += wanted[axis]
            wanted[axis] = first.shape[axis]
            guard wanted == first.shape else { throw .damaged("shapes \(first.shape) and \(value.shape) do not fit") }
        }
        try check(shape)
        guard values.allSatisfy({ $0.constant == nil }) else {
            throw .unsupported("a constant among what is put together")
        }
        let lead = values.first { !isUntouchedInput($0) } ?? first
        let axes = layout(of: lead, with: shape.indices.filter { shape[$0] != 1 })
        var names: [String] = []
        for value in values { names.append(try name(of: value, as: axes)) }
        let place = axes.firstIndex(of: axis) ?? 0
        return computed(emit(.concatenate(axis: place), names), axes: axes, shape: shape, type: first.type)
    }

    /// A number around a value; negative counts cut.
    mutating func pad(_ value: Value, before: [Int], after: [Int], with number: Float) throws(Refusal) -> Value {
        guard number.isFinite else { throw .unsupported("it is padded with \(number)") }
        var value = value
        if before.contains(where: { $0 < 0 }) || after.contains(where: { $0 < 0 }) {
            let begin = before.map { max(0, -$0) }
            let counts = value.shape.indices.map { value.shape[$0] + min(0, before[$0]) + min(0, after[$0]) }
            guard counts.allSatisfy({ $0 > 0 }) else { throw .damaged("more is cut than there is") }
            value = try slice(value, begin: begin, counts: counts, stride: counts.map { _ in 1 })
        }
        let (before, after) = (before.map { max(0, $0) }, after.map { max(0, $0) })
        guard before.contains(where: { $0 > 0 }) || after.contains(where: { $0 > 0 }) else { return value }
        let limit = Graph.attributeMax
        guard before.allSatisfy({ $0 <= limit }), after.allSatisfy({ $0 <= limit }) else {
            throw .damaged("more than \(limit) elements around a dimension")
        }
        let shape = value.shape.indices.map { before[$0] + value.shape[$0] + after[$0] }
        try check(shape)
        if !isUntouchedInput(value) { _ = try form(of: value) }
        let axes = layout(of: value, with: shape.indices.filter { shape[$0] != value.shape[$0] })
        let name = emit(
            .pad(before: axes.map { before[$0] }, after: axes.map { after[$0] }, value: number),
            [try self.name(of: value, as: axes)]
        )
        return computed(name, axes: axes, shape: shape, type: value.type)
    }

    /// Elements `begin`, `begin + stride`, ... of each dimension; strides may be negative.
    ///
    /// The caller has seen to it that all lie inside.
    mutating func slice(_ value: Value, begin: [Int], counts: [Int], stride: [Int]) throws(Refusal) -> Value {
        if let constant = value.constant {
            try spend(counts.reduce(1, *))
            let tensor = constant.tensor.sliced(begin: begin, counts: counts, stride: stride)
            var result = Constant(tensor: tensor)
            if let source = constant.source, source.axis == nil {
                result.source = source
                result.source?.integers = source.integers.sliced(begin: begin, counts: counts, stride: stride)
            }
            return Value(result)
        }
        if counts.contains(0) {
            // Nothing is the same whatever the input is.
            return Value(SourceTensor(shape: counts, floats: []))
        }
        try check(counts)
        var value = value
        for axis in value.shape.indices where stride[axis] < 0 {
            // From the last to the first: the rows of a dimension in another order.
            let indices = (0..<counts[axis]).map { begin[axis] + $0 * stride[axis] }
            value = try pick(value, indices, axis: axis)
        }
        let cut = value.shape.indices.filter { stride[$0] > 0 && counts[$0] != value.shape[$0] }
        guard !cut.isEmpty else { return value }
        var shape = value.shape
        for axis in cut { shape[axis] = counts[axis] }
        if !isUntouchedInput(value) { _ = try form(of: value) }
        let axes = layout(of: value, with: cut)
        let operation = Operation.slice(
            begin: axes.map { cut.contains($0) ? begin[$0] : 0 },
            end: axes.map { cut.contains($0) ? begin[$0] + (counts[$0] - 1) * stride[$0] + 1 : value.shape[$0] },
            stride: axes.map { cut.contains($0) ? stride[$0] : 1 }
        )
        var result = computed(
            emit(operation, [try name(of: value, as: axes)]),
            axes: axes,
            shape: shape,
            type: value.type
        )
        result.encoding = value.encoding?.axis == nil ? value.encoding : nil
        return result
    }

    /// Rows of a dimension in any order.
    mutating func pick(_ value: Value, _ indices: [Int], axis: Int) throws(Refusal) -> Value {
        let extent = value.shape[axis]
        guard indices.allSatisfy((0..<extent).contains) else { throw .damaged("an index is not in 0..<\(extent)") }
        if let constant = value.constant {
            try spend(constant.tensor.elementCount / max(extent, 1) * indices.count)
            return Value(constant.tensor.gathered(indices, axis: axis))
        }
        guard let first = indices.first else { throw .unsupported("it takes nothing") }
        if indices == Array(first..<first + indices.count) {
            var (begin, counts) = ([Int](repeating: 0, count: value.shape.count), value.shape)
            (begin[axis], counts[axis]) = (first, indices.count)
            return try slice(value, begin: begin, counts: counts, stride: counts.map { _ in 1 })
        }
        var rows = LinearMap(inputs: extent, outputs: indices.count)
        try spend(extent * indices.count)
        for (row, index) in indices.enumerated() { rows.weights[row * extent + index] = 1 }
        var result = try map(value, rows, axis: axis)
        result.type = value.type
        return result
    }

    /// A value as often as it is asked for along each dimension.
    mutating func tile(_ value: Value, _ times: [Int]) throws(Refusal) -> Value {
        guard times.count == value.shape.count, times.allSatisfy((1...Graph.attributeMax).contains) else {
            throw .damaged("\(times.prefix(16)) times \(value.shape)")
        }
        var result = value
        for axis in times.indices where times[axis] > 1 {
            let extent = result.shape[axis]
            let (count, overflow) = extent.multipliedReportingOverflow(by: times[axis])
            var shape = result.shape
            shape[axis] = overflow ? .max : count
            try check(shape)
            result = try pick(result, (0..<count).map { $0 % extent }, axis: axis)
        }
        return result
    }

    /// Blocks of `size * size` channels become blocks of places.
    ///
    /// - Parameters:
    ///   - isSpaceFirst: Whether the places of a block are the slower of the channels' two parts.
    mutating func spread(
        _ value: Value,
        channel: Int,
        spatial: [Int],
        size: Int,
        isSpaceFirst: Bool
    ) throws(Refusal) -> Value {
        let (height, width, channels) = (value.shape[spatial[0]], value.shape[spatial[1]], value.shape[channel])
        let count = value.shape[0]
        guard (1...1 << 10).contains(size), channels % (size * size) == 0 else {
            throw .damaged("blocks of \(size) for \(value.shape)")
        }
        let rest = channels / (size * size)
        let plane = try transpose(value, [0, spatial[0], spatial[1], channel])
        let parts = isSpaceFirst ? [size, size, rest] : [rest, size, size]
        let split = try reshape(plane, [count, height, width] + parts)
        let moved = try transpose(split, isSpaceFirst ? [0, 1, 3, 2, 4, 5] : [0, 1, 4, 2, 5, 3])
        let large = try reshape(moved, [count, height * size, width * size, rest])
        return try transpose(large, GraphBuilder.inverse([0, spatial[0], spatial[1], channel]))
    }

    /// Blocks of `size * size` places become channels, the places of a block the slower part of them.
    mutating func gatherBlocks(_ value: Value, channel: Int, spatial: [Int], size: Int) throws(Refusal) -> Value {
        let (height, width, channels) = (value.shape[spatial[0]], value.shape[spatial[1]], value.shape[channel])
        let count = value.shape[0]
        guard (1...1 << 10).contains(size), height % size == 0, width % size == 0 else {
            throw .damaged("blocks of \(size) for \(value.shape)")
        }
        let plane = try transpose(value, [0, spatial[0], spatial[1], channel])
        let split = try reshape(plane, [count, height / size, size, width / size, size, channels])
        let moved = try transpose(split, [0, 1, 3, 2, 4, 5])
        let small = try reshape(moved, [count, height / size, width / size, size * size * channels])
        return try transpose(small, GraphBuilder.inverse([0, spatial[0], spatial[1], channel]))
    }
}
