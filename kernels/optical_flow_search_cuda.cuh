// Inverse search on Cuda: a warp aligns a patch.
//
// The lanes hold the pixels of the patch, their gradient and their part of every sum in registers; shuffles add up. The
// CPU lets good displacements run through stripes of patches in the order of reading. Here all patches are searched at
// once, three times, and try the displacements of neighbours two patches away and then one.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cuda.hpp"
#if CINEBOKEH_GRID
#include "kernels/optical_flow_search.hpp"

namespace cinebokeh {
namespace detail {
// PatchGrid for the device.
struct FlowGrid {
    Size image, patches;
    int patch_size, stride;

    CINEBOKEH_HD int origin(int i, int length) const {
        const int last = length > patch_size ? length - patch_size : 0;
        return i * stride < last ? i * stride : last;
    }
    CINEBOKEH_HD int left(int i) const { return origin(i, image.width); }
    CINEBOKEH_HD int top(int j) const { return origin(j, image.height); }
};

// FlowSample for the device.
CINEBOKEH_HD inline Float2 sample_flow(Image<const Float2, DeviceSpace> flow, float x, float y) {
    const float u = clamp(x - 0.5f, 0.f, float(flow.size.width - 1));
    const float v = clamp(y - 0.5f, 0.f, float(flow.size.height - 1));
    const int i = int(u), j = int(v);
    const Float2 a = flow.clamped(i, j), b = flow.clamped(i + 1, j);
    const Float2 c = flow.clamped(i, j + 1), d = flow.clamped(i + 1, j + 1);
    const float s = u - float(i), t = v - float(j);
    const Float2 upper = a + s * (b - a), lower = c + s * (d - c);
    return upper + t * (lower - upper);
}

/// The pixel of a frame at a position between pixels, as PatchPosition places it: at most a patch outside.
struct FlowPlace {
    int x, y;
    float fx, fy;

    CINEBOKEH_HD FlowPlace(Size image, int patch_size, float left, float top) {
        const float low = -float(patch_size);
        left = clamp(left, low, float(image.width)), top = clamp(top, low, float(image.height));
        x = int(left - low) - patch_size, y = int(top - low) - patch_size;
        fx = left - float(x), fy = top - float(y);
    }
    CINEBOKEH_HD float read(Image<const float, DeviceSpace> frame, int c, int r) const {
        const float a = frame.clamped(x + c, y + r), b = frame.clamped(x + c + 1, y + r);
        const float d = frame.clamped(x + c, y + r + 1), e = frame.clamped(x + c + 1, y + r + 1);
        return (1 - fy) * ((1 - fx) * a + fx * b) + fy * ((1 - fx) * d + fx * e);
    }
};

/// Functor over patches: the flow of the coarser scale at the centre of each; zero without one.
struct StartPatches {
    FlowGrid grid;
    Image<const Float2, DeviceSpace> coarser;
    Image<Float2, DeviceSpace> patches;
    CINEBOKEH_HD void operator()(int i, int j) const {
        const float half = 0.5f * float(grid.patch_size);
        patches(i, j) =
            coarser.data ? 2.f * sample_flow(coarser, (float(grid.left(i)) + half) / 2, (float(grid.top(j)) + half) / 2)
                         : Float2{0, 0};
    }
};

/// Functor over pixels: the mean of the patches that cover the pixel, weighted by how well each explains it (eq. 3).
struct DensifyPatches {
    FlowGrid grid;
    Image<const float, DeviceSpace> from, to;
    Image<const Float2, DeviceSpace> patches;
    Image<Float2, DeviceSpace> flow;

    CINEBOKEH_HD int first(int at) const {
        const int i = (at - grid.patch_size + grid.stride) / grid.stride;  // ceil((at - patch_size + 1) / stride)
        return at < grid.patch_size ? 0 : i;
    }
    CINEBOKEH_HD void operator()(int x, int y) const {
        Float2 sum = {0, 0};
        float weights = 0;
        for (int j = first(y); j < grid.patches.height && grid.top(j) <= y; ++j)
            for (int i = first(x); i < grid.patches.width && grid.left(i) <= x; ++i) {
                const Float2 d = patches(i, j);
                const int left = grid.left(i), top = grid.top(j);
                const FlowPlace place(to.size, grid.patch_size, float(left) + d[0], float(top) + d[1]);
                const float difference = fabsf(place.read(to, x - left, y - top) - from(x, y));
                const float w = difference > 1 ? 1 / difference : 1;
                sum = sum + w * d, weights += w;
            }
        flow(x, y) = {sum[0] / weights, sum[1] / weights};
    }
};
}  // namespace detail

namespace kernels {
inline constexpr int flow_warps = 8;  // patches of a block

static __device__ inline float flow_warp_sum(float v) {
    for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(~0u, v, d);
    return v;
}

/// FlowPatch for a warp.
template <int P>
class WarpPatch {
public:
    static constexpr int pixels = P * P >= 32 ? P * P / 32 : 1;

