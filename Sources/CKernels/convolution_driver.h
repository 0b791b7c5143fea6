/*
 * What every variant does around its tiles; included once by each with these macros defined:
 *
 *   TARGET                       function attributes
 *   NAME(stem)                   stem__variant
 *   ELEMENT                      uint8_t, or uint16_t when activations are widened
 *   COPY(to, from, count)        copies activations to scratch memory, widening them
 *   TILES(convolution, block, segments, offset, count, out, general)
 *                                sums of `count` adjacent positions, to bytes, or to s32 when `general` or `sums`
 *   STRIP(block, blocks, multiplier, lines, steps, count, strip, stride)
 *                                depthwise: interleaves `count` positions of one, two or four blocks of channels of one
 *                                group of lines; line j goes on by steps[j] bytes, which is 0 for a line of the border;
 *                                strips of blocks lie `stride` bytes apart
 *   DEPTHWISE(convolution, block, strip, count, out, stride, general)
 *                                depthwise: `count` output lines of a block of channels, positions `stride` apart
 */

#include "requantize.h"

/* The requantization as HVX does it, for parameters that `fast_channel` refused. */
static inline void NAME(general)(const hxk_convolution *c, size_t first, size_t width, const int32_t *sums,
                                 size_t sums_stride, size_t count, uint8_t *out) {
    const int32_t *multiplier = HXK_AT(c, int32_t, multiplier) + first;
    const int32_t *left = HXK_AT(c, int32_t, left_shift) + first, *right = HXK_AT(c, int32_t, right_shift) + first;
    for (size_t i = 0; i < count; i++, sums += sums_stride, out += c->shape.out_channels) {
        for (size_t n = 0; n < width; n++) {
            const int32_t z = hxk_scaled(sums[n], multiplier[n], left[n], right[n]);
            out[n] = hxk_narrowed(z, c->zero_point, c->low, c->high);
        }
    }
}

/* Positions of a map of which nothing overlaps: units are stretches of positions times blocks of channels. */
TARGET static void NAME(flat)(const hxk_convolution *c, const uint8_t *input, uint8_t *output, uint8_t *scratch,
                              size_t rows, size_t first, size_t last) {
    const size_t channels = c->shape.out_channels, positions = rows * c->row_pixels;
    const int general = !c->fast && !c->sums;
    const size_t size = c->sums ? 4 : 1;
    ELEMENT *widened = (ELEMENT *)scratch;
    int32_t *sums = (int32_t *)(scratch + (sizeof(ELEMENT) > 1 ? (c->unit_pixels * c->pixel_elements * sizeof(ELEMENT) + 64 + 63) / 64 * 64 : 0));
    size_t held = SIZE_MAX;
    for (size_t unit = first; unit < last; unit++) {
        const size_t start = unit / c->blocks * c->unit_pixels;
        const size_t count = positions - start < c->unit_pixels ? positions - start : c->unit_pixels;
        const hxk_block *block = HXK_AT(c, hxk_block, blocks) + unit % c->blocks;
        const ELEMENT *segment = (const ELEMENT *)(const void *)(input + start * c->pixel_elements);
        if (sizeof(ELEMENT) > 1) {
            if (held != start) COPY(widened, input + start * c->pixel_elements, count * c->pixel_elements);
            held = start;
            segment = widened;
        }
        uint8_t *out = output + (start * channels + block->first) * size;
        if (general) {
            TILES(c, block, &segment, block->input, count, (uint8_t *)sums, block->width, 1);
            NAME(general)(c, block->first, block->width, sums, block->width, count, out);
        } else {
            TILES(c, block, &segment, block->input, count, out, channels, 0);
        }
    }
}

/* Lines with their border in a ring, so that a line is copied once for all output lines that see it. */
TARGET static void NAME(direct)(const hxk_convolution *c, const uint8_t *input, uint8_t *output, uint8_t *scratch,
                                size_t first, size_t last) {
    const hxk_convolution_shape *s = &c->shape;
    const int general = !c->fast && !c->sums;
    const size_t size = c->sums ? 4 : 1, channels = s->in_channels;
    const size_t line_bytes = s->in_width * channels;
    const int joined = c->segments == s->kernel_height;
    const size_t before = s->pad_left < c->padded_width ? s->pad_left : c->padded_width;
    const size_t inside = c->padded_width - before < s->in_width ? c->padded_width - before : s->in_width;
    const size_t behind = c->padded_width - before - inside;
    const int copies = sizeof(ELEMENT) > 1 || before > 0 || behind > 0;

    size_t *held = (size_t *)scratch;
    scratch += (c->ring * sizeof(size_t) + 63) / 64 * 64;
    const ELEMENT **segments = (const ELEMENT **)scratch;
    scratch += (c->segments * sizeof(void *) + 63) / 64 * 64;
    ELEMENT *zeros = (ELEMENT *)scratch;
    ELEMENT *lines = zeros + c->line_elements;
    int32_t *sums = (int32_t *)(lines + c->ring * c->line_elements);
    for (size_t i = 0; i < c->ring; i++) held[i] = SIZE_MAX;
    for (size_t i = 0; i < c->padded_width * channels; i++) zeros[i] = s->zero_point;

    for (size_t unit = first; unit < last; unit++) {
        const size_t image = unit / s->out_height, y = unit % s->out_height;
        const uint8_t *map = input + image * s->in_height * line_bytes;
        for (size_t i = 0; i < s->kernel_height; i++) {
            const size_t below = y * s->stride_y + i * s->dilation_y;
            const ELEMENT *line = zeros;
            if (below >= s->pad_top && below - s->pad_top < s->in_height) {
                const size_t row = below - s->pad_top, tag = image * s->in_height + row;
                line = (const ELEMENT *)(const void *)(map + row * line_bytes);
                if (copies) {
                    const size_t slot = tag % c->ring;
                    ELEMENT *to = lines + slot * c->line_elements;
                    if (held[slot] != tag) {
                        memcpy(to, zeros, before * channels * sizeof(ELEMENT));
                        COPY(to + before * channels, map + row * line_bytes, inside * channels);
                        memcpy(to + (before + inside) * channels, zeros, behind * channels * sizeof(ELEMENT));
                        held[slot] = tag;
                    }
                    line = to;
                }
            }
            if (joined) {
                segments[i] = line;
            } else {
                _Pragma("clang loop vectorize(disable)") for (size_t j = 0; j < s->kernel_width; j++)
                    segments[i * s->kernel_width + j] = line + j * s->dilation_x * channels;
            }
        }
        for (size_t b = 0; b < c->blocks; b++) {
            const hxk_block *block = HXK_AT(c, hxk_block, blocks) + b;
            uint8_t *out = output + (unit * s->out_width * s->out_channels + block->first) * size;
            if (general) {
                TILES(c, block, segments, block->input, s->out_width, (uint8_t *)sums, block->width, 1);
                NAME(general)(c, block->first, block->width, sums, block->width, s->out_width, out);
            } else {
                TILES(c, block, segments, block->input, s->out_width, out, s->out_channels, 0);
            }
        }
    }
}

