#if defined(__aarch64__)

#define TARGET __attribute__((target("+dotprod")))

#include "convolution_neon.h"

/*
 * sdot multiplies signed bytes: activations have their sign bit turned over, which makes them 128 lower, and the packed
 * start of a sum has 128 times the sum of the weights in it. Like vrmpy it wraps.
 */
TARGET static inline int8x16_t flipped(uint8x16_t bytes) {
    return vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(0x80)));
}

#define STEP(j)                                                                                                        \
    UNROLL for (size_t v = 0; v < vectors; v++) weight[v] = vld1q_s8(w + 16 * v);                                      \
    UNROLL for (size_t r = 0; r < height; r++)                                                                         \
        UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] = vdotq_laneq_s32(acc[r][v], weight[v], value[r], j);    \
    w += 16 * vectors;

/* `height` adjacent positions times `vectors` registers of channels. Reads up to 15 bytes behind a segment. */
TARGET static inline __attribute__((always_inline)) void tile(const size_t height, const size_t vectors,
                                                              const hxk_convolution *c, const hxk_block *block,
                                                              const uint8_t *const *segments, size_t offset,
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
        const uint8_t *x = segments[s] + offset;
        size_t k = 0;
        int8x16_t value[8], weight[4];
        for (; k + 4 <= c->steps; k += 4, x += 16) {
            UNROLL for (size_t r = 0; r < height; r++) value[r] = flipped(vld1q_u8(x + r * pixel));
            STEP(0) STEP(1) STEP(2) STEP(3)
        }
        if (k == c->steps) continue;
        UNROLL for (size_t r = 0; r < height; r++) value[r] = flipped(vld1q_u8(x + r * pixel));
        STEP(0)
        if (k + 1 < c->steps) { STEP(1) }
        if (k + 2 < c->steps) { STEP(2) }
    }
    store_tile(height, vectors, c, block, acc, out, stride, raw);
}

TILE_ROW(1, 8)
TILE_ROW(2, 8)
TILE_ROW(3, 6)
TILE_ROW(4, 4)

TARGET static void tiles(const hxk_convolution *c, const hxk_block *block, const uint8_t *const *segments, size_t offset,
                         size_t count, uint8_t *out, size_t stride, int general) {
    static tile_function *const full[] = {tile_8x1, tile_8x2, tile_6x3, tile_4x4};
    static tile_function *const two[] = {tile_2x1, tile_2x2, tile_2x3, tile_2x4};
    static tile_function *const one[] = {tile_1x1, tile_1x2, tile_1x3, tile_1x4};
    static const size_t heights[] = {8, 8, 6, 4};
    const size_t v = block->vectors - 1, height = heights[v], pixel = c->pixel_elements;
    const int raw = general || c->sums;
    const size_t step = stride * (raw ? 4 : 1);
    while (count > 0) {
        tile_function *const *set = count >= height ? full : count >= 2 ? two : one;
        const size_t taken = count >= height ? height : count >= 2 ? 2 : 1;
        set[v](c, block, segments, offset, out, stride, raw);
        offset += taken * pixel, out += taken * step, count -= taken;
    }
}

/* 4 channels of four lines, side by side: [position][channel][line]. */
TARGET static void interleave(const hxk_block *block, size_t blocks, size_t multiplier, const uint8_t *const *lines,
                              const size_t *steps, size_t count, uint8_t *out, size_t stride) {
    static const uint8_t order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const uint8x16_t transposed = vld1q_u8(order);
    for (size_t b = 0; b < blocks; b++, block++, out += stride) {
        for (size_t x = 0; x < count; x++) {
            uint8_t bytes[16] = {0};
            for (size_t j = 0; j < 4; j++) {
                const uint8_t *p = lines[j] + x * steps[j];
                if (multiplier == 1) {
                    memcpy(bytes + 4 * j, p + block->first, 4);
                } else {
                    for (size_t n = 0; n < block->width; n++) bytes[4 * j + n] = p[(block->first + n) / multiplier];
                }
            }
            vst1q_u8(out + 16 * x, vqtbl1q_u8(vld1q_u8(bytes), transposed));
        }
    }
}

TARGET static inline __attribute__((always_inline)) void depthwise_line(const size_t width, const size_t quads,
                                                                        const hxk_convolution *c,
                                                                        const hxk_block *block, const uint8_t *strip,
                                                                        size_t line, uint8_t *out, size_t stride,
                                                                        int raw) {
    const hxk_convolution_shape *s = &c->shape;
    const int8_t *w = HXK_AT(c, int8_t, weights) + block->weights + line * c->quads * s->kernel_width * 16;
    const int32x4_t start = vld1q_s32(HXK_AT(c, int32_t, initial) + block->lane);
    const requantizer q = load_requantizer(c, block->lane);
    const size_t step = 16 * s->stride_x, tap = 16 * s->dilation_x, part = 16 * c->padded_width;
    for (size_t x = 0; x < s->out_width; x++, strip += step) {
        int32x4_t acc = start;
        for (size_t i = 0; i < quads; i++)
            for (size_t j = 0; j < width; j++)
                acc = vdotq_s32(acc, flipped(vld1q_u8(strip + i * part + j * tap)), vld1q_s8(w + (i * width + j) * 16));
        if (raw) {
            store_sums(out, x * stride, acc, block->width);
        } else {
            finish(1, c, block, &acc, &q, out + x * stride);
        }
    }
}

TARGET static void depthwise_block(const hxk_convolution *c, const hxk_block *block, const uint8_t *strip, size_t count,
                                   uint8_t *out, size_t stride, int general) {
    const int raw = general || c->sums;
    const size_t line_bytes = c->shape.out_width * stride * (raw ? 4 : 1);
    for (size_t line = 0; line < count; line++, out += line_bytes) {
        if (c->quads == 1 && c->shape.kernel_width == 3) {
            depthwise_line(3, 1, c, block, strip, line, out, stride, raw);
        } else {
            depthwise_line(c->shape.kernel_width, c->quads, c, block, strip, line, out, stride, raw);
        }
    }
}

#define NAME(stem) stem##__neondot
#define ELEMENT uint8_t
#define COPY(to, from, count) memcpy(to, from, count)
#define TILES tiles
#define STRIP interleave
#define DEPTHWISE depthwise_block
#include "convolution_driver.h"

TARGET HXK_CONVOLUTION(neondot) {
    if (convolution->flat) {
        flat__neondot(convolution, input, output, scratch, rows, first, last);
    } else if (convolution->depthwise) {
        depthwise__neondot(convolution, input, output, scratch, first, last);
    } else {
        direct__neondot(convolution, input, output, scratch, first, last);
    }
}

#endif
