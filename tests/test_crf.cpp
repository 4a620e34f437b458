#include "cinebokeh/crf.hpp"

#include <algorithm>
#include <utility>

#include "support.hpp"

using namespace cinebokeh;

namespace {
using Matrix = std::vector<std::vector<double>>;

// exp(-|f_i - f_j|^2 / 2) between all pixels, normalised symmetrically (section 3 of the paper, and its program).
Matrix gaussian_kernel(const std::vector<std::vector<double>>& features) {
    const size_t n = features.size();
    Matrix k(n, std::vector<double>(n));
    std::vector<double> sum(n);
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < n; ++j) {
            double d = 0;
            for (size_t c = 0; c < features[i].size(); ++c)
                d += (features[i][c] - features[j][c]) * (features[i][c] - features[j][c]);
            sum[i] += k[i][j] = std::exp(-d / 2);
        }
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < n; ++j) k[i][j] /= std::sqrt(sum[i] * sum[j]);
    return k;
}

std::vector<double> logistic(const std::vector<double>& logit) {
    std::vector<double> q;
    for (double l : logit) q.push_back(1 / (1 + std::exp(-l)));
    return q;
}

std::vector<double> times(const Matrix& k, const std::vector<double>& v) {
    std::vector<double> out(v.size());
    for (size_t i = 0; i < v.size(); ++i)
        for (size_t j = 0; j < v.size(); ++j) out[i] += k[i][j] * v[j];
    return out;
}

// The two potentials of equation 3, without their weights: smoothness and appearance.
std::pair<Matrix, Matrix> potentials(const std::vector<Rgba8>& image, Size s, const CrfParams& params) {
    std::vector<std::vector<double>> position, colour;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const Rgba8& c = image[size_t(y * s.width + x)];
            const double sxy = params.appearance_sxy, srgb = params.appearance_srgb;
            position.push_back({x / double(params.smoothness_sxy), y / double(params.smoothness_sxy)});
            colour.push_back({x / sxy, y / sxy, c[0] / srgb, c[1] / srgb, c[2] / srgb});
        }
    return {gaussian_kernel(position), gaussian_kernel(colour)};
}

// Mean field (algorithm 1 of the paper) over all pairs of pixels, two labels, Potts.
std::vector<double> exact_mean_field(const std::vector<Rgba8>& image, Size s, const std::vector<float>& probability,
                                     const CrfParams& params) {
    const auto [smoothness, appearance] = potentials(image, s, params);
    std::vector<double> unary;
    for (float p : probability) {
        const double q = std::min(std::max(double(p), 1e-5), 1 - 1e-5);
        unary.push_back(std::log(q) - std::log(1 - q));
    }
    std::vector<double> q1 = logistic(unary);
    for (int i = 0; i < params.iterations; ++i) {
        std::vector<double> q0;
        for (double q : q1) q0.push_back(1 - q);
        const auto s1 = times(smoothness, q1), s0 = times(smoothness, q0);
        const auto a1 = times(appearance, q1), a0 = times(appearance, q0);
        std::vector<double> logit = unary;
        for (size_t p = 0; p < logit.size(); ++p)
            logit[p] += params.smoothness_weight * (s1[p] - s0[p]) + params.appearance_weight * (a1[p] - a0[p]);
        q1 = logistic(logit);
    }
    return q1;
}

// The same for any number of labels and any compatibility; an empty one is Potts.
std::vector<double> exact_label_mean_field(const std::vector<Rgba8>& image, Size s, const std::vector<float>& unary,
                                           size_t labels, const std::vector<float>& compatibility,
                                           const CrfParams& params) {
    const auto [smoothness, appearance] = potentials(image, s, params);
    const size_t n = s.area();
    std::vector<double> logit, q(unary.size());
    for (float u : unary) logit.push_back(-u);
    for (int i = 0;; ++i) {
        for (size_t p = 0; p < n; ++p) {
            double total = 0;
            for (size_t l = 0; l < labels; ++l) total += std::exp(logit[p * labels + l]);
            for (size_t l = 0; l < labels; ++l) q[p * labels + l] = std::exp(logit[p * labels + l]) / total;
        }
        if (i == params.iterations) return q;
        for (size_t k = 0; k < logit.size(); ++k) logit[k] = -double(unary[k]);
        for (size_t other = 0; other < labels; ++other) {
            std::vector<double> of_other;
            for (size_t p = 0; p < n; ++p) of_other.push_back(q[p * labels + other]);
            const auto near = times(smoothness, of_other), alike = times(appearance, of_other);
            for (size_t p = 0; p < n; ++p)
                for (size_t l = 0; l < labels; ++l) {
                    const double mu = compatibility.empty() ? double(l != other) : compatibility[l * labels + other];
                    logit[p * labels + l] -=
                        mu * (params.smoothness_weight * near[p] + params.appearance_weight * alike[p]);
                }
        }
    }
}

