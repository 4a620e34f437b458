// The contrast-sensitive grid energy, written once. All sums are integers, and every float is one product that goes
// straight into a rounding, so that no compiler can contract it and both backends agree bit for bit.
#pragma once
#include <cmath>

#include "cinebokeh/grid_energy.hpp"

namespace cinebokeh {
namespace detail {

CINEBOKEH_HD inline int squared_difference(Rgba8 a, Rgba8 b) {
    const int r = a[0] - b[0], g = a[1] - b[1], bl = a[2] - b[2];
    return r * r + g * g + bl * bl;
}

// 2^-(y / 65536) in units of 1/65536; y <= 2^20. A minimax polynomial of degree 4 in 16-bit steps, good to 3e-5.
CINEBOKEH_HD inline unsigned exp2_negative(unsigned y) {
    const unsigned f = y & 0xffff;
    unsigned p = 3498 - (453 * f >> 16);
    p = 15699 - (p * f >> 16);
    p = 45422 - (p * f >> 16);
    p = 65536 - (p * f >> 16);
    return p >> (y >> 16);
}

// Sums of the squared differences to the right and lower neighbours of 64 pixels of a row: below 2^25.
constexpr int sum_width = 64;
template <class Space>
struct PartialContrast {
    Image<const Rgba8, Space> image;
    Image<uint32_t, Space> sums;
    CINEBOKEH_HD void operator()(int part, int y) const {
        const int begin = part * sum_width, width = image.size.width;
        const int end = begin + sum_width < width ? begin + sum_width : width;
        const int last = end < width ? end : width - 1;
        const Rgba8* row = image.row(y);
        uint32_t sum = 0;
        for (int x = begin; x < last; ++x) sum += uint32_t(squared_difference(row[x], row[x + 1]));
        if (y + 1 < image.size.height) {
            const Rgba8* below = image.row(y + 1);
            for (int x = begin; x < end; ++x) sum += uint32_t(squared_difference(row[x], below[x]));
        }
        sums(part, y) = sum;
    }
};

template <class Space>
struct RowContrast {
    Image<const uint32_t, Space> parts;
    Image<uint64_t, Space> rows;
    CINEBOKEH_HD void operator()(int y, int) const {
        uint64_t sum = 0;
        for (int i = 0; i < parts.size.width; ++i) sum += parts(i, y);
        rows(y, 0) = sum;
    }
};

// beta in units of 65536 log2(e), so that 2^-(beta |dI|^2 / 65536) is the exponential of the energy.
template <class Space>
struct ContrastScale {
    Image<const uint64_t, Space> rows;
    double neighbours;
    Image<float, Space> beta;
    CINEBOKEH_HD void operator()(int, int) const {
        uint64_t sum = 0;
        for (int y = 0; y < rows.size.width; ++y) sum += rows(y, 0);
        const uint64_t twice = sum == 0 ? 1 : 2 * sum;
        beta(0, 0) = float(94548.46 * neighbours / double(twice));  // 65536 log2(e)
    }
};

enum : uint8_t { fixed_background = 0, fixed_foreground = 1, undecided = 2 };

template <class Space>
struct PixelState {
    Image<const float, Space> logit;
    Image<const uint8_t, Space> active;
    float limit;
    Image<uint8_t, Space> state;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float u = logit(x, y);
        const bool inside = active(x, y) != 0 && u < limit && u > -limit;
        state(x, y) = inside ? undecided : u > 0 ? fixed_foreground : fixed_background;
    }
};

template <class Space>
struct EdgeWeight {
    Image<const Rgba8, Space> image;
    const float* beta;
    float straight, diagonal;  // capacity units of the part of lambda that follows the contrast, by direction
    int straight_floor, diagonal_floor;

