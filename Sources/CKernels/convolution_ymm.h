/*
 * Convolutions on registers of 256 bits, included once by each variant with these macros defined:
 *
 *   TARGET                      function attributes
 *   NAME(stem)                  stem__variant
 *   ELEMENT, WIDENED            uint8_t, 0 or uint16_t, 1
 *   WEIGHT_BYTES                packed weights of one register and step
 *   LOAD_WEIGHTS(pointer)       one register of weights
 *   ACCUMULATE(acc, x, w)       acc plus the products of a register, summed within each 32-bit lane
 *
 * In both a step of a position is 4 bytes of activations, two widened ones or four, and a depthwise tap of 8 channels is
 * a register.
 */

#include "convolution.h"

#include <immintrin.h>
#include <string.h>

#define INLINE TARGET static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/* How the sums of one register of channels become bytes. */
typedef struct {
    __m256i multiplier, odd_multiplier, even_rounding, odd_rounding, even_shift, odd_shift, correction;
} NAME(requantizer);

INLINE NAME(requantizer) NAME(load_requantizer)(const hxk_convolution *c, size_t lane) {
    const int64_t *rounding = HXK_AT(c, int64_t, rounding) + lane, *shift = HXK_AT(c, int64_t, shift) + lane;
    const __m256i multiplier = _mm256_loadu_si256((const __m256i *)(HXK_AT(c, int32_t, fast_multiplier) + lane));
    return (NAME(requantizer)){
        .multiplier = multiplier,
        .odd_multiplier = _mm256_shuffle_epi32(multiplier, 0xf5),
        .even_rounding = _mm256_loadu_si256((const __m256i *)rounding),
        .odd_rounding = _mm256_loadu_si256((const __m256i *)(rounding + 4)),
        .even_shift = _mm256_loadu_si256((const __m256i *)shift),
        .odd_shift = _mm256_loadu_si256((const __m256i *)(shift + 4)),
        .correction = _mm256_loadu_si256((const __m256i *)(HXK_AT(c, int32_t, correction) + lane)),
    };
}

/*
 * (acc * multiplier + rounding) >> shift, which has the zero point in it. Unless `high_words`, the rounding is 2^63
 * higher, for the shift is a logical one.
 */
/* Odd lanes are copied, not shifted, down: of a shift the compiler makes products of 64 bits. */
INLINE __m256i NAME(requantize)(__m256i acc, NAME(requantizer) r, const int high_words) {
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(acc, r.multiplier), r.even_rounding);
    const __m256i odd =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_shuffle_epi32(acc, 0xf5), r.odd_multiplier), r.odd_rounding);
    if (high_words) {
        const __m256i words = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
        return _mm256_srav_epi32(words, r.correction);
    }
    const __m256i low = _mm256_srlv_epi64(even, r.even_shift);
    const __m256i high = _mm256_shuffle_epi32(_mm256_srlv_epi64(odd, r.odd_shift), 0xa0);
    return _mm256_sub_epi32(_mm256_blend_epi32(low, high, 0xaa), r.correction);
}

/* Four registers of sums as bytes, one register after the other. */
INLINE __m256i NAME(narrow_four)(__m256i a, __m256i b, __m256i c, __m256i d, __m256i low, __m256i high) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i mixed = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    return _mm256_permutevar8x32_epi32(_mm256_min_epu8(_mm256_max_epu8(mixed, low), high), order);
}

/* The low half of a register. */
INLINE void NAME(store_8)(uint8_t *out, __m128i bytes, size_t width) {
    if (width >= 8) {
        _mm_storel_epi64((__m128i *)out, bytes);
    } else {
        uint8_t all[16];
        _mm_storeu_si128((__m128i *)all, bytes);
        memcpy(out, all, width);
    }
}

