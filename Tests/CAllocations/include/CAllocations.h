#ifndef HEXLOOP_CALLOCATIONS_H
#define HEXLOOP_CALLOCATIONS_H

#include <stddef.h>

/* How often this thread asked for memory since it began: malloc and its kin are counted on their way to the C library. */
size_t hexloop_allocations(void);

#endif
