#include "cinebokeh/pipeline/template_tracker.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// A textured disk over a textured background that the camera pans across.
struct Scene {
    Size size{160, 120};
    float x = 60, y = 55, radius = 24;
    int pan = 0;

    static uint8_t grain(int x, int y, unsigned seed) {
        unsigned h = unsigned(x / 3) * 2654435761u + unsigned(y / 3) * 40503u + seed * 977u;
        return uint8_t((h ^ (h >> 13)) * 2246822519u >> 24);
    }
    std::vector<Rgba8> frame() const {
        std::vector<Rgba8> out;
        for (int v = 0; v < size.height; ++v)
            for (int u = 0; u < size.width; ++u) {
                const int dx = u - int(x), dy = v - int(y);
                if (inside(u, v))
                    out.push_back({uint8_t(140 + grain(dx + 99, dy + 99, 1) / 4),
                                   uint8_t(60 + grain(dx + 99, dy + 99, 2) / 3), 40, 255});
                else
                    out.push_back(
                        {uint8_t(30 + grain(u + pan, v, 3) / 4), uint8_t(80 + grain(u + pan, v, 4) / 3), 120, 255});
            }
        return out;
    }
    bool inside(int u, int v) const {
        const float dx = float(u) - x, dy = float(v) - y;
        return dx * dx + dy * dy <= radius * radius;
    }
    std::vector<float> truth() const {
        std::vector<float> out;
        for (int v = 0; v < size.height; ++v)
            for (int u = 0; u < size.width; ++u) out.push_back(inside(u, v) ? 1.f : 0.f);
        return out;
    }
    double overlap_with(const std::vector<float>& matte) const {
        double both = 0, any = 0;
        for (int v = 0; v < size.height; ++v)
            for (int u = 0; u < size.width; ++u) {
                const bool a = matte[size_t(v * size.width + u)] > 0.5f, b = inside(u, v);
                both += a && b, any += a || b;
            }
        return both / any;
    }
};
const TemplateTrackerParams small = {.patch = {96, 72}, .template_side = 32, .bank = {.capacity = 4}};
}  // namespace

TEST_CASE("the template tracker follows a subject that moves faster than its margin") {
    Cpu exec;
    Scene scene;
    TemplateTracker<Cpu> tracker(exec, scene.size, small);
    std::vector<float> matte = scene.truth();
    tracker.start(host_view(scene.frame(), scene.size), host_view(matte, scene.size));
    for (int i = 0; i < 8; ++i) {
        scene.x += 6, scene.y -= 2, scene.pan += 3;
        REQUIRE(tracker.track(host_view(scene.frame(), scene.size), host_view(matte, scene.size)));
        CHECK(scene.overlap_with(matte) > 0.9);
        for (float v : matte) REQUIRE((v >= 0 && v <= 1));
    }
    CHECK(tracker.lost_frames() == 0);
}

TEST_CASE("a lost frame keeps the last believable matte and is counted, and the subject is found again") {
    Cpu exec;
    Scene scene;
    TemplateTracker<Cpu> tracker(exec, scene.size, small);
    std::vector<float> matte = scene.truth();
    tracker.start(host_view(scene.frame(), scene.size), host_view(matte, scene.size));
    REQUIRE(tracker.track(host_view(scene.frame(), scene.size), host_view(matte, scene.size)));
    const std::vector<float> last = matte;
    Scene hidden = scene;
    hidden.radius = 0;
    CHECK(!tracker.track(host_view(hidden.frame(), scene.size), host_view(matte, scene.size)));
    CHECK(matte == last);
    CHECK(tracker.lost_frames() == 1);
    scene.x += 12;
    CHECK(tracker.track(host_view(scene.frame(), scene.size), host_view(matte, scene.size)));
    CHECK(scene.overlap_with(matte) > 0.9);
}

TEST_CASE("the template tracker allocates nothing after its constructor and is the same with any number of threads") {
    Scene scene;
    std::vector<float> first;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        TemplateTracker<Cpu> tracker(exec, scene.size, small);
        const auto frame = scene.frame();
        std::vector<float> matte = scene.truth();
        CHECK(allocations_during([&] {
                  tracker.start(host_view(frame, scene.size), host_view(matte, scene.size));
                  tracker.track(host_view(frame, scene.size), host_view(matte, scene.size));
              }) == 0);
        if (first.empty()) first = matte;
        CHECK(matte == first);
    }
}

TEST_CASE("frames of one colour, tiny frames and mattes that touch every border do no harm") {
    Cpu exec;
    for (Size s : {Size{40, 30}, Size{7, 5}, Size{200, 3}}) {
        CAPTURE(s.width);
        TemplateTracker<Cpu> tracker(exec, s, small);
        std::vector<float> matte(s.area());
        for (size_t i = 0; i < matte.size() / 2; ++i) matte[i] = 1;
        const std::vector<Rgba8> grey(s.area(), Rgba8{90, 90, 90, 255});
        tracker.start(host_view(grey, s), host_view(matte, s));
        for (int i = 0; i < 3; ++i) tracker.track(host_view(grey, s), host_view(matte, s));
        for (float v : matte) CHECK((v >= 0 && v <= 1));
    }
}

TEST_CASE("the template tracker refuses wrong sizes, mattes of one side only, and tracking before the start") {
    Cpu exec;
    CHECK_THROWS_AS(TemplateTracker<Cpu>(exec, {0, 4}, small), Error);
    const Size s{40, 30};
    TemplateTracker<Cpu> tracker(exec, s, small);
    const std::vector<Rgba8> frame = noise_rgba(s);
    std::vector<float> matte(s.area());
    CHECK_THROWS_AS(tracker.track(host_view(frame, s), host_view(matte, s)), Error);
    CHECK_THROWS_AS(tracker.start(host_view(frame, s), host_view(matte, s)), Error);
    for (float& v : matte) v = NAN;
    CHECK_THROWS_AS(tracker.start(host_view(frame, s), host_view(matte, s)), Error);
    for (float& v : matte) v = 1;
    CHECK_THROWS_AS(tracker.start(host_view(frame, s), host_view(matte, s)), Error);
    CHECK_THROWS_AS(tracker.start(host_view(frame, {30, 40}), host_view(matte, s)), Error);
    for (size_t i = 0; i < 400; ++i) matte[i] = 0;
    tracker.start(host_view(frame, s), host_view(matte, s));
    CHECK_THROWS_AS(tracker.track(host_view(frame, s), host_view(matte, {30, 40})), Error);
}
