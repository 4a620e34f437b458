#include "cinebokeh/nn/rvm.hpp"

#include "rvm_random.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
const Weights& deep_weights() {
    static const Weights weights = random_rvm(RvmRefiner::deep_guided_filter);
    return weights;
}
const Weights& fast_weights() {
    static const Weights weights = random_rvm(RvmRefiner::fast_guided_filter);
    return weights;
}
template <class T>
std::vector<float> values_of(TensorView<const T, Cpu> t) {
    std::vector<float> values;
    for (int y = 0; y < t.shape.h; ++y)
        for (int x = 0; x < t.shape.w; ++x)
            for (int c = 0; c < t.shape.c; ++c) values.push_back(to_float(t(0, y, x, c)));
    return values;
}
double mean_error(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += std::abs(double(a[i]) - double(b[i]));
    return sum / double(a.size());
}

// A few frames of random blocks through a network; the alpha of the last.
template <class T, class Exec>
std::vector<float> run(Exec& exec, Rvm<T, Exec>& rvm, Size size, int frames, uint64_t seed = 2) {
    Random random(seed);
    Buffer<float, Exec> alpha(exec, size);
    for (int i = 0; i < frames; ++i) {
        Buffer<Rgba8, Exec> frame(exec, size, random_blocks(random, size));
        rvm(frame.view(), alpha.view());
    }
    return alpha.download();
}
struct GoldenRun {
    const char* name;
    Size size;
    double ratio;
};
const GoldenRun golden_runs[] = {{"whole", {44, 29}, 1}, {"refined", {92, 58}, 0.5}};
}  // namespace

TEST_CASE_TEMPLATE("the network is what PyTorch makes of its description", Exec, EXECUTORS) {
    const Weights golden = Weights::read((source_folder() / "tests/golden/rvm.safetensors").string());
    Exec exec;
    for (const GoldenRun& g : golden_runs) {
        CAPTURE(g.name);
        Rvm<float, Exec> rvm(exec, deep_weights(), g.size, {.downsample_ratio = g.ratio});
        Random random(2);
        const std::string name = g.name;
        const std::vector<size_t> shape{size_t(g.size.height), size_t(g.size.width)};
        Buffer<Rgba8, Exec> foreground(exec, g.size);
        for (int i = 0; i < 2; ++i) {
            Buffer<Rgba8, Exec> frame(exec, g.size, random_blocks(random, g.size));
            Buffer<float, Exec> alpha(exec, g.size);
            rvm(frame.view(), alpha.view(), foreground.view());
            // 1e-4: some 70 layers of float sums in another order, each 1e-7 of values around 1, weights of gain 2.
            CHECK(worst_error(alpha.download(), golden.floats(name + "." + std::to_string(i) + ".alpha", shape)) <=
                  1e-4);
        }
        const std::vector<float> expected = golden.floats(name + ".foreground", {shape[0], shape[1], 3});
        const std::vector<Rgba8> pixels = foreground.download();
        for (size_t i = 0; i < pixels.size(); ++i)
            for (int c = 0; c < 3; ++c)  // half a code of rounding, and that of the golden's 16-bit numbers
                REQUIRE(std::abs(float(pixels[i][c]) - 255 * expected[3 * i + size_t(c)]) <= 0.65f);
        if constexpr (std::is_same_v<Exec, Cpu>)
            for (int level = 1; level <= 4; ++level) {
                const auto state = rvm.state(level);
                const std::vector<size_t> sides{size_t(state.shape.h), size_t(state.shape.w), size_t(state.shape.c)};
                CHECK(worst_error(values_of<float>(state), golden.floats(name + ".r" + std::to_string(level), sides)) <=
                      1e-4);
            }
    }
}

