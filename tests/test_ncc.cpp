#include "cinebokeh/ncc.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
struct Grey {
    Size size;
    std::vector<uint8_t> pixels;
    uint8_t& operator()(int x, int y) { return pixels[size_t(y * size.width + x)]; }
    uint8_t operator()(int x, int y) const { return pixels[size_t(y * size.width + x)]; }
    HostImage<const uint8_t> view() const { return {pixels.data(), size}; }
};
Grey constant(Size s, int value) { return {s, std::vector<uint8_t>(s.area(), uint8_t(value))}; }
Grey noise_image(Size s, float low, float high, unsigned seed) {
    Grey image = constant(s, 0);
    const std::vector<float> values = noise(s, low, high + 1, seed);
    for (size_t i = 0; i < values.size(); ++i) image.pixels[i] = uint8_t(std::min(values[i], high));
    return image;
}
Grey random_valid(Size s, unsigned seed) {
    Grey valid = noise_image(s, 0, 1, seed);
    valid(0, 0) = 1, valid(s.width - 1, s.height - 1) = 200;
    return valid;
}
Grey crop(const Grey& image, int x0, int y0, Size s) {
    Grey part = constant(s, 0);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) part(x, y) = image(x0 + x, y0 + y);
    return part;
}

struct Reference {
    double response, variance;  // variance: of the window
};
// The definition, place by place. Windows and templates that are flat (see MaskedNccParams) respond with 0.
std::vector<Reference> reference_response(const Grey& patch, const Grey& t, const Grey& valid, double flat = 0.05) {
    std::vector<Reference> out;
    for (int y = 0; y + t.size.height <= patch.size.height; ++y)
        for (int x = 0; x + t.size.width <= patch.size.width; ++x) {
            double n = 0, mean_i = 0, mean_t = 0;
            auto each = [&](auto body) {
                for (int v = 0; v < t.size.height; ++v)
                    for (int u = 0; u < t.size.width; ++u)
                        if (valid(u, v)) body(double(patch(x + u, y + v)), double(t(u, v)));
            };
            each([&](double a, double b) { n += 1, mean_i += a, mean_t += b; });
            mean_i /= n, mean_t /= n;
            double it = 0, ii = 0, tt = 0;
            each([&](double a, double b) {
                it += (a - mean_i) * (b - mean_t), ii += (a - mean_i) * (a - mean_i), tt += (b - mean_t) * (b - mean_t);
            });
            const bool defined = ii / n > flat && tt / n > flat;
            out.push_back({defined ? it / std::sqrt(ii * tt) : 0, ii / n});
        }
    return out;
}
std::vector<float> response_of(NccPath path, const Grey& patch, const Grey& t, const Grey& valid) {
    Cpu exec;
    MaskedNcc<Cpu> ncc(exec, patch.size, 1, {.path = path});
    ncc.set_template(0, t.view(), valid.view());
    ncc.set_patch(patch.view());
    std::vector<float> out(ncc.response_size(0).area(), NAN);
    ncc.response(0, host_view(out, ncc.response_size(0)));
    return out;
}
// The largest error as a multiple of the bound that the header promises (1e-6 for the direct path: float rounding).
double error_of(NccPath path, const std::vector<float>& got, const std::vector<Reference>& expected) {
    REQUIRE(got.size() == expected.size());
    double worst = 0;
    for (size_t i = 0; i < got.size(); ++i) {
        if (!(got[i] >= -1 && got[i] <= 1)) return INFINITY;
        const double v = expected[i].variance;
        if (v <= 1 && path == NccPath::fft) continue;  // the bound starts at one grey level
        const double bound = path == NccPath::fft ? 5e-5 * std::max(1.0, 64 / v) : 1e-6;
        worst = std::max(worst, std::abs(double(got[i]) - expected[i].response) / bound);
    }
    return worst;
}
double error_of(NccPath path, const Grey& patch, const Grey& t, const Grey& valid) {
    return error_of(path, response_of(path, patch, t, valid), reference_response(patch, t, valid));
}
// Dark, nearly flat areas beside strong contrast.
Grey dark_beside_bright() {
    Grey patch = noise_image({96, 80}, 0, 255, 7);
    for (int y = 0; y < 80; ++y)
        for (int x = 0; x < 60; ++x) patch(x, y) = uint8_t(20 + (x * 7 + y * 13) % 5);  // variance 2
    return patch;
}
const NccPath paths[] = {NccPath::fft, NccPath::direct};
}  // namespace

