// The most multiply-adds a second that one core of this machine can do from registers, best of five, by the instructions
// that an exact int8 kernel has: vpmaddwd + vpaddd (16-bit products, exact for any signs), vpdpbusd (VNNI), sdot (NEON),
// and by float32 FMA. One line each: name, bits of the registers, GMAC/s.
#include <stdio.h>
#include <time.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Twelve accumulators hide the latency of one another; inputs are registers 14 and 15, and 13 is for products.
#define TWELVE(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10) step(11)
#define TURNS 4000000L
#define RUNS 5

#define MEASURE(function, step, clobbered)                                                                           \
    static double function(int macs) {                                                                               \
        double best = 0;                                                                                             \
        for (int run = 0; run < RUNS; run++) {                                                                       \
            double start = seconds();                                                                                \
            for (long turn = 0; turn < TURNS; turn++) __asm__ volatile(TWELVE(step)::: clobbered);                   \
            double rate = (double)TURNS * 12 * macs / (seconds() - start) * 1e-9;                                    \
            if (rate > best) best = rate;                                                                            \
        }                                                                                                            \
        return best;                                                                                                 \
    }

#if defined(__x86_64__)

#define CLOBBERED \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm13"
#define MADD(name, i) "vpmaddwd %%" name "14, %%" name "15, %%" name "13\n vpaddd %%" name "13, %%" name #i ", %%" name #i "\n"
#define DOT(prefix, name, i) prefix " vpdpbusd %%" name "14, %%" name "15, %%" name #i "\n"
#define FMA(name, i) "vfmadd231ps %%" name "14, %%" name "15, %%" name #i "\n"
#define MADD_YMM(i) MADD("ymm", i)
#define MADD_ZMM(i) MADD("zmm", i)
#define DOT_VEX(i) DOT("%{vex%}", "ymm", i)
#define DOT_YMM(i) DOT("", "ymm", i)
#define DOT_ZMM(i) DOT("", "zmm", i)
#define FMA_YMM(i) FMA("ymm", i)
#define FMA_ZMM(i) FMA("zmm", i)
MEASURE(madd_ymm, MADD_YMM, CLOBBERED)
MEASURE(madd_zmm, MADD_ZMM, CLOBBERED)
MEASURE(dot_vex, DOT_VEX, CLOBBERED)
MEASURE(dot_ymm, DOT_YMM, CLOBBERED)
MEASURE(dot_zmm, DOT_ZMM, CLOBBERED)
MEASURE(fma_ymm, FMA_YMM, CLOBBERED)
MEASURE(fma_zmm, FMA_ZMM, CLOBBERED)

#include <cpuid.h>

static int has_avx_vnni(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

int main(void) {
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2"), fma = __builtin_cpu_supports("fma");
    int avx512 = __builtin_cpu_supports("avx512bw"), vnni = __builtin_cpu_supports("avx512vnni");
    if (avx2) printf("int8 vpmaddwd+vpaddd 256 %.1f\n", madd_ymm(16));
    if (avx512) printf("int8 vpmaddwd+vpaddd 512 %.1f\n", madd_zmm(32));
    if (has_avx_vnni() && avx2) printf("int8 vpdpbusd 256 %.1f\n", dot_vex(32));
    else if (vnni && __builtin_cpu_supports("avx512vl")) printf("int8 vpdpbusd 256 %.1f\n", dot_ymm(32));
    if (vnni) printf("int8 vpdpbusd 512 %.1f\n", dot_zmm(64));
    if (fma) printf("float32 fma 256 %.1f\n", fma_ymm(8));
    if (avx512) printf("float32 fma 512 %.1f\n", fma_zmm(16));
}

#elif defined(__aarch64__)

#define CLOBBERED "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v13"
#define DOT(i) ".arch_extension dotprod\n sdot v" #i ".4s, v14.16b, v15.16b\n"
#define MLAL(i) "smull v13.8h, v14.8b, v15.8b\n sadalp v" #i ".4s, v13.8h\n"
#define FMLA(i) "fmla v" #i ".4s, v14.4s, v15.4s\n"
MEASURE(dot, DOT, CLOBBERED)
MEASURE(mlal, MLAL, CLOBBERED)
MEASURE(fmla, FMLA, CLOBBERED)

#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif

int main(void) {
    printf("int8 smull+sadalp 128 %.1f\n", mlal(8));
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) printf("int8 sdot 128 %.1f\n", dot(16));
    printf("float32 fmla 128 %.1f\n", fmla(4));
}

#else
#error "no measurement for this architecture"
#endif
