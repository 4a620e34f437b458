// The motion cue on Cuda. A block gathers the flow vectors of one side in order, a block for each triple tries it
// against all of them, and a block fits a motion to the inliers of the best. Nothing comes back to the host.
#pragma once
#include "cinebokeh/motion_cue.hpp"
#if CINEBOKEH_GRID
#include "cinebokeh/core/cuda_block.hpp"

namespace cinebokeh {
namespace detail {
inline constexpr int motion_levels = 32;
/// What is learned of a frame.
struct MotionFit {
    AffineMotion motion[2];  // background, subject
    int found[2];
    int points[2];                 // flow vectors of the side
    int best[2];                   // inliers * 256 + 255 - the triple that has them
    int counts[2][motion_levels];  // pixels of each residual level: on the subject, and near it
};
struct MotionFrame {
    Image<const Float2, DeviceSpace> flow;
    Image<const float, DeviceSpace> predicted, signed_distance;
    Image<const uint8_t, DeviceSpace> active;
    MotionCueParams params;
};
CINEBOKEH_HD inline float motion_residual(const AffineMotion& motion, Float2 flow, int x, int y) {
    const Float2 there = motion(float(x), float(y));
    const float dx = there[0] - float(x) - flow[0], dy = there[1] - float(y) - flow[1];
    return sqrtf(dx * dx + dy * dy);
}
}  // namespace detail

namespace kernels {
inline constexpr int gather_threads = 1024, motion_threads = 256, motion_tries = 200;
struct GatherShared {
    int count[gather_threads / 32];  // of each warp
};

/// Gathers position and flow of the samples of a side into its row of `points` as (x, y, u, v).
static __global__ void gather_motion(detail::MotionFrame frame, Image<Float4, DeviceSpace> points,
                                     detail::MotionFit* fit) {
    GatherShared& shared = static_shared<GatherShared>();
    const int thread = int(threadIdx.x), warp = thread / 32, side = int(blockIdx.x);
    const int stride = frame.params.stride;
    const Size size = frame.flow.size;
    const int first = min(stride / 2, min(size.width, size.height) - 1);
    const int columns = (size.width - first + stride - 1) / stride, rows = (size.height - first + stride - 1) / stride;
    int gathered = 0;
    for (int begin = 0; begin < columns * rows; begin += gather_threads) {
        const int i = begin + thread, x = first + i % columns * stride, y = first + i / columns * stride;
        bool wanted = false;
        if (i < columns * rows) {
            const float p = frame.predicted(x, y);
            wanted = side ? p > .7f : p < .1f;
        }
        const unsigned lanes = __ballot_sync(~0u, wanted);
        if (thread % 32 == 0) shared.count[warp] = __popc(lanes);
        __syncthreads();  // the counts are there
        int before = gathered + __popc(lanes & ((1u << thread % 32) - 1));
        for (int w = 0; w < gather_threads / 32; ++w) {
            if (w < warp) before += shared.count[w];
            gathered += shared.count[w];
        }
        if (wanted) points(before, side) = {float(x), float(y), frame.flow(x, y)[0], frame.flow(x, y)[1]};
        __syncthreads();  // the counts may be written again
    }
    if (thread == 0) fit->points[side] = gathered, fit->best[side] = 0;
    if (thread < detail::motion_levels) fit->counts[side][thread] = 0;
}

static __device__ inline bool is_inlier(const AffineMotion& motion, Float4 p, float threshold) {
    return detail::motion_residual(motion, {p[2], p[3]}, int(p[0]), int(p[1])) <= threshold;
}

/// The motion of a triple of points; false if it spans no area.
static __device__ inline bool motion_of_triple(const Float4* p, int n, int triple, AffineMotion& motion) {
    Random random(1 + (unsigned long long)(triple)*0x9E3779B97F4A7C15u);
    detail::AffineMoments moments;
    Float2 from[3], to[3];
    for (int k = 0; k < 3; ++k) {
        const Float4 q = p[random.below(uint32_t(n))];
        from[k] = {q[0], q[1]}, to[k] = {q[0] + q[2], q[1] + q[3]};
        moments.add_mean(from[k], to[k]);
    }
    moments.centre();
    for (int k = 0; k < 3; ++k) moments.add(from[k], to[k]);
    return moments.solve(motion);
}

struct TripleShared {
    int inliers;  // -1: no motion
    Vec<float, 6> motion;
};
/// Block (triple, side) counts the inliers of the motion of a triple.
static __global__ void try_motions(detail::MotionFrame frame, Image<const Float4, DeviceSpace> points,
                                   detail::MotionFit* fit) {
    TripleShared& shared = static_shared<TripleShared>();
    const int thread = int(threadIdx.x), triple = int(blockIdx.x), side = int(blockIdx.y), n = fit->points[side];
    if (n < 12) return;
    const Float4* const p = points.row(side);
    const float threshold = side ? frame.params.subject_threshold : frame.params.background_threshold;
    if (thread == 0) {
        AffineMotion motion;
        shared.inliers = motion_of_triple(p, n, triple, motion) ? 0 : -1;
        shared.motion = motion.m;
    }
    __syncthreads();  // the motion is there
    if (shared.inliers < 0) return;
    const AffineMotion motion{shared.motion};
    __syncthreads();  // all have read
    int inliers = 0;
    for (int i = thread; i < n; i += motion_threads) inliers += is_inlier(motion, p[i], threshold);
    inliers = __reduce_add_sync(~0u, inliers);
    if (thread % 32 == 0) atomicAdd(&shared.inliers, inliers);
    __syncthreads();  // the inliers are counted
    if (thread == 0) atomicMax(&fit->best[side], shared.inliers * 256 + 255 - triple);
}

struct MotionShared {
    BlockSum<double, motion_threads> sum;
    Vec<float, 6> motion;
};
/// A block fits the motion of one side to the inliers of the best triple.
static __global__ void fit_motion(detail::MotionFrame frame, Image<const Float4, DeviceSpace> points,
                                  detail::MotionFit* fit) {
    MotionShared& shared = static_shared<MotionShared>();
    const int thread = int(threadIdx.x), side = int(blockIdx.x), n = fit->points[side];
    const Float4* const p = points.row(side);
    const float threshold = side ? frame.params.subject_threshold : frame.params.background_threshold;
    const int inliers = fit->best[side] / 256, winner = 255 - fit->best[side] % 256;
    if (thread == 0) {
        AffineMotion motion;
        if (inliers >= 3) motion_of_triple(p, n, winner, motion);
        shared.motion = motion.m;
    }
    __syncthreads();  // the best is known

    const AffineMotion best{shared.motion};
    // Least squares over its inliers, in two rounds: means, then moments about them.
    detail::AffineMoments sums;
    for (int round = 0; round < 2; ++round) {
        for (int i = thread; i < n; i += motion_threads) {
            if (!is_inlier(best, p[i], threshold)) continue;
            const Float2 from = {p[i][0], p[i][1]}, to = {p[i][0] + p[i][2], p[i][1] + p[i][3]};
            round ? sums.add(from, to) : sums.add_mean(from, to);
        }
        double* const numbers = round ? sums.products : sums.means;
        const int count = round ? 7 : 5;
        for (int k = 0; k < count; ++k) numbers[k] = shared.sum.of(numbers[k]);
        if (round == 0) sums.centre();
    }
    if (thread == 0) fit->found[side] = inliers >= 3 && sums.solve(fit->motion[side]);
}

static __device__ inline int motion_level(float residual) {
    const float level = 10 * logf(1 + residual);
    return level < detail::motion_levels - 1 ? int(level) : detail::motion_levels - 1;  // a NaN is in the last
}

struct MotionLevelCounts {
    int counts[2][detail::motion_levels];
};
static __global__ void count_motion_levels(detail::MotionFrame frame, detail::MotionFit* fit) {
    MotionLevelCounts& shared = static_shared<MotionLevelCounts>();
    const int thread = int(threadIdx.y * blockDim.x + threadIdx.x);
    if (thread < 2 * detail::motion_levels) shared.counts[thread / 32][thread % 32] = 0;
    __syncthreads();  // the counts are zero
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    if (frame.flow.size.contains(x, y)) {
        const int level = motion_level(detail::motion_residual(fit->motion[0], frame.flow(x, y), x, y));
        const float p = frame.predicted(x, y);
        if (p > .6f) atomicAdd(&shared.counts[0][level], 1);
        if (p < .4f && frame.signed_distance(x, y) > -frame.params.near) atomicAdd(&shared.counts[1][level], 1);
    }
    __syncthreads();  // the block's counts are complete
    if (thread >= 2 * detail::motion_levels) return;
    const int count = shared.counts[thread / 32][thread % 32];
    if (count > 0) atomicAdd(&fit->counts[thread / 32][thread % 32], count);
}

struct MotionRatios {
    float smooth[2][detail::motion_levels], log_ratio[detail::motion_levels];
};
static __global__ void write_motion_cues(detail::MotionFrame frame, const detail::MotionFit* fit,
                                         Image<float, DeviceSpace> salience, Image<float, DeviceSpace> likeness) {
    MotionRatios& shared = static_shared<MotionRatios>();
    const int thread = int(threadIdx.y * blockDim.x + threadIdx.x);
    constexpr int levels = detail::motion_levels;
    if (thread < 2 * levels) {  // a warp for each side
        const int side = thread / levels, i = thread % levels;
        const auto count = [&](int k) { return k >= 0 && k < levels ? float(fit->counts[side][k]) : 0.f; };
        const float smooth = .5f * count(i) + .25f * (count(i - 1) + count(i + 1));
        float sum = smooth;
        for (int d = 16; d > 0; d /= 2) sum += __shfl_xor_sync(~0u, sum, d);
        shared.smooth[side][i] = smooth / (sum + 1) + .02f;
    }
    __syncthreads();  // both sides are smooth
    if (thread < levels)
        shared.log_ratio[thread] = clamp(logf(shared.smooth[0][thread] / shared.smooth[1][thread]), -3.f, 3.f);
    __syncthreads();  // the ratios are there
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    if (!frame.flow.size.contains(x, y)) return;
    const bool on = fit->found[0] && frame.active(x, y);
    const float residual = detail::motion_residual(fit->motion[0], frame.flow(x, y), x, y);
    const float to_subject = detail::motion_residual(fit->motion[1], frame.flow(x, y), x, y);
    salience(x, y) = on ? shared.log_ratio[motion_level(residual)] : 0;
    likeness(x, y) = on && fit->found[1] ? clamp(logf((residual + 1) / (to_subject + 1)), -2.f, 2.f) : 0;
}
}  // namespace kernels

/// MotionCue on Cuda: the same plan and call, asynchronous. Its 200 triples are others than those of Cpu, so the fits
/// agree as far as inliers with noise determine them. Deterministic.
class MotionCueCuda {
public:
    MotionCueCuda(Cuda& exec, Size image, const MotionCueParams& params = {})
        : exec_(&exec), image_(image), params_(params), fit_(exec, {1, 1}) {
        require(params.stride >= 1 && params.near >= 0, "MotionCue: stride ", params.stride, " and near ", params.near);
        points_ = Buffer<Float4, Cuda>(
            exec, {ceil_div(image.width, params.stride) * ceil_div(image.height, params.stride), 2});
    }

