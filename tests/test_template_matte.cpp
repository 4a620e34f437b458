#include "cinebokeh/template_matte.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
std::vector<Float3> noise_lab(Size s, unsigned seed) {
    const std::vector<float> values = noise(3 * s.area(), 0, 60, seed);
    std::vector<Float3> lab(s.area());
    for (size_t i = 0; i < lab.size(); ++i) lab[i] = {values[3 * i], values[3 * i + 1] - 30, values[3 * i + 2] - 30};
    return lab;
}
std::vector<float> random_matte(Size s, unsigned seed) {
    std::vector<float> matte = noise(s, 0, 1, seed);
    for (float& v : matte) v = v > 0.4f ? 1.f : 0.f;
    return matte;
}

// Pixel by pixel: the smallest mean squared difference of 3 x 3 pixels to a subject pixel and to a background pixel of
// the template, which lies at whole pixels; beyond a border the nearest pixel counts.
std::vector<double> reference_log_odds(const std::vector<Float3>& region, Size s, const std::vector<Float3>& crop,
                                       Size c, const std::vector<float>& matte, int left, int top,
                                       const TemplateSimilarityParams& p) {
    auto at = [](const std::vector<Float3>& image, Size size, int x, int y) {
        x = std::clamp(x, 0, size.width - 1), y = std::clamp(y, 0, size.height - 1);
        return image[size_t(y * size.width + x)];
    };
    std::vector<double> out;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const double far = 30.0 * double(p.floor);
            double nearest[2] = {far, far};
            for (int dy = -p.window; dy <= p.window; dy += p.step)
                for (int dx = -p.window; dx <= p.window; dx += p.step) {
                    const int u = x + dx - left, v = y + dy - top;
                    if (!c.contains(u, v)) continue;
                    double d = double(p.displacement) * (dx * dx + dy * dy);
                    for (int j = -1; j <= 1; ++j)
                        for (int i = -1; i <= 1; ++i) {
                            const Float3 a = at(region, s, x + i, y + j), b = at(crop, c, u + i, v + j);
                            const double l = (double(a[0]) - double(b[0])) / 2, m = double(a[1]) - double(b[1]),
                                         n = double(a[2]) - double(b[2]);
                            d += (l * l + m * m + n * n) / 9;
                        }
                    double& side = nearest[matte[size_t(v * c.width + u)] > 0.5f];
                    side = std::min(side, d);
                }
            out.push_back(double(p.gain) * (nearest[0] - nearest[1]) / (nearest[0] + nearest[1] + double(p.floor)));
        }
    return out;
}
}  // namespace

TEST_CASE("the similarity of a placed template is that of the nearest pixels of either side") {
    Cpu exec;
    struct Case {
        Size region, crop;
        int left, top, window, step;
    };
    for (const Case& k : {Case{{1, 1}, {1, 1}, 0, 0, 0, 1}, Case{{23, 19}, {9, 8}, 5, 4, 3, 1},
                          Case{{40, 37}, {50, 20}, -6, 11, 4, 2}, Case{{17, 33}, {5, 5}, 14, 30, 5, 3}}) {
        CAPTURE(k.region.width);
        const TemplateSimilarityParams params{.window = k.window, .step = k.step};
        TemplateSimilarity similarity(exec, {40, 40}, params);
        const auto region = noise_lab(k.region, 3), crop = noise_lab(k.crop, 4);
        const auto matte = random_matte(k.crop, 5);
        std::vector<float> out(k.region.area());
        similarity.begin(host_view(region, k.region));
        similarity.add(host_view(crop, k.crop), host_view(matte, k.crop), {{float(k.left), float(k.top)}, 1});
        similarity.log_odds(host_view(out, k.region));
        const auto expected = reference_log_odds(region, k.region, crop, k.crop, matte, k.left, k.top, params);
        CHECK(worst_error(out, expected) <= 1e-5);  // about 40 float operations, results up to 3
    }
}

