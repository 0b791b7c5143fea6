#include "convolution.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,prefer-256-bit")))
#define INLINE TARGET static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/* How the sums of one register of channels become bytes. */
typedef struct {
    __m512i multiplier, odd_multiplier, even_rounding, odd_rounding, even_shift, odd_shift, word_shift;
} requantizer;

INLINE requantizer load_requantizer(const hxk_convolution *c, size_t lane) {
    const int64_t *rounding = HXK_AT(c, int64_t, rounding) + lane, *shift = HXK_AT(c, int64_t, shift) + lane;
    const __m512i multiplier = _mm512_loadu_si512(HXK_AT(c, int32_t, fast_multiplier) + lane);
    return (requantizer){
        .multiplier = multiplier,
        .odd_multiplier = _mm512_srli_epi64(multiplier, 32),
        .even_rounding = _mm512_loadu_si512(rounding),
        .odd_rounding = _mm512_loadu_si512(rounding + 8),
        .even_shift = _mm512_loadu_si512(shift),
        .odd_shift = _mm512_loadu_si512(shift + 8),
        .word_shift = _mm512_loadu_si512(HXK_AT(c, int32_t, correction) + lane),
    };
}

/* (acc * multiplier + rounding) >> shift, which has the zero point in it. */
INLINE __m512i requantize(__m512i acc, requantizer r, const int high_words) {
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, r.multiplier), r.even_rounding);
    const __m512i odd =
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(acc, 32), r.odd_multiplier), r.odd_rounding);
    if (high_words)
        return _mm512_srav_epi32(_mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB), r.word_shift);
    const __m512i low = _mm512_srav_epi64(even, r.even_shift);
    const __m512i high = _mm512_srav_epi64(odd, r.odd_shift);
    return _mm512_mask_shuffle_epi32(low, 0xaaaa, high, _MM_PERM_CCAA);
}

/* Four registers of sums as bytes, one register after the other. */
INLINE __m512i narrow_four(__m512i a, __m512i b, __m512i c, __m512i d, __m512i low, __m512i high) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i mixed = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
    return _mm512_permutexvar_epi32(order, _mm512_min_epu8(_mm512_max_epu8(mixed, low), high));
}

/* Masked stores are slow on some processors even when the mask is full. */
INLINE void store_16(uint8_t *out, __m128i bytes, size_t width) {
    if (width >= 16) {
        _mm_storeu_si128((__m128i *)out, bytes);
    } else {
        _mm_mask_storeu_epi8(out, (__mmask16)((1u << width) - 1), bytes);
    }
}

INLINE void store_32(uint8_t *out, __m256i bytes, size_t width) {
    if (width >= 32) {
        _mm256_storeu_si256((__m256i *)out, bytes);
    } else {
        _mm256_mask_storeu_epi8(out, (__mmask32)((1u << width) - 1), bytes);
    }
}

INLINE void store_64(uint8_t *out, __m512i bytes, size_t width) {
    if (width >= 64) {
        _mm512_storeu_si512(out, bytes);
    } else {
        _mm512_mask_storeu_epi8(out, ((__mmask64)1 << width) - 1, bytes);
    }
}

INLINE void store_sums(int32_t *out, __m512i sums, size_t width) {
    if (width >= 16) {
        _mm512_storeu_si512(out, sums);
    } else {
        _mm512_mask_storeu_epi32(out, (__mmask16)((1u << width) - 1), sums);
    }
}

INLINE __m512i four_bytes(const uint8_t *p) {
    int32_t word;
    memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
}

