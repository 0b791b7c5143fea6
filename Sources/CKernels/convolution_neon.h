/* What both NEON variants do with finished sums. */

#include "convolution.h"

#include <arm_neon.h>
#include <string.h>

#define UNROLL _Pragma("clang loop unroll(full)")

/* How the sums of four channels become bytes. */
typedef struct {
    int32x4_t multiplier;
    int64x2_t low_rounding, high_rounding, low_shift, high_shift;
} requantizer;

TARGET static inline requantizer load_requantizer(const hxk_convolution *c, size_t lane) {
    const int64_t *rounding = HXK_AT(c, int64_t, rounding) + lane, *shift = HXK_AT(c, int64_t, shift) + lane;
    return (requantizer){
        .multiplier = vld1q_s32(HXK_AT(c, int32_t, fast_multiplier) + lane),
        .low_rounding = vld1q_s64(rounding),
        .high_rounding = vld1q_s64(rounding + 2),
        /* Shifts to the right are shifts to the left by less than nothing; they floor. */
        .low_shift = vnegq_s64(vld1q_s64(shift)),
        .high_shift = vnegq_s64(vld1q_s64(shift + 2)),
    };
}

/* (acc * multiplier + rounding) >> shift, which has the zero point in it. */
TARGET static inline int32x4_t requantize(int32x4_t acc, requantizer r) {
    const int64x2_t low = vmlal_s32(r.low_rounding, vget_low_s32(acc), vget_low_s32(r.multiplier));
    const int64x2_t high = vmlal_high_s32(r.high_rounding, acc, r.multiplier);
    return vmovn_high_s64(vmovn_s64(vshlq_s64(low, r.low_shift)), vshlq_s64(high, r.high_shift));
}

/* Saturates at 16 and 8 bits like HVX, and clamps. */
TARGET static inline uint8x8_t narrow(int32x4_t low, int32x4_t high, uint8_t least, uint8_t most) {
    const uint8x8_t bytes = vqmovun_s16(vqmovn_high_s32(vqmovn_s32(low), high));
    return vmin_u8(vmax_u8(bytes, vdup_n_u8(least)), vdup_n_u8(most));
}

TARGET static inline void store_bytes(uint8_t *out, uint8x8_t bytes, size_t count) {
    if (count >= 8) {
        vst1_u8(out, bytes);
    } else {
        uint8_t all[8];
        vst1_u8(all, bytes);
        memcpy(out, all, count);
    }
}

TARGET static inline void store_sums(uint8_t *out, size_t index, int32x4_t sums, size_t count) {
    int32_t all[4];
    vst1q_s32(all, sums);
    memcpy(out + 4 * index, all, 4 * (count < 4 ? count : 4));
}

/* One position of `vectors` registers of channels. */
TARGET static inline __attribute__((always_inline)) void finish(const size_t vectors, const hxk_convolution *c,
                                                                const hxk_block *block, const int32x4_t *acc,
                                                                const requantizer *q, uint8_t *out) {
    UNROLL for (size_t v = 0; v < vectors; v += 2) {
        const int32x4_t low = requantize(acc[v], q[v]);
        const int32x4_t high = v + 1 < vectors ? requantize(acc[v + 1], q[v + 1]) : vdupq_n_s32(0);
        store_bytes(out + 4 * v, narrow(low, high, c->low, c->high), block->width - 4 * v);
    }
}

/* `height` adjacent positions, to bytes or, when `raw`, to s32. */
TARGET static inline __attribute__((always_inline)) void store_tile(const size_t height, const size_t vectors,
                                                                    const hxk_convolution *c, const hxk_block *block,
                                                                    int32x4_t acc[][4], uint8_t *out, size_t stride,
                                                                    int raw) {
    if (raw) {
        UNROLL for (size_t r = 0; r < height; r++)
            UNROLL for (size_t v = 0; v < vectors; v++)
                store_sums(out, r * stride + 4 * v, acc[r][v], block->width - 4 * v);
        return;
    }
    requantizer q[4];
    UNROLL for (size_t v = 0; v < vectors; v++) q[v] = load_requantizer(c, block->lane + 4 * v);
    UNROLL for (size_t r = 0; r < height; r++) finish(vectors, c, block, acc[r], q, out + r * stride);
}

/* Never inlined, so that each has all registers for itself. */
#define TILE(height, vectors)                                                                                          \
    TARGET static __attribute__((noinline)) void tile_##height##x##vectors(                                            \
        const hxk_convolution *c, const hxk_block *block, const uint8_t *const *segments, size_t offset, uint8_t *out, \
        size_t stride, int raw) {                                                                                      \
        tile(height, vectors, c, block, segments, offset, out, stride, raw);                                           \
    }
#define TILE_ROW(vectors, full) TILE(full, vectors) TILE(2, vectors) TILE(1, vectors)

typedef void tile_function(const hxk_convolution *, const hxk_block *, const uint8_t *const *, size_t, uint8_t *, size_t,
                           int);
