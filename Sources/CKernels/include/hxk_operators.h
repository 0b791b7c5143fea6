#ifndef HXK_OPERATORS_H
#define HXK_OPERATORS_H

#include "hxk_convolution.h"

/*
 * The operators that are not convolutions of bytes. Each comes in variants that are the same C compiled for different
 * instructions, so they cannot differ but by the compiler; the formulas stand at the types of Sources/Kernels/Operators.
 *
 *   parameters   the struct of the operator
 *   inputs       one pointer for each input, `rows` rows each, with 64 readable bytes behind
 *   output       `rows` rows; overlaps no input
 *   scratch      the bytes named at the operator, aligned to 64; null where none are named
 *   first, last  the units to compute; how many there are is said at the operator
 */

/* Elements in a unit of an operator that works element by element: ceil(rows * count / HXK_UNIT_ELEMENTS) units. */
enum { HXK_UNIT_ELEMENTS = 16384 };
/* Vectors, indices or stretches in a unit of softmax, gather and concatenation. */
enum { HXK_UNIT_VECTORS = 64 };
/* Dimensions of a strided copy. */
enum { HXK_DIMENSIONS = 6 };

typedef struct {
    size_t count;
    int32_t a_multiplier, b_multiplier, bias; /* bias: the zero points' part of x, and half of the last step */
    int32_t shift, zero_point;
    uint8_t low, high;
} hxk_addition;

typedef struct {
    size_t count;
    int32_t a_zero_point, b_zero_point;
    int32_t multiplier, left_shift, right_shift, zero_point;
    uint8_t low, high;
} hxk_multiplication;

typedef struct {
    size_t count;
    uint8_t table[256];
} hxk_table;

/* ceil(rows * outer / HXK_UNIT_VECTORS) units. */
typedef struct {
    size_t outer, channels;
    uint16_t exponentials[256];
} hxk_softmax;

/* rows * out_height units. Average pooling needs in_channels * 4 bytes of scratch memory. */
typedef struct {
    hxk_convolution_shape shape; /* out_channels equal to in_channels, groups of no meaning */
    uint8_t low, high;
    const int32_t *multiplier, *left_shift, *right_shift; /* average: [taps], or [1] when every window counts the same */
    size_t counts;                                        /* average: the elements of these */
    int32_t out_zero_point;                               /* average */
} hxk_pool;

/* ceil(rows * outer / HXK_UNIT_VECTORS) units. */
typedef struct {
    size_t outer, width, parts;
    const size_t *counts;         /* [parts] */
    const uint8_t *const *tables; /* [parts], null where bytes stay as they are */
} hxk_concatenation;

/*
 * out[i0, ..., i5] = input[start + sum i * stride], written into a border of `value`; rows units.
 */
typedef struct {
    size_t input_bytes;                     /* of a row */
    size_t size[HXK_DIMENSIONS];            /* of what is copied */
    ptrdiff_t in_stride[HXK_DIMENSIONS];    /* bytes */
    ptrdiff_t out_stride[HXK_DIMENSIONS];   /* bytes; the last is 1 */
    size_t in_start, out_start, out_bytes;  /* of a row */
    int has_border;
    uint8_t value;
} hxk_strided_copy;

/* rows * lines units; width * 4 bytes of scratch memory where width is in_width * channels. */
typedef struct {
    size_t in_height, in_width, channels, lines, columns;
    const uint32_t *line_first, *line_second, *column_first, *column_second; /* [lines], [columns] */
    const uint8_t *line_fraction, *column_fraction;                          /* 0...128 */
} hxk_resize;

/* ceil(rows * indices / HXK_UNIT_VECTORS) units. */
typedef struct {
    size_t indices, width, rows;
    const uint8_t *table; /* [rows, width] */
} hxk_gather;

/* s16 activations with s8 weights; rows * out_height units. */
typedef struct {
    hxk_convolution_shape shape;
    const int8_t *weights;                                /* [N, kernel_height, kernel_width, C / groups] */
    const int32_t *biases;                                /* [N] */
    const int32_t *multiplier, *left_shift, *right_shift; /* [N], or null: s32 sums */
    int16_t low, high;
} hxk_wide_convolution;

typedef void hxk_operator(const void *parameters, const void *const *inputs, void *output, void *scratch, size_t rows,
                          size_t first, size_t last);

#define HXK_OPERATORS(variant)                                                                                         \
    extern hxk_operator hxk_u8_addition__##variant, hxk_u8_multiplication__##variant, hxk_u8_table__##variant,         \
        hxk_u8_softmax__##variant, hxk_u8_maximum_pool__##variant, hxk_u8_average_pool__##variant,                     \
        hxk_u8_concatenation__##variant, hxk_u8_strided_copy__##variant, hxk_u8_resize__##variant,                     \
        hxk_u8_gather__##variant, hxk_s16s8_convolution__##variant;

HXK_OPERATORS(scalar)
HXK_OPERATORS(avx2)
HXK_OPERATORS(avx512vnni)
HXK_OPERATORS(neon)

#endif
