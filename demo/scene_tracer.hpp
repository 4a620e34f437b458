// Truth for bokeh: a ray tracer of layered scenes through a thin lens, in double precision.
//
// A layer is a textured plane. In the pinhole picture its disparity is linear, d(p) = (1 - A x - B y) / C for the
// offset p = (x, y) in pixels from the centre of the frame (Peng et al., "MPIB: an MPI-based bokeh rendering framework
// for realistic partial occlusion effects", ECCV 2022). Of all light that the lens brings to pixel p, the part that
// passes the lens at U (|U| <= strength, in pixels per unit of disparity) comes from the point of the plane that the
// pinhole picture shows at
//
//     p' = p + U delta,   delta = (d(p) - focus) / (1 - U . grad d),   where the disparity is focus + delta.
//
// So a plane that faces the camera is averaged over a disk of radius strength |d - focus| pixels, and a lens of
// strength 0 gives the pinhole picture itself, to the bit. Light is linear; layers are blended front to back along
// every ray by the disparity where it hits them, so layers may cross each other.
#pragma once
#include <vector>

#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::demo {

using Double2 = Vec<double, 2>;
using Double4 = Vec<double, 4>;

/// Premultiplied linear light; texel (i, j) lies at the coordinates (i, j), between texels it is bilinear.
struct Texture {
    Size size;
    std::vector<Double4> texels;
};

struct SceneLayer {
    const Texture* texture = nullptr;
    bool endless = false;  // beyond its border the texture goes on with its border texels; else it is transparent there

    double disparity = 0.5;           // in the middle of the frame
    double slope_x = 0, slope_y = 0;  // of the disparity, per pixel of the pinhole picture

    // A point of the plane has the scene coordinates X = x / d, Y = y / d and the texture coordinates
    // u = u_0 + u_x X + u_y Y, v = v_0 + v_x X + v_y Y.
    double u_0 = 0, u_x = 1, u_y = 0, v_0 = 0, v_x = 0, v_y = 1;

    double disparity_at(double x, double y) const { return disparity + slope_x * x + slope_y * y; }
};

/// What the camera does in one frame: the radius of blur is strength * |disparity - focus| pixels.
struct SceneLens {
    double strength = 0;  // pixels per unit of disparity, >= 0
    double focus = 0;     // disparity of the focal plane
};

/// The points of the unit disk through which light is traced, `count` of them (rounded up to a multiple of 4).
///
/// A Kronecker sequence with the golden ratio, (i + 1/2, frac(i phi)), laid on a quarter of the disk by a map that
/// keeps areas, and turned four times. Its error in the area of a sector between two circles is O(log n / n); by the
/// symmetry and the equal areas of the rings every polynomial of the third degree is integrated exactly; behind a
/// straight edge the error is below 1.2 n^-3/4 (measured by the tests).
std::vector<Double2> lens_points(int count);

/// How many points a blur of this radius takes: 2 for each pixel of its disk, in powers of two from 256 to 4096, so
/// that they lie closer than texels. One where nothing is blurred.
int lens_points_for(double radius);

/// Throws Error where a layer has no texture or a size is empty, where the lens is not finite, and where the lens would
/// reach through a plane (strength * slope >= 1). `bokeh` [h, w] gets premultiplied linear light. The same for any
/// number of threads.
void trace_bokeh(Cpu& exec, const std::vector<SceneLayer>& layers, SceneLens lens, HostImage<Float4> bokeh);

/// The pinhole picture, and of every pixel what lies there.
struct PinholeImages {
    HostImage<Float4> picture;   // premultiplied linear light
    HostImage<float> disparity;  // of the layer at which half of the light has been stopped; 0 where there is none
    HostImage<float> matte;      // the share of the light that comes from the layer `subject`
};
void trace_pinhole(Cpu& exec, const std::vector<SceneLayer>& layers, int subject, const PinholeImages& out);
}  // namespace cinebokeh::demo
