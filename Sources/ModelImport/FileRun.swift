import ModelGraph

/// Runs an imported model in the terms of its file: its order of dimensions, its types, its integers.
///
/// What goes in and comes out is what the file's own runtime would take and give, apart from the rounding between the
/// layers of a quantized file, which the float graph does not have.
public struct FileRun: Sendable {
    private let model: ImportedModel
    /// nil for a model of constants.
    private let interpreter: FloatInterpreter?

    /// Prepares a model.
    ///
    /// - Throws: ``ImportError/graph(_:)``.
    public init(_ model: ImportedModel) throws(ImportError) {
        self.model = model
        if model.graph.outputs.isEmpty {
            interpreter = nil
        } else {
            do throws(GraphError) { interpreter = try FloatInterpreter(model.graph) } catch { throw .graph(error) }
        }
    }

    /// The answers, in the order of the file, each with all rows one after the other.
    ///
    /// - Parameters:
    ///   - inputs: One for each input of the file, with `rows` times its elements.
    ///   - rows: How often the model runs.
    /// - Throws: ``ImportError/damaged(field:reason:)`` when an input does not fill the rows, ``ImportError/graph(_:)``.
    public func run(_ inputs: [SourceTensor], rows: Int = 1) throws(ImportError) -> [SourceTensor] {
        guard inputs.count == model.inputs.count else {
            throw .damaged(field: "inputs", reason: "\(inputs.count) for \(model.inputs.count)")
        }
        var values: [String: [Float]] = [:]
        if let interpreter {
            let row = try self.rows(inputs, rows)
            let answers: [Float]
            do throws(GraphError) { answers = try interpreter.run(row, rows: rows) } catch { throw .graph(error) }
            var first = 0
            let infos: [String: TensorInfo]
            do throws(GraphError) { infos = try model.graph.values() } catch { throw .graph(error) }
            for name in model.graph.outputs {
                let count = infos[name]?.shape.reduce(1, *) ?? 0
                values[name] = (0..<rows).flatMap { row in
                    let start = row * interpreter.outputCount + first
                    return answers[start..<start + count]
                }
                first += count
            }
        }
        return model.outputs.map { port in
            if let constant = port.constant { return constant }
            let floats = port.value.flatMap { values[$0] } ?? []
            let count = max(1, floats.count / max(rows, 1))
            let parts = (0..<rows).map { floats[$0 * count..<($0 + 1) * count] }
            if let measured = port.measured {
                let shape = rows == 1 ? port.shape : [rows] + port.shape
                return measured.tensor(parts.map { port.fileOrder($0, measured) }, shape: shape)
            }
            return port.tensor(parts.flatMap { port.fileOrder($0) }, rows: rows)
        }
    }

    /// Rows of the graph's input.
    private func rows(_ inputs: [SourceTensor], _ rows: Int) throws(ImportError) -> [Float] {
        var parts: [[Float]] = []
        for (port, tensor) in zip(model.inputs, inputs) {
            let count = port.shape.reduce(1, *)
            guard tensor.elementCount == rows * count else {
                throw .damaged(
                    field: "input '\(port.name)'",
                    reason: "\(tensor.elementCount) elements for \(rows) rows of \(count)"
                )
            }
            let real = port.real(tensor)
            parts.append((0..<rows).flatMap { port.graphOrder(real[$0 * count..<($0 + 1) * count]) })
        }
        guard parts.count > 1 else { return parts.first ?? [] }
        return (0..<rows).flatMap { row in
            zip(parts, model.inputs).flatMap { part, port in
                let count = port.shape.reduce(1, *)
                return part[row * count..<(row + 1) * count]
            }
        }
    }
}

extension ImportedPort {
    /// The real numbers that the elements of an input stand for.
    public func real(_ tensor: SourceTensor) -> [Float] {
        guard let encoding, !tensor.type.isFloat, let scale = encoding.scales.floats.first, encoding.axis == nil else {
            return tensor.floats
        }
        let zeroPoint = encoding.zeroPoints.first ?? 0
        return tensor.integers.map { scale * Float($0 - zeroPoint) }
    }

    /// One row of the graph's value for one row in the order of the file.
    public func graphOrder(_ row: some Collection<Float>) -> [Float] {
        let tensor = SourceTensor(shape: shape, floats: Array(row))
        return tensor.transposed(order).floats
    }

    /// As ``fileOrder(_:)`` for what is measured, of which only the integers have an order.
    fileprivate func fileOrder(_ row: ArraySlice<Float>, _ measured: MeasuredEncoding) -> [Float] {
        measured == .integers ? fileOrder(row) : Array(row)
    }

    /// One row in the order of the file for one row of the graph's value.
    public func fileOrder(_ row: some Collection<Float>) -> [Float] {
        let tensor = SourceTensor(shape: order.map { shape[$0] }, floats: Array(row))
        return tensor.transposed(GraphBuilder.inverse(order)).floats
    }

    /// All dimensions of the file in the order of the graph's value.
    private var order: [Int] {
        let known = axes.filter { $0 >= 0 }
        return shape.indices.filter { !known.contains($0) } + known
    }

    /// Elements as the file has them.
    func tensor(_ real: [Float], rows: Int) -> SourceTensor {
        let shape = rows == 1 ? self.shape : [rows] + self.shape
        if let encoding {
            let (scales, zeros) = encoding.expanded(to: self.shape)
            let steps = real.indices.map { index in
                (real[index] / scales[index % scales.count], zeros[index % zeros.count])
            }
            guard let range = encoding.type.range else {
                return small(steps.map { $0.0 + $0.1 }, type: encoding.type, shape: shape)
            }
            let integers = steps.map { value, zero in
                let whole = SourceTensor.whole(value.rounded(.toNearestOrEven)).addingReportingOverflow(Int(zero))
                return min(max(whole.partialValue, range.lowerBound), range.upperBound)
            }
            return SourceTensor(shape: shape, integers: integers, type: encoding.type)
        }
        if type.isFloat { return small(real, type: type, shape: shape) }
        let isSmall = type == .int4 || type == .uint4
        let integers = real.map {
            SourceTensor.whole(rounding == .toZero && !isSmall ? $0 : $0.rounded(.toNearestOrEven))
        }
        // Integers of four bits are rounded and saturate, as ONNX says of its casts; wider ones wrap around.
        guard isSmall, let range = type.range else { return SourceTensor(shape: shape, integers: integers, type: type) }
        let inside = integers.map { min(max($0, range.lowerBound), range.upperBound) }
        return SourceTensor(shape: shape, integers: inside, type: type)
    }

    private func small(_ real: [Float], type: ElementType, shape: [Int]) -> SourceTensor {
        switch type {
        case .float8e4m3, .float8e4m3z, .float8e5m2, .float8e5m2z:
            let bytes = real.map { Float8.encode($0, type, saturates: rounding != .nearestUnsaturated) }
            // As many bytes as elements: it cannot be refused.
            return (try? SourceTensor(type: type, shape: shape, bytes: bytes[...], field: name))
                ?? SourceTensor(shape: shape, floats: real)
        case .bfloat16: return SourceTensor(shape: shape, floats: real.map(Half.roundedToBrain))
        case .float16: return SourceTensor(shape: shape, floats: real.map(Half.rounded))
        default: return SourceTensor(shape: shape, floats: real)
        }
    }
}
