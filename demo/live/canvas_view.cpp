#include "canvas_view.hpp"

#include <algorithm>

namespace cinebokeh::demo {

void CanvasView::set(Size picture, Float2 canvas) {
    const bool other_picture = !(picture == picture_);
    picture_ = {std::max(picture.width, 1), std::max(picture.height, 1)};
    canvas_ = {std::max(canvas[0], 1.f), std::max(canvas[1], 1.f)};
    if (fitted_ || other_picture) fit();
    keep_in_sight();
}

float CanvasView::fitting_scale() const {
    return std::min(canvas_[0] / float(picture_.width), canvas_[1] / float(picture_.height));
}

void CanvasView::fit() {
    fitted_ = true;
    scale_ = fitting_scale();
    origin_ = {(canvas_[0] - scale_ * float(picture_.width)) / 2, (canvas_[1] - scale_ * float(picture_.height)) / 2};
}

void CanvasView::zoom(float factor, Float2 at) {
    const Float2 pixel = to_picture(at);
    const float least = fitting_scale() / 4;
    scale_ = std::clamp(scale_ * factor, least, std::max(least, largest_zoom));
    origin_ = at - pixel * scale_;
    fitted_ = false;
    keep_in_sight();
}

void CanvasView::pan(Float2 by) {
    origin_ = origin_ + by;
    fitted_ = false;
    keep_in_sight();
}

// The middle of the canvas always shows a pixel: the picture cannot get lost.
void CanvasView::keep_in_sight() {
    for (int axis = 0; axis < 2; ++axis) {
        const float extent = scale_ * float(axis == 0 ? picture_.width : picture_.height), middle = canvas_[axis] / 2;
        origin_[axis] = std::clamp(origin_[axis], middle - extent, middle);
    }
}
}  // namespace cinebokeh::demo
