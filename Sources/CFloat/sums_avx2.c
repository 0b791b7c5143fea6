#if defined(__x86_64__)

#define TARGET __attribute__((target("avx2")))
#define NAME(stem) stem##__avx2
#define ROWS 6

#include "sums_body.h"

#endif
