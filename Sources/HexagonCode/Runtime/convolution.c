// ---- Convolution and fully-connected layer -------------------------------------------------------------------------

typedef struct {
    Window window;
    s32 out_channels, groups;
    // The byte of the input that stands for 0, and that of unsigned weights; -1 when weights are signed.
    s32 zero_point, weight_zero_point;
    // For each group and each 32 of its outputs: a register for each 4 inputs, byte 4n + j is output n, input j.
    const HVX_Vector *weights;
    const Channels *channels;
    Range range;
    // 1 when the sums themselves are the result.
    s32 gives_sums;
} Convolution;

// The inputs that one output position sees of one group, tap after tap, with zeros up to a multiple of 4.
static u8 patch[PATCH_BYTES + 2 * VECTOR_BYTES] __attribute__((aligned(VECTOR_BYTES)));

static void take_patch(const Convolution *layer, const u8 *input, s32 y, s32 x, s32 group, s32 group_channels) {
    const Window *window = &layer->window;
    u8 *to = patch;
    for (s32 i = 0; i < window->window_height; i++) {
        for (s32 j = 0; j < window->window_width; j++) {
            const u8 *from = tap(window, input, y, x, i, j);
            if (from)
                copy(to, from + group * group_channels, group_channels);
            else
                fill(to, layer->zero_point, group_channels);
            to += group_channels;
        }
    }
    fill(to, 0, 4);
}

// 32 sums over the patch: four inputs, repeated in every word, meet four weights of each output.
static HVX_Vector sums(const Convolution *layer, const HVX_Vector *weights, HVX_Vector sum, s32 steps) {
    const s32 *inputs = (const s32 *)patch;
    if (layer->weight_zero_point < 0) {
        for (s32 k = 0; k < steps; k++)
            sum = Q6_Vw_vrmpyacc_VwVubVb(sum, Q6_V_vsplat_R(inputs[k]), weights[k]);
        return sum;
    }
    HVX_Vector ones = Q6_Vb_vsplat_R(1), input_sum = Q6_V_vzero();
    for (s32 k = 0; k < steps; k++) {
        HVX_Vector four = Q6_V_vsplat_R(inputs[k]);
        sum = Q6_Vuw_vrmpyacc_VuwVubVub(sum, four, weights[k]);
        input_sum = Q6_Vuw_vrmpyacc_VuwVubVub(input_sum, four, ones);
    }
    return Q6_Vw_vsub_VwVw(sum, Q6_Vw_vmpyie_VwVuh(input_sum, Q6_V_vsplat_R(layer->weight_zero_point)));
}

static void convolve(const Convolution *layer, const u8 *input, u8 *output, s32 group_inputs, s32 group_outputs) {
    const Window *window = &layer->window;
    s32 steps = (window->window_height * window->window_width * group_inputs + 3) >> 2;
    for (s32 y = 0; y < window->out_height; y++) {
        for (s32 x = 0; x < window->out_width; x++) {
            const HVX_Vector *weights = layer->weights;
            const Channels *channels = layer->channels;
            for (s32 group = 0; group < layer->groups; group++) {
                take_patch(layer, input, y, x, group, group_inputs);
                for (s32 first = 0; first < group_outputs; first += VECTOR_BYTES) {
                    HVX_Vector words[4] = {Q6_V_vzero(), Q6_V_vzero(), Q6_V_vzero(), Q6_V_vzero()};
                    for (s32 block = 0; block < 4 && first + 32 * block < group_outputs; block++) {
                        HVX_Vector sum = sums(layer, weights, channels->bias, steps);
                        s32 count = smaller(32, group_outputs - first - 32 * block);
                        if (layer->gives_sums)
                            store(output + 4 * (first + 32 * block), sum, 4 * count);
                        else
                            words[block] = scale(sum, channels);
                        weights += steps;
                        channels++;
                    }
                    if (!layer->gives_sums) {
                        HVX_Vector bytes = narrow(words[0], words[1], words[2], words[3], &layer->range);
                        store(output + first, bytes, smaller(VECTOR_BYTES, group_outputs - first));
                    }
                }
                output += layer->gives_sums ? 4 * group_outputs : group_outputs;
            }
        }
    }
}
