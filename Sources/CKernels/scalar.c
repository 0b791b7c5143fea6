#include "CKernels.h"

/* Unsigned arithmetic wraps; signed would be undefined. */

HXK_FULLY_CONNECTED(scalar) {
    const size_t groups = (inputs + 3) / 4;
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *restrict x = input + r * inputs;
        int32_t *restrict y = out + r * outputs;
        for (size_t n0 = 0; n0 < outputs; n0 += 32) {
            const size_t width = outputs - n0 < 32 ? outputs - n0 : 32;
            const int8_t *restrict w = weights + n0 * groups * 4;
            uint32_t sums[32];
            for (size_t n = 0; n < 32; n++) sums[n] = (uint32_t)initial[n0 + n];
            for (size_t k = 0; k < inputs; k++) {
                const int32_t value = x[k];
                const int8_t *column = w + k / 4 * 128 + k % 4;
                for (size_t n = 0; n < 32; n++) sums[n] += (uint32_t)(value * column[4 * n]);
            }
            for (size_t n = 0; n < width; n++) y[n0 + n] = (int32_t)sums[n];
        }
    }
}

static inline int32_t clamp(int64_t value, int64_t low, int64_t high) {
    return (int32_t)(value < low ? low : value > high ? high : value);
}

HXK_REQUANTIZE(scalar) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < channels; c++) {
            const size_t i = r * channels + c;
            const int32_t t = (int32_t)((uint32_t)accumulators[i] << left_shift[c]);
            const int32_t p = clamp(((int64_t)t * multiplier[c] + (1 << 30)) >> 31, INT32_MIN, INT32_MAX);
            const int32_t half = (int32_t)((UINT32_C(1) << right_shift[c]) >> 1);
            const int32_t z = clamp((int64_t)p + half, INT32_MIN, INT32_MAX) >> right_shift[c];
            const int32_t h = clamp(z, INT16_MIN, INT16_MAX) + zero_point;
            const int32_t byte = clamp(h, 0, 255);
            const int32_t floored = byte < low ? low : byte;
            out[i] = (uint8_t)(floored > high ? high : floored);
        }
    }
}

void hxk_u8_add_row_sums__scalar(size_t rows, size_t inputs, size_t outputs, const uint8_t *input, int32_t factor,
                                 int32_t *out) {
    for (size_t r = 0; r < rows; r++) {
        uint32_t sum = 0;
        for (size_t k = 0; k < inputs; k++) sum += input[r * inputs + k];
        sum *= (uint32_t)factor;
        for (size_t n = 0; n < outputs; n++) out[r * outputs + n] = (int32_t)((uint32_t)out[r * outputs + n] + sum);
    }
}
