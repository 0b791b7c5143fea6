/*
 * The operators in plain C, included once for each set of instructions with TARGET and NAME(stem) defined. Loops run over
 * adjacent bytes without branches, so that the compiler makes vectors of them.
 */

#include <string.h>

#include "include/hxk_operators.h"
#include "requantize.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CLAMP(value, low, high) MIN(MAX(value, low), high)

TARGET void NAME(hxk_u8_addition)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                  size_t rows, size_t first, size_t last) {
    (void)scratch;
    const hxk_addition p = *(const hxk_addition *)parameters;
    const uint8_t *restrict a = inputs[0], *restrict b = inputs[1];
    uint8_t *restrict out = output;
    const size_t end = MIN(last * HXK_UNIT_ELEMENTS, rows * p.count);
    const int16_t am = (int16_t)p.a_multiplier, bm = (int16_t)p.b_multiplier;
    size_t i = first * HXK_UNIT_ELEMENTS;
#ifdef HAS_ADDITION
    if (i < end) i += NAME(add)(&p, a + i, b + i, out + i, end - i);
#endif
    for (; i < end; i++) {
        const int32_t x = (int16_t)a[i] * am + (int16_t)b[i] * bm + p.bias;
        const int32_t h = CLAMP(x >> p.shift, INT16_MIN, INT16_MAX) + p.zero_point;
        out[i] = (uint8_t)CLAMP(h, p.low, p.high);
    }
}

TARGET void NAME(hxk_u8_multiplication)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                        size_t rows, size_t first, size_t last) {
    (void)scratch;
    const hxk_multiplication p = *(const hxk_multiplication *)parameters;
    const uint8_t *restrict a = inputs[0], *restrict b = inputs[1];
    uint8_t *restrict out = output;
    const size_t end = MIN(last * HXK_UNIT_ELEMENTS, rows * p.count);
    for (size_t i = first * HXK_UNIT_ELEMENTS; i < end; i++) {
        const int32_t acc = (a[i] - p.a_zero_point) * (b[i] - p.b_zero_point);
        const int32_t z = hxk_scaled(acc, p.multiplier, p.left_shift, p.right_shift);
        out[i] = hxk_narrowed(z, p.zero_point, p.low, p.high);
    }
}

#ifndef HAS_TABLE
TARGET static inline void NAME(look_up)(const uint8_t *restrict table, const uint8_t *restrict from, uint8_t *restrict to,
                                        size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = table[from[i]];
}
#endif

TARGET void NAME(hxk_u8_table)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                               size_t rows, size_t first, size_t last) {
    (void)scratch;
    const hxk_table *p = parameters;
    const size_t start = first * HXK_UNIT_ELEMENTS, end = MIN(last * HXK_UNIT_ELEMENTS, rows * p->count);
    if (start < end)
        NAME(look_up)(p->table, (const uint8_t *)inputs[0] + start, (uint8_t *)output + start, end - start);
}

TARGET void NAME(hxk_u8_softmax)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                 size_t rows, size_t first, size_t last) {
    (void)scratch;
    const hxk_softmax *p = parameters;
    const size_t end = MIN(last * HXK_UNIT_VECTORS, rows * p->outer);
    for (size_t i = first * HXK_UNIT_VECTORS; i < end; i++) {
        const uint8_t *restrict x = (const uint8_t *)inputs[0] + i * p->channels;
        uint8_t *restrict out = (uint8_t *)output + i * p->channels;
        uint8_t greatest = 0;
        for (size_t c = 0; c < p->channels; c++) greatest = MAX(greatest, x[c]);
        uint32_t sum = 0;
        for (size_t c = 0; c < p->channels; c++) sum += p->exponentials[greatest - x[c]];
        for (size_t c = 0; c < p->channels; c++) {
            const uint32_t share = (256u * p->exponentials[greatest - x[c]] + sum / 2) / sum;
            out[c] = (uint8_t)MIN(share, 255u);
        }
    }
}

/* The taps of a window that lie inside, first to last excluded. */
typedef struct {
    size_t first, last;
} NAME(span);

TARGET static inline NAME(span)
    NAME(inside)(size_t index, size_t stride, size_t before, size_t dilation, size_t taps, size_t size) {
    const ptrdiff_t start = (ptrdiff_t)(index * stride) - (ptrdiff_t)before;
    const size_t first = start >= 0 ? 0 : ((size_t)-start + dilation - 1) / dilation;
    const ptrdiff_t room = (ptrdiff_t)size - start;
    const size_t last = room <= 0 ? 0 : ((size_t)room + dilation - 1) / dilation;
    return (NAME(span)){MIN(first, taps), MIN(MAX(last, first), taps)};
}

