import ModelGraph

extension GraphBuilder {
    /// A function of each element.
    mutating func function(_ function: Function, _ value: Value) throws(Refusal) -> Value {
        let form = try form(of: value)
        return computed(emit(.function(function), [form.name]), axes: form.axes, shape: value.shape)
    }

    /// `max` and `min` with the name that they have when the limits are the usual ones.
    mutating func clip(_ value: Value, low: Float?, high: Float?) throws(Refusal) -> Value {
        let low = low == -.infinity ? nil : low
        let high = high == .infinity ? nil : high
        // What lies under every number is no limit, as exporters write it.
        switch (
            low.map { $0 <= -.greatestFiniteMagnitude } ?? true, high.map { $0 >= .greatestFiniteMagnitude } ?? true
        ) {
        case (true, true): return value
        case (false, true): return try function(low == 0 ? .relu : .clip(low: low, high: nil), value)
        case (true, false): return try function(.clip(low: nil, high: high), value)
        case (false, false): return try function(low == 0 && high == 6 ? .relu6 : .clip(low: low, high: high), value)
        }
    }

    /// The opposite of each element.
    mutating func negative(_ value: Value) throws(Refusal) -> Value {
        try arithmetic(.multiply, value, Value(SourceTensor(shape: [], floats: [-1])))
    }

    /// `x` where positive, else `slope * x`.
    ///
    /// - Parameter slope: Repeated over the value.
    mutating func parametricRelu(_ value: Value, slope: Constant) throws(Refusal) -> Value {
        if slope.tensor.elementCount == 1 { return try function(.leakyRelu(slope: slope.tensor.floats[0]), value) }
        let negative = try arithmetic(.multiply, clip(value, low: nil, high: 0), Value(slope))
        return try arithmetic(.add, clip(value, low: 0, high: nil), negative)
    }

    /// Arithmetic of two values with repeated dimensions.
    mutating func arithmetic(
        _ kind: Arithmetic.Kind,
        _ first: Value,
        _ second: Value,
        activation: Activation = .none
    ) throws(Refusal) -> Value {
        guard let shape = Arithmetic.shape(first.shape, second.shape) else {
            throw .damaged("shapes \(first.shape) and \(second.shape) do not fit each other")
        }
        try check(shape)
        if let constant = second.constant {
            return try arithmetic(kind, first, constant.tensor, shape: shape, activation: activation)
        }
        if let constant = first.constant {
            switch kind {
            case .add, .multiply, .maximum, .minimum:
                return try arithmetic(kind, second, constant.tensor, shape: shape, activation: activation)
            case .subtract:
                let negative = try arithmetic(.multiply, second, .number(-1))
                return try arithmetic(.add, negative, constant.tensor, shape: shape, activation: activation)
            case .divide:
                let reciprocal = try function(.reciprocal, second)
                return try arithmetic(.multiply, reciprocal, constant.tensor, shape: shape, activation: activation)
            case .raise:
                guard activation == .none else { throw .unsupported("an activation of a power") }
                return try power(of: constant.tensor, second)
            }
        }
        let isFirstLarger = first.shape.reduce(1, *) >= second.shape.reduce(1, *)
        let larger = try aligned(isFirstLarger ? first : second, to: shape)
        let smaller = try aligned(isFirstLarger ? second : first, to: shape)
        _ = try form(of: larger)
        let axes = layout(of: larger, with: shape.indices.filter { shape[$0] != 1 })
        let (one, two) = (try name(of: larger, as: axes), try name(of: smaller, as: axes))
        let result = emit(
            .arithmetic(Arithmetic(kind, activation: activation)),
            isFirstLarger ? [one, two] : [two, one]
        )
        return computed(result, axes: axes, shape: shape)
    }

    private mutating func arithmetic(
        _ kind: Arithmetic.Kind,
        _ value: Value,
        _ constant: SourceTensor,
        shape: [Int],
        activation: Activation
    ) throws(Refusal) -> Value {
        var (kind, floats) = (kind, constant.floats)
        if kind == .divide {
            (kind, floats) = (.multiply, floats.map { Float(1 / Double($0)) })
        }
        guard floats.allSatisfy(\.isFinite) else { throw .unsupported("its constant operand is not finite") }
        let value = try aligned(value, to: shape)
        _ = try form(of: value)
        let axes = layout(of: value, with: shape.indices.filter { shape[$0] != 1 })
        // The constant in the order of the graph, without leading dimensions of one element.
        let missing = shape.count - constant.shape.count
        let full = SourceTensor(shape: [Int](repeating: 1, count: missing) + constant.shape, floats: floats)
        let rest = shape.indices.filter { !axes.contains($0) }
        let ordered = full.transposed(rest + axes)
        let trimmed = Array(ordered.shape.drop { $0 == 1 })
        let name = try self.constant(Constant(tensor: ordered.reshaped(trimmed)), current.output + "/operand")
        let operation = Operation.arithmetic(Arithmetic(kind, constant: name, activation: activation))
        return computed(emit(operation, [try self.name(of: value, as: axes)]), axes: axes, shape: shape)
    }

