// Template tracker: follows a subject through a video with a bank of its looks, given its matte in the first frame.
//
// The propagation of "Automated Cinematic Background Blur in Videos" (seed 0), at a working resolution of about
// 427 x 240: masked normalised cross-correlation places the templates in a window that follows the subject; similarity
// to the best templates, the colours of the two sides and the placed matte give log odds; a dense CRF (its eq. 6-9)
// draws the outline; what is believed enters the bank. Where nothing believable is found the last matte stays.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "cinebokeh/color.hpp"
#include "cinebokeh/color_histogram.hpp"
#include "cinebokeh/crf.hpp"
#include "cinebokeh/cue_fusion.hpp"
#include "cinebokeh/distance_transform.hpp"
#include "cinebokeh/guided_filter.hpp"
#include "cinebokeh/moments.hpp"
#include "cinebokeh/resize.hpp"
#include "cinebokeh/template_bank.hpp"
#include "cinebokeh/template_matte.hpp"

namespace cinebokeh {

struct TemplateTrackerParams {
    int working_pixels = 427 * 240;  // the frame is reduced to about this many; smaller frames are not enlarged
    Size patch = {256, 192};         // of the search, in its own pixels
    float template_side = 64;        // the subject's box is matched at about this size (square root of its area)
    TemplateBankParams bank = {.capacity = 20, .similar = 0.95f};
    float margin = 0.35f;        // of the subject's size, that it may move beyond what its velocity predicts
    float retry_scales = 0.8f;   // response below which other scales are tried
    float lost_response = 0.3f;  // response below which the prediction is trusted more than the match
    TemplateSimilarityParams similarity = {};
    FusionWeights weights = {.similarity = 1.6f, .colour = 1.2f, .shape = 0.8f, .softness = 5, .bias = 0.2f};
    float histogram_keep = 0.93f;                                    // of the running colour histogram, a frame
    CrfParams crf = {.smoothness_sxy = 1.5f, .appearance_sxy = 25};  // the paper's 3 and 50, at half the resolution
    float scale_gain = 0.03f;                                        // response that another scale must win by
    float least_overlap = 0.1f;  // of the refined matte with the placed one (J); below it is not believed
    float largest_change = 3;    // of the area, from the placed matte to the refined one; beyond, it is not believed
    float sure_response = 0.7f;  // from which the placed matte itself is believed where the refined one is not
    float least_island = 0.02f;  // of the largest part of the subject; smaller parts are dropped
    float learn_overlap = 0.5f;  // from which a matte enters the bank
    GuidedFilterParams edge = {.radius = 8, .epsilon = 20};  // at full resolution
};

/// Plan for frames of one size, with everything it learns. Cpu. start() and track() allocate nothing.
template <class Exec>
class TemplateTracker {
public:
    /// Throws Error if the frame is empty or a parameter is out of range. Allocates.
    TemplateTracker(Exec& exec, Size frame_size, const TemplateTrackerParams& params = {});

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

    int lost_frames() const { return lost_frames_; }  // since start()

private:
    struct Found {
        int slot = -1;
        float value = -1;
        Placement at;  // of the template's crop, in working pixels
    };
    static Float2 centre_of(const Box& box) {
        return {float(box.x) + float(box.size.width) / 2, float(box.y) + float(box.size.height) / 2};
    }

    void look(View<const Rgba8, Exec> frame);
    Found search();
    Found search_at(Float2 centre, float scale, float reach);
    Placement centred(int slot, Float2 centre, float scale) const;
    Box region_of(const Found& found) const;
    bool decide(const Found& found);
    void compare_templates(const Found& found, const Box& region);
    void believe(View<const float, Exec> matte, const Box& region);
    void learn();
    void learn_colours(float keep);
    Box crop_box(const Box& subject) const;
    void write(View<const Rgba8, Exec> frame, View<float, Exec> matte);

    Exec* exec_;
    TemplateTrackerParams params_;
    Size full_, size_;  // frame, working
    bool started_ = false;
    int lost_frames_ = 0, lost_in_a_row_ = 0;

    TemplateBank<Exec> bank_;
    TemplateSimilarity similarity_;
    BinaryCrf<Exec> crf_;
    IslandFilter islands_;
    GuidedFilter<Exec> edge_;
    DistanceTransform<Exec> distance_transform_;
    ColorHistogram first_colours_, running_colours_, frame_colours_, colours_;

    Buffer<Rgba8, Exec> frame_;  // [working size]
    Buffer<Float3, Exec> lab_;
    Buffer<uint8_t, Exec> luma_, search_luma_, patch_, everywhere_;
    Buffer<Float3, Exec> crop_lab_;
    Buffer<float, Exec> matte_, colour_cue_, similarity_cue_, shape_, probability_, refined_, distance_, weight_;
    Buffer<float, Exec> matte_full_;  // [frame size]: the last believable one

    Size search_size_;                            // of the frame at the scale of the search
    Float2 centre_ = {0, 0}, velocity_ = {0, 0};  // of the subject's box, working pixels (a frame)
    Moments moments_;                             // of the last believed matte
    Box box_;                                     // of the last believed matte
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/template_tracker.hpp"
