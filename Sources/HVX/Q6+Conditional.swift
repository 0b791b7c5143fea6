// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Sums and differences in the bytes that a predicate selects. A lane is computed as a whole and then taken byte by byte.
extension Q6 {
    /// `b[i] = x.b[i] + u.b[i]` in the bytes k for which `q[k]`; the other bytes are those of x.
    public static func Vb_condacc_QVbVb(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, Vb_vadd_VbVb(x, u), x)
    }

    /// `h[i] = x.h[i] + u.h[i]` in the bytes k for which `q[k]`; the other bytes are those of x.
    public static func Vh_condacc_QVhVh(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, Vh_vadd_VhVh(x, u), x)
    }

    /// `w[i] = x.w[i] + u.w[i]` in the bytes k for which `q[k]`; the other bytes are those of x.
    public static func Vw_condacc_QVwVw(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, Vw_vadd_VwVw(x, u), x)
    }

    /// `b[i] = x.b[i] + u.b[i]` in the bytes k for which `!q[k]`; the other bytes are those of x.
    public static func Vb_condacc_QnVbVb(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, x, Vb_vadd_VbVb(x, u))
    }

    /// `h[i] = x.h[i] + u.h[i]` in the bytes k for which `!q[k]`; the other bytes are those of x.
    public static func Vh_condacc_QnVhVh(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, x, Vh_vadd_VhVh(x, u))
    }

    /// `w[i] = x.w[i] + u.w[i]` in the bytes k for which `!q[k]`; the other bytes are those of x.
    public static func Vw_condacc_QnVwVw(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, x, Vw_vadd_VwVw(x, u))
    }

    /// `b[i] = x.b[i] - u.b[i]` in the bytes k for which `q[k]`; the other bytes are those of x.
    public static func Vb_condnac_QVbVb(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, Vb_vsub_VbVb(x, u), x)
    }

    /// `h[i] = x.h[i] - u.h[i]` in the bytes k for which `q[k]`; the other bytes are those of x.
    public static func Vh_condnac_QVhVh(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, Vh_vsub_VhVh(x, u), x)
    }

    /// `w[i] = x.w[i] - u.w[i]` in the bytes k for which `q[k]`; the other bytes are those of x.
    public static func Vw_condnac_QVwVw(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, Vw_vsub_VwVw(x, u), x)
    }

    /// `b[i] = x.b[i] - u.b[i]` in the bytes k for which `!q[k]`; the other bytes are those of x.
    public static func Vb_condnac_QnVbVb(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, x, Vb_vsub_VbVb(x, u))
    }

    /// `h[i] = x.h[i] - u.h[i]` in the bytes k for which `!q[k]`; the other bytes are those of x.
    public static func Vh_condnac_QnVhVh(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, x, Vh_vsub_VhVh(x, u))
    }

    /// `w[i] = x.w[i] - u.w[i]` in the bytes k for which `!q[k]`; the other bytes are those of x.
    public static func Vw_condnac_QnVwVw(_ q: Predicate, _ x: Vector, _ u: Vector) -> Vector {
        V_vmux_QVV(q, x, Vw_vsub_VwVw(x, u))
    }
}
