#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/fast_math.hpp"
#include "cinebokeh/motion_cue.hpp"

namespace cinebokeh {
namespace detail {
inline float squared_distance(Float2 a, Float2 b) {
    const float dx = a[0] - b[0], dy = a[1] - b[1];
    return dx * dx + dy * dy;
}
// Of pixel (x, y), which `flow` moves, from where a motion takes it.
inline float squared_residual(const AffineMotion& motion, int x, int y, Float2 flow) {
    return squared_distance(motion(float(x), float(y)), {float(x) + flow[0], float(y) + flow[1]});
}

// Sums over point pairs, from which the affine motion of least squares follows; in double, around the means. First all
// pairs go to add_mean(), then centre(), then all to add().
struct AffineMoments {
    double means[5] = {};     // pairs, mean of from, mean of to
    double products[7] = {};  // xx, xy, yy of from; of to's x with from, of to's y with from

    CINEBOKEH_HD void add_mean(Float2 from, Float2 to) {
        means[0] += 1;
        for (int c = 0; c < 2; ++c) means[1 + c] += double(from[c]), means[3 + c] += double(to[c]);
    }
    CINEBOKEH_HD void centre() {
        for (int c = 1; c < 5; ++c) means[c] /= means[0];
    }
    CINEBOKEH_HD void add(Float2 from, Float2 to) {
        const double x = double(from[0]) - means[1], y = double(from[1]) - means[2];
        products[0] += x * x, products[1] += x * y, products[2] += y * y;
        for (int c = 0; c < 2; ++c) {
            const double t = double(to[c]) - means[3 + c];
            products[3 + 2 * c] += t * x, products[4 + 2 * c] += t * y;
        }
    }
    /// False with fewer than three pairs, or where they span no area.
    CINEBOKEH_HD bool solve(AffineMotion& motion) const {
        const double xx = products[0], xy = products[1], yy = products[2], determinant = xx * yy - xy * xy;
        if (!(means[0] >= 3 && determinant > 1e-6 * (xx + yy) * (xx + yy))) return false;
        for (int c = 0; c < 2; ++c) {
            const double right_x = products[3 + 2 * c], right_y = products[4 + 2 * c];
            const double a = (right_x * yy - right_y * xy) / determinant;
            const double b = (right_y * xx - right_x * xy) / determinant;
            motion.m[3 * c] = float(a), motion.m[3 * c + 1] = float(b);
            motion.m[3 * c + 2] = float(means[3 + c] - a * means[1] - b * means[2]);
        }
        return true;
    }
};

// Least squares over the pairs that `use` accepts. False if singular.
template <class Use>
bool solve_affine(HostSpan<const Float2> from, HostSpan<const Float2> to, Use use, AffineMotion& motion) {
    AffineMoments moments;
    for (size_t i = 0; i < from.count; ++i)
        if (use(i)) moments.add_mean(from[i], to[i]);
    moments.centre();
    for (size_t i = 0; i < from.count; ++i)
        if (use(i)) moments.add(from[i], to[i]);
    return moments.solve(motion);
}
}  // namespace detail

inline bool fit_affine(HostSpan<const Float2> from, HostSpan<const Float2> to, float threshold, Random& random,
                       AffineMotion& motion) {
    require(from.count == to.count && from.count < (1u << 30), "fit_affine: ", from.count, " and ", to.count,
            " points");
    if (from.count < 12) return false;
    constexpr int tries = 200;
    const float most = threshold * threshold;
    AffineMotion best;
    size_t best_inliers = 0;
    for (int attempt = 0; attempt < tries; ++attempt) {
        size_t pick[3];
        for (size_t& p : pick) p = random.below(uint32_t(from.count));
        AffineMotion candidate;
        const Float2 f[3] = {from[pick[0]], from[pick[1]], from[pick[2]]},
                     t[3] = {to[pick[0]], to[pick[1]], to[pick[2]]};
        if (!detail::solve_affine(
                {f, 3}, {t, 3}, [](size_t) { return true; }, candidate))
            continue;
        size_t inliers = 0;
        for (size_t i = 0; i < from.count; ++i)
            inliers += detail::squared_distance(candidate(from[i][0], from[i][1]), to[i]) <= most;
        if (inliers > best_inliers) best_inliers = inliers, best = candidate;
    }
    if (best_inliers < 3) return false;
    motion = best;
    const auto inlier = [&](size_t i) { return detail::squared_distance(best(from[i][0], from[i][1]), to[i]) <= most; };
    return detail::solve_affine(from, to, inlier, motion);
}

inline MotionCue::MotionCue(Cpu& exec, Size image, const MotionCueParams& params)
    : exec_(&exec), image_(image), params_(params), level_(exec, image), residual_(exec, image) {
    require(params.stride >= 1 && params.near >= 0, "MotionCue: stride ", params.stride, " and near ", params.near);
    const int samples = ceil_div(image.width, params.stride) * ceil_div(image.height, params.stride);
    from_ = Buffer<Float2, Cpu>(exec, {samples, 1});
    to_ = Buffer<Float2, Cpu>(exec, {samples, 1});
    counts_ = Buffer<int, Cpu>(exec, {2 * levels, ceil_div(image.height, rows_counted)});
}

inline bool MotionCue::fit(HostImage<const Float2> flow, HostImage<const float> predicted, bool subject,
                           AffineMotion& motion) {
    size_t n = 0;
    const int first = std::min({params_.stride / 2, image_.width - 1, image_.height - 1});
    for (int y = first; y < image_.height; y += params_.stride)
        for (int x = first; x < image_.width; x += params_.stride)
            if (subject ? predicted(x, y) > .7f : predicted(x, y) < .1f) {
                const Float2 position = {float(x), float(y)};
                from_.span()[n] = position, to_.span()[n++] = position + flow(x, y);
            }
    Random random(1);
    return fit_affine({from_.span().data, n}, {to_.span().data, n},
                      subject ? params_.subject_threshold : params_.background_threshold, random, motion);
}

// The level of a residual r is floor(10 log(1 + r)), found by comparing with the squares of the bounds of the levels.
inline void MotionCue::find_levels(HostImage<const Float2> flow, const AffineMotion& background) {
    float bounds[levels - 1];
    for (int i = 0; i < levels - 1; ++i) bounds[i] = std::exp(float(i + 1) / 10) - 1;
    for (float& b : bounds) b *= b;
    exec_->for_each_range(image_.height, 8, [&](int begin, int end) {
        const AffineMotion motion = background;
        for (int y = begin; y < end; ++y) {
            const Float2* CINEBOKEH_RESTRICT moved = flow.row(y);
            float* CINEBOKEH_RESTRICT residual = residual_.view().row(y);
            uint8_t* CINEBOKEH_RESTRICT level = level_.view().row(y);
            for (int x = 0; x < image_.width; ++x) {
                const float r = detail::squared_residual(motion, x, y, moved[x]);
                int reached = 0;
                for (float b : bounds) reached += r >= b;
                residual[x] = r, level[x] = uint8_t(reached);
            }
        }
    });
}

// How much more often each residual level occurs on the subject than near it.
inline void MotionCue::learn_levels(HostImage<const float> predicted, HostImage<const float> signed_distance,
                                    float* log_ratio) {
    exec_->for_each_range(image_.height, rows_counted, [&](int begin, int end) {
        int* counts = counts_.view().row(begin / rows_counted);
        std::fill(counts, counts + 2 * levels, 0);
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < image_.width; ++x) {
                const int level = level_.view()(x, y);
                counts[level] += predicted(x, y) > .6f;
                counts[levels + level] += predicted(x, y) < .4f && signed_distance(x, y) > -params_.near;
            }
    });
    float smooth[2][levels];
    for (int side = 0; side < 2; ++side) {
        float counts[levels] = {}, sum = 0;
        for (int range = 0; range < counts_.size().height; ++range)
            for (int i = 0; i < levels; ++i) counts[i] += float(counts_.view()(side * levels + i, range));
        for (int i = 0; i < levels; ++i) {
            smooth[side][i] =
                .5f * counts[i] + (i > 0 ? .25f * counts[i - 1] : 0) + (i + 1 < levels ? .25f * counts[i + 1] : 0);
            sum += smooth[side][i];
        }
        for (int i = 0; i < levels; ++i) smooth[side][i] = smooth[side][i] / (sum + 1) + .02f;
    }
    for (int i = 0; i < levels; ++i) log_ratio[i] = clamp(std::log(smooth[0][i] / smooth[1][i]), -3.f, 3.f);
}