TARGET void NAME(hxk_u8_maximum_pool)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                      size_t rows, size_t first, size_t last) {
    (void)scratch, (void)rows;
    const hxk_pool *p = parameters;
    const hxk_convolution_shape s = p->shape;
    const size_t channels = s.in_channels;
    const uint8_t low = p->low, high = p->high;
    for (size_t unit = first; unit < last; unit++) {
        const size_t y = unit % s.out_height;
        const uint8_t *map = (const uint8_t *)inputs[0] + unit / s.out_height * s.in_height * s.in_width * channels;
        const NAME(span) down = NAME(inside)(y, s.stride_y, s.pad_top, s.dilation_y, s.kernel_height, s.in_height);
        for (size_t x = 0; x < s.out_width; x++) {
            const NAME(span) across = NAME(inside)(x, s.stride_x, s.pad_left, s.dilation_x, s.kernel_width, s.in_width);
            uint8_t *restrict out = (uint8_t *)output + (unit * s.out_width + x) * channels;
            memset(out, low, channels);
            for (size_t i = down.first; i < down.last; i++) {
                for (size_t j = across.first; j < across.last; j++) {
                    const size_t line = y * s.stride_y + i * s.dilation_y - s.pad_top;
                    const size_t column = x * s.stride_x + j * s.dilation_x - s.pad_left;
                    const uint8_t *restrict in = map + (line * s.in_width + column) * channels;
                    for (size_t c = 0; c < channels; c++) out[c] = MAX(out[c], in[c]);
                }
            }
            for (size_t c = 0; c < channels; c++) out[c] = MIN(out[c], high);
        }
    }
}

TARGET void NAME(hxk_u8_average_pool)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                      size_t rows, size_t first, size_t last) {
    (void)rows;
    const hxk_pool *p = parameters;
    const hxk_convolution_shape s = p->shape;
    const size_t channels = s.in_channels;
    int32_t *restrict sums = scratch;
    for (size_t unit = first; unit < last; unit++) {
        const size_t y = unit % s.out_height;
        const uint8_t *map = (const uint8_t *)inputs[0] + unit / s.out_height * s.in_height * s.in_width * channels;
        const NAME(span) down = NAME(inside)(y, s.stride_y, s.pad_top, s.dilation_y, s.kernel_height, s.in_height);
        for (size_t x = 0; x < s.out_width; x++) {
            const NAME(span) across = NAME(inside)(x, s.stride_x, s.pad_left, s.dilation_x, s.kernel_width, s.in_width);
            const size_t taps = (down.last - down.first) * (across.last - across.first);
            const size_t at = p->counts == 1 ? 0 : taps - 1;
            const int32_t start = -(int32_t)taps * s.zero_point;
            for (size_t c = 0; c < channels; c++) sums[c] = start;
            for (size_t i = down.first; i < down.last; i++) {
                for (size_t j = across.first; j < across.last; j++) {
                    const size_t line = y * s.stride_y + i * s.dilation_y - s.pad_top;
                    const size_t column = x * s.stride_x + j * s.dilation_x - s.pad_left;
                    const uint8_t *restrict in = map + (line * s.in_width + column) * channels;
                    for (size_t c = 0; c < channels; c++) sums[c] += in[c];
                }
            }
            uint8_t *restrict out = (uint8_t *)output + (unit * s.out_width + x) * channels;
            const int32_t multiplier = p->multiplier[at], left = p->left_shift[at], right = p->right_shift[at];
            for (size_t c = 0; c < channels; c++)
                out[c] = hxk_narrowed(hxk_scaled(sums[c], multiplier, left, right), p->out_zero_point, p->low, p->high);
        }
    }
}

TARGET void NAME(hxk_u8_concatenation)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                       size_t rows, size_t first, size_t last) {
    (void)scratch;
    const hxk_concatenation *p = parameters;
    const size_t start = first * HXK_UNIT_VECTORS, end = MIN(last * HXK_UNIT_VECTORS, rows * p->outer);
    size_t offset = 0;
    for (size_t part = 0; part < p->parts; part++) {
        const size_t count = p->counts[part];
        const uint8_t *in = inputs[part];
        for (size_t i = start; i < end; i++) {
            uint8_t *out = (uint8_t *)output + i * p->width + offset;
            if (p->tables[part] == NULL) {
                memcpy(out, in + i * count, count);
            } else {
                NAME(look_up)(p->tables[part], in + i * count, out, count);
            }
        }
        offset += count;
    }
}

TARGET void NAME(hxk_u8_strided_copy)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                      size_t rows, size_t first, size_t last) {
    (void)scratch, (void)rows;
    const hxk_strided_copy *p = parameters;
    const size_t *n = p->size;
    const ptrdiff_t *in_by = p->in_stride, *out_by = p->out_stride;
    for (size_t row = first; row < last; row++) {
        const uint8_t *in = (const uint8_t *)inputs[0] + row * p->input_bytes + p->in_start;
        uint8_t *out = (uint8_t *)output + row * p->out_bytes;
        if (p->has_border) memset(out, p->value, p->out_bytes);
        out += p->out_start;
        for (size_t a = 0; a < n[0]; a++)
            for (size_t b = 0; b < n[1]; b++)
                for (size_t c = 0; c < n[2]; c++)
                    for (size_t d = 0; d < n[3]; d++)
                        for (size_t e = 0; e < n[4]; e++) {
                            const ptrdiff_t i[5] = {(ptrdiff_t)a, (ptrdiff_t)b, (ptrdiff_t)c, (ptrdiff_t)d, (ptrdiff_t)e};
                            const uint8_t *from = in;
                            uint8_t *to = out;
                            for (size_t k = 0; k < 5; k++) from += i[k] * in_by[k], to += i[k] * out_by[k];
                            if (in_by[5] == 1) {
                                memcpy(to, from, n[5]);
                            } else {
                                for (size_t f = 0; f < n[5]; f++) to[f] = from[(ptrdiff_t)f * in_by[5]];
                            }
                        }
    }
}

