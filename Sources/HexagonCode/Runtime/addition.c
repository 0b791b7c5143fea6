// ---- Addition --------------------------------------------------------------------------------------------------------

typedef struct {
    s32 count, a_multiplier, b_multiplier, a_zero_point, b_zero_point, shift;
    Range range;
} Addition;

// x = (a - a_zero_point) * a_multiplier + (b - b_zero_point) * b_multiplier; h = sat((x + half) >> shift)
static void add(const Addition *layer, const u8 *a, const u8 *b, u8 *output) {
    HVX_Vector a_multiplier = Q6_Vh_vsplat_R(layer->a_multiplier), b_multiplier = Q6_Vh_vsplat_R(layer->b_multiplier);
    HVX_Vector a_zero = Q6_Vb_vsplat_R(layer->a_zero_point), b_zero = Q6_Vb_vsplat_R(layer->b_zero_point);
    HVX_Vector zero_point = Q6_Vh_vsplat_R(layer->range.zero_point);
    for (s32 i = 0; i < layer->count; i += VECTOR_BYTES) {
        HVX_VectorPair from_a = Q6_Wh_vsub_VubVub(load(a + i), a_zero);
        HVX_VectorPair from_b = Q6_Wh_vsub_VubVub(load(b + i), b_zero);
        HVX_VectorPair even = Q6_Ww_vmpy_VhVh(Q6_V_lo_W(from_a), a_multiplier);
        HVX_VectorPair odd = Q6_Ww_vmpy_VhVh(Q6_V_hi_W(from_a), a_multiplier);
        even = Q6_Ww_vmpyacc_WwVhVh(even, Q6_V_lo_W(from_b), b_multiplier);
        odd = Q6_Ww_vmpyacc_WwVhVh(odd, Q6_V_hi_W(from_b), b_multiplier);
        HVX_Vector h_even = Q6_Vh_vasr_VwVwR_rnd_sat(Q6_V_hi_W(even), Q6_V_lo_W(even), layer->shift);
        HVX_Vector h_odd = Q6_Vh_vasr_VwVwR_rnd_sat(Q6_V_hi_W(odd), Q6_V_lo_W(odd), layer->shift);
        h_even = Q6_Vh_vadd_VhVh_sat(h_even, zero_point);
        h_odd = Q6_Vh_vadd_VhVh_sat(h_odd, zero_point);
        store(output + i, clamp(Q6_Vub_vsat_VhVh(h_odd, h_even), &layer->range), smaller(VECTOR_BYTES, layer->count - i));
    }
}
