internal import COpenBLAS

/// The one file that knows OpenBLAS: single-precision matrix products on the calling thread.
///
/// Several trainings run in parallel by running on several threads; one product never uses more than its own, so the
/// order of its sums, and with it every bit, does not depend on what else runs. Between processor types the sums may
/// be ordered differently: there the same seed gives the same model up to rounding.
enum MatrixProduct {
    /// `c[m, n] = a[m, k] · b[n, k]ᵀ + beta * c[m, n]`, all row-major.
    static func timesTransposed(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>,
        m: Int,
        n: Int,
        k: Int,
        beta: Float
    ) {
        _ = oneThread
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            Int32(m),
            Int32(n),
            Int32(k),
            1,
            a,
            Int32(k),
            b,
            Int32(k),
            beta,
            c,
            Int32(n)
        )
    }

    /// `c[m, n] = a[k, m]ᵀ · b[k, n]`, all row-major.
    static func transposedTimes(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>,
        m: Int,
        n: Int,
        k: Int
    ) {
        _ = oneThread
        cblas_sgemm(
            CblasRowMajor,
            CblasTrans,
            CblasNoTrans,
            Int32(m),
            Int32(n),
            Int32(k),
            1,
            a,
            Int32(m),
            b,
            Int32(n),
            0,
            c,
            Int32(n)
        )
    }

    /// `c[m, n] = a[m, k] · b[k, n]`, all row-major.
    static func times(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>,
        m: Int,
        n: Int,
        k: Int
    ) {
        _ = oneThread
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasNoTrans,
            Int32(m),
            Int32(n),
            Int32(k),
            1,
            a,
            Int32(k),
            b,
            Int32(n),
            0,
            c,
            Int32(n)
        )
    }

    private static let oneThread: Void = openblas_set_num_threads(1)
}
