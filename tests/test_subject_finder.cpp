#include "cinebokeh/pipeline/subject_finder.hpp"

#include <functional>

#include "support.hpp"

using namespace cinebokeh;

namespace {
constexpr Size frame_size{160, 120};
constexpr SubjectFinderParams small = {.superpixels = {.superpixels = 200}};

bool in_disk(int x, int y, int cx, int cy, int r) { return (x - cx) * (x - cx) + (y - cy) * (y - cy) < r * r; }
// A head and shoulders that rise from the bottom.
bool is_person(int x, int y) { return in_disk(x, y, 80, 45, 18) || (y > 62 && std::abs(x - 80) < 15 + (y - 62) / 2); }

// Noisy colours on each side of `inside`, and a background that changes from left to right.
std::vector<Rgba8> scene(const std::function<bool(int, int)>& inside) {
    std::vector<Rgba8> pixels = noise_rgba(frame_size);
    for (int y = 0; y < frame_size.height; ++y)
        for (int x = 0; x < frame_size.width; ++x) {
            Rgba8& p = pixels[size_t(y) * frame_size.width + x];
            const Rgba8 n = p;
            p = inside(x, y)
                    ? Rgba8{uint8_t(170 + n[0] % 16), uint8_t(90 + n[1] % 16), uint8_t(70 + n[2] % 16), 255}
                    : Rgba8{uint8_t(60 + n[0] % 16), uint8_t(80 + x / 4 + n[1] % 16), uint8_t(100 + n[2] % 16), 255};
        }
    return pixels;
}
double iou(const std::vector<float>& matte, const std::function<bool(int, int)>& inside) {
    double both = 0, either = 0;
    for (int i = 0; i < int(matte.size()); ++i) {
        const bool found = matte[i] > 0.5f, there = inside(i % frame_size.width, i / frame_size.width);
        both += found && there, either += found || there;
    }
    return both / either;
}
bool in_range(const std::vector<float>& matte) {
    for (float v : matte)
        if (!(v >= 0 && v <= 1)) return false;
    return true;
}

struct Fixture {
    Cpu exec;
    SubjectFinder finder{exec, frame_size, small};
    Buffer<float, Cpu> matte{exec, frame_size};
    std::vector<uint8_t> scribbles = std::vector<uint8_t>(frame_size.area(), 0);

    void mark(int cx, int cy, int r, uint8_t label) {
        for (int y = 0; y < frame_size.height; ++y)
            for (int x = 0; x < frame_size.width; ++x)
                if (in_disk(x, y, cx, cy, r)) scribbles[size_t(y) * frame_size.width + x] = label;
    }
    float at(int x, int y) { return matte.view()(x, y); }
};
}  // namespace

TEST_CASE_FIXTURE(Fixture, "a person before a plain background is found without scribbles") {
    const auto frame = scene(is_person);
    finder.find_auto(host_view(frame, frame_size), matte.view());
    CHECK(iou(matte.download(), is_person) >= 0.97);  // the outline is 250 pixels long: half a pixel off is 0.97
    CHECK(in_range(matte.download()));
}

TEST_CASE_FIXTURE(Fixture, "ground that leads to the sides of the frame is not taken for the subject") {
    const auto ground = [](int x, int y) { return y > 90 && !is_person(x, y); };
    auto frame = scene(is_person);
    for (int y = 0; y < frame_size.height; ++y)
        for (int x = 0; x < frame_size.width; ++x)
            if (ground(x, y)) frame[size_t(y) * frame_size.width + x] = {120, 120, uint8_t(110 + (x + y) % 9), 255};
    finder.find_auto(host_view(frame, frame_size), matte.view());
    CHECK(iou(matte.download(), is_person) >= 0.95);
}

TEST_CASE_FIXTURE(Fixture, "scribbles choose between two objects of one colour") {
    const auto left = [](int x, int y) { return in_disk(x, y, 45, 60, 22); };
    const auto both = [&](int x, int y) { return left(x, y) || in_disk(x, y, 115, 60, 22); };
    const auto frame = scene(both);
    mark(45, 60, 6, 1), mark(80, 15, 6, 2);
    finder.find(host_view(frame, frame_size), host_view(scribbles, frame_size), matte.view());
    CHECK(iou(matte.download(), left) >= 0.95);  // the other object has no seed, though its colour is the subject's

    std::fill(scribbles.begin(), scribbles.end(), 0);
    mark(115, 60, 6, 1);
    finder.refine(host_view(frame, frame_size), host_view(scribbles, frame_size), matte.view());
    CHECK(iou(matte.download(), both) >= 0.95);  // the seeds of the first call still hold

    std::fill(scribbles.begin(), scribbles.end(), 0);
    mark(45, 60, 12, 2);
    finder.refine(host_view(frame, frame_size), host_view(scribbles, frame_size), matte.view());
    CHECK(at(45, 60) == 0);
    CHECK(at(115, 60) == 1);  // the newest win, the others stay
}

