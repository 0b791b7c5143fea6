#pragma once
#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C: the Castagnoli polynomial 0x1EDC6F41, reflected, as iSCSI and SCTP use it (RFC 3720, appendix B.4).
 *
 * Each function goes on from `crc`, the checksum of the bytes before, which is 0 when there are none, and returns the
 * checksum of those and `count` bytes more. `bytes` may start anywhere and is not read when `count` is 0.
 */

/* The fastest way that this processor has. */
uint32_t hxc_crc32c(uint32_t crc, const uint8_t *bytes, size_t count);

/* Eight bytes at a time through tables: the definition, on every processor. */
uint32_t hxc_crc32c_portable(uint32_t crc, const uint8_t *bytes, size_t count);

/* The processor's own instruction (SSE4.2, or CRC32 of ARMv8), three streams at a time. Only when it is there. */
uint32_t hxc_crc32c_hardware(uint32_t crc, const uint8_t *bytes, size_t count);

/* Whether hxc_crc32c_hardware may be called. */
int hxc_crc32c_has_hardware(void);
