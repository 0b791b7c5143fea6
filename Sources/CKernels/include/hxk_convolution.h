#ifndef HXK_CONVOLUTION_H
#define HXK_CONVOLUTION_H

#include <stddef.h>
#include <stdint.h>

/*
 * Convolutions of u8 activations with s8 weights: 2-D, grouped, depthwise, fully connected (a map of one position).
 *
 *   sum[y, x, n] = initial[n] + sum_(i, j, c) padded[y * stride_y + i * dilation_y, x * stride_x + j * dilation_x,
 *                                                    first(n) + c] * weights[n, i, j, c]          wrapping at 32 bits
 *
 * with first(n) = n / (N / groups) * (C / groups) and `padded` the input inside a border of the zero point. The caller
 * folds the zero point into `initial`: bias[n] - zero_point * sum weights[n].
 *
 * A convolution is packed once into memory of the caller and then run any number of times, by many threads at once.
 */

typedef struct {
    size_t in_height, in_width, in_channels;
    size_t out_height, out_width, out_channels;
    size_t kernel_height, kernel_width;
    size_t stride_y, stride_x, dilation_y, dilation_x;
    size_t pad_top, pad_left;
    size_t groups;
    uint8_t zero_point;
} hxk_convolution_shape;

/* How sums become bytes; the formula is in CKernels.h. */
typedef struct {
    const int32_t *multiplier, *left_shift, *right_shift; /* [N] */
    int32_t zero_point;                                   /* 0...255 */
    uint8_t low, high;
} hxk_requantization;

/* Packed and ready to run: one block of memory without pointers into itself. */
typedef struct hxk_convolution hxk_convolution;

/* The vector code that a convolution is packed for. */
typedef enum { HXK_SCALAR, HXK_AVX2, HXK_AVXVNNI, HXK_AVX512VNNI, HXK_NEON, HXK_NEONDOT } hxk_variant;

/*
 * The bytes that packing takes.
 */
size_t hxk_u8s8_convolution_bytes(hxk_variant variant, const hxk_convolution_shape *shape);

/*
 * Packs a convolution into `memory`, aligned to 64.
 *
 *   weights   [N, kernel_height, kernel_width, C / groups], zero point 0
 *   initial   [N]
 *   bound     [N]: no sum's magnitude can be greater; 2^31 when nothing is known
 *   requantization   or null: the output is the s32 sums
 */
void hxk_u8s8_convolution_pack(hxk_variant variant, const hxk_convolution_shape *shape, const int8_t *weights,
                               const int32_t *initial, const int64_t *bound,
                               const hxk_requantization *requantization, void *memory);

/* The bytes of scratch memory, aligned to 64, that each thread needs while it runs a convolution. */
size_t hxk_u8s8_convolution_scratch(const hxk_convolution *);

/* The parts of equal work into which `rows` rows of the batch fall. */
size_t hxk_u8s8_convolution_units(const hxk_convolution *, size_t rows);

/* The way chosen, for people. */
const char *hxk_u8s8_convolution_path(const hxk_convolution *);

/*
 * Computes units `first` to `last` of the output, in any order and on any thread.
 *
 *   input    [rows, in_height, in_width, C] u8, with 64 readable bytes behind it
 *   output   [rows, out_height, out_width, N] u8, or s32 when there is no requantization
 */
#define HXK_CONVOLUTION(variant)                                                                                       \
    void hxk_u8s8_convolution__##variant(const hxk_convolution *convolution, const uint8_t *restrict input,            \
                                         void *restrict output, void *restrict scratch, size_t rows, size_t first,    \
                                         size_t last)

HXK_CONVOLUTION(avx2);
HXK_CONVOLUTION(avxvnni);
HXK_CONVOLUTION(avx512vnni);
HXK_CONVOLUTION(neon);
HXK_CONVOLUTION(neondot);

/*
 * The same computed from the formula above, one product after the other: the definition of all variants.
 *
 *   weights   [N, kernel_height, kernel_width, C / groups], the zero point already subtracted
 */
void hxk_u8s16_convolution__scalar(const hxk_convolution_shape *shape, const int16_t *weights, const int32_t *initial,
                                   const hxk_requantization *requantization, const uint8_t *restrict input,
                                   void *restrict output, size_t rows, size_t first, size_t last);

#endif
