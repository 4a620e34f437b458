// The built-in clip: a fox in a scarf in a street at night, drawn on the fly with its true matte and disparity.
#pragma once
#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::demo {

class BuiltinClip {
public:
    static constexpr Size size{1280, 720};
    static constexpr int frames = 120;
    static constexpr int fps = 30;

    /// Draws frame `index` in [0, frames).
    ///
    ///   picture    [720, 1280]  out; sRGB
    ///   matte      [720, 1280]  out; alpha of the fox in [0, 1], antialiased
    ///   disparity  [720, 1280]  out, or an empty view; in [0, 1], larger = nearer: 1 / metres, times a constant
    ///
    /// Deterministic: the same picture in every run.
    void draw(Cpu& exec, int index, HostImage<Rgba8> picture, HostImage<float> matte, HostImage<float> disparity) const;
};
}  // namespace cinebokeh::demo
