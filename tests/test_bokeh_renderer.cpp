#include "cinebokeh/pipeline/bokeh_renderer.hpp"

#include <utility>

#include "bokeh_support.hpp"

using namespace cinebokeh;

namespace {
constexpr BokehMethod methods[] = {BokehMethod::layered, BokehMethod::exact, BokehMethod::bucketed,
                                   BokehMethod::fixed_layers, BokehMethod::plain_scatter};
constexpr float max_radius = 6;

// Renders with a disparity, a matte or both (empty: not given), then once more in place.
template <class Exec>
std::vector<Rgba8> render(Size s, const std::vector<Rgba8>& frame, const std::vector<float>& disparity,
                          const std::vector<float>& matte, Focus focus, BokehMethod method) {
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, s, frame), out(exec, s);
    Buffer<float, Exec> d, m;
    BokehInput<Exec> input{in.view()};
    if (!disparity.empty()) d = Buffer<float, Exec>(exec, s, disparity), input.disparity = d.view();
    if (!matte.empty()) m = Buffer<float, Exec>(exec, s, matte), input.matte = m.view();
    BokehRenderer<Exec> renderer(exec, s, {.method = method, .max_radius = max_radius});
    renderer(input, focus, out.view());
    const auto result = out.download();
    renderer(input, focus, in.view());
    CHECK(in.download() == result);
    return result;
}
}  // namespace

TEST_CASE_TEMPLATE("a strength of 0 gives the frame bit for bit, whatever the disparity", Exec, EXECUTORS) {
    const Size s{35, 22};
    const auto frame = noise_rgba(s);
    auto disparity = noise(s, -2, 2);
    disparity[3] = NAN, disparity[60] = INFINITY, disparity[99] = -INFINITY;
    for (BokehMethod method : methods) {
        CAPTURE(int(method));
        CHECK(render<Exec>(s, frame, disparity, {}, {0, 0.5f}, method) == frame);
        CHECK(render<Exec>(s, frame, disparity, noise(s, 0, 1), {0, 0.5f}, method) == frame);
        CHECK(render<Exec>(s, frame, {}, noise(s, 0, 1), {0, 0.5f}, method) == frame);
    }
}

TEST_CASE_TEMPLATE("a constant image stays as it is under any disparity", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{1, 23}, Size{23, 1}, Size{41, 29}}) {
        const std::vector<Rgba8> frame(s.area(), Rgba8{200, 30, 3, 77});
        auto disparity = noise(s, -0.5f, 1.5f);
        disparity[s.area() / 2] = NAN, disparity[s.area() / 3] = INFINITY;
        for (BokehMethod method : methods) {
            CAPTURE(s.width);
            CAPTURE(int(method));
            CHECK(furthest(render<Exec>(s, frame, disparity, {}, {8, 0.5f}, method), frame) == 0);
            CHECK(furthest(render<Exec>(s, frame, disparity, noise(s, -0.5f, 1.5f), {8, 0.5f}, method), frame) == 0);
            CHECK(furthest(render<Exec>(s, frame, {}, noise(s, -0.5f, 1.5f), {8, 0.9f}, method), frame) == 0);
        }
    }
}

