// Guided filter on the CPU. Two passes over stripes of rows: sums of windows -> linear functions, and their means ->
// output. Every window sum is a running sum down the columns followed by a difference of prefix sums along the row: its
// cost does not depend on the radius. All loops but the prefix sums are vectors.
#pragma once
#include <algorithm>

#include "cinebokeh/core/buffer.hpp"
#include "kernels/guided_filter.hpp"

namespace cinebokeh::detail {

constexpr int guided_stripe = 32;  // rows of one job

template <class Space>
struct GuidedScratch;
template <>
struct GuidedScratch<HostSpace> {
    // Rows of one job: at most 24 of 4 bytes, 12 of 8 and 4 of 4, with room for the alignment of each.
    static size_t job_bytes(int padded_width) {
        return (round_up(size_t(padded_width), 16) + 16) * (24 * 4 + 12 * 8 + 4 * 4);
    }

    GuidedScratch(Cpu& exec, Size max_size, int radius)
        : coefficients(exec, {max_size.width, 4 * max_size.height}),
          means(exec, {max_size.width, 4 * max_size.height}),
          jobs(exec, {int(job_bytes(max_size.width + 2 * radius + 1)), ceil_div(max_size.height, guided_stripe)}) {}

    Buffer<float, Cpu> coefficients, means;  // of row y: a in rows 4 y.., then b
    Buffer<unsigned char, Cpu> jobs;
};

// Hands out rows of the scratch of one job.
struct RowArena {
    unsigned char* next;
    int width;
    template <class T>
    T* row() {
        T* const r = reinterpret_cast<T*>(next);
        next += round_up(size_t(width) * sizeof(T), 64);
        return r;
    }
};

template <class Sum, class Value>
void add_difference(Sum* CINEBOKEH_RESTRICT sums, const Value* entering, const Value* leaving, int count) {
    for (int x = 0; x < count; ++x) sums[x] += Sum(entering[x] - leaving[x]);
}
template <class Sum, class A, class B>
void add_products(Sum* CINEBOKEH_RESTRICT sums, const A* enter_a, const B* enter_b, const A* leave_a, const B* leave_b,
                  int count) {
    for (int x = 0; x < count; ++x) sums[x] += Sum(enter_a[x] * enter_b[x] - leave_a[x] * leave_b[x]);
}

// padded[x + 2 radius + 1] - padded[x] is the sum of the columns within the radius of x that lie inside the image.
template <int rows, class Sum>
void prefix_sums(Sum* const (&columns)[rows], Sum* const (&padded)[rows], int width, int radius) {
    Sum sums[rows] = {};
    for (int k = 0; k < rows; ++k) std::fill(padded[k], padded[k] + radius + 1, Sum(0));
    for (int x = 0; x < width; ++x)
        for (int k = 0; k < rows; ++k) padded[k][x + radius + 1] = sums[k] += columns[k][x];
    for (int k = 0; k < rows; ++k)
        std::fill(padded[k] + width + radius + 1, padded[k] + width + 2 * radius + 1, sums[k]);
}

inline int pixels_within(int centre, int radius, int count) {
    return std::min(centre + radius, count - 1) - std::max(centre - radius, 0) + 1;
}

// The moments of the windows of one row after the other, and the linear functions from them.
template <class Pixel>
class GuidedMoments {
    using G = Guide<Pixel>;
    static constexpr int channels = G::channels, guide_rows = G::channels + G::products;

public:
    GuidedMoments(RowArena arena, HostImage<const Pixel> guide, HostImage<const float> in, int radius)
        : guide_(guide), in_(in), radius_(radius), width_(in.size.width) {
        for (auto& r : columns_) r = arena.row<typename G::Sum>();
        for (auto& r : padded_) r = arena.row<typename G::Sum>();
        for (auto& r : in_columns_) r = arena.row<double>();
        for (auto& r : in_padded_) r = arena.row<double>();
        for (Rows& rows : rows_) {
            for (auto& r : rows.guide) r = arena.row<typename G::Value>();
            rows.in = arena.row<double>();
        }
        for (auto* r : columns_) std::fill(r, r + width_, typename G::Sum(0));
        for (auto* r : in_columns_) std::fill(r, r + width_, 0.0);
    }