TEST_CASE("masked NCC is its definition on both paths") {
    struct Case {
        Size patch, part;
    };
    // One pixel, template = patch, odd sizes, primes, one row or column, several groups of 16 rows, one place only in
    // x.
    for (const Case& c : {Case{{1, 1}, {1, 1}}, Case{{9, 7}, {1, 1}}, Case{{13, 11}, {13, 11}}, Case{{37, 29}, {8, 5}},
                          Case{{64, 48}, {17, 16}}, Case{{50, 3}, {7, 1}}, Case{{5, 61}, {1, 9}},
                          Case{{71, 53}, {71, 12}}, Case{{90, 66}, {40, 33}}}) {
        const Grey patch = noise_image(c.patch, 0, 255, 3), t = noise_image(c.part, 0, 255, 4);
        for (const Grey& valid : {random_valid(c.part, 5), constant(c.part, 1)})
            for (NccPath path : paths) {
                CAPTURE(c.patch.width);
                CAPTURE(c.part.width);
                CAPTURE(int(path));
                CHECK(error_of(path, patch, t, valid) <= 1);
            }
    }
}

#if CINEBOKEH_GRID
namespace {
template <class Exec>
void fill(MaskedNcc<Exec>& ncc, Exec& exec, int slot, const Grey& t, const Grey& valid) {
    Buffer<uint8_t, Exec> luma(exec, t.size, t.pixels), mask(exec, t.size, valid.pixels);
    ncc.set_template(slot, luma.view(), mask.view());
}
template <class Exec>
void show(MaskedNcc<Exec>& ncc, Exec& exec, const Grey& patch) {
    Buffer<uint8_t, Exec> luma(exec, patch.size, patch.pixels);
    ncc.set_patch(luma.view());
}
}  // namespace

namespace {
// As error_of, on the device.
template <class Exec>
double device_error_of(NccPath path, const Grey& patch, const Grey& t, const Grey& valid) {
    Exec exec;
    MaskedNcc<Exec> ncc(exec, patch.size, 4, {.path = path});
    const Grey beside = noise_image({2, 3}, 0, 255, 77);  // shares a transform with the one that is looked at
    fill(ncc, exec, 2, beside, constant(beside.size, 1)), fill(ncc, exec, 3, t, valid), show(ncc, exec, patch);
    Buffer<float, Exec> out(exec, ncc.response_size(3));
    CHECK(allocations_during([&] { ncc.response(3, out.view()); }) == 0);
    return error_of(path, out.download(), reference_response(patch, t, valid));
}
}  // namespace

TEST_CASE_TEMPLATE("masked NCC on the device is its definition on both paths", Exec, CUDA_EXECUTORS) {
    struct Case {
        Size patch, part;
    };
    // One pixel, template = patch, one piece of the template and one more, one tile of places and one more.
    for (const Case& c : {Case{{3, 3}, {1, 1}}, Case{{13, 11}, {13, 11}}, Case{{37, 40}, {5, 9}},
                          Case{{70, 43}, {33, 10}}, Case{{50, 3}, {7, 1}}, Case{{5, 61}, {1, 9}}})
        for (NccPath path : paths) {
            CAPTURE(c.patch.width);
            CAPTURE(int(path));
            const Grey patch = noise_image(c.patch, 0, 255, 3), t = noise_image(c.part, 0, 255, 4);
            for (const Grey& valid : {random_valid(c.part, 5), constant(c.part, 1)})
                CHECK(device_error_of<Exec>(path, patch, t, valid) <= 1);
        }
}

TEST_CASE_TEMPLATE("masked NCC on the device keeps its accuracy in nearly flat areas", Exec, CUDA_EXECUTORS) {
    const Grey patch = dark_beside_bright(), t = crop(patch, 30, 20, {33, 31}), valid = random_valid({33, 31}, 8);
    for (NccPath path : paths) CHECK(device_error_of<Exec>(path, patch, t, valid) <= 1);
    const Grey flat = constant({96, 80}, 93);
    for (NccPath path : paths) CHECK(device_error_of<Exec>(path, flat, t, valid) == 0);
    for (NccPath path : paths) CHECK(device_error_of<Exec>(path, patch, constant({33, 31}, 9), valid) == 0);
}

