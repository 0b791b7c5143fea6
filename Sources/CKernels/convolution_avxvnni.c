#if defined(__x86_64__)

/* The VEX form of vpdpbusd, of processors without AVX-512. */
#ifdef HXK_TEST_WITH_AVX512
#define TARGET __attribute__((target("avx2,avx512vl,avx512vnni")))
#define ACCUMULATE(acc, x, w) _mm256_dpbusd_epi32(acc, x, w)
#else
#define TARGET __attribute__((target("avx2,avxvnni")))
#define ACCUMULATE(acc, x, w) _mm256_dpbusd_avx_epi32(acc, x, w)
#endif
#define NAME(stem) stem##__avxvnni
#define ELEMENT uint8_t
#define WIDENED 0
#define WEIGHT_BYTES 32
#define LOAD_WEIGHTS(pointer) _mm256_loadu_si256((const __m256i *)(pointer))
#include "convolution_ymm.h"

#endif