    // Adds one row of the image to the columns and takes one away; rows outside the image count as nothing.
    void move(int entering, int leaving) {
        load(entering, rows_[0]);
        load(leaving, rows_[1]);
        const Rows &e = rows_[0], &l = rows_[1];
        int product = channels;
        for (int i = 0; i < channels; ++i) {
            add_difference(columns_[i], e.guide[i], l.guide[i], width_);
            add_products(in_columns_[1 + i], e.in, e.guide[i], l.in, l.guide[i], width_);
            for (int j = i; j < channels; ++j)
                add_products(columns_[product++], e.guide[i], e.guide[j], l.guide[i], l.guide[j], width_);
        }
        add_difference(in_columns_[0], e.in, l.in, width_);
    }

    // The linear functions of the windows around the pixels of row y: channels rows of a, then b.
    void solve(int y, double epsilon, HostImage<float> coefficients) const {
        prefix_sums<guide_rows>(columns_, padded_, width_, radius_);
        prefix_sums<channels + 1>(in_columns_, in_padded_, width_, radius_);
        const int rows_inside = pixels_within(y, radius_, in_.size.height);
        float* out[channels + 1];
        for (int i = 0; i <= channels; ++i) out[i] = coefficients.row(4 * y + i);
        if constexpr (channels == 3)
            solve_row(rows_inside, epsilon, out[0], out[1], out[2], out[3]);
        else
            solve_row(rows_inside, epsilon, out[0], out[1]);
    }

private:
    struct Rows {
        typename G::Value* guide[channels];
        double* in;
    };
    void load(int y, const Rows& rows) const {
        if (y < 0 || y >= in_.size.height) {
            for (auto* r : rows.guide) std::fill(r, r + width_, typename G::Value(0));
            std::fill(rows.in, rows.in + width_, 0.0);
            return;
        }
        const Pixel* CINEBOKEH_RESTRICT guide = guide_.row(y);
        const float* CINEBOKEH_RESTRICT in = in_.row(y);
        for (int c = 0; c < channels; ++c) {
            typename G::Value* CINEBOKEH_RESTRICT out = rows.guide[c];
            for (int x = 0; x < width_; ++x) out[x] = G::value(guide[x], c);
        }
        double* CINEBOKEH_RESTRICT out = rows.in;
        for (int x = 0; x < width_; ++x) out[x] = finite_or_zero(in[x]);
    }

    template <class... Rows>
    void solve_row(int rows_inside, double epsilon, Rows* CINEBOKEH_RESTRICT... out) const {
        const int window = 2 * radius_ + 1;
        const typename G::Sum* p[guide_rows];
        const double* q[channels + 1];
        std::copy(padded_, padded_ + guide_rows, p);
        std::copy(in_padded_, in_padded_ + channels + 1, q);
        for (int x = 0; x < width_; ++x) {
            double g[channels], gg[G::products], gp[channels];
            float coefficients[channels + 1];
            for (int i = 0; i < channels; ++i) g[i] = double(typename G::Sum(p[i][x + window] - p[i][x]));
            for (int i = 0; i < G::products; ++i)
                gg[i] = double(typename G::Sum(p[channels + i][x + window] - p[channels + i][x]));
            for (int i = 0; i < channels; ++i) gp[i] = q[1 + i][x + window] - q[1 + i][x];
            const double n = double(rows_inside * pixels_within(x, radius_, width_));
            window_function(n, epsilon, g, gg, q[0][x + window] - q[0][x], gp, coefficients);
            int i = 0;
            ((out[x] = coefficients[i++]), ...);
        }
    }

