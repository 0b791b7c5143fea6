/*
 * 3x3 convolutions by Winograd's F(2x2, 3x3) in integers: four outputs of a channel cost 16 products instead of 36.
 *
 *   Y = A' [(2G g 2G') * (B' d B)] A / 4
 *
 * Twice Winograd's G has whole numbers, so every step is exact: transformed weights are within 9 * 128 and transformed
 * activations within 4 * 255, both s16; the sums of products are four times what the definition gives, so dividing by 4
 * leaves nothing, as long as four times the sum fits 32 bits, which `plan` looks at.
 * (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015.)
 *
 * Packed weights: [block of 16 channels][place 0...15][pair of input channels][channel][2] s16.
 */

/* The 4x4 places of 16 channels of a tile: B' d B. */
INLINE void winograd_input(const uint8_t *const *lines, size_t channels, int16_t *out, size_t place) {
    __m256i rows[4][4];
    UNROLL for (size_t j = 0; j < 4; j++) {
        __m256i d[4];
        UNROLL for (size_t i = 0; i < 4; i++)
            d[i] = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(lines[i] + j * channels)));
        rows[0][j] = _mm256_sub_epi16(d[0], d[2]);
        rows[1][j] = _mm256_add_epi16(d[1], d[2]);
        rows[2][j] = _mm256_sub_epi16(d[2], d[1]);
        rows[3][j] = _mm256_sub_epi16(d[1], d[3]);
    }
    UNROLL for (size_t i = 0; i < 4; i++) {
        const __m256i v[4] = {_mm256_sub_epi16(rows[i][0], rows[i][2]), _mm256_add_epi16(rows[i][1], rows[i][2]),
                              _mm256_sub_epi16(rows[i][2], rows[i][1]), _mm256_sub_epi16(rows[i][1], rows[i][3])};
        UNROLL for (size_t j = 0; j < 4; j++) _mm256_storeu_si256((__m256i *)(out + (4 * i + j) * place), v[j]);
    }
}

/* Products of one place: `height` tiles times 16 channels. */
INLINE void winograd_products(const size_t height, const int16_t *v, size_t channels, const int16_t *u, int32_t *out) {
    __m256i acc[6][2];
    UNROLL for (size_t r = 0; r < height; r++) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
    for (size_t k = 0; k < channels; k += 2, u += 32) {
        const __m256i first = _mm256_loadu_si256((const __m256i *)u);
        const __m256i second = _mm256_loadu_si256((const __m256i *)(u + 16));
        UNROLL for (size_t r = 0; r < height; r++) {
            int32_t pair;
            memcpy(&pair, v + r * channels + k, 4);
            const __m256i value = _mm256_set1_epi32(pair);
            acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(value, first));
            acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(value, second));
        }
    }
    UNROLL for (size_t r = 0; r < height; r++) {
        _mm256_storeu_si256((__m256i *)(out + 16 * r), acc[r][0]);
        _mm256_storeu_si256((__m256i *)(out + 16 * r + 8), acc[r][1]);
    }
}

TARGET static __attribute__((noinline)) void winograd_place(size_t tiles, const int16_t *v, size_t channels,
                                                            const int16_t *u, int32_t *out) {
    size_t t = 0;
    for (; t + 6 <= tiles; t += 6) winograd_products(6, v + t * channels, channels, u, out + 16 * t);
    for (; t + 4 <= tiles; t += 4) winograd_products(4, v + t * channels, channels, u, out + 16 * t);
    for (; t + 2 <= tiles; t += 2) winograd_products(2, v + t * channels, channels, u, out + 16 * t);
    for (; t < tiles; t++) winograd_products(1, v + t * channels, channels, u, out + 16 * t);
}

/* The four outputs of 8 channels of a tile: A' m A / 4. */
INLINE void winograd_output(const int32_t *m, size_t place, __m256i start, __m256i out[4]) {
    __m256i rows[2][4];
    UNROLL for (size_t j = 0; j < 4; j++) {
        __m256i p[4];
        UNROLL for (size_t i = 0; i < 4; i++) p[i] = _mm256_loadu_si256((const __m256i *)(m + (4 * i + j) * place));
        rows[0][j] = _mm256_add_epi32(_mm256_add_epi32(p[0], p[1]), p[2]);
        rows[1][j] = _mm256_sub_epi32(_mm256_sub_epi32(p[1], p[2]), p[3]);
    }
    UNROLL for (size_t i = 0; i < 2; i++) {
        const __m256i left = _mm256_add_epi32(_mm256_add_epi32(rows[i][0], rows[i][1]), rows[i][2]);
        const __m256i right = _mm256_sub_epi32(_mm256_sub_epi32(rows[i][1], rows[i][2]), rows[i][3]);
        out[2 * i] = _mm256_add_epi32(_mm256_srai_epi32(left, 2), start);
        out[2 * i + 1] = _mm256_add_epi32(_mm256_srai_epi32(right, 2), start);
    }
}

