#include "include/hxk_convolution.h"
#include "requantize.h"

void hxk_u8s16_convolution__scalar(const hxk_convolution_shape *shape, const int16_t *weights, const int32_t *initial,
                                   const hxk_requantization *requantization, const uint8_t *restrict input,
                                   void *restrict output, size_t rows, size_t first, size_t last) {
    (void)rows;
    const hxk_convolution_shape s = *shape;
    const size_t part = s.in_channels / s.groups, each = s.out_channels / s.groups;
    const size_t row = s.kernel_height * s.kernel_width * part;
    for (size_t unit = first; unit < last; unit++) {
        const size_t image = unit / s.out_height, y = unit % s.out_height;
        const uint8_t *map = input + image * s.in_height * s.in_width * s.in_channels;
        for (size_t x = 0; x < s.out_width; x++) {
            for (size_t n = 0; n < s.out_channels; n++) {
                /* Unsigned arithmetic wraps; signed would be undefined. */
                uint32_t sum = (uint32_t)initial[n];
                for (size_t i = 0; i < s.kernel_height; i++) {
                    for (size_t j = 0; j < s.kernel_width; j++) {
                        const size_t below = y * s.stride_y + i * s.dilation_y;
                        const size_t beside = x * s.stride_x + j * s.dilation_x;
                        const int16_t *w = weights + n * row + (i * s.kernel_width + j) * part;
                        const int is_inside = below >= s.pad_top && below - s.pad_top < s.in_height &&
                                              beside >= s.pad_left && beside - s.pad_left < s.in_width;
                        if (!is_inside) {
                            for (size_t k = 0; k < part; k++) sum += (uint32_t)(s.zero_point * w[k]);
                            continue;
                        }
                        const size_t at = (below - s.pad_top) * s.in_width + beside - s.pad_left;
                        const uint8_t *v = map + at * s.in_channels + n / each * part;
                        for (size_t k = 0; k < part; k++) sum += (uint32_t)(v[k] * w[k]);
                    }
                }
                const size_t at = (unit * s.out_width + x) * s.out_channels + n;
                const int32_t acc = (int32_t)sum;
                if (requantization == NULL) {
                    ((int32_t *)output)[at] = acc;
                    continue;
                }
                const hxk_requantization *q = requantization;
                const int32_t z = hxk_scaled(acc, q->multiplier[n], q->left_shift[n], q->right_shift[n]);
                ((uint8_t *)output)[at] = hxk_narrowed(z, q->zero_point, q->low, q->high);
            }
        }
    }
}
