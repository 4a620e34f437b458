// What a draft brings back to full size: pixels by the same whole numbers on both backends. Each lies between two
// pixels of the half size along either axis, three quarters from the one that covers it.
#pragma once
#include <cstring>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh::detail {

/// Enlarges what was rendered at half size, and adds what the frame has more than its halved self, where it is in focus
/// and nothing was drawn over it.
template <class Space>
struct EnlargeDraft {
    Image<const Rgba8, Space> frame, small, rendered;  // small: the frame at half size
    Image<const float, Space> defocus;
    Image<Rgba8, Space> out;

    static constexpr float sharp = 0.5f, blurred = 1.5f;  // radii up to which all, and from which no detail is added

    /// The pixel of the half size that covers x, and its neighbour on the side of x.
    struct Pair {
        int near, far;
        CINEBOKEH_HD Pair(int x, int count)
            : near(x / 2), far(clamp(x % 2 == 0 ? x / 2 - 1 : x / 2 + 1, 0, count - 1)) {}
    };
    CINEBOKEH_HD static int enlarged(const Image<const Rgba8, Space>& half, const Pair& h, const Pair& v, int c) {
        const int near = 3 * half(h.near, v.near)[c] + half(h.far, v.near)[c];
        const int far = 3 * half(h.near, v.far)[c] + half(h.far, v.far)[c];
        return (3 * near + far + 8) >> 4;
    }
    CINEBOKEH_HD void operator()(int x, int y) const {
        const Pair h(x, small.size.width), v(y, small.size.height);
        const Rgba8 own = frame(x, y);
        int before[3], after[3], change = 0;
        for (int c = 0; c < 3; ++c) {
            before[c] = enlarged(small, h, v, c), after[c] = enlarged(rendered, h, v, c);
            const int d = after[c] - before[c];
            change = change > d ? change : d, change = change > -d ? change : -d;
        }
        const float radius = defocus(x, y) < 0 ? -defocus(x, y) : defocus(x, y);
        const float in_focus = clamp(blurred - radius, 0.f, 1.f), alone = clamp(1 - float(change) / 16, 0.f, 1.f);
        const int share = int(256 * in_focus * alone);  // of 256; truncation keeps 0 and all
        Rgba8 result = own;
        for (int c = 0; c < 3; ++c)
            result[c] = uint8_t(clamp(after[c] + ((int(own[c]) - before[c]) * share >> 8), 0, 255));
        out(x, y) = result;
    }
};

/// Sixteen pixels of a row from column x on, which is a multiple of 16, on the Cpu.
struct EnlargeDraftBlock : EnlargeDraft<HostSpace> {
    static constexpr int block = 16, columns = block / 2 + 2;  // columns of the half size that they read

    void copy_of(const Image<const Rgba8, HostSpace>& half, int x, int row, Rgba8 (&to)[columns]) const {
        for (int i = 0; i < columns; ++i) to[i] = half(clamp(x / 2 - 1 + i, 0, half.size.width - 1), row);
    }
    /// Whether nothing was drawn over what these pixels read.
    bool alone(int x, const Pair& v) const {
        Rgba8 a[columns], b[columns];
        for (const int row : {v.near, v.far}) {
            copy_of(small, x, row, a), copy_of(rendered, x, row, b);
            if (std::memcmp(a, b, sizeof a) != 0) return false;
        }
        return true;
    }
    void enlarge(int x, int y, const Pair& v) const {
        Rgba8 near[columns], far[columns];
        copy_of(rendered, x, v.near, near), copy_of(rendered, x, v.far, far);
        int mixed[columns][4];
        for (int i = 0; i < columns; ++i)
            for (int c = 0; c < 4; ++c) mixed[i][c] = 3 * near[i][c] + far[i][c];
        Rgba8* to = &out(x, y);
        const Rgba8* own = &frame(x, y);
        for (int i = 1; i + 1 < columns; ++i)
            for (int side = 0; side < 2; ++side, ++to, ++own) {
                const uint8_t alpha = (*own)[3];
                for (int c = 0; c < 4; ++c)
                    (*to)[c] = uint8_t((3 * mixed[i][c] + mixed[side == 0 ? i - 1 : i + 1][c] + 8) >> 4);
                (*to)[3] = alpha;
            }
    }
    void render(int x, int y) const {
        const Pair v(y, small.size.height);
        float least = 1e9f, most = 0;
        const float* radii = &defocus(x, y);
        for (int i = 0; i < block; ++i) {
            const float radius = radii[i] < 0 ? -radii[i] : radii[i];
            least = radius < least ? radius : least, most = radius > most ? radius : most;
        }
        if (least >= blurred)
            enlarge(x, y, v);
        else if (most <= sharp && alone(x, v))
            std::memmove(static_cast<void*>(&out(x, y)), &frame(x, y), block * sizeof(Rgba8));
        else
            for (int i = 0; i < block; ++i) (*this)(x + i, y);
    }
};

inline void enlarge_draft(Cpu& exec, const EnlargeDraft<HostSpace>& draft) {
    const Size size = draft.out.size;
    exec.for_each_range(size.height, 16, [&](int begin, int end) {
        const EnlargeDraftBlock blocks{draft};
        for (int y = begin; y < end; ++y) {
            int x = 0;
            for (; x + EnlargeDraftBlock::block <= size.width; x += EnlargeDraftBlock::block) blocks.render(x, y);
            for (; x < size.width; ++x) draft(x, y);
        }
    });
}
#if CINEBOKEH_GRID
inline void enlarge_draft(Cuda& exec, const EnlargeDraft<DeviceSpace>& draft) {
    for_each_pixel(exec, draft.out.size, draft);
}
#endif
}  // namespace cinebokeh::detail
