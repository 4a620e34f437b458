// Scatter bokeh on the CPU. First every row is turned into spans of pixels of one shape, with their light. Then each
// thread takes a few rows of the result, adds the runs of all spans that reach them, and sums along the rows. The
// pixels of a span do the same thing one after another, which is what vector registers are for, in all of these rows.
#pragma once
#include <atomic>
#include <cstring>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/lanes.hpp"
#include "kernels/scatter_bokeh.hpp"

namespace cinebokeh::detail {

struct ScatterSpan {
    int x, count;
    short index, layer;
    bool turned;
};

template <class Space>
struct ScatterScratch;

template <>
struct ScatterScratch<HostSpace> {
    static constexpr int band = 4;  // rows of the result that a thread makes at a time
    static constexpr int spans_a_group = 32;

    ScatterScratch(Cpu& exec, Size max_size, Size reach_, int layers, bool cat_eye)
        : reach(reach_),
          stride(max_size.width + 2 * reach.width + 3),
          light(exec, max_size),
          spans(exec, max_size),
          eyes(exec, cat_eye ? max_size : Size{}),
          span_count(exec, {max_size.height, 1}),
          group_rows(exec, {ceil_div(max_size.width, spans_a_group), max_size.height}),
          sums(exec, {4 * stride, exec.threads() * layers * band}),
          touched(exec, {layers * band, exec.threads()}) {}

