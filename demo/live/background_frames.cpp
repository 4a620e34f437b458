#include "background_frames.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/resize.hpp"

namespace cinebokeh::demo {
namespace {
// The largest part of a picture that has the aspect of another size, from its middle.
HostImage<const Rgba8> middle_of(HostImage<const Rgba8> picture, Size like) {
    Size part = picture.size;
    if (int64_t(part.width) * like.height > int64_t(like.width) * part.height)
        part.width = std::max(1, int(int64_t(part.height) * like.width / like.height));
    else
        part.height = std::max(1, int(int64_t(part.width) * like.height / like.width));
    return picture.crop((picture.size.width - part.width) / 2, (picture.size.height - part.height) / 2, part);
}
}  // namespace

HostImage<const Rgba8> BackgroundFrames::next(const LiveSettings& settings) {
    pixels_.resize(size_.area());
    if (settings.background == LiveBackground::colour || settings.background_file.empty()) {
        fill(settings.colour);
        file_.clear();
    } else {
        if (settings.background_file != file_) open(settings.background_file);
        if (!source_->info().still || frame_.pixels.empty()) read_frame();
    }
    return {pixels_.data(), size_};
}

void BackgroundFrames::fill(Float3 colour) {
    const auto code = [](float v) { return uint8_t(std::lround(std::clamp(v, 0.f, 1.f) * 255)); };
    std::fill(pixels_.begin(), pixels_.end(), Rgba8{code(colour[0]), code(colour[1]), code(colour[2]), 255});
}

void BackgroundFrames::open(const std::string& file) {
    file_.clear();
    source_ = open_source(file);
    frame_ = {};
    file_ = file;
}

void BackgroundFrames::read_frame() {
    if (!source_->next(frame_)) {
        open(std::string(file_));
        require(source_->next(frame_), "the background '", file_, "' holds no frame");
    }
    const HostImage<const Rgba8> part = middle_of(frame_.picture(), size_);
    const ResizeFilter filter = part.size.width >= size_.width && part.size.height >= size_.height
                                    ? ResizeFilter::area
                                    : ResizeFilter::bilinear;
    resize<Rgba8>(exec_, part, filter, {pixels_.data(), size_});
}
}  // namespace cinebokeh::demo
