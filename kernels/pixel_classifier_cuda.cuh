// The pixel classifier on Cuda: training and classifying. kernels/pixel_classifier_samples_cuda.cuh draws the samples.
//
// Training: a warp takes four samples together, a lane is a hidden unit. Weights lie in shared memory in both orders,
// so that neither the way forward nor the way back meets a bank twice; a lane adds up the gradient of its unit in
// registers. The gradients of warps and then of blocks are added in their order. Classifying: a thread takes a sample
// and reads the weights as broadcasts.
#pragma once
#include "kernels/pixel_classifier_samples_cuda.cuh"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
inline constexpr int classifier_hidden = PixelClassifier::hidden, classifier_features = PixelClassifier::max_features;
static_assert(classifier_hidden == 32, "a lane is a hidden unit");

// Where the parts of the weights begin; the order of the CPU.
struct ClassifierLayout {
    int features;
    CINEBOKEH_HD int bias1() const { return 32 * features; }
    CINEBOKEH_HD int second() const { return 32 * (features + 1); }
    CINEBOKEH_HD int bias2() const { return second() + 32 * 32; }
    CINEBOKEH_HD int third() const { return bias2() + 32; }
    CINEBOKEH_HD int count() const { return third() + 32 + 1; }
};
/// The sets a step draws from: the first half of the batch from the first one.
struct ClassifierSets {
    static constexpr int most = 9;
    DeviceSamples set[most];
    int count = 0;
};
struct AdamStep {
    float weight_decay, learning_rate, unbias1, unbias2;
};
}  // namespace detail

