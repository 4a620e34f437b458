// Reading and drawing strokes.
#pragma once
#include "cinebokeh/scribbles.hpp"

namespace cinebokeh {
namespace detail {
struct ReadScribble {
    HostImage<const Rgba8> picture;
    HostImage<uint8_t> labels;

    void operator()(int x, int y) const {
        const Rgba8 p = picture(x, y);
        const bool drawn = p[1] < 80 && p[3] >= 128;
        const bool red = p[0] > 200 && p[2]<80, blue = p[2]> 200 && p[0] < 80;
        labels(x, y) = drawn && red ? subject_scribble : drawn && blue ? background_scribble : uint8_t(0);
    }
};

// The squared distance of a point from the segment between a and b.
inline double segment_distance2(double x, double y, Float2 a, Float2 b) {
    const double dx = double(b[0]) - double(a[0]), dy = double(b[1]) - double(a[1]), length2 = dx * dx + dy * dy;
    const double along = length2 > 0 ? ((x - double(a[0])) * dx + (y - double(a[1])) * dy) / length2 : 0;
    const double t = clamp(along, 0.0, 1.0), ex = x - double(a[0]) - t * dx, ey = y - double(a[1]) - t * dy;
    return ex * ex + ey * ey;
}

inline void draw_segment(Float2 a, Float2 b, float radius, uint8_t label, HostImage<uint8_t> labels) {
    const int left = std::max(0, int(std::floor(std::min(a[0], b[0]) - radius)));
    const int right = std::min(labels.size.width - 1, int(std::ceil(std::max(a[0], b[0]) + radius)));
    const int top = std::max(0, int(std::floor(std::min(a[1], b[1]) - radius)));
    const int bottom = std::min(labels.size.height - 1, int(std::ceil(std::max(a[1], b[1]) + radius)));
    for (int y = top; y <= bottom; ++y)
        for (int x = left; x <= right; ++x)
            if (segment_distance2(x, y, a, b) <= double(radius) * double(radius)) labels(x, y) = label;
    const int x = int(std::lround(a[0])), y = int(std::lround(a[1]));
    if (labels.size.contains(x, y)) labels(x, y) = label;
}
}  // namespace detail

inline void check_scribbles(Cpu&, HostImage<const uint8_t> labels) {
    bool subject = false, background = false;
    for (int y = 0; y < labels.size.height; ++y)
        for (int x = 0; x < labels.size.width; ++x) {
            subject |= labels(x, y) == subject_scribble;
            background |= labels(x, y) == background_scribble;
        }
    require(subject || background,
            "scribbles: nothing is marked; draw red strokes on the subject, blue on the background");
    require(subject, "scribbles: no subject is marked; draw red strokes (R > 200, G and B < 80) on it");
    require(background, "scribbles: no background is marked; draw blue strokes (B > 200, R and G < 80) on it");
}

inline void read_scribbles(Cpu& exec, HostImage<const Rgba8> picture, HostImage<uint8_t> labels) {
    require(picture.size == labels.size, "scribbles: the picture is ", picture.size.width, " x ", picture.size.height,
            ", the frame ", labels.size.width, " x ", labels.size.height);
    for_each_pixel(exec, labels.size, detail::ReadScribble{picture, labels});
    check_scribbles(exec, labels);
}

inline void draw_scribble(Cpu&, HostSpan<const Float2> points, float radius, uint8_t label, HostImage<uint8_t> labels) {
    require(radius >= 0 && radius <= 1e4f, "scribbles: a brush radius of ", radius, " is not in [0, 10000]");
    require(label <= 2, "scribbles: label ", int(label), " is not 0, 1 or 2");
    for (const Float2& p : points)
        require(std::abs(p[0]) <= 1e6f && std::abs(p[1]) <= 1e6f, "scribbles: a point is not within 1000000 pixels");
    for (size_t i = 0; i < points.count; ++i)
        detail::draw_segment(points[i], points[i + 1 < points.count ? i + 1 : i], radius, label, labels);
}
}  // namespace cinebokeh
