#include "cinebokeh/grid_energy.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition, in double. Edge (x, y) -> (x + dx, y + dy); NAN where it leaves the image.
struct Reference {
    Size size;
    const std::vector<Rgba8>& image;
    GridEnergyParams params;
    double beta = 0;

    Reference(Size s, const std::vector<Rgba8>& image_, GridEnergyParams p) : size(s), image(image_), params(p) {
        double sum = 0, count = 0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                if (x + 1 < s.width) sum += difference(x, y, x + 1, y), ++count;
                if (y + 1 < s.height) sum += difference(x, y, x, y + 1), ++count;
            }
        beta = sum > 0 ? 1 / (2 * sum / count) : 0;
    }
    double difference(int x, int y, int x2, int y2) const {
        double sum = 0;
        for (int c = 0; c < 3; ++c)
            sum += std::pow(double(image[size_t(y * size.width + x)][c]) - image[size_t(y2 * size.width + x2)][c], 2);
        return sum;
    }
    double weight(int x, int y, int x2, int y2) const {
        const double f = double(params.contrast_floor), distance = std::hypot(x2 - x, y2 - y);
        return double(params.lambda) * double(params.scale) / distance *
               (f + (1 - f) * std::exp(-beta * difference(x, y, x2, y2)));
    }
};

// Units a weight may be off: half of one for each of its two rounded parts, 2.8e-5 of lambda from the polynomial and
// 1.1e-5 from the exponent being cut to 16 bits (2^-16 at its end).
double weight_bound(const GridEnergyParams& p) { return 1 + 4e-5 * double(p.lambda) * double(p.scale); }

template <class T, class Exec>
std::vector<int> pixels(Exec& exec, Image<const T, typename Exec::Space> view) {
    std::vector<T> out(view.size.area());
    copy(exec, view, host_view(out, view.size));
    exec.synchronize();
    return {out.begin(), out.end()};
}
constexpr Connectivity both[] = {Connectivity::four, Connectivity::eight};
}  // namespace

TEST_CASE_TEMPLATE("capacities follow the definition, and fixed pixels are folded into their neighbours", Exec,
                   EXECUTORS) {
    Exec exec;
    unsigned seed = 0;
    for (Connectivity connectivity : both)
        for (Size s : {Size{1, 1}, Size{1, 7}, Size{5, 1}, Size{32, 8}, Size{65, 19}, Size{131, 9}}) {
            CAPTURE(s.width);
            const GridEnergyParams params{.lambda = 2.5f, .contrast_floor = 0.1f, .scale = 700, .inside_limit = 6};
            std::vector<Rgba8> image = noise_rgba(s, ++seed);
            for (Rgba8& p : image)
                for (int c = 0; c < 4; ++c) p[c] = uint8_t(p[c] / 4 + seed);
            const std::vector<float> logit = noise(s, -8, 8, seed);
            std::vector<uint8_t> active(s.area());
            for (size_t i = 0; i < active.size(); ++i) active[i] = noise(active.size(), 0, 1, seed + 50)[i] < 0.8f;
            Buffer<Rgba8, Exec> image_buffer(exec, s, image);
            Buffer<float, Exec> logit_buffer(exec, s, logit);
            Buffer<uint8_t, Exec> active_buffer(exec, s, active);
            GridEnergy<Exec> energy(exec, s, connectivity);
            energy(image_buffer.view(), logit_buffer.view(), active_buffer.view(), params);
            const auto c = energy.capacities();

            const Reference reference(s, image, params);
            const bool eight = connectivity == Connectivity::eight;
            std::vector<double> terminal(s.area()), bound(s.area(), 0.5 + 1e-3);
            std::vector<double> edges[4];
            for (auto& e : edges) e.assign(s.area(), 0);
            auto undecided = [&](size_t i) { return active[i] && std::abs(logit[i]) < 6; };
            for (int y = 0; y < s.height; ++y)
                for (int x = 0; x < s.width; ++x) {
                    const size_t p = size_t(y * s.width + x);
                    if (!undecided(p)) {
                        terminal[p] = logit[p] > 0 ? 1 : -1;
                        continue;
                    }
                    terminal[p] += double(logit[p]) * 700;
                    for (int dy = -1; dy <= 1; ++dy)
                        for (int dx = -1; dx <= 1; ++dx) {
                            if ((dx == 0 && dy == 0) || !s.contains(x + dx, y + dy) || (!eight && dx * dy != 0))
                                continue;
                            const size_t q = size_t((y + dy) * s.width + x + dx);
                            const double w = reference.weight(x, y, x + dx, y + dy);
                            if (!undecided(q))
                                terminal[p] += logit[q] > 0 ? w : -w, bound[p] += weight_bound(params);
                            else if (dy > 0 || (dy == 0 && dx > 0))
                                edges[dy == 0 ? 0 : dx == 0 ? 1 : dx > 0 ? 2 : 3][p] = w;
                        }
                }
            const std::vector<int> t = pixels<int>(exec, c.terminal);
            for (size_t i = 0; i < t.size(); ++i) CHECK(std::abs(t[i] - terminal[i]) <= bound[i]);
            CHECK(worst_error(pixels<int>(exec, c.right), edges[0]) <= weight_bound(params));
            CHECK(worst_error(pixels<int>(exec, c.down), edges[1]) <= weight_bound(params));
            CHECK(c.down_right.size == (eight ? s : Size{}));
            if (eight) CHECK(worst_error(pixels<int>(exec, c.down_right), edges[2]) <= weight_bound(params));
            if (eight) CHECK(worst_error(pixels<int>(exec, c.down_left), edges[3]) <= weight_bound(params));
        }
}