/* The sums of `height` positions to bytes. */
INLINE void narrow(const size_t height, const size_t vectors, const hxk_convolution *c, const hxk_block *block,
                   __m512i acc[16][4], uint8_t *out, size_t stride, const int high_words) {
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const requantizer q = load_requantizer(c, block->lane + 16 * v);
        UNROLL for (size_t r = 0; r < height; r++) acc[r][v] = requantize(acc[r][v], q, high_words);
    }
    const __m512i low = _mm512_set1_epi8((char)c->low), high = _mm512_set1_epi8((char)c->high);
    const size_t width = block->width;
    if (vectors == 1) {
        UNROLL for (size_t r = 0; r < height; r += 4) {
            const size_t second = r + 1 < height ? r + 1 : r, third = r + 2 < height ? r + 2 : r;
            const size_t fourth = r + 3 < height ? r + 3 : r;
            const __m512i bytes =
                narrow_four(acc[r][0], acc[second][0], acc[third][0], acc[fourth][0], low, high);
            store_16(out + r * stride, _mm512_castsi512_si128(bytes), width);
            if (r + 1 < height) store_16(out + (r + 1) * stride, _mm512_extracti32x4_epi32(bytes, 1), width);
            if (r + 2 < height) store_16(out + (r + 2) * stride, _mm512_extracti32x4_epi32(bytes, 2), width);
            if (r + 3 < height) store_16(out + (r + 3) * stride, _mm512_extracti32x4_epi32(bytes, 3), width);
        }
    } else if (vectors == 2) {
        UNROLL for (size_t r = 0; r < height; r += 2) {
            const size_t second = r + 1 < height ? r + 1 : r;
            const __m512i bytes = narrow_four(acc[r][0], acc[r][1], acc[second][0], acc[second][1], low, high);
            store_32(out + r * stride, _mm512_castsi512_si256(bytes), width);
            if (r + 1 < height) store_32(out + (r + 1) * stride, _mm512_extracti64x4_epi64(bytes, 1), width);
        }
    } else {
        UNROLL for (size_t r = 0; r < height; r++) {
            const __m512i bytes =
                narrow_four(acc[r][0], acc[r][1], acc[r][2], acc[r][vectors == 4 ? 3 : 2], low, high);
            store_64(out + r * stride, bytes, width);
        }
    }
}

/* `height` adjacent positions times `vectors` registers of channels. */
INLINE void tile(const size_t height, const size_t vectors, const hxk_convolution *c, const hxk_block *block,
                 const uint8_t *const *segments, size_t offset, uint8_t *out, size_t stride, int raw) {
    __m512i acc[16][4];
    const int32_t *initial = HXK_AT(c, int32_t, initial) + block->lane;
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const __m512i start = _mm512_loadu_si512(initial + 16 * v);
        UNROLL for (size_t r = 0; r < height; r++) acc[r][v] = start;
    }
    const int8_t *w = HXK_AT(c, int8_t, weights) + block->weights;
    const size_t pixel = c->pixel_elements, steps = c->steps;
    for (size_t s = 0; s < c->segments; s++) {
        const uint8_t *x = segments[s] + offset;
        for (size_t k = 0; k < steps; k++, x += 4, w += 64 * vectors) {
            __m512i weight[4];
            UNROLL for (size_t v = 0; v < vectors; v++) weight[v] = _mm512_loadu_si512(w + 64 * v);
            UNROLL for (size_t r = 0; r < height; r++) {
                const __m512i value = four_bytes(x + r * pixel);
                UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] = _mm512_dpbusd_epi32(acc[r][v], value, weight[v]);
            }
        }
    }
    if (raw) {
        UNROLL for (size_t v = 0; v < vectors; v++) {
            UNROLL for (size_t r = 0; r < height; r++)
                store_sums((int32_t *)(void *)out + r * stride + 16 * v, acc[r][v], block->width - 16 * v);
        }
    } else if (c->high_words) {
        narrow(height, vectors, c, block, acc, out, stride, 1);
    } else {
        narrow(height, vectors, c, block, acc, out, stride, 0);
    }
}

/* Never inlined, so that each has all registers for itself. */
#define TILE(height, vectors)                                                                                          \
    TARGET static __attribute__((noinline)) void tile_##height##x##vectors(                                            \
        const hxk_convolution *c, const hxk_block *block, const uint8_t *const *segments, size_t offset, uint8_t *out, \
        size_t stride, int raw) {                                                                                      \
        tile(height, vectors, c, block, segments, offset, out, stride, raw);                                           \
    }
#define TILE_ROW(vectors, full) TILE(full, vectors) TILE(4, vectors) TILE(2, vectors) TILE(1, vectors)
TILE_ROW(1, 12)
TILE_ROW(2, 12)
TILE_ROW(3, 8)
TILE_ROW(4, 6)

typedef void tile_function(const hxk_convolution *, const hxk_block *, const uint8_t *const *, size_t, uint8_t *, size_t,
                           int);

