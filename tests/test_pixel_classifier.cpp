#include "cinebokeh/pixel_classifier.hpp"

#include "cinebokeh/pixel_features.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
// A frame of samples whose classes are inside and outside a disk in the plane of the first two features.
struct Disk {
    Size size{64, 48};
    std::vector<float> features, weight;
    std::vector<uint8_t> label;
    explicit Disk(int count) : features(noise(size.area() * size_t(count), -2, 2)), weight(size.area(), 1.f) {
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const float a = at(x, y, 0, count), b = at(x, y, 1, count);
                label.push_back(a * a + b * b < 1.6f);
            }
    }
    float at(int x, int y, int k, int count) const { return features[size_t((y * count + k) * size.width + x)]; }
    HostImage<const float> view(int count) const { return {features.data(), {size.width, size.height * count}}; }
};
}  // namespace

TEST_CASE("the classifier learns a disk that no linear rule separates") {
    Cpu exec(2);
    constexpr int count = 4;
    const Disk disk(count);
    Random random(3);
    SampleSet set(exec, count, 2000);
    REQUIRE(
        set.draw(disk.view(count), host_view(disk.label, disk.size), host_view(disk.weight, disk.size), 2000, random));
    PixelClassifier classifier(exec, {.features = count, .batch = 256});
    for (int step = 0; step < 400; ++step) classifier.train(set, {}, 256, .01f, random);
    std::vector<uint8_t> active(disk.size.area(), 1);
    std::vector<float> logit(disk.size.area());
    classifier.classify(disk.view(count), host_view(active, disk.size), 6, host_view(logit, disk.size));
    int right = 0;
    for (size_t i = 0; i < logit.size(); ++i) {
        right += (logit[i] > 0) == (disk.label[i] == 1);
        CHECK(std::abs(logit[i]) <= 6);
    }
    CHECK(right > .95 * double(logit.size()));  // a linear rule gets the larger class: about 70 %
}

TEST_CASE("one step of training follows the gradient of the cross-entropy") {
    // After the first Adam step every weight has moved by the learning rate against the sign of its gradient, so a
    // small step must lower the loss of its own batch by learning_rate * sum |gradient|, to first order.
    Cpu exec(1);
    constexpr int count = 5;
    const Disk disk(count);
    Random random(5);
    SampleSet set(exec, count, 64);
    REQUIRE(
        set.draw(disk.view(count), host_view(disk.label, disk.size), host_view(disk.weight, disk.size), 64, random));
    std::vector<uint8_t> active(64, 1);
    const auto loss = [&](PixelClassifier& c) {
        std::vector<float> logit(64);
        c.classify({set.features().data, {64, count}, set.features().pitch}, {active.data(), {64, 1}}, 50,
                   {logit.data(), {64, 1}});
        double sum = 0;
        for (int s = 0; s < 64; ++s) {
            const double z = double(logit[size_t(s)]);
            sum += std::log1p(std::exp(set.subject(s) ? -z : z));
        }
        return sum / 64;
    };
    double drop[2];
    for (int i = 0; i < 2; ++i) {
        PixelClassifier classifier(exec, {.features = count, .weight_decay = 0, .batch = 4096});
        const double before = loss(classifier);
        Random draw(7);
        classifier.train(set, {}, 4096, i ? 2e-4f : 1e-4f, draw);
        drop[i] = before - loss(classifier);
        CHECK(drop[i] > 0);
    }
    CHECK(drop[1] / drop[0] ==
          doctest::Approx(2).epsilon(.05));  // linear in the rate: this is the gradient's direction
}

