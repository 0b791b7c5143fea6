/// The HVX instructions as functions on values, named as the C intrinsics are: `Q6_Vw_vadd_VwVw` is `Q6.Vw_vadd_VwVw`.
///
/// In the formulas `u`, `v` are the first and second vector argument, `x` an accumulator, `r` a scalar register;
/// `u.h[i]` is signed halfword lane i, `uh` unsigned; `sat` saturates to the lane, everything else wraps; `>>` floors.
/// Widening instructions put the results of even lanes into the low register and those of odd lanes into the high one.
public enum Q6 {}