/*
 * Depthwise: the lines that a unit sees are interleaved, `group` lines of one channel side by side, so that one
 * instruction multiplies a whole column of the kernel; two output lines share what was interleaved. The border is written
 * once, for it lies in the same places for all.
 */
TARGET static void NAME(depthwise)(const hxk_convolution *c, const uint8_t *input, uint8_t *output, uint8_t *scratch,
                                   size_t first, size_t last) {
    const hxk_convolution_shape *s = &c->shape;
    const int general = !c->fast && !c->sums;
    const size_t size = c->sums ? 4 : 1, multiplier = s->out_channels / s->in_channels;
    const size_t line_bytes = s->in_width * s->in_channels, group = c->layout.group;
    const size_t units = (s->out_height + c->unit_lines - 1) / c->unit_lines;
    const size_t position = c->layout.lanes * group, part = c->padded_width * position;
    const size_t before = s->pad_left < c->padded_width ? s->pad_left : c->padded_width;
    const size_t inside = c->padded_width - before < s->in_width ? c->padded_width - before : s->in_width;
    ELEMENT *strip = (ELEMENT *)scratch;
    scratch += (c->together * c->quads * part * sizeof(ELEMENT) + 64 + 63) / 64 * 64;
    const uint8_t **lines = (const uint8_t **)scratch;
    scratch += (c->quads * group * sizeof(void *) + 63) / 64 * 64;
    size_t *steps = (size_t *)scratch;
    scratch += (c->quads * group * sizeof(size_t) + 63) / 64 * 64;
    uint8_t *zeros = scratch;
    scratch += (HXK_ZEROS(s) + 63) / 64 * 64;
    int32_t *sums = (int32_t *)scratch;
    memset(zeros, s->zero_point, HXK_ZEROS(s));
    for (size_t i = 0; i < c->together * c->quads * part; i++) strip[i] = s->zero_point;
    for (size_t unit = first; unit < last; unit++) {
        const size_t image = unit / units, top = unit % units * c->unit_lines;
        const size_t count = s->out_height - top < c->unit_lines ? s->out_height - top : c->unit_lines;
        const uint8_t *map = input + image * s->in_height * line_bytes;
        _Pragma("clang loop vectorize(disable)") for (size_t i = 0; i < c->quads * group; i++) {
            const size_t below = top * s->stride_y + i * s->dilation_y;
            const int is_inside = below >= s->pad_top && below - s->pad_top < s->in_height;
            lines[i] = is_inside ? map + (below - s->pad_top) * line_bytes : zeros;
            steps[i] = is_inside ? s->in_channels : 0;
        }
        for (size_t b = 0; b < c->blocks;) {
            const hxk_block *block = HXK_AT(c, hxk_block, blocks) + b;
            /* Several blocks together, so that a line of the cache that holds their channels is read once. */
            size_t together = c->together;
            while (together > c->blocks - b) together /= 2;
            for (size_t q = 0; q < c->quads; q++)
                STRIP(block, together, multiplier, lines + q * group, steps + q * group, inside,
                      strip + q * part + before * position, c->quads * part * sizeof(ELEMENT));
            for (size_t i = 0; i < together; i++, b++, block++) {
                const ELEMENT *from = strip + i * c->quads * part;
                const size_t start = (image * s->out_height + top) * s->out_width * s->out_channels + block->first;
                uint8_t *out = output + start * size;
                if (general) {
                    DEPTHWISE(c, block, from, count, (uint8_t *)sums, block->width, 1);
                    NAME(general)(c, block->first, block->width, sums, block->width, count * s->out_width, out);
                } else {
                    DEPTHWISE(c, block, from, count, out, s->out_channels, 0);
                }
            }
        }
    }
}
