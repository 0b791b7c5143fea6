import ModelGraph

/// What only moves elements.
extension ONNXOperands {
    func moved(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        switch kind {
        case "Identity": return [try value(0)]
        case "Constant": return [Value(try constantAttribute())]
        case "ConstantOfShape": return [Value(try filled(&builder))]
        case "Shape":
            let shape = try value(0).shape
            let range = try SliceRange(
                start: node.integer("start", 0),
                end: node.has("end") ? node.integer("end", 0) : nil,
                step: 1,
                extent: shape.count
            )
            let part = Array(shape[range.begin..<range.begin + range.count])
            return [Value(SourceTensor(shape: [part.count], integers: part))]
        case "Reshape": return [try builder.reshape(value(0), reshaped())]
        case "Flatten":
            let input = try value(0)
            let axis = node.integer("axis", 1)
            let place = axis < 0 ? axis &+ input.shape.count : axis
            guard (0...input.shape.count).contains(place) else { throw .damaged("there is no dimension \(axis)") }
            let shape = [input.shape[..<place].reduce(1, *), input.shape[place...].reduce(1, *)]
            return [try builder.reshape(input, shape)]
        case "Squeeze":
            let input = try value(0)
            var squeezed = input.shape.indices.filter { input.shape[$0] == 1 }
            if let named = try integers("axes", orOperand: 1) { squeezed = try axes(named, rank: input.shape.count) }
            guard squeezed.allSatisfy({ input.shape[$0] == 1 }) else {
                throw .damaged("\(input.shape) without \(squeezed)")
            }
            return [try builder.squeeze(input, squeezed)]
        case "Unsqueeze":
            let input = try value(0)
            let named = try integers("axes", orOperand: 1) ?? []
            let axes = try axes(named, rank: input.shape.count + named.count)
            var shape = input.shape
            for axis in axes.sorted() {
                guard axis <= shape.count else { throw .damaged("there is no dimension \(axis)") }
                shape.insert(1, at: axis)
            }
            return [try builder.reshape(input, shape)]
        case "Transpose":
            let input = try value(0)
            return [try builder.transpose(input, node.integers("perm") ?? input.shape.indices.reversed())]
        case "Concat": return [try concatenate(&builder)]
        case "Gather": return [try gather(&builder)]
        case "Slice": return [try slice(&builder)]
        case "Split": return try split(&builder)
        case "Pad": return [try pad(&builder)]
        case "Tile": return [try passed(builder.tile(value(0), integers(1)), value(0), &builder)]
        case "DepthToSpace", "SpaceToDepth":
            let input = try value(0)
            guard input.shape.count == 4 else { throw .damaged("shape \(input.shape) has no planes") }
            let size = node.integer("blocksize", 0)
            let result =
                kind == "SpaceToDepth"
                ? try builder.gatherBlocks(input, channel: 1, spatial: [2, 3], size: size)
                : try builder.spread(
                    input,
                    channel: 1,
                    spatial: [2, 3],
                    size: size,
                    isSpaceFirst: node.text("mode", "DCR") == "DCR"
                )
            return [try passed(result, input, &builder)]
        default: return [try expand(&builder)]
        }
    }

    func constantAttribute() throws(Refusal) -> SourceTensor {
        do throws(ImportError) {
            if let proto = node.tensor("value") { return try SourceTensor(proto, field: "constant") }
        } catch {
            if case .unsupported(let problems) = error { throw .unsupported(problems.first?.reason ?? "") }
            throw .fatal(error)
        }
        if node.has("value_float") { return SourceTensor(shape: [], floats: [node.float("value_float", 0)]) }
        if node.has("value_int") { return SourceTensor(shape: [], integers: [node.integer("value_int", 0)]) }
        if let floats = node.floats("value_floats") {
            return SourceTensor(shape: [floats.count], floats: floats)
        }
        if let integers = node.integers("value_ints") {
            return SourceTensor(shape: [integers.count], integers: integers)
        }
        throw .unsupported("a constant that is no dense tensor of numbers")
    }

    private func filled(_ builder: inout GraphBuilder) throws(Refusal) -> SourceTensor {
        let shape = try integers(0)
        guard let count = SourceTensor.elementCount(shape), shape.count <= ImportLimits.rankMax else {
            throw .damaged("shape \(shape.prefix(16))")
        }
        try builder.spend(count)
        var number = SourceTensor(shape: [1], floats: [0])
        do throws(ImportError) {
            if let proto = node.tensor("value") { number = try SourceTensor(proto, field: "value") }
        } catch { throw .fatal(error) }
        guard number.elementCount == 1 else { throw .damaged("a value of \(number.elementCount) elements") }
        return number.reshaped([Int](repeating: 1, count: shape.count)).broadcast(to: shape)
    }

    private func reshaped() throws(Refusal) -> [Int] {
        let input = try value(0)
        var shape = try integers("shape", orOperand: 1) ?? []
        guard shape.count <= ImportLimits.rankMax else { throw .damaged("\(shape.count) dimensions") }
        if node.integer("allowzero", 0) == 0 {
            for axis in shape.indices where shape[axis] == 0 && axis < input.shape.count {
                shape[axis] = input.shape[axis]
            }
        }
        if let place = shape.firstIndex(of: -1) {
            let others = shape.indices.filter { $0 != place }.map { shape[$0] }
            guard let rest = SourceTensor.elementCount(others), rest > 0, input.elementCount % rest == 0 else {
                throw .damaged("\(input.shape) does not fill \(shape)")
            }
            shape[place] = input.elementCount / rest
        }
        return shape
    }

