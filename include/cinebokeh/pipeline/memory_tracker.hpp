// Memory tracker: follows a subject through a video, given its matte in the first frame, without pretrained weights.
//
// Per frame, at a working resolution of about 427 x 240: optical flow to the frame before moves the last matte, which
// only bounds where to look; seven cues (patch memory, frozen and online pixel classifiers, local and global colour,
// motion salience and likeness) add up to log odds; a graph cut turns them into a subject; a guided filter at full
// resolution lays its outline on the edges of the frame. Everything that was believed is learned.
#pragma once
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "cinebokeh/bilateral_grid.hpp"
#include "cinebokeh/color.hpp"
#include "cinebokeh/color_histogram.hpp"
#include "cinebokeh/cue_fusion.hpp"
#include "cinebokeh/distance_transform.hpp"
#include "cinebokeh/gaussian_blur.hpp"
#include "cinebokeh/gradient_features.hpp"
#include "cinebokeh/grid_energy.hpp"
#include "cinebokeh/guided_filter.hpp"
#include "cinebokeh/maxflow.hpp"
#include "cinebokeh/moments.hpp"
#include "cinebokeh/motion_cue.hpp"
#include "cinebokeh/optical_flow.hpp"
#include "cinebokeh/patch_memory.hpp"
#include "cinebokeh/pixel_classifier.hpp"
#include "cinebokeh/pixel_features.hpp"
#include "cinebokeh/resize.hpp"
#include "cinebokeh/sampling.hpp"
#include "cinebokeh/warp.hpp"

namespace cinebokeh {

struct MemoryTrackerParams {
    int working_pixels = 427 * 240;  // the frame is reduced to about this many; smaller frames are not enlarged
    float band = 70;                 // working pixels around the predicted subject where it may be found
    // Weights of the cues in the log odds, and their bias.
    float patch_weight = 1.2f, local_colour_weight = .3f, global_colour_weight = .2f, online_weight = .2f,
          frozen_weight = .15f, salience_weight = .3f, likeness_weight = .3f, bias = -.15f;
    int memory_interval = 5;      // frames between two refreshes of the remembered frame
    int frozen_steps = 250;       // training steps of the classifier on the first frame
    int online_steps = 6;         // training steps a frame
    float histogram_keep = .93f;  // of the running colour histogram, a frame
    float lambda = 3;             // smoothness of the cut
    float trust = .7f;            // of the cut's label, against the log odds, in what is believed
    GuidedFilterParams edge = {.radius = 8, .epsilon = 20};  // at full resolution
};

/// Plan for frames of one size, with everything it learns. Cpu. start() and track() allocate nothing.
template <class Exec>
class MemoryTracker {
public:
    MemoryTracker(Exec& exec, Size frame_size, const MemoryTrackerParams& params = {});

    /// Learns the subject from a frame and its matte, forgetting all that was learned before.
    ///
    ///   frame  [h, w]
    ///   matte  [h, w]  0..1
    ///
    /// Throws Error if a size differs, or if fewer than 10 working pixels are on one side of the matte.
    void start(View<const Rgba8, Exec> frame, View<const float, Exec> matte);

    /// Finds the subject in the next frame.
    ///
    ///   matte  [h, w]  out, 0..1; the last believable matte where the subject was lost
    ///
    /// Returns false where the subject was lost. Throws Error if a size differs or start() was never called.
    /// Deterministic: the same for any number of threads.
    bool track(View<const Rgba8, Exec> frame, View<float, Exec> matte);

private:
    static constexpr float undecided = 2.2f;     // log odds: below, a label teaches nothing (a probability of .9)
    static constexpr float outside = -6;         // log odds of pixels that are not active
    static constexpr int recent = 6;             // frames the online classifier draws from
    static constexpr int smallest_subject = 20;  // working pixels; with fewer it counts as lost
    struct Remembered {                          // a frame that local colour and patch memory look back to
        Buffer<Rgba8, Exec> frame;
        Buffer<float, Exec> matte;
        Moments at;
    };
    static Size working_size(Size frame, int pixels);
    static Similarity between(const Moments& from, const Moments& to);

    void look(View<const Rgba8, Exec> frame);
    void predict();
    void match_patches();
    void compare_local_colour();
    void compare_global_colour();
    void compare_motion();
    void classify(PixelClassifier& classifier, float weight);
    bool decide();
    void learn();
    bool draw_samples(SampleSet& samples, int count);
    void remember(int entry);
    void refine(View<const Rgba8, Exec> frame, View<float, Exec> matte);
    void add(View<const float, Exec> cue, float weight) { add_cue(*exec_, cue, weight, active_.view(), logit_.view()); }

    Exec* exec_;
    MemoryTrackerParams params_;
    Size full_, size_;         // frame, working
    int frames_ = 0;           // seen since start(), 0 before
    int lessons_learned_ = 0;  // by the online classifier