    __device__ WarpPatch(Image<const float, DeviceSpace> from, int left, int top) : left_(left), top_(top) {
        float sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
        CINEBOKEH_UNROLL
        for (int i = 0; i < pixels; ++i) {
            value_[i] = gx_[i] = gy_[i] = 0;
            if (!inside(i)) continue;
            const int x = left + column(i), y = top + row(i);
            value_[i] = from.clamped(x, y);
            const auto at = [&](int dx, int dy) { return from.clamped(x + dx, y + dy); };
            const float diagonal = at(1, 1) - at(-1, -1), other = at(1, -1) - at(-1, 1);
            gx_[i] = 0.125f * (diagonal + other + 2 * (at(1, 0) - at(-1, 0)));
            gy_[i] = 0.125f * (diagonal - other + 2 * (at(0, 1) - at(0, -1)));
            sx += gx_[i], sy += gy_[i], sxx += gx_[i] * gx_[i], sxy += gx_[i] * gy_[i], syy += gy_[i] * gy_[i];
        }
        mean_gx_ = flow_warp_sum(sx) / (P * P), mean_gy_ = flow_warp_sum(sy) / (P * P);
        const float hxx = flow_warp_sum(sxx) - mean_gx_ * mean_gx_ * (P * P) + damping;
        const float hxy = flow_warp_sum(sxy) - mean_gx_ * mean_gy_ * (P * P);
        const float hyy = flow_warp_sum(syy) - mean_gy_ * mean_gy_ * (P * P) + damping;
        const float determinant = hxx * hyy - hxy * hxy;
        const float inverse = determinant > 0 ? detail::flow_step_length / determinant : 0;  // else rounding only
        ixx_ = hyy * inverse, ixy_ = -hxy * inverse, iyy_ = hxx * inverse;
    }

    /// Compares with the second frame at a displacement. All lanes get the same result.
    __device__ detail::PatchFit fit(Image<const float, DeviceSpace> to, Float2 displacement) const {
        const detail::FlowPlace place(to.size, P, float(left_) + displacement[0], float(top_) + displacement[1]);
        float sum = 0, squares = 0, along_x = 0, along_y = 0;
        CINEBOKEH_UNROLL
        for (int i = 0; i < pixels; ++i) {
            if (!inside(i)) continue;
            const float d = place.read(to, column(i), row(i)) - value_[i];
            sum += d, squares += d * d, along_x += gx_[i] * d, along_y += gy_[i] * d;
        }
        sum = flow_warp_sum(sum), squares = flow_warp_sum(squares);
        const float bx = flow_warp_sum(along_x) - mean_gx_ * sum, by = flow_warp_sum(along_y) - mean_gy_ * sum;
        return {squares - sum * sum / (P * P), {-(ixx_ * bx + ixy_ * by), -(ixy_ * bx + iyy_ * by)}};
    }

private:
    static constexpr float damping = P * P * detail::flow_gradient_noise;

    static __device__ int index(int i) { return int(threadIdx.x) % 32 + 32 * i; }
    static __device__ bool inside(int i) { return index(i) < P * P; }
    static __device__ int column(int i) { return index(i) % P; }
    static __device__ int row(int i) { return index(i) / P; }

    int left_, top_;
    float ixx_, ixy_, iyy_, mean_gx_, mean_gy_;
    float value_[pixels], gx_[pixels], gy_[pixels];
};

/// Searches every patch from its displacement and those of four patches `reach` away (none for 0), in `iterations`
/// steps. The result is never worse than the best of these, and at most a patch away from it.
template <int P>
static __global__ void flow_search(detail::FlowGrid grid, Image<const float, DeviceSpace> from,
                                   Image<const float, DeviceSpace> to, int reach, int iterations,
                                   Image<const Float2, DeviceSpace> before, Image<Float2, DeviceSpace> after) {
    const int patch_index = int(blockIdx.x) * flow_warps + int(threadIdx.x) / 32;
    if (patch_index >= grid.patches.width * grid.patches.height) return;  // a whole warp; there is no barrier below
    const int i = patch_index % grid.patches.width, j = patch_index / grid.patches.width;
    const WarpPatch<P> patch(from, grid.left(i), grid.top(j));
    Float2 start = before(i, j);
    detail::PatchFit fit = patch.fit(to, start);
    for (int n = 0; n < 4 && reach > 0; ++n) {
        const int u = i + (n == 0 ? -reach : n == 1 ? reach : 0), v = j + (n == 2 ? -reach : n == 3 ? reach : 0);
        if (!grid.patches.contains(u, v) || before(u, v) == start) continue;
        const detail::PatchFit other = patch.fit(to, before(u, v));
        if (other.error < fit.error) fit = other, start = before(u, v);
    }
    Float2 best = start;
    for (int n = 0; n < iterations; ++n) {
        const Float2 next = best + fit.step;
        const detail::PatchFit there = patch.fit(to, next);
        if (!(there.error < fit.error)) break;
        best = next, fit = there;
        if (fit.step[0] * fit.step[0] + fit.step[1] * fit.step[1] < 1e-4f) break;  // 0.01 pixels
    }
    const Float2 way = best - start;
    if (threadIdx.x % 32 == 0) after(i, j) = way[0] * way[0] + way[1] * way[1] <= float(P * P) ? best : start;
}
}  // namespace kernels
}  // namespace cinebokeh
#endif
