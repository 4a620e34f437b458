#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/pixel_classifier.hpp"

namespace cinebokeh {

inline void SampleSet::add(HostImage<const float> features, int x, int y, bool subject) {
    const int k_count = features_.size().height;
    for (int k = 0; k < k_count; ++k) features_.view()(count_, k) = features(x, y * k_count + k);
    subject_.span()[size_t(count_++)] = subject;
}

inline bool SampleSet::draw(HostImage<const float> features, HostImage<const uint8_t> label,
                            HostImage<const float> weight, int wanted, Random& random) {
    const Size s = label.size;
    require(weight.size == s && features.size == Size{s.width, s.height * features_.size().height},
            "SampleSet: features, label and weight differ in size");
    require(wanted >= 2 && wanted <= capacity(), "SampleSet: ", wanted, " samples, expected 2..", capacity());
    double total[2] = {0, 0};  // of the weights: a subject sample counts 1
    int pixels[2] = {0, 0};
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            if (const int l = label(x, y); l <= 1) ++pixels[l], total[l] += l ? 1.0 : double(weight(x, y));
    if (pixels[0] < 10 || pixels[1] < 10 || !(total[0] > 0)) return false;
    count_ = 0;

    // Systematic sampling: one pass over the frame meets each class's evenly spaced marks in turn.
    const int each = wanted / 2;
    double step[2], next[2], seen[2] = {0, 0};
    for (int l = 0; l < 2; ++l) step[l] = total[l] / each, next[l] = step[l] * double(random.uniform());
    int drawn[2] = {0, 0};
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const int l = label(x, y);
            if (l > 1) continue;
            seen[l] += l ? 1.0 : double(weight(x, y));
            for (; seen[l] > next[l] && drawn[l] < each; next[l] += step[l], ++drawn[l]) add(features, x, y, l == 1);
        }
    return true;
}

namespace detail {
inline constexpr int gradient_chunk = 128;  // samples of a partial gradient
}

inline PixelClassifier::PixelClassifier(Cpu& exec, const PixelClassifierParams& params)
    : exec_(&exec), params_(params) {
    require(params.features >= 1 && params.features <= max_features && params.batch >= 2 && params.batch <= 1 << 20,
            "PixelClassifier: ", params.features, " features and a batch of ", params.batch);
    chunks_ = ceil_div(params.batch, detail::gradient_chunk);
    const int n = weight_count();
    weights_ = Buffer<float, Cpu>(exec, {n, 1});
    mean_ = Buffer<float, Cpu>(exec, {n, 1});
    variance_ = Buffer<float, Cpu>(exec, {n, 1});
    gradients_ = Buffer<float, Cpu>(exec, {n, chunks_});
    const Size padded{chunks_ * detail::gradient_chunk, params.features};  // samples beyond a batch must be finite
    inputs_ = Buffer<float, Cpu>(exec, padded, std::vector<float>(padded.area()));
    targets_ = Buffer<float, Cpu>(exec, {chunks_ * detail::gradient_chunk, 1});
    reset();
}

inline void PixelClassifier::reset() {
    for (Buffer<float, Cpu>* moment : {&mean_, &variance_})
        std::fill(moment->span().begin(), moment->span().end(), 0.f);
    steps_ = 0;
    // Uniform in +-1 / sqrt(inputs of the unit), weights and biases.
    Random random(params_.seed);
    float* w = weights_.span().data;
    const auto fill = [&](int inputs, int units) {
        const float bound = 1 / std::sqrt(float(inputs));
        for (int i = 0; i < (inputs + 1) * units; ++i) *w++ = bound * (2 * random.uniform() - 1);
    };
    fill(params_.features, hidden), fill(hidden, hidden), fill(hidden, 1);
}

inline void PixelClassifier::copy_from(const PixelClassifier& other) {
    require(params_.features == other.params_.features, "PixelClassifier: ", other.params_.features,
            " features cannot be copied to ", params_.features);
    reset();
    copy(*exec_, other.weights_.view(), weights_.view());
}

namespace detail {
// Units u .. u + blocked - 1 of one layer for `lanes` samples: out[u] = bias[u] + sum_i weights[u][i] * in[i]
template <int lanes, int blocked>
inline void dense_units(const float* weights, const float* bias, const float* const* in, int inputs, bool relu,
                        float (*CINEBOKEH_RESTRICT out)[lanes]) {
    Lanes sum[blocked];
    for (int u = 0; u < blocked; ++u) sum[u] = Lanes::all(bias[u]);
    for (int i = 0; i < inputs; ++i) {
        const Lanes value = Lanes::load(in[i]);
        for (int u = 0; u < blocked; ++u) sum[u] += weights[u * inputs + i] * value;
    }
    for (int u = 0; u < blocked; ++u) (relu ? max(sum[u], Lanes::all(0)) : sum[u]).store(out[u]);
}
// The units of one layer, a few at a time, so that they share what they read.
template <int lanes, int units>
inline void dense_layer(const float* weights, const float* bias, const float* const* in, int inputs, bool relu,
                        float (*CINEBOKEH_RESTRICT out)[lanes]) {
    constexpr int blocked = std::min(units, 8);
    static_assert(units % blocked == 0);
    for (int u = 0; u < units; u += blocked)
        dense_units<lanes, blocked>(weights + u * inputs, bias + u, in, inputs, relu, out + u);
}
}  // namespace detail

