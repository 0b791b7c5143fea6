#if defined(__aarch64__)

#include <arm_neon.h>
#include <stddef.h>

#define TARGET
#define NAME(stem) stem##__neon
#define HAS_TABLE

/* The 256 bytes are in 16 registers, 4 for one instruction; an index outside its 64 leaves the lane as it is. */
static inline void look_up__neon(const uint8_t *restrict table, const uint8_t *restrict from, uint8_t *restrict to,
                                 size_t count) {
    const uint8x16x4_t first = vld1q_u8_x4(table), second = vld1q_u8_x4(table + 64);
    const uint8x16x4_t third = vld1q_u8_x4(table + 128), fourth = vld1q_u8_x4(table + 192);
    const uint8x16_t block = vdupq_n_u8(64);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        uint8x16_t index = vld1q_u8(from + i);
        uint8x16_t found = vqtbl4q_u8(first, index);
        index = vsubq_u8(index, block);
        found = vqtbx4q_u8(found, second, index);
        index = vsubq_u8(index, block);
        found = vqtbx4q_u8(found, third, index);
        index = vsubq_u8(index, block);
        vst1q_u8(to + i, vqtbx4q_u8(found, fourth, index));
    }
    for (; i < count; i++) to[i] = table[from[i]];
}

#include "operators_body.h"

#endif
