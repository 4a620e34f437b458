#include "cinebokeh/measures.hpp"

#include <fstream>
#include <map>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definitions of DAVIS 2016, pixel by pixel.
struct Reference {
    Size s;
    using Mask = std::vector<uint8_t>;

    bool at(const Mask& m, int x, int y) const { return m[size_t(y * s.width + x)] != 0; }
    Mask boundary(const Mask& m) const {
        Mask b(s.area(), 0);
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                bool edge = false;
                const bool right = x + 1 < s.width, down = y + 1 < s.height;
                if (right) edge |= at(m, x, y) != at(m, x + 1, y);
                if (down) edge |= at(m, x, y) != at(m, x, y + 1);
                if (right && down) edge |= at(m, x, y) != at(m, x + 1, y + 1);
                b[size_t(y * s.width + x)] = edge;
            }
        return b;
    }
    int radius(double tolerance) const { return int(std::ceil(tolerance * std::hypot(s.width, s.height))); }
    bool near(const Mask& b, int x, int y, int r) const {
        for (int dy = -r; dy <= r; ++dy)
            for (int dx = -r; dx <= r; ++dx)
                if (dx * dx + dy * dy <= r * r && s.contains(x + dx, y + dy) && at(b, x + dx, y + dy)) return true;
        return false;
    }
    ContourScore score(const Mask& result, const Mask& truth, int r) const {
        const Mask f = boundary(result), g = boundary(truth);
        double nf = 0, ng = 0, mf = 0, mg = 0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                if (at(f, x, y)) ++nf, mf += near(g, x, y, r);
                if (at(g, x, y)) ++ng, mg += near(f, x, y, r);
            }
        ContourScore c;
        if (nf == 0 && ng > 0)
            c.precision = 1, c.recall = 0;
        else if (nf > 0 && ng == 0)
            c.precision = 0, c.recall = 1;
        else if (nf == 0 && ng == 0)
            c.precision = 1, c.recall = 1;
        else
            c.precision = mf / nf, c.recall = mg / ng;
        c.f = c.precision + c.recall == 0 ? 0 : 2 * c.precision * c.recall / (c.precision + c.recall);
        return c;
    }
};

// A few discs and boxes: masks with boundaries that are neither empty nor everywhere.
std::vector<uint8_t> shapes(Size s, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<uint8_t> mask(s.area(), 0);
    for (int i = 0; i < 4; ++i) {
        const int cx = int(generator() % unsigned(s.width)), cy = int(generator() % unsigned(s.height));
        const int r = 1 + int(generator() % unsigned(2 + s.height / 3)), value = int(generator() % 256);
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x)
                if (i % 2 ? (x - cx) * (x - cx) + (y - cy) * (y - cy) < r * r
                          : std::abs(x - cx) + 0 < r && std::abs(y - cy) < r)
                    mask[size_t(y * s.width + x)] = uint8_t(value);
    }
    return mask;
}

void check_same(const ContourScore& a, const ContourScore& b) {
    CHECK(a.precision == b.precision);
    CHECK(a.recall == b.recall);
    CHECK(a.f == b.f);
}
}  // namespace

TEST_CASE_TEMPLATE("F follows the definition on shapes, noise, empty and full masks", Exec, EXECUTORS) {
    Exec exec;
    for (Size s : {Size{1, 1}, Size{1, 9}, Size{9, 1}, Size{63, 5}, Size{64, 20}, Size{65, 33}, Size{130, 61}}) {
        CAPTURE(s.width);
        const Reference reference{s};
        std::vector<std::vector<uint8_t>> masks{std::vector<uint8_t>(s.area(), 0), std::vector<uint8_t>(s.area(), 255)};
        for (unsigned seed = 1; seed <= 4; ++seed) masks.push_back(shapes(s, seed));
        masks.push_back(std::vector<uint8_t>(s.area(), 0));
        for (size_t i = 0; i < s.area(); i += 7) masks.back()[i] = uint8_t(i);
        for (double tolerance : {0.008, 0.05}) {
            ContourAccuracy<Exec> contour(exec, s, tolerance);
            CHECK(contour.radius() == reference.radius(tolerance));
            for (const auto& a : masks)
                for (const auto& b : masks) {
                    const Buffer<uint8_t, Exec> result(exec, s, a), truth(exec, s, b);
                    check_same(contour(result.view(), truth.view()), reference.score(a, b, contour.radius()));
                }
        }
    }
}