TEST_CASE_TEMPLATE("the peaks on the device are those of the CPU on both paths", Exec, CUDA_EXECUTORS) {
    const Grey patch = noise_image({60, 50}, 0, 255, 3);
    const Grey flat = constant({9, 9}, 7), part = crop(patch, 31, 22, {12, 7}),
               other = noise_image({20, 20}, 0, 255, 9);
    Cpu cpu;
    Exec exec;
    for (NccPath path : {NccPath::fft, NccPath::direct, NccPath::cheapest}) {
        CAPTURE(int(path));
        MaskedNcc<Cpu> host(cpu, patch.size, 4, {.path = NccPath::direct});
        MaskedNcc<Exec> ncc(exec, patch.size, 4, {.path = path});
        int slot = 0;
        for (const Grey* t : {&flat, &part, &other}) {
            const Grey all = constant(t->size, 1);
            host.set_template(slot, t->view(), all.view());
            fill(ncc, exec, slot++, *t, all);
        }
        host.set_patch(patch.view()), show(ncc, exec, patch);
        for (Size reach : {Size{65536, 65536}, Size{4, 3}, Size{0, 0}}) {
            std::vector<Peak> a(4), b(4);
            host.peaks({a.data(), 4}, reach);
            CHECK(allocations_during([&] { ncc.peaks({b.data(), 4}, reach); }) == 0);
            for (size_t i = 0; i < 4; ++i) {
                CAPTURE(i);
                CHECK(b[i].value == doctest::Approx(a[i].value).epsilon(1e-6));
                CHECK((b[i].x == a[i].x && b[i].y == a[i].y));
            }
        }
        ncc.clear(1);
        CHECK_FALSE(ncc.filled(1));
        std::vector<Peak> peaks(4);
        ncc.peaks({peaks.data(), 4});
        CHECK(peaks[1].value == -1);
        CHECK_THROWS_AS(ncc.peaks({peaks.data(), 3}), Error);
    }
}

TEST_CASE_TEMPLATE("masked NCC on the device sees a black patch before the first one", Exec, CUDA_EXECUTORS) {
    Exec exec;
    for (NccPath path : paths) {
        MaskedNcc<Exec> ncc(exec, {20, 10}, 1, {.path = path});
        fill(ncc, exec, 0, noise_image({4, 4}, 0, 255, 1), constant({4, 4}, 1));
        Buffer<float, Exec> out(exec, {17, 7});
        ncc.response(0, out.view());
        for (float v : out.download()) CHECK(v == 0);
    }
    CHECK_THROWS_AS(MaskedNcc<Exec>(exec, {5000, 2}, 1, {.path = NccPath::fft}), Error);
}
#endif

TEST_CASE("masked NCC keeps its accuracy where dark, nearly flat areas lie beside strong contrast") {
    const Grey patch = dark_beside_bright();
    const Grey t = crop(patch, 30, 20, {33, 31}), valid = random_valid({33, 31}, 8);
    for (NccPath path : paths) CHECK(error_of(path, patch, t, valid) <= 1);
}

TEST_CASE("a template cut out of the patch is found where it was, with a response of one") {
    const Grey patch = noise_image({120, 90}, 0, 255, 11);
    const Grey t = crop(patch, 41, 23, {30, 20}), valid = random_valid({30, 20}, 12);
    for (NccPath path : paths) {
        Cpu exec;
        MaskedNcc<Cpu> ncc(exec, patch.size, 3, {.path = path});
        ncc.set_template(1, t.view(), valid.view());
        ncc.set_patch(patch.view());
        std::vector<Peak> peaks(3);
        ncc.peaks({peaks.data(), 3});
        CHECK(peaks[0].value == -1);
        CHECK(peaks[1].x == 41);
        CHECK(peaks[1].y == 23);
        CHECK(peaks[1].value == doctest::Approx(1).epsilon(1e-6));  // exact sums, one rounding to float
    }
}

TEST_CASE("shifting the patch shifts the response") {
    const Grey wide = noise_image({100, 80}, 0, 255, 21);
    const Grey a = crop(wide, 0, 0, {90, 70}), b = crop(wide, 4, 7, {90, 70});
    const Grey t = crop(wide, 30, 30, {20, 20}), valid = random_valid(t.size, 22);
    const std::vector<float> ra = response_of(NccPath::direct, a, t, valid);
    const std::vector<float> rb = response_of(NccPath::direct, b, t, valid);
    int differing = 0;
    for (int y = 0; y < 51 - 7; ++y)
        for (int x = 0; x < 71 - 4; ++x) differing += ra[size_t((y + 7) * 71 + x + 4)] != rb[size_t(y * 71 + x)];
    CHECK(differing == 0);
}

