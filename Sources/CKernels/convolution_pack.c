#include "convolution.h"

#include <string.h>

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

static hxk_layout layout_of(hxk_variant variant) {
    switch (variant) {
    case HXK_AVX512VNNI: return (hxk_layout){.lanes = 16, .vectors = 4, .group = 4, .element = 1, .interleaved = 1};
    case HXK_AVXVNNI: return (hxk_layout){.lanes = 8, .vectors = 2, .group = 4, .element = 1, .interleaved = 1, .biased = 1};
    case HXK_AVX2: return (hxk_layout){.lanes = 8, .vectors = 2, .group = 2, .element = 2, .interleaved = 1, .biased = 1};
    case HXK_NEON: return (hxk_layout){.lanes = 4, .vectors = 4, .group = 1, .element = 2};
    case HXK_NEONDOT: return (hxk_layout){.lanes = 4, .vectors = 4, .group = 4, .element = 1, .flipped = 1};
    default: return (hxk_layout){.lanes = 1, .vectors = 16, .group = 1, .element = 1};
    }
}

/*
 * Whether a 3x3 kernel runs by Winograd's algorithm: where products of 16 bits are what the processor has, whole registers
 * of channels go in, and four times the greatest sum of products fits 32 bits.
 */
static int takes_winograd(hxk_variant variant, const hxk_convolution_shape *s) {
    return variant == HXK_AVX2 && s->kernel_height == 3 && s->kernel_width == 3 && s->stride_y == 1 && s->stride_x == 1 &&
           s->dilation_y == 1 && s->dilation_x == 1 && s->groups == 1 && s->in_channels % 16 == 0 &&
           s->in_channels <= (1 << 29) / (9 * 128 * 255) && s->out_channels >= 8 && s->out_width >= 4 && s->out_height >= 2;
}

/* Fills in everything but the blocks and the tensors. */
static hxk_convolution plan(hxk_variant variant, const hxk_convolution_shape *shape) {
    hxk_convolution c = {.shape = *shape, .layout = layout_of(variant)};
    const hxk_layout layout = c.layout;
    const size_t channels = shape->in_channels / shape->groups;
    c.depthwise = channels == 1 && shape->groups == shape->in_channels && shape->groups > 1;
    c.padded_width =
        (shape->out_width - 1) * shape->stride_x + (shape->kernel_width - 1) * shape->dilation_x + 1;
    size_t weights; /* elements */
    if (c.depthwise) {
        c.quads = ceil_div(shape->kernel_height, layout.group);
        c.unit_lines = shape->dilation_y > 1 ? 1 : (c.quads * layout.group - shape->kernel_height) / shape->stride_y + 1;
        if (c.unit_lines > HXK_LINES_MAX) c.unit_lines = HXK_LINES_MAX;
        c.blocks = ceil_div(shape->out_channels, layout.lanes);
        c.padded_channels = c.blocks * layout.lanes;
        c.block_weights = c.unit_lines * c.quads * shape->kernel_width * layout.lanes * layout.group;
        weights = c.blocks * c.block_weights;
        const size_t strip = c.quads * layout.group * c.padded_width * layout.lanes * layout.element;
        c.together = 4;
        while (c.together > 1 && (c.together > c.blocks || c.together * strip > HXK_STRIP_BYTES)) c.together /= 2;
        if (shape->in_channels != shape->out_channels) c.together = 1;
    } else {
        const int joined = shape->dilation_x == 1 && shape->groups == 1;
        c.segments = shape->kernel_height * (joined ? 1 : shape->kernel_width);
        c.segment_elements = channels * (joined ? shape->kernel_width : 1);
        /* Lines without gaps between them are one segment: a fully-connected layer over a map, for instance. */
        if (joined && shape->kernel_height > 1 && shape->dilation_y == 1 && shape->kernel_width == shape->in_width &&
            shape->pad_left == 0 && shape->pad_top == 0 && shape->out_width == 1 &&
            shape->kernel_height == shape->in_height && shape->out_height == 1) {
            c.segments = 1;
            c.segment_elements *= shape->kernel_height;
            c.whole = 1;
        }
        c.steps = ceil_div(c.segment_elements, layout.group);
        c.flat = c.whole || (shape->kernel_height == 1 && shape->kernel_width == 1 && shape->stride_y == 1 &&
                             shape->stride_x == 1 && shape->pad_top == 0 && shape->pad_left == 0 &&
                             shape->out_height == shape->in_height && shape->out_width == shape->in_width);
        const size_t each = shape->out_channels / shape->groups;
        const size_t wide = layout.lanes * layout.vectors;
        c.blocks = shape->groups * ceil_div(each, wide);
        const size_t rest = each % wide;
        c.padded_channels = shape->groups * (each / wide * wide + ceil_div(rest, layout.lanes) * layout.lanes);
        c.winograd = takes_winograd(variant, shape);
        weights = c.winograd ? c.blocks * 256 * shape->in_channels * 2 : c.padded_channels * c.segments * c.steps * layout.group;
        if (c.flat) {
            c.pixel_elements = c.whole ? shape->in_height * shape->in_width * shape->in_channels : shape->in_channels;
            c.row_pixels = c.whole ? 1 : shape->in_height * shape->in_width;
            /* Enough positions that the weights of a block stay in the first cache while they are used. */
            c.unit_pixels = HXK_UNIT_BYTES / (c.pixel_elements * layout.element);
            c.unit_pixels = c.unit_pixels < 12 ? 12 : c.unit_pixels / 12 * 12;
        } else {
            c.pixel_elements = shape->in_channels * shape->stride_x;
        }
    }
    c.ring = (shape->kernel_height - 1) * shape->dilation_y + 1;
    c.line_elements = (c.padded_width * shape->in_channels + 127) / 64 * 64;
    size_t at = aligned(sizeof(hxk_convolution));
    c.at_blocks = at, at += aligned(c.blocks * sizeof(hxk_block));
    c.at_weights = at, at += aligned(weights * (c.depthwise ? layout.element : 1)) + 64;
    c.at_initial = at, at += aligned(c.padded_channels * 4);
    c.at_fast_multiplier = at, at += aligned(c.padded_channels * 4);
    c.at_correction = at, at += aligned(c.padded_channels * 4);
    c.at_rounding = at, at += aligned(c.padded_channels * 8);
    c.at_shift = at, at += aligned(c.padded_channels * 8);
    c.at_multiplier = at, at += aligned(shape->out_channels * 4);
    c.at_left_shift = at, at += aligned(shape->out_channels * 4);
    c.at_right_shift = at, at += aligned(shape->out_channels * 4);
    c.bytes = at;
    return c;
}

