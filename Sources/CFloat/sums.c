#include <string.h>

#include "include/CFloat.h"

#define DECLARE(suffix)                                                                                               \
    void hxf_multiply##suffix(const float *, size_t, size_t, const float *, size_t, size_t, float *, size_t,          \
                              hxf_activation);                                                                        \
    void hxf_depthwise##suffix(hxf_window, const float *, const float *, const float *, float *, size_t,      \
                               size_t, hxf_activation);                                                               \
    void hxf_combine##suffix(hxf_kind, const float *, const float *, size_t, size_t, float *, hxf_activation);

DECLARE(__plain)
DECLARE(__avx2)
DECLARE(__avx512f)

/* __builtin_cpu_supports also asks whether the operating system saves the wide registers. */
#if defined(__x86_64__)
#define CHOOSE(stem)                                         \
    (__builtin_cpu_supports("avx512f") ? stem##__avx512f     \
     : __builtin_cpu_supports("avx2")  ? stem##__avx2        \
                                       : stem##__plain)
#else
#define CHOOSE(stem) stem##__plain
#endif

size_t hxf_packed(size_t inputs, size_t outputs) {
    return (outputs + HXF_PANEL - 1) / HXF_PANEL * HXF_PANEL * (inputs + 1);
}

void hxf_pack(const float *weights, const float *bias, size_t inputs, size_t outputs, float *packed) {
    for (size_t first = 0; first < outputs; first += HXF_PANEL) {
        for (size_t lane = 0; lane < HXF_PANEL; lane++) {
            const size_t n = first + lane;
            packed[lane] = n < outputs ? bias[n] : 0;
            for (size_t k = 0; k < inputs; k++) {
                packed[(k + 1) * HXF_PANEL + lane] = n < outputs ? weights[n * inputs + k] : 0;
            }
        }
        packed += (inputs + 1) * HXF_PANEL;
    }
}

void hxf_multiply(const float *packed, size_t inputs, size_t outputs, const float *x, size_t x_stride, size_t rows,
                  float *out, size_t out_stride, hxf_activation activation) {
    CHOOSE(hxf_multiply)(packed, inputs, outputs, x, x_stride, rows, out, out_stride, activation);
}

void hxf_gather(hxf_window w, hxf_place place, const float *plane, float *patches) {
    for (size_t j = place.first_column; j < place.last_column; j++) {
        for (size_t p = 0; p < w.kernel_height; p++) {
            const size_t y = place.row * w.stride_y + p * w.dilation_y;
            const int is_row = y >= w.pad_top && y - w.pad_top < w.in_height;
            for (size_t q = 0; q < w.kernel_width; q++) {
                const size_t x = j * w.stride_x + q * w.dilation_x;
                if (is_row && x >= w.pad_left && x - w.pad_left < w.in_width) {
                    const size_t point = (y - w.pad_top) * w.in_width + x - w.pad_left;
                    memcpy(patches, plane + point * w.channels + place.first_channel, place.channels * sizeof(float));
                } else {
                    memset(patches, 0, place.channels * sizeof(float));
                }
                patches += place.channels;
            }
        }
    }
}

void hxf_depthwise(hxf_window w, const float *weights, const float *bias, const float *plane, float *out,
                   size_t first_row, size_t last_row, hxf_activation activation) {
    CHOOSE(hxf_depthwise)(w, weights, bias, plane, out, first_row, last_row, activation);
}

void hxf_combine(hxf_kind kind, const float *a, const float *b, size_t count, size_t b_count, float *out,
                 hxf_activation activation) {
    CHOOSE(hxf_combine)(kind, a, b, count, b_count, out, activation);
}