    HostImage<const Pixel> guide_;
    HostImage<const float> in_;
    int radius_, width_;
    typename G::Sum *columns_[guide_rows], *padded_[guide_rows];
    double *in_columns_[channels + 1], *in_padded_[channels + 1];
    Rows rows_[2];  // entering, leaving
};

// Calls row(job, y) for every row after body.move has brought the window there. Rows of one stripe follow each other.
template <class MakeJob, class Row>
void for_each_window_row(Cpu& exec, int height, int radius, MakeJob make_job, Row row) {
    exec.for_each_range(height, guided_stripe, [&](int begin, int end) {
        auto job = make_job(begin / guided_stripe);
        for (int y = begin - radius; y < begin + radius; ++y) job.move(y, -1);
        for (int y = begin; y < end; ++y) {
            job.move(y + radius, y == begin ? -1 : y - radius - 1);
            row(job, y);
        }
    });
}

// Means of the linear functions over windows, row by row.
template <int rows>
class GuidedMeans {
public:
    GuidedMeans(RowArena arena, HostImage<const float> coefficients, Size size, int radius)
        : coefficients_(coefficients), size_(size), radius_(radius) {
        for (auto& r : columns_) r = arena.row<double>();
        for (auto& r : padded_) r = arena.row<double>();
        for (auto& r : means_) r = arena.row<float>();
        for (auto* r : columns_) std::fill(r, r + size_.width, 0.0);
    }
    void move(int entering, int leaving) {
        for (int k = 0; k < rows; ++k) {
            double* CINEBOKEH_RESTRICT sums = columns_[k];
            if (entering >= 0 && entering < size_.height) {
                const float* in = coefficients_.row(4 * entering + k);
                for (int x = 0; x < size_.width; ++x) sums[x] += double(in[x]);
            }
            if (leaving >= 0) {
                const float* in = coefficients_.row(4 * leaving + k);
                for (int x = 0; x < size_.width; ++x) sums[x] -= double(in[x]);
            }
        }
    }
    void means(int y, float* const* out) const {
        prefix_sums<rows>(columns_, padded_, size_.width, radius_);
        const int window = 2 * radius_ + 1, rows_inside = pixels_within(y, radius_, size_.height);
        for (int k = 0; k < rows; ++k) {
            const double* p = padded_[k];
            float* CINEBOKEH_RESTRICT m = out[k];
            for (int x = 0; x < size_.width; ++x)
                m[x] = float((p[x + window] - p[x]) / double(rows_inside * pixels_within(x, radius_, size_.width)));
        }
    }
    float* const* scratch() const { return means_; }

private:
    HostImage<const float> coefficients_;
    Size size_;
    int radius_;
    double *columns_[rows], *padded_[rows];
    float* means_[rows];
};

template <class Pixel>
void guided_coefficients(Cpu& exec, HostImage<const Pixel> guide, HostImage<const float> in, int radius, float epsilon,
                         GuidedScratch<HostSpace>& scratch) {
    const int padded_width = in.size.width + 2 * radius + 1;
    for_each_window_row(
        exec, in.size.height, radius,
        [&](int job) {
            return GuidedMoments<Pixel>({scratch.jobs.view().row(job), padded_width}, guide, in, radius);
        },
        [&](GuidedMoments<Pixel>& moments, int y) { moments.solve(y, double(epsilon), scratch.coefficients.view()); });
}

template <class Pixel>
void guided_filter(Cpu& exec, HostImage<const Pixel> guide, HostImage<const float> in, int radius, float epsilon,
                   GuidedScratch<HostSpace>& scratch, HostImage<float> out) {
    constexpr int channels = Guide<Pixel>::channels;
    guided_coefficients(exec, guide, in, radius, epsilon, scratch);
    const int padded_width = in.size.width + 2 * radius + 1;
    for_each_window_row(
        exec, in.size.height, radius,
        [&](int job) {
            return GuidedMeans<channels + 1>({scratch.jobs.view().row(job), padded_width}, scratch.coefficients.view(),
                                             in.size, radius);
        },
        [&](GuidedMeans<channels + 1>& job, int y) {
            float* const* m = job.scratch();
            job.means(y, m);
            const Pixel* g = guide.row(y);
            float* CINEBOKEH_RESTRICT q = out.row(y);
            for (int x = 0; x < in.size.width; ++x) {
                float value = m[channels][x];
                for (int c = 0; c < channels; ++c) value += m[c][x] * float(Guide<Pixel>::value(g[x], c));
                q[x] = value;
            }
        });
}

// Between two rows of a small image, columns [first, last].
template <class V>
void interpolate_rows(HostImage<const V> image, const SmallNeighbours& v, int first, int last, V* out) {
    const V *top = image.row(v.first), *bottom = image.row(v.second);
    for (int i = first; i <= last; ++i) out[i - first] = top[i] + v.fraction * (bottom[i] - top[i]);
}
// Output of the guide's resolution from the means of small images: their rows are interpolated for some columns, then
// these.
template <class Pixel>
void apply_small_means(Cpu& exec, HostImage<const Float4> means, HostImage<const Pixel> guide,
                       const GuidedScale<HostSpace>& scale, HostImage<float> out) {
    constexpr int columns = 64;  // of the output at once; a small image has as many at most, and one on either side
    exec.for_each_range(out.size.height, 16, [&](int begin, int end) {
        Float4 mean[columns + 2];
        Float2 bound[columns + 2];
        for (int y = begin; y < end; ++y) {
            const SmallNeighbours v = between(y, scale.y, means.size.height);
            for (int left = 0; left < out.size.width; left += columns) {
                const int right = std::min(left + columns, out.size.width);
                const int first = between(left, scale.x, means.size.width).first;
                const int last = between(right - 1, scale.x, means.size.width).second;
                interpolate_rows(means, v, first, last, mean);
                if (scale.bounds.data) interpolate_rows(scale.bounds, v, first, last, bound);
                for (int x = left; x < right; ++x) {
                    const SmallNeighbours u = between(x, scale.x, means.size.width);
                    const auto at = [&](const auto* row) {
                        return row[u.first - first] + u.fraction * (row[u.second - first] - row[u.first - first]);
                    };
                    float value = apply_means(at(mean), guide(x, y));
                    if (scale.bounds.data) {
                        const Float2 range = at(bound);
                        value = clamp(value, range[0], range[1]);
                    }
                    out(x, y) = value;
                }
            }
        }
    });
}

// From small images; the means are interpolated between the centres of their pixels.
template <class Pixel>
void guided_filter_upsampled(Cpu& exec, HostImage<const Pixel> small_guide, HostImage<const float> small_in, int radius,
                             float epsilon, GuidedScratch<HostSpace>& scratch, HostImage<const Pixel> guide,
                             const GuidedScale<HostSpace>& scale, HostImage<float> out) {
    constexpr int channels = Guide<Pixel>::channels;
    const Size small = small_in.size;
    guided_coefficients(exec, small_guide, small_in, radius, epsilon, scratch);
    const HostImage<float> rows_of_floats = scratch.means.view();  // four of them are one of the means
    const HostImage<Float4> means(reinterpret_cast<Float4*>(rows_of_floats.data), small, 4 * rows_of_floats.pitch);
    for_each_window_row(
        exec, small.height, radius,
        [&](int job) {
            return GuidedMeans<channels + 1>({scratch.jobs.view().row(job), small.width + 2 * radius + 1},
                                             scratch.coefficients.view(), small, radius);
        },
        [&](GuidedMeans<channels + 1>& job, int y) {
            float* const* rows = job.scratch();
            job.means(y, rows);
            Float4* const mean = means.row(y);
            for (int x = 0; x < small.width; ++x) {
                mean[x] = {};
                for (int k = 0; k <= channels; ++k) mean[x][k] = rows[k][x];
            }
        });
    apply_small_means<Pixel>(exec, means, guide, scale, out);
}
}  // namespace cinebokeh::detail
