#include "include/hxk_peak.h"

/* Twelve accumulators hide the latency of one another; inputs are registers 14 and 15, and 13 is for products. */
#define TWELVE(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10) step(11)

#define MEASURE(name, step, macs, ...)                                                                                 \
    static uint64_t name(uint64_t turns) {                                                                             \
        for (uint64_t turn = 0; turn < turns; turn++) __asm__ volatile(TWELVE(step)::: __VA_ARGS__);                   \
        return turns * 12 * macs;                                                                                      \
    }

/* One product after the other, as the compiler may not merge them. */
static uint64_t scalar(uint64_t turns) {
    uint32_t sums[4] = {0}, x = 3, w = 5;
    for (uint64_t turn = 0; turn < turns; turn++) {
        for (int i = 0; i < 4; i++) {
            __asm__ volatile("" : "+r"(x), "+r"(w));
            sums[i] += x * w;
            __asm__ volatile("" : "+r"(sums[i]));
        }
    }
    return turns * 4;
}

#if defined(__x86_64__)

#define CLOBBERED \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm13"
#define MADD(i) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n vpaddd %%ymm13, %%ymm" #i ", %%ymm" #i "\n"
#define DOT_256(i) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #i "\n"
#define DOT_512(i) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #i "\n"
MEASURE(avx2, MADD, 16, CLOBBERED)
MEASURE(avxvnni, DOT_256, 32, CLOBBERED)
MEASURE(avx512vnni, DOT_512, 64, CLOBBERED)

#elif defined(__aarch64__)

#define CLOBBERED "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"
#define MLAL(i) "smlal v" #i ".4s, v14.4h, v15.h[0]\n"
#define SDOT(i) ".arch_extension dotprod\n sdot v" #i ".4s, v14.16b, v15.16b\n"
MEASURE(neon, MLAL, 4, CLOBBERED)
MEASURE(neondot, SDOT, 16, CLOBBERED)

#endif

uint64_t hxk_peak(hxk_variant variant, uint64_t turns) {
    switch (variant) {
#if defined(__x86_64__)
    case HXK_AVX2: return avx2(turns);
    case HXK_AVXVNNI: return avxvnni(turns);
    case HXK_AVX512VNNI: return avx512vnni(turns);
#elif defined(__aarch64__)
    case HXK_NEON: return neon(turns);
    case HXK_NEONDOT: return neondot(turns);
#endif
    default: return scalar(turns);
    }
}
