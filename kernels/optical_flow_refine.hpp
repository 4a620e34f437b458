// Variational refinement of the optical flow (section 2.3; the method of Brox, Bruhn, Papenberg and Weickert 2004).
//
// The energy is  sum over pixels of  delta Psi(E_I) + gamma Psi(E_G) + alpha Psi(E_S),  Psi(a^2) = sqrt(a^2 +
// epsilon^2):
//   E_I  brightness constancy, linearised about the flow at the start and divided by the squared gradient (+ zeta^2)
//   E_G  constancy of the two derivatives of the brightness, likewise
//   E_S  squared gradient of the flow, by forward differences
// Each iteration replaces every Psi by the parabola that touches it from above, which makes a linear system, and
// lowers that by over-relaxation. So no iteration raises the energy.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/fast_math.hpp"
#include "kernels/optical_flow_pyramid.hpp"

namespace cinebokeh::detail {

class FlowRefinement {
public:
    FlowRefinement() = default;
    FlowRefinement(Cpu& exec, Size largest, const FlowRefinementParams& params);
    /// Lowers the energy of `field`, the flow between two images with margins of at least 4 pixels.
    void operator()(Cpu& exec, HostImage<const float> from, HostImage<const float> to, int iterations,
                    FlowField& field);

private:
    static constexpr int margin = 2;  // of the second derivatives
    // Results of so many pixels are kept in local arrays, which no row can overlap, so that the loops are vectorised.
    static constexpr int chunk = 64;
    enum Plane { mean, difference, inside, u0, v0, a11, a12, a22, b1, b2, edge_x, edge_y, planes };

    HostImage<float> plane(Plane p) { return planes_[p].view(size_); }
    void warp_row(HostImage<const float> from, HostImage<const float> to, const FlowField& field, int y);
    void weigh_edges(HostImage<const float> u, HostImage<const float> v, int y);
    void weigh_data(HostImage<const float> u, HostImage<const float> v, int y);
    void relax_row(HostImage<float> u, HostImage<float> v, int y, int colour);

