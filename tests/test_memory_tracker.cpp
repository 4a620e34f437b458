#include "cinebokeh/pipeline/memory_tracker.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// A textured disk that moves and grows over a textured background that pans. The truth is known.
struct Scene {
    Size size{160, 120};
    float scale = 1;  // of the picture, for smaller ones
    static float wave(float x, float y, float frequency, unsigned seed) {
        return std::sin(x * frequency + float(seed)) * std::cos(y * frequency * 1.3f + float(seed) * 2) +
               .5f * std::sin((x + y) * frequency * 2.7f + float(seed) * 5);
    }
    static Rgba8 paint(float x, float y, bool subject) {
        const float v = wave(x, y, .21f, subject ? 1 : 9), w = wave(x, y, .13f, subject ? 3 : 4);
        const auto level = [](float a) { return uint8_t(std::clamp(a, 0.f, 255.f)); };
        return subject ? Rgba8{level(170 + 50 * v), level(110 + 40 * w), level(80 + 30 * v), 255}
                       : Rgba8{level(90 + 40 * v), level(120 + 50 * w), level(140 - 40 * v), 255};
    }
    void frame(int t, std::vector<Rgba8>& image, std::vector<float>& matte, bool hidden = false) const {
        image.resize(size.area()), matte.resize(size.area());
        const float cx = scale * (55 + 2.2f * float(t)), cy = scale * (60 + 5 * std::sin(float(t) * .4f));
        const float r = scale * (24 + .3f * float(t));
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const bool inside = !hidden && std::hypot(float(x) - cx, float(y) - cy) < r;
                const size_t i = size_t(y * size.width + x);
                matte[i] = inside;
                image[i] = inside ? paint((float(x) - cx) * 24 / r, (float(y) - cy) * 24 / r, true)
                                  : paint(float(x) + .7f * float(t), float(y), false);
            }
    }
};
double jaccard(const std::vector<float>& a, const std::vector<float>& b) {
    double both = 0, either = 0;
    for (size_t i = 0; i < a.size(); ++i) both += a[i] > .5f && b[i] > .5f, either += a[i] > .5f || b[i] > .5f;
    return both / either;
}
}  // namespace

