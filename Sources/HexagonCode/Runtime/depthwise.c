// ---- Depthwise convolution -----------------------------------------------------------------------------------------

// Four registers of words for 128 channels: low and high of `even` have 4i and 4i + 2, those of `odd` 4i + 1 and 4i + 3.
typedef struct {
    HVX_VectorPair even, odd;
} Quads;

// Adds two registers of signed halfwords each to even and odd channels.
static inline void add_signed(Quads *sum, HVX_VectorPair a, HVX_VectorPair b) {
    sum->even = Q6_Ww_vaddacc_WwVhVh(sum->even, Q6_V_lo_W(a), Q6_V_lo_W(b));
    sum->odd = Q6_Ww_vaddacc_WwVhVh(sum->odd, Q6_V_hi_W(a), Q6_V_hi_W(b));
}

// The same for unsigned halfwords.
static inline void add_unsigned(Quads *sum, HVX_VectorPair a, HVX_VectorPair b) {
    sum->even = Q6_Ww_vaddacc_WwVuhVuh(sum->even, Q6_V_lo_W(a), Q6_V_lo_W(b));
    sum->odd = Q6_Ww_vaddacc_WwVuhVuh(sum->odd, Q6_V_hi_W(a), Q6_V_hi_W(b));
}

static inline HVX_VectorPair no_pair(void) { return Q6_W_vcombine_VV(Q6_V_vzero(), Q6_V_vzero()); }

typedef struct {
    Window window;
    s32 out_channels, multiplier;
    // The byte of the input that stands for 0, and that of unsigned weights; -1 when weights are signed.
    s32 zero_point, weight_zero_point;
    // For each 128 outputs: a register for each tap.
    const HVX_Vector *weights;
    // For each 128 outputs: channels 4i, 4i + 1, 4i + 2, 4i + 3.
    const Channels *channels;
    // With a multiplier, for each 128 outputs: the first input channel, and for each output how far its own is from that.
    const s32 *first_inputs;
    const HVX_Vector *places;
    Range range;
    // 1 when the sums themselves are the result.
    s32 gives_sums;
} Depthwise;

// Each input channel as often as it has outputs: a lookup in a table of 128 bytes, 32 at a time.
static inline HVX_Vector spread(HVX_Vector inputs, HVX_Vector places) {
    HVX_Vector table = Q6_Vb_vshuff_Vb(inputs);
    HVX_Vector found = Q6_Vb_vlut32_VbVbR(places, table, 0);
    found = Q6_Vb_vlut32or_VbVbVbR(found, places, table, 1);
    found = Q6_Vb_vlut32or_VbVbVbR(found, places, table, 2);
    return Q6_Vb_vlut32or_VbVbVbR(found, places, table, 3);
}

// The inputs of a tap for 128 outputs.
static inline HVX_Vector tap_inputs(const Depthwise *layer, const u8 *input, s32 y, s32 x, s32 i, s32 j, s32 block) {
    const u8 *from = tap(&layer->window, input, y, x, i, j);
    if (!from) return Q6_Vb_vsplat_R(layer->zero_point);
    if (layer->multiplier == 1) return load(from + VECTOR_BYTES * block);
    return spread(load(from + layer->first_inputs[block]), layer->places[block]);
}

// Words of four registers of quads into the order of the channels, and into memory.
static inline void store_sums(u8 *to, const Quads *sum, s32 count) {
    HVX_VectorPair even = Q6_W_vshuff_VVR(Q6_V_hi_W(sum->even), Q6_V_lo_W(sum->even), -4);
    HVX_VectorPair odd = Q6_W_vshuff_VVR(Q6_V_hi_W(sum->odd), Q6_V_lo_W(sum->odd), -4);
    HVX_VectorPair first = Q6_W_vshuff_VVR(Q6_V_lo_W(odd), Q6_V_lo_W(even), -4);
    HVX_VectorPair last = Q6_W_vshuff_VVR(Q6_V_hi_W(odd), Q6_V_hi_W(even), -4);
    store(to, Q6_V_lo_W(first), 4 * smaller(32, count));
    if (count > 32) store(to + 128, Q6_V_hi_W(first), 4 * smaller(32, count - 32));
    if (count > 64) store(to + 256, Q6_V_lo_W(last), 4 * smaller(32, count - 64));
    if (count > 96) store(to + 384, Q6_V_hi_W(last), 4 * smaller(32, count - 96));
}