TEST_CASE("brightness and contrast of the template and of the patch do not matter") {
    const Grey patch = noise_image({70, 60}, 40, 90, 31), t = noise_image({15, 12}, 40, 90, 32);
    Grey bright_patch = patch, bright_t = t;
    for (uint8_t& v : bright_patch.pixels) v = uint8_t(2 * v + 30);
    for (uint8_t& v : bright_t.pixels) v = uint8_t(255 - v);  // inverted: the sign changes
    const Grey valid = random_valid(t.size, 33);
    for (NccPath path : paths) {
        const std::vector<float> r = response_of(path, patch, t, valid);
        CHECK(worst_error(response_of(path, bright_patch, t, valid), r) <= 1e-4);  // twice the bound of the FFT path
        std::vector<float> inverted = response_of(path, patch, bright_t, valid);
        for (float& v : inverted) v = -v;
        CHECK(worst_error(inverted, r) <= 1e-4);
    }
}

TEST_CASE("what lies under invalid pixels of the template does not matter") {
    const Grey patch = noise_image({60, 50}, 0, 255, 41), valid = random_valid({16, 14}, 42);
    const Grey a = noise_image({16, 14}, 0, 255, 43);
    Grey b = a;
    for (size_t i = 0; i < b.pixels.size(); ++i)
        if (!valid.pixels[i]) b.pixels[i] = uint8_t(255 - b.pixels[i]);
    for (NccPath path : paths) CHECK(response_of(path, patch, a, valid) == response_of(path, patch, b, valid));
}

TEST_CASE("flat windows and flat templates respond with zero") {
    const Size part{12, 9};
    Grey half = noise_image({64, 40}, 0, 255, 51);
    for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 32; ++x) half(x, y) = 77;
    const Grey t = noise_image(part, 0, 255, 52), valid = constant(part, 1);
    for (NccPath path : paths) {
        const std::vector<float> r = response_of(path, half, t, valid);
        int nonzero = 0;
        for (int y = 0; y < 40 - 9 + 1; ++y)
            for (int x = 0; x <= 32 - 12; ++x) nonzero += r[size_t(y * 53 + x)] != 0;
        CHECK(nonzero == 0);
        for (int value : {0, 128, 255})
            for (float v : response_of(path, constant({64, 40}, value), t, valid)) CHECK(v == 0);
        for (float v : response_of(path, half, constant(part, 9), valid)) CHECK(v == 0);
    }
    Cpu exec;
    MaskedNcc<Cpu> ncc(exec, {64, 40}, 1);
    ncc.set_template(0, constant(part, 9).view(), valid.view());
    ncc.set_patch(half.view());
    Peak peak;
    ncc.peaks({&peak, 1});
    CHECK(peak.value == 0);
}

TEST_CASE("the peaks are the largest responses of every template") {
    const Grey patch = noise_image({80, 64}, 0, 255, 61);
    Cpu exec;
    MaskedNcc<Cpu> ncc(exec, patch.size, 6);
    ncc.set_patch(patch.view());
    std::vector<Grey> templates;
    for (int i = 0; i < 5; ++i) {
        templates.push_back(noise_image({3 + 9 * i, 2 + 11 * i}, 0, 255, unsigned(70 + i)));
        ncc.set_template(i, templates.back().view(), random_valid(templates.back().size, unsigned(80 + i)).view());
    }
    std::vector<Peak> peaks(6);
    ncc.peaks({peaks.data(), 6});
    CHECK(peaks[5].value == -1);
    for (int i = 0; i < 5; ++i) {
        const Grey valid = random_valid(templates[size_t(i)].size, unsigned(80 + i));
        const auto expected = reference_response(patch, templates[size_t(i)], valid);
        double largest = -2;
        for (const Reference& r : expected) largest = std::max(largest, r.response);
        const size_t at = size_t(peaks[size_t(i)].y * ncc.response_size(i).width + peaks[size_t(i)].x);
        CHECK(double(peaks[size_t(i)].value) == doctest::Approx(expected[at].response).epsilon(1e-6));
        CHECK(expected[at].response >= largest - 1e-4);  // twice the FFT's bound may decide between equals
    }
}

