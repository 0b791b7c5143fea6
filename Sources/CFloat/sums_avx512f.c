#if defined(__x86_64__)

#define TARGET __attribute__((target("avx512f")))
#define NAME(stem) stem##__avx512f
#define ROWS 12

#include "sums_body.h"

#endif
