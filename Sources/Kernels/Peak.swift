import CKernels

extension KernelVariant {
    /// Does nothing but exact 8-bit multiply-adds from registers, by the instructions of the variant.
    ///
    /// Their number divided by the time it takes, which the caller measures, is more than any kernel can reach.
    ///
    /// - Parameter turns: A turn takes a few nanoseconds.
    /// - Returns: How many multiply-adds were done.
    /// - Precondition: The variant is ``isSupported``.
    public func multiplyAdds(turns: Int) -> Int {
        precondition(isSupported, "this processor does not run \(self)")
        let variant =
            switch self {
            case .scalar: HXK_SCALAR
            case .neon: HXK_NEON
            case .neondot: HXK_NEONDOT
            case .avx2: HXK_AVX2
            case .avxvnni: HXK_AVXVNNI
            case .avx512vnni: HXK_AVX512VNNI
            }
        return Int(hxk_peak(variant, UInt64(max(0, turns))))
    }
}