TEST_CASE("a reach keeps the template's centre near the centre of the patch") {
    const Grey patch = noise_image({80, 64}, 0, 255, 65), t = crop(patch, 41, 23, {21, 17});  // 11.5, 0 off the middle
    for (NccPath path : paths) {
        Cpu exec;
        MaskedNcc<Cpu> ncc(exec, patch.size, 1, {.path = path});
        ncc.set_template(0, t.view(), constant(t.size, 1).view());
        ncc.set_patch(patch.view());
        Peak peak;
        ncc.peaks({&peak, 1}, {12, 0});
        CHECK(peak.x == 41);
        CHECK(peak.y == 23);
        ncc.peaks({&peak, 1}, {11, 3});
        CHECK(peak.value < 0.9f);
        CHECK((peak.x >= 19 && peak.x <= 40 && peak.y >= 20 && peak.y <= 27));
        ncc.peaks({&peak, 1}, {0, 0});  // 60 places: the middle lies between two
        CHECK((peak.x == 29 && peak.y == 23));
        CHECK_THROWS_AS(ncc.peaks({&peak, 1}, {-1, 0}), Error);
    }
}

TEST_CASE("masked NCC has the same bits with any number of threads, and calls allocate nothing") {
    const Grey patch = noise_image({100, 70}, 0, 255, 91), t = noise_image({33, 21}, 0, 255, 92);
    const Grey valid = random_valid(t.size, 93);
    std::vector<float> first;
    for (int threads : {1, 2, 5}) {
        Cpu exec(threads);
        MaskedNcc<Cpu> ncc(exec, patch.size, 4, {.path = NccPath::fft});
        std::vector<float> out(size_t(68 * 50));
        std::vector<Peak> peaks(4);
        CHECK(allocations_during([&] {
                  for (int i = 0; i < 4; ++i) ncc.set_template(i, t.view(), valid.view());
                  ncc.set_patch(patch.view());
                  ncc.response(2, host_view(out, {68, 50}));
                  ncc.peaks({peaks.data(), 4});
                  ncc.clear(3);
              }) == 0);
        if (first.empty()) first = out;
        CHECK(out == first);
        CHECK(peaks[0].value == peaks[3].value);
        CHECK(!ncc.filled(3));
    }
}

TEST_CASE("masked NCC reads rows of any pitch") {
    const Grey patch = noise_image({40, 30}, 0, 255, 95), t = crop(patch, 5, 6, {9, 8}),
               valid = random_valid(t.size, 96);
    Cpu exec;
    MaskedNcc<Cpu> ncc(exec, {40, 30}, 1);
    // Bottom-up images: the same picture upside down.
    ncc.set_template(0, {t.pixels.data() + 9 * 7, t.size, -9}, {valid.pixels.data() + 9 * 7, t.size, -9});
    ncc.set_patch({patch.pixels.data() + 40 * 29, patch.size, -40});
    Peak peak;
    ncc.peaks({&peak, 1});
    CHECK(peak.value == doctest::Approx(1).epsilon(1e-6));
    CHECK(peak.x == 5);
    CHECK(peak.y == 30 - 8 - 6);
}

TEST_CASE("masked NCC refuses what it cannot match") {
    Cpu exec;
    CHECK_THROWS_AS(MaskedNcc<Cpu>(exec, {0, 4}, 1), Error);
    CHECK_THROWS_AS(MaskedNcc<Cpu>(exec, {4, 4}, 0), Error);
    CHECK_THROWS_AS(MaskedNcc<Cpu>(exec, {4, 4}, 1, {.flat_variance = NAN}), Error);
    MaskedNcc<Cpu> ncc(exec, {20, 10}, 2);
    const Grey ok = constant({4, 4}, 1);
    CHECK_THROWS_AS(ncc.set_template(0, constant({21, 4}, 1).view(), constant({21, 4}, 1).view()), Error);
    CHECK_THROWS_AS(ncc.set_template(0, ok.view(), constant({4, 5}, 1).view()), Error);
    CHECK_THROWS_AS(ncc.set_template(0, ok.view(), constant({4, 4}, 0).view()), Error);
    CHECK_THROWS_AS(ncc.set_template(0, constant({0, 0}, 1).view(), constant({0, 0}, 1).view()), Error);
    CHECK_THROWS_AS(ncc.set_template(2, ok.view(), ok.view()), Error);
    CHECK_THROWS_AS(ncc.set_patch(constant({20, 11}, 1).view()), Error);
    std::vector<float> out(17 * 7);
    CHECK_THROWS_AS(ncc.response(0, host_view(out, {17, 7})), Error);  // empty slot
    ncc.set_template(0, ok.view(), ok.view());
    CHECK_THROWS_AS(ncc.response(0, host_view(out, {7, 17})), Error);
    ncc.response(0, host_view(out, {17, 7}));  // before any patch: a black one
    CHECK(out[5] == 0);
    Peak peak;
    CHECK_THROWS_AS(ncc.peaks({&peak, 1}), Error);
}
