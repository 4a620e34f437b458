// The steps between the cues of a tracker and its matte: which pixels are looked at, how cues add up, what is believed
// and learned afterwards. All are written once for both backends; none allocates, all are asynchronous on Cuda.
#pragma once
#include <cmath>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Writes 1 where value > threshold, 0 elsewhere (and for NaN).
template <class Exec>
void above(Exec& exec, View<const float, Exec> value, float threshold, View<uint8_t, Exec> out);

/// Writes `yes` where region != 0, `no` elsewhere.
template <class Exec>
void select(Exec& exec, View<const uint8_t, Exec> region, float yes, float no, View<float, Exec> out);

/// Clamps every number to low..high; NaN becomes low.
template <class Exec>
void clamp_range(Exec& exec, View<float, Exec> image, float low, float high);

/// Stretches black..white to 0..1 and clamps; NaN becomes 0. Throws Error unless black < white.
template <class Exec>
void levels(Exec& exec, View<float, Exec> image, float black, float white);

/// Writes 0 where region == 0.
template <class Exec>
void keep_inside(Exec& exec, View<const uint8_t, Exec> region, View<float, Exec> image);

/// Writes how much a background pixel teaches: floor + falloff of the distance to the subject.
struct BackgroundWeightParams {
    float floor = 0;      // weight far away
    float distance = 40;  // pixels at which the falloff is 1/2 (hyperbolic) or 1/e (exponential)
    bool exponential = false;
};
template <class Exec>
void background_weight(Exec& exec, View<const float, Exec> signed_distance, const BackgroundWeightParams& params,
                       View<float, Exec> weight);

/// logit += weight * cue where active, number by number. Cues that are NaN are left out.
template <class Exec>
void add_cue(Exec& exec, View<const float, Exec> cue, float weight, View<const uint8_t, Exec> active,
             View<float, Exec> logit);

/// Writes the matte that is believed after the cut: `trust` in the cut's label (.95 or .05), the rest in
/// sigmoid(logit); 0 where not active.
template <class Exec>
void believed_matte(Exec& exec, View<const uint8_t, Exec> labels, View<const float, Exec> logit,
                    View<const uint8_t, Exec> active, float trust, View<float, Exec> matte);

/// Writes what a classifier may learn from: the cut's label where the logit agrees with it and is at least
/// `confidence` away from 0, 2 (not used) elsewhere.
template <class Exec>
void training_labels(Exec& exec, View<const uint8_t, Exec> labels, View<const float, Exec> logit, float confidence,
                     View<uint8_t, Exec> out);

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class Space>
struct Above {
    Image<const float, Space> value;
    float threshold;
    Image<uint8_t, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = value(x, y) > threshold; }
};

template <class Space>
struct Select {
    Image<const uint8_t, Space> region;
    float yes, no;
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = region(x, y) ? yes : no; }
};

template <class Space>
struct ClampRange {
    Image<float, Space> image;
    float low, high;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float v = image(x, y);
        image(x, y) = v >= low ? (v < high ? v : high) : low;
    }
};

template <class Space>
struct Levels {
    Image<float, Space> image;
    float black, gain;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float v = gain * (image(x, y) - black);
        image(x, y) = v >= 0 ? (v < 1 ? v : 1) : 0;
    }
};

template <class Space>
struct KeepInside {
    Image<const uint8_t, Space> region;
    Image<float, Space> image;
    CINEBOKEH_HD void operator()(int x, int y) const { image(x, y) = region(x, y) ? image(x, y) : 0; }
};

template <class Space>
struct BackgroundWeight {
    Image<const float, Space> signed_distance;
    BackgroundWeightParams params;
    Image<float, Space> weight;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float d = signed_distance(x, y) < 0 ? -signed_distance(x, y) / params.distance : 0;
        weight(x, y) = params.floor + (params.exponential ? expf(-d) : 1 / (1 + d));
    }
};

template <class Space>
struct AddCue {
    Image<const float, Space> cue;
    float weight;
    Image<const uint8_t, Space> active;
    Image<float, Space> logit;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float c = cue(x, y);
        if (active(x, y) && c == c) logit(x, y) += weight * c;
    }
};