/* 8 bytes for each of up to four positions. */
INLINE void NAME(store_four)(uint8_t *out, size_t stride, __m256i bytes, size_t width, const size_t count) {
    const __m128i front = _mm256_castsi256_si128(bytes), back = _mm256_extracti128_si256(bytes, 1);
    NAME(store_8)(out, front, width);
    if (count > 1) NAME(store_8)(out + stride, _mm_unpackhi_epi64(front, front), width);
    if (count > 2) NAME(store_8)(out + 2 * stride, back, width);
    if (count > 3) NAME(store_8)(out + 3 * stride, _mm_unpackhi_epi64(back, back), width);
}

INLINE void NAME(store_16)(uint8_t *out, __m128i bytes, size_t width) {
    if (width >= 16) {
        _mm_storeu_si128((__m128i *)out, bytes);
    } else {
        uint8_t all[16];
        _mm_storeu_si128((__m128i *)all, bytes);
        memcpy(out, all, width);
    }
}

INLINE void NAME(store_sums)(int32_t *out, __m256i sums, size_t width) {
    if (width >= 8) {
        _mm256_storeu_si256((__m256i *)out, sums);
    } else {
        int32_t all[8];
        _mm256_storeu_si256((__m256i *)all, sums);
        memcpy(out, all, width * sizeof(int32_t));
    }
}

/* The sums of `height` positions to bytes. */
INLINE void NAME(narrow)(const size_t height, const size_t vectors, const hxk_convolution *c, const hxk_block *block,
                         __m256i acc[8][2], uint8_t *out, size_t stride, const int high_words) {
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const NAME(requantizer) q = NAME(load_requantizer)(c, block->lane + 8 * v);
        UNROLL for (size_t r = 0; r < height; r++) acc[r][v] = NAME(requantize)(acc[r][v], q, high_words);
    }
    const __m256i low = _mm256_set1_epi8((char)c->low), high = _mm256_set1_epi8((char)c->high);
    if (vectors == 1) {
        UNROLL for (size_t r = 0; r < height; r += 4) {
            const size_t second = r + 1 < height ? r + 1 : r, third = r + 2 < height ? r + 2 : r;
            const size_t fourth = r + 3 < height ? r + 3 : r;
            const __m256i bytes =
                NAME(narrow_four)(acc[r][0], acc[second][0], acc[third][0], acc[fourth][0], low, high);
            NAME(store_four)(out + r * stride, stride, bytes, block->width, height - r);
        }
    } else {
        UNROLL for (size_t r = 0; r < height; r += 2) {
            const size_t second = r + 1 < height ? r + 1 : r;
            const __m256i bytes = NAME(narrow_four)(acc[r][0], acc[r][1], acc[second][0], acc[second][1], low, high);
            NAME(store_16)(out + r * stride, _mm256_castsi256_si128(bytes), block->width);
            if (r + 1 < height)
                NAME(store_16)(out + (r + 1) * stride, _mm256_extracti128_si256(bytes, 1), block->width);
        }
    }
}

/* `height` adjacent positions times `vectors` registers of channels. */
INLINE void NAME(tile)(const size_t height, const size_t vectors, const hxk_convolution *c, const hxk_block *block,
                       const ELEMENT *const *segments, size_t offset, uint8_t *out, size_t stride, int raw) {
    __m256i acc[8][2];
    const int32_t *initial = HXK_AT(c, int32_t, initial) + block->lane;
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const __m256i start = _mm256_loadu_si256((const __m256i *)(initial + 8 * v));
        UNROLL for (size_t r = 0; r < height; r++) acc[r][v] = start;
    }
    const int8_t *w = HXK_AT(c, int8_t, weights) + block->weights;
    const size_t pixel = c->pixel_elements * sizeof(ELEMENT), steps = c->steps;
    for (size_t s = 0; s < c->segments; s++) {
        const uint8_t *x = (const uint8_t *)(segments[s] + offset);
        for (size_t k = 0; k < steps; k++, x += 4, w += WEIGHT_BYTES * vectors) {
            __m256i weight[2];
            UNROLL for (size_t v = 0; v < vectors; v++) weight[v] = LOAD_WEIGHTS(w + WEIGHT_BYTES * v);
            UNROLL for (size_t r = 0; r < height; r++) {
                int32_t word;
                memcpy(&word, x + r * pixel, 4);
                const __m256i value = _mm256_set1_epi32(word);
                UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] = ACCUMULATE(acc[r][v], value, weight[v]);
            }
        }
    }
    if (raw) {
        UNROLL for (size_t v = 0; v < vectors; v++) {
            UNROLL for (size_t r = 0; r < height; r++)
                NAME(store_sums)((int32_t *)(void *)out + r * stride + 8 * v, acc[r][v], block->width - 8 * v);
        }
    } else if (c->high_words) {
        NAME(narrow)(height, vectors, c, block, acc, out, stride, 1);
    } else {
        NAME(narrow)(height, vectors, c, block, acc, out, stride, 0);
    }
}

