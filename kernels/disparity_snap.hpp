// Disparity snap, one functor each, for both backends.
#pragma once
#include "kernels/foreground.hpp"

namespace cinebokeh::detail {

// Sums in cells: disparity and weight of the subject, then disparity and weight of the background.
template <class Space>
struct SnapSource {
    Image<const float, Space> disparity, matte;
    int step;
    float subject;
    CellImage<Space> background;  // blurred sums of the background, complete once they are made

    static constexpr float least = 1e-30f;  // of a weight that can be divided by

    CINEBOKEH_HD bool is_known(float d) const { return d > -1e6f && d < 1e6f; }
    CINEBOKEH_HD bool is_subject(int x, int y) const { return matte(x, y) >= 0.95f; }
    CINEBOKEH_HD bool is_background(int x, int y) const { return !(matte(x, y) > 0.05f); }
    CINEBOKEH_HD static float distance(float a, float b) { return a < b ? b - a : a - b; }
    // How far d lies on the way from a to b: 0 at a, 1 at b; NaN where all are one.
    CINEBOKEH_HD static float way_to(float a, float b, float d) { return (a - d) / (a - b); }

    // How much a pixel of the subject looks like the subject: 1, down to 0 a third of the way to the background around.
    CINEBOKEH_HD float likeness(int x, int y) const { return likeness(disparity(x, y), background.at(x, y)); }
    CINEBOKEH_HD float likeness(float d, const Float4& around) const {
        if (!is_known(d)) return 0;
        if (!(around[3] > least)) return 1;
        const float way = way_to(subject, around[2] / around[3], d);
        return !(way > 0) ? 1.f : way < 1.f / 3 ? 1 - 3 * way : 0.f;
    }
};

// A pixel counts the more the less it looks like the subject, whose depth may have spilled onto it.
template <class Space>
struct SumBackground {
    SnapSource<Space> source;
    Image<Float4, Space> sums;

    CINEBOKEH_HD void operator()(int i, int j) const {
        const Size s = source.matte.size;
        Float4 sum{};
        for (int y = j * source.step; y < (j + 1) * source.step && y < s.height; ++y)
            for (int x = i * source.step; x < (i + 1) * source.step && x < s.width; ++x)
                if (source.is_background(x, y) && source.is_known(source.disparity(x, y))) {
                    const float d = source.disparity(x, y), unlike = (d - source.subject) * (d - source.subject);
                    sum[2] += d * unlike, sum[3] += unlike;
                }
        sums(i, j) = sum;
    }
};
// Where a wrong part ends there are pixels on the way, the last of the right ones to be seen from there: they count
// little.
template <class Space>
struct SumSubject {
    SnapSource<Space> source;
    Image<Float4, Space> sums;

    CINEBOKEH_HD void operator()(int i, int j) const {
        const Size s = source.matte.size;
        Float4 sum{};
        for (int y = j * source.step; y < (j + 1) * source.step && y < s.height; ++y)
            for (int x = i * source.step; x < (i + 1) * source.step && x < s.width; ++x)
                if (source.is_subject(x, y)) {
                    const float like = source.likeness(x, y), weight = like * like * like * like;
                    if (weight > 0) sum[0] += weight * source.disparity(x, y), sum[1] += weight;
                }
        sums(i, j) = sum;
    }
};

// The largest weight of the subject that is read anywhere in a cell.
template <class Space>
struct MostOfSubject {
    Image<const Float4, Space> near;
    Image<float, Space> most;

    CINEBOKEH_HD void operator()(int i, int j) const {
        float largest = 0;
        for (int y = j > 0 ? j - 1 : 0; y <= j + 1 && y < near.size.height; ++y)
            for (int x = i > 0 ? i - 1 : 0; x <= i + 1 && x < near.size.width; ++x)
                largest = near(x, y)[1] > largest ? near(x, y)[1] : largest;
        most(i, j) = largest;
    }
};

template <class Space>
struct SnapDisparity {
    SnapSource<Space> source;
    CellImage<Space> near, far;      // blurred sums of the subject
    Image<const float, Space> most;  // see MostOfSubject
    Image<float, Space> of_subject, of_background;

    static constexpr float subject_nearby = 1e-3f;  // the weight from which on there is some

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float d = source.disparity(x, y);
        if (!(source.matte(x, y) > 0) && source.is_known(d) &&
            most(x / source.step, y / source.step) <= subject_nearby) {
            of_subject(x, y) = source.subject, of_background(x, y) = d;
            return;
        }
        const Float4 close = near.at(x, y), around = source.background.at(x, y);
        const Float4 sum = close + far.at(x, y) * 1e-3f;  // the wide mean counts where the other has nothing
        const float subject = sum[1] > 1e-6f ? sum[0] / sum[1] : source.subject;
        const bool has_background = around[3] > source.least;
        const float background = has_background ? around[2] / around[3] : source.is_known(d) ? d : subject;
        // Maps are smooth: where a wrong part ends there are pixels on the way, and they would show as a seam.
        const bool on_the_way = has_background && source.way_to(subject, background, d) > 0.125f;
        of_subject(x, y) = source.is_subject(x, y) && source.likeness(d, around) > 0 && !on_the_way ? d : subject;
        // Something else may well stand between the two; what has spilled has the subject's own depth. And it spills
        // onto what is behind: where most of what is around stands before the subject, nothing is taken for spilled.
        const bool spilled = close[1] > subject_nearby && source.distance(d, subject) < 0.25f * (subject - background);
        of_background(x, y) = source.is_background(x, y) && source.is_known(d) && !spilled ? d : background;
    }
};
}  // namespace cinebokeh::detail
