// Runs every NEON kernel against its scalar twin on random shapes and extreme values and compares all bytes. Built by
// NEONTests with Debian's clang for aarch64 and run under qemu-aarch64, on processors with and without dot products.
//
//     neon_check SEED CASES      prints one line for each set of kernels; ends with 1 when a byte differs

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"
#include "hxk_convolution.h"
#include "hxk_operators.h"
#include "hxk_peak.h"

static uint64_t state;

// SplitMix64.
static uint64_t next(void) {
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t between(size_t low, size_t high) { return low + next() % (high - low + 1); }

static int one_in(size_t n) { return next() % n == 0; }

// Memory with a guard behind it that must stay as it is.
enum { GUARD = 256, SLACK = 64, MARK = 0xA5 };

static void *allocate(size_t bytes) {
    const size_t whole = (bytes + 63) / 64 * 64 + GUARD;
    uint8_t *memory = aligned_alloc(64, whole);
    if (memory == NULL) abort();
    memset(memory, MARK, whole);
    return memory;
}

static int is_intact(const void *memory, size_t bytes) {
    const uint8_t *guard = (const uint8_t *)memory + bytes;
    for (size_t i = 0; i < GUARD; i++)
        if (guard[i] != MARK) return 0;
    return 1;
}

// Random bytes with many extremes, and slack whose contents must not matter.
static uint8_t *bytes_of(size_t count) {
    uint8_t *bytes = allocate(count + SLACK);
    const int extreme = one_in(4);
    for (size_t i = 0; i < count + SLACK; i++) {
        const uint64_t r = next();
        bytes[i] = (uint8_t)(extreme ? (r & 1 ? 255 : 0) : r);
    }
    return bytes;
}

static int complain(const char *kernel, uint64_t seed, size_t index, int expected, int actual) {
    printf("%s: case of seed %llu: element %zu is %d and should be %d\n", kernel, (unsigned long long)seed, index, actual,
           expected);
    return 1;
}

static int differs(const char *kernel, uint64_t seed, const uint8_t *expected, const uint8_t *actual, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (expected[i] != actual[i]) return complain(kernel, seed, i, expected[i], actual[i]);
    if (!is_intact(actual, count)) {
        printf("%s: case of seed %llu: wrote behind its output\n", kernel, (unsigned long long)seed);
        return 1;
    }
    return 0;
}

// Sizes where vectors end, begin and just do not.
static size_t channels(void) {
    static const size_t edges[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 64, 127, 128, 129};
    return one_in(2) ? edges[between(0, sizeof edges / sizeof *edges - 1)] : between(1, 40);
}

static hxk_convolution_shape random_shape(void) {
    hxk_convolution_shape s = {.groups = 1, .kernel_height = 1, .kernel_width = 1, .stride_y = 1, .stride_x = 1,
                               .dilation_y = 1, .dilation_x = 1, .zero_point = (uint8_t)next()};
    if (one_in(6)) s.zero_point = 0;
    if (one_in(6)) s.zero_point = 255;
    const size_t kind = between(0, 4);
    s.in_channels = channels();
    s.out_channels = channels();
    s.in_height = kind == 0 ? 1 : between(1, 9);
    s.in_width = kind == 0 ? 1 : between(1, 13);
    if (kind == 0 && one_in(4)) s.in_channels = between(255, 257);
    if (kind >= 2) {
        s.kernel_height = between(1, 5), s.kernel_width = between(1, 5);
        s.stride_y = between(1, 3), s.stride_x = between(1, 3);
        s.dilation_y = one_in(3) ? between(1, 3) : 1, s.dilation_x = one_in(3) ? between(1, 3) : 1;
        s.pad_top = between(0, 3), s.pad_left = between(0, 3);
    }
    if (kind == 3) { // depthwise
        const size_t multiplier = one_in(3) ? between(2, 3) : 1;
        if (s.in_channels == 1) s.in_channels = 2;
        s.groups = s.in_channels, s.out_channels = s.in_channels * multiplier;
    }
    if (kind == 4) { // grouped
        s.groups = between(2, 3);
        const size_t in = between(1, 9), out = between(1, 20);
        s.in_channels = in * s.groups, s.out_channels = out * s.groups;
    }
    const size_t pad_bottom = kind >= 2 ? between(0, 3) : 0, pad_right = kind >= 2 ? between(0, 3) : 0;
    const size_t reach_y = (s.kernel_height - 1) * s.dilation_y + 1, reach_x = (s.kernel_width - 1) * s.dilation_x + 1;
    while (s.in_height + s.pad_top + pad_bottom < reach_y) s.in_height++;
    while (s.in_width + s.pad_left + pad_right < reach_x) s.in_width++;
    s.out_height = (s.in_height + s.pad_top + pad_bottom - reach_y) / s.stride_y + 1;
    s.out_width = (s.in_width + s.pad_left + pad_right - reach_x) / s.stride_x + 1;
    return s;
}

typedef void convolution(const hxk_convolution *, const uint8_t *restrict, void *restrict, void *restrict, size_t, size_t,
                         size_t);

static int check_convolution(const char *name, hxk_variant variant, convolution *run, uint64_t seed) {
    state = seed;
    const hxk_convolution_shape s = random_shape();
    const size_t rows = between(1, 3), row = s.kernel_height * s.kernel_width * (s.in_channels / s.groups);
    const size_t outputs = rows * s.out_height * s.out_width * s.out_channels;
    uint8_t *input = bytes_of(rows * s.in_height * s.in_width * s.in_channels);
    int8_t *weights = (int8_t *)bytes_of(s.out_channels * row);
    int16_t *wide = allocate(s.out_channels * row * 2);
    for (size_t i = 0; i < s.out_channels * row; i++) wide[i] = weights[i];
    int32_t *initial = allocate(s.out_channels * 4), *multiplier = allocate(s.out_channels * 4);
    int32_t *left = allocate(s.out_channels * 4), *right = allocate(s.out_channels * 4);
    int64_t *bound = allocate(s.out_channels * 8);
    const int is_wild = one_in(4);
    for (size_t n = 0; n < s.out_channels; n++) {
        int64_t magnitude = 0, sum = 0;
        for (size_t k = 0; k < row; k++) {
            const int64_t w = weights[n * row + k];
            magnitude += (w < 0 ? -w : w) * 255, sum += w;
        }
        const int32_t bias = is_wild ? (int32_t)next() : (int32_t)between(0, 20000) - 10000;
        bound[n] = magnitude + (bias < 0 ? -(int64_t)bias : bias);
        initial[n] = (int32_t)((uint32_t)bias - s.zero_point * (uint32_t)sum);
        multiplier[n] = (int32_t)between(1 << 30, INT32_MAX);
        left[n] = one_in(8) ? (int32_t)between(0, 2) : 0;
        right[n] = (int32_t)between(0, 16);
        if (is_wild) {
            multiplier[n] = one_in(3) ? INT32_MIN : (int32_t)next();
            left[n] = (int32_t)between(0, 31), right[n] = (int32_t)between(0, 31);
            bound[n] = INT64_C(1) << 31;
        }
    }
    hxk_requantization r = {multiplier, left, right, (int32_t)between(0, 255), 0, 255};
    if (one_in(2)) r.low = (uint8_t)between(0, 100), r.high = (uint8_t)between(100, 255);
    const hxk_requantization *requantization = one_in(5) ? NULL : &r;
    const size_t size = outputs * (requantization ? 1 : 4);

    uint8_t *expected = allocate(size), *actual = allocate(size);
    hxk_u8s16_convolution__scalar(&s, wide, initial, requantization, input, expected, rows, 0, rows * s.out_height);
    hxk_convolution *packed = allocate(hxk_u8s8_convolution_bytes(variant, &s));
    hxk_u8s8_convolution_pack(variant, &s, weights, initial, bound, requantization, packed);
    const size_t scratch_bytes = hxk_u8s8_convolution_scratch(packed), units = hxk_u8s8_convolution_units(packed, rows);
    uint8_t *scratch = allocate(scratch_bytes);
    // In two parts, the second first: units know nothing of each other.
    const size_t middle = between(0, units);
    run(packed, input, actual, scratch, rows, middle, units);
    run(packed, input, actual, scratch, rows, 0, middle);
    int bad = differs(name, seed, expected, actual, size);
    if (!bad && !is_intact(scratch, scratch_bytes)) {
        printf("%s: case of seed %llu: wrote behind its scratch memory\n", name, (unsigned long long)seed);
        bad = 1;
    }
    if (bad) {
        printf("  %s: %zu rows of %zux%zux%zu to %zux%zux%zu, kernel %zux%zu, stride %zu %zu, dilation %zu %zu, pad %zu %zu, "
               "groups %zu\n",
               hxk_u8s8_convolution_path(packed), rows, s.in_height, s.in_width, s.in_channels, s.out_height, s.out_width,
               s.out_channels, s.kernel_height, s.kernel_width, s.stride_y, s.stride_x, s.dilation_y, s.dilation_x,
               s.pad_top, s.pad_left, s.groups);
    }
    void *all[] = {input, weights, wide, initial, multiplier, left, right, bound, expected, actual, packed, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return bad;
}

// One operator on both sides; `inputs` of the same bytes each.
static int compare(const char *name, uint64_t seed, hxk_operator *scalar, hxk_operator *neon, const void *parameters,
                   const void *const *inputs, size_t output, size_t scratch_bytes, size_t rows, size_t units) {
    uint8_t *expected = allocate(output), *actual = allocate(output), *scratch = allocate(scratch_bytes);
    scalar(parameters, inputs, expected, scratch, rows, 0, units);
    memset(scratch, 0x5A, scratch_bytes);
    const size_t middle = between(0, units);
    neon(parameters, inputs, actual, scratch, rows, middle, units);
    neon(parameters, inputs, actual, scratch, rows, 0, middle);
    const int bad = differs(name, seed, expected, actual, output);
    free(expected), free(actual), free(scratch);
    return bad;
}

#define COMPARE(stem, parameters, inputs, output, scratch, rows, units)                                                \
    compare(#stem, seed, stem##__scalar, stem##__neon, parameters, inputs, output, scratch, rows, units)

static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

static int check_elementwise(uint64_t seed) {
    static const size_t counts[] = {0, 1, 15, 16, 17, 127, 128, 129, 255, 256, 257, 16384, 16385, 40000};
    state = seed;
    const size_t rows = between(1, 2), count = counts[between(0, sizeof counts / sizeof *counts - 1)];
    const size_t units = ceil_div(rows * count, HXK_UNIT_ELEMENTS), offset = between(0, 15);
    uint8_t *a = bytes_of(rows * count + offset), *b = bytes_of(rows * count);
    const void *const inputs[] = {a + offset, b};
    const uint8_t low = (uint8_t)between(0, 100), high = (uint8_t)between(100, 255);
    const int32_t shift = (int32_t)between(0, 15);
    const hxk_addition addition = {
        .count = count, .a_multiplier = (int16_t)next(), .b_multiplier = (int16_t)next(),
        .bias = (int32_t)between(0, 1 << 24) - (1 << 23), .shift = shift, .zero_point = (int32_t)between(0, 255),
        .low = low, .high = high};
    int bad = COMPARE(hxk_u8_addition, &addition, inputs, rows * count, 0, rows, units);
    const int is_wild = one_in(3);
    const hxk_multiplication multiplication = {
        .count = count, .a_zero_point = (int32_t)between(0, 255), .b_zero_point = (int32_t)between(0, 255),
        .multiplier = is_wild ? (int32_t)next() : (int32_t)between(1 << 30, INT32_MAX),
        .left_shift = is_wild ? (int32_t)between(0, 31) : 0, .right_shift = (int32_t)between(0, is_wild ? 31 : 12),
        .zero_point = (int32_t)between(0, 255), .low = low, .high = high};
    bad += COMPARE(hxk_u8_multiplication, &multiplication, inputs, rows * count, 0, rows, units);
    hxk_table table = {.count = count};
    for (size_t i = 0; i < 256; i++) table.table[i] = (uint8_t)next();
    bad += COMPARE(hxk_u8_table, &table, inputs, rows * count, 0, rows, units);
    free(a), free(b);
    return bad;
}

static int check_vectors(uint64_t seed) {
    state = seed;
    const size_t rows = between(1, 2), outer = between(1, 70), width = channels();
    const size_t units = ceil_div(rows * outer, HXK_UNIT_VECTORS);
    uint8_t *input = bytes_of(rows * outer * width), *other = bytes_of(rows * outer * width);
    const void *const inputs[] = {input, other};
    hxk_softmax softmax = {.outer = outer, .channels = width};
    for (size_t i = 0; i < 256; i++) softmax.exponentials[i] = (uint16_t)(i == 0 ? 65535 : next() >> (48 + i / 16));
    int bad = COMPARE(hxk_u8_softmax, &softmax, inputs, rows * outer * width, 0, rows, units);
    uint8_t table[256];
    for (size_t i = 0; i < 256; i++) table[i] = (uint8_t)next();
    const size_t counts[] = {width, width};
    const uint8_t *const tables[] = {one_in(2) ? table : NULL, one_in(2) ? table : NULL};
    const hxk_concatenation concatenation = {outer, 2 * width, 2, counts, tables};
    bad += COMPARE(hxk_u8_concatenation, &concatenation, inputs, rows * outer * 2 * width, 0, rows, units);
    const hxk_gather gather = {outer, width, outer, other};
    int32_t *indices = allocate(rows * outer * 4 + SLACK);
    for (size_t i = 0; i < rows * outer; i++) indices[i] = (int32_t)between(0, 2 * outer) - (int32_t)outer / 2;
    const void *const index_input[] = {indices};
    bad += COMPARE(hxk_u8_gather, &gather, index_input, rows * outer * width, 0, rows, units);
    free(input), free(other), free(indices);
    return bad;
}

static int check_planes(uint64_t seed) {
    state = seed;
    hxk_convolution_shape s;
    do s = random_shape();
    while (s.pad_top >= s.kernel_height || s.pad_left >= s.kernel_width || s.dilation_y > 1 || s.dilation_x > 1);
    // A window that lies in the padding altogether is refused before it comes here.
    while (s.out_height > 1 && (s.out_height - 1) * s.stride_y >= s.in_height + s.pad_top) s.out_height--;
    while (s.out_width > 1 && (s.out_width - 1) * s.stride_x >= s.in_width + s.pad_left) s.out_width--;
    s.groups = 1, s.out_channels = s.in_channels;
    const size_t rows = between(1, 2), taps = s.kernel_height * s.kernel_width;
    const size_t output = rows * s.out_height * s.out_width * s.in_channels;
    uint8_t *input = bytes_of(rows * s.in_height * s.in_width * s.in_channels);
    const void *const inputs[] = {input};
    int32_t multiplier[25], left[25], right[25];
    for (size_t i = 0; i < taps; i++) {
        multiplier[i] = (int32_t)between(1 << 30, INT32_MAX), left[i] = 0, right[i] = (int32_t)between(0, 6);
    }
    const hxk_pool pool = {.shape = s, .low = (uint8_t)between(0, 100), .high = (uint8_t)between(100, 255),
                           .multiplier = multiplier, .left_shift = left, .right_shift = right, .counts = taps,
                           .out_zero_point = (int32_t)between(0, 255)};
    int bad = COMPARE(hxk_u8_maximum_pool, &pool, inputs, output, 0, rows, rows * s.out_height);
    bad += COMPARE(hxk_u8_average_pool, &pool, inputs, output, 4 * s.in_channels, rows, rows * s.out_height);

    const size_t lines = between(1, 9), columns = between(1, 9);
    uint32_t first[2][9], second[2][9];
    uint8_t fraction[2][9];
    const int is_nearest = one_in(3);
    for (size_t i = 0; i < 9; i++) {
        first[0][i] = (uint32_t)between(0, s.in_height - 1), second[0][i] = (uint32_t)between(0, s.in_height - 1);
        first[1][i] = (uint32_t)between(0, s.in_width - 1), second[1][i] = (uint32_t)between(0, s.in_width - 1);
        fraction[0][i] = (uint8_t)(is_nearest ? 0 : between(0, 128));
        fraction[1][i] = (uint8_t)(is_nearest ? 0 : between(0, 128));
    }
    const hxk_resize resize = {s.in_height, s.in_width, s.in_channels, lines, columns, first[0], second[0],
                               first[1], second[1], fraction[0], fraction[1]};
    bad += COMPARE(hxk_u8_resize, &resize, inputs, rows * lines * columns * s.in_channels,
                   4 * s.in_width * s.in_channels, rows, rows * lines);

    const size_t height = s.in_height, width = s.in_width, depth = s.in_channels, margin = between(0, 2);
    const ptrdiff_t out_line = (ptrdiff_t)((width + 2 * margin) * depth);
    const hxk_strided_copy copy = {
        .input_bytes = height * width * depth, .size = {1, 1, 1, height, width, depth},
        .in_stride = {0, 0, 0, (ptrdiff_t)(width * depth), (ptrdiff_t)depth, 1},
        .out_stride = {0, 0, 0, out_line, (ptrdiff_t)depth, 1},
        .out_start = margin * (size_t)out_line + margin * depth, .out_bytes = (height + 2 * margin) * (size_t)out_line,
        .has_border = 1, .value = (uint8_t)next()};
    bad += COMPARE(hxk_u8_strided_copy, &copy, inputs, rows * copy.out_bytes, 0, rows, rows);
    free(input);
    return bad;
}

static int check_wide(uint64_t seed) {
    state = seed;
    const hxk_convolution_shape s = random_shape();
    const size_t rows = between(1, 2), row = s.kernel_height * s.kernel_width * (s.in_channels / s.groups);
    const size_t outputs = rows * s.out_height * s.out_width * s.out_channels;
    uint8_t *input = bytes_of(2 * rows * s.in_height * s.in_width * s.in_channels), *weights = bytes_of(s.out_channels * row);
    int32_t *biases = allocate(s.out_channels * 4), *multiplier = allocate(s.out_channels * 4);
    int32_t *left = allocate(s.out_channels * 4), *right = allocate(s.out_channels * 4);
    for (size_t n = 0; n < s.out_channels; n++) {
        biases[n] = (int32_t)next(), multiplier[n] = (int32_t)next();
        left[n] = (int32_t)between(0, 31), right[n] = (int32_t)between(0, 31);
    }
    const int has_sums = one_in(3);
    const hxk_wide_convolution wide = {s, (const int8_t *)weights, biases, has_sums ? NULL : multiplier, left, right,
                                       (int16_t)-between(0, 32768), (int16_t)between(0, 32767)};
    const void *const inputs[] = {input};
    const int bad = COMPARE(hxk_s16s8_convolution, &wide, inputs, outputs * (has_sums ? 4 : 2), 0, rows, rows * s.out_height);
    void *all[] = {input, weights, biases, multiplier, left, right};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return bad;
}

int main(int argc, char **argv) {
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    const size_t cases = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    size_t bad = 0;
    for (size_t i = 0; i < cases; i++) bad += check_convolution("neon", HXK_NEON, hxk_u8s8_convolution__neon, seed + i);
    printf("neon convolutions: %zu cases, %zu differ\n", cases, bad);
    if (hxk_has_neondot()) {
        size_t wrong = 0;
        for (size_t i = 0; i < cases; i++)
            wrong += check_convolution("neondot", HXK_NEONDOT, hxk_u8s8_convolution__neondot, seed + i);
        printf("neondot convolutions: %zu cases, %zu differ\n", cases, wrong);
        bad += wrong;
    } else {
        printf("neondot convolutions: this processor has no dot products\n");
    }
    size_t wrong = 0;
    for (size_t i = 0; i < cases; i += 4)
        wrong += check_elementwise(seed + i) + check_vectors(seed + i) + check_planes(seed + i) + check_wide(seed + i);
    if (hxk_peak(HXK_NEON, 100) != 100 * 12 * 4) wrong++;
    if (hxk_has_neondot() && hxk_peak(HXK_NEONDOT, 100) != 100 * 12 * 16) wrong++;
    printf("neon operators: %zu cases, %zu differ\n", (cases + 3) / 4 * 11, wrong);
    return bad + wrong == 0 ? 0 : 1;
}