size_t hxk_u8s8_convolution_bytes(hxk_variant variant, const hxk_convolution_shape *shape) {
    return plan(variant, shape).bytes;
}

static void pack_blocks(const hxk_convolution *c, hxk_block *blocks) {
    const hxk_convolution_shape *s = &c->shape;
    const size_t wide = c->layout.lanes * c->layout.vectors;
    size_t i = 0, lane = 0, weights = 0;
    if (c->depthwise) {
        for (size_t n = 0; n < s->out_channels; n += c->layout.lanes) {
            const size_t width = s->out_channels - n < c->layout.lanes ? s->out_channels - n : c->layout.lanes;
            blocks[i++] = (hxk_block){.first = n, .width = width, .vectors = 1, .weights = weights, .lane = lane};
            lane += c->layout.lanes;
            weights += c->block_weights;
        }
        return;
    }
    const size_t each = s->out_channels / s->groups;
    for (size_t g = 0; g < s->groups; g++) {
        for (size_t n = 0; n < each; n += wide) {
            const size_t width = each - n < wide ? each - n : wide;
            const size_t vectors = ceil_div(width, c->layout.lanes);
            blocks[i++] = (hxk_block){.first = g * each + n,
                                      .width = width,
                                      .vectors = vectors,
                                      .input = g * (s->in_channels / s->groups),
                                      .weights = weights,
                                      .lane = lane};
            lane += vectors * c->layout.lanes;
            weights += vectors * c->layout.lanes * c->segments * c->steps * c->layout.group;
        }
    }
}

/* [block][segment][step][lane][group] */
static void pack_direct(const hxk_convolution *c, const hxk_block *blocks, const int8_t *weights, int8_t *packed) {
    const size_t group = c->layout.group, row = c->segments * c->segment_elements;
    for (size_t b = 0; b < c->blocks; b++) {
        const size_t lanes = blocks[b].vectors * c->layout.lanes;
        int8_t *p = packed + blocks[b].weights;
        for (size_t s = 0; s < c->segments; s++)
            for (size_t k = 0; k < c->steps; k++)
                for (size_t n = 0; n < lanes; n++)
                    for (size_t j = 0; j < group; j++, p++) {
                        const size_t e = k * group + j;
                        *p = n < blocks[b].width && e < c->segment_elements
                                 ? weights[(blocks[b].first + n) * row + s * c->segment_elements + e]
                                 : 0;
                    }
    }
}