inline void PixelClassifier::forward(const float* const* input, Activations& a) const {
    const int f = params_.features;
    const float* w1 = weights_.span().data;  // [hidden][features]
    const float* w2 = w1 + hidden * (f + 1);
    const float* w3 = w2 + hidden * (hidden + 1);
    const float* in[hidden];
    detail::dense_layer<lanes, hidden>(w1, w1 + hidden * f, input, f, true, a.first);
    for (int u = 0; u < hidden; ++u) in[u] = a.first[u];
    detail::dense_layer<lanes, hidden>(w2, w2 + hidden * hidden, in, hidden, true, a.second);
    for (int u = 0; u < hidden; ++u) in[u] = a.second[u];
    detail::dense_layer<lanes, 1>(w3, w3 + hidden, in, hidden, false, &a.logit);
}

namespace detail {
template <int lanes>
inline float dot(const float* CINEBOKEH_RESTRICT a, const float* CINEBOKEH_RESTRICT b) {
    float products[lanes];
    for (int l = 0; l < lanes; ++l) products[l] = a[l] * b[l];
    for (int half = lanes / 2; half; half /= 2)
        for (int l = 0; l < half; ++l) products[l] += products[l + half];
    return products[0];
}
template <int lanes>
inline float sum(const float* a) {
    float ones[lanes];
    for (float& one : ones) one = 1;
    return dot<lanes>(a, ones);
}
}  // namespace detail

namespace detail {
// Unit by unit becomes sample by sample: out[sample][unit], zeros beyond the last unit.
template <int lanes, int units>
inline void transpose(const float* const* in, int count, float (*out)[units]) {
    for (int l = 0; l < lanes; ++l)
        for (int u = 0; u < units; ++u) out[l][u] = u < count ? in[u][l] : 0;
}
// gradient[u][i] += sum over samples of error[u][sample] * input[sample][i]
template <int lanes, int units>
inline void add_outer_products(const float (*error)[lanes], const float (*input)[units], int inputs, int outputs,
                               float* gradient) {
    static_assert(units % Lanes::count == 0);
    constexpr int blocks = units / Lanes::count;
    for (int u = 0; u < outputs; ++u) {
        Lanes sums[blocks];
        for (int b = 0; b < blocks; ++b) sums[b] = Lanes::all(0);
        for (int l = 0; l < lanes; ++l)
            for (int b = 0; b < blocks; ++b) sums[b] += error[u][l] * Lanes::load(input[l] + b * Lanes::count);
        float row[units];
        for (int b = 0; b < blocks; ++b) sums[b].store(row + b * Lanes::count);
        for (int i = 0; i < inputs; ++i) gradient[u * inputs + i] += row[i];
    }
}
}  // namespace detail

// Back-propagates the error of the logits of one run of samples.
inline void PixelClassifier::add_gradient(const float* const* input, const Activations& a, const float* error,
                                          float* gradient) const {
    const int f = params_.features;
    const float* w2 = weights_.span().data + hidden * (f + 1);
    const float* w3 = w2 + hidden * (hidden + 1);
    float *g1 = gradient, *g2 = g1 + hidden * (f + 1), *g3 = g2 + hidden * (hidden + 1);
    float second[hidden][lanes], first[hidden][lanes];  // errors of the hidden units
    g3[hidden] += detail::sum<lanes>(error);
    for (int u = 0; u < hidden; ++u) {
        g3[u] += detail::dot<lanes>(a.second[u], error);
        for (int l = 0; l < lanes; ++l) second[u][l] = a.second[u][l] > 0 ? w3[u] * error[l] : 0;
        g2[hidden * hidden + u] += detail::sum<lanes>(second[u]);
    }
    for (int i = 0; i < hidden; ++i) {
        auto back = Lanes::all(0);
        for (int u = 0; u < hidden; ++u) back += w2[u * hidden + i] * Lanes::load(second[u]);
        for (int l = 0; l < lanes; ++l) first[i][l] = a.first[i][l] > 0 ? back[l] : 0;
        g1[hidden * f + i] += detail::sum<lanes>(first[i]);
    }
    const float* activations[hidden];
    for (int u = 0; u < hidden; ++u) activations[u] = a.first[u];
    float by_sample[lanes][hidden], features_by_sample[lanes][max_features];
    detail::transpose<lanes, hidden>(activations, hidden, by_sample);
    detail::add_outer_products<lanes, hidden>(second, by_sample, hidden, hidden, g2);
    detail::transpose<lanes, max_features>(input, f, features_by_sample);
    detail::add_outer_products<lanes, max_features>(first, features_by_sample, f, hidden, g1);
}