/* Never inlined, so that each has all registers for itself. */
#define TILE(height, vectors)                                                                                          \
    TARGET static __attribute__((noinline)) void NAME(tile_##height##x##vectors)(                                      \
        const hxk_convolution *c, const hxk_block *block, const ELEMENT *const *segments, size_t offset, uint8_t *out, \
        size_t stride, int raw) {                                                                                      \
        NAME(tile)(height, vectors, c, block, segments, offset, out, stride, raw);                                     \
    }
TILE(8, 1) TILE(4, 1) TILE(2, 1) TILE(1, 1)
TILE(6, 2) TILE(4, 2) TILE(2, 2) TILE(1, 2)

typedef void NAME(tile_function)(const hxk_convolution *, const hxk_block *, const ELEMENT *const *, size_t, uint8_t *,
                                 size_t, int);

TARGET static void NAME(tiles)(const hxk_convolution *c, const hxk_block *block, const ELEMENT *const *segments,
                               size_t offset, size_t count, uint8_t *out, size_t stride, int general) {
    static NAME(tile_function) *const full[] = {NAME(tile_8x1), NAME(tile_6x2)};
    static NAME(tile_function) *const four[] = {NAME(tile_4x1), NAME(tile_4x2)};
    static NAME(tile_function) *const two[] = {NAME(tile_2x1), NAME(tile_2x2)};
    static NAME(tile_function) *const one[] = {NAME(tile_1x1), NAME(tile_1x2)};
    const size_t v = block->vectors - 1, height = v == 0 ? 8 : 6, pixel = c->pixel_elements;
    const int raw = general || c->sums;
    const size_t step = stride * (raw ? 4 : 1);
    while (count > 0) {
        NAME(tile_function) *const *set = count >= 4 ? four : count >= 2 ? two : one;
        size_t taken = count >= 4 ? 4 : count >= 2 ? 2 : 1;
        if (count >= height) set = full, taken = height;
        set[v](c, block, segments, offset, out, stride, raw);
        offset += taken * pixel, out += taken * step, count -= taken;
    }
}

/* 8 channels of a position of an output with `multiplier` channels for each of the input. */
TARGET static __attribute__((noinline)) __m128i NAME(spread)(const uint8_t *p, size_t first, size_t width,
                                                             size_t multiplier) {
    uint8_t bytes[16] = {0};
    for (size_t n = 0; n < width; n++) bytes[n] = p[(first + n) / multiplier];
    return _mm_loadu_si128((const __m128i *)bytes);
}

INLINE void NAME(interleave_from)(const hxk_block *block, const size_t blocks, const int is_plain, size_t multiplier,
                            const uint8_t *const *lines, const size_t *steps, size_t count, uint8_t *out,
                            size_t stride) {
    const size_t first = block->first, width = block->width;
    const uint8_t *p[4];
    const size_t skipped = is_plain ? first : 0;
    UNROLL for (size_t j = 0; j < (WIDENED ? 2 : 4); j++) p[j] = lines[j] + (steps[j] > 0 ? skipped : 0);
    for (size_t x = 0; x < count; x++, out += 32) {
        UNROLL for (size_t b = 0; b < blocks; b++) {
            __m128i line[4];
            UNROLL for (size_t j = 0; j < (WIDENED ? 2 : 4); j++)
                line[j] = is_plain ? _mm_loadl_epi64((const __m128i *)(p[j] + 8 * b)) : NAME(spread)(p[j], first, width, multiplier);
            const __m128i ab = _mm_unpacklo_epi8(line[0], line[1]);
            __m128i *to = (__m128i *)(out + b * stride);
            if (WIDENED) {
                _mm256_storeu_si256((__m256i *)to, _mm256_cvtepu8_epi16(ab));
            } else {
                const __m128i cd = _mm_unpacklo_epi8(line[2], line[3]);
                _mm_storeu_si128(to, _mm_unpacklo_epi16(ab, cd));
                _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(ab, cd));
            }
        }
        UNROLL for (size_t j = 0; j < (WIDENED ? 2 : 4); j++) p[j] += steps[j];
    }
}

