// Inverse search: the displacement of every patch of a grid, and the dense flow that they agree on.
#pragma once
#include <algorithm>
#include <cmath>

#include "kernels/optical_flow_pyramid.hpp"

namespace cinebokeh::detail {

/// Square patches at regular distances. The last of a row or column touches the border, so that every pixel is covered;
/// in an image smaller than a patch there is one, which reaches into the margin.
struct PatchGrid {
    Size image;
    int patch_size, stride;

    int count(int length) const { return 1 + ceil_div(std::max(0, length - patch_size), stride); }
    int origin(int i, int length) const { return std::min(i * stride, std::max(0, length - patch_size)); }
    Size size() const { return {count(image.width), count(image.height)}; }
    int left(int i) const { return origin(i, image.width); }
    int top(int j) const { return origin(j, image.height); }
};
inline Size patch_grid_size(Size image, int patch_size, int stride) {
    return PatchGrid{image, patch_size, stride}.size();
}

/// Where a displaced patch is read: the pixel and the weights of the bilinear interpolation of its corner. The position
/// is kept within one patch of the image, where the margin holds every pixel that is read.
struct PatchPosition {
    int x, y;
    float w00, w01, w10, w11;

    PatchPosition(Size image, int patch_size, float left, float top) {
        const float low = -float(patch_size);
        left = std::clamp(left, low, float(image.width)), top = std::clamp(top, low, float(image.height));
        x = int(left - low) - patch_size, y = int(top - low) - patch_size;
        const float fx = left - float(x), fy = top - float(y);
        w00 = (1 - fx) * (1 - fy), w01 = fx * (1 - fy), w10 = (1 - fx) * fy, w11 = fx * fy;
    }
};

template <int P>
float sum_lanes(const float (&lanes)[P]) {
    float sum = 0;
    for (int i = 0; i < P; ++i) sum += lanes[i];
    return sum;
}

// The gradient of a patch is Sobel's: less of it is noise than of central differences. The Hessian is that of the patch
// and of noise in its gradient, and a descent takes short steps: patches along a straight edge would slide along it as
// far as the noise of both frames leads them, while those that tell the way get there all the same.
inline constexpr float flow_gradient_noise = 2;   // square grey levels per pixel
inline constexpr float flow_step_length = 0.25f;  // of Gauss and Newton's

/// How well a patch fits at a displacement, means removed: the sum of squared differences, and the step that lowers it.
struct PatchFit {
    float error;
    Float2 step;
};

/// The patch at (left, top) of the first frame with all that the inverse search computes once (section 2.1): its
/// gradient and the inverse of the Hessian. The mean of a patch does not count: a light that changes moves nothing.
template <int P>
class FlowPatch {
public:
    FlowPatch(HostImage<const float> from, int left, int top) : left_(left), top_(top) {
        float sx[P] = {}, sy[P] = {}, sxx[P] = {}, sxy[P] = {}, syy[P] = {};
        for (int r = 0; r < P; ++r) {
            const float* above = from.row(top + r - 1) + left;
            const float* row = from.row(top + r) + left;
            const float* below = from.row(top + r + 1) + left;
            for (int c = 0; c < P; ++c) {
                const float diagonal = below[c + 1] - above[c - 1], other = above[c + 1] - below[c - 1];
                const float gx = 0.125f * (diagonal + other + 2 * (row[c + 1] - row[c - 1]));
                const float gy = 0.125f * (diagonal - other + 2 * (below[c] - above[c]));
                value_[r][c] = row[c], gx_[r][c] = gx, gy_[r][c] = gy;
                sx[c] += gx, sy[c] += gy, sxx[c] += gx * gx, sxy[c] += gx * gy, syy[c] += gy * gy;
            }
        }
        mean_gx_ = sum_lanes(sx) / (P * P), mean_gy_ = sum_lanes(sy) / (P * P);
        const float hxx = sum_lanes(sxx) - mean_gx_ * mean_gx_ * (P * P) + damping;
        const float hxy = sum_lanes(sxy) - mean_gx_ * mean_gy_ * (P * P);
        const float hyy = sum_lanes(syy) - mean_gy_ * mean_gy_ * (P * P) + damping;
        const float determinant = hxx * hyy - hxy * hxy;
        if (!(determinant > 0)) return;  // rounding only: the step stays zero
        const float scale = flow_step_length / determinant;
        ixx_ = scale * hyy, ixy_ = -scale * hxy, iyy_ = scale * hxx;
    }

