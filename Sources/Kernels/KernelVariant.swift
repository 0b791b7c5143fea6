import CKernels

/// An implementation of the fast kernels. All give the same bytes.
public enum KernelVariant: String, Sendable, Hashable, CaseIterable {
    /// Portable C, the definition of the others.
    case scalar
    /// Arm: products widened to 16 bits.
    case neon
    /// Arm with dot products: `sdot`.
    case neondot
    /// x86 with AVX2: 16-bit multiply-add.
    case avx2
    /// x86 with AVX-VNNI: `vpdpbusd` on 256 bits, of processors without AVX-512.
    case avxvnni
    /// x86 with AVX-512 VNNI: one instruction for HVX's `vrmpy`.
    case avx512vnni

    /// Whether this processor and operating system can run the variant.
    public var isSupported: Bool {
        switch self {
        case .scalar: true
        case .neon: hxk_has_neon() != 0
        case .neondot: hxk_has_neondot() != 0
        case .avx2: hxk_has_avx2() != 0
        case .avxvnni: hxk_has_avxvnni() != 0
        case .avx512vnni: hxk_has_avx512vnni() != 0
        }
    }

    /// The variants that operators may use here: supported and through their self-test, slowest first.
    public static var available: [KernelVariant] { selection.passed }

    /// The variant that operators use unless told otherwise: the fastest of ``available``.
    public static var best: KernelVariant { selection.passed.last ?? .scalar }

    /// Variants that the processor supports but that gave other bytes than ``scalar`` when first used.
    ///
    /// A service reports what it finds here at start: it means a fault in the processor, its emulation or a kernel.
    public static var failed: [KernelVariant] { selection.failed }

    /// Runs once per process, at first use.
    private static let selection: (passed: [KernelVariant], failed: [KernelVariant]) = {
        let supported = allCases.filter(\.isSupported)
        let passed = supported.filter { $0 == .scalar || SelfTest.passes($0) }
        return (passed, supported.filter { !passed.contains($0) })
    }()
}
