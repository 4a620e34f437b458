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
        const double exact = 94548.46 * neighbours / double(twice);  // 65536 log2(e)
        beta(0, 0) = float(exact < 0.1 ? 0.1 : exact < 1048576.0 ? exact : 1048576.0);
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

// The smaller one. In this form GCC does not split the loops around it into paths, and vectorises them.
CINEBOKEH_HD inline int smaller(int a, int b) { return b + ((a - b) & ((a - b) >> 31)); }

// What two neighbours of different label pay, in capacity units.
struct EdgeWeight {
    float contrast;  // of the part that follows the contrast
    int floor;

    EdgeWeight(const GridEnergyParams& params, double distance)
        : contrast(float(double(params.lambda) * params.scale / distance * (1 - double(params.contrast_floor)))),
          floor(int(std::lround(double(params.lambda) * params.scale / distance * double(params.contrast_floor)))) {}

    // Without branches. The difference is cut where its exponent has passed the end of the scale, 2^-16; beta is at
    // most 2^20, so the exponent then fits an int.
    CINEBOKEH_HD int operator()(int squared, float beta) const {
        const int limit = int(1048576.f / beta) + 1;
        const int exponent = int(float(smaller(squared, limit)) * beta);
        const unsigned y = unsigned(smaller(exponent, 1048576));
        const double e = double(int(exp2_negative(y))) * (1 / 65536.0);
        return int(double(contrast) * e + 0.5) + floor;  // 24 times 17 bits: exact, contracted or not
    }
};

// The edges of one direction. The neighbour of pixel (x, y) is pixel (x, y) of the other views.
template <class Space>
struct EdgeCapacities {
    Image<const Rgba8, Space> image, neighbour;
    Image<const uint8_t, Space> state, neighbour_state;
    const float* beta;
    EdgeWeight weight;
    Image<int, Space> capacity;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const int w = weight(squared_difference(image(x, y), neighbour(x, y)), *beta);
        capacity(x, y) = (state(x, y) & neighbour_state(x, y) & undecided) ? w : 0;
    }
};

template <class Exec>
void for_each_edge(Exec& exec, const EdgeCapacities<typename Exec::Space>& edges) {
    for_each_pixel(exec, edges.capacity.size, edges);
}
// The same row by row, with everything in locals, so that compilers vectorise it.
inline void for_each_edge(Cpu& exec, const EdgeCapacities<HostSpace>& edges) {
    if (edges.capacity.size.empty()) return;
    exec.for_each_range(edges.capacity.size.height, std::max(1, 8192 / edges.capacity.size.width),
                        [=](int begin, int end) {
                            const int width = edges.capacity.size.width;
                            const EdgeWeight weight = edges.weight;
                            const float beta = *edges.beta;
                            for (int y = begin; y < end; ++y) {
                                const uint8_t* CINEBOKEH_RESTRICT a = edges.image.row(y)->v;
                                const uint8_t* CINEBOKEH_RESTRICT b = edges.neighbour.row(y)->v;
                                const uint8_t* CINEBOKEH_RESTRICT in_a = edges.state.row(y);
                                const uint8_t* CINEBOKEH_RESTRICT in_b = edges.neighbour_state.row(y);
                                int* CINEBOKEH_RESTRICT out = edges.capacity.row(y);
                                for (int x = 0; x < width; ++x) {
                                    const int red = a[4 * x] - b[4 * x], green = a[4 * x + 1] - b[4 * x + 1],
                                              blue = a[4 * x + 2] - b[4 * x + 2];
                                    const int w = weight(red * red + green * green + blue * blue, beta);
                                    out[x] = w & -((in_a[x] & in_b[x]) >> 1);  // 0 unless both are undecided, 2
                                }
                            }
                        });
}

// An undecided pixel starts from its logit, and is pulled towards the label of every fixed neighbour.
template <class Space>
struct Terminals {
    Image<const Rgba8, Space> image;
    Image<const float, Space> logit;
    Image<const uint8_t, Space> state;
    const float* beta;
    EdgeWeight straight, diagonal;
    float scale;
    bool diagonals;
    Image<int, Space> terminal;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const uint8_t mine = state(x, y);
        int t = mine == fixed_foreground ? 1 : -1;
        if (mine == undecided) t = int(rintf(logit(x, y) * scale));
        if (mine == undecided && !alone(x, y)) {
            for (int dy = -1; dy <= 1; ++dy)
                for (int dx = -1; dx <= 1; ++dx)
                    if (state.size.contains(x + dx, y + dy) && (diagonals || dx * dy == 0))
                        t += pull(x, y, x + dx, y + dy, dx * dy != 0);
        }
        terminal(x, y) = t;
    }
    // Whether no neighbour can be fixed: the common case, found without branches.
    CINEBOKEH_HD bool alone(int x, int y) const {
        if (x == 0 || y == 0 || x + 1 == state.size.width || y + 1 == state.size.height) return false;
        const uint8_t *a = state.row(y - 1) + x, *b = state.row(y) + x, *c = state.row(y + 1) + x;
        return (a[-1] & a[0] & a[1] & b[-1] & b[1] & c[-1] & c[0] & c[1]) == undecided;
    }
    CINEBOKEH_HD int pull(int x, int y, int x2, int y2, bool is_diagonal) const {
        const uint8_t other = state(x2, y2);
        if (other == undecided) return 0;
        const int w = (is_diagonal ? diagonal : straight)(squared_difference(image(x, y), image(x2, y2)), *beta);
        return other == fixed_foreground ? w : -w;
    }
};

// Zeros the edges that leave the image, which nothing else writes.
template <class Space>
struct Zero {
    Image<int, Space> capacity;
    CINEBOKEH_HD void operator()(int x, int y) const { capacity(x, y) = 0; }
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
    for (Buffer<int, Exec>* edges : {&right_, &down_, &down_right_, &down_left_})
        for_each_pixel(exec, edges->size(), detail::Zero<Space>{edges->view()});
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

    const detail::EdgeWeight straight(params, 1), diagonal(params, std::sqrt(2.0));
    const float* beta = beta_.view().data;
    const View<const uint8_t, Exec> state = state_.view();
    // The edges from the part of the image at (x, y) to the part at (x2, y2).
    auto join = [&](int x, int y, int x2, int y2, const detail::EdgeWeight& weight, View<int, Exec> capacity) {
        const Size part{size_.width - std::abs(x2 - x), size_.height - (y2 - y)};
        detail::for_each_edge(exec, {image.crop(x, y, part), image.crop(x2, y2, part), state.crop(x, y, part),
                                     state.crop(x2, y2, part), beta, weight, capacity.crop(x, y, part)});
    };
    join(0, 0, 1, 0, straight, right_.view());
    join(0, 0, 0, 1, straight, down_.view());
    const bool diagonals = connectivity_ == Connectivity::eight;
    if (diagonals) {
        join(0, 0, 1, 1, diagonal, down_right_.view());
        join(1, 0, 0, 1, diagonal, down_left_.view());
    }
    for_each_pixel(exec, size_,
                   detail::Terminals<Space>{image, logit, state, beta, straight, diagonal, params.scale, diagonals,
                                            terminal_.view()});
}

template <class Exec>
GridCapacities<typename Exec::Space> GridEnergy<Exec>::capacities() const {
    return {terminal_.view(), right_.view(), down_.view(), down_right_.view(), down_left_.view()};
}
}  // namespace cinebokeh