    CINEBOKEH_HD int operator()(Rgba8 a, Rgba8 b, bool is_diagonal) const {
        const float exponent = float(squared_difference(a, b)) * *beta;
        const unsigned y = exponent < 1048576.f ? unsigned(exponent) : 1048576u;  // 2^-16: the end of the scale
        const float e = float(exp2_negative(y)) / 65536.f;                        // exact
        return int(rintf((is_diagonal ? diagonal : straight) * e)) + (is_diagonal ? diagonal_floor : straight_floor);
    }
};

template <class Space>
struct PixelCapacities {
    EdgeWeight<Space> weight;
    Image<const float, Space> logit;
    Image<const uint8_t, Space> state;
    float scale;
    bool diagonals;
    Image<int, Space> terminal, right, down, down_right, down_left;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const uint8_t mine = state(x, y);
        int t = mine == fixed_foreground ? 1 : -1, r = 0, d = 0, dr = 0, dl = 0;
        if (mine == undecided) {
            t = int(rintf(logit(x, y) * scale));
            const Size s = state.size;
            const Rgba8 colour = weight.image(x, y);
            if (x + 1 < s.width) join(colour, x + 1, y, false, t, r);
            if (y + 1 < s.height) join(colour, x, y + 1, false, t, d);
            if (x > 0) fold(colour, x - 1, y, false, t);
            if (y > 0) fold(colour, x, y - 1, false, t);
            if (diagonals) {
                if (x + 1 < s.width && y + 1 < s.height) join(colour, x + 1, y + 1, true, t, dr);
                if (x > 0 && y + 1 < s.height) join(colour, x - 1, y + 1, true, t, dl);
                if (x > 0 && y > 0) fold(colour, x - 1, y - 1, true, t);
                if (x + 1 < s.width && y > 0) fold(colour, x + 1, y - 1, true, t);
            }
        }
        terminal(x, y) = t;
        right(x, y) = r, down(x, y) = d;
        if (diagonals) down_right(x, y) = dr, down_left(x, y) = dl;
    }
    // The edge to a neighbour: a capacity if that is undecided too, else a pull towards the neighbour's label.
    CINEBOKEH_HD void join(Rgba8 colour, int x, int y, bool diagonal, int& t, int& capacity) const {
        const int w = weight(colour, weight.image(x, y), diagonal);
        const uint8_t other = state(x, y);
        if (other == undecided)
            capacity = w;
        else
            t += other == fixed_foreground ? w : -w;
    }
    CINEBOKEH_HD void fold(Rgba8 colour, int x, int y, bool diagonal, int& t) const {
        int unused;
        if (state(x, y) != undecided) join(colour, x, y, diagonal, t, unused);
    }
};
}  // namespace detail

template <class Exec>
GridEnergy<Exec>::GridEnergy(Exec& exec, Size size, Connectivity connectivity)
    : exec_(&exec), size_(size), connectivity_(connectivity) {
    require(!size.empty(), "GridEnergy: empty size ", size.width, " x ", size.height);
    partial_sums_ = {exec, {ceil_div(size.width, detail::sum_width), size.height}};
    row_sums_ = {exec, {size.height, 1}};
    beta_ = {exec, {1, 1}};
    state_ = {exec, size};
    terminal_ = {exec, size}, right_ = {exec, size}, down_ = {exec, size};
    if (connectivity == Connectivity::eight) down_right_ = {exec, size}, down_left_ = {exec, size};
}

template <class Exec>
void GridEnergy<Exec>::operator()(View<const Rgba8, Exec> image, View<const float, Exec> logit,
                                  View<const uint8_t, Exec> active, const GridEnergyParams& params) {
    require(image.size == size_ && logit.size == size_ && active.size == size_, "GridEnergy: an image is not ",
            size_.width, " x ", size_.height, " as planned");
    require(params.lambda >= 0 && params.scale > 0 && params.inside_limit > 0 && params.contrast_floor >= 0 &&
                params.contrast_floor <= 1,
            "GridEnergy: a parameter is out of its range: lambda ", params.lambda, ", contrast floor ",
            params.contrast_floor, ", scale ", params.scale, ", inside limit ", params.inside_limit);
    require((double(params.inside_limit) + 8.0 * params.lambda) * params.scale <= max_capacity,
            "GridEnergy: inside limit ", params.inside_limit, " and lambda ", params.lambda, " at scale ", params.scale,
            " exceed the largest capacity");
    Exec& exec = *exec_;
    for_each_pixel(exec, partial_sums_.size(), detail::PartialContrast<Space>{image, partial_sums_.view()});
    for_each_pixel(exec, row_sums_.size(), detail::RowContrast<Space>{partial_sums_.view(), row_sums_.view()});
    const double neighbours = double(size_.width - 1) * size_.height + double(size_.width) * (size_.height - 1);
    for_each_pixel(exec, {1, 1}, detail::ContrastScale<Space>{row_sums_.view(), neighbours, beta_.view()});
    for_each_pixel(exec, size_, detail::PixelState<Space>{logit, active, params.inside_limit, state_.view()});

    const double straight = double(params.lambda) * params.scale, diagonal = straight / std::sqrt(2.0);
    const double floor = params.contrast_floor;
    const detail::EdgeWeight<Space> weight{image,
                                           beta_.view().data,
                                           float(straight * (1 - floor)),
                                           float(diagonal * (1 - floor)),
                                           int(std::lround(straight * floor)),
                                           int(std::lround(diagonal * floor))};
    for_each_pixel(exec, size_,
                   detail::PixelCapacities<Space>{weight, logit, state_.view(), params.scale,
                                                  connectivity_ == Connectivity::eight, terminal_.view(), right_.view(),
                                                  down_.view(), down_right_.view(), down_left_.view()});
}

template <class Exec>
GridCapacities<typename Exec::Space> GridEnergy<Exec>::capacities() const {
    return {terminal_.view(), right_.view(), down_.view(), down_right_.view(), down_left_.view()};
}
}  // namespace cinebokeh