    float alpha_ = 0, delta_ = 0, gamma_ = 0, epsilon2_ = 1, zeta2_ = 1, omega_ = 1;
    int sweeps_ = 0;
    Size size_;
    MarginImage<float> planes_[planes];
};

inline FlowRefinement::FlowRefinement(Cpu& exec, Size largest, const FlowRefinementParams& params)
    : alpha_(params.smoothness_weight),
      delta_(params.intensity_weight),
      gamma_(params.gradient_weight),
      epsilon2_(params.robustness * params.robustness),
      zeta2_(params.gradient_floor * params.gradient_floor),
      omega_(params.relaxation),
      sweeps_(params.sweeps_per_iteration) {
    for (MarginImage<float>& plane : planes_) plane = MarginImage<float>(exec, largest, margin);
}

/// The second image moved back by the flow, as its mean with the first and its difference to it. Pixels that come from
/// beyond the border say nothing: `inside` is 0 there.
inline void FlowRefinement::warp_row(HostImage<const float> from, HostImage<const float> to, const FlowField& field,
                                     int y) {
    const float* u = field.u().row(y);
    const float* v = field.v().row(y);
    const float* value = from.row(y);
    const float* pixels = to.data;
    const int pitch = int(to.pitch / ptrdiff_t(sizeof(float)));
    const float right = float(size_.width - 1), bottom = float(size_.height - 1), row = float(y);
    for (int begin = 0; begin < size_.width; begin += chunk) {
        float means[chunk], differences[chunk], insides[chunk];
        const int count = std::min(chunk, size_.width - begin);
        for (int i = 0; i < count; ++i) {
            const int x = begin + i;
            const float px = float(x) + u[x], py = row + v[x];
            const float qx = std::min(std::max(px, 0.f), right), qy = std::min(std::max(py, 0.f), bottom);
            const int ix = int(qx), iy = int(qy), at = iy * pitch + ix;
            const float fx = qx - float(ix), fy = qy - float(iy);
            const float top = pixels[at] + fx * (pixels[at + 1] - pixels[at]);
            const float below = pixels[at + pitch] + fx * (pixels[at + pitch + 1] - pixels[at + pitch]);
            const float warped = top + fy * (below - top);
            means[i] = 0.5f * (warped + value[x]);
            differences[i] = warped - value[x];
            insides[i] = px == qx && py == qy ? 1.f : 0.f;
        }
        std::copy_n(means, count, plane(mean).row(y) + begin);
        std::copy_n(differences, count, plane(difference).row(y) + begin);
        std::copy_n(insides, count, plane(inside).row(y) + begin);
    }
    fill_margin(plane(mean), y, margin);
    fill_margin(plane(difference), y, margin);
}

/// Smoothness: alpha / sqrt(E_S + epsilon^2) for the two edges that leave a pixel; none beyond the border.
inline void FlowRefinement::weigh_edges(HostImage<const float> u, HostImage<const float> v, int y) {
    const int width = size_.width;
    const bool last = y + 1 == size_.height;
    const float* CINEBOKEH_RESTRICT u_row = u.row(y);
    const float* CINEBOKEH_RESTRICT v_row = v.row(y);
    const float* CINEBOKEH_RESTRICT u_below = u.row(last ? y : y + 1);
    const float* CINEBOKEH_RESTRICT v_below = v.row(last ? y : y + 1);
    float* CINEBOKEH_RESTRICT right = plane(edge_x).row(y);
    float* CINEBOKEH_RESTRICT down = plane(edge_y).row(y);
    const float alpha = alpha_, epsilon2 = epsilon2_, below_counts = last ? 0.f : 1.f;
    auto weigh = [&](int x, int next) {
        const float ux = u_row[next] - u_row[x], vx = v_row[next] - v_row[x];
        const float uy = u_below[x] - u_row[x], vy = v_below[x] - v_row[x];
        right[x] = alpha * inverse_sqrt(ux * ux + vx * vx + uy * uy + vy * vy + epsilon2);
        down[x] = below_counts * right[x];
    };
    for (int x = 0; x < width - 1; ++x) weigh(x, x + 1);
    weigh(width - 1, width - 1);
    right[width - 1] = 0;
}

/// Data: the 2 x 2 system of each pixel in the flow itself, A (u, v) = b.
inline void FlowRefinement::weigh_data(HostImage<const float> u, HostImage<const float> v, int y) {
    const float* m0 = plane(mean).row(y - 2);
    const float* m1 = plane(mean).row(y - 1);
    const float* m2 = plane(mean).row(y);
    const float* m3 = plane(mean).row(y + 1);
    const float* m4 = plane(mean).row(y + 2);
    const float* d1 = plane(difference).row(y - 1);
    const float* d2 = plane(difference).row(y);
    const float* d3 = plane(difference).row(y + 1);
    const float* valid = plane(inside).row(y);
    const float* u_row = u.row(y);
    const float* v_row = v.row(y);
    const float* u0_row = plane(u0).row(y);
    const float* v0_row = plane(v0).row(y);
    const float delta = delta_, gamma = gamma_, epsilon2 = epsilon2_, zeta2 = zeta2_;
    for (int begin = 0; begin < size_.width; begin += chunk) {
        float systems[5][chunk];
        const int count = std::min(chunk, size_.width - begin);
        for (int i = 0; i < count; ++i) {
            const int x = begin + i;
            const float ix = 0.5f * (m2[x + 1] - m2[x - 1]), iy = 0.5f * (m3[x] - m1[x]);
            const float ixx = 0.25f * (m2[x + 2] - 2 * m2[x] + m2[x - 2]), iyy = 0.25f * (m4[x] - 2 * m2[x] + m0[x]);
            const float ixy = 0.25f * (m3[x + 1] - m3[x - 1] - m1[x + 1] + m1[x - 1]);
            const float u_start = u0_row[x], v_start = v0_row[x];
            // residuals at zero flow: I_z - I_x u0 - I_y v0, so that the unknowns are the flow itself
            const float iz = d2[x] - ix * u_start - iy * v_start;
            const float ixz = 0.5f * (d2[x + 1] - d2[x - 1]) - ixx * u_start - ixy * v_start;
            const float iyz = 0.5f * (d3[x] - d1[x]) - ixy * u_start - iyy * v_start;
            const float r = ix * u_row[x] + iy * v_row[x] + iz;
            const float rx = ixx * u_row[x] + ixy * v_row[x] + ixz, ry = ixy * u_row[x] + iyy * v_row[x] + iyz;
            const float n = 1 / (ix * ix + iy * iy + zeta2);
            const float nx = 1 / (ixx * ixx + ixy * ixy + zeta2), ny = 1 / (ixy * ixy + iyy * iyy + zeta2);
            const float w = valid[x] * delta * n * inverse_sqrt(r * r * n + epsilon2);
            const float wg = valid[x] * gamma * inverse_sqrt(rx * rx * nx + ry * ry * ny + epsilon2);
            const float wx = wg * nx, wy = wg * ny;
            systems[0][i] = w * ix * ix + wx * ixx * ixx + wy * ixy * ixy;
            systems[1][i] = w * ix * iy + wx * ixx * ixy + wy * ixy * iyy;
            systems[2][i] = w * iy * iy + wx * ixy * ixy + wy * iyy * iyy;
            systems[3][i] = -(w * ix * iz + wx * ixx * ixz + wy * ixy * iyz);
            systems[4][i] = -(w * iy * iz + wx * ixy * ixz + wy * iyy * iyz);
        }
        const Plane planes_of[] = {a11, a12, a22, b1, b2};
        for (int k = 0; k < 5; ++k) std::copy_n(systems[k], count, plane(planes_of[k]).row(y) + begin);
    }
}

/// Over-relaxes the pixels of one colour of a chessboard in row y: they read only pixels of the other colour, so the
/// order does not matter. Both colours are computed, which leaves plain loops, and one is kept.
inline void FlowRefinement::relax_row(HostImage<float> u, HostImage<float> v, int y, int colour) {
    const float *u_above = u.row(y - 1), *v_above = v.row(y - 1), *u_below = u.row(y + 1), *v_below = v.row(y + 1);
    float *u_row = u.row(y), *v_row = v.row(y);
    const float *right = plane(edge_x).row(y), *down = plane(edge_y).row(y), *up = plane(edge_y).row(y - 1);
    const float *a11_row = plane(a11).row(y), *a12_row = plane(a12).row(y), *a22_row = plane(a22).row(y);
    const float *b1_row = plane(b1).row(y), *b2_row = plane(b2).row(y);
    const float omega = omega_;
    const int parity = (y + colour) & 1;
    for (int begin = 0; begin < size_.width; begin += chunk) {
        float relaxed_u[chunk], relaxed_v[chunk];
        const int count = std::min(chunk, size_.width - begin);
        for (int i = 0; i < count; ++i) {
            const int x = begin + i;
            const float wl = right[x - 1], wr = right[x], wu = up[x], wd = down[x];
            const float sum = wl + wr + wu + wd + 1e-9f;  // an image of one pixel has no edges
            const float su = wl * u_row[x - 1] + wr * u_row[x + 1] + wu * u_above[x] + wd * u_below[x];
            const float sv = wl * v_row[x - 1] + wr * v_row[x + 1] + wu * v_above[x] + wd * v_below[x];
            const float old_u = u_row[x], old_v = v_row[x], a = a12_row[x];
            const float new_u = old_u + omega * ((su + b1_row[x] - a * old_v) / (a11_row[x] + sum) - old_u);
            relaxed_u[i] = new_u;
            relaxed_v[i] = old_v + omega * ((sv + b2_row[x] - a * new_u) / (a22_row[x] + sum) - old_v);
        }
        for (int i = 0; i < count; ++i) {
            const bool keep = (i & 1) == parity;  // begin is even
            u_row[begin + i] = keep ? relaxed_u[i] : u_row[begin + i];
            v_row[begin + i] = keep ? relaxed_v[i] : v_row[begin + i];
        }
    }
}

inline void FlowRefinement::operator()(Cpu& exec, HostImage<const float> from, HostImage<const float> to,
                                       int iterations, FlowField& field) {
    size_ = from.size;
    const HostImage<float> u = field.u(), v = field.v();
    auto rows = [&](auto&& work) {
        exec.for_each_range(size_.height, flow_rows(size_), [&](int begin, int end) {
            for (int y = begin; y < end; ++y) work(y);
        });
    };
    rows([&](int y) {
        warp_row(from, to, field, y);
        std::copy_n(u.row(y), size_.width, plane(u0).row(y));
        std::copy_n(v.row(y), size_.width, plane(v0).row(y));
    });
    for (int i = 0; i < iterations; ++i) {
        rows([&](int y) { weigh_edges(u, v, y), weigh_data(u, v, y); });
        for (int sweep = 0; sweep < 2 * sweeps_; ++sweep) rows([&](int y) { relax_row(u, v, y, sweep & 1); });
    }
}
}  // namespace cinebokeh::detail
