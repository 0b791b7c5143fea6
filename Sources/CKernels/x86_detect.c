#include "CKernels.h"

/* __builtin_cpu_supports also asks whether the operating system saves the wide registers. */

#if defined(__x86_64__)

int hxk_has_avx2(void) { return __builtin_cpu_supports("avx2") ? 1 : 0; }

int hxk_has_avxvnni(void) {
#ifdef HXK_TEST_WITH_AVX512
    return hxk_has_avx512vnni();
#else
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni") ? 1 : 0;
#endif
}

int hxk_has_avx512vnni(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")
               ? 1
               : 0;
}

#else

int hxk_has_avx2(void) { return 0; }

int hxk_has_avxvnni(void) { return 0; }

int hxk_has_avx512vnni(void) { return 0; }

#endif
