// Aperture image: a picture of an aperture, of any shape, scaled to any radius.
//
// What passes through a place of the aperture lands at that place of the blur, so the picture is the blur of a point of
// light. It need not be convex, of one piece, or of one brightness.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/image.hpp"

namespace cinebokeh {

/// How much light each place of an aperture lets through; only the proportions count. An empty one is no picture.
struct ApertureImage {
    Size size;
    std::vector<float> light;  // [h, w]  >= 0

    bool empty() const { return size.empty(); }
    friend bool operator==(const ApertureImage&, const ApertureImage&) = default;
};

/// Throws Error if the picture has no pixels or as many numbers as it does not have pixels, if one of them is negative
/// or not finite, or if all of them are 0.
inline void check(const ApertureImage& picture);

/// A picture that can be scaled: its light, summed up. Allocates in the constructor only.
///
/// At radius r the longer side of the picture is 2 r pixels, and its middle is the pixel that is blurred. Each weight
/// is the light that falls into that pixel: nothing is sampled, so the blur grows smoothly with the radius, and below
/// 1/2 it is that pixel alone.
class ScaledAperture {
public:
    /// Throws Error as check.
    explicit ScaledAperture(const ApertureImage& picture);

    /// Pixels from the middle to the farthest ones that a picture touches at this radius.
    static int reach(float radius) { return std::max(0, int(std::ceil(double(radius) - 0.5))); }

    /// Writes the weights, [2 reach + 1][2 reach + 1], whose sum is 1.
    void weights(float radius, float* out) const;

private:
    double light_before(double x, double y) const;

    Size size_;
    std::vector<double> sums_;  // [h + 1][w + 1], of what is above and left of a corner
};

// ---------------------------------------------------------------------------- implementation

inline void check(const ApertureImage& picture) {
    const Size s = picture.size;
    require(!s.empty(), "ApertureImage: a picture of ", s.width, " x ", s.height, " pixels");
    require(picture.light.size() == s.area(), "ApertureImage: ", picture.light.size(), " numbers for a picture of ",
            s.width, " x ", s.height);
    bool dark = true;
    for (size_t i = 0; i < s.area(); ++i) {
        const float v = picture.light[i];
        require(v >= 0 && std::isfinite(v), "ApertureImage: pixel ", i % size_t(s.width), ", ", i / size_t(s.width),
                " lets through ", v, ", not a number >= 0");
        dark = dark && v == 0;
    }
    require(!dark, "ApertureImage: it is black, no light passes");
}

inline ScaledAperture::ScaledAperture(const ApertureImage& picture) : size_((check(picture), picture.size)) {
    const size_t stride = size_t(size_.width) + 1;
    sums_.assign(stride * (size_t(size_.height) + 1), 0.0);
    for (int y = 0; y < size_.height; ++y) {
        double row = 0;
        for (int x = 0; x < size_.width; ++x) {
            row += double(picture.light[size_t(y) * size_t(size_.width) + size_t(x)]);
            sums_[size_t(y + 1) * stride + size_t(x + 1)] = sums_[size_t(y) * stride + size_t(x + 1)] + row;
        }
    }
}

// Of the rectangle from the corner of the picture to (x, y); a pixel of it is evenly bright, so the sums are
// interpolated.
inline double ScaledAperture::light_before(double x, double y) const {
    x = std::min(std::max(x, 0.0), double(size_.width)), y = std::min(std::max(y, 0.0), double(size_.height));
    const int i = std::min(int(x), size_.width - 1), j = std::min(int(y), size_.height - 1);
    const double s = x - i, t = y - j;
    const double* upper = sums_.data() + size_t(j) * (size_t(size_.width) + 1) + size_t(i);
    const double* lower = upper + size_.width + 1;
    return (1 - t) * ((1 - s) * upper[0] + s * upper[1]) + t * ((1 - s) * lower[0] + s * lower[1]);
}

inline void ScaledAperture::weights(float radius, float* out) const {
    const int rows = reach(radius), side = 2 * rows + 1;
    if (rows == 0) {
        *out = 1;
        return;
    }
    const double scale = std::max(size_.width, size_.height) / (2 * double(radius));  // picture pixels per pixel
    const double total = sums_.back();
    const auto column = [&](int u) { return (u - 0.5) * scale + size_.width / 2.0; };
    const auto row = [&](int v) { return (v - 0.5) * scale + size_.height / 2.0; };
    for (int v = -rows; v <= rows; ++v)
        for (int u = -rows; u <= rows; ++u) {
            const double light = light_before(column(u + 1), row(v + 1)) - light_before(column(u), row(v + 1)) -
                                 light_before(column(u + 1), row(v)) + light_before(column(u), row(v));
            out[(v + rows) * side + u + rows] = float(std::max(light, 0.0) / total);
        }
}
}  // namespace cinebokeh