/* 8 channels of the lines of a group, side by side: [position][channel][line]. */
TARGET static void NAME(interleave)(const hxk_block *block, size_t blocks, size_t multiplier, const uint8_t *const *lines,
                              const size_t *steps, size_t count, void *out, size_t stride) {
    if (multiplier != 1) {
        NAME(interleave_from)(block, 1, 0, multiplier, lines, steps, count, out, stride);
    } else if (blocks == 4) {
        NAME(interleave_from)(block, 4, 1, 1, lines, steps, count, out, stride);
    } else if (blocks == 2) {
        NAME(interleave_from)(block, 2, 1, 1, lines, steps, count, out, stride);
    } else {
        NAME(interleave_from)(block, 1, 1, 1, lines, steps, count, out, stride);
    }
}

/* `height` adjacent positions of `lines` output lines, at most four together. */
INLINE void NAME(depthwise_tile)(const size_t lines, const size_t height, const size_t width, const size_t quads,
                           const hxk_convolution *c, const hxk_block *block, const uint8_t *strip, const uint8_t *w,
                           __m256i start, NAME(requantizer) q, uint8_t *out, size_t stride, size_t line_stride, const int raw,
                           const int high_words) {
    const size_t step = 32 * c->shape.stride_x, tap = 32 * c->shape.dilation_x, part = 32 * c->padded_width;
    const size_t count = lines * height, size = raw ? 4 : 1, below = c->quads * c->shape.kernel_width * 32;
    __m256i acc[4];
    uint8_t *at[4];
    UNROLL for (size_t l = 0; l < lines; l++) {
        UNROLL for (size_t r = 0; r < height; r++) {
            acc[l * height + r] = start;
            at[l * height + r] = out + (l * line_stride + r * stride) * size;
        }
    }
    for (size_t i = 0; i < quads; i++) {
        for (size_t j = 0; j < width; j++) {
            UNROLL for (size_t r = 0; r < height; r++) {
                const __m256i value = _mm256_loadu_si256((const __m256i *)(strip + i * part + j * tap + r * step));
                UNROLL for (size_t l = 0; l < lines; l++) {
                    const __m256i weight = _mm256_loadu_si256((const __m256i *)(w + l * below + (i * width + j) * 32));
                    acc[l * height + r] = ACCUMULATE(acc[l * height + r], value, weight);
                }
            }
        }
    }
    if (raw) {
        UNROLL for (size_t i = 0; i < count; i++) NAME(store_sums)((int32_t *)(void *)at[i], acc[i], block->width);
        return;
    }
    UNROLL for (size_t i = 0; i < count; i++) acc[i] = NAME(requantize)(acc[i], q, high_words);
    const __m256i low = _mm256_set1_epi8((char)c->low), high = _mm256_set1_epi8((char)c->high);
    const __m256i bytes = NAME(narrow_four)(acc[0], acc[count > 1 ? 1 : 0], acc[count > 2 ? 2 : 0], acc[count > 3 ? 3 : 0], low, high);
    const __m128i front = _mm256_castsi256_si128(bytes), back = _mm256_extracti128_si256(bytes, 1);
    NAME(store_8)(at[0], front, block->width);
    if (count > 1) NAME(store_8)(at[1], _mm_unpackhi_epi64(front, front), block->width);
    if (count > 2) NAME(store_8)(at[2], back, block->width);
    if (count > 3) NAME(store_8)(at[3], _mm_unpackhi_epi64(back, back), block->width);
}