TARGET void NAME(hxk_u8_resize)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                size_t rows, size_t first, size_t last) {
    (void)scratch, (void)rows;
    const hxk_resize *p = parameters;
    const size_t channels = p->channels, line = p->in_width * channels;
    for (size_t unit = first; unit < last; unit++) {
        const size_t y = unit % p->lines;
        const uint8_t *map = (const uint8_t *)inputs[0] + unit / p->lines * p->in_height * line;
        const uint8_t *top = map + p->line_first[y] * line, *bottom = map + p->line_second[y] * line;
        const int32_t g = p->line_fraction[y];
        for (size_t x = 0; x < p->columns; x++) {
            const size_t from = p->column_first[x] * channels, next = p->column_second[x] * channels;
            const int32_t f = p->column_fraction[x];
            uint8_t *restrict out = (uint8_t *)output + (unit * p->columns + x) * channels;
            const uint8_t *restrict a = top + from, *restrict b = top + next;
            const uint8_t *restrict c = bottom + from, *restrict d = bottom + next;
            if (f == 0 && g == 0) {
                memcpy(out, a, channels);
                continue;
            }
            for (size_t i = 0; i < channels; i++) {
                const int32_t above = a[i] * (128 - f) + b[i] * f, below = c[i] * (128 - f) + d[i] * f;
                out[i] = (uint8_t)((above * (128 - g) + below * g + 8192) >> 14);
            }
        }
    }
}

TARGET void NAME(hxk_u8_gather)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                size_t rows, size_t first, size_t last) {
    (void)scratch;
    const hxk_gather *p = parameters;
    const size_t end = MIN(last * HXK_UNIT_VECTORS, rows * p->indices);
    for (size_t i = first * HXK_UNIT_VECTORS; i < end; i++) {
        int32_t index;
        memcpy(&index, (const uint8_t *)inputs[0] + 4 * i, 4);
        const size_t row = index < 0 ? 0 : MIN((size_t)index, p->rows - 1);
        memcpy((uint8_t *)output + i * p->width, p->table + row * p->width, p->width);
    }
}

TARGET void NAME(hxk_s16s8_convolution)(const void *parameters, const void *const *inputs, void *output, void *scratch,
                                        size_t rows, size_t first, size_t last) {
    (void)scratch, (void)rows;
    const hxk_wide_convolution *p = parameters;
    const hxk_convolution_shape s = p->shape;
    const size_t part = s.in_channels / s.groups, each = s.out_channels / s.groups;
    const size_t row = s.kernel_height * s.kernel_width * part;
    for (size_t unit = first; unit < last; unit++) {
        const size_t y = unit % s.out_height;
        const int16_t *map = (const int16_t *)inputs[0] + unit / s.out_height * s.in_height * s.in_width * s.in_channels;
        const NAME(span) down = NAME(inside)(y, s.stride_y, s.pad_top, s.dilation_y, s.kernel_height, s.in_height);
        for (size_t x = 0; x < s.out_width; x++) {
            const NAME(span) across = NAME(inside)(x, s.stride_x, s.pad_left, s.dilation_x, s.kernel_width, s.in_width);
            for (size_t n = 0; n < s.out_channels; n++) {
                uint32_t sum = (uint32_t)p->biases[n];
                for (size_t i = down.first; i < down.last; i++) {
                    for (size_t j = across.first; j < across.last; j++) {
                        const size_t line = y * s.stride_y + i * s.dilation_y - s.pad_top;
                        const size_t column = x * s.stride_x + j * s.dilation_x - s.pad_left;
                        const int16_t *restrict v = map + (line * s.in_width + column) * s.in_channels + n / each * part;
                        const int8_t *restrict w = p->weights + n * row + (i * s.kernel_width + j) * part;
                        /* A product fits 24 bits; the sum wraps. */
                        uint32_t dot = 0;
                        for (size_t k = 0; k < part; k++) dot += (uint32_t)((int32_t)v[k] * (int16_t)w[k]);
                        sum += dot;
                    }
                }
                const size_t at = (unit * s.out_width + x) * s.out_channels + n;
                if (p->multiplier == NULL) {
                    ((int32_t *)output)[at] = (int32_t)sum;
                } else {
                    const int32_t z =
                        hxk_scaled((int32_t)sum, p->multiplier[n], p->left_shift[n], p->right_shift[n]);
                    const int32_t half = CLAMP(z, INT16_MIN, INT16_MAX);
                    ((int16_t *)output)[at] = (int16_t)MIN(MAX(half, p->low), p->high);
                }
            }
        }
    }
}
