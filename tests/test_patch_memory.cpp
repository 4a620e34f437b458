#include "cinebokeh/patch_memory.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
constexpr int window = 7;

struct Scene {
    Size size;
    std::vector<Float4> colour, orientation;
    std::vector<float> matte;
    Scene(Size s, unsigned seed) : size(s), colour(s.area()), orientation(s.area()), matte(noise(s, 0, 1, seed + 2)) {
        const auto a = noise(s.area() * 4, 0, 40, seed), b = noise(s.area() * 4, 0, 20, seed + 1);
        for (size_t i = 0; i < s.area(); ++i)
            for (int c = 0; c < 4; ++c) colour[i][c] = a[4 * i + size_t(c)], orientation[i][c] = b[4 * i + size_t(c)];
    }
};

// The descriptor of a cell, straight from its definition, in double.
std::vector<double> gaussian_at(const std::vector<Float4>& in, Size s, double sigma, int x, int y) {
    const int r = int(std::ceil(3 * sigma));
    std::vector<double> sum(4);
    double total = 0;
    for (int dy = -r; dy <= r; ++dy)
        for (int dx = -r; dx <= r; ++dx) {
            const double w = std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
            const int u = std::min(std::max(x + dx, 0), s.width - 1), v = std::min(std::max(y + dy, 0), s.height - 1);
            for (int c = 0; c < 4; ++c) sum[size_t(c)] += w * double(in[size_t(v * s.width + u)][c]);
            total += w;
        }
    for (double& v : sum) v /= total;
    return sum;
}
struct Cells {
    int w, h;
    std::vector<std::vector<double>> seven;
    explicit Cells(const Scene& scene) : w((scene.size.width - 2 + 3) / 4), h((scene.size.height - 2 + 3) / 4) {
        for (int j = 0; j < h; ++j)
            for (int i = 0; i < w; ++i) {
                const int x = 2 + 4 * i, y = 2 + 4 * j;
                const auto c = gaussian_at(scene.colour, scene.size, 1.2f, x, y);
                const auto o = gaussian_at(scene.orientation, scene.size, 2, x, y);
                const double texture = 1.5 / (gaussian_at(scene.colour, scene.size, 6, x, y)[3] + 4);
                seven.push_back(
                    {c[0] / 40, c[1] / 20, c[2] / 20, o[0] * texture, o[1] * texture, o[2] * texture, o[3] * texture});
            }
    }
    const std::vector<double>& at(int i, int j) const {
        return seven[size_t(std::min(std::max(j, 0), h - 1) * w + std::min(std::max(i, 0), w - 1))];
    }
};
double reference(const Cells& query, const Cells& memory, const Scene& remembered, int i, int j, double cx, double cy) {
    double f = 50, b = 50;
    for (int y = int(std::lround(cy)) - window; y <= int(std::lround(cy)) + window; ++y)
        for (int x = int(std::lround(cx)) - window; x <= int(std::lround(cx)) + window; ++x) {
            if (x < 0 || y < 0 || x >= memory.w || y >= memory.h) continue;
            double d = .002 * ((x - cx) * (x - cx) + (y - cy) * (y - cy));
            for (int dy = -1; dy <= 1; ++dy)
                for (int dx = -1; dx <= 1; ++dx)
                    for (size_t c = 0; c < 7; ++c) {
                        const double weight = (dx || dy ? .6 : 1.) / 3;
                        const double e = weight * (query.at(i + dx, j + dy)[c] - memory.at(x + dx, y + dy)[c]);
                        d += e * e;
                    }
            const float alpha = remembered.matte[size_t((2 + 4 * y) * remembered.size.width + 2 + 4 * x)];
            if (alpha > .7f) f = std::min(f, d);
            if (alpha < .3f) b = std::min(b, d);
        }
    return 3 * (b - f) / (b + f + .3);
}
#if CINEBOKEH_GRID
template <class Exec>
using OnExec = ForSpace<Exec, PatchMemory, PatchMemoryCuda>;
#else
template <class>
using OnExec = PatchMemory;
#endif
}  // namespace

