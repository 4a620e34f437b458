// Colour model: how likely a colour is, as a mixture of Gaussians in CIE Lab, in logarithms throughout.
//
// Components are found by weighted k-means and given full covariances, as in Rother, Kolmogorov and Blake, "GrabCut"
// (SIGGRAPH 2004). A uniform component stands for colours never seen, so a log-density has a floor and the ratio of two
// models stays bounded.
#pragma once
#include <cmath>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {

struct ColorSample {
    Float3 lab;    // CIE Lab
    float weight;  // >= 0, in any unit
};

struct ColorModelParams {
    int components = 5;          // at most, in [1, ColorModel::max_components]
    float least_spread = 3;      // added to every standard deviation, Lab units, > 0
    float unseen_share = 0.01f;  // of the uniform component, in (0, 1)
};

/// A density over colours. A plain value: copy it, pass it to kernels.
struct ColorModel {
    static constexpr int max_components = 8;
    struct Component {
        Float3 mean;
        float precision[6];  // half the inverse covariance: ll, aa, bb, and twice la, lb, ab
        float log_factor;    // log of weight and normalisation
    };
    Component component[max_components];
    int components = 0;
    float log_unseen = 0;  // log-density of the uniform component

    /// The log-density, per cubic Lab unit. A NaN colour has that of a colour never seen.
    CINEBOKEH_HD float operator()(Float3 lab) const {
        float terms[max_components], largest = log_unseen;
        for (int k = 0; k < components; ++k) {
            const Component& c = component[k];
            const float l = lab[0] - c.mean[0], a = lab[1] - c.mean[1], b = lab[2] - c.mean[2];
            const float distance = c.precision[0] * l * l + c.precision[1] * a * a + c.precision[2] * b * b +
                                   c.precision[3] * l * a + c.precision[4] * l * b + c.precision[5] * a * b;
            terms[k] = distance >= 0 ? c.log_factor - distance : -1e30f;
            largest = terms[k] > largest ? terms[k] : largest;
        }
        float sum = expf(log_unseen - largest);
        for (int k = 0; k < components; ++k) sum += expf(terms[k] - largest);
        return largest + logf(sum);
    }
};

/// Fits a model to weighted colours.
///
///   samples  [n]  those that are not finite, or of no positive weight, are ignored; without any the model is uniform
///
/// Throws Error if a parameter is out of its range. Allocates nothing; n * components * 12 operations, twice.
/// Deterministic.
inline ColorModel fit_color_model(HostSpan<const ColorSample> samples, const ColorModelParams& params = {});

/// Writes the log-density ratio of two models for every active pixel, and keeps the others.
///
///   image   [h, w]  sRGB
///   active  [h, w]  0: `logit` is left as it is
///   limit           the ratio is clamped to [-limit, limit]
///   logit   [h, w]  out; log p(colour | subject) - log p(colour | background)
///
/// Throws Error if a size differs or limit is not positive. Allocates nothing. Asynchronous on Cuda.
/// Deterministic; within 1e-3 between backends.
template <class Exec>
void color_logit(Exec& exec, View<const Rgba8, Exec> image, View<const uint8_t, Exec> active, const ColorModel& subject,
                 const ColorModel& background, float limit, View<float, Exec> logit);

}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/color_model.hpp"
