// The built-in clip: a fox in a scarf, in a street on a snowy night, with its true matte and disparity. The parts are
// painted once (builtin_street.cpp, builtin_fox.cpp); each frame moves them and puts them together.
#pragma once
#include "builtin_row.hpp"
#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::demo {

class BuiltinClip {
public:
    static constexpr Size size{1280, 720};
    static constexpr int frames = 120;
    static constexpr int fps = 30;

    /// Paints the parts, in about half a second. Allocates.
    BuiltinClip();

    /// Draws frame `index` in [0, frames).
    ///
    ///   picture    [720, 1280]  out; sRGB
    ///   matte      [720, 1280]  out; alpha of the fox in [0, 1], antialiased
    ///   disparity  [720, 1280]  out, or an empty view; in [0, 1], larger = nearer: 1 / metres, times a constant
    ///
    /// Throws Error if a size or the index is wrong. Deterministic: the same picture in every run.
    void draw(Cpu& exec, int index, HostImage<Rgba8> picture, HostImage<float> matte, HostImage<float> disparity) const;

private:
    static void find_disparity(int y, const float* fox, const float* near, float* disparity);

    Sprite far_, body_, head_, head_blinking_;
    std::vector<Sprite> near_;
    std::vector<Glow> glows_;
    std::vector<Flake> flakes_;
};
}  // namespace cinebokeh::demo
