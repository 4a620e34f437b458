#include "cinebokeh/disparity_snap.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
constexpr Size size{96, 72};
float from_centre(int x, int y) { return std::hypot(float(x - 48), float(y - 36)); }
}  // namespace

TEST_CASE_TEMPLATE("where matte and disparity disagree the matte is believed", Exec, EXECUTORS) {
    std::vector<float> matte(size.area()), disparity(size.area());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const size_t i = size_t(y * size.width + x);
            matte[i] = clamp(20.5f - from_centre(x, y), 0.f, 1.f);
            const bool hand = x > 58 && y > 30 && y < 42;  // of the subject, taken for background
            const bool spill = from_centre(x, y) < 22;     // of the subject's depth, over its outline
            disparity[i] = spill && !hand ? 0.8f : 0.2f;
        }
    disparity[36 * 96 + 48] = NAN, disparity[5] = INFINITY;
    Exec exec;
    Buffer<float, Exec> d(exec, size, disparity), m(exec, size, matte), subject(exec, size), background(exec, size);
    DisparitySnap<Exec> snap(exec, size);
    snap(d.view(), m.view(), 0.8f, subject.view(), background.view());
    const auto s = subject.download(), b = background.download();
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const size_t i = size_t(y * size.width + x);
            // Each has one disparity, so the means are that, up to the rounding of a few hundred additions.
            if (matte[i] > 0) CHECK(std::abs(s[i] - 0.8f) <= 1e-4f);
            if (matte[i] < 1 && i != 5) CHECK(std::abs(b[i] - 0.2f) <= 1e-4f);
            if (matte[i] == 0 && from_centre(x, y) > 40 && i != 5) CHECK(b[i] == disparity[i]);
        }
}

TEST_CASE_TEMPLATE("there is no seam where a smooth map turns wrong within the subject", Exec, EXECUTORS) {
    std::vector<float> disparity(size.area()), outline(size.area());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const size_t i = size_t(y * size.width + x);
            outline[i] = y >= 30 && y < 44;
            disparity[i] =
                outline[i] == 1 ? 0.8f - 0.6f * clamp(float(x - 47) / 6, 0.f, 1.f) : 0.2f;  // wrong from 53 on
        }
    Exec exec;
    Buffer<float, Exec> d(exec, size, disparity), m(exec, size, outline), subject(exec, size), background(exec, size);
    DisparitySnap<Exec> snap(exec, size);
    snap(d.view(), m.view(), 0.8f, subject.view(), background.view());
    const auto s = subject.download();
    // At most a step of the ramp remains.
    for (size_t i = 0; i < size.area(); ++i)
        if (outline[i] == 1) CHECK(s[i] >= 0.8f - 0.6f / 6);
}

TEST_CASE_TEMPLATE("what stands beside the subject, between it and the background, keeps its own disparity", Exec,
                   EXECUTORS) {
    std::vector<float> matte(size.area()), disparity(size.area());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const size_t i = size_t(y * size.width + x);
            matte[i] = x < 40;
            disparity[i] = x < 40 ? 0.8f : x < 46 && y < 36 ? 0.55f : 0.2f;
        }
    Exec exec;
    Buffer<float, Exec> d(exec, size, disparity), m(exec, size, matte), subject(exec, size), background(exec, size);
    DisparitySnap<Exec> snap(exec, size);
    snap(d.view(), m.view(), 0.8f, subject.view(), background.view());
    const auto s = subject.download(), b = background.download();
    for (size_t i = 0; i < size.area(); ++i) CHECK((matte[i] == 1 ? s[i] : b[i]) == disparity[i]);
}

TEST_CASE_TEMPLATE("what is behind a subject that stands behind something keeps its own disparity", Exec, EXECUTORS) {
    std::vector<float> matte(size.area()), disparity(size.area());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const size_t i = size_t(y * size.width + x);
            matte[i] = x < 40 && y < 36;
            disparity[i] = y >= 36 ? 0.9f : x < 40 ? 0.2f : 0.1f;  // a hedge before a person before a wall
        }
    Exec exec;
    Buffer<float, Exec> d(exec, size, disparity), m(exec, size, matte), subject(exec, size), background(exec, size);
    DisparitySnap<Exec> snap(exec, size);
    snap(d.view(), m.view(), 0.2f, subject.view(), background.view());
    const auto s = subject.download(), b = background.download();
    for (size_t i = 0; i < size.area(); ++i) CHECK((matte[i] == 1 ? s[i] : b[i]) == disparity[i]);
}

TEST_CASE("a map that agrees with its matte is kept bit for bit, and plans refuse bad input") {
    std::vector<float> matte(size.area()), disparity = noise(size, 0, 0.12f);  // less than an eighth
    for (size_t i = 0; i < size.area(); ++i) {
        matte[i] = from_centre(int(i) % size.width, int(i) / size.width) < 20 ? 1.f : 0.f;
        disparity[i] += matte[i];
    }
    Cpu exec;
    Buffer<float, Cpu> d(exec, size, disparity), m(exec, size, matte), subject(exec, size), background(exec, size),
        small(exec, {5, 5});
    DisparitySnap<Cpu> snap(exec, size);
    CHECK(allocations_during([&] { snap(d.view(), m.view(), 1.06f, subject.view(), background.view()); }) == 0);
    const auto s = subject.download(), b = background.download();
    for (size_t i = 0; i < size.area(); ++i) CHECK((matte[i] == 1 ? s[i] : b[i]) == disparity[i]);

    m.upload(std::vector<float>(size.area(), 0.f));  // no subject, no background: whatever is left is finite
    snap(d.view(), m.view(), 0.5f, subject.view(), background.view());
    CHECK(background.download() == disparity);
    CHECK(subject.download()[0] == 0.5f);
    CHECK_THROWS_AS(snap(d.view(), m.view(), NAN, subject.view(), background.view()), Error);
    CHECK_THROWS_AS(snap(d.view(), small.view(), 1, subject.view(), background.view()), Error);
    CHECK_THROWS_AS(snap(d.view(), m.view(), 1, d.view(), background.view()), Error);
    CHECK_THROWS_AS(DisparitySnap<Cpu>(exec, Size{-1, 4}), Error);
}
