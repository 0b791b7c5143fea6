#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2")))
#define NAME(stem) stem##__avx2
#include "operators_body.h"
#endif
