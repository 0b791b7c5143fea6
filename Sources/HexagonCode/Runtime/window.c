// ---- Windows over a feature map, height x width x channels ---------------------------------------------------------

typedef struct {
    s32 height, width, channels;
    s32 out_height, out_width;
    s32 window_height, window_width, stride_y, stride_x, dilation_y, dilation_x, top, left;
} Window;

// The input position that a tap of an output position sees; null in the padding.
static inline const u8 *tap(const Window *window, const u8 *input, s32 y, s32 x, s32 i, s32 j) {
    s32 line = y * window->stride_y - window->top + i * window->dilation_y;
    s32 position = x * window->stride_x - window->left + j * window->dilation_x;
    if (line < 0 || line >= window->height || position < 0 || position >= window->width) return 0;
    return input + (line * window->width + position) * window->channels;
}