TARGET static void tiles(const hxk_convolution *c, const hxk_block *block, const uint8_t *const *segments, size_t offset,
                         size_t count, uint8_t *out, size_t stride, int general) {
    static tile_function *const full[] = {tile_12x1, tile_12x2, tile_8x3, tile_6x4};
    static tile_function *const four[] = {tile_4x1, tile_4x2, tile_4x3, tile_4x4};
    static tile_function *const two[] = {tile_2x1, tile_2x2, tile_2x3, tile_2x4};
    static tile_function *const one[] = {tile_1x1, tile_1x2, tile_1x3, tile_1x4};
    static const size_t heights[] = {12, 12, 8, 6};
    const size_t v = block->vectors - 1, height = heights[v], pixel = c->pixel_elements;
    const int raw = general || c->sums;
    const size_t step = stride * (raw ? 4 : 1);
    while (count > 0) {
        tile_function *const *set = count >= 4 ? four : count >= 2 ? two : one;
        size_t taken = count >= 4 ? 4 : count >= 2 ? 2 : 1;
        if (count >= height) set = full, taken = height;
        set[v](c, block, segments, offset, out, stride, raw);
        offset += taken * pixel, out += taken * step, count -= taken;
    }
}

/* 16 channels of a position of an output with `multiplier` channels for each of the input. */
TARGET static __attribute__((noinline)) __m128i spread(const uint8_t *p, size_t first, size_t width, size_t multiplier) {
    uint8_t bytes[16] = {0};
    for (size_t n = 0; n < width; n++) bytes[n] = p[(first + n) / multiplier];
    return _mm_loadu_si128((const __m128i *)bytes);
}

INLINE void interleave_from(const hxk_block *block, const size_t blocks, const int is_plain, size_t multiplier,
                            const uint8_t *const *lines, const size_t *steps, size_t count, uint8_t *out,
                            size_t stride) {
    const size_t first = block->first, width = block->width;
    const uint8_t *p[4];
    const size_t skipped = is_plain ? first : 0;
    UNROLL for (size_t j = 0; j < 4; j++) p[j] = lines[j] + (steps[j] > 0 ? skipped : 0);
    for (size_t x = 0; x < count; x++, out += 64) {
        UNROLL for (size_t b = 0; b < blocks; b++) {
            __m128i line[4];
            UNROLL for (size_t j = 0; j < 4; j++)
                line[j] = is_plain ? _mm_loadu_si128((const __m128i *)(p[j] + 16 * b)) : spread(p[j], first, width, multiplier);
            const __m128i ab = _mm_unpacklo_epi8(line[0], line[1]), cd = _mm_unpacklo_epi8(line[2], line[3]);
            const __m128i ef = _mm_unpackhi_epi8(line[0], line[1]), gh = _mm_unpackhi_epi8(line[2], line[3]);
            __m128i *to = (__m128i *)(out + b * stride);
            _mm_storeu_si128(to, _mm_unpacklo_epi16(ab, cd));
            _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(ab, cd));
            _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(ef, gh));
            _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(ef, gh));
        }
        UNROLL for (size_t j = 0; j < 4; j++) p[j] += steps[j];
    }
}

/* 16 channels of four lines, side by side: [position][channel][line]. */
TARGET static void interleave(const hxk_block *block, size_t blocks, size_t multiplier, const uint8_t *const *lines,
                              const size_t *steps, size_t count, void *out, size_t stride) {
    if (multiplier != 1) {
        interleave_from(block, 1, 0, multiplier, lines, steps, count, out, stride);
    } else if (blocks == 4) {
        interleave_from(block, 4, 1, 1, lines, steps, count, out, stride);
    } else if (blocks == 2) {
        interleave_from(block, 2, 1, 1, lines, steps, count, out, stride);
    } else {
        interleave_from(block, 1, 1, 1, lines, steps, count, out, stride);
    }
}

