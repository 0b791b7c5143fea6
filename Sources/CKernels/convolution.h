#ifndef HXK_CONVOLUTION_INTERNAL_H
#define HXK_CONVOLUTION_INTERNAL_H

#include "include/hxk_convolution.h"

/* Lines of a depthwise output that share what was read for them. */
enum { HXK_LINES_MAX = 2 };

/* The activations that one unit of a pointwise convolution works on. */
enum { HXK_UNIT_BYTES = 12 * 1024 };

/* Interleaved lines of the blocks that a depthwise convolution works on together. */
enum { HXK_STRIP_BYTES = 16 * 1024 };

/* A line of the border, for reads of several blocks of channels. */
#define HXK_ZEROS(shape) ((shape)->in_channels < 128 ? 128 : (shape)->in_channels)

/* What the vector code of a variant wants. */
typedef struct {
    size_t lanes;    /* channels of one register of sums */
    size_t vectors;  /* registers of sums for one position */
    size_t group;    /* products that go into one lane at once */
    size_t element;  /* bytes of an activation in scratch memory: 1, or 2 when widened */
    int interleaved; /* 64-bit parameters of even lanes stand before those of odd lanes */
    int biased;      /* 64-bit shifts are logical */
    int flipped;     /* activations are read as signed, 128 lower */
} hxk_layout;

/* Channels that are computed together. */
typedef struct {
    size_t first, width; /* output channels */
    size_t vectors;      /* registers for `width` channels */
    size_t input;        /* first input channel */
    size_t weights;      /* where the packed weights begin, in elements */
    size_t lane;         /* where the parameters begin, in lanes */
} hxk_block;

struct hxk_convolution {
    hxk_convolution_shape shape;
    hxk_layout layout;
    int depthwise, flat, whole, winograd, sums, fast;
    int high_words; /* every 64-bit shift is 32 or more: `correction` holds what it is more */
    size_t blocks, padded_channels;
    /* A sum runs over `segments` stretches of `segment_elements` adjacent activations, `steps` groups each. */
    size_t segments, segment_elements, steps;
    /* From one output position to the next, in activations. */
    size_t pixel_elements;
    /* Pointwise: positions in a row of the batch and in a unit. */
    size_t row_pixels, unit_pixels;
    /* Lines with their border, as they are copied to scratch memory. */
    size_t padded_width, line_elements, ring;
    /* Depthwise: groups of lines in a kernel, output lines of a unit, weights of a block, blocks interleaved together. */
    size_t quads, unit_lines, block_weights, together;
    int32_t zero_point;
    uint8_t low, high;
    /* Offsets from the beginning of the struct. */
    size_t at_blocks, at_weights, at_initial, at_fast_multiplier, at_correction, at_rounding, at_shift;
    size_t at_multiplier, at_left_shift, at_right_shift;
    size_t bytes;
};

#define HXK_AT(convolution, type, field) ((const type *)((const char *)(convolution) + (convolution)->at_##field))

#endif
