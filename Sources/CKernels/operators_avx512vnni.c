#if defined(__x86_64__)
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define NAME(stem) stem##__avx512vnni
#include "operators_body.h"
#endif