namespace kernels {
using detail::ClassifierLayout;
inline constexpr int train_warps = 4, train_samples = 4;  // of a warp: its reads of the samples wait for each other

struct TrainShared {
    float w1[detail::classifier_features][33];  // [feature][unit]; 33: the transposing writes miss each other's banks
    float w2[32][33], w2_by_input[32][33];      // [unit][input], [input][unit]
    float bias1[32], bias2[32], w3[33];
    // Of the samples of each warp; the error is that of the second layer.
    Float4 input[train_warps][detail::classifier_features], first[train_warps][32], second[train_warps][32];
    Float4 error[train_warps][32];
    float gradient[32 * (detail::classifier_features + 1) + 32 * 33 + 33];
};

// Calls f(s) for the samples of a warp.
template <class F>
static __device__ inline void for_samples(F&& f) {
    CINEBOKEH_UNROLL
    for (int i = 0; i < train_samples; ++i) f(i);
}

static __global__ void train_gradient(ClassifierLayout layout, const float* weights, detail::ClassifierSets sets,
                                      int batch, unsigned long long seed, Image<float, DeviceSpace> gradients) {
    TrainShared& s = static_shared<TrainShared>();
    const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32, features = layout.features;
    for (int i = thread; i < 32 * features; i += 32 * train_warps) s.w1[i % features][i / features] = weights[i];
    for (int i = thread; i < 32 * 32; i += 32 * train_warps)
        s.w2[i / 32][i % 32] = s.w2_by_input[i % 32][i / 32] = weights[layout.second() + i];
    if (thread < 32) {
        s.bias1[thread] = weights[layout.bias1() + thread], s.bias2[thread] = weights[layout.bias2() + thread];
        s.w3[thread] = weights[layout.third() + thread];
        if (thread == 0) s.w3[32] = weights[layout.third() + 32];
    }
    __syncthreads();  // the weights are there

    // Samples beyond the batch are zeros, whose error is zero.
    Float4 *input = s.input[warp], *first = s.first[warp], *second = s.second[warp], *error = s.error[warp];
    const int begin = (int(blockIdx.x) * train_warps + warp) * train_samples;
    float label[train_samples], read[train_samples];
    for_samples([&](int i) {
        const int n = begin + i;
        label[i] = read[i] = 0;
        if (n >= batch) return;
        Random random(seed + (unsigned long long)(n)*0x9E3779B97F4A7C15u);
        const int which = n < batch / 2 || sets.count == 1 ? 0 : 1 + int(random.below(uint32_t(sets.count - 1)));
        const detail::DeviceSamples& set = sets.set[which];
        const int sample = int(random.below(uint32_t(set.count)));
        label[i] = float(set.subject[sample]);
        if (lane < features) read[i] = set.features(sample, lane);
    });
    if (lane < features) for_samples([&](int i) { input[lane][i] = read[i]; });
    __syncwarp();  // the features are there
    Float4 a1, a2, e, e1, e2;
    for_samples([&](int i) { a1[i] = s.bias1[lane], a2[i] = s.bias2[lane], e[i] = s.w3[32], e1[i] = 0; });
    for (int k = 0; k < features; ++k) {
        const float weight = s.w1[k][lane];
        const Float4 from = input[k];
        for_samples([&](int i) { a1[i] += weight * from[i]; });
    }
    for_samples([&](int i) { a1[i] = fmaxf(a1[i], 0.f); });
    first[lane] = a1;
    __syncwarp();  // the first layer is there
    for (int k = 0; k < 32; ++k) {
        const float weight = s.w2_by_input[k][lane];
        const Float4 from = first[k];
        for_samples([&](int i) { a2[i] += weight * from[i]; });
    }
    for_samples([&](int i) { a2[i] = fmaxf(a2[i], 0.f); });
    second[lane] = a2;
    __syncwarp();  // the second layer is there
    for (int k = 0; k < 32; ++k) {
        const float weight = s.w3[k];
        const Float4 from = second[k];
        for_samples([&](int i) { e[i] += weight * from[i]; });
    }
    for_samples([&](int i) {
        e[i] = begin + i < batch ? (1 / (1 + expf(-e[i])) - label[i]) / float(batch) : 0;
        e2[i] = a2[i] > 0 ? s.w3[lane] * e[i] : 0;
    });
    error[lane] = e2;
    __syncwarp();  // the errors of the second layer are there
    for (int u = 0; u < 32; ++u) {
        const float weight = s.w2[u][lane];
        const Float4 from = error[u];
        for_samples([&](int i) { e1[i] += weight * from[i]; });
    }
    for_samples([&](int i) { e1[i] = a1[i] > 0 ? e1[i] : 0; });

    // Warp after warp adds its part; rows of the first layer are `features` apart.
    const auto dot = [&](const Float4& x, const Float4& y) {
        float sum = 0;
        for_samples([&](int i) { sum += x[i] * y[i]; });
        return sum;
    };
    for (int turn = 0; turn < train_warps; ++turn) {
        if (warp == turn) {
            const auto add = [&](int at, float value) { s.gradient[at] = turn ? s.gradient[at] + value : value; };
            for (int k = 0; k < features; ++k) add(lane * features + k, dot(e1, input[k]));
            // From the diagonal on, so that lanes meet different banks.
            for (int k = 0; k < 32; ++k)
                add(layout.second() + lane * 32 + (k + lane) % 32, dot(e2, first[(k + lane) % 32]));
            const Float4 ones{1, 1, 1, 1};
            add(layout.bias1() + lane, dot(e1, ones)), add(layout.bias2() + lane, dot(e2, ones));
            add(layout.third() + lane, dot(e, a2));
            if (lane == 0) add(layout.third() + 32, dot(e, ones));
        }
        __syncthreads();  // the next warp may add
    }
    float* out = gradients.row(int(blockIdx.x));
    for (int i = thread; i < layout.count(); i += 32 * train_warps) out[i] = s.gradient[i];
}

struct ClassifyShared {
    float w1[detail::classifier_features][32], bias1[32], w2[32][32], bias2[32], w3[33];
};
static __global__ void classify_samples(ClassifierLayout layout, const float* weights,
                                        Image<const float, DeviceSpace> features,
                                        Image<const uint8_t, DeviceSpace> active, float limit,
                                        Image<float, DeviceSpace> logit) {
    ClassifyShared& s = static_shared<ClassifyShared>();
    const int thread = int(threadIdx.x), threads = int(blockDim.x), f = layout.features;
    for (int i = thread; i < 32 * f; i += threads) s.w1[i % f][i / f] = weights[i];
    for (int i = thread; i < 32 * 32; i += threads) s.w2[i / 32][i % 32] = weights[layout.second() + i];
    for (int i = thread; i < 33; i += threads) {
        s.w3[i] = weights[layout.third() + i];
        if (i < 32) s.bias1[i] = weights[layout.bias1() + i], s.bias2[i] = weights[layout.bias2() + i];
    }
    __syncthreads();  // the weights are there
    const int x = int(blockIdx.x) * threads + thread, y = int(blockIdx.y);
    if (x >= logit.size.width) return;
    bool on = false;  // as on the CPU, a run of 16 samples is looked at if one of them is active
    for (int i = x / 16 * 16; i < min(x / 16 * 16 + 16, logit.size.width); ++i) on |= active(i, y) != 0;
    float sum = 0;
    if (on) {
        float first[32];
        CINEBOKEH_UNROLL
        for (int u = 0; u < 32; ++u) first[u] = s.bias1[u];
        for (int k = 0; k < f; ++k) {
            const float input = features(x, y * f + k);
            CINEBOKEH_UNROLL
            for (int u = 0; u < 32; ++u) first[u] += s.w1[k][u] * input;
        }
        CINEBOKEH_UNROLL
        for (int u = 0; u < 32; ++u) first[u] = fmaxf(first[u], 0.f);
        sum = s.w3[32];
        for (int u = 0; u < 32; ++u) {
            float second = s.bias2[u];
            CINEBOKEH_UNROLL
            for (int i = 0; i < 32; ++i) second += s.w2[u][i] * first[i];
            sum += s.w3[u] * fmaxf(second, 0.f);
        }
        sum = sum >= -limit ? fminf(sum, limit) : -limit;
    }
    logit(x, y) = sum;
}
}  // namespace kernels