    // The frame, the one before, and what is seen in it; all [working size].
    Buffer<Rgba8, Exec> frame_, before_;
    Buffer<uint8_t, Exec> luma_, luma_before_;
    Buffer<Float3, Exec> lab_;
    Buffer<Float4, Exec> colour_, orientation_;
    Buffer<Float2, Exec> flow_, forward_flow_;  // to the frame before, and about the way back
    Buffer<float, Exec> features_;              // of the samples of PixelFeatures
    // What is believed; all [working size] but `matte_full_` and the samples.
    Buffer<float, Exec> matte_, predicted_, distance_, logit_, cue_, likeness_, weight_;
    Buffer<uint8_t, Exec> active_, active_before_, labels_, lessons_;
    Buffer<float, Exec> sample_logit_, sample_weight_;
    Buffer<uint8_t, Exec> sample_active_, sample_lessons_;
    Buffer<float, Exec> matte_full_, last_full_;  // [frame size]
    Buffer<uint8_t, Exec> binary_full_;

    OpticalFlow<Exec> optical_flow_;
    DistanceTransform<Exec> distance_transform_;
    PixelFeatures pixel_features_;
    PixelClassifier frozen_, online_;
    SampleSet first_samples_;
    std::vector<SampleSet> recent_samples_;
    PatchMemory patches_;
    BilateralGrid<Exec> local_colour_;
    ColorHistogram first_histogram_, running_histogram_, histogram_;
    MotionCue motion_;
    GridEnergy<Exec> energy_;
    GridMaxflow cut_;
    GaussianBlur<float, Exec> soften_;
    GuidedFilter<Exec> edge_;
    std::array<Remembered, 2> remembered_;  // the first frame, and a recent one
    Moments now_, then_;                    // of the subject: predicted, and believed in the frame before
    Random random_;
};
// ---------------------------------------------------------------------------- implementation

template <class Exec>
Size MemoryTracker<Exec>::working_size(Size frame, int pixels) {
    require(!frame.empty() && pixels >= 1, "MemoryTracker: frames of ", frame.width, " x ", frame.height, " and ",
            pixels, " working pixels");
    const double scale = std::min(1.0, std::sqrt(double(pixels) / double(frame.area())));
    return {std::max(1, int(std::lround(frame.width * scale))), std::max(1, int(std::lround(frame.height * scale)))};
}

template <class Exec>
MemoryTracker<Exec>::MemoryTracker(Exec& exec, Size frame_size, const MemoryTrackerParams& params)
    : exec_(&exec),
      params_(params),
      full_(frame_size),
      size_(working_size(frame_size, params.working_pixels)),
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
    for (auto* b : {&sample_logit_, &sample_weight_}) *b = Buffer<float, Exec>(exec, samples);
    for (auto* b : {&sample_active_, &sample_lessons_}) *b = Buffer<uint8_t, Exec>(exec, samples);
    for (auto* b : {&matte_full_, &last_full_}) *b = Buffer<float, Exec>(exec, full_);
    binary_full_ = Buffer<uint8_t, Exec>(exec, full_);
    for (int i = 0; i < recent; ++i) recent_samples_.emplace_back(exec, PixelFeatures::count, 2000);
    for (Remembered& r : remembered_) r = {Buffer<Rgba8, Exec>(exec, size_), Buffer<float, Exec>(exec, size_), {}};
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
    select(*exec_, active_.view(), params_.bias, outside, logit_.view());
    match_patches();
    compare_local_colour();
    compare_global_colour();
    compare_motion();
    classify(frozen_, params_.frozen_weight);
    classify(online_, params_.online_weight);
    const bool found = decide();
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

// Moves the last matte along the flow: it bounds where the subject can be, and nothing more.
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
    for (size_t i = 0; i < 2; ++i)
        local_colour_.splat(remembered_[i].frame.view(), remembered_[i].matte.view(), between(remembered_[i].at, now_),
                            weights[i]);
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

template <class Exec>
void MemoryTracker<Exec>::classify(PixelClassifier& classifier, float weight) {
    const SampleGrid grid{PixelFeatures::stride, pixel_features_.offset()};
    subsample(*exec_, active_.view(), grid, sample_active_.view());
    classifier.classify(features_.view(), sample_active_.view(), 6, sample_logit_.view());
    interpolate(*exec_, sample_logit_.view(), grid, cue_.view());
    add(cue_.view(), weight);
}

// Cuts, and believes the cut's label mostly and the log odds a little. False where nothing is left of the subject.
template <class Exec>
bool MemoryTracker<Exec>::decide() {
    energy_(frame_.view(), logit_.view(), active_.view(), {.lambda = params_.lambda});
    cut_(energy_.capacities(), labels_.view());
    select(*exec_, labels_.view(), 1, 0, cue_.view());
    const Moments found = moments(*exec_, cue_.view());
    if (found.scale * found.scale <= smallest_subject) {
        std::swap(frame_, before_), std::swap(luma_, luma_before_), std::swap(active_, active_before_);
        now_ = then_;
        return false;
    }
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
    clamp_range(*exec_, part, 0, 1);
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
    if (frames_ % params_.memory_interval == 0) remember(1);
    if (!draw_samples(recent_samples_[size_t(lessons_learned_ % recent)], 2000)) return;
    ++lessons_learned_;
    const size_t sets = size_t(std::min(lessons_learned_, recent));
    for (int step = 0; step < params_.online_steps; ++step)
        online_.train(first_samples_, {recent_samples_.data(), sets}, 512, .003f, random_);
}

// Draws samples where the label is beyond doubt, background mostly from near the subject.
template <class Exec>
bool MemoryTracker<Exec>::draw_samples(SampleSet& samples, int count) {
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
    r.at = now_;
    patches_.store(entry, matte_.view());
}
}  // namespace cinebokeh
