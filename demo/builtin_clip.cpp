#include "builtin_clip.hpp"

#include <cmath>

namespace cinebokeh::demo {
void BuiltinClip::draw(Cpu& exec, int index, HostImage<Rgba8> picture, HostImage<float> matte,
                       HostImage<float> disparity) const {
    exec.for_each(size.height, [&](int y) {
        for (int x = 0; x < size.width; ++x) {
            const float cx = 640 + 100 * std::sin(index * 0.05f), d = std::hypot(x - cx, y - 400.f);
            const float a = clamp(200.f - d, 0.f, 1.f);
            matte(x, y) = a;
            const uint8_t b = ((x / 40 + y / 40) & 1) ? 60 : 160;
            picture(x, y) = {uint8_t(a * 230 + (1 - a) * b), uint8_t(a * 120 + (1 - a) * b),
                             uint8_t(a * 40 + (1 - a) * b), 255};
            if (disparity.data) disparity(x, y) = a > 0.5f ? 1.f : 0.1f;
        }
    });
}
}  // namespace cinebokeh::demo