// A disk of one colour on a ground of another, with sensor noise, and a blurred, noisy idea of where the disk is.
struct Scene {
    Size size;
    std::vector<Rgba8> image;
    std::vector<float> probability;
};
Scene disk_scene(Size s) {
    Scene scene{s, {}, {}};
    const auto sensor = noise(s.area() * 3, -6, 6, 3), doubt = noise(s, -0.2f, 0.2f, 4);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const double r = std::hypot(x - s.width * 0.5, y - s.height * 0.45) / (0.3 * s.height);
            const double base[3] = {r < 1 ? 190.0 : 60.0 + 40.0 * x / s.width, r < 1 ? 90.0 : 110.0, 80.0};
            Rgba8 pixel{{0, 0, 0, 255}};
            const size_t i = size_t(y * s.width + x);
            for (int c = 0; c < 3; ++c) pixel[c] = uint8_t(base[c] + sensor[3 * i + size_t(c)]);
            scene.image.push_back(pixel);
            const double inside = 1 / (1 + std::exp(8 * (r - 1.15)));
            scene.probability.push_back(std::min(1.f, std::max(0.f, float(0.1 + 0.8 * inside) + doubt[i])));
        }
    return scene;
}
template <class Exec>
std::vector<float> refine_on(Exec& exec, const Scene& scene, const CrfParams& params = {}) {
    BinaryCrf<Exec> crf(exec, scene.size, params);
    Buffer<Rgba8, Exec> image(exec, scene.size, scene.image);
    Buffer<float, Exec> probability(exec, scene.size, scene.probability), refined(exec, scene.size);
    crf(image.view(), probability.view(), refined.view());
    return refined.download();
}
template <class Exec = Cpu>
std::vector<float> refine(const Scene& scene, const CrfParams& params = {}) {
    Exec exec;
    return refine_on(exec, scene, params);
}
template <class Exec>
constexpr bool on_device = !std::is_same_v<Exec, Cpu>;
double mean_error(const std::vector<float>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += std::abs(double(a[i]) - b[i]);
    return sum / double(a.size());
}
}  // namespace

TEST_CASE_TEMPLATE("binary mean field is near the one over all pairs of pixels", Exec, EXECUTORS) {
    for (Size s : {Size{64, 32}, Size{65, 33}, Size{40, 45}}) {
        if (on_device<Exec> && s.width > 64) continue;  // the simulator is slow
        CAPTURE(s.width);
        const Scene scene = disk_scene(s);
        const auto refined = refine<Exec>(scene);
        const auto exact = exact_mean_field(scene.image, s, scene.probability, {});
        CHECK(mean_error(refined, exact) < 0.02);  // the lattice's own error for five features, see KERNELS: 0.02
    }
}

TEST_CASE_TEMPLATE("the smoothness potential alone is exact up to its cut-off", Exec, EXECUTORS) {
    const CrfParams params{.appearance_weight = 0};
    for (Size s : {Size{1, 1}, Size{1, 30}, Size{64, 32}, Size{67, 13}}) {
        CAPTURE(s.width);
        const Scene scene = disk_scene(s);
        const auto exact = exact_mean_field(scene.image, s, scene.probability, params);
        // 1.3e-4 of the weight 3 lies beyond 4 standard deviations, a quarter of it reaches the probability, and five
        // iterations with a gain of at most 3/2 each could amplify that 7 times on the way.
        CHECK(worst_error(refine<Exec>(scene, params), exact) < 1.3e-4 * 3 / 4 * 7);
    }
}

TEST_CASE_TEMPLATE("the smoothness potential may reach across the whole image", Exec, EXECUTORS) {
    const CrfParams params{.smoothness_sxy = 1e6f, .appearance_weight = 0};
    const Scene scene = disk_scene({19, 11});
    const auto exact = exact_mean_field(scene.image, scene.size, scene.probability, params);
    CHECK(worst_error(refine<Exec>(scene, params), exact) < 1e-4);  // 209 float additions, times the weight
}