TEST_CASE_TEMPLATE("every method blurs what is out of focus and leaves what is in focus", Exec, EXECUTORS) {
    const Size s{64, 32};
    std::vector<Rgba8> frame(s.area());
    std::vector<float> disparity(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {  // stripes; the left half is in focus
            const size_t i = size_t(y * s.width + x);
            const uint8_t v = x % 4 < 2 ? 220 : 40;
            frame[i] = {v, v, v, 255};
            disparity[i] = x < 32 ? 1.f : 0.f;
        }
    for (BokehMethod method : methods) {
        CAPTURE(int(method));
        const auto out = render<Exec>(s, frame, disparity, {}, {6, 1}, method);
        const auto contrast = [&](int x0) {
            int low = 255, high = 0;
            for (int x = x0; x < x0 + 8; ++x) {
                const int v = out[size_t(16 * s.width + x)][0];
                low = std::min(low, v), high = std::max(high, v);
            }
            return high - low;
        };
        CHECK(contrast(8) >= 175);  // of 180: the plain scatter spreads even a sharp pixel a little
        CHECK(contrast(46) <= 60);
    }
}

TEST_CASE("with a matte alone, subject and background are two planes") {
    const Size s{48, 40};
    const auto matte = disk_matte(s, 11);
    std::vector<Float4> light(s.area());  // a dark subject on a light background: codes 20 and 230
    for (size_t i = 0; i < s.area(); ++i) {
        const float v = 0.00699f * matte[i] + 0.7913f * (1 - matte[i]);
        light[i] = {v, v, v, 1};
    }
    Cpu exec;
    std::vector<Rgba8> frame(s.area());
    linear_to_srgb<Cpu>(exec, host_view(std::as_const(light), s), host_view(frame, s));
    const auto sharp = render<Cpu>(s, frame, {}, matte, {6, 1}, BokehMethod::layered);
    for (size_t i = 0; i < s.area(); ++i)
        if (matte[i] == 1 || matte[i] == 0) CHECK(std::abs(int(sharp[i][0]) - int(frame[i][0])) <= 1);
    const auto blurred = render<Cpu>(s, frame, {}, matte, {6, 0}, BokehMethod::layered);
    const auto at = [&](int x) { return int(blurred[size_t(20 * s.width + x)][0]); };
    CHECK(at(24) == doctest::Approx(20).epsilon(0.1));  // all subject within the radius
    CHECK(at(24 + 11) > 60);                            // its edge is translucent
    CHECK(at(24 + 11) < 220);
    CHECK(at(24 + 19) == 230);  // out of its reach
}

TEST_CASE_TEMPLATE("a hand that the disparity takes for background stays sharp where the matte knows better", Exec,
                   EXECUTORS) {
    const Size s{64, 48};
    const auto frame = noise_rgba(s);
    const auto matte = disk_matte(s, 16);
    std::vector<float> disparity(s.area());
    const auto is_hand = [&](size_t i) { return matte[i] == 1 && i % size_t(s.width) > 40; };
    for (size_t i = 0; i < s.area(); ++i) disparity[i] = matte[i] >= 0.5f && !is_hand(i) ? 0.8f : 0.1f;
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, s, frame), out(exec, s);
    Buffer<float, Exec> d(exec, s, disparity), m(exec, s, matte);
    for (BokehMethod method : {BokehMethod::layered, BokehMethod::exact}) {
        BokehRenderer<Exec> renderer(exec, s, {.method = method, .max_radius = max_radius});
        for (const bool known : {false, true}) {
            CAPTURE(int(method));
            BokehInput<Exec> input{in.view(), d.view(), m.view()};
            if (known) input.subject = 0.8f;
            renderer(input, {8, 0.8f}, out.view());
            const auto result = out.download();
            int worst = 0;
            for (size_t i = 0; i < s.area(); ++i)
                if (is_hand(i)) worst = std::max(worst, std::abs(int(result[i][0]) - int(frame[i][0])));
            CHECK((known ? worst <= 1 : worst > 50));
        }
    }
}