TEST_CASE_TEMPLATE("16-bit storage stays close to float", Exec, EXECUTORS) {
    Cpu cpu;
    Exec exec;
    const Size size{92, 58};
    for (const Weights* weights : {&deep_weights(), &fast_weights()}) {
        Rvm<float, Cpu> exact(cpu, *weights, size, {.downsample_ratio = 0.5});
        Rvm<Half, Exec> half(exec, *weights, size, {.downsample_ratio = 0.5});
        Rvm<BFloat16, Exec> bfloat(exec, *weights, size, {.downsample_ratio = 0.5});
        const std::vector<float> reference = run(cpu, exact, size, 2);
        // Every layer rounds to 11 or 8 bits: errors of 2^-12 and 2^-9 of the values, which add up as a random walk
        // over some 70 layers of a network without training: a factor of about 10.
        CHECK(mean_error(run(exec, half, size, 2), reference) <= 10 * 0x1p-12);
        CHECK(mean_error(run(exec, bfloat, size, 2), reference) <= 10 * 0x1p-9);
    }
}

TEST_CASE_TEMPLATE("colour upsampling is that of alpha alone, and of smaller mattes alone", Exec, EXECUTORS) {
    const Size size{92, 58};
    Random random(2);
    const std::vector<Rgba8> pixels = random_blocks(random, size);
    Exec exec;
    const auto frame_through = [&](const Weights& weights, double ratio, RvmUpsampling upsampling,
                                   bool with_foreground) {
        Rvm<float, Exec> rvm(exec, weights, size, {.downsample_ratio = ratio, .upsampling = upsampling});
        Buffer<Rgba8, Exec> frame(exec, size, pixels), foreground(exec, size);
        Buffer<float, Exec> alpha(exec, size);
        rvm(frame.view(), alpha.view(), with_foreground ? foreground.view() : View<Rgba8, Exec>{});
        return std::pair(alpha.download(), foreground.download());
    };
    for (const Weights* weights : {&deep_weights(), &fast_weights()}) {
        const auto published = frame_through(*weights, 0.5, RvmUpsampling::published, true);
        const auto colour = frame_through(*weights, 0.5, RvmUpsampling::colour, true);
        CHECK(colour.second == published.second);
        CHECK(colour.first != published.first);
        CHECK(frame_through(*weights, 0.5, RvmUpsampling::colour, false).first == colour.first);
        CHECK(frame_through(*weights, 1, RvmUpsampling::colour, false).first ==
              frame_through(*weights, 1, RvmUpsampling::published, false).first);
    }
    // It is GuidedUpsampling of what the network makes of the small frame, which only ratios of 1 give away: there the
    // frame is the small one.
    const Size small = rvm_base_size(0.5, size);
    Buffer<Rgba8, Exec> frame(exec, size, pixels), reduced(exec, small);
    resize(exec, std::as_const(frame).view(), ResizeFilter::bilinear, reduced.view());
    Rvm<float, Exec> rvm(exec, fast_weights(), small, {.downsample_ratio = 1});
    Buffer<float, Exec> alpha(exec, small), expected(exec, size);
    rvm(std::as_const(reduced).view(), alpha.view());
    GuidedUpsampling<Exec> upsampling(exec, small);
    upsampling(std::as_const(alpha).view(), std::as_const(frame).view(), expected.view());
    // The small frame is rounded to codes here: half of 1/255, through a network of gain about 1.
    CHECK(mean_error(frame_through(fast_weights(), 0.5, RvmUpsampling::colour, false).first, expected.download()) <=
          0.5 / 255);
}

TEST_CASE("a block that expands a row at a time is its two convolutions") {
    Cpu exec(3);
    const detail::RvmReader reader(fast_weights());
    for (const int block : {2, 3, 4})  // 64 and 72 channels, filters of 3 and 5, strides of 1 and 2
        for (const Size size : {Size{1, 1}, Size{37, 61}, Size{16, 150}}) {
            CAPTURE(block);
            CAPTURE(size.width);
            const std::string prefix = "backbone.features." + std::to_string(block) + ".block.";
            const detail::ExpandDepthwiseRows<float> rows(exec, reader.layer(prefix + "0"),
                                                          reader.weights(prefix + "0"), reader.layer(prefix + "1"),
                                                          reader.weights(prefix + "1"), size);
            auto expand = reader.conv<float>(exec, prefix + "0", size);
            auto depthwise = reader.conv<float>(exec, prefix + "1", size);
            const Shape in = detail::shape_of(size, expand.params().in_channels), wide = expand.output_shape(in);
            TensorBuffer<float, Cpu> input(exec, in, noise(in.count(), -1, 1)), between(exec, wide);
            TensorBuffer<float, Cpu> expected(exec, depthwise.output_shape(wide)), out(exec, expected.shape());
            expand(input.view(), between.view());
            depthwise(between.view(), expected.view());
            rows(exec, input.view(), out.view());
            CHECK(worst_error(out.download(), expected.download()) == 0);  // the same operations in the same order
        }
}