TEST_CASE("a moving, growing subject is followed; the result does not depend on the threads") {
    const Scene scene;
    std::vector<std::vector<float>> last;
    for (int threads : {1, 2}) {
        Cpu exec(threads);
        MemoryTracker<Cpu> tracker(exec, scene.size);
        std::vector<Rgba8> image;
        std::vector<float> truth, matte(scene.size.area());
        scene.frame(0, image, truth);
        tracker.start(host_view(std::as_const(image), scene.size), host_view(std::as_const(truth), scene.size));
        for (int t = 1; t < 16; ++t) {
            scene.frame(t, image, truth);
            bool found = false;
            const long allocations = allocations_during([&] {
                found = tracker.track(host_view(std::as_const(image), scene.size), host_view(matte, scene.size));
            });
            CHECK(allocations == 0);
            CHECK(found);
            // A ring of one pixel around a disk of radius 26 is 8 % of it: the outline is good to about a pixel.
            CHECK(jaccard(matte, truth) > .9);
            for (float alpha : matte) CHECK((alpha >= 0 && alpha <= 1));
        }
        last.push_back(matte);
    }
    CHECK(last[0] == last[1]);
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("the tracker on the device follows a subject", Exec, CUDA_EXECUTORS) {
    const Scene scene{{72, 54}, .45f};  // as small as the simulator is slow
    Exec exec;
    MemoryTracker<Exec> tracker(exec, scene.size, {.frozen_steps = 8, .online_steps = 1});
    std::vector<Rgba8> image;
    std::vector<float> truth;
    scene.frame(0, image, truth);
    Buffer<Rgba8, Exec> frame(exec, scene.size, image);
    Buffer<float, Exec> first(exec, scene.size, truth), matte(exec, scene.size);
    tracker.start(frame.view(), first.view());
    for (int t = 1; t < 3; ++t) {
        scene.frame(t, image, truth);
        frame.upload(image);
        bool found = false;
        CHECK(allocations_during([&] { found = tracker.track(frame.view(), matte.view()); }) == 0);
        CHECK(found);
        // A ring of one pixel around a disk of radius 11 is 17 % of it.
        CHECK(jaccard(matte.download(), truth) > .83);
    }
}
#endif

TEST_CASE("a subject that vanishes is lost, and found again where it comes back") {
    const Scene scene;
    Cpu exec(2);
    MemoryTracker<Cpu> tracker(exec, scene.size);
    std::vector<Rgba8> image;
    std::vector<float> truth, matte(scene.size.area()), before;
    scene.frame(0, image, truth);
    const auto frame = [&] { return host_view(std::as_const(image), scene.size); };
    tracker.start(frame(), host_view(std::as_const(truth), scene.size));
    for (int t = 1; t < 6; ++t) {
        scene.frame(t, image, truth);
        CHECK(tracker.track(frame(), host_view(matte, scene.size)));
    }
    before = matte;
    for (int t = 6; t < 10; ++t) {  // behind something
        scene.frame(t, image, truth, true);
        CHECK_FALSE(tracker.track(frame(), host_view(matte, scene.size)));
        CHECK(matte == before);
    }
    for (int t = 26; t < 30; ++t) {  // 45 pixels further: more than its radius
        scene.frame(t, image, truth);
        CHECK(tracker.track(frame(), host_view(matte, scene.size)));
    }
    CHECK(jaccard(matte, truth) > .9);
}

TEST_CASE("a new start forgets what was learned before") {
    const Scene scene;
    Cpu exec(2);
    std::vector<Rgba8> first, second;
    std::vector<float> truth, ignored, a(scene.size.area()), b(scene.size.area());
    scene.frame(0, first, truth), scene.frame(1, second, ignored);
    MemoryTracker<Cpu> used(exec, scene.size), fresh(exec, scene.size);
    const auto run = [&](MemoryTracker<Cpu>& tracker, std::vector<float>& matte) {
        tracker.start(host_view(std::as_const(first), scene.size), host_view(std::as_const(truth), scene.size));
        tracker.track(host_view(std::as_const(second), scene.size), host_view(matte, scene.size));
    };
    run(fresh, a);
    run(used, b), run(used, b);
    CHECK(a == b);
}

TEST_CASE("small frames are tracked, or refused where they hold too few samples of both sides") {
    for (Size s : {Size{1, 1}, Size{16, 3}, Size{7, 9}, Size{33, 25}}) {
        CAPTURE(s.width);
        Cpu exec(2);
        MemoryTracker<Cpu> tracker(exec, s);
        const auto image = noise_rgba(s);
        std::vector<float> matte(s.area()), out(s.area());
        for (size_t i = 0; i < matte.size() / 2; ++i) matte[i] = 1;
        const auto start = [&] { tracker.start(host_view(image, s), host_view(std::as_const(matte), s)); };
        if (s.area() < 4 * 20) {
            CHECK_THROWS_AS(start(), Error);  // a quarter of the pixels are samples, and each side needs ten
            continue;
        }
        start();
        for (int t = 0; t < 3; ++t) tracker.track(host_view(image, s), host_view(out, s));
        for (float alpha : out) CHECK((alpha >= 0 && alpha <= 1));
    }
}

TEST_CASE("the tracker refuses what it cannot track") {
    const Scene scene;
    Cpu exec(1);
    MemoryTracker<Cpu> tracker(exec, scene.size);
    std::vector<Rgba8> image;
    std::vector<float> truth;
    scene.frame(0, image, truth);
    std::vector<float> empty(scene.size.area()), full(scene.size.area(), 1.f), nan(scene.size.area(), NAN);
    const auto frame = host_view(std::as_const(image), scene.size);
    CHECK_THROWS_AS(tracker.track(frame, host_view(truth, scene.size)), Error);  // before start()
    for (const auto* bad : {&empty, &full, &nan})
        CHECK_THROWS_AS(tracker.start(frame, host_view(*bad, scene.size)), Error);
    CHECK_THROWS_AS(tracker.start(frame, host_view(std::as_const(truth), {160, 119})), Error);
    CHECK_THROWS_AS(MemoryTracker<Cpu>(exec, Size{0, 5}), Error);
}