// `step` is the distance of the channels of two registers: 1, or 0 when all channels are alike.
static inline HVX_Vector scaled_quads(const Quads *sum, const Channels *channels, s32 step, const Range *range) {
    return narrow_quads(
        scale(Q6_V_lo_W(sum->even), channels), scale(Q6_V_lo_W(sum->odd), channels + step),
        scale(Q6_V_hi_W(sum->even), channels + 2 * step), scale(Q6_V_hi_W(sum->odd), channels + 3 * step), range);
}

// Products of bytes fit halfwords; two taps at a time go into the words.
static Quads depthwise_sums(const Depthwise *layer, const u8 *input, s32 y, s32 x, s32 block, const Channels *channels) {
    s32 taps = layer->window.window_height * layer->window.window_width;
    const HVX_Vector *weights = layer->weights + block * taps;
    Quads sum = {
        Q6_W_vcombine_VV(channels[2].bias, channels[0].bias), Q6_W_vcombine_VV(channels[3].bias, channels[1].bias)};
    Quads input_sum = {no_pair(), no_pair()};
    HVX_VectorPair waiting = no_pair(), inputs_waiting = no_pair();
    s32 number = 0;
    for (s32 i = 0; i < layer->window.window_height; i++) {
        for (s32 j = 0; j < layer->window.window_width; j++) {
            HVX_Vector inputs = tap_inputs(layer, input, y, x, i, j, block);
            if (layer->weight_zero_point < 0) {
                HVX_VectorPair products = Q6_Wh_vmpy_VubVb(inputs, weights[number]);
                if (number & 1)
                    add_signed(&sum, waiting, products);
                else
                    waiting = products;
            } else {
                HVX_VectorPair products = Q6_Wuh_vmpy_VubVub(inputs, weights[number]);
                HVX_VectorPair widened = Q6_Wuh_vzxt_Vub(inputs);
                if (number & 1) {
                    add_unsigned(&sum, waiting, products);
                    add_unsigned(&input_sum, inputs_waiting, widened);
                } else {
                    waiting = products;
                    inputs_waiting = widened;
                }
            }
            number++;
        }
    }
    if (layer->weight_zero_point < 0) {
        if (taps & 1) add_signed(&sum, waiting, no_pair());
        return sum;
    }
    if (taps & 1) {
        add_unsigned(&sum, waiting, no_pair());
        add_unsigned(&input_sum, inputs_waiting, no_pair());
    }
    HVX_Vector zero_point = Q6_V_vsplat_R(layer->weight_zero_point);
    sum.even = Q6_Ww_vsub_WwWw(
        sum.even, Q6_W_vcombine_VV(
                      Q6_Vw_vmpyie_VwVuh(Q6_V_hi_W(input_sum.even), zero_point),
                      Q6_Vw_vmpyie_VwVuh(Q6_V_lo_W(input_sum.even), zero_point)));
    sum.odd = Q6_Ww_vsub_WwWw(
        sum.odd, Q6_W_vcombine_VV(
                     Q6_Vw_vmpyie_VwVuh(Q6_V_hi_W(input_sum.odd), zero_point),
                     Q6_Vw_vmpyie_VwVuh(Q6_V_lo_W(input_sum.odd), zero_point)));
    return sum;
}

static void convolve_depthwise(const Depthwise *layer, const u8 *input, u8 *output) {
    for (s32 y = 0; y < layer->window.out_height; y++) {
        for (s32 x = 0; x < layer->window.out_width; x++) {
            for (s32 first = 0, block = 0; first < layer->out_channels; first += VECTOR_BYTES, block++) {
                s32 count = smaller(VECTOR_BYTES, layer->out_channels - first);
                const Channels *channels = layer->channels + 4 * block;
                Quads sum = depthwise_sums(layer, input, y, x, block, channels);
                if (layer->gives_sums)
                    store_sums(output + 4 * first, &sum, count);
                else
                    store(output + first, scaled_quads(&sum, channels, 1, &layer->range), count);
            }
            output += layer->gives_sums ? 4 * layer->out_channels : layer->out_channels;
        }
    }
}
