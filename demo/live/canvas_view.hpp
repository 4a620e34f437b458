// Which part of the picture the window shows: the wheel zooms at the cursor, a drag pans, a double click fits.
#pragma once
#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

/// Maps between pixels of the picture and points of the canvas, whose origin is its upper left corner.
class CanvasView {
public:
    static constexpr float largest_zoom = 32;  // points per pixel

    /// Tells the sizes, at every frame. A picture that was fitted stays so.
    void set(Size picture, Float2 canvas);
    /// Shows the whole picture, as large as it can be.
    void fit();
    /// Enlarges by `factor`; the pixel under `at` (canvas points) stays there.
    void zoom(float factor, Float2 at);
    /// Moves the picture by canvas points.
    void pan(Float2 by);

    Float2 to_canvas(Float2 picture) const { return picture * scale_ + origin_; }
    Float2 to_picture(Float2 canvas) const { return (canvas - origin_) * (1 / scale_); }
    /// Points per pixel.
    float scale() const { return scale_; }
    bool fitted() const { return fitted_; }

private:
    float fitting_scale() const;
    void keep_in_sight();

    Size picture_{1, 1};
    Float2 canvas_{1, 1}, origin_{0, 0};
    float scale_ = 1;
    bool fitted_ = true;
};
}  // namespace cinebokeh::demo
