#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

/* Four inputs from k on, as one little-endian word; beyond `inputs` zeros. */
AVX2 static inline int32_t four_inputs(const uint8_t *x, size_t k, size_t inputs) {
    int32_t word = 0;
    memcpy(&word, x + k, inputs - k < 4 ? inputs - k : 4);
    return word;
}

/*
 * 8 outputs of `height` rows. Both operands are widened to 16 bits for vpmaddwd, whose sums of two products cannot
 * overflow; vpmaddubsw would saturate at 16 bits.
 */
AVX2 static inline __attribute__((always_inline)) void tile(size_t height, size_t inputs, const uint8_t *x,
                                                            const int8_t *w, const int32_t *initial,
                                                            int32_t out[4][8]) {
    __m256i low[4], high[4];
    for (size_t r = 0; r < height; r++) low[r] = high[r] = _mm256_setzero_si256();
    const size_t whole = inputs / 4 * 4;
    for (size_t k = 0; k < inputs; k += 4, w += 128) {
        const __m256i bytes = _mm256_loadu_si256((const __m256i *)w);
        const __m256i w_low = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes));
        const __m256i w_high = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1));
        for (size_t r = 0; r < height; r++) {
            int32_t word;
            if (k < whole) {
                memcpy(&word, x + r * inputs + k, 4);
            } else {
                word = four_inputs(x + r * inputs, k, inputs);
            }
            const __m256i value = _mm256_cvtepu8_epi16(_mm_set1_epi32(word));
            low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(value, w_low));
            high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(value, w_high));
        }
    }
    const __m256i start = _mm256_loadu_si256((const __m256i *)initial);
    for (size_t r = 0; r < height; r++) {
        const __m256i pairs = _mm256_hadd_epi32(low[r], high[r]);
        const __m256i sums = _mm256_permute4x64_epi64(pairs, _MM_SHUFFLE(3, 1, 2, 0));
        _mm256_storeu_si256((__m256i *)out[r], _mm256_add_epi32(sums, start));
    }
}

AVX2 HXK_FULLY_CONNECTED(avx2) {
    const size_t groups = (inputs + 3) / 4;
    int32_t sums[4][8];
    for (size_t r = 0; r < rows;) {
        const size_t height = rows - r >= 4 ? 4 : 1;
        const uint8_t *x = input + r * inputs;
        for (size_t n = 0; n < outputs; n += 8) {
            const int8_t *w = weights + n / 32 * groups * 128 + n % 32 * 4;
            if (height == 4) {
                tile(4, inputs, x, w, initial + n, sums);
            } else {
                tile(1, inputs, x, w, initial + n, sums);
            }
            const size_t width = outputs - n < 8 ? outputs - n : 8;
            for (size_t i = 0; i < height; i++) memcpy(out + (r + i) * outputs + n, sums[i], width * sizeof(int32_t));
        }
        r += height;
    }
}

/* Bits 62..31 of the 64-bit products plus 2^30 are the high-half product; only -2^31 * -2^31 leaves 32 bits. */
AVX2 static inline __m256i multiply_high(__m256i t, __m256i m) {
    const __m256i round = _mm256_set1_epi64x(INT64_C(1) << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(t, m), round);
    const __m256i odd =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(t, 32), _mm256_srli_epi64(m, 32)), round);
    const __m256i p = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
    const __m256i least = _mm256_set1_epi32(INT32_MIN);
    const __m256i both = _mm256_and_si256(_mm256_cmpeq_epi32(t, least), _mm256_cmpeq_epi32(m, least));
    /* All ones added to INT32_MIN wraps to INT32_MAX. */
    return _mm256_add_epi32(p, both);
}

AVX2 HXK_REQUANTIZE(avx2) {
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i zero_points = _mm256_set1_epi32(zero_point);
    const __m256i low16 = _mm256_set1_epi32(INT16_MIN), high16 = _mm256_set1_epi32(INT16_MAX);
    const __m256i lows = _mm256_set1_epi32(low), highs = _mm256_set1_epi32(high);
    const __m256i least_bytes = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8,
                                                 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const size_t whole = channels / 8 * 8;
    for (size_t r = 0; r < rows; r++) {
        const int32_t *a = accumulators + r * channels;
        uint8_t *y = out + r * channels;
        for (size_t c = 0; c < whole; c += 8) {
            const __m256i left = _mm256_loadu_si256((const __m256i *)(left_shift + c));
            const __m256i right = _mm256_loadu_si256((const __m256i *)(right_shift + c));
            const __m256i t = _mm256_sllv_epi32(_mm256_loadu_si256((const __m256i *)(a + c)), left);
            const __m256i p = multiply_high(t, _mm256_loadu_si256((const __m256i *)(multiplier + c)));
            const __m256i half = _mm256_srli_epi32(_mm256_sllv_epi32(one, right), 1);
            const __m256i room = _mm256_sub_epi32(_mm256_set1_epi32(INT32_MAX), half);
            const __m256i z = _mm256_srav_epi32(_mm256_add_epi32(_mm256_min_epi32(p, room), half), right);
            const __m256i narrow = _mm256_max_epi32(_mm256_min_epi32(z, high16), low16);
            const __m256i h = _mm256_add_epi32(narrow, zero_points);
            const __m256i saturated =
                _mm256_min_epi32(_mm256_max_epi32(h, _mm256_setzero_si256()), _mm256_set1_epi32(255));
            const __m256i byte = _mm256_min_epi32(_mm256_max_epi32(saturated, lows), highs);
            const __m256i packed = _mm256_shuffle_epi8(byte, least_bytes);
            const int32_t first = _mm256_extract_epi32(packed, 0), second = _mm256_extract_epi32(packed, 4);
            memcpy(y + c, &first, 4);
            memcpy(y + c + 4, &second, 4);
        }
        hxk_s32_requantize_u8__scalar(1, channels - whole, a + whole, multiplier + whole, left_shift + whole,
                                      right_shift + whole, zero_point, low, high, y + whole);
    }
}

#endif
