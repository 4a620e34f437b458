#include "scribble_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "image_file.hpp"

namespace cinebokeh::demo {
namespace {
constexpr uint8_t subject = 1, background = 2;

// Pure colours with a margin for soft brushes; the rest of the picture may be anything, also the frame itself.
uint8_t label_of(Rgba8 p) {
    if (p[3] < 128) return 0;
    if (p[0] >= 200 && p[1] <= 60 && p[2] <= 60) return subject;
    if (p[2] >= 200 && p[0] <= 60 && p[1] <= 60) return background;
    return 0;
}

std::vector<uint8_t> read_picture_strokes(const std::string& file, Size frame) {
    const Picture picture = read_picture(file);
    require(picture.size == frame, "the scribbles '", file, "' are ", picture.size.width, " x ", picture.size.height,
            ", but the frame is ", frame.width, " x ", frame.height, ": draw them on a picture of the frame's size");
    std::vector<uint8_t> labels(frame.area());
    std::transform(picture.pixels.begin(), picture.pixels.end(), labels.begin(), label_of);
    return labels;
}

struct Point {
    double x, y;
};

double distance_to_segment(Point p, Point a, Point b) {
    const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    const double t = length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0;
    return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

void draw_segment(Point a, Point b, double radius, uint8_t label, HostImage<uint8_t> labels) {
    const auto bound = [](double v, int last) { return int(std::clamp(v, 0.0, double(last))); };
    const int last_x = labels.size.width - 1, last_y = labels.size.height - 1;
    for (int y = bound(std::min(a.y, b.y) - radius, last_y); y <= bound(std::max(a.y, b.y) + radius + 1, last_y); ++y)
        for (int x = bound(std::min(a.x, b.x) - radius, last_x); x <= bound(std::max(a.x, b.x) + radius + 1, last_x);
             ++x)
            if (distance_to_segment({double(x), double(y)}, a, b) <= radius) labels(x, y) = label;
}

std::vector<uint8_t> read_json_strokes(const std::string& file, Size frame) {
    std::ifstream stream(file);
    require(bool(stream), "the scribbles '", file, "' cannot be opened: ", std::strerror(errno));
    std::vector<uint8_t> labels(frame.area(), 0);
    try {
        const nlohmann::json strokes = nlohmann::json::parse(stream).at("strokes");
        for (const nlohmann::json& stroke : strokes) {
            const std::string name = stroke.at("label");
            require(name == "subject" || name == "background", "the scribbles '", file, "' have a label '", name,
                    "': it must be subject or background");
            const double radius = stroke.value("radius", 6.0);
            require(radius >= 0 && radius <= 10000, "the scribbles '", file, "' have a radius of ", radius);
            std::vector<Point> points;
            for (const nlohmann::json& point : stroke.at("points")) {
                points.push_back({point.at(0).get<double>(), point.at(1).get<double>()});
                const Point& p = points.back();
                require(p.x >= 0 && p.y >= 0 && p.x < frame.width && p.y < frame.height, "the scribbles '", file,
                        "' have a point (", p.x, ", ", p.y, ") outside of the frame of ", frame.width, " x ",
                        frame.height, ": give points in pixels of the frame");
            }
            for (size_t i = 0; i < points.size(); ++i)
                draw_segment(points[i ? i - 1 : 0], points[i], radius, name == "subject" ? subject : background,
                             {labels.data(), frame});
        }
    } catch (const nlohmann::json::exception& error) {
        fail("the scribbles '" + file + "' are not as they should be (" + error.what() +
             "): " + R"({"strokes": [{"label": "subject", "radius": 6, "points": [[x, y], ...]}, ...]})");
    }
    return labels;
}
}  // namespace

std::vector<uint8_t> read_scribbles(const std::string& file, Size frame) {
    const std::vector<uint8_t> labels =
        is_image_file(file) ? read_picture_strokes(file, frame) : read_json_strokes(file, frame);
    const auto count = [&](uint8_t label) { return std::count(labels.begin(), labels.end(), label); };
    require(count(subject) > 0, "the scribbles '", file, "' do not mark the subject: draw a red stroke on it");
    require(count(background) > 0, "the scribbles '", file, "' do not mark the background: draw a blue stroke on it");
    return labels;
}
}  // namespace cinebokeh::demo