INLINE void NAME(depthwise_lines)(const size_t lines, const size_t line, const size_t width, const size_t quads, const hxk_convolution *c,
                            const hxk_block *block, const uint8_t *strip, uint8_t *out, size_t stride, const int raw,
                            const int high_words) {
    const hxk_convolution_shape *s = &c->shape;
    const uint8_t *w = HXK_AT(c, uint8_t, weights) + block->weights * sizeof(ELEMENT);
    const __m256i start = _mm256_loadu_si256((const __m256i *)(HXK_AT(c, int32_t, initial) + block->lane));
    const NAME(requantizer) q = NAME(load_requantizer)(c, block->lane);
    const size_t step = 32 * s->stride_x, size = raw ? 4 : 1, below = s->out_width * stride, tall = lines == 2 ? 2 : 4;
    w += line * c->quads * s->kernel_width * 32, out += line * below * size;
    size_t x = 0;
    for (; x + tall <= s->out_width; x += tall, strip += tall * step, out += tall * stride * size)
        NAME(depthwise_tile)(lines, tall, width, quads, c, block, strip, w, start, q, out, stride, below, raw, high_words);
    for (; x < s->out_width; x++, strip += step, out += stride * size)
        NAME(depthwise_tile)(lines, 1, width, quads, c, block, strip, w, start, q, out, stride, below, raw, high_words);
}

INLINE void NAME(depthwise_any)(const size_t lines, const size_t line, const hxk_convolution *c, const hxk_block *block, const uint8_t *strip,
                          uint8_t *out, size_t stride, int general) {
    const size_t width = c->shape.kernel_width, quads = c->quads;
    if (general || c->sums) {
        NAME(depthwise_lines)(lines, line, width, quads, c, block, strip, out, stride, 1, 0);
    } else if (!c->high_words) {
        NAME(depthwise_lines)(lines, line, width, quads, c, block, strip, out, stride, 0, 0);
    } else if (quads == (WIDENED ? 2 : 1) && width == 3) {
        NAME(depthwise_lines)(lines, line, 3, (WIDENED ? 2 : 1), c, block, strip, out, stride, 0, 1);
    } else {
        NAME(depthwise_lines)(lines, line, width, quads, c, block, strip, out, stride, 0, 1);
    }
}

TARGET static void NAME(depthwise_block)(const hxk_convolution *c, const hxk_block *block, const void *strip, size_t count,
                            uint8_t *out, size_t stride, int general) {
    /* Two lines together save loads, one alone saves registers. */
    if (count == 2 && c->shape.out_width < 8) {
        NAME(depthwise_any)(2, 0, c, block, strip, out, stride, general);
    } else {
        for (size_t line = 0; line < count; line++) NAME(depthwise_any)(1, line, c, block, strip, out, stride, general);
    }
}

INLINE void NAME(copy)(ELEMENT *restrict to, const uint8_t *restrict from, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = from[i];
}

#define COPY NAME(copy)
#define TILES NAME(tiles)
#define STRIP NAME(interleave)
#define DEPTHWISE NAME(depthwise_block)
#include "convolution_driver.h"

#ifdef HAS_WINOGRAD
#include "winograd_avx2.h"
#endif

TARGET void NAME(hxk_u8s8_convolution)(const hxk_convolution *convolution, const uint8_t *restrict input,
                                       void *restrict output, void *restrict scratch, size_t rows, size_t first,
                                       size_t last) {
    if (convolution->flat) {
        NAME(flat)(convolution, input, output, scratch, rows, first, last);
    } else if (convolution->depthwise) {
        NAME(depthwise)(convolution, input, output, scratch, first, last);
#ifdef HAS_WINOGRAD
    } else if (convolution->winograd) {
        winograd(convolution, input, output, scratch, first, last);
#endif
    } else {
        NAME(direct)(convolution, input, output, scratch, first, last);
    }
}
