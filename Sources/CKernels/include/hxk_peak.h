#ifndef HXK_PEAK_H
#define HXK_PEAK_H

#include "hxk_convolution.h"

/*
 * Does nothing but exact 8-bit multiply-adds, all from registers, by the instructions that kernels of a variant have for
 * them. What they do per second is more than any kernel can; the caller has the clock.
 *
 *   turns     any; a turn takes a few nanoseconds
 *   returns   how many multiply-adds were done
 */
uint64_t hxk_peak(hxk_variant variant, uint64_t turns);

#endif
