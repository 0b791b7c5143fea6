// ---- Any function of one byte ----------------------------------------------------------------------------------------

// Eight lookups of 32 entries each; `table` has the two halves of the 256 bytes.
static void look_up(const HVX_Vector *table, s32 count, const u8 *input, u8 *output) {
    HVX_Vector halves[2] = {Q6_Vb_vshuff_Vb(table[0]), Q6_Vb_vshuff_Vb(table[1])};
    for (s32 i = 0; i < count; i += VECTOR_BYTES) {
        HVX_Vector places = load(input + i);
        HVX_Vector found = Q6_Vb_vlut32_VbVbR(places, halves[0], 0);
        for (s32 block = 1; block < 8; block++)
            found = Q6_Vb_vlut32or_VbVbVbR(found, places, halves[block >> 2], block);
        store(output + i, found, smaller(VECTOR_BYTES, count - i));
    }
}
