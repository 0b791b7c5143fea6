#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hxk_operators.h"

#define TARGET __attribute__((target("avx2")))
#define NAME(stem) stem##__avx2
#define HAS_TABLE
#define HAS_ADDITION

/*
 * 16 tables of 16 bytes. Of table i, vpshufb takes the bytes 16 i ... 16 i + 15: less 16 i they are 0 ... 15, and more by
 * 0x70 their sign bit is clear; all others then have it set and give 0.
 */
TARGET static void look_up__avx2(const uint8_t *restrict table, const uint8_t *restrict from, uint8_t *restrict to,
                                 size_t count) {
    size_t i = 0;
    const __m256i sixteen = _mm256_set1_epi8(16), bias = _mm256_set1_epi8(0x70);
    for (; i + 32 <= count; i += 32) {
        __m256i index = _mm256_loadu_si256((const __m256i *)(from + i)), found = _mm256_setzero_si256();
        for (size_t part = 0; part < 16; part++) {
            const __m256i entries =
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table + 16 * part)));
            found = _mm256_or_si256(found, _mm256_shuffle_epi8(entries, _mm256_adds_epu8(index, bias)));
            index = _mm256_sub_epi8(index, sixteen);
        }
        _mm256_storeu_si256((__m256i *)(to + i), found);
    }
    for (; i < count; i++) to[i] = table[from[i]];
}

/* x >> shift of one register of pairs of activations. */
TARGET static inline __m256i added(__m256i pairs, __m256i multipliers, __m256i bias, __m128i shift) {
    return _mm256_sra_epi32(_mm256_add_epi32(_mm256_madd_epi16(pairs, multipliers), bias), shift);
}

/* Whole registers of an addition: activations of both operands side by side, so that one instruction adds both products. */
TARGET static size_t add__avx2(const hxk_addition *p, const uint8_t *restrict a, const uint8_t *restrict b,
                           uint8_t *restrict out, size_t count) {
    const __m256i zero = _mm256_setzero_si256(), bias = _mm256_set1_epi32(p->bias);
    const __m256i multipliers = _mm256_set1_epi32((int32_t)((uint32_t)p->b_multiplier << 16 | (uint16_t)p->a_multiplier));
    const __m256i zero_point = _mm256_set1_epi16((int16_t)p->zero_point);
    const __m256i low = _mm256_set1_epi8((char)p->low), high = _mm256_set1_epi8((char)p->high);
    const __m128i shift = _mm_cvtsi32_si128(p->shift);
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        const __m256i x = _mm256_loadu_si256((const __m256i *)(a + i)), y = _mm256_loadu_si256((const __m256i *)(b + i));
        const __m256i front = _mm256_unpacklo_epi8(x, y), back = _mm256_unpackhi_epi8(x, y);
        const __m256i first = added(_mm256_unpacklo_epi8(front, zero), multipliers, bias, shift);
        const __m256i second = added(_mm256_unpackhi_epi8(front, zero), multipliers, bias, shift);
        const __m256i third = added(_mm256_unpacklo_epi8(back, zero), multipliers, bias, shift);
        const __m256i fourth = added(_mm256_unpackhi_epi8(back, zero), multipliers, bias, shift);
        const __m256i left = _mm256_adds_epi16(_mm256_packs_epi32(first, second), zero_point);
        const __m256i right = _mm256_adds_epi16(_mm256_packs_epi32(third, fourth), zero_point);
        const __m256i bytes = _mm256_packus_epi16(left, right);
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_min_epu8(_mm256_max_epu8(bytes, low), high));
    }
    return i;
}

#include "operators_body.h"

#endif
