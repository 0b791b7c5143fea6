import Kernels

/// Runs a plan by the definition of its operators, each value in an array of its own; what no kernel runs as in a session.
struct ReferenceRun {
    let plan: Plan

    init(_ plan: Plan) { self.plan = plan }

    /// - Parameter input: `[rows, inputCount]`, checked.
    func run(_ input: [Float], rows: Int) throws(InferenceError) -> [Float] {
        guard rows > 0 else { return [] }
        let coding = try SessionMemory(plan, batch: rows)
        try unsafe input.withUnsafeBufferPointer { input throws(InferenceError) in
            try unsafe coding.encode(input, rows: rows, plan: plan)
        }
        for step in plan.steps {
            guard case .integer(let operation) = step.work else {
                coding.run(step, try PreparedStep(step, variant: .scalar), plan: plan, rows: 0..<rows)
                continue
            }
            let inputs = step.inputs.map { coding.bytes(of: $0, rows: rows, plan: plan) }
            let output = try InferenceError.wrapKernel { () throws(KernelError) in
                try operation.reference(inputs, rows: rows)
            }
            coding.replace(step.output, with: output)
        }
        var result = [Float](repeating: 0, count: rows * plan.outputCount)
        // Safety: result has room for the rows.
        unsafe result.withUnsafeMutableBufferPointer { result in
            guard let result = result.baseAddress else { return }
            unsafe coding.decode(into: result, rows: rows, plan: plan)
        }
        return result
    }
}
