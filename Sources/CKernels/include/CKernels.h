#ifndef HEXLOOP_CKERNELS_H
#define HEXLOOP_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "hxk_convolution.h"
#include "hxk_operators.h"
#include "hxk_peak.h"

/*
 * int8 micro-kernels. Every variant gives the same bytes as `__scalar`, which is the definition; all sums wrap at 32 bits.
 * No kernel allocates, keeps state or reads outside the ranges named here. Pointers need no alignment.
 *
 * Packed weights: for each group of 32 outputs, for each 4 inputs, 128 bytes: byte 4n+j is output n, input k+j, so one
 * group is what one HVX `vrmpy` consumes. Outputs are padded to 32 and inputs to 4 with zeros.
 */

/*
 * Fully connected, u8 inputs, s8 weights, raw sums.
 *
 *   out[r, n] = initial[n] + sum_k input[r, k] * weights[n, k]
 *
 *   rows, inputs, outputs  any, 0 included
 *   input                  [rows, inputs] row-major
 *   weights                packed, ceil(outputs / 32) * ceil(inputs / 4) * 128 bytes
 *   initial                [ceil(outputs / 32) * 32]
 *   out                    [rows, outputs] row-major; may not overlap the others
 */
#define HXK_FULLY_CONNECTED(variant)                                                                                  \
    void hxk_u8s8_fully_connected__##variant(size_t rows, size_t inputs, size_t outputs, const uint8_t *input,         \
                                             const int8_t *weights, const int32_t *initial, int32_t *out)

HXK_FULLY_CONNECTED(scalar);
HXK_FULLY_CONNECTED(avx2);
HXK_FULLY_CONNECTED(avx512vnni);

/*
 * Requantization of sums to u8 with a multiplier and shifts for each channel, as HVX does it.
 *
 *   t = wrap32(accumulator << left_shift[c])
 *   p = sat32((int64(t) * multiplier[c] + 2^30) >> 31)
 *   z = sat32(p + (right_shift[c] > 0 ? 1 << (right_shift[c] - 1) : 0)) >> right_shift[c]
 *   out = min(max(satu8(sat16(sat16(z) + zero_point)), low), high)
 *
 *   rows, channels         any, 0 included
 *   accumulators           [rows, channels] row-major
 *   multiplier             [channels], any value
 *   left_shift, right_shift [channels], 0...31
 *   zero_point             0...255
 *   out                    [rows, channels]; may not overlap the others
 */
#define HXK_REQUANTIZE(variant)                                                                                        \
    void hxk_s32_requantize_u8__##variant(size_t rows, size_t channels, const int32_t *accumulators,                   \
                                          const int32_t *multiplier, const int32_t *left_shift,                        \
                                          const int32_t *right_shift, int32_t zero_point, uint8_t low, uint8_t high,   \
                                          uint8_t *out)

HXK_REQUANTIZE(scalar);
HXK_REQUANTIZE(avx2);
HXK_REQUANTIZE(avx512vnni);

/*
 * Adds factor * (sum of a row's inputs) to all sums of that row: the zero point of unsigned weights.
 *
 *   out[r, n] += factor * sum_k input[r, k], wrapping
 */
void hxk_u8_add_row_sums__scalar(size_t rows, size_t inputs, size_t outputs, const uint8_t *input, int32_t factor,
                                 int32_t *out);

/* Whether this processor and operating system run a variant: 1 or 0. The other functions must not be called on 0. */
int hxk_has_avx2(void);
int hxk_has_avxvnni(void);
int hxk_has_avx512vnni(void);
int hxk_has_neon(void);
int hxk_has_neondot(void);

#endif