template <class Space>
struct BelievedMatte {
    Image<const uint8_t, Space> labels;
    Image<const float, Space> logit;
    Image<const uint8_t, Space> active;
    float trust;
    Image<float, Space> matte;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float q = 1 / (1 + expf(-logit(x, y)));
        matte(x, y) = active(x, y) ? trust * (labels(x, y) ? .95f : .05f) + (1 - trust) * q : 0;
    }
};

template <class Space>
struct TrainingLabels {
    Image<const uint8_t, Space> labels;
    Image<const float, Space> logit;
    float confidence;
    Image<uint8_t, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const bool subject = labels(x, y) != 0;
        out(x, y) = subject && logit(x, y) > confidence ? 1 : !subject && logit(x, y) < -confidence ? 0 : 2;
    }
};
}  // namespace detail

template <class Exec>
void above(Exec& exec, View<const float, Exec> value, float threshold, View<uint8_t, Exec> out) {
    require(value.size == out.size, "above: the images differ in size");
    for_each_pixel(exec, out.size, detail::Above<typename Exec::Space>{value, threshold, out});
}

template <class Exec>
void select(Exec& exec, View<const uint8_t, Exec> region, float yes, float no, View<float, Exec> out) {
    require(region.size == out.size, "select: the images differ in size");
    for_each_pixel(exec, out.size, detail::Select<typename Exec::Space>{region, yes, no, out});
}

template <class Exec>
void clamp_range(Exec& exec, View<float, Exec> image, float low, float high) {
    require(low <= high, "clamp_range: from ", low, " to ", high);
    for_each_pixel(exec, image.size, detail::ClampRange<typename Exec::Space>{image, low, high});
}

template <class Exec>
void levels(Exec& exec, View<float, Exec> image, float black, float white) {
    require(black < white, "levels: black ", black, " and white ", white);
    for_each_pixel(exec, image.size, detail::Levels<typename Exec::Space>{image, black, 1 / (white - black)});
}

template <class Exec>
void keep_inside(Exec& exec, View<const uint8_t, Exec> region, View<float, Exec> image) {
    require(region.size == image.size, "keep_inside: the images differ in size");
    for_each_pixel(exec, image.size, detail::KeepInside<typename Exec::Space>{region, image});
}

template <class Exec>
void background_weight(Exec& exec, View<const float, Exec> signed_distance, const BackgroundWeightParams& params,
                       View<float, Exec> weight) {
    require(signed_distance.size == weight.size, "background_weight: the images differ in size");
    require(params.distance > 0, "background_weight: distance ", params.distance, ", expected > 0");
    for_each_pixel(exec, weight.size, detail::BackgroundWeight<typename Exec::Space>{signed_distance, params, weight});
}

template <class Exec>
void add_cue(Exec& exec, View<const float, Exec> cue, float weight, View<const uint8_t, Exec> active,
             View<float, Exec> logit) {
    require(cue.size == active.size && cue.size == logit.size, "add_cue: the images differ in size");
    for_each_pixel(exec, logit.size, detail::AddCue<typename Exec::Space>{cue, weight, active, logit});
}

template <class Exec>
void believed_matte(Exec& exec, View<const uint8_t, Exec> labels, View<const float, Exec> logit,
                    View<const uint8_t, Exec> active, float trust, View<float, Exec> matte) {
    require(labels.size == logit.size && labels.size == active.size && labels.size == matte.size,
            "believed_matte: the images differ in size");
    require(trust >= 0 && trust <= 1, "believed_matte: trust ", trust, ", expected 0..1");
    for_each_pixel(exec, matte.size, detail::BelievedMatte<typename Exec::Space>{labels, logit, active, trust, matte});
}

template <class Exec>
void training_labels(Exec& exec, View<const uint8_t, Exec> labels, View<const float, Exec> logit, float confidence,
                     View<uint8_t, Exec> out) {
    require(labels.size == logit.size && labels.size == out.size, "training_labels: the images differ in size");
    for_each_pixel(exec, out.size, detail::TrainingLabels<typename Exec::Space>{labels, logit, confidence, out});
}
}  // namespace cinebokeh
