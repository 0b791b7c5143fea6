public import Inference
import Quantization

extension HexagonProgram {
    /// The program of a planned model. Floats never enter it: a row of its input is what stands in memory once the inputs
    /// are encoded, a row of its output what stands there before the answers are decoded.
    ///
    /// - Throws: ``HexagonCodeError``.
    public init(_ plan: Plan) throws(HexagonCodeError) {
        let buffers = plan.values.map(\.buffer)
        var steps: [Step] = []
        for step in plan.steps {
            let name = "\(step.node): \(step.work.name)"
            guard case .integer(let operation) = step.work else {
                throw HexagonCodeError(step: name, reason: "not translated; only integer operators of 8 bits are")
            }
            let inputs = step.inputs.map { buffers[$0] }
            steps.append(Step(operation, inputs: inputs, output: buffers[step.output], name: name))
        }
        try self.init(
            valueBytes: plan.values.enumerated().map { $1.buffer == $0 ? $1.rowBytes : 0 },
            inputs: plan.inputs.map { buffers[$0.value] },
            outputs: plan.outputs.map { buffers[$0.value] },
            steps: steps,
            notes: plan.inputs.map { Self.note("in", plan.values[$0.value]) }
                + plan.outputs.map { Self.note("out", plan.values[$0.value]) }
        )
    }

    /// What a value is, for the head of the program.
    private static func note(_ direction: String, _ value: Plan.Value) -> String {
        let meaning =
            switch value.storage {
            case .bytes(let encoding): "u8, real = \(encoding.scale) * (byte - \(encoding.zeroPoint))"
            case .halfwords(let scale): "s16, real = \(scale) * halfword"
            case .sums: "s32, sums of the last layer"
            case .indices: "s32, rows of a table"
            case .reals: "f32"
            }
        return "\(direction) \(value.name) \(value.shape): \(meaning)"
    }
}