TEST_CASE_TEMPLATE("both backends compute the same integers", Exec, EXECUTORS) {
    const Size s{70, 33};
    Exec exec;
    Cpu cpu(1);
    const std::vector<Rgba8> image = noise_rgba(s, 3);
    const std::vector<float> logit = noise(s, -9, 9, 4);
    const std::vector<uint8_t> active(s.area(), 1);
    Buffer<Rgba8, Exec> image_buffer(exec, s, image);
    Buffer<float, Exec> logit_buffer(exec, s, logit);
    Buffer<uint8_t, Exec> active_buffer(exec, s, active);
    GridEnergy<Exec> energy(exec, s, Connectivity::eight);
    GridEnergy<Cpu> expected(cpu, s, Connectivity::eight);
    energy(image_buffer.view(), logit_buffer.view(), active_buffer.view(), {});
    expected(host_view(image, s), host_view(logit, s), host_view(active, s), {});
    CHECK(pixels<int>(exec, energy.capacities().terminal) == pixels<int>(cpu, expected.capacities().terminal));
    CHECK(pixels<int>(exec, energy.capacities().right) == pixels<int>(cpu, expected.capacities().right));
    CHECK(pixels<int>(exec, energy.capacities().down_left) == pixels<int>(cpu, expected.capacities().down_left));
}

TEST_CASE("the cut of the energy removes a speck and keeps the labels of fixed pixels") {
    const Size s{21, 17};
    Cpu exec;
    const std::vector<Rgba8> image(s.area(), Rgba8{90, 90, 90, 255});  // flat: every edge pays the full lambda
    std::vector<float> logit(s.area(), -1);
    std::vector<uint8_t> active(s.area(), 1), labels(s.area(), 7);
    logit[size_t(8 * s.width + 10)] = 7.5f;         // 8 straight-edge units would have to be paid to keep it
    logit[0] = 100, logit[1] = NAN, active[2] = 0;  // fixed: foreground, background, background
    GridEnergy<Cpu> energy(exec, s, Connectivity::eight);
    GridMaxflow<Cpu> cut(exec, s, Connectivity::eight);
    energy(host_view(image, s), host_view(logit, s), host_view(active, s), {});
    cut(energy.capacities(), host_view(labels, s));
    CHECK(labels[0] == 1);
    CHECK(std::count(labels.begin(), labels.end(), 1) == 1);
}

TEST_CASE("the energy allocates nothing and accepts images with a negative pitch") {
    const Size s{40, 30};
    Cpu exec;
    const std::vector<Rgba8> image = noise_rgba(s, 3);
    const std::vector<float> logit = noise(s, -9, 9, 4);
    const std::vector<uint8_t> active(s.area(), 1);
    GridEnergy<Cpu> energy(exec, s, Connectivity::eight);
    CHECK(allocations_during([&] { energy(host_view(image, s), host_view(logit, s), host_view(active, s), {}); }) == 0);
    const std::vector<int> expected = pixels<int>(exec, energy.capacities().terminal);
    std::vector<Rgba8> flipped(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            flipped[size_t((s.height - 1 - y) * s.width + x)] = image[size_t(y * s.width + x)];
    const HostImage<const Rgba8> bottom_up(&flipped[size_t((s.height - 1) * s.width)], s, -ptrdiff_t(4 * s.width));
    energy(bottom_up, host_view(logit, s), host_view(active, s), {});
    CHECK(pixels<int>(exec, energy.capacities().terminal) == expected);
}

TEST_CASE("the energy refuses wrong sizes and parameters out of range") {
    const Size s{8, 6};
    Cpu exec;
    const std::vector<Rgba8> image = noise_rgba(s, 3);
    const std::vector<float> logit(s.area(), 1);
    const std::vector<uint8_t> active(s.area(), 1);
    GridEnergy<Cpu> energy(exec, s, Connectivity::four);
    auto call = [&](GridEnergyParams p) { energy(host_view(image, s), host_view(logit, s), host_view(active, s), p); };
    CHECK_THROWS_AS(call({.lambda = NAN}), Error);
    CHECK_THROWS_AS(call({.lambda = -1}), Error);
    CHECK_THROWS_AS(call({.contrast_floor = 1.5f}), Error);
    CHECK_THROWS_AS(call({.scale = 0}), Error);
    CHECK_THROWS_AS(call({.scale = 1e9f}), Error);
    CHECK_THROWS_AS(call({.inside_limit = INFINITY}), Error);
    CHECK_THROWS_AS(call({.inside_limit = NAN}), Error);
    CHECK_THROWS_AS(energy(host_view(image, {6, 8}), host_view(logit, s), host_view(active, s), {}), Error);
    CHECK_THROWS_AS(GridEnergy<Cpu>(exec, {0, 5}, Connectivity::four), Error);
}
