// ---- From sums to bytes --------------------------------------------------------------------------------------------

// What 32 channels have, one word each. `half` is 1 << (right - 1), or 0 where right is 0.
typedef struct {
    HVX_Vector bias, left, multiplier, half, right;
} Channels;

// The byte that stands for 0, and what bytes are clamped to.
typedef struct {
    s32 zero_point, low, high;
} Range;

// t = sum << left; p = sat((t * multiplier + 2^30) >> 31); z = sat(p + half) >> right
static inline HVX_Vector scale(HVX_Vector sum, const Channels *channels) {
    HVX_Vector shifted = Q6_Vw_vasl_VwVw(sum, channels->left);
    HVX_Vector lower = Q6_Vw_vmpye_VwVuh(shifted, channels->multiplier);
    HVX_Vector product = Q6_Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(lower, shifted, channels->multiplier);
    return Q6_Vw_vasr_VwVw(Q6_Vw_vadd_VwVw_sat(product, channels->half), channels->right);
}

static inline HVX_Vector clamp(HVX_Vector bytes, const Range *range) {
    bytes = Q6_Vub_vmax_VubVub(bytes, Q6_Vb_vsplat_R(range->low));
    return Q6_Vub_vmin_VubVub(bytes, Q6_Vb_vsplat_R(range->high));
}

// 128 bytes out of words in the order of the channels.
static inline HVX_Vector narrow(HVX_Vector w0, HVX_Vector w1, HVX_Vector w2, HVX_Vector w3, const Range *range) {
    HVX_Vector zero_point = Q6_Vh_vsplat_R(range->zero_point);
    HVX_Vector h0 = Q6_Vh_vadd_VhVh_sat(Q6_Vh_vpack_VwVw_sat(w1, w0), zero_point);
    HVX_Vector h1 = Q6_Vh_vadd_VhVh_sat(Q6_Vh_vpack_VwVw_sat(w3, w2), zero_point);
    return clamp(Q6_Vub_vpack_VhVh_sat(h1, h0), range);
}

// 128 bytes out of words of which q0 has the channels 4i, q1 4i + 1, q2 4i + 2, q3 4i + 3.
static inline HVX_Vector narrow_quads(HVX_Vector q0, HVX_Vector q1, HVX_Vector q2, HVX_Vector q3, const Range *range) {
    HVX_Vector zero_point = Q6_Vh_vsplat_R(range->zero_point);
    HVX_Vector even = Q6_Vh_vadd_VhVh_sat(Q6_Vh_vsat_VwVw(q2, q0), zero_point);
    HVX_Vector odd = Q6_Vh_vadd_VhVh_sat(Q6_Vh_vsat_VwVw(q3, q1), zero_point);
    return clamp(Q6_Vub_vsat_VhVh(odd, even), range);
}