TEST_CASE_TEMPLATE("frames of any size, down to one pixel", Exec, EXECUTORS) {
    Exec exec;
    for (const Weights* weights : {&deep_weights(), &fast_weights()})
        for (const double ratio : {1.0, 0.4}) {
            Rvm<float, Exec> rvm(exec, *weights, {19, 17}, {.downsample_ratio = ratio});
            for (const Size size : {Size{1, 1}, Size{7, 5}, Size{1, 17}, Size{19, 1}, Size{19, 17}}) {
                CAPTURE(size.width);
                const std::vector<float> alpha = run(exec, rvm, size, 1);
                CHECK(std::all_of(alpha.begin(), alpha.end(), [](float a) { return a >= 0 && a <= 1; }));
            }
        }
}

TEST_CASE("memory matters, and begins anew with reset and with another size") {
    Cpu exec;
    const Size size{40, 30}, other{32, 30};
    Rvm<float, Cpu> rvm(exec, fast_weights(), size), fresh(exec, fast_weights(), size);
    const std::vector<float> first = run(exec, fresh, size, 1);
    CHECK(run(exec, rvm, size, 1) == first);
    CHECK(run(exec, rvm, size, 1) != first);  // it remembers
    rvm.reset();
    CHECK(run(exec, rvm, size, 1) == first);
    run(exec, rvm, other, 1);
    CHECK(run(exec, rvm, size, 1) == first);
}

TEST_CASE("a frame allocates nothing, and does not depend on the threads") {
    const Size size{240, 130};  // large enough for its numbers to be long, where messages would be made of them
    Cpu one(1), three(3);
    Rvm<BFloat16, Cpu> by_one(one, deep_weights(), size, {.downsample_ratio = 0.5});
    Rvm<BFloat16, Cpu> by_three(three, deep_weights(), size, {.downsample_ratio = 0.5});
    CHECK(run(one, by_one, size, 2) == run(three, by_three, size, 2));
    Buffer<Rgba8, Cpu> frame(one, size, noise_rgba(size));
    Buffer<float, Cpu> alpha(one, size);
    CHECK(allocations_during([&] { by_three(frame.view(), alpha.view()); }) == 0);
}

TEST_CASE("the longer side of the base is 512 pixels unless a ratio is given") {
    const auto base = [](Size size, double ratio) {
        return rvm_base_size(rvm_downsample_ratio({.downsample_ratio = ratio}, size), size);
    };
    CHECK(base({1920, 1080}, 0) == Size{512, 288});
    CHECK(base({1080, 1920}, 0) == Size{288, 512});
    CHECK(base({512, 512}, 0) == Size{512, 512});
    CHECK(base({640, 360}, 0) == Size{512, 288});
    CHECK(base({100, 70}, 0) == Size{100, 70});
    CHECK(base({4000, 1}, 0) == Size{512, 1});
    CHECK(base({1024, 576}, 0.375) == Size{384, 216});
    CHECK(base({1000, 10}, 0.7) == Size{700, 7});
    for (int side = 512; side < 9000; ++side) REQUIRE(base({side, side / 2}, 0).width == 512);
}

