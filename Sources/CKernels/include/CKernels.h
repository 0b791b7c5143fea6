#ifndef HEXLOOP_CKERNELS_H
#define HEXLOOP_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "hxk_convolution.h"
#include "hxk_operators.h"
#include "hxk_peak.h"

/*
 * int8 kernels: convolutions and operators. Every variant gives the same bytes as `__scalar`, which is the definition; all
 * sums wrap at 32 bits. No kernel allocates, keeps state or reads outside the ranges named in the headers above.
 */

/* Whether this processor and operating system run a variant: 1 or 0. The other functions must not be called on 0. */
int hxk_has_avx2(void);
int hxk_has_avxvnni(void);
int hxk_has_avx512vnni(void);
int hxk_has_neon(void);
int hxk_has_neondot(void);

#endif
