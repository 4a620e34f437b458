// Variational refinement on Cuda. See kernels/optical_flow_refine.hpp for the energy.
//
// One launch is one update of the robust weights and five sweeps of over-relaxation. A block keeps a tile of 32 x 32
// pixels and ten more on each side in shared memory. A half sweep spoils what lies one pixel further in from the edge
// of what the block knows, so after ten of them the tile itself is what sweeps over the whole image would have made.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/optical_flow.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
/// What is known of a pixel before the sweeps: the second frame moved back by the flow.
struct FlowWarped {
    Image<float, DeviceSpace> mean, difference, inside;
};
/// Functor over pixels.
struct WarpBack {
    Image<const float, DeviceSpace> from, to;
    Image<const Float2, DeviceSpace> flow;
    FlowWarped out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float right = float(from.size.width - 1), bottom = float(from.size.height - 1);
        const float px = float(x) + flow(x, y)[0], py = float(y) + flow(x, y)[1];
        const float qx = clamp(px, 0.f, right), qy = clamp(py, 0.f, bottom);
        const int ix = int(qx), iy = int(qy);
        const float fx = qx - float(ix), fy = qy - float(iy);
        const float top = to(ix, iy) + fx * (to.clamped(ix + 1, iy) - to(ix, iy));
        const float below = to.clamped(ix, iy + 1) + fx * (to.clamped(ix + 1, iy + 1) - to.clamped(ix, iy + 1));
        const float warped = top + fy * (below - top), value = from(x, y);
        out.mean(x, y) = 0.5f * (warped + value);
        out.difference(x, y) = warped - value;
        out.inside(x, y) = px == qx && py == qy ? 1.f : 0.f;  // what comes from beyond the border says nothing
    }
};

/// The data term at a pixel: A (u, v) = b, with the robust weights of the flow at hand.
struct FlowSystem {
    float a11, a12, a22, b1, b2;

    __device__ FlowSystem(const FlowWarped& w, const FlowRefinementParams& p, int x, int y, Float2 start, Float2 flow) {
        const auto mean = [&](int dx, int dy) { return w.mean.clamped(x + dx, y + dy); };
        const auto difference = [&](int dx, int dy) { return w.difference.clamped(x + dx, y + dy); };
        const float epsilon2 = p.robustness * p.robustness, zeta2 = p.gradient_floor * p.gradient_floor;
        const float ix = 0.5f * (mean(1, 0) - mean(-1, 0)), iy = 0.5f * (mean(0, 1) - mean(0, -1));
        const float ixx = 0.25f * (mean(2, 0) - 2 * mean(0, 0) + mean(-2, 0));
        const float iyy = 0.25f * (mean(0, 2) - 2 * mean(0, 0) + mean(0, -2));
        const float ixy = 0.25f * (mean(1, 1) - mean(-1, 1) - mean(1, -1) + mean(-1, -1));
        // Residuals at zero flow, so that the unknowns are the flow itself.
        const float iz = difference(0, 0) - ix * start[0] - iy * start[1];
        const float ixz = 0.5f * (difference(1, 0) - difference(-1, 0)) - ixx * start[0] - ixy * start[1];
        const float iyz = 0.5f * (difference(0, 1) - difference(0, -1)) - ixy * start[0] - iyy * start[1];
        const float r = ix * flow[0] + iy * flow[1] + iz;
        const float rx = ixx * flow[0] + ixy * flow[1] + ixz, ry = ixy * flow[0] + iyy * flow[1] + iyz;
        const float n = 1 / (ix * ix + iy * iy + zeta2);
        const float nx = 1 / (ixx * ixx + ixy * ixy + zeta2), ny = 1 / (ixy * ixy + iyy * iyy + zeta2);
        const float valid = w.inside(x, y);
        const float wi = valid * p.intensity_weight * n * rsqrtf(r * r * n + epsilon2);
        const float wg = valid * p.gradient_weight * rsqrtf(rx * rx * nx + ry * ry * ny + epsilon2);
        const float wx = wg * nx, wy = wg * ny;
        a11 = wi * ix * ix + wx * ixx * ixx + wy * ixy * ixy;
        a12 = wi * ix * iy + wx * ixx * ixy + wy * ixy * iyy;
        a22 = wi * iy * iy + wx * ixy * ixy + wy * iyy * iyy;
        b1 = -(wi * ix * iz + wx * ixx * ixz + wy * ixy * iyz);
        b2 = -(wi * iy * iz + wx * ixy * ixz + wy * iyy * iyz);
    }
};
}  // namespace detail

