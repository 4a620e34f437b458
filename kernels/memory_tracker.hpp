#pragma once
#include <cmath>
#include <utility>

#include "cinebokeh/pipeline/memory_tracker.hpp"

namespace cinebokeh {

template <class Exec>
MemoryTracker<Exec>::MemoryTracker(Exec& exec, Size frame_size, const MemoryTrackerParams& params)
    : exec_(&exec),
      params_(params),
      full_(frame_size),
      size_(reduced_size(frame_size, params.working_pixels)),
      optical_flow_(exec, size_),
      distance_transform_(exec, size_),
      pixel_features_(exec, size_),
      frozen_(exec, {.features = PixelFeatures::count}),
      online_(exec, {.features = PixelFeatures::count}),
      first_samples_(exec, PixelFeatures::count, 16000),
      patches_(exec, size_),
      local_colour_(exec, size_),
      first_histogram_(exec),
      running_histogram_(exec),
      histogram_(exec),
      looks_(exec, size_, size_, {.capacity = 8}),
      motion_(exec, size_),
      energy_(exec, size_, Connectivity::eight),
      cut_(exec, size_, Connectivity::eight),
      soften_(exec, size_, .7f),
      edge_(exec, full_, params.edge) {
    for (auto* b : {&frame_, &before_}) *b = Buffer<Rgba8, Exec>(exec, size_);
    for (auto* b : {&luma_, &luma_before_, &active_, &active_before_, &labels_, &lessons_})
        *b = Buffer<uint8_t, Exec>(exec, size_);
    for (auto* b : {&matte_, &predicted_, &distance_, &logit_, &cue_, &likeness_, &weight_})
        *b = Buffer<float, Exec>(exec, size_);
    lab_ = Buffer<Float3, Exec>(exec, size_);
    for (auto* b : {&colour_, &orientation_}) *b = Buffer<Float4, Exec>(exec, size_);
    for (auto* b : {&flow_, &forward_flow_}) *b = Buffer<Float2, Exec>(exec, size_);
    const Size samples = pixel_features_.grid();
    features_ = Buffer<float, Exec>(exec, {samples.width, samples.height * PixelFeatures::count});
    for (auto* b : {&sample_logit_, &sample_sum_, &sample_weight_}) *b = Buffer<float, Exec>(exec, samples);
    for (auto* b : {&sample_active_, &sample_lessons_}) *b = Buffer<uint8_t, Exec>(exec, samples);
    for (auto* b : {&matte_full_, &last_full_}) *b = Buffer<float, Exec>(exec, full_);
    binary_full_ = Buffer<uint8_t, Exec>(exec, full_);
    for (int i = 0; i < recent; ++i) recent_samples_.emplace_back(exec, PixelFeatures::count, 2000);
    for (Remembered& r : remembered_)
        r = {
            Buffer<Rgba8, Exec>(exec, size_), Buffer<float, Exec>(exec, size_), Buffer<uint8_t, Exec>(exec, size_), {}};
}

// The similarity that carries the subject from one place and scale to another.
template <class Exec>
Similarity MemoryTracker<Exec>::between(const Moments& from, const Moments& to) {
    const float scale = from.scale > 0 && to.scale > 0 ? to.scale / from.scale : 1;
    return {from.centroid, to.centroid, clamp(scale, .5f, 2.f)};
}

// Reduces the frame and computes what the cues see of it.
template <class Exec>
void MemoryTracker<Exec>::look(View<const Rgba8, Exec> frame) {
    std::swap(frame_, before_), std::swap(luma_, luma_before_);
    resize(*exec_, frame, ResizeFilter::area, frame_.view());
    luma(*exec_, frame_.view(), luma_.view());
    srgb_to_lab(*exec_, frame_.view(), lab_.view());
    gradient_features(*exec_, lab_.view(), luma_.view(), colour_.view(), orientation_.view());
    pixel_features_(colour_.view(), orientation_.view(), features_.view());
    patches_.describe(colour_.view(), orientation_.view());
}

template <class Exec>
void MemoryTracker<Exec>::start(View<const Rgba8, Exec> frame, View<const float, Exec> matte) {
    require(frame.size == full_ && matte.size == full_, "MemoryTracker: a frame of ", frame.size.width, " x ",
            frame.size.height, " and a matte of ", matte.size.width, " x ", matte.size.height, ", planned for ",
            full_.width, " x ", full_.height);
    look(frame);
    resize(*exec_, matte, ResizeFilter::area, matte_.view());
    copy(*exec_, matte, last_full_.view());
    above(*exec_, matte_.view(), .5f, labels_.view());
    distance_transform_.signed_distance(matte_.view(), distance_.view());
    above(*exec_, distance_.view(), -params_.band, active_.view());
    now_ = moments(*exec_, matte_.view());
    remember(0), remember(1);

    background_weight(*exec_, distance_.view(), {.distance = 40}, weight_.view());
    first_histogram_.count(frame_.view(), matte_.view(), weight_.view());
    running_histogram_.copy_from(first_histogram_);

    select(*exec_, labels_.view(), undecided + 1, -undecided - 1, logit_.view());  // every label is certain
    random_ = Random(1);
    const bool both_sides = draw_samples(first_samples_, first_samples_.capacity());
    require(both_sides,
            "MemoryTracker: the first matte leaves fewer than 40 working pixels to the subject or to the "
            "background; it must show some of both");
    frozen_.reset();
    for (int step = 0; step < params_.frozen_steps; ++step) frozen_.train(first_samples_, {}, 1024, .01f, random_);
    online_.copy_from(frozen_);
    lessons_learned_ = 0;
    lost_ = false;
    usual_area_ = now_.scale * now_.scale;
    looks_.clear(1);
    keep_look();
    frames_ = 1;
}

template <class Exec>
bool MemoryTracker<Exec>::track(View<const Rgba8, Exec> frame, View<float, Exec> matte) {
    require(frames_ > 0, "MemoryTracker: track() before start()");
    require(frame.size == full_ && matte.size == full_, "MemoryTracker: a frame of ", frame.size.width, " x ",
            frame.size.height, " and a matte of ", matte.size.width, " x ", matte.size.height, ", planned for ",
            full_.width, " x ", full_.height);
    look(frame);
    predict();
    if (lost_) seek();
    bound();
    select(*exec_, active_.view(), params_.bias, outside, logit_.view());
    match_patches();
    compare_local_colour();
    compare_global_colour();
    compare_motion();
    classify();
    const bool found = decide();
    lost_ = !found;
    if (found) {
        refine(frame, matte);
        copy(*exec_, View<const float, Exec>(matte), last_full_.view());
        learn();
    } else {
        copy(*exec_, std::as_const(last_full_).view(), matte);
    }
    ++frames_;
    return found;
}

// Moves the last matte along the flow.
template <class Exec>
void MemoryTracker<Exec>::predict() {
    optical_flow_(luma_.view(), luma_before_.view(), flow_.view());
    warp(*exec_, matte_.view(), flow_.view(), predicted_.view());
    then_ = now_;
    now_ = moments(*exec_, predicted_.view());
    if (now_.scale * now_.scale < smallest_subject) {  // it left the picture, or the flow did: look where it was
        copy(*exec_, std::as_const(matte_).view(), predicted_.view());
        now_ = moments(*exec_, predicted_.view());
    }
}

// Looks for a lost subject in the whole frame: where one of its looks fits well, it is expected there.
template <class Exec>
void MemoryTracker<Exec>::seek() {
    const TemplateMatch match = looks_.match(luma_.view());
    if (!(match.value >= params_.found_response)) return;
    place_matte(*exec_, looks_.matte(match.slot), {.corner = match.corner}, predicted_.view());
    now_ = moments(*exec_, predicted_.view());
}

// The predicted matte bounds where the subject can be, and nothing more.
template <class Exec>
void MemoryTracker<Exec>::bound() {
    std::swap(active_, active_before_);
    distance_transform_.signed_distance(predicted_.view(), distance_.view());
    above(*exec_, distance_.view(), -params_.band, active_.view());
}

template <class Exec>
void MemoryTracker<Exec>::match_patches() {
    const Similarity motions[2] = {between(now_, remembered_[0].at), between(now_, remembered_[1].at)};
    patches_.match({motions, 2}, active_.view(), cue_.view());
    add(cue_.view(), params_.patch_weight);
}

template <class Exec>
void MemoryTracker<Exec>::compare_local_colour() {
    local_colour_.clear();
    reverse(*exec_, flow_.view(), forward_flow_.view());
    local_colour_.splat(before_.view(), matte_.view(), active_before_.view(), forward_flow_.view(), 1.f);
    constexpr float weights[2] = {.4f, .3f};
    for (size_t i = 0; i < 2; ++i) {
        const Remembered& r = remembered_[i];
        local_colour_.splat(r.frame.view(), r.matte.view(), r.active.view(), between(r.at, now_), weights[i]);
    }
    local_colour_.blur();
    local_colour_.slice(frame_.view(), active_.view(), .15f, 4, cue_.view());
    add(cue_.view(), params_.local_colour_weight);
}

template <class Exec>
void MemoryTracker<Exec>::compare_global_colour() {
    histogram_.copy_from(first_histogram_);
    histogram_.blend(running_histogram_, .5f, .4f);
    histogram_.log_odds(frame_.view(), active_.view(), 4, cue_.view());
    add(cue_.view(), params_.global_colour_weight);
}

template <class Exec>
void MemoryTracker<Exec>::compare_motion() {
    motion_(flow_.view(), predicted_.view(), distance_.view(), active_.view(), cue_.view(), likeness_.view());
    add(cue_.view(), params_.salience_weight);
    add(likeness_.view(), params_.likeness_weight);
}

// The log odds of both classifiers add up sample by sample, before they are interpolated.
template <class Exec>
void MemoryTracker<Exec>::classify() {
    const SampleGrid grid{PixelFeatures::stride, pixel_features_.offset()};
    subsample(*exec_, active_.view(), grid, sample_active_.view());
    select(*exec_, sample_active_.view(), 0, 0, sample_sum_.view());
    const std::pair<Classifier*, float> classifiers[2] = {{&frozen_, params_.frozen_weight},
                                                          {&online_, params_.online_weight}};
    for (const auto& [classifier, weight] : classifiers) {
        classifier->classify(features_.view(), sample_active_.view(), 6, sample_logit_.view());
        add_cue(*exec_, std::as_const(sample_logit_).view(), weight, sample_active_.view(), sample_sum_.view());
    }
    interpolate(*exec_, sample_sum_.view(), grid, cue_.view());
    add(cue_.view(), 1);
}

// Cuts, and believes the cut's label mostly and the log odds a little. False where nothing is left of the subject.
template <class Exec>
bool MemoryTracker<Exec>::decide() {
    energy_(frame_.view(), logit_.view(), active_.view(), {.lambda = params_.lambda});
    cut_(energy_.capacities(), labels_.view());
    select(*exec_, labels_.view(), 1, 0, cue_.view());
    const Moments found = moments(*exec_, cue_.view());
    const float area = found.scale * found.scale;
    if (!(area > std::max(smallest_subject, params_.lost_share * usual_area_))) {
        std::swap(frame_, before_), std::swap(luma_, luma_before_), std::swap(active_, active_before_);
        now_ = then_;
        return false;
    }
    usual_area_ += .1f * (area - usual_area_);
    believed_matte(*exec_, labels_.view(), logit_.view(), active_.view(), params_.trust, cue_.view());
    soften_(cue_.view(), matte_.view());
    keep_inside(*exec_, active_.view(), matte_.view());
    return true;
}

// Enlarges what is believed and lays its outline on the edges of the full frame.
template <class Exec>
void MemoryTracker<Exec>::refine(View<const Rgba8, Exec> frame, View<float, Exec> matte) {
    resize(*exec_, std::as_const(matte_).view(), ResizeFilter::bilinear, matte_full_.view());
    above(*exec_, matte_full_.view(), .5f, binary_full_.view());
    select(*exec_, binary_full_.view(), 1, 0, matte_full_.view());
    // Beyond two radii of the subject the filter's output is 0: its windows, and theirs, hold nothing of it.
    const Box box = enlarged(bounding_box(*exec_, binary_full_.view()), 2 * params_.edge.radius + 1, full_);
    select(*exec_, binary_full_.view(), 0, 0, matte);
    const View<float, Exec> part = matte.crop(box.x, box.y, box.size);
    edge_(frame.crop(box.x, box.y, box.size), std::as_const(matte_full_).view().crop(box.x, box.y, box.size), part);
    levels(*exec_, part, .15f, .85f);  // without the faint traces of texture beside the outline
}

// Keeps what the frame showed of the subject and the background.
template <class Exec>
void MemoryTracker<Exec>::learn() {
    now_ = moments(*exec_, matte_.view());
    select(*exec_, labels_.view(), 1, 0, cue_.view());
    distance_transform_.signed_distance(cue_.view(), distance_.view());
    background_weight(*exec_, distance_.view(), {.distance = 40}, weight_.view());
    histogram_.count(frame_.view(), matte_.view(), weight_.view());
    running_histogram_.blend(histogram_, params_.histogram_keep, params_.histogram_keep);
    if (frames_ % params_.memory_interval == 0) remember(1), keep_look();
    if (!draw_samples(recent_samples_[size_t(lessons_learned_ % recent)], 2000)) return;
    ++lessons_learned_;
    const size_t sets = size_t(std::min(lessons_learned_, recent));
    for (int step = 0; step < params_.online_steps; ++step)
        online_.train(first_samples_, {recent_samples_.data(), sets}, 512, .003f, random_);
}

// Draws samples where the label is beyond doubt, background mostly from near the subject.
template <class Exec>
bool MemoryTracker<Exec>::draw_samples(Samples& samples, int count) {
    const SampleGrid grid{PixelFeatures::stride, pixel_features_.offset()};
    training_labels(*exec_, labels_.view(), logit_.view(), undecided, lessons_.view());
    subsample(*exec_, lessons_.view(), grid, sample_lessons_.view());
    subsample(*exec_, distance_.view(), grid, sample_weight_.view());
    background_weight(*exec_, sample_weight_.view(), {.floor = .15f, .distance = 60, .exponential = true},
                      sample_weight_.view());
    return samples.draw(features_.view(), sample_lessons_.view(), sample_weight_.view(), count, random_);
}

template <class Exec>
void MemoryTracker<Exec>::remember(int entry) {
    Remembered& r = remembered_[size_t(entry)];
    copy(*exec_, frame_.view(), r.frame.view());
    copy(*exec_, matte_.view(), r.matte.view());
    copy(*exec_, active_.view(), r.active.view());
    r.at = now_;
    patches_.store(entry, matte_.view());
}

template <class Exec>
void MemoryTracker<Exec>::keep_look() {
    const Box box = bounding_box(*exec_, labels_.view());
    if (box.size.empty()) return;
    looks_.add(std::as_const(frame_).view().crop(box.x, box.y, box.size),
               std::as_const(matte_).view().crop(box.x, box.y, box.size));
}
}  // namespace cinebokeh
