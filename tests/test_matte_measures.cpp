#include "cinebokeh/matte_measures.hpp"

#include <queue>

#include "support.hpp"

using namespace cinebokeh;

namespace {
struct Reference {
    Size s;
    using Matte = std::vector<float>;

    double at(const Matte& m, int x, int y) const {
        return m[size_t(clamp(y, 0, s.height - 1) * s.width + clamp(x, 0, s.width - 1))];
    }
    // Two-dimensional filters, normalised as a whole.
    double magnitude(const Matte& m, int x, int y) const {
        double dx = 0, dy = 0, norm = 0;
        for (int v = -4; v <= 4; ++v)
            for (int u = -4; u <= 4; ++u) {
                const double g = std::exp(-(u * u + v * v) / (2 * 1.4 * 1.4));
                dx += u * g * at(m, x + u, y + v), dy += v * g * at(m, x + u, y + v), norm += u * g * u * g;
            }
        return std::hypot(dx, dy) / std::sqrt(norm);
    }
    double gradient(const Matte& a, const Matte& b) const {
        double sum = 0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) sum += std::pow(magnitude(a, x, y) - magnitude(b, x, y), 2);
        return sum;
    }
    // The largest region at a level, by breadth-first search.
    std::vector<bool> region(const Matte& a, const Matte& b, double level) const {
        std::vector<bool> seen(s.area(), false), largest(s.area(), false);
        size_t most = 0;
        for (size_t start = 0; start < s.area(); ++start) {
            std::vector<size_t> members;
            std::queue<size_t> todo;
            const auto visit = [&](size_t i) {
                if (seen[i] || !(a[i] >= float(level) && b[i] >= float(level))) return;
                seen[i] = true, todo.push(i), members.push_back(i);
            };
            visit(start);
            for (; !todo.empty(); todo.pop()) {
                const size_t i = todo.front(), w = size_t(s.width);
                if (i % w > 0) visit(i - 1);
                if (i % w + 1 < w) visit(i + 1);
                if (i >= w) visit(i - w);
                if (i + w < s.area()) visit(i + w);
            }
            if (members.size() <= most) continue;
            most = members.size();
            largest.assign(s.area(), false);
            for (const size_t i : members) largest[i] = true;
        }
        return largest;
    }
    double connectivity(const Matte& a, const Matte& b) const {
        std::vector<double> level(s.area(), -1);
        for (int tenth = 1; tenth <= 10; ++tenth) {
            const std::vector<bool> inside = region(a, b, tenth / 10.0);
            for (size_t i = 0; i < s.area(); ++i)
                if (level[i] < 0 && !inside[i]) level[i] = (tenth - 1) / 10.0;
        }
        double sum = 0;
        for (size_t i = 0; i < s.area(); ++i) {
            const double l = level[i] < 0 ? 1 : level[i], da = a[i] - l, db = b[i] - l;
            sum += std::abs((1 - (da >= 0.15 ? da : 0)) - (1 - (db >= 0.15 ? db : 0)));
        }
        return sum;
    }
};

// Soft discs: values between 0 and 1, several regions.
std::vector<float> soft_discs(Size s, unsigned seed) {
    std::vector<float> matte(s.area(), 0.f);
    const std::vector<float> random = noise(12, 0, 1, seed);
    for (size_t i = 0; i < 12; i += 3)
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const float u = float(x) - random[i] * float(s.width), v = float(y) - random[i + 1] * float(s.height);
                const float alpha = (random[i + 2] + 0.2f) * float(s.height) / 3 - std::sqrt(u * u + v * v);
                float& m = matte[size_t(y * s.width + x)];
                m = std::max(m, clamp(alpha / 4, 0.f, 1.f));
            }
    return matte;
}
const Size sizes[] = {{1, 1}, {1, 9}, {9, 1}, {16, 16}, {17, 15}, {61, 33}};
}  // namespace

TEST_CASE("MAD, MSE, confusion, gradient and connectivity follow their definitions") {
    Cpu exec;
    for (const Size s : sizes)
        for (unsigned seed = 1; seed <= 4; ++seed) {
            CAPTURE(s.width);
            CAPTURE(seed);
            const Reference reference{s};
            const std::vector<float> a = seed == 4 ? noise(s, 0, 1, 9) : soft_discs(s, seed),
                                     b = soft_discs(s, 10 + seed);
            double absolute = 0, squared = 0;
            ConfusionMatrix counts;
            for (size_t i = 0; i < s.area(); ++i) {
                absolute += std::abs(double(a[i]) - b[i]), squared += std::pow(double(a[i]) - b[i], 2);
                counts.true_positive += a[i] > 0.5f && b[i] > 0.5f,
                    counts.false_positive += a[i] > 0.5f && b[i] <= 0.5f;
                counts.false_negative += a[i] <= 0.5f && b[i] > 0.5f,
                    counts.true_negative += a[i] <= 0.5f && b[i] <= 0.5f;
            }
            MatteMeasures measures(exec, s);
            // 1e-12 of the sums: double arithmetic in another order.
            const auto same = [&](double value, double expected) {
                CHECK(std::abs(value - expected) <= 1e-12 * (1 + expected) * double(s.area()));
            };
            const AlphaError error = measures.error(host_view(a, s), host_view(b, s));
            same(error.mean_absolute, absolute / double(s.area())),
                same(error.mean_squared, squared / double(s.area()));
            const ConfusionMatrix confusion = measures.confusion(host_view(a, s), host_view(b, s));
            CHECK(confusion.true_positive == counts.true_positive);
            CHECK(confusion.false_positive == counts.false_positive);
            CHECK(confusion.false_negative == counts.false_negative);
            CHECK(confusion.true_negative == counts.true_negative);
            same(measures.gradient(host_view(a, s), host_view(b, s)), reference.gradient(a, b));
            same(measures.connectivity(host_view(a, s), host_view(b, s)), reference.connectivity(a, b));
        }
}

