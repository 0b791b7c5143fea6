#ifndef HXK_REQUANTIZE_H
#define HXK_REQUANTIZE_H

#include <stdint.h>

/* The formula of Quantization/Requantization, step by step, for all code that has no vectors for it. */

static inline int32_t hxk_clamped(int64_t value, int64_t low, int64_t high) {
    return (int32_t)(value < low ? low : value > high ? high : value);
}

/* A sum before it is narrowed: z of the formula. */
static inline int32_t hxk_scaled(int32_t acc, int32_t multiplier, int32_t left, int32_t right) {
    /* Unsigned arithmetic wraps; signed would be undefined. */
    const int32_t t = (int32_t)((uint32_t)acc << left);
    const int32_t p = hxk_clamped(((int64_t)t * multiplier + (1 << 30)) >> 31, INT32_MIN, INT32_MAX);
    const int64_t half = (UINT32_C(1) << right) >> 1;
    return hxk_clamped(p + half, INT32_MIN, INT32_MAX) >> right;
}

/* z as a byte: saturated at 16 bits, moved, saturated at 8, clamped. */
static inline uint8_t hxk_narrowed(int32_t z, int32_t zero_point, uint8_t low, uint8_t high) {
    const int32_t byte = hxk_clamped(hxk_clamped(z, INT16_MIN, INT16_MAX) + zero_point, 0, 255);
    const int32_t floored = byte < low ? low : byte;
    return (uint8_t)(floored > high ? high : floored);
}

#endif