namespace kernels {
inline constexpr int refine_tile = 32, refine_sweeps = 5, refine_halo = 2 * refine_sweeps;
inline constexpr int refine_side = refine_tile + 2 * refine_halo, refine_area = refine_side * refine_side;
inline constexpr int refine_threads = 640;  // two rounds for one colour; 48 registers leave room for two blocks

// 97 KiB: two blocks on an SM. Plane by plane, so that the lanes of a warp meet different
// banks.
struct RefineShared {
    float u[refine_area], v[refine_area];
    float a11[refine_area], a12[refine_area], a22[refine_area], b1[refine_area], b2[refine_area];
    float right[refine_area], down[refine_area];  // weights of the edges that leave a pixel
};

/// `start`: the flow when the frame was warped; `weighed`: where the weights are taken; `in`, `out`: before and after.
struct RefineFlow {
    Image<const Float2, DeviceSpace> start, weighed, in;
    Image<Float2, DeviceSpace> out;
};

static __global__ void __launch_bounds__(refine_threads, 2)
    refine_flow(detail::FlowWarped warped, FlowRefinementParams params, RefineFlow flow, int sweeps) {
    RefineShared& s = *dynamic_shared<RefineShared>();
    const Size size = flow.in.size;
    const int left = int(blockIdx.x) * refine_tile - refine_halo, top = int(blockIdx.y) * refine_tile - refine_halo;
    const int thread = int(threadIdx.x);
    const float alpha = params.smoothness_weight, epsilon2 = params.robustness * params.robustness;
    for (int i = thread; i < refine_area; i += refine_threads) {
        const int x = left + i % refine_side, y = top + i / refine_side;
        s.u[i] = s.v[i] = s.right[i] = s.down[i] = 0;  // outside the image there is nothing to be pulled to
        if (!size.contains(x, y)) continue;
        s.u[i] = flow.in(x, y)[0], s.v[i] = flow.in(x, y)[1];
        const Float2 here = flow.weighed(x, y);
        const Float2 along = flow.weighed.clamped(x + 1, y) - here, across = flow.weighed.clamped(x, y + 1) - here;
        const float weight = alpha * rsqrtf(along[0] * along[0] + along[1] * along[1] + across[0] * across[0] +
                                            across[1] * across[1] + epsilon2);
        if (x + 1 < size.width) s.right[i] = weight;
        if (y + 1 < size.height) s.down[i] = weight;
        const detail::FlowSystem system(warped, params, x, y, flow.start(x, y), here);
        s.a11[i] = system.a11, s.a12[i] = system.a12, s.a22[i] = system.a22, s.b1[i] = system.b1, s.b2[i] = system.b2;
    }
    const float omega = params.relaxation;
    for (int half = 0; half < 2 * sweeps; ++half) {
        __syncthreads();  // the tile is there; later: the other colour of the chessboard has moved
        constexpr int inner = refine_side - 2;
        for (int k = thread; k < inner * inner / 2; k += refine_threads) {  // the pixels of one colour
            const int r = 1 + k / (inner / 2), c = 1 + k % (inner / 2) * 2 + ((left + top + r + half + 1) & 1);
            if (!size.contains(left + c, top + r)) continue;
            const int i = r * refine_side + c, above = i - refine_side, below = i + refine_side;
            const float wl = s.right[i - 1], wr = s.right[i], wu = s.down[above], wd = s.down[i];
            const float sum = wl + wr + wu + wd + 1e-9f;  // an image of one pixel has no edges
            const float su = wl * s.u[i - 1] + wr * s.u[i + 1] + wu * s.u[above] + wd * s.u[below];
            const float sv = wl * s.v[i - 1] + wr * s.v[i + 1] + wu * s.v[above] + wd * s.v[below];
            const float old_u = s.u[i], old_v = s.v[i];
            const float new_u = old_u + omega * ((su + s.b1[i] - s.a12[i] * old_v) / (s.a11[i] + sum) - old_u);
            s.v[i] = old_v + omega * ((sv + s.b2[i] - s.a12[i] * new_u) / (s.a22[i] + sum) - old_v);
            s.u[i] = new_u;
        }
    }
    __syncthreads();  // the last half sweep is done
    for (int i = thread; i < refine_tile * refine_tile; i += refine_threads) {
        const int c = i % refine_tile + refine_halo, r = i / refine_tile + refine_halo;
        if (size.contains(left + c, top + r))
            flow.out(left + c, top + r) = {s.u[r * refine_side + c], s.v[r * refine_side + c]};
    }
}
}  // namespace kernels

namespace detail {
class FlowRefinementCuda {
public:
    FlowRefinementCuda() = default;
    FlowRefinementCuda(Cuda& exec, Size largest, const FlowRefinementParams& params) : params_(params) {
        for (auto* b : {&mean_, &difference_, &inside_}) *b = Buffer<float, Cuda>(exec, largest);
        for (auto& b : fields_) b = Buffer<Float2, Cuda>(exec, largest);
    }
    /// Lowers the energy of the flow between two images.
    void operator()(Cuda& exec, Image<const float, DeviceSpace> from, Image<const float, DeviceSpace> to,
                    int iterations, Image<Float2, DeviceSpace> field) {
        const auto part = [&](auto& buffer) { return buffer.view().crop(0, 0, from.size); };
        const FlowWarped warped{part(mean_), part(difference_), part(inside_)};
        for_each_pixel(exec, from.size, WarpBack{from, to, field, warped});
        const dim3 tiles(unsigned(ceil_div(from.size.width, kernels::refine_tile)),
                         unsigned(ceil_div(from.size.height, kernels::refine_tile)));
        // The start stays in `field`; three others take turns at the weights, the input and the output.
        Image<const Float2, DeviceSpace> now = field;
        for (int i = 0; i < iterations; ++i) {
            const Image<const Float2, DeviceSpace> weighed = now;
            for (int left = params_.sweeps_per_iteration; left > 0; left -= kernels::refine_sweeps) {
                Image<Float2, DeviceSpace> out;
                for (auto& b : fields_)
                    if (part(b).data != now.data && part(b).data != weighed.data) out = part(b);
                exec.launch(tiles, dim3(kernels::refine_threads), sizeof(kernels::RefineShared), kernels::refine_flow,
                            warped, params_, kernels::RefineFlow{field, weighed, now, out},
                            std::min(left, kernels::refine_sweeps));
                now = out;
            }
        }
        if (now.data != field.data) copy(exec, now, field);
    }

private:
    FlowRefinementParams params_;
    Buffer<float, Cuda> mean_, difference_, inside_;
    Buffer<Float2, Cuda> fields_[3];
};
}  // namespace detail
}  // namespace cinebokeh
#endif
