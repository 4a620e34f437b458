// Online pixel classifier: a perceptron with two hidden layers (ReLU) that learns subject from background while the
// video runs. Trained by Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015) on the binary
// cross-entropy of its logit.
#pragma once
#include <cstdint>
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/lanes.hpp"
#include "cinebokeh/core/random.hpp"

namespace cinebokeh {

/// Labelled samples (on Cuda: SampleSetCuda): the features of sample s are columns, feature k of it is at (s, k).
class SampleSet {
public:
    SampleSet() = default;
    /// Allocates room for `capacity` samples of `features` numbers.
    SampleSet(Cpu& exec, int features, int capacity)
        : features_(exec, {capacity, features}), subject_(exec, {capacity, 1}) {}

    int count() const { return count_; }
    int capacity() const { return features_.size().width; }
    void clear() { count_ = 0; }
    HostImage<const float> features() const { return features_.view(); }
    bool subject(int sample) const { return subject_.span()[size_t(sample)] != 0; }

    /// Draws `wanted` samples, half of them subject and half background, from a frame, replacing what the set held.
    ///
    ///   features  [k * h, w]  feature k of sample (i, j) at (i, j * k_count + k)
    ///   label     [h, w]      1 subject, 0 background, anything else: not used
    ///   weight    [h, w]      >= 0, how likely a background sample is drawn
    ///
    /// Returns false, and leaves the set alone, where one of the two classes has fewer than 10 pixels.
    /// Throws Error if sizes differ or more is wanted than the capacity. Allocates nothing.
    bool draw(HostImage<const float> features, HostImage<const uint8_t> label, HostImage<const float> weight,
              int wanted, Random& random);

private:
    void add(HostImage<const float> features, int x, int y, bool subject);

    Buffer<float, Cpu> features_;
    Buffer<uint8_t, Cpu> subject_;
    int count_ = 0;
};

struct PixelClassifierParams {
    int features = 20;           // 1..32
    float weight_decay = 1e-4f;  // added to the gradient, per weight
    int batch = 1024;            // samples of the largest training step
    uint64_t seed = 1;           // of the initial weights
};

/// Network features-32-32-1. Cpu; on Cuda it is PixelClassifierCuda. Allocates in the constructor only.
class PixelClassifier {
public:
    static constexpr int hidden = 32;
    static constexpr int max_features = 32;

    PixelClassifier(Cpu& exec, const PixelClassifierParams& params = {});

    /// Forgets everything: the weights of the seed, and a fresh optimiser.
    void reset();
    /// Takes over the weights and starts with a fresh optimiser, so that the first steps after it are as large as the
    /// learning rate allows. Throws Error where the numbers of features differ.
    void copy_from(const PixelClassifier& other);

    /// One Adam step on `batch` samples drawn with replacement: the first half from `a`, the rest from the sets `b`,
    /// each of them equally likely; all of them from `a` where `b` is empty.
    /// Throws Error where a set has other features or no sample, or the batch exceeds the plan's.
    /// Deterministic: the same for any number of threads.
    void train(const SampleSet& a, HostSpan<const SampleSet> b, int batch, float learning_rate, Random& random);

    /// Writes the logit of every sample: > 0 where it looks like the subject.
    ///
    ///   features  [k * h, w]  feature k of sample (i, j) at (i, j * k_count + k)
    ///   active    [h, w]      runs of 16 samples with no active one are skipped: their logit is 0
    ///   logit     [h, w]      out, clamped to +-limit; finite whatever the features are
    ///
    /// Throws Error if sizes differ. Deterministic: the same for any number of threads.
    void classify(HostImage<const float> features, HostImage<const uint8_t> active, float limit,
                  HostImage<float> logit);

private:
    static constexpr int lanes = Lanes::count;  // samples that go through the network together
    struct Activations {                        // of one run of samples, unit by unit
        float first[hidden][lanes], second[hidden][lanes], logit[lanes];
    };
    // Weights in one array: first layer [hidden][features], bias [hidden], second [hidden][hidden], bias, third
    // [hidden], bias.
    int weight_count() const { return hidden * (params_.features + 1) + hidden * (hidden + 1) + hidden + 1; }
    void forward(const float* const* input, Activations& a) const;
    void add_gradient(const float* const* input, const Activations& a, const float* error, float* gradient) const;
    void adam_step(float learning_rate);

    Cpu* exec_;
    PixelClassifierParams params_;
    Buffer<float, Cpu> weights_, mean_, variance_;  // [weight_count]
    Buffer<float, Cpu> gradients_;                  // [batch / chunk, weight_count]: summed in order
    Buffer<float, Cpu> inputs_;                     // [features, batch]
    Buffer<float, Cpu> targets_;                    // [batch]
    int steps_ = 0, chunks_ = 0;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/pixel_classifier_cpu.hpp"
#include "kernels/pixel_classifier_cuda.cuh"