TEST_CASE("the renderer allocates nothing, ignores the number of threads and refuses bad input") {
    const Size s{40, 30};
    for (BokehMethod method : methods) {
        std::vector<std::vector<Rgba8>> results;
        for (int threads : {1, 3}) {
            Cpu exec(threads);
            Buffer<Rgba8, Cpu> frame(exec, s, noise_rgba(s)), out(exec, s);
            Buffer<float, Cpu> disparity(exec, s, noise(s, 0, 1)), matte(exec, s, disk_matte(s, 9));
            BokehRenderer<Cpu> renderer(exec, s, {.method = method, .max_radius = max_radius});
            CHECK(allocations_during([&] {
                      renderer({frame.view(), disparity.view()}, {5, 0.2f}, out.view());
                      renderer({frame.view(), {}, matte.view()}, {7, 0.4f}, out.view());
                      renderer({frame.view(), disparity.view(), matte.view()}, {50, 0.6f}, out.view());
                  }) == 0);
            results.push_back(out.download());
        }
        CHECK(results[0] == results[1]);
    }
    Cpu exec;
    Buffer<Rgba8, Cpu> frame(exec, s), small(exec, {4, 4});
    Buffer<float, Cpu> disparity(exec, s), other(exec, {4, 4});
    using Renderer = BokehRenderer<Cpu>;
    CHECK_THROWS_AS(Renderer(exec, Size{0, 4}), Error);
    CHECK_THROWS_AS(Renderer(exec, s, {.max_radius = 0.5f}), Error);
    CHECK_THROWS_AS(Renderer(exec, s, {.max_radius = 201}), Error);
    const ApertureImage picture{{2, 1}, {1, 0}}, black{{2, 1}, {0, 0}};
    CHECK_NOTHROW(Renderer(exec, s, {.picture = picture}));
    CHECK_THROWS_AS(Renderer(exec, s, {.picture = black}), Error);
    CHECK_THROWS_AS(Renderer(exec, s, {.highlights = {.gain = 0}}), Error);
    for (BokehMethod method : methods)
        if (method != BokehMethod::layered)
            CHECK_THROWS_AS(Renderer(exec, s, {.method = method, .picture = picture}), Error);
    Renderer renderer(exec, s, {.max_radius = 4});
    CHECK_THROWS_AS(renderer({frame.view()}, {1, 0}, frame.view()), Error);
    CHECK_THROWS_AS(renderer({frame.view(), other.view()}, {1, 0}, frame.view()), Error);
    CHECK_THROWS_AS(renderer({frame.view(), {}, other.view()}, {1, 0}, frame.view()), Error);
    CHECK_THROWS_AS(renderer({frame.view(), disparity.view()}, {1, 0}, small.view()), Error);
    CHECK_THROWS_AS(renderer({frame.view(), disparity.view()}, {-1, 0}, frame.view()), Error);
    CHECK_THROWS_AS(renderer({frame.view(), disparity.view()}, {1, NAN}, frame.view()), Error);
}

TEST_CASE_TEMPLATE("exact renders linear light as it renders a frame, and lamps brighter with highlights", Exec,
                   EXECUTORS) {
    const Size s{40, 31};
    std::vector<Rgba8> frame(s.area(), Rgba8{30, 40, 50, 255});
    frame[15 * 40 + 20] = {255, 255, 255, 255};
    std::vector<float> disparity(s.area(), 0.f);
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, s, frame), out(exec, s);
    Buffer<Float4, Exec> linear(exec, s);
    Buffer<float, Exec> map(exec, s, disparity);
    int last = 40;
    for (float gain : {1.f, 8.f, 50.f}) {
        BokehRenderer<Exec> renderer(exec, s,
                                     {.method = BokehMethod::exact, .max_radius = 4, .highlights = {.gain = gain}});
        const Focus focus{4, 1};
        renderer({in.view(), map.view()}, focus, out.view());
        srgb_to_linear<Exec>(exec, in.view(), linear.view());
        renderer.render_linear(linear.view(), {{}, map.view()}, focus, linear.view());
        Buffer<Rgba8, Exec> encoded(exec, s);
        linear_to_srgb<Exec>(exec, linear.view(), encoded.view());
        CHECK(encoded.download() == out.download());
        const int lit = out.download()[15 * 40 + 22][1];
        CHECK(lit > last + 10);  // within the disk of the lamp
        last = lit;
        CHECK(out.download()[0] == frame[0]);
    }
    BokehRenderer<Exec> layered(exec, s, {.max_radius = 4});
    CHECK_THROWS_AS(layered.render_linear(linear.view(), {{}, map.view()}, {1, 0}, linear.view()), Error);
}
