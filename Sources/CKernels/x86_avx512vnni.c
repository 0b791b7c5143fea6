#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

/* 32 outputs of `height` rows: vpdpbusd is vrmpyacc on 16 words, and wraps likewise. */
AVX512 static inline __attribute__((always_inline)) void tile(size_t height, size_t inputs, size_t outputs,
                                                              const uint8_t *x, const int8_t *w,
                                                              const int32_t *initial, int32_t *out, __mmask16 low_lanes,
                                                              __mmask16 high_lanes) {
    __m512i low[8], high[8];
    for (size_t r = 0; r < height; r++) {
        low[r] = _mm512_loadu_si512(initial);
        high[r] = _mm512_loadu_si512(initial + 16);
    }
    const size_t whole = inputs / 4 * 4;
    for (size_t k = 0; k < whole; k += 4, w += 128) {
        const __m512i w_low = _mm512_loadu_si512(w);
        const __m512i w_high = _mm512_loadu_si512(w + 64);
        for (size_t r = 0; r < height; r++) {
            int32_t word;
            memcpy(&word, x + r * inputs + k, 4);
            const __m512i value = _mm512_set1_epi32(word);
            low[r] = _mm512_dpbusd_epi32(low[r], value, w_low);
            high[r] = _mm512_dpbusd_epi32(high[r], value, w_high);
        }
    }
    if (whole < inputs) {
        const __m512i w_low = _mm512_loadu_si512(w);
        const __m512i w_high = _mm512_loadu_si512(w + 64);
        for (size_t r = 0; r < height; r++) {
            int32_t word = 0;
            memcpy(&word, x + r * inputs + whole, inputs - whole);
            const __m512i value = _mm512_set1_epi32(word);
            low[r] = _mm512_dpbusd_epi32(low[r], value, w_low);
            high[r] = _mm512_dpbusd_epi32(high[r], value, w_high);
        }
    }
    for (size_t r = 0; r < height; r++) {
        _mm512_mask_storeu_epi32(out + r * outputs, low_lanes, low[r]);
        if (high_lanes) _mm512_mask_storeu_epi32(out + r * outputs + 16, high_lanes, high[r]);
    }
}

AVX512 HXK_FULLY_CONNECTED(avx512vnni) {
    const size_t groups = (inputs + 3) / 4;
    for (size_t r = 0; r < rows;) {
        const size_t height = rows - r >= 8 ? 8 : 1;
        const uint8_t *x = input + r * inputs;
        for (size_t n = 0; n < outputs; n += 32) {
            const size_t width = outputs - n < 32 ? outputs - n : 32;
            const uint32_t lanes = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
            const int8_t *w = weights + n * groups * 4;
            int32_t *y = out + r * outputs + n;
            if (height == 8) {
                tile(8, inputs, outputs, x, w, initial + n, y, (__mmask16)lanes, (__mmask16)(lanes >> 16));
            } else {
                tile(1, inputs, outputs, x, w, initial + n, y, (__mmask16)lanes, (__mmask16)(lanes >> 16));
            }
        }
        r += height;
    }
}

AVX512 HXK_REQUANTIZE(avx512vnni) {
    const __m512i round = _mm512_set1_epi64(INT64_C(1) << 30);
    const __m512i least = _mm512_set1_epi32(INT32_MIN), most = _mm512_set1_epi32(INT32_MAX);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < channels; c += 16) {
            const __mmask16 lanes = channels - c < 16 ? (__mmask16)((1u << (channels - c)) - 1) : 0xffff;
            const __m512i left = _mm512_maskz_loadu_epi32(lanes, left_shift + c);
            const __m512i right = _mm512_maskz_loadu_epi32(lanes, right_shift + c);
            const __m512i m = _mm512_maskz_loadu_epi32(lanes, multiplier + c);
            const __m512i t = _mm512_sllv_epi32(_mm512_maskz_loadu_epi32(lanes, accumulators + r * channels + c), left);
            /* Bits 62..31 of the 64-bit products plus 2^30; only -2^31 * -2^31 leaves 32 bits. */
            const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(t, m), round);
            const __m512i odd =
                _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(t, 32), _mm512_srli_epi64(m, 32)), round);
            const __m512i p = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
            const __mmask16 both = _mm512_cmpeq_epi32_mask(t, least) & _mm512_cmpeq_epi32_mask(m, least);
            const __m512i product = _mm512_mask_mov_epi32(p, both, most);
            const __m512i half = _mm512_srli_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), right), 1);
            const __m512i room = _mm512_sub_epi32(most, half);
            const __m512i z = _mm512_srav_epi32(_mm512_add_epi32(_mm512_min_epi32(product, room), half), right);
            const __m512i narrow = _mm512_max_epi32(_mm512_min_epi32(z, _mm512_set1_epi32(INT16_MAX)),
                                                    _mm512_set1_epi32(INT16_MIN));
            const __m512i h = _mm512_max_epi32(_mm512_add_epi32(narrow, _mm512_set1_epi32(zero_point)),
                                               _mm512_setzero_si512());
            const __m512i saturated = _mm512_min_epi32(h, _mm512_set1_epi32(255));
            const __m512i byte = _mm512_min_epi32(_mm512_max_epi32(saturated, _mm512_set1_epi32(low)),
                                                  _mm512_set1_epi32(high));
            _mm_mask_storeu_epi8(out + r * channels + c, lanes, _mm512_cvtepi32_epi8(byte));
        }
    }
}

#endif
