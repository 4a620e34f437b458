// Depth boundaries on the CPU: a disk is a run in each of its rows, and only the ends of runs are written.
#pragma once
#include <algorithm>
#include <cmath>

namespace cinebokeh {

inline DepthBoundary::DepthBoundary(Cpu& exec, Size size, DepthBoundaryParams params) : size_(size), params_(params) {
    require(!size.empty(), "DepthBoundary: a size of ", size.width, " x ", size.height);
    require(params.step > 0 && std::isfinite(params.step), "DepthBoundary: a step of ", params.step);
    require(params.reach >= 0 && params.reach <= 64, "DepthBoundary: a reach of ", params.reach, " is outside [0, 64]");
    starts_ = Buffer<int, Cpu>(exec, {size.width + 1, size.height});
}

inline bool DepthBoundary::is_boundary(HostImage<const float> disparity, int x, int y) const {
    const float own = disparity(x, y), step = params_.step;
    return (x > 0 && std::abs(own - disparity(x - 1, y)) >= step) ||
           (y > 0 && std::abs(own - disparity(x, y - 1)) >= step) ||
           (x + 1 < size_.width && std::abs(own - disparity(x + 1, y)) >= step) ||
           (y + 1 < size_.height && std::abs(own - disparity(x, y + 1)) >= step);
}

// The pixels whose centres are at most `radius` away.
inline void DepthBoundary::mark_disk(int x, int y, double radius) {
    const double farthest = std::min(radius, double(size_.width + size_.height));
    const int rows = int(farthest);
    for (int v = std::max(0, y - rows); v <= std::min(size_.height - 1, y + rows); ++v) {
        const int half = int(std::sqrt(farthest * farthest - double(v - y) * (v - y)));
        int* row = starts_.view().row(v);
        ++row[std::max(0, x - half)], --row[std::min(size_.width, x + half + 1)];
    }
}

inline void DepthBoundary::operator()(HostImage<const float> disparity, HostImage<const float> defocus,
                                      HostImage<uint8_t> mask) {
    require(disparity.size == size_ && defocus.size == size_ && mask.size == size_,
            "DepthBoundary: an image is not of the size of the plan, ", size_.width, " x ", size_.height);
    for (int y = 0; y < size_.height; ++y)
        for (int x = 0; x < size_.width; ++x)
            require(std::isfinite(disparity(x, y)) && std::isfinite(defocus(x, y)), "DepthBoundary: pixel (", x, ", ",
                    y, ") is not finite");
    for (int y = 0; y < size_.height; ++y) std::fill_n(starts_.view().row(y), size_.width + 1, 0);
    for (int y = 0; y < size_.height; ++y)
        for (int x = 0; x < size_.width; ++x) {
            if (!is_boundary(disparity, x, y)) continue;
            float radius = 0;
            for (int j = std::max(0, y - params_.reach); j <= std::min(size_.height - 1, y + params_.reach); ++j)
                for (int i = std::max(0, x - params_.reach); i <= std::min(size_.width - 1, x + params_.reach); ++i)
                    radius = std::max(radius, std::abs(defocus(i, j)));
            mark_disk(x, y, double(radius));
        }
    for (int y = 0; y < size_.height; ++y) {
        int open = 0;
        for (int x = 0; x < size_.width; ++x) mask(x, y) = (open += starts_.view()(x, y)) > 0;
    }
}
}  // namespace cinebokeh