TEST_CASE_TEMPLATE("patch memory finds the nearest subject and background descriptors in the moved window", Exec,
                   EXECUTORS) {
    for (Size s : {Size{3, 3}, Size{16, 16}, Size{90, 57}}) {
        CAPTURE(s.width);
        const Scene remembered(s, 1), shown(s, 50);
        Exec exec;
        OnExec<Exec> memory(exec, s, {.entries = 1});
        const auto describe = [&](const Scene& scene) {
            Buffer<Float4, Exec> colour(exec, s, scene.colour), orientation(exec, s, scene.orientation);
            memory.describe(colour.view(), orientation.view());
        };
        Buffer<float, Exec> matte(exec, s, remembered.matte), odds(exec, s);
        Buffer<uint8_t, Exec> active(exec, s, std::vector<uint8_t>(s.area(), 1));
        describe(remembered);
        memory.store(0, matte.view());
        describe(shown);
        const Similarity motion{{10, 8}, {17, 3}, 1.3f};
        CHECK(allocations_during([&] { memory.match({&motion, 1}, active.view(), odds.view()); }) == 0);
        const auto out = odds.download();

        const Cells query(shown), cells(remembered);
        REQUIRE(memory.grid() == Size{query.w, query.h});
        double worst = 0;
        for (int j = 0; j < query.h; ++j)
            for (int i = 0; i < query.w; ++i) {
                const double cx = ((2 + 4 * i - 10) * double(1.3f) + 17 - 2) / 4,
                             cy = ((2 + 4 * j - 8) * double(1.3f) + 3 - 2) / 4;
                const double want = reference(query, cells, remembered, i, j, cx, cy);
                worst = std::max(worst, std::abs(want - double(out[size_t((2 + 4 * j) * s.width + 2 + 4 * i)])));
            }
        CHECK(worst < 1e-3);  // 63 float products of numbers below 4, and the float rounding of the window's centre
    }
}

TEST_CASE("a frame that matches itself tells subject from background everywhere") {
    const Size s{80, 64};
    Scene scene(s, 7);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) scene.matte[size_t(y * s.width + x)] = x < 40;
    Cpu exec(2);
    PatchMemory memory(exec, s);
    memory.describe(host_view(scene.colour, s), host_view(scene.orientation, s));
    const Similarity motions[2];
    std::vector<uint8_t> active(s.area(), 1);
    std::vector<float> out(s.area());
    memory.store(0, host_view(scene.matte, s));
    CHECK_THROWS_AS(memory.match({motions, 2}, host_view(active, s), host_view(out, s)), Error);  // entry 1 is missing
    memory.store(1, host_view(scene.matte, s));
    CHECK(allocations_during([&] { memory.match({motions, 2}, host_view(active, s), host_view(out, s)); }) == 0);
    for (int y = 0; y < s.height; ++y)
        for (int x = 2; x < s.width; x += 4)
            if (std::abs(x - 40) > 4) CHECK((out[size_t(y * s.width + x)] > 0) == (x < 40));
    std::fill(active.begin(), active.end(), uint8_t(0));
    memory.match({motions, 2}, host_view(active, s), host_view(out, s));
    CHECK(worst_error(out, std::vector<double>(s.area())) == 0);
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE(
    "on the device two entries, cells that are not active and motions that point nowhere do as on the CPU", Exec,
    CUDA_EXECUTORS) {
    const Size s{61, 50};
    const Scene scene(s, 7), other(s, 70);
    std::vector<uint8_t> some(s.area(), 1);
    for (size_t i = 0; i < s.area(); ++i) some[i] = i % 61 < 40;
    const auto run = [&]<class On>(On& exec, float to) {
        OnExec<On> memory(exec, s);
        Buffer<Float4, On> colour(exec, s, scene.colour), orientation(exec, s, scene.orientation);
        Buffer<float, On> matte(exec, s, scene.matte), another(exec, s, other.matte), odds(exec, s);
        Buffer<uint8_t, On> active(exec, s, some);
        memory.describe(colour.view(), orientation.view());
        memory.store(0, matte.view()), memory.store(1, another.view());
        const Similarity motions[2] = {{{3, 4}, {to, 7}, .8f}, {}};
        memory.match({motions, 2}, active.view(), odds.view());
        return odds.download();
    };
    Cpu cpu;
    Exec exec;
    for (float to : {5.f, -1e5f, float(NAN)}) CHECK(worst_error(run(exec, to), run(cpu, to)) < 1e-3);
}
#endif

TEST_CASE("patch memory survives motions that point nowhere and refuses bad arguments") {
    const Size s{20, 20};
    const Scene scene(s, 3);
    Cpu exec(1);
    PatchMemory memory(exec, s, {.entries = 1});
    memory.describe(host_view(scene.colour, s), host_view(scene.orientation, s));
    memory.store(0, host_view(scene.matte, s));
    std::vector<uint8_t> active(s.area(), 1);
    std::vector<float> out(s.area());
    for (float bad : {NAN, INFINITY, 1e30f, -1e5f}) {
        const Similarity motion{{0, 0}, {bad, 0}, 1};
        memory.match({&motion, 1}, host_view(active, s), host_view(out, s));
        CHECK(worst_error(out, std::vector<double>(s.area())) == 0);
    }
    const Similarity motion;
    CHECK_THROWS_AS(memory.store(1, host_view(scene.matte, s)), Error);
    CHECK_THROWS_AS(memory.match({&motion, 0}, host_view(active, s), host_view(out, s)), Error);
    CHECK_THROWS_AS(PatchMemory(exec, s, {.window = 8}), Error);
    CHECK_THROWS_AS(PatchMemory(exec, s, {.stride = 0}), Error);
}
