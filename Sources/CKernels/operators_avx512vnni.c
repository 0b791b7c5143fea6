#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hxk_operators.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define NAME(stem) stem##__avx512vnni
#define HAS_TABLE
#define HAS_ADDITION

/* Two lookups in 128 bytes each, of which the index's sign bit chooses. */
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) static size_t look_up_permuting(
    const uint8_t *restrict table, const uint8_t *restrict from, uint8_t *restrict to, size_t count) {
    __m512i part[4];
    for (size_t i = 0; i < 4; i++) part[i] = _mm512_loadu_si512(table + 64 * i);
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        const __m512i index = _mm512_loadu_si512(from + i);
        const __m512i low = _mm512_permutex2var_epi8(part[0], index, part[1]);
        const __m512i high = _mm512_permutex2var_epi8(part[2], index, part[3]);
        _mm512_storeu_si512(to + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high));
    }
    return i;
}

TARGET static void look_up__avx512vnni(const uint8_t *restrict table, const uint8_t *restrict from, uint8_t *restrict to,
                                       size_t count) {
    size_t i = __builtin_cpu_supports("avx512vbmi") ? look_up_permuting(table, from, to, count) : 0;
    for (; i < count; i++) to[i] = table[from[i]];
}

/* x >> shift of one register of pairs of activations. */
TARGET static inline __m512i added(__m512i pairs, __m512i multipliers, __m512i bias, __m128i shift) {
    return _mm512_sra_epi32(_mm512_add_epi32(_mm512_madd_epi16(pairs, multipliers), bias), shift);
}

/* Whole registers of an addition: activations of both operands side by side, so that one instruction adds both products. */
TARGET static size_t add__avx512vnni(const hxk_addition *p, const uint8_t *restrict a, const uint8_t *restrict b,
                           uint8_t *restrict out, size_t count) {
    const __m512i zero = _mm512_setzero_si512(), bias = _mm512_set1_epi32(p->bias);
    const __m512i multipliers = _mm512_set1_epi32((int32_t)((uint32_t)p->b_multiplier << 16 | (uint16_t)p->a_multiplier));
    const __m512i zero_point = _mm512_set1_epi16((int16_t)p->zero_point);
    const __m512i low = _mm512_set1_epi8((char)p->low), high = _mm512_set1_epi8((char)p->high);
    const __m128i shift = _mm_cvtsi32_si128(p->shift);
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        const __m512i x = _mm512_loadu_si512(a + i), y = _mm512_loadu_si512(b + i);
        const __m512i front = _mm512_unpacklo_epi8(x, y), back = _mm512_unpackhi_epi8(x, y);
        const __m512i first = added(_mm512_unpacklo_epi8(front, zero), multipliers, bias, shift);
        const __m512i second = added(_mm512_unpackhi_epi8(front, zero), multipliers, bias, shift);
        const __m512i third = added(_mm512_unpacklo_epi8(back, zero), multipliers, bias, shift);
        const __m512i fourth = added(_mm512_unpackhi_epi8(back, zero), multipliers, bias, shift);
        const __m512i left = _mm512_adds_epi16(_mm512_packs_epi32(first, second), zero_point);
        const __m512i right = _mm512_adds_epi16(_mm512_packs_epi32(third, fourth), zero_point);
        const __m512i bytes = _mm512_packus_epi16(left, right);
        _mm512_storeu_si512(out + i, _mm512_min_epu8(_mm512_max_epu8(bytes, low), high));
    }
    return i;
}

#include "operators_body.h"

#endif