    private func concatenate(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var values: [Value] = []
        for index in inputs.indices { values.append(try value(index)) }
        guard let first = values.first else { throw .damaged("nothing to put together") }
        let axis = try self.axis(node.integer("axis", 1), rank: first.shape.count)
        var result = try builder.concatenate(values, axis: axis)
        // Only integers that stand for real numbers in one way can stand beside each other.
        if let encoding = first.encoding {
            guard values.allSatisfy({ $0.encoding == encoding }) else {
                throw .unsupported("integers with different scales put together")
            }
            result = try passed(result, first, &builder)
        }
        return result
    }

    private func gather(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let (table, indices) = (try value(0), try value(1))
        let axis = try self.axis(node.integer("axis", 0), rank: table.shape.count)
        guard indices.constant == nil else {
            let extent = table.shape[axis]
            let numbers = try integers(1).map { $0 < 0 ? $0 &+ extent : $0 }
            let picked = try builder.pick(table, numbers, axis: axis)
            return try builder.reshape(picked, table.shape[..<axis] + indices.shape + table.shape[(axis + 1)...])
        }
        guard axis == 0, let rows = table.constant else { throw .unsupported("indices that are computed") }
        return try builder.lookUp(rows, indices)
    }

    private func slice(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        let rank = input.shape.count
        let starts = try integers("starts", orOperand: 1) ?? []
        let ends = try integers("ends", orOperand: 2) ?? []
        let axes = try axes(integers("axes", orOperand: 3) ?? Array(starts.indices), rank: rank)
        let steps = has(4) ? try integers(4) : starts.map { _ in 1 }
        guard starts.count == axes.count, ends.count == axes.count, steps.count == axes.count else {
            throw .damaged("\(starts.count) starts, \(ends.count) ends")
        }
        var (begin, counts, stride) = ([Int](repeating: 0, count: rank), input.shape, [Int](repeating: 1, count: rank))
        for (index, axis) in axes.enumerated() {
            let range = try SliceRange(
                start: starts[index],
                end: ends[index],
                step: steps[index],
                extent: input.shape[axis]
            )
            (begin[axis], counts[axis], stride[axis]) = (range.begin, range.count, steps[index])
        }
        return try builder.slice(input, begin: begin, counts: counts, stride: stride)
    }

    private func split(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        let input = try value(0)
        let axis = try self.axis(node.integer("axis", 0), rank: input.shape.count)
        let extent = input.shape[axis]
        if let parts = try integers("split", orOperand: 1) { return try builder.split(input, parts, axis: axis) }
        let count = node.integer("num_outputs", node.proto.output.count)
        guard (1...ImportLimits.itemsMax).contains(count) else { throw .damaged("\(count) parts") }
        // All equal but the last, which may be smaller.
        let part = (extent + count - 1) / count
        let parts = (0..<count).map { max(0, min(part, extent - $0 * part)) }
        return try builder.split(input, parts, axis: axis)
    }

    private func pad(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        let rank = input.shape.count
        let named = try integers("pads", orOperand: 1) ?? []
        let axes = has(3) ? try axes(integers(3), rank: rank) : Array(0..<rank)
        guard named.count == 2 * axes.count, named.allSatisfy({ abs(Float($0)) <= Float(Graph.attributeMax) }) else {
            throw .damaged("pads \(named.prefix(16)) for shape \(input.shape)")
        }
        var (before, after) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
        for (index, axis) in axes.enumerated() {
            (before[axis], after[axis]) = (named[index], named[axes.count + index])
        }
        switch node.text("mode", "constant") {
        case "constant":
            var number = node.float("value", 0)
            if has(2) { number = try constant(2).floats.first ?? 0 }
            if let encoding = input.encoding {
                guard encoding.axis == nil, let scale = encoding.scales.floats.first else {
                    throw .unsupported("integers with several scales")
                }
                number = scale * (number - Float(encoding.zeroPoints.first ?? 0))
            }
            return try passed(builder.pad(input, before: before, after: after, with: number), input, &builder)
        case let mode:
            var result = input
            for axis in 0..<rank where before[axis] != 0 || after[axis] != 0 {
                let extent = input.shape[axis]
                guard extent + before[axis] + after[axis] > 0 else { throw .damaged("more is cut than there is") }
                var indices: [Int] = []
                for place in -before[axis]..<extent + after[axis] {
                    switch mode {
                    case "edge": indices.append(min(max(place, 0), extent - 1))
                    case "wrap": indices.append((place % extent + extent) % extent)
                    case "reflect":
                        let period = max(2 * (extent - 1), 1)
                        let inside = (place % period + period) % period
                        indices.append(inside < extent ? inside : period - inside)
                    default: throw .unsupported("mode \(mode)")
                    }
                }
                result = try builder.pick(result, indices, axis: axis)
            }
            result.encoding = input.encoding
            return result
        }
    }

    private func expand(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        guard let shape = Arithmetic.shape(input.shape, try integers(1)) else {
            throw .damaged("shape \(try integers(1))")
        }
        guard shape != input.shape else { return input }
        try builder.check(shape)
        if input.elementCount == shape.reduce(1, *) { return try builder.reshape(input, shape) }
        try builder.spend(SourceTensor.elementCount(shape))
        let zeros = SourceTensor(shape: shape, floats: [Float](repeating: 0, count: shape.reduce(1, *)))
        return try builder.arithmetic(.add, input, Value(zeros))
    }
}
