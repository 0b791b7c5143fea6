import Kernels
import ModelGraph
import Quantization

/// A step made ready to run.
enum PreparedStep: Sendable {
    case integer(PreparedOperator)
    case conversion(Plan.Conversion)
    /// With the number of rows of its table when it is a `gather`, which no index leaves.
    case float(FloatNode, tableRows: Int?)

    /// - Throws: ``InferenceError`` naming the node.
    init(_ step: Plan.Step, variant: KernelVariant) throws(InferenceError) {
        switch step.work {
        case .integer(let operation):
            do {
                self = .integer(try PreparedOperator(operation, variant: variant))
            } catch .unavailable(let variant) {
                throw .kernel(.unavailable(variant))
            } catch {
                throw .unsupported(node: step.node, reason: "\(error)")
            }
        case .conversion(let conversion): self = .conversion(conversion)
        case .float(let layer):
            var rows: Int?
            if case .gather(let table) = layer.node.operation { rows = layer.constants[table]?.shape.first }
            self = .float(
                try InferenceError.wrapGraph { () throws(GraphError) in try layer.prepared() },
                tableRows: rows
            )
        }
    }

    var packedBytes: Int {
        guard case .integer(let operation) = self else { return 0 }
        return operation.packedBytes
    }

    var scratchBytes: Int {
        guard case .integer(let operation) = self else { return 0 }
        return operation.scratchBytes
    }

    var variant: KernelVariant {
        guard case .integer(let operation) = self else { return .scalar }
        return operation.variant
    }

    /// The way that the kernels chose.
    var path: String {
        switch self {
        case .integer(let operation): operation.path
        case .conversion: "integers"
        case .float: "float"
        }
    }

    /// The parts of equal work into which a run can be split among threads: rows, where the kernels do not say.
    func units(rows: Int) -> Int {
        guard case .integer(let operation) = self else { return rows }
        return operation.units(rows: rows)
    }
}

extension SessionMemory {
    /// Runs some rows of a step that no kernel runs: the same code for all engines.
    func run(_ step: Plan.Step, _ prepared: PreparedStep, plan: Plan, rows: Range<Int>) {
        for row in rows {
            switch prepared {
            case .integer: break
            case .conversion(let conversion):
                convert(step, conversion, plan.values[step.output].count, row: row, plan)
            case .float(let node, let tableRows):
                var inputs = step.inputs.map { reals(of: $0, row: row, plan: plan) }
                if let tableRows {
                    inputs[0] = inputs[0].map { min(max($0, 0), Float(tableRows - 1)) }
                }
                // Only a gather throws, and its indices are those of its table.
                guard let reals = try? node.run(inputs, rows: 1) else { continue }
                write(reals, to: step.output, row: row, plan: plan)
            }
        }
    }

    private func convert(_ step: Plan.Step, _ conversion: Plan.Conversion, _ count: Int, row: Int, _ plan: Plan) {
        let source = unsafe address(of: step.inputs[0]) + row * plan.values[step.inputs[0]].rowBytes
        let target = unsafe address(of: step.output) + row * plan.values[step.output].rowBytes
        // Safety: both values have room for the rows of the batch and the same number of elements.
        switch conversion {
        case .widening(let zeroPoint):
            let bytes = unsafe source.assumingMemoryBound(to: UInt8.self)
            let halfwords = unsafe target.assumingMemoryBound(to: Int16.self)
            for index in 0..<count { unsafe halfwords[index] = Int16(bytes[index]) - Int16(zeroPoint) }
        case .narrowing(let requantization, let zeroPoint):
            let halfwords = unsafe source.assumingMemoryBound(to: Int16.self)
            let bytes = unsafe target.assumingMemoryBound(to: UInt8.self)
            for index in 0..<count {
                unsafe bytes[index] = requantization.byte(Int32(halfwords[index]), zeroPoint: Int32(zeroPoint))
            }
        }
    }

    /// Writes real numbers as the elements of a value.
    private func write(_ reals: [Float], to value: Int, row: Int, plan: Plan) {
        let info = plan.values[value]
        let target = unsafe address(of: value) + row * info.rowBytes
        // Safety: the value has room for the rows of the batch, and a node gives as many elements as its value has.
        switch info.storage {
        case .bytes(let encoding):
            let bytes = unsafe target.assumingMemoryBound(to: UInt8.self)
            for index in reals.indices { unsafe bytes[index] = encoding.quantize(reals[index]) }
        case .halfwords(let scale):
            let halfwords = unsafe target.assumingMemoryBound(to: Int16.self)
            for index in reals.indices {
                unsafe halfwords[index] = Int16(Encoding.whole(reals[index] / scale, limit: 32767))
            }
        case .reals:
            let floats = unsafe target.assumingMemoryBound(to: Float.self)
            // One NaN for all: its bits differ from processor to processor.
            for index in reals.indices { unsafe floats[index] = reals[index].isNaN ? .nan : reals[index] }
        case .sums, .indices: break
        }
    }
}