/* `height` adjacent positions of `lines` output lines, at most four together. */
INLINE void depthwise_tile(const size_t lines, const size_t height, const size_t width, const size_t quads,
                           const hxk_convolution *c, const hxk_block *block, const uint8_t *strip, const uint8_t *w,
                           __m512i start, requantizer q, uint8_t *out, size_t stride, size_t line_stride, const int raw,
                           const int high_words) {
    const size_t step = 64 * c->shape.stride_x, tap = 64 * c->shape.dilation_x, part = 64 * c->padded_width;
    const size_t count = lines * height, size = raw ? 4 : 1, below = c->quads * c->shape.kernel_width * 64;
    __m512i acc[4];
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
                const __m512i value = _mm512_loadu_si512(strip + i * part + j * tap + r * step);
                UNROLL for (size_t l = 0; l < lines; l++) {
                    const __m512i weight = _mm512_loadu_si512(w + l * below + (i * width + j) * 64);
                    acc[l * height + r] = _mm512_dpbusd_epi32(acc[l * height + r], value, weight);
                }
            }
        }
    }
    if (raw) {
        UNROLL for (size_t i = 0; i < count; i++) store_sums((int32_t *)(void *)at[i], acc[i], block->width);
        return;
    }
    UNROLL for (size_t i = 0; i < count; i++) acc[i] = requantize(acc[i], q, high_words);
    const __m512i low = _mm512_set1_epi8((char)c->low), high = _mm512_set1_epi8((char)c->high);
    const __m512i bytes = narrow_four(acc[0], acc[count > 1 ? 1 : 0], acc[count > 2 ? 2 : 0], acc[count > 3 ? 3 : 0], low, high);
    store_16(at[0], _mm512_castsi512_si128(bytes), block->width);
    if (count > 1) store_16(at[1], _mm512_extracti32x4_epi32(bytes, 1), block->width);
    if (count > 2) store_16(at[2], _mm512_extracti32x4_epi32(bytes, 2), block->width);
    if (count > 3) store_16(at[3], _mm512_extracti32x4_epi32(bytes, 3), block->width);
}

INLINE void depthwise_lines(const size_t lines, const size_t width, const size_t quads, const hxk_convolution *c,
                            const hxk_block *block, const uint8_t *strip, uint8_t *out, size_t stride, const int raw,
                            const int high_words) {
    const hxk_convolution_shape *s = &c->shape;
    const uint8_t *w = HXK_AT(c, uint8_t, weights) + block->weights;
    const __m512i start = _mm512_loadu_si512(HXK_AT(c, int32_t, initial) + block->lane);
    const requantizer q = load_requantizer(c, block->lane);
    const size_t step = 64 * s->stride_x, size = raw ? 4 : 1, line = s->out_width * stride, tall = lines == 2 ? 2 : 4;
    size_t x = 0;
    for (; x + tall <= s->out_width; x += tall, strip += tall * step, out += tall * stride * size)
        depthwise_tile(lines, tall, width, quads, c, block, strip, w, start, q, out, stride, line, raw, high_words);
    for (; x < s->out_width; x++, strip += step, out += stride * size)
        depthwise_tile(lines, 1, width, quads, c, block, strip, w, start, q, out, stride, line, raw, high_words);
}

INLINE void depthwise_any(const size_t lines, const hxk_convolution *c, const hxk_block *block, const uint8_t *strip,
                          uint8_t *out, size_t stride, int general) {
    const size_t width = c->shape.kernel_width, quads = c->quads;
    if (general || c->sums) {
        depthwise_lines(lines, width, quads, c, block, strip, out, stride, 1, 0);
    } else if (!c->high_words) {
        depthwise_lines(lines, width, quads, c, block, strip, out, stride, 0, 0);
    } else if (quads == 1 && width == 3) {
        depthwise_lines(lines, 3, 1, c, block, strip, out, stride, 0, 1);
    } else {
        depthwise_lines(lines, width, quads, c, block, strip, out, stride, 0, 1);
    }
}

TARGET static void depthwise_block(const hxk_convolution *c, const hxk_block *block, const void *strip, size_t count,
                            uint8_t *out, size_t stride, int general) {
    if (count == 2) {
        depthwise_any(2, c, block, strip, out, stride, general);
    } else {
        depthwise_any(1, c, block, strip, out, stride, general);
    }
}

#define NAME(stem) stem##__avx512vnni
#define ELEMENT uint8_t
#define COPY(to, from, count) memcpy(to, from, count)
#define TILES tiles
#define STRIP interleave
#define DEPTHWISE depthwise_block
#include "convolution_driver.h"

TARGET HXK_CONVOLUTION(avx512vnni) {
    if (convolution->flat) {
        flat__avx512vnni(convolution, input, output, scratch, rows, first, last);
    } else if (convolution->depthwise) {
        depthwise__avx512vnni(convolution, input, output, scratch, first, last);
    } else {
        direct__avx512vnni(convolution, input, output, scratch, first, last);
    }
}

#endif