    Size reach;
    int stride;  // pixels of a row of sums: the widest shapes begin and end beyond the frame
    Buffer<Float4, Cpu> light;
    Buffer<ScatterSpan, Cpu> spans;
    Buffer<CatEye, Cpu> eyes;     // of each pixel, where the aperture has them
    Buffer<int, Cpu> span_count;  // of each row
    Buffer<int, Cpu> group_rows;  // of the tallest shape of each group of spans
    Buffer<double, Cpu> sums;     // rows of one thread after another; in it, layers of rows of the band
    Buffer<unsigned char, Cpu> touched;
};

inline void make_spans(HostImage<const Float4> in, HostImage<const float> defocus, int y,
                       const ApertureRuns<HostSpace>& aperture, const ScatterPass& pass,
                       ScatterScratch<HostSpace>& scratch) {
    constexpr int group = ScatterScratch<HostSpace>::spans_a_group, chunk = 64;
    ScatterSpan* const spans = scratch.spans.view().row(y);
    int* const group_rows = scratch.group_rows.view().row(y);
    int count = 0;
    for (int x0 = 0; x0 < in.size.width; x0 += chunk) {
        const int n = std::min(chunk, in.size.width - x0);
        ScatterShape shapes[chunk];
        double scales[4 * chunk];
        const float *of = defocus.row(y) + x0, *values = &in(x0, y)[0];
        for (int i = 0; i < n; ++i) shapes[i] = shape_of(of[i], aperture, pass);
        for (int i = 0; i < n; ++i)
            std::fill_n(scales + 4 * i, 4,
                        double(inverse_area_at(x0 + i, y, in.size, aperture, shapes[i])) * pass.to_fixed);
        float* CINEBOKEH_RESTRICT light = &scratch.light.view()(x0, y)[0];
        for (int i = 0; i < 4 * n; ++i) light[i] = light_of(values[i], scales[i], pass.largest_value);
        for (int i = 0; i < n; ++i) {
            const ScatterShape& shape = shapes[i];
            const bool alone = aperture.cat_eye > 0 && shape.index > 0;  // no two cat's eyes are alike
            if (alone)
                scratch.eyes.view()(x0 + i, y) = aperture.cat_eye_at(shape.radius, x0 + i, y, in.size, shape.turned);
            ScatterSpan* const last = count ? spans + count - 1 : nullptr;
            if (last && !alone && last->index == shape.index && last->layer == shape.layer &&
                (last->turned == shape.turned || shape.index == 0)) {
                ++last->count;
                continue;
            }
            const int rows = aperture.radii[size_t(shape.index)].rows;
            group_rows[count / group] = std::max(count % group ? group_rows[count / group] : 0, rows);
            spans[count++] = {x0 + i, 1, short(shape.index), short(shape.layer), shape.turned};
        }
    }
    scratch.span_count.span()[size_t(y)] = count;
}

// Adds the ends of the runs of `count` pixels: the light of pixel i is added at begins[i], and taken away at ends[i],
// each end shared with the next pixel in the proportions of its fraction, in 1/256.
inline void add_short_span(const Float4* light, int count, int begin_fraction, int end_fraction, double* begins,
                           double* ends) {
    const double a = aperture_unit - begin_fraction, b = begin_fraction, c = aperture_unit - end_fraction,
                 d = end_fraction;
    double last[4] = {0, 0, 0, 0};
    for (int i = 0; i < count; ++i, ++light, begins += 4, ends += 4) {
        double own[4], left[4], right[4];
        for (int k = 0; k < 4; ++k) own[k] = double((*light)[k]);
        for (int k = 0; k < 4; ++k) left[k] = begins[k] + (a * own[k] + b * last[k]);
        for (int k = 0; k < 4; ++k) begins[k] = left[k];
        for (int k = 0; k < 4; ++k) right[k] = ends[k] - (c * own[k] + d * last[k]);
        for (int k = 0; k < 4; ++k) ends[k] = right[k];
        for (int k = 0; k < 4; ++k) last[k] = own[k];
    }
    for (int k = 0; k < 4; ++k) begins[k] += b * last[k];
    for (int k = 0; k < 4; ++k) ends[k] -= d * last[k];
}
// Where the runs of a long span begin, or end, in one row of the result: what is added there and one pixel further, in
// 1/256 of the light.
struct SpanEnd {
    double* sums;
    double here, next;
};
// Adds `ends` ends of the runs of `count` pixels. The light is turned into doubles once for all of them.
template <int ends>
void add_long_span(const Float4* light, int count, const SpanEnd* end) {
    const float* values = &light[0][0];
    int i = 0;
#if defined(CINEBOKEH_SHUFFLE)
    typedef double Eight __attribute__((vector_size(64)));
    typedef float EightFloats __attribute__((vector_size(32)));
    Eight here[ends], next[ends], last{};
    for (int k = 0; k < ends; ++k) here[k] = end[k].here - Eight{}, next[k] = end[k].next - Eight{};
    for (; i + 8 <= 4 * count; i += 8) {
        EightFloats own_floats;
        std::memcpy(&own_floats, values + i, sizeof own_floats);
        const Eight own = __builtin_convertvector(own_floats, Eight);
        const Eight before = __builtin_shufflevector(last, own, 4, 5, 6, 7, 8, 9, 10, 11);
        last = own;
        for (int k = 0; k < ends; ++k) {  // one after the other: they may overlap
            Eight sum;
            std::memcpy(&sum, end[k].sums + i, sizeof sum);
            sum += here[k] * own + next[k] * before;
            std::memcpy(end[k].sums + i, &sum, sizeof sum);
        }
    }
#endif
    for (; i < 4 * count + 4; ++i) {
        const double own = i < 4 * count ? double(values[i]) : 0.0, before = i >= 4 ? double(values[i - 4]) : 0.0;
        for (int k = 0; k < ends; ++k) end[k].sums[i] += end[k].here * own + end[k].next * before;
    }
}

struct ScatterRow {  // one row of the result in the making
    int y;
    double* sums;  // [layer][pixel][channel], the first pixel `origin` columns left of the frame
    size_t layer_stride;
    int origin;
    unsigned char* touched;  // [layer]
};

// Adds the spans of row `from` to the rows of a band.
inline void add_spans(int from, const ApertureRuns<HostSpace>& aperture, ScatterScratch<HostSpace>& scratch,
                      const ScatterRow* rows, int row_count) {
    constexpr int group = ScatterScratch<HostSpace>::spans_a_group, band = ScatterScratch<HostSpace>::band;
    const ScatterSpan* const spans = scratch.spans.view().row(from);
    const Float4* const light = scratch.light.view().row(from);
    const int* const group_rows = scratch.group_rows.view().row(from);
    const int count = scratch.span_count.span()[size_t(from)], first = rows[0].y, last = rows[row_count - 1].y;
    const int distance = from < first ? first - from : from > last ? from - last : 0;
    for (int i = 0; i < count; ++i) {
        if (i % group == 0 && group_rows[i / group] < distance) {
            i += group - 1;
            continue;
        }
        const ScatterSpan span = spans[i];
        const ApertureRadius& radius = aperture.radii[size_t(span.index)];
        if (radius.rows < distance) continue;
        SpanEnd ends[2 * band];
        int end_count = 0;
        for (int b = 0; b < row_count; ++b) {
            const ScatterRow& row = rows[b];
            const int dy = row.y - from;
            if (radius.rows < std::abs(dy)) continue;
            ApertureRun run = aperture.run(radius, dy, span.turned);
            if (aperture.cat_eye > 0 && span.index > 0) run = cut(run, scratch.eyes.view()(span.x, from), dy);
            if (run.left == run.right) continue;
            row.touched[span.layer] = 1;
            const int left = run.left + aperture_unit / 2, right = run.right + aperture_unit / 2;
            double* const sums = row.sums + size_t(span.layer) * row.layer_stride + 4 * (span.x + row.origin);
            double *const begins = sums + 4 * (left >> 8), *const stops = sums + 4 * (right >> 8);
            const int begin_fraction = left & (aperture_unit - 1), stop_fraction = right & (aperture_unit - 1);
            if (span.count < 16) {
                add_short_span(light + span.x, span.count, begin_fraction, stop_fraction, begins, stops);
                continue;
            }
            ends[end_count++] = {begins, double(aperture_unit - begin_fraction), double(begin_fraction)};
            ends[end_count++] = {stops, double(stop_fraction - aperture_unit), double(-stop_fraction)};
        }
        if (end_count == 2 * band)
            add_long_span<2 * band>(light + span.x, span.count, ends);
        else
            for (int k = 0; k < end_count; k += 2) add_long_span<2>(light + span.x, span.count, ends + k);
    }
}

inline void finish_row(const ScatterPass& pass, ScatterRow& row, HostImage<Float4> out) {
    double running[scatter_layers][4] = {};
    int used[scatter_layers], count = 0;
    for (int layer = 0; layer < pass.layers; ++layer)
        if (row.touched[layer]) used[count++] = layer;
    for (int x = -row.origin; x < 0; ++x)
        for (int i = 0; i < count; ++i) {
            const double* sums = row.sums + size_t(used[i]) * row.layer_stride + 4 * (x + row.origin);
            for (int c = 0; c < 4; ++c) running[i][c] += sums[c];
        }
    for (int x = 0; x < out.size.width; ++x) {
        FilledPixel pixel;
        for (int i = 0; i < count; ++i) {
            const double* sums = row.sums + size_t(used[i]) * row.layer_stride + 4 * (x + row.origin);
            for (int c = 0; c < 4; ++c) running[i][c] += sums[c];
            if (pass.layers > 1) pixel.add(running[i], pass.to_value);
        }
        write_pixel(pass.layers > 1 ? pixel.result() : sum_of_light(running[0], pass), pass.channel, out(x, row.y));
    }
    for (int i = 0; i < count; ++i) std::fill_n(row.sums + size_t(used[i]) * row.layer_stride, row.layer_stride, 0.0);
    std::fill_n(row.touched, pass.layers, (unsigned char)(0));
}

inline void scatter_bokeh(Cpu& exec, HostImage<const Float4> in, HostImage<const float> defocus,
                          const ApertureRuns<HostSpace>& aperture, const ScatterPass& pass,
                          ScatterScratch<HostSpace>& scratch, HostImage<Float4> out) {
    constexpr int band = ScatterScratch<HostSpace>::band;
    exec.for_each_range(in.size.height, 8, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) make_spans(in, defocus, y, aperture, pass, scratch);
    });
    std::atomic<int> next{0};
    const int bands = ceil_div(in.size.height, band), reach = scratch.reach.height;
    exec.for_each(exec.threads(), [&](int slot) {
        const HostImage<double> sums = scratch.sums.view();
        ScatterRow rows[band];
        for (int b = 0; b < band; ++b) {
            const int first = (slot * band + b) * pass.layers;
            rows[b] = {0, sums.row(first), size_t(sums.pitch) / sizeof(double), scratch.reach.width + 1,
                       scratch.touched.view().row(slot) + b * pass.layers};
            for (int layer = 0; layer < pass.layers; ++layer)
                std::fill_n(sums.row(first + layer), 4 * scratch.stride, 0.0);
            std::fill_n(rows[b].touched, pass.layers, (unsigned char)(0));
        }
        for (int i; (i = next.fetch_add(1)) < bands;) {
            const int begin = i * band, end = std::min(begin + band, in.size.height);
            for (int b = 0; b < band; ++b) rows[b].y = begin + b;
            for (int from = std::max(0, begin - reach); from < std::min(in.size.height, end + reach); ++from)
                add_spans(from, aperture, scratch, rows, end - begin);
            for (int y = begin; y < end; ++y) finish_row(pass, rows[y - begin], out);
        }
    });
}
}  // namespace cinebokeh::detail
