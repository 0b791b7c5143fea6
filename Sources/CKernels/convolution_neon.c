#if defined(__aarch64__)

#define TARGET

#include "convolution_neon.h"

/*
 * Without dot products activations are widened to 16 bits once, in scratch memory, and multiplied lane by lane into 32
 * bits. smull and smlal of bytes would overflow 16 bits at two products.
 */

/* `vectors` registers of four weights each. */
TARGET static inline __attribute__((always_inline)) void load_weights(const size_t vectors, const int8_t *w,
                                                                      int16x4_t *weight) {
    UNROLL for (size_t v = 0; v < vectors; v += 2) {
        int64_t bytes = 0;
        memcpy(&bytes, w + 4 * v, v + 1 < vectors ? 8 : 4);
        const int16x8_t wide = vmovl_s8(vcreate_s8((uint64_t)bytes));
        weight[v] = vget_low_s16(wide);
        if (v + 1 < vectors) weight[v + 1] = vget_high_s16(wide);
    }
}

#define STEP(j)                                                                                                        \
    load_weights(vectors, w, weight);                                                                                  \
    UNROLL for (size_t r = 0; r < height; r++)                                                                         \
        UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] = vmlal_lane_s16(acc[r][v], weight[v], value[r], j);     \
    w += 4 * vectors;

/* `height` adjacent positions times `vectors` registers of channels. Reads up to 3 activations behind a segment. */
TARGET static inline __attribute__((always_inline)) void tile(const size_t height, const size_t vectors,
                                                              const hxk_convolution *c, const hxk_block *block,
                                                              const uint16_t *const *segments, size_t offset,
                                                              uint8_t *out, size_t stride, int raw) {
    int32x4_t acc[8][4];
    const int32_t *initial = HXK_AT(c, int32_t, initial) + block->lane;
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const int32x4_t start = vld1q_s32(initial + 4 * v);
        UNROLL for (size_t r = 0; r < height; r++) acc[r][v] = start;
    }
    const int8_t *w = HXK_AT(c, int8_t, weights) + block->weights;
    const size_t pixel = c->pixel_elements;
    for (size_t s = 0; s < c->segments; s++) {
        const uint16_t *x = segments[s] + offset;
        size_t k = 0;
        int16x4_t value[8], weight[4];
        for (; k + 4 <= c->steps; k += 4, x += 4) {
            UNROLL for (size_t r = 0; r < height; r++) value[r] = vreinterpret_s16_u16(vld1_u16(x + r * pixel));
            STEP(0) STEP(1) STEP(2) STEP(3)
        }
        if (k == c->steps) continue;
        UNROLL for (size_t r = 0; r < height; r++) value[r] = vreinterpret_s16_u16(vld1_u16(x + r * pixel));
        STEP(0)
        if (k + 1 < c->steps) { STEP(1) }
        if (k + 2 < c->steps) { STEP(2) }
    }
    store_tile(height, vectors, c, block, acc, out, stride, raw);
}

#undef TILE
#define TILE(height, vectors)                                                                                          \
    TARGET static __attribute__((noinline)) void tile_##height##x##vectors(                                            \
        const hxk_convolution *c, const hxk_block *block, const uint16_t *const *segments, size_t offset,              \
        uint8_t *out, size_t stride, int raw) {                                                                        \
        tile(height, vectors, c, block, segments, offset, out, stride, raw);                                           \
    }
TILE_ROW(1, 8)
TILE_ROW(2, 8)
TILE_ROW(3, 6)
TILE_ROW(4, 4)

typedef void wide_tile_function(const hxk_convolution *, const hxk_block *, const uint16_t *const *, size_t, uint8_t *,
                                size_t, int);

static void tiles(const hxk_convolution *c, const hxk_block *block, const uint16_t *const *segments, size_t offset,
                  size_t count, uint8_t *out, size_t stride, int general) {
    static wide_tile_function *const full[] = {tile_8x1, tile_8x2, tile_6x3, tile_4x4};
    static wide_tile_function *const two[] = {tile_2x1, tile_2x2, tile_2x3, tile_2x4};
    static wide_tile_function *const one[] = {tile_1x1, tile_1x2, tile_1x3, tile_1x4};
    static const size_t heights[] = {8, 8, 6, 4};
    const size_t v = block->vectors - 1, height = heights[v], pixel = c->pixel_elements;
    const int raw = general || c->sums;
    const size_t step = stride * (raw ? 4 : 1);
    while (count > 0) {
        wide_tile_function *const *set = count >= height ? full : count >= 2 ? two : one;
        const size_t taken = count >= height ? height : count >= 2 ? 2 : 1;
        set[v](c, block, segments, offset, out, stride, raw);
        offset += taken * pixel, out += taken * step, count -= taken;
    }
}

static void widen(uint16_t *to, const uint8_t *from, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = from[i];
}

/* 4 channels of a line, widened: [position][channel]. */
static void interleave(const hxk_block *block, size_t blocks, size_t multiplier, const uint8_t *const *lines,
                       const size_t *steps, size_t count, uint16_t *out, size_t stride) {
    for (size_t b = 0; b < blocks; b++, block++, out += stride / sizeof(uint16_t)) {
        const uint8_t *p = lines[0];
        for (size_t x = 0; x < count; x++, p += steps[0])
            for (size_t n = 0; n < block->width; n++) out[4 * x + n] = p[(block->first + n) / multiplier];
    }
}

static void depthwise_line(const hxk_convolution *c, const hxk_block *block, const uint16_t *strip, size_t line,
                           uint8_t *out, size_t stride, int general) {
    const hxk_convolution_shape *s = &c->shape;
    const int16_t *w = HXK_AT(c, int16_t, weights) + block->weights + line * c->quads * s->kernel_width * 4;
    const int32x4_t start = vld1q_s32(HXK_AT(c, int32_t, initial) + block->lane);
    const requantizer q = load_requantizer(c, block->lane);
    const int16_t *x = (const int16_t *)(const void *)strip;
    const size_t step = 4 * s->stride_x, tap = 4 * s->dilation_x, part = 4 * c->padded_width, width = s->kernel_width;
    for (size_t i = 0; i < s->out_width; i++, x += step) {
        int32x4_t acc = start;
        for (size_t row = 0; row < c->quads; row++)
            for (size_t j = 0; j < width; j++)
                acc = vmlal_s16(acc, vld1_s16(x + row * part + j * tap), vld1_s16(w + (row * width + j) * 4));
        if (general || c->sums) {
            store_sums(out, i * stride, acc, block->width);
        } else {
            finish(1, c, block, &acc, &q, out + i * stride);
        }
    }
}

static void depthwise_block(const hxk_convolution *c, const hxk_block *block, const uint16_t *strip, size_t count,
                            uint8_t *out, size_t stride, int general) {
    const size_t line_bytes = c->shape.out_width * stride * (general || c->sums ? 4 : 1);
    for (size_t line = 0; line < count; line++)
        depthwise_line(c, block, strip, line, out + line * line_bytes, stride, general);
}

#define NAME(stem) stem##__neon
#define ELEMENT uint16_t
#define COPY(to, from, count) widen(to, from, count)
#define TILES tiles
#define STRIP interleave
#define DEPTHWISE depthwise_block
#include "convolution_driver.h"

HXK_CONVOLUTION(neon) {
    if (convolution->flat) {
        flat__neon(convolution, input, output, scratch, rows, first, last);
    } else if (convolution->depthwise) {
        depthwise__neon(convolution, input, output, scratch, first, last);
    } else {
        direct__neon(convolution, input, output, scratch, first, last);
    }
}

#endif