namespace detail {
/// Functor over weights: one step of Adam.
struct AdamUpdate {
    Image<const float, DeviceSpace> gradients;
    int parts;
    AdamStep step;
    float *weights, *mean, *variance;
    CINEBOKEH_HD void operator()(int i, int) const {
        constexpr float beta1 = .9f, beta2 = .999f, epsilon = 1e-8f;
        float g = step.weight_decay * weights[i];
        for (int part = 0; part < parts; ++part) g += gradients(i, part);
        mean[i] = beta1 * mean[i] + (1 - beta1) * g;
        variance[i] = beta2 * variance[i] + (1 - beta2) * g * g;
        weights[i] -= step.learning_rate * mean[i] * step.unbias1 / (sqrtf(variance[i] * step.unbias2) + epsilon);
    }
};
}  // namespace detail

/// PixelClassifier on Cuda: the same plan and calls, asynchronous, with at most 8 sets `b`. A step takes one number
/// from `random` and draws its batch on the device, so it learns from other samples than Cpu does. Deterministic.
class PixelClassifierCuda {
public:
    PixelClassifierCuda(Cuda& exec, const PixelClassifierParams& params = {})
        : exec_(&exec), params_(params), layout_{params.features} {
        require(params.features >= 1 && params.features <= PixelClassifier::max_features && params.batch >= 2 &&
                    params.batch <= 1 << 20,
                "PixelClassifier: ", params.features, " features and a batch of ", params.batch);
        // Uniform in +-1 / sqrt(inputs of the unit), weights and biases.
        Random random(params.seed);
        std::vector<float> initial;
        const auto fill = [&](int inputs, int units) {
            for (int i = 0; i < (inputs + 1) * units; ++i)
                initial.push_back((2 * random.uniform() - 1) / std::sqrt(float(inputs)));
        };
        fill(params.features, 32), fill(32, 32), fill(32, 1);
        initial_ = Buffer<float, Cuda>(exec, {layout_.count(), 1}, initial);
        for (auto* b : {&weights_, &mean_, &variance_}) *b = Buffer<float, Cuda>(exec, {layout_.count(), 1});
        gradients_ = Buffer<float, Cuda>(exec, {layout_.count(), blocks(params.batch)});
        reset();
    }

    void reset() { start_from(initial_); }
    void copy_from(const PixelClassifierCuda& other) {
        require(params_.features == other.params_.features, "PixelClassifier: ", other.params_.features,
                " features cannot be copied to ", params_.features);
        start_from(other.weights_);
    }

    void train(const SampleSetCuda& a, HostSpan<const SampleSetCuda> b, int batch, float learning_rate,
               Random& random) {
        require(batch >= 2 && batch <= params_.batch, "PixelClassifier: batch of ", batch, ", planned for ",
                params_.batch);
        require(b.count < size_t(detail::ClassifierSets::most), "PixelClassifier: ", b.count,
                " sets, at most 8 on Cuda");
        detail::ClassifierSets sets;
        const auto add = [&](const SampleSetCuda& s) {
            require(s.count() > 0 && s.features().size.height == params_.features,
                    "PixelClassifier: a set is empty or has ", s.features().size.height, " features, expected ",
                    params_.features);
            sets.set[sets.count++] = s.device();
        };
        add(a);
        for (const SampleSetCuda& s : b) add(s);
        const unsigned long long seed = random.next();
        exec_->launch(dim3(unsigned(blocks(batch))), dim3(32 * kernels::train_warps), 0, kernels::train_gradient,
                      layout_, (const float*)(weights_.view().data), sets, batch, seed, gradients_.view());
        ++steps_;
        const detail::AdamStep step{params_.weight_decay, learning_rate, 1 / (1 - std::pow(.9f, float(steps_))),
                                    1 / (1 - std::pow(.999f, float(steps_)))};
        const int parts = blocks(batch);
        for_each_pixel(*exec_, weights_.size(),
                       detail::AdamUpdate{gradients_.view(), parts, step, weights_.view().data, mean_.view().data,
                                          variance_.view().data});
    }

    void classify(Image<const float, DeviceSpace> features, Image<const uint8_t, DeviceSpace> active, float limit,
                  Image<float, DeviceSpace> logit) {
        const Size s = logit.size;
        require(active.size == s && features.size == Size{s.width, s.height * params_.features},
                "PixelClassifier: features, active and logit differ in size");
        exec_->launch(dim3(unsigned(ceil_div(s.width, 128)), unsigned(s.height)), dim3(128), 0,
                      kernels::classify_samples, layout_, (const float*)(weights_.view().data), features, active, limit,
                      logit);
    }

private:
    static int blocks(int batch) { return ceil_div(batch, kernels::train_samples * kernels::train_warps); }
    void start_from(const Buffer<float, Cuda>& weights) {
        copy(*exec_, weights.view(), weights_.view());
        for (auto* moment : {&mean_, &variance_})
            CINEBOKEH_CUDA(cudaMemsetAsync(moment->view().data, 0, moment->bytes(), exec_->stream()));
        steps_ = 0;
    }

    Cuda* exec_;
    PixelClassifierParams params_;
    detail::ClassifierLayout layout_;
    Buffer<float, Cuda> initial_, weights_, mean_, variance_;  // [weights]
    Buffer<float, Cuda> gradients_;                            // [blocks, weights]
    int steps_ = 0;
};
}  // namespace cinebokeh
#endif
