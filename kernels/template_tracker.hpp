// The steps of the template tracker, in the order of a frame.
#pragma once
#include "cinebokeh/pipeline/template_tracker.hpp"

namespace cinebokeh {

template <class Exec>
TemplateTracker<Exec>::TemplateTracker(Exec& exec, Size frame_size, const TemplateTrackerParams& params)
    : exec_(&exec),
      params_(params),
      full_(frame_size),
      size_(reduced_size(frame_size, params.working_pixels)),
      bank_(exec, params.patch, size_, params.bank),
      similarity_(exec, size_, params.similarity),
      crf_(exec, size_, params.crf),
      islands_(exec, size_),
      edge_(exec, full_, params.edge),
      distance_transform_(exec, size_),
      first_colours_(exec),
      running_colours_(exec),
      frame_colours_(exec),
      colours_(exec),
      frame_(exec, size_),
      lab_(exec, size_),
      luma_(exec, size_),
      search_luma_(exec, size_),
      patch_(exec, params.patch),
      everywhere_(exec, size_),
      crop_lab_(exec, size_),
      matte_(exec, size_),
      colour_cue_(exec, size_),
      similarity_cue_(exec, size_),
      shape_(exec, size_),
      probability_(exec, size_),
      refined_(exec, size_),
      distance_(exec, size_),
      weight_(exec, size_),
      matte_full_(exec, full_) {
    clamp_range<Exec>(exec, matte_.view(), 0, 0);
    above<Exec>(exec, matte_.view(), -1, everywhere_.view());
}

template <class Exec>
void TemplateTracker<Exec>::start(View<const Rgba8, Exec> frame, View<const float, Exec> matte) {
    require(frame.size == full_ && matte.size == full_, "TemplateTracker: frame or matte of another size");
    look(frame);
    resize(*exec_, matte, ResizeFilter::area, matte_.view());
    clamp_range<Exec>(*exec_, matte_.view(), 0, 1);
    box_ = bounding_box(*exec_, matte_.view(), 0.5f);
    moments_ = moments(*exec_, matte_.view());
    const float area = moments_.scale * moments_.scale;
    require(!box_.size.empty() && area >= 10 && float(size_.area()) - area >= 10,
            "TemplateTracker: the first matte has ", area, " of ", size_.area(),
            " working pixels; too few on one side");

    const float side = std::sqrt(float(box_.size.area()));
    const float fits = 0.6f * std::min(float(params_.patch.width) / float(box_.size.width),
                                       float(params_.patch.height) / float(box_.size.height));
    const float scale = std::min({1.f, params_.template_side / side, fits});
    search_size_ = {std::max(1, int(std::lround(float(size_.width) * scale))),
                    std::max(1, int(std::lround(float(size_.height) * scale)))};
    bank_.clear(scale);
    const Box crop = crop_box(box_);
    bank_.add(frame_.view().crop(crop.x, crop.y, crop.size), matte_.view().crop(crop.x, crop.y, crop.size));
    learn_colours(0);
    first_colours_.copy_from(running_colours_);
    centre_ = centre_of(box_), velocity_ = {0, 0};
    lost_frames_ = lost_in_a_row_ = 0, started_ = true;
    copy(*exec_, matte, matte_full_.view());
}

template <class Exec>
bool TemplateTracker<Exec>::track(View<const Rgba8, Exec> frame, View<float, Exec> matte) {
    require(started_, "TemplateTracker: track() before start()");
    require(frame.size == full_ && matte.size == full_, "TemplateTracker: frame or matte of another size");
    look(frame);
    const Found found = search();
    const Found unmoved{bank_.newest(), 0, centred(bank_.newest(), centre_, 1)};
    const bool believed = decide(found) || decide(unmoved);
    if (believed) {
        write(frame, matte_full_.view());
        lost_in_a_row_ = 0;
    } else {
        ++lost_frames_, ++lost_in_a_row_;
        velocity_ = {0.5f * velocity_[0], 0.5f * velocity_[1]};
    }
    copy<const float>(*exec_, matte_full_.view(), matte);
    return believed;
}

template <class Exec>
void TemplateTracker<Exec>::look(View<const Rgba8, Exec> frame) {
    resize(*exec_, frame, ResizeFilter::area, frame_.view());
    srgb_to_lab<Exec>(*exec_, frame_.view(), lab_.view());
    luma<Exec>(*exec_, frame_.view(), luma_.view());
}

// Where the subject is expected, at its last size; at other sizes where that does not look like it.
template <class Exec>
typename TemplateTracker<Exec>::Found TemplateTracker<Exec>::search() {
    resize(*exec_, luma_.view(), ResizeFilter::area, search_luma_.view().crop(0, 0, search_size_));
    const Float2 expected = {clamp(centre_[0] + velocity_[0], 0.f, float(size_.width)),
                             clamp(centre_[1] + velocity_[1], 0.f, float(size_.height))};
    const float reach = params_.margin * float(1 + std::min(lost_in_a_row_, 3));
    Found best = search_at(expected, 1, reach);
    if (best.value < params_.retry_scales)
        for (float scale : {0.9f, 0.95f, 1.05f, 1.1f}) {
            const Found found = search_at(expected, scale, reach);
            if (found.value > best.value + (best.at.scale == 1 ? params_.scale_gain : 0)) best = found;
        }
    if (best.value < params_.lost_response && lost_in_a_row_ == 0) {
        best.slot = bank_.newest();
        best.at = centred(best.slot, expected, 1);
    }
    return best;
}

// The patch around `centre`, in which a subject `scale` times its size looks as large as the templates.
template <class Exec>
typename TemplateTracker<Exec>::Found TemplateTracker<Exec>::search_at(Float2 centre, float scale, float reach) {
    const float to_search = bank_.scale(), half_width = float(params_.patch.width - 1) / 2;
    const float half_height = float(params_.patch.height - 1) / 2;
    const Placement patch{{centre[0] * to_search - scale * half_width, centre[1] * to_search - scale * half_height},
                          scale};
    sample_window<Exec>(*exec_, search_luma_.view().crop(0, 0, search_size_), patch, patch_.view());
    const float reach_pixels = 4 + reach * to_search * std::max(moments_.scale, std::sqrt(float(box_.size.area())));
    const int pixels = int(std::min(1e4f, reach_pixels / scale));
    const TemplateMatch match = bank_.match(patch_.view(), {pixels, pixels});
    const Float2 corner = patch.corner + scale * match.corner;
    return {match.slot, match.value, {corner * (1 / to_search), scale}};
}

template <class Exec>
Placement TemplateTracker<Exec>::centred(int slot, Float2 centre, float scale) const {
    const Size crop = bank_.image(slot).size;
    return {{centre[0] - scale * float(crop.width) / 2, centre[1] - scale * float(crop.height) / 2}, scale};
}

template <class Exec>
Box TemplateTracker<Exec>::region_of(const Found& found) const {
    const Size crop = bank_.image(found.slot).size;
    const float margin = 6 + 0.15f * std::sqrt(float(crop.area()));
    const float width = found.at.scale * float(crop.width), height = found.at.scale * float(crop.height);
    const int left = std::max(0, int(found.at.corner[0] - margin)), top = std::max(0, int(found.at.corner[1] - margin));
    const int right = std::min(size_.width, int(found.at.corner[0] + width + margin));
    const int bottom = std::min(size_.height, int(found.at.corner[1] + height + margin));
    return {left, top, {right - left, bottom - top}};
}

template <class Exec>
bool TemplateTracker<Exec>::decide(const Found& found) {
    const Box region = region_of(found);
    if (region.size.width <= 0 || region.size.height <= 0) return false;
    auto part = [&](auto& buffer) { return buffer.view().crop(0, 0, region.size); };
    auto frame_part = [&](auto& buffer) { return buffer.view().crop(region.x, region.y, region.size); };
    const Float2 origin{float(region.x), float(region.y)};
    place_matte<Exec>(*exec_, bank_.matte(found.slot), {found.at.corner - origin, found.at.scale}, part(shape_));
    compare_templates(found, region);
    colours_.copy_from(first_colours_);
    colours_.blend(running_colours_, 0.5f, 0.5f);
    colours_.log_odds(frame_part(frame_), frame_part(everywhere_), 4, part(colour_cue_));
    distance_transform_.signed_distance(part(shape_), part(distance_));
    fuse_evidence<Exec>(*exec_, part(similarity_cue_), part(colour_cue_), part(distance_), params_.weights,
                        part(probability_));
    crf_(frame_part(frame_), part(probability_), part(refined_));
    islands_(part(refined_), params_.least_island);
    islands_(part(probability_), params_.least_island);

    // The CRF may shrink a region until it is gone: then the evidence alone is believed, if that is like the template.
    const double refined = overlap(*exec_, part(refined_), part(shape_));
    const double evidence = overlap(*exec_, part(probability_), part(shape_));
    auto& chosen = refined < 0.6 * evidence ? probability_ : refined_;
    const double agreement = std::max(refined, 0.6 * evidence);
    const Moments placed = moments(*exec_, part(shape_)), now = moments(*exec_, part(chosen));
    const float change = now.scale * now.scale / (placed.scale * placed.scale);
    if (agreement >= double(params_.least_overlap) && change <= params_.largest_change &&
        change * params_.largest_change >= 1) {
        believe(part(chosen), region);
        if (agreement >= double(params_.learn_overlap)) learn();
        return true;
    }
    if (!(found.value >= params_.sure_response && agreement >= double(params_.least_overlap))) return false;
    believe(part(shape_), region);
    return true;
}

template <class Exec>
void TemplateTracker<Exec>::compare_templates(const Found& found, const Box& region) {
    const Float2 origin{float(region.x), float(region.y)};
    const Size crop = bank_.image(found.slot).size;
    const Float2 centre = found.at.corner + 0.5f * found.at.scale * Float2{float(crop.width), float(crop.height)};
    similarity_.begin(lab_.view().crop(region.x, region.y, region.size));
    const std::array<int, 3> slots = {found.slot, 0, bank_.newest()};
    for (int i = 0; i < 3; ++i) {
        if (i > 0 && (slots[size_t(i)] == slots[0] || (i == 2 && slots[2] == slots[1]))) continue;
        Placement at = i == 0 ? found.at : centred(slots[size_t(i)], centre, found.at.scale);
        at.corner = at.corner - origin;
        const auto image = bank_.image(slots[size_t(i)]);
        srgb_to_lab<Exec>(*exec_, image, crop_lab_.view().crop(0, 0, image.size));
        similarity_.add(crop_lab_.view().crop(0, 0, image.size), bank_.matte(slots[size_t(i)]), at);
    }
    similarity_.log_odds(similarity_cue_.view().crop(0, 0, region.size));
}

template <class Exec>
void TemplateTracker<Exec>::believe(View<const float, Exec> matte, const Box& region) {
    clamp_range<Exec>(*exec_, matte_.view(), 0, 0);
    copy(*exec_, matte, matte_.view().crop(region.x, region.y, region.size));
    const Moments now = moments(*exec_, matte_.view());
    const Float2 moved = now.centroid - moments_.centroid;
    velocity_ = {0.5f * (velocity_[0] + moved[0]), 0.5f * (velocity_[1] + moved[1])};
    moments_ = now;
    const Box box = bounding_box(*exec_, matte_.view(), 0.5f);
    if (!box.size.empty()) box_ = box, centre_ = centre_of(box);
}

template <class Exec>
void TemplateTracker<Exec>::learn() {
    const Box crop = crop_box(box_);
    bank_.add(frame_.view().crop(crop.x, crop.y, crop.size), matte_.view().crop(crop.x, crop.y, crop.size));
    learn_colours(params_.histogram_keep);
}

template <class Exec>
void TemplateTracker<Exec>::learn_colours(float keep) {
    distance_transform_.signed_distance(matte_.view(), distance_.view());
    background_weight<Exec>(*exec_, distance_.view(), {.floor = 0.1f, .distance = 40, .exponential = true},
                            weight_.view());
    frame_colours_.count(frame_.view(), matte_.view(), weight_.view());
    running_colours_.blend(frame_colours_, keep, keep);
}

// The subject's box with some of its surroundings, whose looks are the background's.
template <class Exec>
Box TemplateTracker<Exec>::crop_box(const Box& subject) const {
    return enlarged(subject, 6 + int(0.1f * std::sqrt(float(subject.size.area()))), size_);
}

template <class Exec>
void TemplateTracker<Exec>::write(View<const Rgba8, Exec> frame, View<float, Exec> matte) {
    resize(*exec_, matte_.view(), ResizeFilter::bilinear, matte);
    edge_(frame, matte, matte);
    clamp_range<Exec>(*exec_, matte, 0, 1);
}
}  // namespace cinebokeh