TEST_CASE("training does not depend on the threads, allocates nothing, and a copy classifies like its original") {
    constexpr int count = 20;
    const Disk disk(count);
    std::vector<uint8_t> active(disk.size.area(), 1);
    std::vector<std::vector<float>> results;
    for (int threads : {1, 2}) {
        Cpu exec(threads);
        Random random(9);
        SampleSet set(exec, count, 500), extra[2] = {SampleSet(exec, count, 300), SampleSet(exec, count, 300)};
        PixelClassifier a(exec, {.batch = 512}), b(exec, {.batch = 512});
        std::vector<float> logit(disk.size.area());
        CHECK(allocations_during([&] {
                  set.draw(disk.view(count), host_view(disk.label, disk.size), host_view(disk.weight, disk.size), 500,
                           random);
                  for (SampleSet& e : extra)
                      e.draw(disk.view(count), host_view(disk.label, disk.size), host_view(disk.weight, disk.size), 300,
                             random);
                  for (int step = 0; step < 5; ++step) a.train(set, {extra, 2}, 512, .01f, random);
                  b.copy_from(a);
                  b.classify(disk.view(count), host_view(active, disk.size), 6, host_view(logit, disk.size));
              }) == 0);
        results.push_back(logit);
    }
    CHECK(results[0] == results[1]);
}

TEST_CASE("drawing samples balances the classes and follows the weights") {
    Cpu exec(1);
    const Size s{100, 10};
    std::vector<float> features(s.area()), weight(s.area());
    std::vector<uint8_t> label(s.area(), 2);
    for (int y = 0; y < 10; ++y)
        for (int x = 0; x < 100; ++x) {
            const size_t i = size_t(y * 100 + x);
            features[i] = float(x);
            label[i] = x < 10 ? 1 : x < 20 ? 2 : 0;
            weight[i] = x < 60 ? 3.f : 1.f;
        }
    SampleSet set(exec, 1, 400);
    Random random(1);
    REQUIRE(set.draw(host_view(features, s), host_view(label, s), host_view(weight, s), 400, random));
    int subject = 0, near = 0, unused = 0;
    for (int n = 0; n < set.count(); ++n) {
        const float x = set.features()(n, 0);
        subject += set.subject(n), near += !set.subject(n) && x < 60, unused += x >= 10 && x < 20;
    }
    CHECK(set.count() == 400);
    CHECK(subject == 200);
    CHECK(unused == 0);
    CHECK(std::abs(near - 150) <=
          2);  // 3/4 of 200: the two halves are equally large; systematic draws miss by one or two
    std::fill(label.begin(), label.end(), uint8_t(0));
    CHECK_FALSE(set.draw(host_view(features, s), host_view(label, s), host_view(weight, s), 400, random));
    CHECK(set.count() == 400);
}

TEST_CASE("pixels that are not active, bad sizes and NaN are handled") {
    Cpu exec(1);
    PixelClassifier classifier(exec, {.features = 1});
    std::vector<float> features(40, 1.f), logit(40, 9.f);
    std::vector<uint8_t> active(40, 0);
    active[35] = 1;
    features[36] = NAN;
    classifier.classify({features.data(), {40, 1}}, {active.data(), {40, 1}}, 4, {logit.data(), {40, 1}});
    CHECK(logit[0] == 0);
    CHECK(logit[35] != 0);
    CHECK(std::abs(logit[36]) <= 4);
    CHECK_THROWS_AS(
        classifier.classify({features.data(), {39, 1}}, {active.data(), {40, 1}}, 4, {logit.data(), {40, 1}}), Error);
    SampleSet none(exec, 1, 4), other(exec, 2, 4);
    Random random;
    CHECK_THROWS_AS(classifier.train(none, {}, 4, .1f, random), Error);
    CHECK_THROWS_AS(classifier.copy_from(PixelClassifier(exec, {.features = 2})), Error);
    CHECK_THROWS_AS(PixelClassifier(exec, {.features = 0}), Error);
}