TEST_CASE("a template that is found again gives its own matte, and more templates can only come nearer") {
    Cpu exec;
    const Size s{30, 24};
    TemplateSimilarity similarity(exec, s, {.window = 2, .step = 1});
    const auto frame = noise_lab(s, 8);
    const auto matte = random_matte(s, 9);
    std::vector<float> out(s.area());
    similarity.begin(host_view(frame, s));
    similarity.log_odds(host_view(out, s));
    for (float v : out) CHECK(v == 0);  // no template: no evidence
    const auto unlike = noise_lab(s, 10);
    similarity.add(host_view(unlike, s), host_view(matte, s), {{0, 0}, 1});
    similarity.add(host_view(frame, s), host_view(matte, s), {{0, 0}, 1});
    similarity.log_odds(host_view(out, s));
    int wrong = 0;
    for (size_t i = 0; i < out.size(); ++i) wrong += (out[i] > 0) != (matte[i] > 0.5f);
    CHECK(wrong == 0);
}

TEST_CASE("template similarity is the same with any number of threads, and allocates nothing") {
    const Size s{60, 50};
    const auto frame = noise_lab(s, 11), crop = noise_lab({30, 20}, 12);
    const auto matte = random_matte({30, 20}, 13);
    std::vector<float> first;
    for (int threads : {1, 2, 5}) {
        Cpu exec(threads);
        TemplateSimilarity similarity(exec, s);
        std::vector<float> out(s.area());
        CHECK(allocations_during([&] {
                  similarity.begin(host_view(frame, s));
                  similarity.add(host_view(crop, {30, 20}), host_view(matte, {30, 20}), {{11.3f, 7.8f}, 1.1f});
                  similarity.log_odds(host_view(out, s));
              }) == 0);
        if (first.empty()) first = out;
        CHECK(out == first);
    }
}

TEST_CASE_TEMPLATE("a window at whole pixels is a copy with the border replicated", Exec, EXECUTORS) {
    Exec exec;
    const Size s{13, 9}, o{20, 17};
    std::vector<uint8_t> in;
    for (float v : noise(s, 0, 255)) in.push_back(uint8_t(v));
    Buffer<uint8_t, Exec> image(exec, s, in), out(exec, o);
    sample_window<Exec>(exec, image.view(), {{-4, -3}, 1}, out.view());
    const auto got = out.download();
    int wrong = 0;
    for (int y = 0; y < o.height; ++y)
        for (int x = 0; x < o.width; ++x) {
            const int u = std::clamp(x - 4, 0, s.width - 1), v = std::clamp(y - 3, 0, s.height - 1);
            wrong += got[size_t(y * o.width + x)] != in[size_t(v * s.width + u)];
        }
    CHECK(wrong == 0);
    CHECK_THROWS_AS(sample_window<Exec>(exec, image.view(), {{NAN, 0}, 1}, out.view()), Error);
    CHECK_THROWS_AS(sample_window<Exec>(exec, image.view(), {{0, 0}, 0}, out.view()), Error);
}

TEST_CASE_TEMPLATE("a placed matte is scaled, and empty around the crop", Exec, EXECUTORS) {
    Exec exec;
    Buffer<float, Exec> crop(exec, {3, 1}, {0.f, 1.f, 0.5f}), out(exec, {12, 3});
    place_matte<Exec>(exec, crop.view(), {{2, 1}, 2}, out.view());
    const auto got = out.download();
    // Crop pixels 0, 1, 2 at columns 2, 4, 6; half way to nothing at 7; row 0 and row 2 half way up and down.
    const std::vector<float> middle = {0, 0, 0, 0.5f, 1, 0.75f, 0.5f, 0.25f, 0, 0, 0, 0};
    for (int x = 0; x < 12; ++x) {
        CHECK(got[size_t(12 + x)] == doctest::Approx(middle[size_t(x)]));
        CHECK(got[size_t(x)] == doctest::Approx(middle[size_t(x)] / 2));
    }
}

TEST_CASE_TEMPLATE("evidence adds up to a probability, and NaN is no evidence", Exec, EXECUTORS) {
    Exec exec;
    const Size s{4, 1};
    Buffer<float, Exec> similarity(exec, s, {1.f, NAN, 0.f, 0.f}), colour(exec, s, {2.f, 2.f, NAN, 0.f});
    Buffer<float, Exec> distance(exec, s, {3.f, -100.f, NAN, 100.f}), out(exec, s);
    fuse_evidence<Exec>(exec, similarity.view(), colour.view(), distance.view(),
                        {.similarity = 2, .colour = 0.5f, .shape = 3, .softness = 6, .furthest = 2, .bias = -1},
                        out.view());
    const double logits[] = {2 + 1 + 1.5 - 1, 1 - 6 - 1, -1, 3 - 1};
    const auto got = out.download();
    for (size_t i = 0; i < 4; ++i)
        CHECK(double(got[i]) == doctest::Approx(1 / (1 + std::exp(-logits[i]))).epsilon(1e-5));
    Buffer<float, Exec> small(exec, {3, 1});
    CHECK_THROWS_AS(fuse_evidence<Exec>(exec, similarity.view(), colour.view(), small.view(), {}, out.view()), Error);
}

