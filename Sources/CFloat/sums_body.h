/*
 * The loops, included once for each set of instructions with TARGET, NAME(stem) and ROWS defined. ROWS is how many rows of
 * a product are summed together: as many as the registers of the set hold.
 */

#include <stdint.h>
#include <string.h>

#include "include/CFloat.h"

#pragma STDC FP_CONTRACT OFF

typedef float lanes __attribute__((vector_size(4 * HXF_PANEL), aligned(4), may_alias));
typedef int32_t masks __attribute__((vector_size(4 * HXF_PANEL), aligned(4), may_alias));

/* Through a pointer, because how such a vector is passed depends on the set of instructions. */
TARGET static inline void activate(lanes *sums, hxf_activation activation) {
    if (activation == HXF_NONE) return;
    lanes x = *sums;
    x = (lanes)((masks)x & ~(masks)(x < 0));
    if (activation == HXF_RELU6) {
        const masks above = (masks)(x > 6);
        const lanes six = (lanes){0} + 6;
        x = (lanes)(((masks)six & above) | ((masks)x & ~above));
    }
    *sums = x;
}

TARGET static inline float activated_one(float sum, hxf_activation activation) {
    if (activation == HXF_NONE) return sum;
    if (sum < 0) return 0;
    return activation == HXF_RELU6 && sum > 6 ? 6 : sum;
}

TARGET static inline void store(lanes *sums, float *out, size_t width, hxf_activation activation) {
    activate(sums, activation);
    if (width == HXF_PANEL) {
        *(lanes *)out = *sums;
    } else {
        memcpy(out, sums, width * sizeof(float));
    }
}

TARGET static inline void tile(const float *panel, const float *x, size_t x_stride, size_t inputs, float *out,
                               size_t out_stride, size_t width, hxf_activation activation) {
    const lanes *weights = (const lanes *)(panel + HXF_PANEL);
    lanes sums[ROWS];
    for (size_t r = 0; r < ROWS; r++) sums[r] = *(const lanes *)panel;
    for (size_t k = 0; k < inputs; k++) {
        const lanes w = weights[k];
#pragma clang loop unroll(full)
        for (size_t r = 0; r < ROWS; r++) sums[r] += x[r * x_stride + k] * w;
    }
    for (size_t r = 0; r < ROWS; r++) store(&sums[r], out + r * out_stride, width, activation);
}

TARGET void NAME(hxf_multiply)(const float *packed, size_t inputs, size_t outputs, const float *x, size_t x_stride,
                               size_t rows, float *out, size_t out_stride, hxf_activation activation) {
    /* So many rows of x that they stay in the cache while all panels pass over them. */
    const size_t fit = 49152 / (inputs + 1) / ROWS * ROWS;
    const size_t block = fit < ROWS ? ROWS : fit;
    const size_t panel_floats = (inputs + 1) * HXF_PANEL;
    for (size_t start = 0; start < rows; start += block) {
        const size_t end = rows - start < block ? rows : start + block;
        for (size_t n = 0; n < outputs; n += HXF_PANEL) {
            const float *panel = packed + n / HXF_PANEL * panel_floats;
            const size_t width = outputs - n < HXF_PANEL ? outputs - n : HXF_PANEL;
            size_t row = start;
            for (; row + ROWS <= end; row += ROWS) {
                tile(panel, x + row * x_stride, x_stride, inputs, out + row * out_stride + n, out_stride, width,
                     activation);
            }
            for (; row < end; row++) {
                const lanes *weights = (const lanes *)(panel + HXF_PANEL);
                lanes sum = *(const lanes *)panel;
                for (size_t k = 0; k < inputs; k++) sum += x[row * x_stride + k] * weights[k];
                store(&sum, out + row * out_stride + n, width, activation);
            }
        }
    }
}

