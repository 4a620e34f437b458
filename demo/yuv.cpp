#include "yuv.hpp"

#include <bit>
#include <cstring>

namespace cinebokeh::demo {
namespace {
static_assert(std::endian::native == std::endian::little, "pixels are read as words: red is the lowest byte");

// BT.709 in units of 2^-16. The rows sum to 219/255, 0 and 0, so greys stay grey and white is exactly 235.
constexpr int y_r = 11966, y_g = 40254, y_b = 4064;
constexpr int u_r = -6596, u_g = -22189, u_b = 28785;
constexpr int v_r = 28784, v_g = -26145, v_b = -2639;

// A few rows of scratch: the sum of two rows, per channel, with one column more on the left.
constexpr int block = 512;
struct RowSums {
    int32_t r[block + 2], g[block + 2], b[block + 2];
};

int32_t word(const Rgba8* pixel) {
    int32_t bits;
    std::memcpy(&bits, pixel, sizeof bits);
    return bits;
}

void luma_row(const Rgba8* pixels, int count, uint8_t* out) {
    for (int x = 0; x < count; ++x) {
        const int32_t p = word(pixels + x);
        const int32_t r = p & 255, g = (p >> 8) & 255, b = (p >> 16) & 255;
        out[x] = uint8_t((y_r * r + y_g * g + y_b * b + (16 << 16) + (1 << 15)) >> 16);
    }
}

// `weighted` is a colour difference summed over 8 samples: 3 bits on top of the 16 of fixed point.
uint8_t chroma(int32_t weighted) { return uint8_t((weighted + (128 << 19) + (1 << 18)) >> 19); }

// The chroma of pixels [begin, begin + 2 * count) of a pair of rows.
void chroma_block(const Rgba8* upper, const Rgba8* lower, int begin, int count, int width, RowSums& sums, uint8_t* u,
                  uint8_t* v) {
    const auto sum_at = [&](int to, int x) {
        const int32_t a = word(upper + x), c = word(lower + x);
        sums.r[to] = (a & 255) + (c & 255);
        sums.g[to] = ((a >> 8) & 255) + ((c >> 8) & 255);
        sums.b[to] = ((a >> 16) & 255) + ((c >> 16) & 255);
    };
    sum_at(0, std::max(begin - 1, 0));
    const int inside = std::min(2 * count, width - begin);
    for (int i = 0; i < inside; ++i) sum_at(1 + i, begin + i);
    if (inside < 2 * count) sum_at(1 + inside, width - 1);  // the repeated column of an odd width
    for (int i = 0; i < count; ++i) {
        const int at = 2 * i + 1;
        const int32_t r = sums.r[at - 1] + 2 * sums.r[at] + sums.r[at + 1];
        const int32_t g = sums.g[at - 1] + 2 * sums.g[at] + sums.g[at + 1];
        const int32_t b = sums.b[at - 1] + 2 * sums.b[at] + sums.b[at + 1];
        u[i] = chroma(u_r * r + u_g * g + u_b * b);
        v[i] = chroma(v_r * r + v_g * g + v_b * b);
    }
}

void convert_pair(HostImage<const Rgba8> rgba, const YuvPlanes& out, int pair, RowSums& sums) {
    const int width = rgba.size.width, last = rgba.size.height - 1;
    const Rgba8* rows[2];
    for (int i = 0; i < 2; ++i) {
        rows[i] = rgba.row(std::min(2 * pair + i, last));
        uint8_t* luma = out.y.row(2 * pair + i);
        luma_row(rows[i], width, luma);
        if (width % 2) luma[width] = luma[width - 1];
    }
    for (int x = 0; x < width; x += block)
        chroma_block(rows[0], rows[1], x, std::min(block, width + width % 2 - x) / 2, width, sums,
                     out.u.row(pair) + x / 2, out.v.row(pair) + x / 2);
}
}  // namespace

void rgba_to_yuv420(Cpu& exec, HostImage<const Rgba8> rgba, const YuvPlanes& out) {
    const Size even = even_size(rgba.size), half{even.width / 2, even.height / 2};
    require(!rgba.size.empty(), "rgba_to_yuv420: empty picture");
    require(out.y.size == even && out.u.size == half && out.v.size == half, "rgba_to_yuv420: planes of ",
            out.y.size.width, " x ", out.y.size.height, " for a picture of ", rgba.size.width, " x ", rgba.size.height);
    exec.for_each_range(half.height, 16, [&](int begin, int end) {
        RowSums sums;
        for (int pair = begin; pair < end; ++pair) convert_pair(rgba, out, pair, sums);
    });
}
}  // namespace cinebokeh::demo