TEST_CASE_TEMPLATE("one pixel, and no iteration, give what the formula says", Exec, EXECUTORS) {
    const Scene one{{1, 1}, {Rgba8{{10, 20, 30, 255}}}, {0.3f}};
    // Each potential of a lone pixel answers itself with its weight.
    CHECK(worst_error(refine<Exec>(one), exact_mean_field(one.image, one.size, one.probability, {})) < 1e-4);

    const Scene scene = disk_scene({70, 35});
    const auto refined = refine<Exec>(scene, {.iterations = 0});
    for (size_t i = 0; i < refined.size(); ++i)
        CHECK(refined[i] == doctest::Approx(clamp(scene.probability[i], 1e-5f, 1 - 1e-5f)).epsilon(1e-4).scale(1));
}

TEST_CASE("a plan serves all sizes up to its own, in place, without allocating, on any number of threads") {
    const Scene large = disk_scene({150, 80}), small = disk_scene({70, 33});
    Cpu exec(3);
    BinaryCrf<Cpu> crf(exec, large.size);
    for (const Scene* scene : {&large, &small, &large}) {
        auto inout = scene->probability;
        const auto view = host_view(inout, scene->size);
        CHECK(allocations_during([&] { crf(host_view(scene->image, scene->size), view, view); }) == 0);
        Cpu one(1);
        CHECK(worst_error(inout, refine_on(one, *scene)) == 0);
    }
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("the device agrees with the CPU, for all sizes up to the plan's, in place, without allocating", Exec,
                   CUDA_EXECUTORS) {
    const Scene large = disk_scene({70, 40}), small = disk_scene({33, 31});
    Exec exec;
    BinaryCrf<Exec> crf(exec, large.size);
    for (const Scene* scene : {&large, &small}) {
        Buffer<Rgba8, Exec> image(exec, scene->size, scene->image);
        Buffer<float, Exec> inout(exec, scene->size, scene->probability);
        CHECK(allocations_during([&] { crf(image.view(), inout.view(), inout.view()); }) == 0);
        const auto refined = inout.download();
        CHECK(worst_error(refined, refine(*scene)) < 2e-3);  // what the docstring promises
        inout.upload(scene->probability);
        crf(image.view(), inout.view(), inout.view());
        CHECK(inout.download() == refined);
    }
}

TEST_CASE_TEMPLATE("on the device a probability that is not a number counts as one half", Exec, CUDA_EXECUTORS) {
    Scene scene = disk_scene({20, 10}), half = scene;
    scene.probability[77] = NAN, half.probability[77] = .5f;
    CHECK(refine<Exec>(scene) == refine<Exec>(half));
}
#endif

TEST_CASE("bottom-up and padded images are read and written by their pitch") {
    const Scene scene = disk_scene({66, 40});
    const Size s = scene.size;
    std::vector<Rgba8> flipped(scene.image.size());
    std::vector<float> padded(size_t(s.height) * 80, -7.f);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            flipped[size_t((s.height - 1 - y) * s.width + x)] = scene.image[size_t(y * s.width + x)];
            padded[size_t(y * 80 + x)] = scene.probability[size_t(y * s.width + x)];
        }
    Cpu exec;
    BinaryCrf<Cpu> crf(exec, s);
    const HostImage<float> inout(padded.data(), s, 80 * sizeof(float));
    crf(HostImage<const Rgba8>(&flipped[size_t((s.height - 1) * s.width)], s, -ptrdiff_t(s.width) * 4), inout, inout);
    const auto expected = refine(scene);
    for (int y = 0; y < s.height; ++y) {
        for (int x = 0; x < s.width; ++x) CHECK(inout(x, y) == expected[size_t(y * s.width + x)]);
        CHECK(padded[size_t(y * 80 + s.width)] == -7.f);
    }
}

TEST_CASE("swapping the labels swaps the marginals") {
    Scene scene = disk_scene({80, 50});
    const auto refined = refine(scene);
    for (float& p : scene.probability) p = 1 - p;
    const auto swapped = refine(scene);
    std::vector<double> expected;
    for (float q : refined) expected.push_back(1 - double(q));
    CHECK(worst_error(swapped, expected) < 1e-3);  // rounding of 1 - p, amplified by five iterations of weight 13
}

