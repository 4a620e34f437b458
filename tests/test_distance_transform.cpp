#include "cinebokeh/distance_transform.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition: every pixel against every pixel of the region.
std::vector<double> reference(const std::vector<uint8_t>& region, Size s) {
    std::vector<double> out(s.area(), double(s.width + s.height));
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            for (int v = 0; v < s.height; ++v)
                for (int u = 0; u < s.width; ++u)
                    if (region[size_t(v * s.width + u)])
                        out[size_t(y * s.width + x)] = std::min(
                            out[size_t(y * s.width + x)], std::sqrt(double((x - u) * (x - u) + (y - v) * (y - v))));
    return out;
}
std::vector<uint8_t> sparse(Size s, float share, unsigned seed) {
    std::vector<uint8_t> region;
    for (float f : noise(s, 0, 1, seed)) region.push_back(f < share ? 200 : 0);
    return region;
}
}  // namespace

TEST_CASE_TEMPLATE("distances are those to the nearest pixel of the region", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{1, 40}, Size{40, 1}, Size{32, 16}, Size{33, 17}, Size{61, 45}})
        for (float share : {0.002f, 0.05f, 0.5f, 1.f})
            for (unsigned seed : {1u, 2u}) {
                CAPTURE(s.width);
                CAPTURE(share);
                Exec exec;
                const auto region = sparse(s, share, seed);
                Buffer<uint8_t, Exec> in(exec, s, region);
                Buffer<float, Exec> out(exec, s);
                DistanceTransform<Exec> transform(exec, s);
                transform(in.view(), out.view());
                // The root of an integer, rounded to float: half an ulp of a value below 128.
                CHECK(worst_error(out.download(), reference(region, s)) <= 4e-6);
            }
}

TEST_CASE_TEMPLATE("an empty region is farther than any pixel, a full one is at distance zero", Exec, EXECUTORS) {
    const Size s{20, 13};
    Exec exec;
    Buffer<uint8_t, Exec> in(exec, s, std::vector<uint8_t>(s.area(), 0));
    Buffer<float, Exec> out(exec, s), matte(exec, s, std::vector<float>(s.area(), 0.f));
    DistanceTransform<Exec> transform(exec, s);
    transform(in.view(), out.view());
    CHECK(out.download() == std::vector<float>(s.area(), 33.f));
    in.upload(std::vector<uint8_t>(s.area(), 1));
    transform(in.view(), out.view());
    CHECK(out.download() == std::vector<float>(s.area(), 0.f));
    transform.signed_distance(matte.view(), out.view());
    CHECK(out.download() == std::vector<float>(s.area(), -33.f));
    matte.upload(std::vector<float>(s.area(), 1.f));
    transform.signed_distance(matte.view(), out.view());
    CHECK(out.download() == std::vector<float>(s.area(), 33.f));
}

TEST_CASE_TEMPLATE("signed distance is positive inside, negative outside", Exec, EXECUTORS) {
    const Size s{47, 35};
    Exec exec;
    auto matte = noise(s, 0, 0.55f, 4);  // one pixel in eleven is subject
    matte[5] = NAN, matte[6] = 0.5f;
    std::vector<uint8_t> inside, outside;
    for (float m : matte) inside.push_back(m > 0.5f), outside.push_back(!(m > 0.5f));
    const auto to_inside = reference(inside, s), to_outside = reference(outside, s);
    std::vector<double> expected;
    for (size_t i = 0; i < s.area(); ++i) expected.push_back(to_outside[i] - to_inside[i]);
    Buffer<float, Exec> in(exec, s, matte), out(exec, s);
    DistanceTransform<Exec> transform(exec, s);
    transform.signed_distance(in.view(), out.view());
    CHECK(worst_error(out.download(), expected) <= 4e-6);
    for (float d : out.download()) CHECK(std::abs(d) >= 1);
}

TEST_CASE_TEMPLATE("a plan serves parts of images, bottom-up too", Exec, EXECUTORS) {
    const Size s{60, 50}, part{33, 41};
    Exec exec;
    const auto region = sparse(s, 0.02f, 8);
    std::vector<uint8_t> cropped;
    for (int y = part.height - 1; y >= 0; --y)
        for (int x = 0; x < part.width; ++x) cropped.push_back(region[size_t((y + 6) * s.width + x + 9)]);
    Buffer<uint8_t, Exec> in(exec, s, region);
    Buffer<float, Exec> out(exec, s, std::vector<float>(s.area(), -1.f)), tight(exec, part);
    DistanceTransform<Exec> transform(exec, s);
    const auto upright = in.view().crop(9, 6, part);
    transform(View<const uint8_t, Exec>(upright.row(part.height - 1), part, -upright.pitch),
              out.view().crop(3, 2, part));
    copy(exec, View<const float, Exec>(out.view().crop(3, 2, part)), tight.view());
    CHECK(worst_error(tight.download(), reference(cropped, part)) <= 4e-6);
    CHECK(out.download()[0] == -1.f);
}

TEST_CASE("distances are right where an image spans several jobs, allocate nothing and ignore the threads") {
    const Size s{600, 40};
    const auto region = sparse(s, 0.001f, 3);
    std::vector<std::vector<float>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        Buffer<uint8_t, Cpu> in(exec, s, region);
        Buffer<float, Cpu> out(exec, s);
        DistanceTransform<Cpu> transform(exec, s);
        CHECK(allocations_during([&] { transform(in.view(), out.view()); }) == 0);
        results.push_back(out.download());
    }
    CHECK(results[0] == results[1]);
    CHECK(worst_error(results[0], reference(region, s)) <= 3.1e-5);  // half an ulp of a value below 1024
}

TEST_CASE("the distance transform refuses bad sizes") {
    Cpu exec;
    CHECK_THROWS_AS(DistanceTransform<Cpu>(exec, Size{-1, 4}), Error);
    CHECK_THROWS_AS(DistanceTransform<Cpu>(exec, Size{30001, 1}), Error);
    DistanceTransform<Cpu> transform(exec, {4, 4});
    Buffer<uint8_t, Cpu> region(exec, {4, 4}), large(exec, {5, 4}), empty(exec, {0, 0});
    Buffer<float, Cpu> narrow(exec, {3, 4}), wide(exec, {5, 4}), none(exec, {0, 0});
    CHECK_THROWS_AS(transform(region.view(), narrow.view()), Error);
    CHECK_THROWS_AS(transform(large.view(), wide.view()), Error);
    CHECK_THROWS_AS(transform.signed_distance(narrow.view(), wide.view()), Error);
    CHECK_NOTHROW(transform(empty.view(), none.view()));
}