TEST_CASE_TEMPLATE("a tolerance of one or more is a radius in pixels, beyond a word of the packed rows too", Exec,
                   EXECUTORS) {
    const Size s{300, 9};
    Exec exec;
    for (int r : {1, 20, 63, 64, 65, 130}) {
        ContourAccuracy<Exec> contour(exec, s, r);
        CHECK(contour.radius() == r);
        const std::vector<uint8_t> a = shapes(s, 9), b = shapes(s, 10);
        const Buffer<uint8_t, Exec> result(exec, s, a), truth(exec, s, b);
        check_same(contour(result.view(), truth.view()), Reference{s}.score(a, b, r));
    }
}

TEST_CASE("the match radius is 8 pixels at 854 x 480 and 18 at 1920 x 1080") {
    Cpu exec;
    CHECK(ContourAccuracy<Cpu>(exec, {854, 480}).radius() == 8);
    CHECK(ContourAccuracy<Cpu>(exec, {1920, 1080}).radius() == 18);
}

TEST_CASE_TEMPLATE("J is the intersection over the union, and 1 for two empty masks", Exec, EXECUTORS) {
    Exec exec;
    for (Size s : {Size{1, 1}, Size{31, 7}, Size{130, 300}}) {
        const std::vector<uint8_t> empty(s.area(), 0), a = shapes(s, 1), b = shapes(s, 2);
        double both = 0, any = 0;
        for (size_t i = 0; i < s.area(); ++i) both += a[i] && b[i], any += a[i] || b[i];
        const std::vector<uint8_t> full(s.area(), 3);
        auto j = [&](const std::vector<uint8_t>& x, const std::vector<uint8_t>& y) {
            const Buffer<uint8_t, Exec> first(exec, s, x), second(exec, s, y);
            return intersection_over_union(exec, first.view(), second.view());
        };
        CHECK(j(a, b) == (any > 0 ? both / any : 1));
        CHECK(j(empty, empty) == 1);
        CHECK(j(full, full) == 1);
        CHECK(j(full, empty) == 0);
    }
}

TEST_CASE_TEMPLATE("measures allocate nothing and refuse wrong sizes", Exec, EXECUTORS) {
    const Size s{70, 40};
    Exec exec;
    const Buffer<uint8_t, Exec> a(exec, s, shapes(s, 1)), b(exec, s, shapes(s, 2)), turned(exec, {40, 70});
    ContourAccuracy<Exec> contour(exec, s);
    CHECK(allocations_during([&] {
              contour(a.view(), b.view());
              intersection_over_union(exec, a.view(), b.view());
          }) == 0);
    CHECK_THROWS_AS(contour(turned.view(), b.view()), Error);
    CHECK_THROWS_AS(intersection_over_union(exec, a.view(), turned.view()), Error);
    CHECK_THROWS_AS(ContourAccuracy<Exec>(exec, {0, 3}), Error);
    CHECK_THROWS_AS(ContourAccuracy<Exec>(exec, s, NAN), Error);
    CHECK_THROWS_AS(ContourAccuracy<Exec>(exec, s, -1), Error);
}