inline void PixelClassifier::adam_step(float learning_rate) {
    constexpr float beta1 = .9f, beta2 = .999f, epsilon = 1e-8f;
    ++steps_;
    const float unbias1 = 1 / (1 - std::pow(beta1, float(steps_))), unbias2 = 1 / (1 - std::pow(beta2, float(steps_)));
    float *w = weights_.span().data, *m = mean_.span().data, *v = variance_.span().data;
    for (int i = 0; i < weight_count(); ++i) {
        float g = params_.weight_decay * w[i];
        for (int c = 0; c < chunks_; ++c) g += gradients_.view()(i, c);
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        w[i] -= learning_rate * m[i] * unbias1 / (std::sqrt(v[i] * unbias2) + epsilon);
    }
}

inline void PixelClassifier::train(const SampleSet& a, HostSpan<const SampleSet> b, int batch, float learning_rate,
                                   Random& random) {
    require(batch >= 2 && batch <= params_.batch, "PixelClassifier: batch of ", batch, ", planned for ", params_.batch);
    require(a.count() > 0 && a.features().size.height == params_.features,
            "PixelClassifier: the first set is empty or has ", a.features().size.height, " features, expected ",
            params_.features);
    for (const SampleSet& s : b)
        require(s.count() > 0 && s.features().size.height == params_.features,
                "PixelClassifier: a set is empty or has ", s.features().size.height, " features, expected ",
                params_.features);
    for (int n = 0; n < batch; ++n) {
        const SampleSet& set = n < batch / 2 || b.count == 0 ? a : b[random.below(uint32_t(b.count))];
        const int s = int(random.below(uint32_t(set.count())));
        for (int k = 0; k < params_.features; ++k) inputs_.view()(n, k) = set.features()(s, k);
        targets_.span()[size_t(n)] = set.subject(s);
    }
    exec_->for_each(chunks_, [&](int chunk) {
        float* gradient = gradients_.view().row(chunk);
        std::fill(gradient, gradient + weight_count(), 0.f);
        const int end = std::min((chunk + 1) * detail::gradient_chunk, batch);
        for (int begin = chunk * detail::gradient_chunk; begin < end; begin += lanes) {
            Activations activations;
            const float* input[max_features];
            for (int k = 0; k < params_.features; ++k) input[k] = inputs_.view().row(k) + begin;
            forward(input, activations);
            float error[lanes];  // of the mean cross-entropy: sigmoid(logit) - target
            for (int l = 0; l < lanes; ++l)
                error[l] = begin + l < end
                               ? (1 / (1 + std::exp(-activations.logit[l])) - targets_.span()[size_t(begin + l)]) /
                                     float(batch)
                               : 0;
            add_gradient(input, activations, error, gradient);
        }
    });
    adam_step(learning_rate);
}

inline void PixelClassifier::classify(HostImage<const float> features, HostImage<const uint8_t> active, float limit,
                                      HostImage<float> logit) {
    const Size s = logit.size;
    require(active.size == s && features.size == Size{s.width, s.height * params_.features},
            "PixelClassifier: features, active and logit differ in size");
    exec_->for_each(s.height, [&](int j) {
        for (int begin = 0; begin < s.width; begin += lanes) {
            const int count = std::min(lanes, s.width - begin);
            const uint8_t* on = active.row(j) + begin;
            float* out = logit.row(j) + begin;
            if (std::find_if(on, on + count, [](uint8_t a) { return a != 0; }) == on + count) {
                std::fill(out, out + count, 0.f);
                continue;
            }
            Activations activations;
            const float* input[max_features];
            float tail[max_features][lanes] = {};  // the last run of a row is filled up with zeros
            for (int k = 0; k < params_.features; ++k) {
                input[k] = features.row(j * params_.features + k) + begin;
                if (count < lanes) std::copy(input[k], input[k] + count, tail[k]), input[k] = tail[k];
            }
            forward(input, activations);
            for (int l = 0; l < count; ++l)
                out[l] = activations.logit[l] >= -limit ? std::min(activations.logit[l], limit) : -limit;
        }
    });
}
}  // namespace cinebokeh