    /// Compares with the second frame at a displacement. Eight loads and four sums per row of the patch.
    PatchFit fit(HostImage<const float> to, Float2 displacement) const {
        const PatchPosition p(to.size, P, float(left_) + displacement[0], float(top_) + displacement[1]);
        float sum[P] = {}, squares[P] = {}, along_x[P] = {}, along_y[P] = {};
        for (int r = 0; r < P; ++r) {
            const float* a = to.row(p.y + r) + p.x;
            const float* b = to.row(p.y + r + 1) + p.x;
            for (int c = 0; c < P; ++c) {
                const float d = p.w00 * a[c] + p.w01 * a[c + 1] + p.w10 * b[c] + p.w11 * b[c + 1] - value_[r][c];
                sum[c] += d, squares[c] += d * d, along_x[c] += gx_[r][c] * d, along_y[c] += gy_[r][c] * d;
            }
        }
        const float total = sum_lanes(sum);
        const float bx = sum_lanes(along_x) - mean_gx_ * total, by = sum_lanes(along_y) - mean_gy_ * total;
        return {sum_lanes(squares) - total * total / (P * P), {-(ixx_ * bx + ixy_ * by), -(ixy_ * bx + iyy_ * by)}};
    }

private:
    static constexpr float damping = P * P * flow_gradient_noise;