TEST_CASE("statistics leave out the first and the last frame and cut the decay into quarters with shared ends") {
    const std::vector<double> scores{NAN, 1, 0.9, 0.5, 0.6, 0.2, NAN};  // bins of frames 1-2, 2-3, 3-4, 4-5
    const SequenceStatistics s = sequence_statistics({scores.data(), scores.size()});
    CHECK(s.mean == doctest::Approx(0.64));
    CHECK(s.recall == doctest::Approx(0.6));  // 0.5 itself is not above 0.5
    CHECK(s.decay == doctest::Approx(0.95 - 0.4));
}

TEST_CASE("beyond 256 frames the reference's bins wrap and the exact ones do not") {
    // 802 scores inside: the ends are 0, 200, 401, 601 and 801; as bytes 601 is 89 and 801 is 33: the last bin is
    // empty.
    std::vector<double> scores(804);
    for (size_t i = 0; i < scores.size(); ++i) scores[i] = double(i);
    CHECK(std::isnan(sequence_statistics({scores.data(), scores.size()}, DecayBins::reference).decay));
    CHECK(sequence_statistics({scores.data(), scores.size()}, DecayBins::exact).decay == doctest::Approx(100 - 701));
    // 402 inside: ends 0, 100, 201, 301 and 401; as bytes 45 and 145.
    scores.resize(404);
    CHECK(sequence_statistics({scores.data(), scores.size()}, DecayBins::exact).decay == doctest::Approx(50 - 351));
    CHECK(sequence_statistics({scores.data(), scores.size()}, DecayBins::reference).decay == doctest::Approx(50 - 95));
}

TEST_CASE("statistics refuse sequences without an inner frame and scores that are not finite") {
    const std::vector<double> two{1, 1}, bad{1, NAN, 1};
    CHECK_THROWS_AS(sequence_statistics({two.data(), 2}), Error);
    CHECK_THROWS_AS(sequence_statistics({bad.data(), 3}), Error);
}

namespace {
// What the published result files hold: sequence -> measure -> key -> numbers. The indentation is fixed: sequences at 2
// spaces, measures at 4, keys at 6, numbers at 6 or 8 after dashes.
using Published = std::map<std::string, std::map<std::string, std::map<std::string, std::vector<double>>>>;
Published read_published(const std::filesystem::path& file) {
    Published out;
    std::ifstream in(file);
    std::string line, sequence, measure, key;
    for (bool inside = false; std::getline(in, line);) {
        if (line == "sequence:") inside = true;
        if (!inside || line[0] != ' ') continue;
        const size_t start = line.find_first_not_of(' ');
        if (line[start] == '-') {
            const std::string number = line.substr(line.rfind("- ") + 2);
            out[sequence][measure][key].push_back(number == ".nan" ? NAN : std::stod(number));
        } else {
            (start == 2 ? sequence : start == 4 ? measure : key) = line.substr(start, line.size() - start - 1);
        }
    }
    return out;
}
}  // namespace

TEST_CASE("statistics reproduce mean, recall and decay of the published per-frame scores of all DAVIS-2016 sequences") {
    int compared = 0;
    for (const char* name : {"results_train.yaml", "results_val.yaml"}) {
        const std::string file = std::string("davis/seed_paper_baseline/") + name;
        SKIP_WITHOUT_DATA(file);
        for (const auto& sequence : read_published(data_folder() / file))
            for (const auto& measure : sequence.second) {
                CAPTURE(sequence.first);
                CAPTURE(measure.first);
                const auto& published = measure.second;
                const std::vector<double>& raw = published.at("raw");
                const auto s = sequence_statistics({raw.data(), raw.size()}, DecayBins::reference);
                // 1e-15: the same sums in the same order; the text holds all digits.
                CHECK(std::abs(s.mean - published.at("mean").at(0)) <= 1e-15);
                CHECK(std::abs(s.recall - published.at("recall").at(0)) <= 1e-15);
                CHECK(std::abs(s.decay - published.at("decay").at(0)) <= 1e-15);
                compared += 3;
            }
    }
    CHECK(compared == 50 * 2 * 3);
}
