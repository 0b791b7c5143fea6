import ModelGraph

/// The operators of ai.onnx.ml that linear models of scikit-learn become.
extension ONNXOperands {
    mutating func classical(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        switch kind {
        case "ai.onnx.ml.Scaler": return [try scaler(&builder)]
        case "ai.onnx.ml.Normalizer":
            let norms: [String: Norm] = ["MAX": .max, "L1": .l1, "L2": .l2]
            guard let norm = norms[node.text("norm", "MAX")] else { throw .damaged("norm \(node.text("norm", ""))") }
            let input = try value(0)
            guard !input.shape.isEmpty else { throw .damaged("it has no dimension") }
            return [try builder.normalize(norm, input, axis: input.shape.count - 1)]
        case "ai.onnx.ml.LinearRegressor":
            let outputs = node.integer("targets", 1)
            let result = try linear(outputs: outputs, &builder)
            return [try transformed(result, &builder)]
        case "ai.onnx.ml.ZipMap":
            labels = classNames()
            notes.append("the answer of '\(node.proto.name)' is its scores in the order of the classes, not a map")
            return [try value(0)]
        case "ai.onnx.ml.ArrayFeatureExtractor": return try columns(&builder)
        default: return try classifier(&builder)
        }
    }

    private func classNames() -> [String] {
        let texts = node.texts("classlabels_strings") + node.texts("classlabels_strings ")
        let integers = node.integers("classlabels_ints") ?? node.integers("classlabels_int64s") ?? []
        return texts.isEmpty ? integers.map(String.init) : texts
    }

    /// Columns of a value; or, where a computed column picks one of several names, a label, which is left out.
    mutating func columns(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        if inputs.indices.contains(1), let place = inputs[1], place.constant == nil {
            guard let names = texts ?? inputs[0]?.constant.map({ $0.tensor.integers.map(String.init) }) else {
                throw .unsupported("columns that are computed")
            }
            labels = names
            dropped.append(0)
            notes.append(
                "the label of '\(node.proto.name)' is left out: it is the class of the greatest score, of "
                    + "\(names.prefix(8))"
            )
            return [nil]
        }
        let (input, columns) = (try value(0), try integers(1))
        guard let last = input.shape.indices.last else { throw .damaged("it has no dimension") }
        return [try builder.pick(input, columns, axis: last)]
    }

    private func scaler(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        guard let count = input.shape.last else { throw .damaged("it has no dimension") }
        func numbers(_ name: String, _ missing: Float) throws(Refusal) -> [Float] {
            let floats = node.floats(name) ?? [missing]
            guard floats.count == 1 || floats.count == count else { throw .damaged("\(floats.count) of \(name)") }
            return floats.count == 1 ? [Float](repeating: floats[0], count: count) : floats
        }
        let (offset, scale) = (try numbers("offset", 0), try numbers("scale", 1))
        return try builder.affine(
            input,
            axis: input.shape.count - 1,
            scale: scale,
            offset: zip(offset, scale).map { -$0 * $1 }
        )
    }

    private func linear(outputs: Int, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        guard let count = input.shape.last, let coefficients = node.floats("coefficients"), outputs > 0,
            coefficients.count / outputs == count, coefficients.count % outputs == 0, count > 0
        else { throw .damaged("its coefficients do not fit \(try value(0).shape)") }
        let intercepts = node.floats("intercepts") ?? []
        guard intercepts.isEmpty || intercepts.count == outputs else {
            throw .damaged("\(intercepts.count) intercepts")
        }
        try builder.spend(coefficients.count)
        return try builder.multiply(
            input,
            rows: Constant(tensor: SourceTensor(shape: [outputs, count], floats: coefficients)),
            bias: intercepts.isEmpty ? nil : Constant(tensor: SourceTensor(shape: [outputs], floats: intercepts))
        )
    }

    private func transformed(_ value: Value, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        switch node.text("post_transform", "NONE") {
        case "NONE": return value
        case "SOFTMAX": return try builder.softmax(value, axis: value.shape.count - 1)
        case "LOGISTIC": return try builder.function(.sigmoid, value)
        case let transform: throw .unsupported("post_transform \(transform)")
        }
    }

    /// The label and the scores. The label is the name of the greatest score, which is text or any integer: whoever
    /// wants it takes the place of the greatest score, so it is left out.
    private mutating func classifier(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        let names = classNames()
        guard names.count > 1 else { throw .damaged("\(names.count) classes") }
        guard let intercepts = node.floats("coefficients"), let width = try value(0).shape.last, width > 0 else {
            throw .damaged("no coefficients")
        }
        let rows = intercepts.count / width
        var scores: Value
        if rows == 1, names.count == 2 {
            // One row for two classes: the first is what the second is not.
            guard node.text("post_transform", "NONE") == "LOGISTIC" else {
                throw .unsupported(
                    "one score for two classes with post_transform \(node.text("post_transform", "NONE"))"
                )
            }
            let score = try linear(outputs: 1, &builder)
            let other = try builder.arithmetic(.multiply, score, Value(SourceTensor(shape: [], floats: [-1])))
            scores = try builder.function(
                .sigmoid,
                builder.concatenate([other, score], axis: score.shape.count - 1)
            )
        } else {
            guard rows == names.count else { throw .damaged("\(rows) rows of coefficients for \(names.count) classes") }
            scores = try transformed(linear(outputs: rows, &builder), &builder)
        }
        labels = names
        dropped.append(0)
        notes.append(
            "the label of '\(node.proto.name)' is left out: it is the class of the greatest score, of \(names.prefix(8))"
        )
        return [nil, scores]
    }
}
