#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/template_bank.hpp"

namespace cinebokeh {

template <class Exec>
TemplateBank<Exec>::TemplateBank(Exec& exec, Size patch, Size largest_crop, const TemplateBankParams& params)
    : exec_(&exec),
      params_(params),
      largest_(largest_crop),
      ncc_(exec, patch, params.capacity, {.path = params.path}),
      entries_(size_t(params.capacity)),
      peaks_(size_t(params.capacity)),
      images_(exec, {largest_crop.width, largest_crop.height * params.capacity}),
      mattes_(exec, {largest_crop.width, largest_crop.height * params.capacity}),
      luma_(exec, largest_crop),
      small_luma_(exec, largest_crop),
      small_valid_(exec, largest_crop),
      small_matte_(exec, largest_crop) {
    require(!largest_crop.empty(), "TemplateBank: crops of ", largest_crop.width, " x ", largest_crop.height);
    require(params.largest_side > 0 && params.largest_side <= 1, "TemplateBank: largest_side is not in (0, 1]");
    require(params.similar >= 0, "TemplateBank: similar is negative");
}

template <class Exec>
void TemplateBank<Exec>::clear(float scale) {
    require(scale > 0 && scale <= 1, "TemplateBank: a scale of ", scale, ", not in (0, 1]");
    for (int slot = 0; slot < capacity(); ++slot) ncc_.clear(slot);
    scale_ = scale, count_ = 0, newest_ = -1, known_ = false;
}

template <class Exec>
bool TemplateBank<Exec>::add(View<const Rgba8, Exec> image, View<const float, Exec> matte) {
    require(image.size == matte.size, "TemplateBank: image and matte differ in size");
    require(!image.size.empty() && image.size.width <= largest_.width && image.size.height <= largest_.height,
            "TemplateBank: a crop of ", image.size.width, " x ", image.size.height, ", the largest is ", largest_.width,
            " x ", largest_.height);
    if (std::exchange(known_, false)) return false;

    // At the scale of the patches, and the middle of it where that is still too large to be searched for.
    auto scaled = [&](int side) { return std::max(1, int(std::lround(double(side) * double(scale_)))); };
    const Size small{scaled(image.size.width), scaled(image.size.height)};
    auto fitting = [&](int side, int patch) {
        return std::min(side, std::max(1, int(double(params_.largest_side) * patch)));
    };
    const Size part{fitting(small.width, patch_size().width), fitting(small.height, patch_size().height)};
    const int cut_x = (small.width - part.width) / 2, cut_y = (small.height - part.height) / 2;

    const View<uint8_t, Exec> small_luma = small_luma_.view().crop(0, 0, small);
    const View<uint8_t, Exec> valid = small_valid_.view().crop(0, 0, part);
    const View<float, Exec> small_matte = small_matte_.view().crop(0, 0, small);
    luma(*exec_, image, luma_.view().crop(0, 0, image.size));
    resize<uint8_t>(*exec_, luma_.view().crop(0, 0, image.size), ResizeFilter::area, small_luma);
    resize<float>(*exec_, matte, ResizeFilter::area, small_matte);
    above(*exec_, View<const float, Exec>(small_matte.crop(cut_x, cut_y, part)), .5f, valid);
    if (bounding_box(*exec_, View<const uint8_t, Exec>(valid)).size.empty()) return false;

    const int slot = count_ < capacity() ? count_ : capacity() == 1 ? 0 : 1 + newest_ % (capacity() - 1);
    ncc_.set_template(slot, small_luma.crop(cut_x, cut_y, part), valid);
    entries_[size_t(slot)] = {image.size, {float(cut_x), float(cut_y)}};
    copy(*exec_, image, View<Rgba8, Exec>(images_.view().row(row_of(slot)), image.size, images_.view().pitch));
    copy(*exec_, matte, View<float, Exec>(mattes_.view().row(row_of(slot)), matte.size, mattes_.view().pitch));
    count_ = std::max(count_, slot + 1), newest_ = slot;
    return true;
}

template <class Exec>
TemplateMatch TemplateBank<Exec>::match(View<const uint8_t, Exec> patch, Size reach) {
    ncc_.set_patch(patch);
    ncc_.peaks({peaks_.data(), peaks_.size()}, reach);
    TemplateMatch best;
    for (int slot = 0; slot < count_; ++slot) {
        const TemplateMatch found = match_of(slot);
        if (best.slot < 0 || found.value > best.value) best = found;
    }
    known_ = known_ || best.value > params_.similar;
    return best;
}
}  // namespace cinebokeh
