#include "CChecksum.h"
#include <string.h>

/* Table k is the effect of a byte that k more bytes follow. */
static uint32_t tables[8][256];

uint32_t hxc_crc32c_portable(uint32_t crc, const uint8_t *bytes, size_t count) {
    crc = ~crc;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint32_t low = crc ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                              (uint32_t)bytes[3] << 24);
        crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^ tables[4][low >> 24] ^
              tables[3][bytes[4]] ^ tables[2][bytes[5]] ^ tables[1][bytes[6]] ^ tables[0][bytes[7]];
    }
    for (; count > 0; bytes++, count--) crc = crc >> 8 ^ tables[0][(crc ^ *bytes) & 0xFF];
    return ~crc;
}

/*
 * The instruction takes 3 cycles and one may begin in each cycle, so three streams run side by side and are joined: the
 * checksum of A followed by B is that of B, xor that of A with as many zero bytes behind it as B has. The way through n
 * zero bytes is linear in the 32 bits of the state, so four tables of 256 hold it. After Mark Adler's crc32c.c.
 */
enum { SHORT_BYTES = 256, LONG_BYTES = 8192 };

typedef struct {
    uint32_t byte[4][256];
} Zeros;

static Zeros short_zeros, long_zeros;

/* `states[i]` is what becomes of bit i; returns what becomes of `crc`. */
static uint32_t apply(const uint32_t states[32], uint32_t crc) {
    uint32_t sum = 0;
    for (int bit = 0; bit < 32; bit++) sum ^= states[bit] & -(crc >> bit & 1);
    return sum;
}

static void make_zeros(Zeros *zeros, size_t count) {
    uint32_t states[32];
    for (int bit = 0; bit < 32; bit++) {
        uint32_t crc = (uint32_t)1 << bit;
        states[bit] = crc >> 8 ^ tables[0][crc & 0xFF];
    }
    for (size_t done = 1; done < count; done *= 2) {
        uint32_t twice[32];
        for (int bit = 0; bit < 32; bit++) twice[bit] = apply(states, states[bit]);
        memcpy(states, twice, sizeof states);
    }
    for (int place = 0; place < 4; place++)
        for (uint32_t byte = 0; byte < 256; byte++) zeros->byte[place][byte] = apply(states, byte << 8 * place);
}

/* Before main, so that no call needs to ask whether the tables are there. */
__attribute__((constructor)) static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
        tables[0][byte] = crc;
    }
    for (int table = 1; table < 8; table++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = tables[table - 1][byte];
            tables[table][byte] = before >> 8 ^ tables[0][before & 0xFF];
        }
    make_zeros(&short_zeros, SHORT_BYTES);
    make_zeros(&long_zeros, LONG_BYTES);
}

#if defined(__x86_64__)

#include <nmmintrin.h>
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
#define STEP8(crc, word) _mm_crc32_u64(crc, word)
#define STEP1(crc, byte) _mm_crc32_u8((uint32_t)(crc), byte)

int hxc_crc32c_has_hardware(void) { return __builtin_cpu_supports("sse4.2") ? 1 : 0; }

#elif defined(__aarch64__) && defined(__linux__)

#include <arm_acle.h>
#include <sys/auxv.h>
#define WITH_INSTRUCTION __attribute__((target("crc")))
#define STEP8(crc, word) __crc32cd((uint32_t)(crc), word)
#define STEP1(crc, byte) __crc32cb((uint32_t)(crc), byte)

/* HWCAP_CRC32 of asm/hwcap.h. */
int hxc_crc32c_has_hardware(void) { return getauxval(AT_HWCAP) >> 7 & 1; }

#endif

#if defined(WITH_INSTRUCTION)

static inline uint64_t word_at(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t through_zeros(const Zeros *zeros, uint64_t crc) {
    return zeros->byte[0][crc & 0xFF] ^ zeros->byte[1][crc >> 8 & 0xFF] ^ zeros->byte[2][crc >> 16 & 0xFF] ^
           zeros->byte[3][crc >> 24 & 0xFF];
}

/* One block of three streams of `length` bytes each. */
WITH_INSTRUCTION
static uint64_t three_streams(uint64_t first, const uint8_t *bytes, size_t length, const Zeros *zeros) {
    uint64_t second = 0, third = 0;
    for (const uint8_t *end = bytes + length; bytes < end; bytes += 8) {
        first = STEP8(first, word_at(bytes));
        second = STEP8(second, word_at(bytes + length));
        third = STEP8(third, word_at(bytes + 2 * length));
    }
    return through_zeros(zeros, through_zeros(zeros, first) ^ second) ^ third;
}

WITH_INSTRUCTION
uint32_t hxc_crc32c_hardware(uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t state = ~crc;
    for (; count >= 3 * LONG_BYTES; bytes += 3 * LONG_BYTES, count -= 3 * LONG_BYTES)
        state = three_streams(state, bytes, LONG_BYTES, &long_zeros);
    for (; count >= 3 * SHORT_BYTES; bytes += 3 * SHORT_BYTES, count -= 3 * SHORT_BYTES)
        state = three_streams(state, bytes, SHORT_BYTES, &short_zeros);
    for (; count >= 8; bytes += 8, count -= 8) state = STEP8(state, word_at(bytes));
    for (; count > 0; bytes++, count--) state = STEP1(state, *bytes);
    return ~(uint32_t)state;
}

#else

int hxc_crc32c_has_hardware(void) { return 0; }

/* The name exists, so that callers link. */
uint32_t hxc_crc32c_hardware(uint32_t crc, const uint8_t *bytes, size_t count) {
    return hxc_crc32c_portable(crc, bytes, count);
}

#endif

uint32_t hxc_crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
    return hxc_crc32c_has_hardware() ? hxc_crc32c_hardware(crc, bytes, count) : hxc_crc32c_portable(crc, bytes, count);
}