/* The first tap of a window that lies on the plane, and the one after the last. */
static inline void taps(size_t position, size_t stride, size_t pad, size_t dilation, size_t count, size_t extent,
                        size_t *first, size_t *last) {
    const size_t start = position * stride;
    *first = start >= pad ? 0 : (pad - start + dilation - 1) / dilation;
    const size_t room = extent + pad > start ? (extent + pad - start + dilation - 1) / dilation : 0;
    *last = room < count ? room : count;
    if (*first > *last) *first = *last;
}

TARGET void NAME(hxf_depthwise)(hxf_window w, const float *weights, const float *bias, const float *plane,
                                float *out, size_t first_row, size_t last_row, hxf_activation activation) {
    const size_t channels = w.channels;
    for (size_t i = first_row; i < last_row; i++) {
        size_t p_first, p_last;
        taps(i, w.stride_y, w.pad_top, w.dilation_y, w.kernel_height, w.in_height, &p_first, &p_last);
        for (size_t j = 0; j < w.out_width; j++) {
            size_t q_first, q_last;
            taps(j, w.stride_x, w.pad_left, w.dilation_x, w.kernel_width, w.in_width, &q_first, &q_last);
            float *to = out + (i * w.out_width + j) * channels;
            size_t c = 0;
            for (; c + HXF_PANEL <= channels; c += HXF_PANEL) {
                lanes sums = *(const lanes *)(bias + c);
                for (size_t p = p_first; p < p_last; p++) {
                    const size_t y = i * w.stride_y + p * w.dilation_y - w.pad_top;
                    for (size_t q = q_first; q < q_last; q++) {
                        const size_t x = j * w.stride_x + q * w.dilation_x - w.pad_left;
                        sums += *(const lanes *)(plane + (y * w.in_width + x) * channels + c)
                                * *(const lanes *)(weights + (p * w.kernel_width + q) * channels + c);
                    }
                }
                activate(&sums, activation);
                *(lanes *)(to + c) = sums;
            }
            for (; c < channels; c++) {
                float sum = bias[c];
                for (size_t p = p_first; p < p_last; p++) {
                    const size_t y = i * w.stride_y + p * w.dilation_y - w.pad_top;
                    for (size_t q = q_first; q < q_last; q++) {
                        const size_t x = j * w.stride_x + q * w.dilation_x - w.pad_left;
                        sum += plane[(y * w.in_width + x) * channels + c]
                               * weights[(p * w.kernel_width + q) * channels + c];
                    }
                }
                to[c] = activated_one(sum, activation);
            }
        }
    }
}

#define COMBINE(expression)                                                        \
    for (size_t start = 0; start < count; start += b_count)                        \
        for (size_t i = 0; i < b_count; i++) {                                     \
            const float x = a[start + i], y = b[i];                                \
            out[start + i] = activated_one(expression, activation);                \
        }                                                                          \
    break

TARGET void NAME(hxf_combine)(hxf_kind kind, const float *restrict a, const float *restrict b, size_t count,
                              size_t b_count, float *restrict out, hxf_activation activation) {
    if (b_count == 1 && count > 1) {
        /* One number for all: a few of it, so that the loop runs over more than one element. */
        float many[HXF_PANEL];
        for (size_t i = 0; i < HXF_PANEL; i++) many[i] = b[0];
        const size_t whole = count / HXF_PANEL * HXF_PANEL;
        if (whole > 0) NAME(hxf_combine)(kind, a, many, whole, HXF_PANEL, out, activation);
        if (count > whole) {
            NAME(hxf_combine)(kind, a + whole, many, count - whole, count - whole, out + whole, activation);
        }
        return;
    }
    switch (kind) {
        case HXF_ADD: COMBINE(x + y);
        case HXF_SUBTRACT: COMBINE(x - y);
        case HXF_MULTIPLY: COMBINE(x * y);
        case HXF_DIVIDE: COMBINE(x / y);
        case HXF_MAXIMUM: COMBINE(x < y ? y : x);
        case HXF_MINIMUM: COMBINE(y < x ? y : x);
    }
}
