#include "bokeh_focus.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
float median(std::vector<float>& values) {
    const auto middle = values.begin() + ptrdiff_t(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}
}  // namespace

BokehFocus::BokehFocus(const BokehOptions& options, Size frame) : options_(options), size_(frame), last_(1) {
    if (options.focus == FocusOn::point)
        require(frame.contains(options.x, options.y), "--focus ", options.x, ",", options.y,
                " is outside of the frame, ", frame.width, " x ", frame.height);
    if (options.focus == FocusOn::disparity && options.f_number)
        require(options.focus_disparity >= 0, "--focus ", options.focus_disparity,
                " is no distance of a lens: with --f-number it must be 0 or more");
}

Focus BokehFocus::operator()(const Frame& frame) {
    last_ = disparity_of(frame);
    if (!options_.f_number) return {options_.strength.value_or(float(size_.height) / 45), last_};
    const Lens lens{.focal_length = options_.focal_length / 1000,
                    .f_number = *options_.f_number,
                    .sensor_width = options_.sensor_width / 1000};
    return focus_of_disparity(lens, size_.width, options_.scale, last_);
}

float largest_radius(HostImage<const float> disparity, Focus focus) {
    float low = 0, high = 1;  // of the planes of a matte
    if (disparity.data) {
        low = high = disparity(0, 0);
        for (int y = 0; y < disparity.size.height; ++y)
            for (int x = 0; x < disparity.size.width; ++x)
                low = std::min(low, disparity(x, y)), high = std::max(high, disparity(x, y));
    }
    return focus.strength * std::max(std::abs(low - focus.disparity), std::abs(high - focus.disparity));
}

// Without depth there are two planes: the subject at 1, the background at 0.
float BokehFocus::disparity_of(const Frame& frame) const {
    if (options_.focus == FocusOn::disparity) return options_.focus_disparity;
    const bool subject = options_.focus == FocusOn::subject;
    if (frame.disparity.empty()) {
        const size_t at = size_t(options_.y) * size_t(size_.width) + size_t(options_.x);
        return subject || frame.matte[at] >= 0.5f ? 1.f : 0.f;
    }
    std::vector<float> values;
    const HostImage<const float> disparity = frame.disparity_view();
    if (subject) {
        for (size_t i = 0; i < frame.matte.size(); ++i)
            if (frame.matte[i] >= 0.5f) values.push_back(frame.disparity[i]);
    } else {
        for (int dy = -2; dy <= 2; ++dy)
            for (int dx = -2; dx <= 2; ++dx) values.push_back(disparity.clamped(options_.x + dx, options_.y + dy));
    }
    return values.empty() ? last_ : median(values);
}
}  // namespace cinebokeh::demo