    void operator()(Image<const Float2, DeviceSpace> flow, Image<const float, DeviceSpace> predicted,
                    Image<const float, DeviceSpace> signed_distance, Image<const uint8_t, DeviceSpace> active,
                    Image<float, DeviceSpace> salience, Image<float, DeviceSpace> likeness) {
        for (Size s : {flow.size, predicted.size, signed_distance.size, active.size, salience.size, likeness.size})
            require(s == image_, "MotionCue: an image of ", s.width, " x ", s.height, ", planned for ", image_.width,
                    " x ", image_.height);
        const detail::MotionFrame frame{flow, predicted, signed_distance, active, params_};
        detail::MotionFit* fit = fit_.view().data;
        const dim3 grid(unsigned(ceil_div(image_.width, 32)), unsigned(ceil_div(image_.height, 8))), block(32, 8);
        const Image<const Float4, DeviceSpace> points = points_.view();
        exec_->launch(dim3(2), dim3(kernels::gather_threads), 0, kernels::gather_motion, frame, points_.view(), fit);
        exec_->launch(dim3(kernels::motion_tries, 2), dim3(kernels::motion_threads), 0, kernels::try_motions, frame,
                      points, fit);
        exec_->launch(dim3(2), dim3(kernels::motion_threads), 0, kernels::fit_motion, frame, points, fit);
        exec_->launch(grid, block, 0, kernels::count_motion_levels, frame, fit);
        exec_->launch(grid, block, 0, kernels::write_motion_cues, frame, (const detail::MotionFit*)(fit), salience,
                      likeness);
    }

private:
    Cuda* exec_;
    Size image_;
    MotionCueParams params_;
    Buffer<detail::MotionFit, Cuda> fit_;
    Buffer<Float4, Cuda> points_;  // [2, samples]
};
}  // namespace cinebokeh
#endif
