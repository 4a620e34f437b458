// One row of a frame of the built-in clip, and what is laid on it: sprites, lights, snow.
#pragma once
#include <algorithm>

#include "builtin_paint.hpp"

namespace cinebokeh::demo {

/// A layer as it is kept for drawing: premultiplied, in bytes, and where its rows are not empty.
class Sprite {
public:
    Sprite() = default;
    explicit Sprite(const Layer& layer);

    /// Lays row y of the frame of this sprite, at a pose, over `row` [width], and its alpha over `alpha` [width] where
    /// that is not null. `blend` mixes in another sprite of the same place and size.
    void lay_row(const Pose& pose, int y, Float4* row, float* alpha, int width, const Sprite* other = nullptr,
                 float blend = 0) const;
    HostImage<const Rgba8> picture() const { return {pixels_.data(), size_}; }

private:
    float left_ = 0, top_ = 0;
    Size size_;
    std::vector<Rgba8> pixels_;
};

/// Row y of a picture that covers the frame and moves sideways: from column `from` on.
void copy_row(HostImage<const Rgba8> picture, float from, int y, Float4* row, int width);
/// A bright disk with a halo, around (x, glow.y), that is added to what is there.
void add_glow_row(const Glow& glow, float x, float brightness, int y, Float4* row, int width);
/// A flake around (x, y).
void add_flake_row(float radius, float x, float y, int row_y, Float4* row, int width);
void to_bytes(const Float4* row, int width, Rgba8* out);
}  // namespace cinebokeh::demo
