// ---- Registers and memory ------------------------------------------------------------------------------------------

#define VECTOR_BYTES 128

// 128 bytes from any address on. Every buffer has that many bytes behind its end, so a load may begin at its last byte.
static inline HVX_Vector load(const u8 *from) { return *(const HVX_UVector *)from; }

// The first `count` bytes of a register, 1...128, to any address; no other byte of the memory is touched.
static inline void store(u8 *to, HVX_Vector bytes, s32 count) {
    s32 address = (s32)to;
    s32 end = (address & (VECTOR_BYTES - 1)) + count;
    HVX_Vector turned = Q6_V_vlalign_VVR(bytes, bytes, address);
    HVX_VectorPred before = Q6_Q_vsetq_R(address);
    if (end > VECTOR_BYTES) {
        Q6_vmem_QRIV(Q6_Q_vsetq_R(end), (HVX_Vector *)(address & -VECTOR_BYTES) + 1, turned);
        end = VECTOR_BYTES;
    }
    Q6_vmem_QRIV(Q6_Q_and_QQn(Q6_Q_vsetq2_R(end), before), (HVX_Vector *)(address & -VECTOR_BYTES), turned);
}

// Copies; up to 127 bytes behind the end are written too.
static inline void copy(u8 *to, const u8 *from, s32 count) {
    for (s32 i = 0; i < count; i += VECTOR_BYTES) *(HVX_UVector *)(to + i) = load(from + i);
}

// Repeats a byte; up to 127 bytes behind the end are written too.
static inline void fill(u8 *to, s32 byte, s32 count) {
    HVX_Vector bytes = Q6_Vb_vsplat_R(byte);
    for (s32 i = 0; i < count; i += VECTOR_BYTES) *(HVX_UVector *)(to + i) = bytes;
}

static inline s32 smaller(s32 a, s32 b) { return a < b ? a : b; }