#if CINEBOKEH_GRID
namespace {
// A disk as in the tests above, on the device.
template <class Exec>
struct DeviceDisk {
    Disk disk;
    Buffer<float, Exec> features, weight;
    Buffer<uint8_t, Exec> label, active;
    DeviceDisk(Exec& exec, int count)
        : disk(count),
          features(exec, {disk.size.width, disk.size.height * count}, disk.features),
          weight(exec, disk.size, disk.weight),
          label(exec, disk.size, disk.label),
          active(exec, disk.size, std::vector<uint8_t>(disk.size.area(), 1)) {}
};
}  // namespace

TEST_CASE_TEMPLATE("on the device the classifier learns a disk, too", Exec, CUDA_EXECUTORS) {
    Exec exec;
    constexpr int count = 4;
    DeviceDisk<Exec> d(exec, count);
    Random random(3);
    SampleSetCuda set(exec, count, 1000), more[2] = {SampleSetCuda(exec, count, 300), SampleSetCuda(exec, count, 300)};
    REQUIRE(set.draw(d.features.view(), d.label.view(), d.weight.view(), 1000, random));
    for (SampleSetCuda& m : more) REQUIRE(m.draw(d.features.view(), d.label.view(), d.weight.view(), 300, random));
    PixelClassifierCuda classifier(exec, {.features = count, .batch = 128}), copied(exec, {.features = count});
    Buffer<float, Exec> logit(exec, d.disk.size);
    CHECK(allocations_during([&] {
              for (int step = 0; step < 120; ++step) classifier.train(set, {more, 2}, 128, .03f, random);
              copied.copy_from(classifier);
              copied.classify(d.features.view(), d.active.view(), 6, logit.view());
          }) == 0);
    const auto out = logit.download();
    int right = 0;
    for (size_t i = 0; i < out.size(); ++i) {
        right += (out[i] > 0) == (d.disk.label[i] == 1);
        CHECK(std::abs(out[i]) <= 6);
    }
    CHECK(right > .93 * double(out.size()));  // a linear rule gets the larger class: about 70 %
}

TEST_CASE_TEMPLATE("one step of training on the device follows the gradient of the cross-entropy", Exec,
                   CUDA_EXECUTORS) {
    // As on the CPU; here the loss is over the whole frame, and the batch is drawn from all of it.
    Exec exec;
    constexpr int count = 5;
    DeviceDisk<Exec> d(exec, count);
    Random random(5);
    SampleSetCuda set(exec, count, 2000);
    REQUIRE(set.draw(d.features.view(), d.label.view(), d.weight.view(), 2000, random));
    Buffer<float, Exec> logit(exec, d.disk.size);
    const auto loss = [&](PixelClassifierCuda& c) {
        c.classify(d.features.view(), d.active.view(), 50, logit.view());
        const auto z = logit.download();
        double sum[2] = {0, 0}, pixels[2] = {0, 0};
        for (size_t i = 0; i < z.size(); ++i) {
            const int side = d.disk.label[i];
            sum[side] += std::log1p(std::exp(side ? -double(z[i]) : double(z[i]))), ++pixels[side];
        }
        return sum[0] / pixels[0] / 2 + sum[1] / pixels[1] / 2;
    };
    double drop[2];
    for (int i = 0; i < 2; ++i) {
        PixelClassifierCuda classifier(exec, {.features = count, .weight_decay = 0, .batch = 2048});
        const double before = loss(classifier);
        Random draw(7);
        classifier.train(set, {}, 2048, i ? 2e-4f : 1e-4f, draw);
        drop[i] = before - loss(classifier);
        CHECK(drop[i] > 0);
    }
    CHECK(drop[1] / drop[0] == doctest::Approx(2).epsilon(.05));
}

