// ---- Pools -----------------------------------------------------------------------------------------------------------

static void pool_maximum(const Window *window, const Range *range, const u8 *input, u8 *output) {
    for (s32 y = 0; y < window->out_height; y++) {
        for (s32 x = 0; x < window->out_width; x++) {
            for (s32 first = 0; first < window->channels; first += VECTOR_BYTES) {
                HVX_Vector most = Q6_V_vzero();
                for (s32 i = 0; i < window->window_height; i++) {
                    for (s32 j = 0; j < window->window_width; j++) {
                        const u8 *from = tap(window, input, y, x, i, j);
                        if (from) most = Q6_Vub_vmax_VubVub(most, load(from + first));
                    }
                }
                store(output + first, clamp(most, range), smaller(VECTOR_BYTES, window->channels - first));
            }
            output += window->channels;
        }
    }
}

typedef struct {
    Window window;
    s32 zero_point;
    // 1 when there is an entry of `counts` for each number of taps inside the input, 0 when there is one for all.
    s32 depends_on_count;
    const Channels *counts;
    Range range;
} AveragePool;

static void pool_average(const AveragePool *pool, const u8 *input, u8 *output) {
    const Window *window = &pool->window;
    for (s32 y = 0; y < window->out_height; y++) {
        for (s32 x = 0; x < window->out_width; x++) {
            for (s32 first = 0; first < window->channels; first += VECTOR_BYTES) {
                Quads sum = {no_pair(), no_pair()};
                s32 count = 0;
                for (s32 i = 0; i < window->window_height; i++) {
                    for (s32 j = 0; j < window->window_width; j++) {
                        const u8 *from = tap(window, input, y, x, i, j);
                        if (!from) continue;
                        add_unsigned(&sum, Q6_Wuh_vzxt_Vub(load(from + first)), no_pair());
                        count++;
                    }
                }
                HVX_Vector zeros = Q6_V_vsplat_R(count * pool->zero_point);
                HVX_VectorPair zero_pair = Q6_W_vcombine_VV(zeros, zeros);
                sum.even = Q6_Ww_vsub_WwWw(sum.even, zero_pair);
                sum.odd = Q6_Ww_vsub_WwWw(sum.odd, zero_pair);
                const Channels *one = pool->counts + (pool->depends_on_count ? count - 1 : 0);
                HVX_Vector bytes = scaled_quads(&sum, one, 0, &pool->range);
                store(output + first, bytes, smaller(VECTOR_BYTES, window->channels - first));
            }
            output += window->channels;
        }
    }
}
