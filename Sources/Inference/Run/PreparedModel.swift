import Kernels

/// A plan with its weights packed for a variant: immutable, and shared by all sessions.
final class PreparedModel: Sendable {
    let plan: Plan
    let steps: [PreparedStep]
    let variant: KernelVariant

    init(_ plan: Plan, variant: KernelVariant) throws(InferenceError) {
        self.plan = plan
        self.variant = variant
        var steps: [PreparedStep] = []
        for step in plan.steps { steps.append(try PreparedStep(step, variant: variant)) }
        self.steps = steps
    }

    /// The bytes of all packed weights and parameters.
    var packedBytes: Int { steps.reduce(0) { $0 + $1.packedBytes } }

    /// The scratch memory that each thread of a session needs.
    var scratchBytes: Int { steps.reduce(0) { max($0, $1.scratchBytes) } }
}
