import CKernels

/// The C functions of a variant.
// Safety: they are functions; calling them is what has rules.
@safe struct VariantCode {
    /// See ``PreparedConvolution``.
    typealias Convolution =
        @convention(c) (
            OpaquePointer?, UnsafePointer<UInt8>?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int, Int, Int
        ) -> Void
    /// See ``PreparedSimple``.
    typealias Simple =
        @convention(c) (
            UnsafeRawPointer?, UnsafePointer<UnsafeRawPointer?>?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?,
            Int,
            Int, Int
        ) -> Void

    /// How C names the variant.
    let kind: hxk_variant
    /// Nil where convolutions have no vector code.
    let convolution: Convolution?
    let addition: Simple
    let multiplication: Simple
    let table: Simple
    let softmax: Simple
    let maximumPool: Simple
    let averagePool: Simple
    let concatenation: Simple
    let stridedCopy: Simple
    let resize: Simple
    let gather: Simple
    let wideConvolution: Simple

    /// The functions of a variant; those of ``KernelVariant/scalar`` for one of another processor.
    static func of(_ variant: KernelVariant) -> VariantCode {
        switch variant {
        #if arch(x86_64)
        case .avx2:
            return unsafe VariantCode(
                kind: HXK_AVX2,
                convolution: hxk_u8s8_convolution__avx2,
                addition: hxk_u8_addition__avx2,
                multiplication: hxk_u8_multiplication__avx2,
                table: hxk_u8_table__avx2,
                softmax: hxk_u8_softmax__avx2,
                maximumPool: hxk_u8_maximum_pool__avx2,
                averagePool: hxk_u8_average_pool__avx2,
                concatenation: hxk_u8_concatenation__avx2,
                stridedCopy: hxk_u8_strided_copy__avx2,
                resize: hxk_u8_resize__avx2,
                gather: hxk_u8_gather__avx2,
                wideConvolution: hxk_s16s8_convolution__avx2
            )
        case .avxvnni:
            return unsafe VariantCode(
                kind: HXK_AVXVNNI,
                convolution: hxk_u8s8_convolution__avxvnni,
                addition: hxk_u8_addition__avx2,
                multiplication: hxk_u8_multiplication__avx2,
                table: hxk_u8_table__avx2,
                softmax: hxk_u8_softmax__avx2,
                maximumPool: hxk_u8_maximum_pool__avx2,
                averagePool: hxk_u8_average_pool__avx2,
                concatenation: hxk_u8_concatenation__avx2,
                stridedCopy: hxk_u8_strided_copy__avx2,
                resize: hxk_u8_resize__avx2,
                gather: hxk_u8_gather__avx2,
                wideConvolution: hxk_s16s8_convolution__avx2
            )
        case .avx512vnni:
            return unsafe VariantCode(
                kind: HXK_AVX512VNNI,
                convolution: hxk_u8s8_convolution__avx512vnni,
                addition: hxk_u8_addition__avx512vnni,
                multiplication: hxk_u8_multiplication__avx512vnni,
                table: hxk_u8_table__avx512vnni,
                softmax: hxk_u8_softmax__avx512vnni,
                maximumPool: hxk_u8_maximum_pool__avx512vnni,
                averagePool: hxk_u8_average_pool__avx512vnni,
                concatenation: hxk_u8_concatenation__avx512vnni,
                stridedCopy: hxk_u8_strided_copy__avx512vnni,
                resize: hxk_u8_resize__avx512vnni,
                gather: hxk_u8_gather__avx512vnni,
                wideConvolution: hxk_s16s8_convolution__avx512vnni
            )
        #elseif arch(arm64)
        case .neon:
            return unsafe VariantCode(
                kind: HXK_NEON,
                convolution: hxk_u8s8_convolution__neon,
                addition: hxk_u8_addition__neon,
                multiplication: hxk_u8_multiplication__neon,
                table: hxk_u8_table__neon,
                softmax: hxk_u8_softmax__neon,
                maximumPool: hxk_u8_maximum_pool__neon,
                averagePool: hxk_u8_average_pool__neon,
                concatenation: hxk_u8_concatenation__neon,
                stridedCopy: hxk_u8_strided_copy__neon,
                resize: hxk_u8_resize__neon,
                gather: hxk_u8_gather__neon,
                wideConvolution: hxk_s16s8_convolution__neon
            )
        case .neondot:
            return unsafe VariantCode(
                kind: HXK_NEONDOT,
                convolution: hxk_u8s8_convolution__neondot,
                addition: hxk_u8_addition__neon,
                multiplication: hxk_u8_multiplication__neon,
                table: hxk_u8_table__neon,
                softmax: hxk_u8_softmax__neon,
                maximumPool: hxk_u8_maximum_pool__neon,
                averagePool: hxk_u8_average_pool__neon,
                concatenation: hxk_u8_concatenation__neon,
                stridedCopy: hxk_u8_strided_copy__neon,
                resize: hxk_u8_resize__neon,
                gather: hxk_u8_gather__neon,
                wideConvolution: hxk_s16s8_convolution__neon
            )
        #endif
        default:
            return unsafe VariantCode(
                kind: HXK_SCALAR,
                convolution: nil,
                addition: hxk_u8_addition__scalar,
                multiplication: hxk_u8_multiplication__scalar,
                table: hxk_u8_table__scalar,
                softmax: hxk_u8_softmax__scalar,
                maximumPool: hxk_u8_maximum_pool__scalar,
                averagePool: hxk_u8_average_pool__scalar,
                concatenation: hxk_u8_concatenation__scalar,
                stridedCopy: hxk_u8_strided_copy__scalar,
                resize: hxk_u8_resize__scalar,
                gather: hxk_u8_gather__scalar,
                wideConvolution: hxk_s16s8_convolution__scalar
            )
        }
    }
}
