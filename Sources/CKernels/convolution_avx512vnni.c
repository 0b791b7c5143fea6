#include "convolution.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,prefer-256-bit")))
#define INLINE TARGET static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/* How the sums of one register of channels become bytes. */
typedef struct {
    __m512i multiplier, odd_multiplier, even_rounding, odd_rounding, even_shift, odd_shift;
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
    };
}

/* (acc * multiplier + rounding) >> shift, which has the zero point in it. */
INLINE __m512i requantize(__m512i acc, requantizer r) {
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, r.multiplier), r.even_rounding);
    const __m512i odd =
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(acc, 32), r.odd_multiplier), r.odd_rounding);
    const __m512i low = _mm512_srav_epi64(even, r.even_shift);
    const __m512i high = _mm512_srav_epi64(odd, r.odd_shift);
    return _mm512_mask_shuffle_epi32(low, 0xaaaa, high, _MM_PERM_CCAA);
}

INLINE __m512i four_bytes(const uint8_t *p) {
    int32_t word;
    memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
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
            const size_t left = block->width - 16 * v;
            const __mmask16 valid = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
            UNROLL for (size_t r = 0; r < height; r++)
                _mm512_mask_storeu_epi32((int32_t *)(void *)out + r * stride + 16 * v, valid, acc[r][v]);
        }
        return;
    }
    if (vectors == 4) {
        UNROLL for (size_t v = 0; v < vectors; v++) {
            const requantizer q = load_requantizer(c, block->lane + 16 * v);
            UNROLL for (size_t r = 0; r < height; r++) acc[r][v] = requantize(acc[r][v], q);
        }
        const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        const __m512i low = _mm512_set1_epi8((char)c->low), high = _mm512_set1_epi8((char)c->high);
        const __mmask64 valid = block->width == 64 ? ~(__mmask64)0 : ((__mmask64)1 << block->width) - 1;
        UNROLL for (size_t r = 0; r < height; r++) {
            const __m512i first = _mm512_packs_epi32(acc[r][0], acc[r][1]);
            const __m512i second = _mm512_packs_epi32(acc[r][2], acc[r][3]);
            const __m512i mixed = _mm512_packus_epi16(first, second);
            const __m512i bytes = _mm512_permutexvar_epi32(order, mixed);
            _mm512_mask_storeu_epi8(out + r * stride, valid, _mm512_min_epu8(_mm512_max_epu8(bytes, low), high));
        }
        return;
    }
    const __m128i low = _mm_set1_epi8((char)c->low), high = _mm_set1_epi8((char)c->high);
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const requantizer q = load_requantizer(c, block->lane + 16 * v);
        const size_t left = block->width - 16 * v;
        const __mmask16 valid = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
        UNROLL for (size_t r = 0; r < height; r++) {
            const __m512i z = _mm512_max_epi32(requantize(acc[r][v], q), _mm512_setzero_si512());
            const __m128i bytes = _mm512_cvtusepi32_epi8(z);
            _mm_mask_storeu_epi8(out + r * stride + 16 * v, valid, _mm_min_epu8(_mm_max_epu8(bytes, low), high));
        }
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

/* 16 channels of four lines, side by side: [position][channel][line]. */
TARGET static void interleave(const hxk_convolution *c, const hxk_block *block, size_t multiplier, const uint8_t *const *lines,
                         uint8_t *out) {
    const hxk_convolution_shape *s = &c->shape;
    const __m128i zero = _mm_set1_epi8((char)s->zero_point);
    const __mmask16 valid = (__mmask16)((1u << block->width) - 1);
    const size_t before = s->pad_left < c->padded_width ? s->pad_left : c->padded_width;
    const size_t behind = before + s->in_width < c->padded_width ? before + s->in_width : c->padded_width;
    for (size_t x = 0; x < before; x++) _mm512_storeu_si512(out + 64 * x, _mm512_broadcast_i32x4(zero));
    for (size_t x = behind; x < c->padded_width; x++) _mm512_storeu_si512(out + 64 * x, _mm512_broadcast_i32x4(zero));
    const size_t channels = s->in_channels, first = block->first;
    for (size_t x = before; x < behind; x++) {
        __m128i line[4];
        UNROLL for (size_t j = 0; j < 4; j++) {
            line[j] = zero;
            if (lines[j] == NULL) continue;
            const uint8_t *p = lines[j] + (x - before) * channels;
            if (multiplier == 1) {
                line[j] = _mm_maskz_loadu_epi8(valid, p + first);
            } else {
                uint8_t bytes[16] = {0};
                for (size_t n = 0; n < block->width; n++) bytes[n] = p[(first + n) / multiplier];
                line[j] = _mm_loadu_si128((const __m128i *)bytes);
            }
        }
        const __m128i ab = _mm_unpacklo_epi8(line[0], line[1]), cd = _mm_unpacklo_epi8(line[2], line[3]);
        const __m128i ef = _mm_unpackhi_epi8(line[0], line[1]), gh = _mm_unpackhi_epi8(line[2], line[3]);
        __m128i *to = (__m128i *)(out + 64 * x);
        _mm_storeu_si128(to, _mm_unpacklo_epi16(ab, cd));
        _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(ab, cd));
        _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(ef, gh));
        _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(ef, gh));
    }
}

INLINE void depthwise_line(const size_t width, const size_t quads, const hxk_convolution *c, const hxk_block *block,
                           const uint8_t *strip, size_t line, uint8_t *out, size_t stride, int raw) {
    const hxk_convolution_shape *s = &c->shape;
    const int8_t *w = HXK_AT(c, int8_t, weights) + block->weights + line * c->quads * s->kernel_width * 64;
    const __m512i start = _mm512_loadu_si512(HXK_AT(c, int32_t, initial) + block->lane);
    const requantizer q = load_requantizer(c, block->lane);
    const __m128i low = _mm_set1_epi8((char)c->low), high = _mm_set1_epi8((char)c->high);
    const __mmask16 valid = (__mmask16)((1u << block->width) - 1);
    const size_t step = 64 * s->stride_x, tap = 64 * s->dilation_x, part = 64 * c->padded_width;
    for (size_t x = 0; x < s->out_width; x++, strip += step) {
        __m512i acc = start;
        for (size_t i = 0; i < quads; i++) {
            for (size_t j = 0; j < width; j++) {
                acc = _mm512_dpbusd_epi32(acc, _mm512_loadu_si512(strip + i * part + j * tap),
                                          _mm512_loadu_si512(w + (i * width + j) * 64));
            }
        }
        if (raw) {
            _mm512_mask_storeu_epi32((int32_t *)(void *)out + x * stride, valid, acc);
        } else {
            const __m512i z = _mm512_max_epi32(requantize(acc, q), _mm512_setzero_si512());
            const __m128i bytes = _mm_min_epu8(_mm_max_epu8(_mm512_cvtusepi32_epi8(z), low), high);
            _mm_mask_storeu_epi8(out + x * stride, valid, bytes);
        }
    }
}

TARGET static void depthwise_block(const hxk_convolution *c, const hxk_block *block, const uint8_t *strip, size_t line,
                                   uint8_t *out, size_t stride, int general) {
    const int raw = general || c->sums;
    if (c->quads == 1 && c->shape.kernel_width == 3) {
        depthwise_line(3, 1, c, block, strip, line, out, stride, raw);
    } else {
        depthwise_line(c->shape.kernel_width, c->quads, c, block, strip, line, out, stride, raw);
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
