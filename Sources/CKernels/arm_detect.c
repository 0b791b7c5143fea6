#include "CKernels.h"

#if defined(__aarch64__)

#if defined(__linux__)

#include <sys/auxv.h>

/* As in asm/hwcap.h. */
enum { DOT_PRODUCT = 1 << 20 };

int hxk_has_neondot(void) { return (getauxval(AT_HWCAP) & DOT_PRODUCT) != 0; }

#elif defined(__APPLE__)

#include <sys/sysctl.h>

int hxk_has_neondot(void) {
    int value = 0;
    size_t size = sizeof(value);
    return sysctlbyname("hw.optional.arm.FEAT_DotProd", &value, &size, NULL, 0) == 0 && value != 0;
}

#else

int hxk_has_neondot(void) { return 0; }

#endif

int hxk_has_neon(void) { return 1; }

#else

int hxk_has_neon(void) { return 0; }

int hxk_has_neondot(void) { return 0; }

#endif
