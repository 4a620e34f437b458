#include "cinebokeh/template_bank.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
struct Picture {
    Size size;
    std::vector<Rgba8> pixels;
    HostImage<const Rgba8> view() const { return {pixels.data(), size}; }
    HostImage<const Rgba8> crop(int x, int y, Size s) const { return view().crop(x, y, s); }
};
Picture noise_picture(Size s, unsigned seed) { return {s, noise_rgba(s, seed)}; }
std::vector<float> full_matte(Size s) { return std::vector<float>(s.area(), 1.f); }
std::vector<uint8_t> luma_of(const Picture& picture) {
    Cpu exec;
    std::vector<uint8_t> out(picture.size.area());
    luma<Cpu>(exec, picture.view(), host_view(out, picture.size));
    return out;
}
}  // namespace

TEST_CASE("a bank finds the template that was cut out of the patch, at its place") {
    Cpu exec;
    const Picture patch = noise_picture({64, 48}, 1);
    TemplateBank<Cpu> bank(exec, patch.size, {30, 30}, {.capacity = 4});
    bank.clear(1);
    const Size part{14, 11};
    const std::vector<float> matte = full_matte(part);
    CHECK(bank.match(host_view(luma_of(patch), patch.size)).slot == -1);
    CHECK(bank.add(noise_picture(part, 2).view(), host_view(matte, part)));
    CHECK(bank.add(patch.crop(33, 20, part), host_view(matte, part)));
    CHECK(bank.add(noise_picture(part, 3).view(), host_view(matte, part)));
    CHECK(bank.count() == 3);
    CHECK(bank.newest() == 2);
    const TemplateMatch match = bank.match(host_view(luma_of(patch), patch.size));
    CHECK(match.slot == 1);
    CHECK(match.value == doctest::Approx(1).epsilon(1e-6));
    CHECK(match.corner == Float2{33, 20});
    CHECK(bank.match_of(0).value < 0.9f);
    CHECK(bank.image(1)(3, 4) == patch.view()(36, 24));
    CHECK(bank.matte(1)(3, 4) == 1);
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("a bank on the device finds its template, too, and keeps what is known out", Exec, CUDA_EXECUTORS) {
    Exec exec;
    const Picture patch = noise_picture({64, 48}, 1);
    TemplateBank<Exec> bank(exec, patch.size, {30, 30}, {.capacity = 3, .similar = .9f});
    bank.clear(1);
    const Size part{14, 11};
    Buffer<Rgba8, Exec> frame(exec, patch.size, patch.pixels), other(exec, part, noise_rgba(part, 2));
    Buffer<uint8_t, Exec> grey(exec, patch.size, luma_of(patch));
    Buffer<float, Exec> matte(exec, part, full_matte(part)), none(exec, part, std::vector<float>(part.area(), .3f));
    const View<const Rgba8, Exec> crop = frame.view().crop(33, 20, part);
    CHECK_FALSE(bank.add(crop, none.view()));
    CHECK(bank.add(other.view(), matte.view()));
    CHECK(bank.add(crop, matte.view()));
    TemplateMatch match;
    CHECK(allocations_during([&] { match = bank.match(grey.view()); }) == 0);
    CHECK(match.slot == 1);
    CHECK(match.value == doctest::Approx(1).epsilon(1e-6));
    CHECK(match.corner == Float2{33, 20});
    CHECK_FALSE(bank.add(crop, matte.view()));
    CHECK(bank.count() == 2);
}
#endif

TEST_CASE("a look that is known is not added again") {
    Cpu exec;
    const Picture patch = noise_picture({64, 48}, 1);
    TemplateBank<Cpu> bank(exec, patch.size, {30, 30}, {.capacity = 4, .similar = 0.9f});
    bank.clear(1);
    const std::vector<float> matte = full_matte({10, 10});
    CHECK(bank.add(patch.crop(5, 6, {10, 10}), host_view(matte, {10, 10})));
    bank.match(host_view(luma_of(patch), patch.size));
    CHECK(!bank.add(patch.crop(5, 6, {10, 10}), host_view(matte, {10, 10})));
    const Picture other = noise_picture({64, 48}, 9);
    bank.match(host_view(luma_of(other), other.size));
    CHECK(bank.add(other.crop(5, 6, {10, 10}), host_view(matte, {10, 10})));
    CHECK(bank.count() == 2);
}

TEST_CASE("the oldest template but the first makes room") {
    Cpu exec;
    TemplateBank<Cpu> bank(exec, {32, 32}, {8, 8}, {.capacity = 3});
    bank.clear(1);
    const std::vector<float> matte = full_matte({8, 8});
    std::vector<Picture> looks;
    for (unsigned i = 0; i < 6; ++i) {
        looks.push_back(noise_picture({8, 8}, 20 + i));
        CHECK(bank.add(looks.back().view(), host_view(matte, {8, 8})));
    }
    CHECK(bank.count() == 3);
    CHECK(bank.image(0)(1, 1) == looks[0].view()(1, 1));
    CHECK(bank.image(1)(1, 1) == looks[5].view()(1, 1));  // slots 1, 2, 1, 2, 1
    CHECK(bank.image(2)(1, 1) == looks[4].view()(1, 1));
    CHECK(bank.newest() == 1);
    bank.clear(0.5f);
    CHECK(bank.count() == 0);
}

TEST_CASE("only the middle of a crop that is too large for the patch is matched") {
    Cpu exec;
    const Picture picture = noise_picture({40, 40}, 5);
    TemplateBank<Cpu> bank(exec, {24, 24}, {40, 40}, {.capacity = 2, .largest_side = 0.5f});
    bank.clear(1);
    const std::vector<float> matte = full_matte({40, 40});
    CHECK(bank.add(picture.view(), host_view(matte, {40, 40})));
    // The patch shows the picture from (10, 12): its corner lies at (-10, -12) of the patch.
    Picture patch{{24, 24}, {}};
    for (int y = 0; y < 24; ++y)
        for (int x = 0; x < 24; ++x) patch.pixels.push_back(picture.view()(x + 10, y + 12));
    const TemplateMatch match = bank.match(host_view(luma_of(patch), patch.size));
    CHECK(match.value == doctest::Approx(1).epsilon(1e-6));
    CHECK(match.corner == Float2{-10, -12});
}

TEST_CASE("a bank refuses what it cannot hold, and its calls allocate nothing") {
    Cpu exec;
    CHECK_THROWS_AS(TemplateBank<Cpu>(exec, {24, 24}, {0, 4}), Error);
    CHECK_THROWS_AS(TemplateBank<Cpu>(exec, {0, 24}, {4, 4}), Error);
    CHECK_THROWS_AS(TemplateBank<Cpu>(exec, {24, 24}, {4, 4}, {.largest_side = 0}), Error);
    CHECK_THROWS_AS(TemplateBank<Cpu>(exec, {24, 24}, {4, 4}, {.similar = NAN}), Error);
    CHECK_THROWS_AS(TemplateBank<Cpu>(exec, {24, 24}, {4, 4}, {.capacity = -1}), Error);
    TemplateBank<Cpu> bank(exec, {24, 24}, {8, 8}, {.capacity = 2});
    CHECK_THROWS_AS(bank.clear(0), Error);
    CHECK_THROWS_AS(bank.clear(NAN), Error);
    const Picture look = noise_picture({8, 8}, 1), large = noise_picture({9, 8}, 1), patch = noise_picture({24, 24}, 2);
    const std::vector<float> matte = full_matte({9, 9}), empty(64, 0.f), nan(64, NAN);
    CHECK_THROWS_AS(bank.add(large.view(), host_view(matte, {9, 8})), Error);
    CHECK_THROWS_AS(bank.add(look.view(), host_view(matte, {8, 9})), Error);
    CHECK_THROWS_AS(bank.image(0), Error);
    CHECK(!bank.add(look.view(), host_view(empty, {8, 8})));
    CHECK(!bank.add(look.view(), host_view(nan, {8, 8})));
    const std::vector<uint8_t> luma = luma_of(patch);
    CHECK(allocations_during([&] {
              bank.clear(0.75f);
              bank.add(look.view(), host_view(matte, {8, 8}));
              bank.match(host_view(luma, {24, 24}), {5, 5});
          }) == 0);
    CHECK(bank.count() == 1);
}
