// Scatter bokeh: every pixel spreads its light over its own aperture. The reference renderer.
//
// A shape is a stack of horizontal runs (aperture.hpp). A run adds its light where it begins and takes it away where it
// ends; a prefix sum along the row fills it in. A pixel costs its height, whatever its radius: no two need be equal.
// Light is counted in whole numbers, so the sums do not depend on the order in which threads make them.
#pragma once
#include "cinebokeh/aperture.hpp"
#include "cinebokeh/defocus.hpp"

namespace cinebokeh {

enum class ScatterMode {
    picture,  // an opaque picture: near things hide far ones, and what arrives is divided by how much arrives
    light,    // the plain sum: light and alpha are conserved, nothing hides anything; for a layer or a light source
};

struct ScatterBokehParams {
    Aperture aperture = {};
    float max_radius = 64;  // pixels, in [0, largest_defocus]; wider circles are cut to it
    float max_value = 1;    // of a colour or alpha; larger ones are cut, in [2^-10, 2^20]
    ScatterMode mode = ScatterMode::picture;
};
}  // namespace cinebokeh

#include "kernels/scatter_bokeh_cpu.hpp"
#if CINEBOKEH_GRID
#include "kernels/scatter_bokeh_cuda.cuh"
#endif

namespace cinebokeh {

/// Renders images of linear light with a defocus map.
///
/// Pixel q spreads its colour and alpha evenly over the aperture of radius |defocus(q)| around it, its light divided by
/// the area. Radii are rounded to 1/128 of their octave; below 1/2 pixel the light stays where it is. In front of the
/// focal plane (positive defocus) the aperture is turned by 180 degrees.
///
/// What hides what (ScatterMode::picture): pixels are sorted into seven layers by their defocus, at +-1.5, +-6 and +-24
/// pixels. A pixel of the result has room for one unit of alpha; the layers fill it from near to far with the light
/// that they spread there, and what finds no room is hidden. Where they do not fill it (behind the edge of something
/// near, at the border) the result is divided by what there is. So one surface that runs through several layers is
/// added up as if there were none, a sharp subject keeps the blurred background out, and a near edge is translucent.
/// Within a layer nothing hides anything. Nothing is invented behind a near object: see the layered renderer for that.
///
/// The border: pixels outside the frame neither give nor take light, so a constant image stays constant (`picture`),
/// and light that leaves the frame is lost (`light`).
///
/// Precision: light per pixel of the shape is rounded to max_value 2^-37 (max_value rounded up to a power of two) or 24
/// bits, whichever is coarser: a bright point keeps its energy to 1e-6 at radius 200 and to 5e-5 at 2048. Values are
/// cut to [0, max_value], NaN counts as 0; a defocus that is NaN counts as 0.
///
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes, and equal between backends, numbers of
/// threads and orders of threads bit for bit.
template <class Exec>
class ScatterBokeh {
public:
    /// Throws Error if the size is negative or a parameter is outside its range.
    ScatterBokeh(Exec& exec, Size max_size, ScatterBokehParams params = {})
        : exec_(&exec),
          max_size_(checked(max_size, params)),
          params_(params),
          aperture_(exec, params.aperture, largest_radius(params)),
          scratch_(exec, max_size, aperture_.reach(), layers(), params.aperture.cat_eye > 0) {}

    ///   in       [h, w]  linear light, premultiplied; alpha 1 in an opaque picture. Where alpha is less, the pixel
    ///                    counts for less
    ///   defocus  [h, w]  signed radius in pixels, positive is nearer than the focal plane
    ///   out      [h, w]  out; may be `in`. Its alpha is 1 where light arrives (`picture`), the sum (`light`)
    /// Throws Error if the sizes differ or exceed the plan.
    void operator()(View<const Float4, Exec> in, View<const float, Exec> defocus, View<Float4, Exec> out) {
        require(in.size == defocus.size && in.size == out.size, "ScatterBokeh: the images differ in size");
        require(in.size.width <= max_size_.width && in.size.height <= max_size_.height, "ScatterBokeh: an image of ",
                in.size.width, " x ", in.size.height, " is larger than the plan");
        if (in.size.empty()) return;
        const float chromatic = params_.aperture.chromatic;
        detail::ScatterPass pass = detail::scatter_pass(params_.max_value, layers(), params_.max_radius);
        if (chromatic == 0) {
            detail::scatter_bokeh(*exec_, in, defocus, aperture_.runs(), pass, scratch_, out);
            return;
        }
        // Each colour has a radius of its own: the same picture three times, and one colour of each. A pass reads all
        // of `in` before it writes, and writes a colour that no later one needs (alpha in the last), so `out` may be
        // `in`.
        for (int channel : {0, 2, 1}) {
            pass.radius_scale = channel == 0 ? 1 + chromatic : channel == 2 ? 1 - chromatic : 1;
            pass.channel = channel;
            detail::scatter_bokeh(*exec_, in, defocus, aperture_.runs(), pass, scratch_, out);
        }
    }

private:
    static Size checked(Size max_size, const ScatterBokehParams& p) {
        require(max_size.width >= 0 && max_size.height >= 0, "ScatterBokeh: negative size");
        require(p.max_radius >= 0 && p.max_radius <= largest_defocus, "ScatterBokeh: max_radius ", p.max_radius,
                " is outside [0, ", int(largest_defocus), "]");
        require(p.max_value >= 1.f / 1024 && p.max_value <= 1048576, "ScatterBokeh: max_value ", p.max_value,
                " is outside [2^-10, 2^20]");
        check(p.aperture);
        return max_size;
    }
    static float largest_radius(const ScatterBokehParams& p) {
        return p.max_radius * (1 + std::abs(p.aperture.chromatic));
    }
    int layers() const { return params_.mode == ScatterMode::picture ? detail::scatter_layers : 1; }

    Exec* exec_;
    Size max_size_;
    ScatterBokehParams params_;
    ApertureTable<Exec> aperture_;
    detail::ScatterScratch<typename Exec::Space> scratch_;
};
}  // namespace cinebokeh