TEST_CASE("dtSSD and flicker follow their definitions") {
    Cpu exec;
    for (const Size s : sizes) {
        const std::vector<float> a0 = soft_discs(s, 1), a1 = soft_discs(s, 2), t0 = soft_discs(s, 3),
                                 t1 = soft_discs(s, 4);
        std::vector<Rgba8> frame = noise_rgba(s, 5), next = frame;
        for (size_t i = 0; i < s.area(); ++i) next[i][int(i % 3)] ^= uint8_t(i % 16);  // differences of up to 15 codes
        double sum = 0, still_sum = 0, still = 0;
        for (size_t i = 0; i < s.area(); ++i) {
            sum += std::pow((double(a1[i]) - a0[i]) - (double(t1[i]) - t0[i]), 2);
            bool stays = true;
            for (int c = 0; c < 3; ++c) stays &= std::abs(int(frame[i][c]) - int(next[i][c])) <= 6;
            if (stays) ++still, still_sum += std::pow(double(a1[i]) - a0[i], 2);
        }
        MatteMeasures measures(exec, s);
        CHECK(measures.temporal(host_view(a0, s), host_view(a1, s), host_view(t0, s), host_view(t1, s)) ==
              doctest::Approx(std::sqrt(sum / double(s.area()))).epsilon(1e-12));
        CHECK(matte_flicker(exec, host_view(frame, s), host_view(next, s), host_view(a0, s), host_view(a1, s)) ==
              doctest::Approx(still > 0 ? std::sqrt(still_sum / still) : 0).epsilon(1e-4));  // sums to 2^-24
    }
}

TEST_CASE("the truth itself has no error, and a frame that changes everywhere no flicker") {
    Cpu exec;
    const Size s{40, 30};
    const std::vector<float> a = soft_discs(s, 1), b = soft_discs(s, 2);
    MatteMeasures measures(exec, s);
    const auto view = host_view(a, s);
    CHECK(measures.error(view, view).mean_absolute == 0);
    CHECK(measures.gradient(view, view) == 0);
    CHECK(measures.connectivity(view, view) == 0);
    CHECK(measures.temporal(view, host_view(b, s), view, host_view(b, s)) == 0);
    CHECK(measures.confusion(view, view).intersection_over_union() == 1);
    CHECK(measures.confusion(view, view).accuracy() == 1);
    const std::vector<Rgba8> dark(s.area(), Rgba8{0, 0, 0, 255}), light(s.area(), Rgba8{0, 9, 0, 255});
    CHECK(matte_flicker(exec, host_view(dark, s), host_view(light, s), view, host_view(b, s)) == 0);
    CHECK(matte_flicker(exec, host_view(dark, s), host_view(dark, s), view, host_view(b, s)) > 0);
}

TEST_CASE("an island that is not connected to the subject costs connectivity, a soft edge of it does not") {
    Cpu exec;
    const Size s{20, 8};
    std::vector<float> truth(s.area(), 0.f), island = truth, edge;
    for (int y = 1; y < 7; ++y)
        for (int x = 1; x < 10; ++x) truth[size_t(y * s.width + x)] = 1;
    island = edge = truth;
    island[size_t(4 * s.width + 16)] = 1;
    edge[size_t(4 * s.width + 10)] = 0.1f;  // below .15: counts as connected
    MatteMeasures measures(exec, s);
    CHECK(measures.connectivity(host_view(island, s), host_view(truth, s)) == 1);
    CHECK(measures.connectivity(host_view(edge, s), host_view(truth, s)) == 0);
}

TEST_CASE("sums of confusion matrices, and what empty ones score") {
    ConfusionMatrix sum{1, 2, 3, 4};
    sum += {10, 20, 30, 40};
    CHECK(sum.intersection_over_union() == 11.0 / 66);
    CHECK(sum.accuracy() == 55.0 / 110);
    CHECK(ConfusionMatrix{}.intersection_over_union() == 1);
    CHECK(ConfusionMatrix{0, 0, 0, 5}.accuracy() == 1);
}

TEST_CASE("measures allocate nothing, depend on no threads, and refuse other sizes") {
    const Size s{70, 50};
    const std::vector<float> a = soft_discs(s, 1), b = soft_discs(s, 2);
    Cpu one(1), three(3);
    MatteMeasures by_one(one, s), by_three(three, s);
    const auto all = [&](MatteMeasures& m) {
        return m.error(host_view(a, s), host_view(b, s)).mean_squared + m.gradient(host_view(a, s), host_view(b, s)) +
               m.connectivity(host_view(a, s), host_view(b, s));
    };
    const double first = all(by_one);
    double second = 0;
    CHECK(allocations_during([&] { second = all(by_three); }) == 0);
    CHECK(first == second);
    CHECK_THROWS_AS(by_one.error(host_view(a, s), host_view(b, {50, 70})), Error);
    CHECK_THROWS_AS(MatteMeasures(one, Size{0, 5}), Error);
}