/* The outputs of all tiles of a block of channels on two lines `below` bytes apart. */
INLINE void winograd_block(const hxk_convolution *c, const hxk_block *block, const int32_t *products, size_t tiles,
                           size_t lines, uint8_t *out, size_t stride, size_t below, const int raw,
                           const int high_words) {
    const size_t place = 16 * tiles, width = block->width, out_width = c->shape.out_width, size = raw ? 4 : 1;
    const int32_t *initial = HXK_AT(c, int32_t, initial) + block->lane;
    const __m256i low = _mm256_set1_epi8((char)c->low), high = _mm256_set1_epi8((char)c->high);
    for (size_t t = 0; t < tiles; t++) {
        __m256i sums[2][4];
        UNROLL for (size_t v = 0; v < 2; v++) {
            const __m256i start = _mm256_loadu_si256((const __m256i *)(initial + 8 * v));
            winograd_output(products + 16 * t + 8 * v, place, start, sums[v]);
            if (!raw) {
                const requantizer__avx2 q = load_requantizer__avx2(c, block->lane + 8 * v);
                UNROLL for (size_t i = 0; i < 4; i++) sums[v][i] = requantize__avx2(sums[v][i], q, high_words);
            }
        }
        const int is_pair = 2 * t + 1 < out_width;
        for (size_t i = 0; i < lines; i++) {
            uint8_t *at = out + i * below + 2 * t * stride * size;
            const __m256i left[2] = {sums[0][2 * i], sums[1][2 * i]};
            const __m256i right[2] = {sums[0][2 * i + 1], sums[1][2 * i + 1]};
            if (raw) {
                int32_t *to = (int32_t *)(void *)at;
                UNROLL for (size_t v = 0; v < 2; v++) {
                    if (width > 8 * v) {
                        store_sums__avx2(to + 8 * v, left[v], width - 8 * v);
                        if (is_pair) store_sums__avx2(to + stride + 8 * v, right[v], width - 8 * v);
                    }
                }
            } else {
                const __m256i bytes = narrow_four__avx2(left[0], left[1], right[0], right[1], low, high);
                store_16__avx2(at, _mm256_castsi256_si128(bytes), width);
                if (is_pair) store_16__avx2(at + stride, _mm256_extracti128_si256(bytes, 1), width);
            }
        }
    }
}

TARGET static void winograd(const hxk_convolution *c, const uint8_t *input, uint8_t *output, uint8_t *scratch,
                            size_t first, size_t last) {
    const hxk_convolution_shape *s = &c->shape;
    const int general = !c->fast && !c->sums;
    const size_t channels = s->in_channels, line_bytes = s->in_width * channels;
    const size_t tiles = (s->out_width + 1) / 2, units = (s->out_height + 1) / 2, place = tiles * channels;
    const size_t before = s->pad_left < c->padded_width ? s->pad_left : c->padded_width;
    const size_t inside = c->padded_width - before < s->in_width ? c->padded_width - before : s->in_width;
    uint8_t *lines = scratch;
    int16_t *transformed = (int16_t *)(lines + 4 * c->line_elements);
    int32_t *products = (int32_t *)(transformed + 16 * place);
    int32_t *sums = products + 16 * 16 * tiles;
    memset(lines, s->zero_point, 4 * c->line_elements);
    for (size_t unit = first; unit < last; unit++) {
        const size_t image = unit / units, top = unit % units * 2;
        const size_t count = s->out_height - top < 2 ? 1 : 2;
        const uint8_t *map = input + image * s->in_height * line_bytes;
        for (size_t i = 0; i < 4; i++) {
            uint8_t *to = lines + i * c->line_elements + before * channels;
            if (top + i >= s->pad_top && top + i - s->pad_top < s->in_height) {
                memcpy(to, map + (top + i - s->pad_top) * line_bytes, inside * channels);
            } else {
                memset(to, s->zero_point, inside * channels);
            }
        }
        for (size_t t = 0; t < tiles; t++) {
            for (size_t k = 0; k < channels; k += 16) {
                const uint8_t *from[4];
                UNROLL for (size_t i = 0; i < 4; i++) from[i] = lines + i * c->line_elements + 2 * t * channels + k;
                winograd_input(from, channels, transformed + t * channels + k, place);
            }
        }
        for (size_t b = 0; b < c->blocks; b++) {
            const hxk_block *block = HXK_AT(c, hxk_block, blocks) + b;
            const int16_t *u = HXK_AT(c, int16_t, weights) + b * 256 * channels;
            for (size_t p = 0; p < 16; p++)
                winograd_place(tiles, transformed + p * place, channels, u + p * 16 * channels, products + p * 16 * tiles);
            const size_t start = (image * s->out_height + top) * s->out_width * s->out_channels + block->first;
            uint8_t *out = output + start * (c->sums ? 4 : 1);
            const size_t stride = general ? block->width : s->out_channels;
            const size_t below = s->out_width * stride * (general || c->sums ? 4 : 1);
            if (general || c->sums) {
                uint8_t *to = general ? (uint8_t *)sums : out;
                winograd_block(c, block, products, tiles, count, to, stride, below, 1, 0);
            } else if (c->high_words) {
                winograd_block(c, block, products, tiles, count, out, stride, below, 0, 1);
            } else {
                winograd_block(c, block, products, tiles, count, out, stride, below, 0, 0);
            }
            if (general)
                general__avx2(c, block->first, block->width, sums, block->width, count * s->out_width, out);
        }
    }
}
