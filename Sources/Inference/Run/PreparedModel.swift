import Kernels

/// A plan with its weights packed for a variant: immutable, and shared by all sessions.
final class PreparedModel: Sendable {
    let plan: Plan
    let operators: [PreparedOperator]
    let variant: KernelVariant

    init(_ plan: Plan, variant: KernelVariant) throws(InferenceError) {
        self.plan = plan
        self.variant = variant
        var operators: [PreparedOperator] = []
        for step in plan.steps {
            do {
                operators.append(try PreparedOperator(step.operation, variant: variant))
            } catch .unavailable(let variant) {
                throw .kernel(.unavailable(variant))
            } catch {
                throw .unsupported(node: step.node, reason: "\(error)")
            }
        }
        self.operators = operators
    }

    /// The bytes of all packed weights and parameters.
    var packedBytes: Int { operators.reduce(0) { $0 + $1.packedBytes } }

    /// The scratch memory that each thread of a session needs.
    var scratchBytes: Int { operators.reduce(0) { max($0, $1.scratchBytes) } }
}