    /// With dimensions of one element in front, so that there are as many as in `shape`.
    private mutating func aligned(_ value: Value, to shape: [Int]) throws(Refusal) -> Value {
        let missing = shape.count - value.shape.count
        guard missing > 0 else { return value }
        return try view(
            value,
            shape: [Int](repeating: 1, count: missing) + value.shape,
            rename: value.shape.indices.map { $0 + missing }
        )
    }

    /// `x * scale + offset` by row of one dimension.
    mutating func affine(
        _ value: Value,
        axis: Int,
        scale: [Float],
        offset: [Float]
    ) throws(Refusal) -> Value {
        guard scale.allSatisfy(\.isFinite), offset.allSatisfy(\.isFinite) else {
            throw .damaged("its factors are not finite")
        }
        let axes = try layout(of: value, last: axis)
        let count = scale.count
        let names = (
            try constant(Constant(tensor: SourceTensor(shape: [count], floats: scale)), current.output + "/scale"),
            try constant(Constant(tensor: SourceTensor(shape: [count], floats: offset)), current.output + "/offset")
        )
        let name = emit(.affine(scale: names.0, offset: names.1), [try self.name(of: value, as: axes)])
        return computed(name, axes: axes, shape: value.shape)
    }

    /// Softmax over one dimension.
    mutating func softmax(_ value: Value, axis: Int) throws(Refusal) -> Value {
        let axes = try layout(of: value, last: axis)
        return computed(emit(.softmax, [try name(of: value, as: axes)]), axes: axes, shape: value.shape)
    }

    /// Divided by a norm over one dimension.
    mutating func normalize(_ norm: Norm, _ value: Value, axis: Int) throws(Refusal) -> Value {
        let axes = try layout(of: value, last: axis)
        return computed(emit(.normalize(norm), [try name(of: value, as: axes)]), axes: axes, shape: value.shape)
    }

    /// The mean over some dimensions.
    mutating func mean(_ value: Value, axes reduced: [Int], keepsDimensions: Bool) throws(Refusal) -> Value {
        if !isUntouchedInput(value) { _ = try form(of: value) }
        let axes = layout(of: value, with: reduced.filter { value.shape[$0] != 1 })
        let places = axes.indices.filter { reduced.contains(axes[$0]) && value.shape[axes[$0]] != 1 }
        var shape = value.shape
        for axis in reduced { shape[axis] = 1 }
        var result = value
        if !places.isEmpty {
            let name = emit(.mean(axes: places, keepsDimensions: false), [try self.name(of: value, as: axes)])
            let kept = axes.indices.filter { !places.contains($0) }.map { axes[$0] }
            result = computed(name, axes: kept, shape: shape)
        }
        return keepsDimensions ? result : try squeeze(result, reduced)
    }

    /// The sum over some dimensions.
    mutating func sum(_ value: Value, axes: [Int], keepsDimensions: Bool) throws(Refusal) -> Value {
        let count = axes.reduce(1) { $0 * value.shape[$1] }
        let mean = try mean(value, axes: axes, keepsDimensions: keepsDimensions)
        return count == 1
            ? mean : try arithmetic(.multiply, mean, Value(SourceTensor(shape: [], floats: [Float(count)])))
    }

    /// The greatest element over some dimensions.
    mutating func maximum(_ value: Value, axes: [Int], keepsDimensions: Bool) throws(Refusal) -> Value {
        var result = value
        let reduced = axes.filter { value.shape[$0] != 1 }
        var shape = value.shape
        for axis in reduced { shape[axis] = 1 }
        if !reduced.isEmpty {
            // One window over a plane of all that is reduced, with everything else as channels.
            let kept = value.shape.indices.filter { !reduced.contains($0) }
            let counts = (reduced.reduce(1) { $0 * value.shape[$1] }, kept.reduce(1) { $0 * value.shape[$1] })
            let plane = try reshape(transpose(value, reduced + kept), [1, counts.0, 1, counts.1])
            let windows = Windows(
                size: [counts.0, 1],
                stride: [1, 1],
                dilation: [1, 1],
                before: [0, 0],
                after: [0, 0]
            )
            result = try reshape(maxPool(plane, channel: 3, spatial: [1, 2], windows), shape)
        }
        return keepsDimensions ? result : try squeeze(result, axes)
    }

    /// Where the greatest element lies along a dimension.
    mutating func argMax(
        _ value: Value,
        axis: Int,
        keepsDimensions: Bool,
        takesLast: Bool
    ) throws(Refusal) -> Value {
        _ = try form(of: value)
        let axes = layout(of: value, with: [axis])
        let place = axes.firstIndex(of: axis) ?? 0
        let operation = Operation.argMax(axis: place, takesLast: takesLast)
        let name = emit(operation, [try self.name(of: value, as: axes)])
        var shape = value.shape
        shape[axis] = 1
        let result = computed(name, axes: axes.filter { $0 != axis }, shape: shape, type: .int64)
        return keepsDimensions ? result : try squeeze(result, [axis])
    }

    /// The order of a value with one dimension moved to the end.
    mutating func layout(of value: Value, last axis: Int) throws(Refusal) -> [Int] {
        if !isUntouchedInput(value) { _ = try form(of: value) }
        return layout(of: value).filter { $0 != axis } + [axis]
    }
}