    int left_, top_;
    float ixx_ = 0, ixy_ = 0, iyy_ = 0, mean_gx_, mean_gy_;
    alignas(64) float value_[P][P], gx_[P][P], gy_[P][P];
};

/// Descends from the best of the candidates. The result is never worse than it, and at most a patch away from it.
template <int P>
Float2 search_patch(const FlowPatch<P>& patch, HostImage<const float> to, const Float2* candidates, int count,
                    int iterations) {
    Float2 start = candidates[0];
    PatchFit fit = patch.fit(to, start);
    for (int i = 1; i < count; ++i) {
        if (candidates[i] == start) continue;
        const PatchFit other = patch.fit(to, candidates[i]);
        if (other.error < fit.error) fit = other, start = candidates[i];
    }
    Float2 best = start;
    for (int i = 0; i < iterations; ++i) {
        const Float2 next = best + fit.step;
        const PatchFit there = patch.fit(to, next);
        if (!(there.error < fit.error)) break;
        best = next, fit = there;
        if (fit.step[0] * fit.step[0] + fit.step[1] * fit.step[1] < 1e-4f) break;  // 0.01 pixels
    }
    const Float2 way = best - start;
    return way[0] * way[0] + way[1] * way[1] <= float(P * P) ? best : start;
}

/// The start of every patch: the flow of the coarser scale at its centre, zero on the coarsest.
inline void start_patches(const PatchGrid& grid, bool coarsest, const FlowField& coarser, HostImage<Float2> patches) {
    const HostImage<const float> u = coarser.u(), v = coarser.v();
    for (int j = 0; j < patches.size.height; ++j)
        for (int i = 0; i < patches.size.width; ++i) {
            if (coarsest) {
                patches(i, j) = {0, 0};
                continue;
            }
            const float half = 0.5f * float(grid.patch_size);
            const FlowSample sx = flow_sample((float(grid.left(i)) + half) / 2, u.size.width);
            const FlowSample sy = flow_sample((float(grid.top(j)) + half) / 2, u.size.height);
            auto sample = [&](HostImage<const float> plane) {
                const float* a = plane.row(sy.index) + sx.index;
                const float* b = plane.row(sy.index + sy.step) + sx.index;
                const float top = a[0] + sx.fraction * (a[sx.step] - a[0]);
                const float bottom = b[0] + sx.fraction * (b[sx.step] - b[0]);
                return 2 * (top + sy.fraction * (bottom - top));
            };
            patches(i, j) = {sample(u), sample(v)};
        }
}

// Good displacements spread within stripes of so many rows of patches. The stripes are the same for any number of
// threads; those of the way back are shifted by half, so that over both passes every row reaches its neighbours.
inline constexpr int propagation_rows = 8;

/// Searches the patches of one stripe in the order of reading, or (backward) in the opposite order; each also tries the
/// displacements of the two neighbours before it.
template <int P>
void search_stripe(const PatchGrid& grid, HostImage<const float> from, HostImage<const float> to, int begin, int end,
                   bool backward, int iterations, HostImage<Float2> patches) {
    const int columns = patches.size.width, back = backward ? 1 : -1;
    for (int row = 0; row < end - begin; ++row)
        for (int column = 0; column < columns; ++column) {
            const int j = backward ? end - 1 - row : begin + row, i = backward ? columns - 1 - column : column;
            Float2 candidates[3] = {patches(i, j)};
            int count = 1;
            if (column > 0) candidates[count++] = patches(i + back, j);
            if (row > 0) candidates[count++] = patches(i, j + back);
            const FlowPatch<P> patch(from, grid.left(i), grid.top(j));
            patches(i, j) = search_patch(patch, to, candidates, count, iterations);
        }
}

template <int P>
void search_patches(Cpu& exec, const PatchGrid& grid, HostImage<const float> from, HostImage<const float> to,
                    int iterations, HostImage<Float2> patches) {
    const int rows = patches.size.height, half = propagation_rows / 2;
    exec.for_each_range(rows, propagation_rows, [&](int begin, int end) {
        search_stripe<P>(grid, from, to, begin, end, false, (iterations + 1) / 2, patches);
    });
    exec.for_each_range(rows + half, propagation_rows, [&](int begin, int end) {
        search_stripe<P>(grid, from, to, std::max(0, begin - half), std::min(rows, end - half), true, iterations / 2,
                         patches);
    });
}

/// One row of the dense flow: at every pixel the mean of the patches that cover it, weighted by how well each explains
/// this pixel (eq. 3): 1 / max(1, |difference of brightness|).
template <int P>
void densify_row(const PatchGrid& grid, HostImage<const float> from, HostImage<const float> to,
                 HostImage<const Float2> patches, int y, float* CINEBOKEH_RESTRICT u, float* CINEBOKEH_RESTRICT v,
                 float* CINEBOKEH_RESTRICT weights) {
    const int width = from.size.width, covered = std::max(width, P);
    std::fill_n(u, covered, 0.f), std::fill_n(v, covered, 0.f), std::fill_n(weights, covered, 0.f);
    for (int j = std::max(0, ceil_div(y - P + 1, grid.stride)); j < patches.size.height && grid.top(j) <= y; ++j)
        for (int i = 0; i < patches.size.width; ++i) {
            const Float2 displacement = patches(i, j);
            const int left = grid.left(i), r = y - grid.top(j);
            const PatchPosition p(to.size, P, float(left) + displacement[0], float(grid.top(j)) + displacement[1]);
            const float* a = to.row(p.y + r) + p.x;
            const float* b = to.row(p.y + r + 1) + p.x;
            const float* value = from.row(y) + left;
            for (int c = 0; c < P; ++c) {
                const float d = p.w00 * a[c] + p.w01 * a[c + 1] + p.w10 * b[c] + p.w11 * b[c + 1] - value[c];
                const float w = 1 / std::max(1.f, std::abs(d));
                u[left + c] += w * displacement[0], v[left + c] += w * displacement[1], weights[left + c] += w;
            }
        }
    for (int x = 0; x < width; ++x) u[x] /= weights[x], v[x] /= weights[x];
}

template <int P>
void densify_patches(Cpu& exec, const PatchGrid& grid, HostImage<const float> from, HostImage<const float> to,
                     HostImage<const Float2> patches, FlowField& field) {
    const HostImage<float> u = field.u(), v = field.v(), weights = field.weights();
    exec.for_each_range(from.size.height, flow_rows(from.size), [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            densify_row<P>(grid, from, to, patches, y, u.row(y), v.row(y), weights.row(y));
    });
}

/// Calls f with the patch size as a constant.
template <class F>
void with_patch_size(int patch_size, const F& f) {
    switch (patch_size) {
        case 4:
            return f(std::integral_constant<int, 4>());
        case 8:
            return f(std::integral_constant<int, 8>());
        case 12:
            return f(std::integral_constant<int, 12>());
        default:
            return f(std::integral_constant<int, 16>());
    }
}
inline void search_patches(Cpu& exec, const PatchGrid& grid, HostImage<const float> from, HostImage<const float> to,
                           int iterations, HostImage<Float2> patches) {
    with_patch_size(grid.patch_size,
                    [&](auto size) { search_patches<size()>(exec, grid, from, to, iterations, patches); });
}
inline void densify_patches(Cpu& exec, const PatchGrid& grid, HostImage<const float> from, HostImage<const float> to,
                            HostImage<const Float2> patches, FlowField& field) {
    with_patch_size(grid.patch_size, [&](auto size) { densify_patches<size()>(exec, grid, from, to, patches, field); });
}
}  // namespace cinebokeh::detail
