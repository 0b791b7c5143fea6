/* For every processor: four lanes at a time. */

#define TARGET
#define NAME(stem) stem##__plain
#if defined(__aarch64__)
#define ROWS 6
#else
#define ROWS 2
#endif

#include "sums_body.h"