TEST_CASE("refinement follows the edge of the image, not of the probability") {
    const Scene scene = disk_scene({160, 120});
    const auto refined = refine(scene);
    int wrong_before = 0, wrong = 0;
    for (int y = 0; y < 120; ++y)
        for (int x = 0; x < 160; ++x) {
            const size_t i = size_t(y * 160 + x);
            const bool inside = std::hypot(x - 80.0, y - 54.0) < 36;
            wrong_before += (scene.probability[i] > 0.5f) != inside;
            wrong += (refined[i] > 0.5f) != inside;
        }
    CHECK(wrong_before > 500);
    CHECK(wrong * 20 < wrong_before);
}

TEST_CASE_TEMPLATE("the marginals of many labels are near those over all pairs of pixels", Exec, EXECUTORS) {
    const Size s{48, 30};
    const size_t labels = 3;
    const Scene scene = disk_scene(s);
    const auto doubt = noise(s.area() * labels, 0, 1, 9);
    std::vector<float> unary;
    for (size_t p = 0; p < s.area(); ++p)
        for (size_t l = 0; l < labels; ++l)
            unary.push_back(doubt[p * labels + l] + 2 * std::abs(float(l) - 2 * scene.probability[p]));
    // Costs that grow with the distance of the labels, and are not symmetric.
    const std::vector<float> growing{0, 0.5f, 1, 0.4f, 0, 0.5f, 1, 0.6f, 0}, none;
    for (const auto* compatibility : {&none, &growing}) {
        Exec exec;
        DenseCrf<Exec> crf(exec, {50, 30}, int(labels), {}, *compatibility);
        Buffer<Rgba8, Exec> image(exec, s, scene.image);
        Buffer<float, Exec> inout(exec, {s.width * int(labels), s.height}, unary);
        crf(image.view(), inout.view(), inout.view());
        const auto marginals = inout.download();
        const auto exact = exact_label_mean_field(scene.image, s, unary, labels, *compatibility, {});
        CHECK(mean_error(marginals, exact) < 0.02);
        for (size_t p = 0; p < s.area(); ++p)
            CHECK(marginals[3 * p] + marginals[3 * p + 1] + marginals[3 * p + 2] == doctest::Approx(1).epsilon(1e-6));
    }
}

TEST_CASE("two labels give the marginals of the binary CRF, in place, without allocating, on any number of threads") {
    const Scene scene = disk_scene({150, 70});
    const auto refined = refine(scene);
    std::vector<float> first;
    for (int threads : {1, 3}) {
        std::vector<float> q;
        for (float p : scene.probability)
            for (float side : {1 - p, p}) q.push_back(-std::log(clamp(side, 1e-5f, 1 - 1e-5f)));
        Cpu exec(threads);
        DenseCrf<Cpu> crf(exec, {170, 80}, 2);
        const HostImage<float> view(q.data(), {300, 70});
        CHECK(allocations_during([&] { crf(host_view(scene.image, scene.size), view, view); }) == 0);
        std::vector<float> foreground;
        for (size_t p = 0; p < refined.size(); ++p) foreground.push_back(q[2 * p + 1]);
        CHECK(worst_error(foreground, refined) < 1e-3);  // rounding, amplified by five iterations of weight 13
        if (first.empty()) first = q;
        CHECK(q == first);
    }
}

TEST_CASE_TEMPLATE("no iteration is the softmax of the energies, and one label is certain", Exec, EXECUTORS) {
    Exec exec;
    const std::vector<float> energy{0, 1, 2, 5, 5, 5, -3, 0, 100, 1e30f, 0, 0, 1, 2, 3, 0.5f, 0.25f, 0};
    Buffer<Rgba8, Exec> image(exec, {3, 2}, std::vector<Rgba8>(6));
    Buffer<float, Exec> inout(exec, {9, 2}, energy), one(exec, {3, 2}, std::vector<float>(6, 2.f));
    DenseCrf<Exec> crf(exec, {3, 2}, 3, {.iterations = 0});
    crf(image.view(), inout.view(), inout.view());
    const auto q = inout.download();
    for (size_t p = 0; p < 6; ++p) {
        double sum = 0;
        for (size_t l = 0; l < 3; ++l) sum += std::exp(-double(energy[3 * p + l]));
        for (size_t l = 0; l < 3; ++l)
            CHECK(q[3 * p + l] == doctest::Approx(std::exp(-double(energy[3 * p + l])) / sum).epsilon(1e-6));
    }
    DenseCrf<Exec> single(exec, {3, 2}, 1);
    single(image.view(), one.view(), one.view());
    CHECK(one.download() == std::vector<float>(6, 1.f));
}

