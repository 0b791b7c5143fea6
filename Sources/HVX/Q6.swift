/// The HVX instructions as functions on values, named as the C intrinsics are: `Q6_Vw_vadd_VwVw` is `Q6.Vw_vadd_VwVw`.
///
/// The mapping is regular:
///
/// | in the name | in Swift |
/// |---|---|
/// | `V`, `W`, `Q` | ``Vector``, ``VectorPair``, ``Predicate`` |
/// | `R`, `I` (scalar register, immediate) | `Int32` |
/// | `P` (pair of scalar registers) | `Int64` |
/// | the type before the first `_` | the result; arguments follow in the order of the name |
/// | an accumulator, as the second `Vw` in `Vw_vrmpyacc_VwVubVb` | the first argument, and the sum is the result |
/// | a predicate that goes in and out, as in `Vw_vadd_VwVwQ_carry` | `inout` |
/// | `A` or `R` of memory that is written (`vmem_QRIV`, `vgather_*`, `vscatter_*`) | `inout`, the bytes around the address |
///
/// Loads and stores without a predicate, which have no intrinsic, are ``Vector/init(aligned:at:)`` and its siblings.
/// ``Catalogue`` finds an instruction by its name.
///
/// In the formulas `u`, `v` are the first and second vector argument, `x` an accumulator, `r` a scalar register, `q` a
/// predicate; `u.h[i]` is signed halfword lane i, `uh` unsigned; `sat` saturates to the lane, everything else wraps; `>>`
/// floors. Of scalars and shift amounts only the bits count that a formula names, whatever the others are.
/// Widening instructions put the results of even lanes into the low register and those of odd lanes into the high one;
/// narrowing shifts undo that.
public enum Q6 {}
