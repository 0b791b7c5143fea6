// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Comparisons: each sets all bits of a lane, 1, 2 or 4.
extension Q6 {
    /// The bits of lane i are `u.b[i] == v.b[i]`.
    public static func Q_vcmp_eq_VbVb(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: Int8, v: Int8) in u == v }
    }

    /// The bits of lane i are `u.h[i] == v.h[i]`.
    public static func Q_vcmp_eq_VhVh(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: Int16, v: Int16) in u == v }
    }

    /// The bits of lane i are `u.w[i] == v.w[i]`.
    public static func Q_vcmp_eq_VwVw(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: Int32, v: Int32) in u == v }
    }

    /// The bits of lane i are those of x & `u.b[i] == v.b[i]`.
    public static func Q_vcmp_eqand_QVbVb(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_eq_VbVb(u, v).bits)
    }

    /// The bits of lane i are those of x & `u.h[i] == v.h[i]`.
    public static func Q_vcmp_eqand_QVhVh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_eq_VhVh(u, v).bits)
    }

    /// The bits of lane i are those of x & `u.w[i] == v.w[i]`.
    public static func Q_vcmp_eqand_QVwVw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_eq_VwVw(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.b[i] == v.b[i]`.
    public static func Q_vcmp_eqor_QVbVb(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_eq_VbVb(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.h[i] == v.h[i]`.
    public static func Q_vcmp_eqor_QVhVh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_eq_VhVh(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.w[i] == v.w[i]`.
    public static func Q_vcmp_eqor_QVwVw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_eq_VwVw(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.b[i] == v.b[i]`.
    public static func Q_vcmp_eqxacc_QVbVb(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_eq_VbVb(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.h[i] == v.h[i]`.
    public static func Q_vcmp_eqxacc_QVhVh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_eq_VhVh(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.w[i] == v.w[i]`.
    public static func Q_vcmp_eqxacc_QVwVw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_eq_VwVw(u, v).bits)
    }

    /// The bits of lane i are `u.b[i] > v.b[i]`.
    public static func Q_vcmp_gt_VbVb(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: Int8, v: Int8) in u > v }
    }

    /// The bits of lane i are `u.h[i] > v.h[i]`.
    public static func Q_vcmp_gt_VhVh(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: Int16, v: Int16) in u > v }
    }

    /// The bits of lane i are `u.w[i] > v.w[i]`.
    public static func Q_vcmp_gt_VwVw(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: Int32, v: Int32) in u > v }
    }

    /// The bits of lane i are `u.ub[i] > v.ub[i]`.
    public static func Q_vcmp_gt_VubVub(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: UInt8, v: UInt8) in u > v }
    }

    /// The bits of lane i are `u.uh[i] > v.uh[i]`.
    public static func Q_vcmp_gt_VuhVuh(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: UInt16, v: UInt16) in u > v }
    }

    /// The bits of lane i are `u.uw[i] > v.uw[i]`.
    public static func Q_vcmp_gt_VuwVuw(_ u: Vector, _ v: Vector) -> Predicate {
        predicate(u, v) { (u: UInt32, v: UInt32) in u > v }
    }

    /// The bits of lane i are those of x & `u.b[i] > v.b[i]`.
    public static func Q_vcmp_gtand_QVbVb(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_gt_VbVb(u, v).bits)
    }

    /// The bits of lane i are those of x & `u.h[i] > v.h[i]`.
    public static func Q_vcmp_gtand_QVhVh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_gt_VhVh(u, v).bits)
    }

    /// The bits of lane i are those of x & `u.w[i] > v.w[i]`.
    public static func Q_vcmp_gtand_QVwVw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_gt_VwVw(u, v).bits)
    }

    /// The bits of lane i are those of x & `u.ub[i] > v.ub[i]`.
    public static func Q_vcmp_gtand_QVubVub(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_gt_VubVub(u, v).bits)
    }

    /// The bits of lane i are those of x & `u.uh[i] > v.uh[i]`.
    public static func Q_vcmp_gtand_QVuhVuh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_gt_VuhVuh(u, v).bits)
    }

    /// The bits of lane i are those of x & `u.uw[i] > v.uw[i]`.
    public static func Q_vcmp_gtand_QVuwVuw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits & Q_vcmp_gt_VuwVuw(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.b[i] > v.b[i]`.
    public static func Q_vcmp_gtor_QVbVb(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_gt_VbVb(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.h[i] > v.h[i]`.
    public static func Q_vcmp_gtor_QVhVh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_gt_VhVh(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.w[i] > v.w[i]`.
    public static func Q_vcmp_gtor_QVwVw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_gt_VwVw(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.ub[i] > v.ub[i]`.
    public static func Q_vcmp_gtor_QVubVub(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_gt_VubVub(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.uh[i] > v.uh[i]`.
    public static func Q_vcmp_gtor_QVuhVuh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_gt_VuhVuh(u, v).bits)
    }

    /// The bits of lane i are those of x | `u.uw[i] > v.uw[i]`.
    public static func Q_vcmp_gtor_QVuwVuw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits | Q_vcmp_gt_VuwVuw(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.b[i] > v.b[i]`.
    public static func Q_vcmp_gtxacc_QVbVb(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_gt_VbVb(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.h[i] > v.h[i]`.
    public static func Q_vcmp_gtxacc_QVhVh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_gt_VhVh(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.w[i] > v.w[i]`.
    public static func Q_vcmp_gtxacc_QVwVw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_gt_VwVw(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.ub[i] > v.ub[i]`.
    public static func Q_vcmp_gtxacc_QVubVub(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_gt_VubVub(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.uh[i] > v.uh[i]`.
    public static func Q_vcmp_gtxacc_QVuhVuh(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_gt_VuhVuh(u, v).bits)
    }

    /// The bits of lane i are those of x ^ `u.uw[i] > v.uw[i]`.
    public static func Q_vcmp_gtxacc_QVuwVuw(_ x: Predicate, _ u: Vector, _ v: Vector) -> Predicate {
        Predicate(bits: x.bits ^ Q_vcmp_gt_VuwVuw(u, v).bits)
    }
}
