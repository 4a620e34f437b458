// Memory tracker: follows a subject through a video, given its matte in the first frame, without pretrained weights.
//
// Per frame, at a working resolution of about 427 x 240: optical flow to the frame before moves the last matte, which
// only bounds where to look; seven cues (patch memory, frozen and online pixel classifiers, local and global colour,
// motion salience and likeness) add up to log odds; a graph cut turns them into a subject; a guided filter at full
// resolution lays its outline on the edges of the frame. Everything that was believed is learned.
#pragma once
#include <array>
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
#include "cinebokeh/template_bank.hpp"
#include "cinebokeh/template_matte.hpp"
#include "cinebokeh/warp.hpp"

namespace cinebokeh {
class PixelFeaturesCuda;
class PixelClassifierCuda;
class SampleSetCuda;
class PatchMemoryCuda;
class ColorHistogramCuda;
class MotionCueCuda;

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
    float lost_share = .05f;      // of its usual area: what is left of a subject that is lost
    float found_response = .6f;   // masked NCC with a remembered look, from which a lost subject is sought there
    GuidedFilterParams edge = {.radius = 8, .epsilon = 20, .subsample = 2};  // at full resolution
};

/// Plan for frames of one size, with everything it learns. start() and track() allocate nothing. On Cuda everything but
/// the decisions is on the device: track() waits for where and how large the subject is, five times a frame.
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

    /// What the subject has looked like, at the working resolution: the first look, and the latest ones.
    const TemplateBank<Exec>& looks() const { return looks_; }

private:
    using Features = ForSpace<Exec, PixelFeatures, PixelFeaturesCuda>;
    using Classifier = ForSpace<Exec, PixelClassifier, PixelClassifierCuda>;
    using Samples = ForSpace<Exec, SampleSet, SampleSetCuda>;
    using Patches = ForSpace<Exec, PatchMemory, PatchMemoryCuda>;
    using Histogram = ForSpace<Exec, ColorHistogram, ColorHistogramCuda>;
    using Motion = ForSpace<Exec, MotionCue, MotionCueCuda>;
    static constexpr float undecided = 2.2f;       // log odds: below, a label teaches nothing (a probability of .9)
    static constexpr float outside = -6;           // log odds of pixels that are not active
    static constexpr int recent = 6;               // frames the online classifier draws from
    static constexpr float smallest_subject = 20;  // working pixels; with fewer it counts as lost
    struct Remembered {                            // a frame that local colour and patch memory look back to
        Buffer<Rgba8, Exec> frame;
        Buffer<float, Exec> matte;
        Buffer<uint8_t, Exec> active;
        Moments at;
    };
    static Similarity between(const Moments& from, const Moments& to);

    void look(View<const Rgba8, Exec> frame);
    void predict();
    void bound();
    void match_patches();
    void compare_local_colour();
    void compare_global_colour();
    void compare_motion();
    void classify();
    bool decide();
    void learn();
    bool draw_samples(Samples& samples, int count);
    void remember(int entry);
    void seek();
    void keep_look();
    void refine(View<const Rgba8, Exec> frame, View<float, Exec> matte);
    void add(View<const float, Exec> cue, float weight) { add_cue(*exec_, cue, weight, active_.view(), logit_.view()); }

    Exec* exec_;
    MemoryTrackerParams params_;
    Size full_, size_;         // frame, working
    int frames_ = 0;           // seen since start(), 0 before
    int lessons_learned_ = 0;  // by the online classifier
    bool lost_ = false;        // in the frame before
    float usual_area_ = 0;     // working pixels

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
    Buffer<float, Exec> sample_logit_, sample_sum_, sample_weight_;
    Buffer<uint8_t, Exec> sample_active_, sample_lessons_;
    Buffer<float, Exec> matte_full_, last_full_;  // [frame size]
    Buffer<uint8_t, Exec> binary_full_;

    OpticalFlow<Exec> optical_flow_;
    DistanceTransform<Exec> distance_transform_;
    Features pixel_features_;
    Classifier frozen_, online_;
    Samples first_samples_;
    std::vector<Samples> recent_samples_;
    Patches patches_;
    BilateralGrid<Exec> local_colour_;
    Histogram first_histogram_, running_histogram_, histogram_;
    TemplateBank<Exec> looks_;
    Motion motion_;
    GridEnergy<Exec> energy_;
    GridMaxflow<Exec> cut_;
    GaussianBlur<float, Exec> soften_;
    GuidedFilter<Exec> edge_;
    std::array<Remembered, 2> remembered_;  // the first frame, and a recent one
    Moments now_, then_;                    // of the subject: predicted, and believed in the frame before
    Random random_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/memory_tracker.hpp"
