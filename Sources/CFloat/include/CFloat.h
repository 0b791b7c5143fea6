#ifndef HEXLOOP_CFLOAT_H
#define HEXLOOP_CFLOAT_H

#include <stddef.h>

/*
 * Sums of products in 32-bit floats with the same bits on every processor: each sum begins with its bias and adds the
 * products in ascending order, every product rounded before it is added, never fused. What vectors do side by side are
 * different sums. The functions choose the widest vectors of the processor; none allocates, keeps state or reads or writes
 * outside the ranges named here.
 */

/* What is done to a finished sum; NaN stays NaN. */
typedef enum { HXF_NONE, HXF_RELU, HXF_RELU6 } hxf_activation;

/* Outputs that stand side by side in packed weights. */
enum { HXF_PANEL = 16 };

/* The floats that packed weights and biases take. */
size_t hxf_packed(size_t inputs, size_t outputs);

/*
 * Packs weights [outputs, inputs] and biases [outputs]: for each panel of outputs its biases, then for each input the
 * weights of all outputs of the panel; zeros where the last panel is not full.
 */
void hxf_pack(const float *weights, const float *bias, size_t inputs, size_t outputs, float *packed);

/*
 * out[r, n] = activation(bias[n] + sum over k of x[r, k] * weights[n, k])
 *
 *   x     rows of `inputs` floats, `x_stride` apart
 *   out   rows of `outputs` floats, `out_stride` apart; overlaps nothing
 */
void hxf_multiply(const float *packed, size_t inputs, size_t outputs, const float *x, size_t x_stride, size_t rows,
                  float *out, size_t out_stride, hxf_activation activation);

/* A window that moves over a plane [height, width, channels], with zeros around it. */
typedef struct {
    size_t in_height, in_width, channels;
    size_t out_height, out_width;
    size_t kernel_height, kernel_width;
    size_t stride_y, stride_x, dilation_y, dilation_x;
    size_t pad_top, pad_left;
} hxf_window;

/* Some windows of one row of the result, and some channels of them. */
typedef struct {
    size_t row, first_column, last_column, first_channel, channels;
} hxf_place;

/* patches[j - first_column, p, q, c - first_channel], with zeros where a tap leaves the plane. */
void hxf_gather(hxf_window, hxf_place, const float *plane, float *patches);

/*
 * Rows first_row ..< last_row of out[i, j, c] = activation(bias[c] + sum over the taps that lie on the plane of
 * plane[.., .., c] * weights[p, q, c]).
 */
void hxf_depthwise(hxf_window, const float *weights, const float *bias, const float *plane, float *out,
                   size_t first_row, size_t last_row, hxf_activation activation);

/* What hxf_combine computes of two elements, as ModelGraph's Arithmetic says. */
typedef enum { HXF_ADD, HXF_SUBTRACT, HXF_MULTIPLY, HXF_DIVIDE, HXF_MAXIMUM, HXF_MINIMUM } hxf_kind;

/* out[i] = activation(kind(a[i], b[i mod b_count])); b_count divides count. */
void hxf_combine(hxf_kind kind, const float *a, const float *b, size_t count, size_t b_count, float *out,
                 hxf_activation activation);

#endif
