import Events
import Kernels

/// What a node says at its start about the kernels that it does without.
struct KernelReport {
    /// Variants that the processor has and that failed their self-test.
    let failed: [KernelVariant]
    /// The variant that the node computes with.
    let used: KernelVariant

    /// What this process found.
    static var here: KernelReport { KernelReport(failed: KernelVariant.failed, used: KernelVariant.best) }

    /// One event for each variant that failed.
    func events(node: String) -> [KernelRefused] {
        failed.map { variant in
            KernelRefused(
                node: node,
                variant: variant.rawValue,
                used: used.rawValue,
                message: "\(variant.rawValue) gives other bytes than portable C here; \(used.rawValue) is used"
            )
        }
    }
}
