#if defined(__x86_64__)

/*
 * Both operands are widened to 16 bits for vpmaddwd, whose sums of two products cannot overflow; vpmaddubsw would
 * saturate at 16 bits.
 */
#define TARGET __attribute__((target("avx2")))
#define NAME(stem) stem##__avx2
#define ELEMENT uint16_t
#define WIDENED 1
#define WEIGHT_BYTES 16
#define LOAD_WEIGHTS(pointer) _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(pointer)))
#define ACCUMULATE(acc, x, w) _mm256_add_epi32(acc, _mm256_madd_epi16(x, w))
#define HAS_WINOGRAD
#include "convolution_ymm.h"

#endif