TEST_CASE_FIXTURE(Fixture, "scribbled pixels keep their side exactly") {
    const auto frame = scene(is_person);
    mark(80, 100, 5, 1), mark(20, 20, 5, 2), mark(100, 112, 2, 2), mark(30, 110, 2, 1);  // the last two are wrong
    finder.find(host_view(frame, frame_size), host_view(scribbles, frame_size), matte.view());
    const auto result = matte.download();
    for (size_t i = 0; i < result.size(); ++i) {
        if (scribbles[i] == 1) CHECK(result[i] == 1.f);
        if (scribbles[i] == 2) CHECK(result[i] == 0.f);
    }
}

TEST_CASE_FIXTURE(Fixture, "a frame without contrast gives a guess in the middle, never nothing and never all") {
    for (uint8_t grey : {uint8_t(0), uint8_t(128), uint8_t(255)}) {
        const std::vector<Rgba8> frame(frame_size.area(), Rgba8{grey, grey, grey, 255});
        finder.find_auto(host_view(frame, frame_size), matte.view());
        CHECK(in_range(matte.download()));
        const auto result = matte.download();
        const auto subject = std::count_if(result.begin(), result.end(), [](float v) { return v > 0.5f; });
        CHECK(subject > 0);
        CHECK(subject < int(frame_size.area()));
        CHECK(at(0, 0) == 0);
        CHECK(at(159, 0) == 0);
    }
}

TEST_CASE_FIXTURE(Fixture, "finding again gives the same matte, whatever came between, on any number of threads") {
    const auto frame = scene(is_person), other = scene([](int x, int y) { return in_disk(x, y, 80, 100, 15); });
    finder.find_auto(host_view(frame, frame_size), matte.view());
    const auto first = matte.download();
    mark(80, 100, 5, 1), mark(20, 20, 5, 2);
    finder.find(host_view(other, frame_size), host_view(scribbles, frame_size), matte.view());
    finder.find_auto(host_view(frame, frame_size), matte.view());
    CHECK(matte.download() == first);
    Cpu three(3);
    SubjectFinder again(three, frame_size, small);
    again.find_auto(host_view(frame, frame_size), matte.view());
    CHECK(matte.download() == first);
}

TEST_CASE("frames of one pixel, one row and odd sizes have a matte") {
    Cpu exec;
    for (Size size : {Size{1, 1}, Size{64, 1}, Size{1, 64}, Size{33, 17}}) {
        CAPTURE(size.width);
        SubjectFinder finder(exec, size);
        Buffer<float, Cpu> matte(exec, size);
        const auto frame = noise_rgba(size);
        finder.find_auto(host_view(frame, size), matte.view());
        CHECK(in_range(matte.download()));
    }
}

TEST_CASE_FIXTURE(Fixture, "the subject finder allocates nothing while it finds") {
    const auto frame = scene(is_person);
    mark(80, 100, 5, 1), mark(20, 20, 5, 2);
    CHECK(allocations_during([&] { finder.find_auto(host_view(frame, frame_size), matte.view()); }) == 0);
    CHECK(allocations_during(
              [&] { finder.find(host_view(frame, frame_size), host_view(scribbles, frame_size), matte.view()); }) == 0);
}

TEST_CASE_FIXTURE(Fixture, "the subject finder refuses wrong sizes, missing scribbles and calls out of order") {
    const auto frame = scene(is_person);
    const auto view = host_view(frame, frame_size);
    const auto find = [&] { finder.find(view, host_view(scribbles, frame_size), matte.view()); };
    CHECK_THROWS_AS(finder.refine(view, host_view(scribbles, frame_size), matte.view()), Error);
    CHECK_THROWS_AS(find(), Error);
    mark(80, 100, 5, 1);
    CHECK_THROWS_AS(find(), Error);
    mark(20, 20, 5, 2);
    find();
    scribbles[7] = 3;
    CHECK_THROWS_AS(find(), Error);
    Buffer<float, Cpu> wrong(exec, {160, 119});
    CHECK_THROWS_AS(finder.find_auto(view, wrong.view()), Error);
    CHECK_THROWS_AS(SubjectFinder(exec, {0, 4}), Error);
    CHECK_THROWS_AS(SubjectFinder(exec, {4, 4}, {.smoothness = NAN}), Error);
    CHECK_THROWS_AS(SubjectFinder(exec, {4, 4}, {.rounds = 0}), Error);
}