TEST_CASE("bad input to the dense CRF is an error") {
    Cpu exec;
    const float nan = std::nanf("");
    const Size s{32, 16};
    BinaryCrf<Cpu> crf(exec, s);
    const std::vector<Rgba8> image(17 * 40);
    std::vector<float> p(17 * 40, 0.5f), q(17 * 40, -1.f);
    const auto call = [&](Size a, Size b, Size c) { crf(host_view(image, a), {p.data(), b}, {q.data(), c}); };
    call(s, s, s);
    CHECK_THROWS_AS(call({33, 16}, {33, 16}, {33, 16}), Error);
    CHECK_THROWS_AS(call({32, 17}, {32, 17}, {32, 17}), Error);
    CHECK_THROWS_AS(call({0, 0}, {0, 0}, {0, 0}), Error);
    CHECK_THROWS_AS(call(s, {31, 16}, s), Error);
    CHECK_THROWS_AS(call(s, s, {31, 16}), Error);
    q.assign(q.size(), -1.f), p[77] = nan;
    CHECK_THROWS_AS(call(s, s, s), Error);
    CHECK(q == std::vector<float>(q.size(), -1.f));
    p[77] = INFINITY, p[78] = -INFINITY;  // clamped
    call(s, s, s);
    CHECK(std::all_of(q.begin(), q.begin() + 512, [](float v) { return v >= 0 && v <= 1; }));

    for (const CrfParams& bad :
         {CrfParams{.smoothness_sxy = 0}, CrfParams{.smoothness_sxy = nan}, CrfParams{.smoothness_weight = -1},
          CrfParams{.smoothness_weight = nan}, CrfParams{.appearance_sxy = 1e-4f}, CrfParams{.appearance_sxy = -1},
          CrfParams{.appearance_srgb = 1e-3f}, CrfParams{.appearance_srgb = 0.03f}, CrfParams{.appearance_srgb = nan},
          CrfParams{.appearance_weight = INFINITY}, CrfParams{.iterations = -1}})
        CHECK_THROWS_AS(BinaryCrf<Cpu>(exec, s, bad), Error);
    CHECK_THROWS_AS(BinaryCrf<Cpu>(exec, {0, 4}), Error);
    CHECK_THROWS_AS(BinaryCrf<Cpu>(exec, {1 << 30, 1 << 30}), Error);
    CHECK_THROWS_AS(BinaryCrf<Cpu>(exec, {40000, 40000}), Error);

    DenseCrf<Cpu> labels(exec, s, 2);
    const auto infer = [&](Size a, Size b, Size c) { labels(host_view(image, a), {p.data(), b}, {q.data(), c}); };
    CHECK_THROWS_AS(infer({8, 8}, {16, 8}, {16, 8}), Error);  // p[77] is infinite
    p.assign(p.size(), 0.5f), infer({8, 8}, {16, 8}, {16, 8});
    CHECK_THROWS_AS(infer({8, 8}, {8, 8}, {16, 8}), Error);
    CHECK_THROWS_AS(infer({8, 8}, {16, 8}, {16, 7}), Error);
    CHECK_THROWS_AS(infer({8, 17}, {16, 17}, {16, 17}), Error);
    p[77] = nan;
    CHECK_THROWS_AS(infer({8, 8}, {16, 8}, {16, 8}), Error);
    CHECK_THROWS_AS(DenseCrf<Cpu>(exec, s, 0), Error);
    CHECK_THROWS_AS(DenseCrf<Cpu>(exec, s, 2, {}, {0, 1, 1}), Error);
    CHECK_THROWS_AS(DenseCrf<Cpu>(exec, s, 2, {}, {0, 1, nan, 0}), Error);
}

TEST_CASE("tiny colour and position deviations, and pure noise, are harmless") {
    const Scene scene{{70, 40}, noise_rgba({70, 40}), noise({70, 40}, 0, 1)};
    for (const CrfParams& params : {CrfParams{.appearance_srgb = 0.5f}, CrfParams{.appearance_sxy = 0.1f},
                                    CrfParams{.smoothness_sxy = 1e-3f}, CrfParams{.appearance_srgb = 1e6f}}) {
        for (float q : refine(scene, params)) CHECK((q >= 0 && q <= 1));
    }
}
