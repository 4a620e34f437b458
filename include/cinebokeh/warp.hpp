// Warp: reads an image where a displacement field points to.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Writes out(x, y) = in((x, y) + flow(x, y)), bilinear; outside the image the border pixel is read, and where the
/// displacement is not finite out(x, y) = in(x, y).
///
///   in    [h, w]
///   flow  [h, w]  displacement in pixels
///   out   [h, w]  out; not `in`
///
/// Throws Error if sizes differ. Allocates nothing; asynchronous on Cuda. Deterministic between runs.
template <class Exec>
void warp(Exec& exec, View<const float, Exec> in, View<const Float2, Exec> flow, View<float, Exec> out);

/// Writes out = -flow: the way back, as far as neighbours move alike. `out` may be `flow`.
template <class Exec>
void reverse(Exec& exec, View<const Float2, Exec> flow, View<Float2, Exec> out);

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class Space>
struct Warp {
    Image<const float, Space> in;
    Image<const Float2, Space> flow;
    Image<float, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Float2 d = flow(x, y);
        const float right = float(in.size.width - 1), bottom = float(in.size.height - 1);
        float u = float(x) + d[0], v = float(y) + d[1];
        if (!(u - u == 0 && v - v == 0)) u = float(x), v = float(y);  // infinite or NaN
        u = clamp(u, 0.f, right), v = clamp(v, 0.f, bottom);
        const int i = int(u), j = int(v);
        const float s = u - float(i), t = v - float(j);
        const int i1 = i + 1 < in.size.width ? i + 1 : i, j1 = j + 1 < in.size.height ? j + 1 : j;
        const float upper = in(i, j) + s * (in(i1, j) - in(i, j)), lower = in(i, j1) + s * (in(i1, j1) - in(i, j1));
        out(x, y) = upper + t * (lower - upper);
    }
};

template <class Space>
struct Reverse {
    Image<const Float2, Space> flow;
    Image<Float2, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = {-flow(x, y)[0], -flow(x, y)[1]}; }
};
}  // namespace detail

template <class Exec>
void warp(Exec& exec, View<const float, Exec> in, View<const Float2, Exec> flow, View<float, Exec> out) {
    require(in.size == flow.size && in.size == out.size, "warp: the images differ in size");
    for_each_pixel(exec, in.size, detail::Warp<typename Exec::Space>{in, flow, out});
}

template <class Exec>
void reverse(Exec& exec, View<const Float2, Exec> flow, View<Float2, Exec> out) {
    require(flow.size == out.size, "reverse: the images differ in size");
    for_each_pixel(exec, flow.size, detail::Reverse<typename Exec::Space>{flow, out});
}
}  // namespace cinebokeh