inline void MotionCue::operator()(HostImage<const Float2> flow, HostImage<const float> predicted,
                                  HostImage<const float> signed_distance, HostImage<const uint8_t> active,
                                  HostImage<float> salience, HostImage<float> likeness) {
    for (Size s : {flow.size, predicted.size, signed_distance.size, active.size, salience.size, likeness.size})
        require(s == image_, "MotionCue: an image of ", s.width, " x ", s.height, ", planned for ", image_.width, " x ",
                image_.height);
    AffineMotion background, subject;
    const bool has_background = fit(flow, predicted, false, background);
    const bool has_subject = has_background && fit(flow, predicted, true, subject);
    float log_ratio[levels] = {};
    if (has_background) {
        find_levels(flow, background);
        learn_levels(predicted, signed_distance, log_ratio);
    }
    exec_->for_each_range(image_.height, 8, [&](int begin, int end) {
        const AffineMotion motion = subject;
        for (int y = begin; y < end; ++y) {
            const uint8_t* CINEBOKEH_RESTRICT on = active.row(y);
            const uint8_t* CINEBOKEH_RESTRICT level = level_.view().row(y);
            float* CINEBOKEH_RESTRICT salient = salience.row(y);
            float* CINEBOKEH_RESTRICT like = likeness.row(y);
            if (!has_background || !has_subject) std::fill(like, like + image_.width, 0.f);
            if (!has_background) {
                std::fill(salient, salient + image_.width, 0.f);
                continue;
            }
            for (int x = 0; x < image_.width; ++x) salient[x] = on[x] ? log_ratio[level[x]] : 0;
            if (!has_subject) continue;
            const Float2* CINEBOKEH_RESTRICT moved = flow.row(y);
            const float* CINEBOKEH_RESTRICT residual = residual_.view().row(y);
            for (int x = 0; x < image_.width; ++x) {
                const float away = detail::square_root(residual[x]) + 1;
                const float near = detail::square_root(detail::squared_residual(motion, x, y, moved[x])) + 1;
                const float log = detail::fast_log(away / near);
                like[x] = on[x] ? std::min(std::max(log, -2.f), 2.f) : 0;
            }
        }
    });
}
}  // namespace cinebokeh