TEST_CASE_TEMPLATE("drawing on the device balances the classes and follows the weights", Exec, CUDA_EXECUTORS) {
    const Size s{100, 10};
    std::vector<float> features(s.area()), weight(s.area());
    std::vector<uint8_t> label(s.area(), 2);
    for (size_t i = 0; i < s.area(); ++i) {
        const size_t x = i % 100;
        features[i] = float(x), weight[i] = x < 60 ? 3.f : 1.f, label[i] = x < 10 ? 1 : x < 20 ? 2 : 0;
    }
    Exec exec;
    Buffer<float, Exec> shown(exec, s, features), weights(exec, s, weight);
    Buffer<uint8_t, Exec> labels(exec, s, label);
    SampleSetCuda set(exec, 1, 400);
    Random random(1);
    REQUIRE(set.draw(shown.view(), labels.view(), weights.view(), 400, random));
    std::vector<float> drawn(400);
    copy(exec, set.features(), HostImage<float>(drawn.data(), {400, 1}));
    exec.synchronize();
    CHECK(set.count() == 400);
    int near = 0;
    for (size_t n = 0; n < 400; ++n) {
        CHECK((n < 200 ? drawn[n] >= 20 : drawn[n] < 10));  // background first, then the subject
        near += n < 200 && drawn[n] < 60;
    }
    CHECK(std::abs(near - 150) <= 2);  // 3/4 of 200, as on the CPU
    labels.upload(std::vector<uint8_t>(s.area(), 0));
    CHECK_FALSE(set.draw(shown.view(), labels.view(), weights.view(), 400, random));
    CHECK(set.count() == 400);
    CHECK_THROWS_AS(set.draw(shown.view(), labels.view(), weights.view(), 401, random), Error);
}
#endif

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("pixel features on the device are those of the CPU", Exec, CUDA_EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{37, 23}}) {
        const auto a = noise(s.area() * 4, -20, 80, 4), b = noise(s.area() * 4, 0, 20, 5);
        std::vector<Float4> lab(s.area()), bins(s.area());
        for (size_t i = 0; i < s.area(); ++i)
            for (int c = 0; c < 4; ++c) lab[i][c] = a[4 * i + size_t(c)], bins[i][c] = b[4 * i + size_t(c)];
        const auto run = [&]<class On>(On& exec) {
            ForSpace<On, PixelFeatures, PixelFeaturesCuda> features(exec, s);
            const Size grid = features.grid();
            Buffer<Float4, On> colour(exec, s, lab), orientation(exec, s, bins);
            Buffer<float, On> out(exec, {grid.width, grid.height * PixelFeatures::count});
            CHECK(allocations_during([&] { features(colour.view(), orientation.view(), out.view()); }) == 0);
            return out.download();
        };
        Cpu cpu;
        Exec exec;
        CHECK(worst_error(run(exec), run(cpu)) < 1e-2);  // what the docstring promises
    }
}
#endif

TEST_CASE("pixel features of a constant frame are its colour at every scale, and no texture") {
    Cpu exec(2);
    const Size s{37, 29};
    std::vector<Float4> colour(s.area(), Float4{80, 15, -24, 0}), orientation(s.area(), Float4{0, 0, 0, 0});
    PixelFeatures plan(exec, s);
    Buffer<float, Cpu> out(exec, {plan.grid().width, plan.grid().height * PixelFeatures::count});
    CHECK(allocations_during([&] { plan(host_view(colour, s), host_view(orientation, s), out.view()); }) == 0);
    const double expected[3][3] = {{2, 1, -1.6}, {2, 1, -1.6}, {2.5, 1.25, -2}};  // (L - 50, a, b) / 15, 15, 12
    for (int j = 0; j < plan.grid().height; ++j)
        for (int i = 0; i < plan.grid().width; ++i)
            for (int k = 0; k < PixelFeatures::count; ++k) {
                const double want = k < 9 ? expected[k / 3][k % 3] : 0;
                // The deviation is the root of a difference of squares of 80: root of 80^2 * 50 * 2^-24 = .14, over 6.
                CHECK(std::abs(double(out.view()(i, j * PixelFeatures::count + k)) - want) < (k < 17 ? 1e-4 : .03));
            }
    CHECK_THROWS_AS(plan(host_view(colour, s), host_view(orientation, s), out.view().crop(0, 0, {1, 1})), Error);
}