TEST_CASE("the fast guided filter is the linear function of each window") {
    Cpu exec;
    const Size size{9, 7};
    const std::vector<float> g = noise(4 * size.area(), 0, 1, 1), t = noise(4 * size.area(), -1, 1, 2);
    std::vector<Float4> guide(size.area()), target(size.area()), a(7 * 5), b(7 * 5);
    for (size_t i = 0; i < 4 * size.area(); ++i) guide[i / 4][int(i % 4)] = g[i], target[i / 4][int(i % 4)] = t[i];
    for_each_pixel(exec, {7, 5},
                   detail::RvmFastCoefficients<HostSpace>{host_view(std::as_const(guide), size),
                                                          host_view(std::as_const(target), size), host_view(a, {7, 5}),
                                                          host_view(b, {7, 5})});
    for (int y = 0; y < 5; ++y)
        for (int x = 0; x < 7; ++x)
            for (int c = 0; c < 4; ++c) {
                double mx = 0, my = 0, xy = 0, xx = 0;
                for (int v = 0; v < 3; ++v)
                    for (int u = 0; u < 3; ++u) {
                        const size_t i = size_t((y + v) * 9 + x + u);
                        const double px = guide[i][c], py = target[i][c];
                        mx += px / 9, my += py / 9, xy += px * py / 9, xx += px * px / 9;
                    }
                const double slope = (xy - mx * my) / (xx - mx * mx + 1e-5);
                CHECK(std::abs(double(a[size_t(7 * y + x)][c]) - slope) <= 1e-4);  // 9 terms over a variance above .01
                CHECK(std::abs(double(b[size_t(7 * y + x)][c]) - (my - slope * mx)) <= 1e-4);
            }
}

TEST_CASE("weights that are incomplete, of another shape or network, or damaged are refused by name") {
    Cpu exec;
    const auto problem = [&](const Weights& weights) -> std::string {
        try {
            Rvm<float, Cpu>(exec, weights, {8, 8});
            return "";
        } catch (const Error& error) {
            return error.what();
        }
    };
    // A copy in which one tensor is left out, or replaced.
    const auto changed = [&](const std::string& name, const std::vector<size_t>& shape, float value) {
        Weights weights;
        for (const char* key : {"architecture", "refiner", "input_range", "mean", "std"})
            weights.set_metadata(key, fast_weights().metadata(key));
        for (const WeightTensor& t : fast_weights().tensors())
            if (t.name != name) weights.add(t.name, t.shape, fast_weights().floats(t.name, t.shape));
        size_t count = 1;
        for (const size_t side : shape) count *= side;
        if (!shape.empty()) weights.add(name, shape, std::vector<float>(count, value));
        return weights;
    };
    const std::string bias = "decoder.decode2.gru.hh.0.bias";
    CHECK(problem(changed(bias, {20}, 0)) == "");
    CHECK(problem(changed(bias, {}, 0)).find("'" + bias + "': is missing") != std::string::npos);
    CHECK(problem(changed(bias, {21}, 0)).find("'" + bias + "': its shape is [21]") != std::string::npos);
    CHECK(problem(changed(bias, {20}, INFINITY)).find("'" + bias + "': value 0 is not finite") != std::string::npos);
    for (const char* key : {"architecture", "refiner", "input_range", "mean", "std"}) {
        Weights weights = changed(bias, {20}, 0);
        weights.set_metadata(key, "0 0");
        CHECK(problem(weights) != "");
    }
}

TEST_CASE("sizes and ratios that do not fit are refused") {
    Cpu exec;
    CHECK_THROWS_AS((Rvm<float, Cpu>(exec, fast_weights(), {0, 8})), Error);
    for (const double ratio : {-0.5, 1.5, double(NAN)})
        CHECK_THROWS_AS((Rvm<float, Cpu>(exec, fast_weights(), {8, 8}, {.downsample_ratio = ratio})), Error);
    Rvm<float, Cpu> rvm(exec, fast_weights(), {8, 8});
    Buffer<Rgba8, Cpu> frame(exec, {8, 8}), larger(exec, {9, 8}), empty(exec, {0, 0});
    Buffer<float, Cpu> alpha(exec, {8, 8}), large(exec, {9, 8}), none(exec, {0, 0});
    CHECK_THROWS_AS(rvm(frame.view(), large.view()), Error);
    CHECK_THROWS_AS(rvm(larger.view(), large.view()), Error);
    CHECK_THROWS_AS(rvm(empty.view(), none.view()), Error);
    CHECK_THROWS_AS(rvm(frame.view(), alpha.view(), larger.view()), Error);
    CHECK_THROWS_AS(rvm.state(0), Error);
}