TEST_CASE("bounding box and overlap of mattes") {
    Cpu exec;
    std::vector<float> a(30, 0.f), b(30, 0.f);
    CHECK(bounding_box(exec, host_view(a, {6, 5}), 0.5f).size.empty());
    CHECK(overlap(exec, host_view(a, {6, 5}), host_view(b, {6, 5})) == 1);
    a[1 * 6 + 2] = a[3 * 6 + 4] = a[2 * 6 + 3] = 1, a[0] = 0.5f, a[29] = NAN;
    b[3 * 6 + 4] = b[0] = 0.6f;
    const Box box = bounding_box(exec, host_view(a, {6, 5}), 0.5f);
    CHECK((box.x == 2 && box.y == 1 && box.size == Size{3, 3}));
    CHECK(overlap(exec, host_view(a, {6, 5}), host_view(b, {6, 5})) == 0.25);
    CHECK_THROWS_AS(overlap(exec, host_view(a, {6, 5}), host_view(b, {5, 6})), Error);
}

TEST_CASE("the island filter clears small parts and keeps large ones and soft edges") {
    Cpu exec;
    const Size s{9, 5};
    // A block of 8, a bar of 4 (diagonal to the block: another part), one pixel alone; soft pixels around them.
    std::vector<float> matte = {1,   1, 1, 1, 0, 0, 0, 0, 1,  //
                                1,   1, 1, 1, 0, 0, 0, 0, 0,  //
                                0,   0, 0, 0, 1, 1, 1, 1, 0,  //
                                .3f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NAN};
    IslandFilter islands(exec, {12, 12});
    const auto before = matte;
    islands(host_view(matte, s), 0.125f);
    CHECK(std::equal(matte.begin(), matte.end() - 1, before.begin()));  // 1 / 8 is not less
    CHECK(allocations_during([&] { islands(host_view(matte, s), 0.5f); }) == 0);
    CHECK(matte[8] == 0);
    CHECK(matte[2 * 9 + 5] == 1);
    CHECK(matte[3 * 9] == .3f);
    islands(host_view(matte, s), 1);
    CHECK(matte[2 * 9 + 5] == 0);
    CHECK(matte[9 + 3] == 1);
    CHECK_THROWS_AS(islands(host_view(matte, s), NAN), Error);
    CHECK_THROWS_AS(IslandFilter(exec, {0, 4}), Error);
    std::vector<float> wide(13);
    CHECK_THROWS_AS(islands(host_view(wide, {13, 1}), 0.5f), Error);
}

TEST_CASE("template similarity refuses bad parameters, sizes and placements") {
    Cpu exec;
    CHECK_THROWS_AS(TemplateSimilarity(exec, {0, 3}), Error);
    CHECK_THROWS_AS(TemplateSimilarity(exec, {3, 3}, {.step = 0}), Error);
    CHECK_THROWS_AS(TemplateSimilarity(exec, {3, 3}, {.floor = NAN}), Error);
    TemplateSimilarity similarity(exec, {8, 8});
    const auto lab = noise_lab({9, 9}, 1);
    std::vector<float> matte(81);
    CHECK_THROWS_AS(similarity.begin(host_view(lab, {9, 8})), Error);
    similarity.begin(host_view(lab, {8, 8}));
    CHECK_THROWS_AS(similarity.add(host_view(lab, {4, 4}), host_view(matte, {4, 5}), {}), Error);
    CHECK_THROWS_AS(similarity.add(host_view(lab, {4, 4}), host_view(matte, {4, 4}), {{0, INFINITY}, 1}), Error);
    CHECK_THROWS_AS(similarity.add(host_view(lab, {4, 4}), host_view(matte, {4, 4}), {{0, 0}, -1}), Error);
    CHECK_THROWS_AS(similarity.log_odds(host_view(matte, {9, 9})), Error);
}