/* 2G g 2G' of each pair of an output and an input channel; winograd_avx2.h has the order. */
static void pack_winograd(const hxk_convolution *c, const hxk_block *blocks, const int8_t *weights, int16_t *packed) {
    static const int G[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
    const size_t channels = c->shape.in_channels;
    for (size_t b = 0; b < c->blocks; b++) {
        for (size_t n = 0; n < blocks[b].width; n++) {
            for (size_t k = 0; k < channels; k++) {
                const int8_t *g = weights + (blocks[b].first + n) * 9 * channels + k;
                for (size_t place = 0; place < 16; place++) {
                    int sum = 0;
                    for (size_t i = 0; i < 9; i++)
                        sum += G[place / 4][i / 3] * G[place % 4][i % 3] * g[i * channels];
                    packed[((b * 16 + place) * channels + k / 2 * 2) * 16 + n * 2 + k % 2] = (int16_t)sum;
                }
            }
        }
    }
}

/* [block][line of the unit][quad][tap][lane][group], the kernel shifted down for each line of the unit. */
static void pack_depthwise(const hxk_convolution *c, const hxk_block *blocks, const int8_t *weights, void *packed) {
    const hxk_convolution_shape *s = &c->shape;
    const size_t group = c->layout.group;
    for (size_t b = 0; b < c->blocks; b++) {
        size_t at = blocks[b].weights;
        for (size_t line = 0; line < c->unit_lines; line++)
            for (size_t q = 0; q < c->quads; q++)
                for (size_t x = 0; x < s->kernel_width; x++)
                    for (size_t n = 0; n < c->layout.lanes; n++)
                        for (size_t j = 0; j < group; j++, at++) {
                            const size_t below = line * s->stride_y, y = q * group + j;
                            int8_t w = 0;
                            if (n < blocks[b].width && y >= below && y - below < s->kernel_height)
                                w = weights[((blocks[b].first + n) * s->kernel_height + y - below) * s->kernel_width + x];
                            if (c->layout.element == 1) {
                                ((int8_t *)packed)[at] = w;
                            } else {
                                ((int16_t *)packed)[at] = w;
                            }
                        }
    }
}

/*
 * The requantization of a channel as one product, one sum and one shift of 64 bits, where that is the same for every sum
 * up to `bound`: nested floors compose, and nothing saturates before the byte does.
 *
 *   z + zero_point = (acc * multiplier + rounding) >> shift
 */
static int fast_channel(int64_t bound, int32_t multiplier, int32_t left, int32_t right, int32_t zero_point,
                        int64_t *rounding, int64_t *shift) {
    if (left > 30 || multiplier < 0 || right > 20) return 0;
    if (bound > INT64_C(1) << 31) bound = INT64_C(1) << 31;
    if (left > 0 && bound >= INT64_C(1) << (31 - left)) return 0;
    const int64_t half = right > 0 ? INT64_C(1) << (right - 1) : 0;
    const int64_t product = (((bound << left) * multiplier) >> 31) + 1;
    if (product + half + 256 > INT32_MAX) return 0;
    *shift = 31 - left + right;
    *rounding = (((INT64_C(1) << 30) + (half << 31)) >> left) + ((int64_t)zero_point << *shift);
    return 1;
}

static void pack_requantization(hxk_convolution *c, const hxk_block *blocks, const int64_t *bound,
                                const hxk_requantization *r) {
    const size_t lanes = c->layout.lanes, channels = c->shape.out_channels;
    char *base = (char *)c;
    memcpy(base + c->at_multiplier, r->multiplier, channels * 4);
    memcpy(base + c->at_left_shift, r->left_shift, channels * 4);
    memcpy(base + c->at_right_shift, r->right_shift, channels * 4);
    c->zero_point = r->zero_point, c->low = r->low, c->high = r->high;
    c->fast = c->high_words = 1;
    for (size_t n = 0; n < channels; n++) {
        /* From 32 bits on the low word of the product is shifted out whole, and the rest is a shift of 32 bits. */
        if (r->left_shift[n] > 0 || r->right_shift[n] < 1) c->high_words = 0;
    }
    int32_t *multipliers = (int32_t *)(base + c->at_fast_multiplier);
    int32_t *corrections = (int32_t *)(base + c->at_correction);
    int64_t *roundings = (int64_t *)(base + c->at_rounding), *shifts = (int64_t *)(base + c->at_shift);
    for (size_t b = 0; b < c->blocks; b++) {
        for (size_t n = 0; n < blocks[b].width; n++) {
            const size_t channel = blocks[b].first + n;
            int64_t rounding = 0, shift = 31;
            if (!fast_channel(bound[channel], r->multiplier[channel], r->left_shift[channel], r->right_shift[channel],
                              r->zero_point, &rounding, &shift)) {
                c->fast = 0;
                return;
            }
            const size_t at = blocks[b].lane + n, in = at % lanes;
            /* Even lanes first, then odd ones, as the 32-bit multiplications give them. */
            const size_t wide = c->layout.interleaved ? at - in + (in % 2) * (lanes / 2) + in / 2 : at;
            multipliers[at] = r->multiplier[channel];
            shifts[wide] = shift;
            roundings[wide] = rounding;
            corrections[at] = (int32_t)shift - 32;
            if (c->layout.biased && !c->high_words) {
                /* Without an arithmetic shift of 64 bits the sum is moved up by 2^63 and the result back. */
                roundings[wide] = (int64_t)((uint64_t)rounding + (UINT64_C(1) << 63));
                corrections[at] = (int32_t)(uint32_t)((UINT64_C(1) << 63) >> shift);
            }
        }
    }
}

void hxk_u8s8_convolution_pack(hxk_variant variant, const hxk_convolution_shape *shape, const int8_t *weights,
                               const int32_t *initial, const int64_t *bound,
                               const hxk_requantization *requantization, void *memory) {
    const hxk_convolution planned = plan(variant, shape);
    hxk_convolution *c = memory;
    memset(memory, 0, planned.bytes);
    *c = planned;
    char *base = memory;
    hxk_block *blocks = (hxk_block *)(base + c->at_blocks);
    pack_blocks(c, blocks);
    if (c->depthwise) {
        pack_depthwise(c, blocks, weights, base + c->at_weights);
    } else if (c->winograd) {
        pack_winograd(c, blocks, weights, (int16_t *)(base + c->at_weights));
    } else {
        pack_direct(c, blocks, weights, (int8_t *)(base + c->at_weights));
    }
    int32_t *starts = (int32_t *)(base + c->at_initial);
    const size_t row = shape->kernel_height * shape->kernel_width * (shape->in_channels / shape->groups);
    for (size_t b = 0; b < c->blocks; b++) {
        for (size_t n = 0; n < blocks[b].width; n++) {
            const size_t channel = blocks[b].first + n;
            uint32_t start = (uint32_t)initial[channel];
            if (c->layout.flipped) {
                /* The activations are read as signed, 128 lower. */
                uint32_t sum = 0;
                for (size_t k = 0; k < row; k++) sum += (uint32_t)weights[channel * row + k];
                start += 128 * sum;
            }
            starts[blocks[b].lane + n] = (int32_t)start;
        }
    }
    c->sums = requantization == NULL;
    if (requantization) pack_requantization(c, blocks, bound, requantization);
}

size_t hxk_u8s8_convolution_units(const hxk_convolution *c, size_t rows) {
    if (c->flat) return ceil_div(rows * c->row_pixels, c->unit_pixels) * c->blocks;
    if (c->depthwise) return rows * ceil_div(c->shape.out_height, c->unit_lines);
    if (c->winograd) return rows * ceil_div(c->shape.out_height, 2);
    return rows * c->shape.out_height;
}

size_t hxk_u8s8_convolution_scratch(const hxk_convolution *c) {
    const hxk_convolution_shape *s = &c->shape;
    const int general = !c->fast && !c->sums;
    if (c->depthwise) {
        const size_t lines = c->quads * c->layout.group;
        const size_t strip = c->together * lines * c->padded_width * c->layout.lanes * c->layout.element;
        return aligned(strip + 64) + 2 * aligned(lines * 8) + aligned(HXK_ZEROS(s)) +
               (general ? aligned(c->unit_lines * s->out_width * s->out_channels * 4) : 0);
    }
    if (c->flat) {
        return aligned(c->layout.element > 1 ? c->unit_pixels * c->pixel_elements * c->layout.element + 64 : 0) +
               (general ? aligned(c->unit_pixels * c->layout.lanes * c->layout.vectors * 4) : 0);
    }
    if (c->winograd) {
        const size_t tiles = ceil_div(s->out_width, 2);
        return 4 * c->line_elements + tiles * s->in_channels * 32 + tiles * 16 * 16 * 4 +
               (general ? aligned(2 * s->out_width * c->layout.lanes * c->layout.vectors * 4) : 0) + 64;
    }
    return aligned(c->ring * sizeof(size_t)) + aligned(c->segments * sizeof(void *)) +
           (c->ring + 1) * c->line_elements * c->layout.element + (general ? aligned(s->out_width * s->out_channels * 4) : 0);
}

const char *hxk_u8s8_convolution_path(const hxk_convolution *c) {
    if (c->depthwise) return c->fast || c->sums ? "depthwise" : "depthwise, general requantization";
    if (c->flat) return c->fast || c->sums ? "pointwise" : "pointwise, general requantization";
    if (c->winograd) return c->fast || c->sums ? "Winograd 2x2" : "Winograd 2x2, general requantization";
    return c->fast || c->sums ? "direct" : "direct, general requantization";
}
