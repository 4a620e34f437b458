#include "cinebokeh/pipeline/focus_track.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
using Kind = FocusTarget::Kind;
FocusKey key(double time, float disparity, FocusEasing easing = FocusEasing::linear) {
    return {time, {Kind::disparity, disparity, 0, 0}, {}, 20.f, easing};
}
// A subject at disparity 0.8 on the left, a wall at 0.1.
struct Scene {
    Size size{64, 40};
    std::vector<float> disparity = std::vector<float>(size.area(), 0.1f), matte = std::vector<float>(size.area(), 0.f);
    Scene() {
        for (int y = 0; y < 40; ++y)
            for (int x = 0; x < 20; ++x) disparity[size_t(y * 64 + x)] = 0.8f, matte[size_t(y * 64 + x)] = 1;
    }
};
}  // namespace

TEST_CASE("a track stands still outside of its keys and is eased between them") {
    const FocusTrack track({key(1, 0.2f), key(3, 0.6f, FocusEasing::smooth), key(5, 1, FocusEasing::hold), key(6, 0)});
    CHECK(track.at(0).mix == 0);
    CHECK(track.at(0).from == &track.keys()[0]);
    CHECK(track.at(0).to == &track.keys()[0]);
    CHECK(track.at(1.5).mix == doctest::Approx(0.25));
    CHECK(track.at(3.5).mix == doctest::Approx(0.25 * 0.25 * 2.5));
    CHECK(track.at(4).mix == doctest::Approx(0.5));
    CHECK(track.at(5.999).mix == 0);
    CHECK(track.at(5.999).from == &track.keys()[2]);
    CHECK(track.at(6).from == &track.keys()[3]);
    CHECK(track.at(1e9).to == &track.keys()[3]);
    CHECK_THROWS_AS(track.at(NAN), Error);
}

TEST_CASE("f-numbers are mixed in stops, strengths evenly, and keys without keep the last") {
    FocusKey a = key(0, 0), b = key(2, 0), c = key(4, 0);
    a.strength = {}, b.strength = {}, c.strength = {};
    CHECK(!FocusTrack({a, b}).at(1).f_number);
    a.f_number = 2.f, b.f_number = 8.f;
    const FocusTrack lens({a, b, c});
    CHECK(*lens.at(1).f_number == doctest::Approx(4));
    CHECK(*lens.at(3).f_number == 8);
    a = key(0, 0), b = key(2, 0), b.strength = 60.f;
    CHECK(*FocusTrack({a, b}).at(1).strength == doctest::Approx(40));
}

TEST_CASE_TEMPLATE("a rack focus goes from the subject to the wall", Exec, EXECUTORS) {
    const Scene scene;
    Exec exec;
    Buffer<float, Exec> disparity(exec, scene.size, scene.disparity), matte(exec, scene.size, scene.matte);
    FocusKey subject{0, {Kind::subject, 0, 0, 0}, {}, 30.f, FocusEasing::smooth};
    FocusKey wall{2, {Kind::point, 0, 0.9f, 0.5f}, {}, 30.f, FocusEasing::smooth};
    FocusTrackPlayer<Exec> pull(exec, FocusTrack({subject, wall}));
    CHECK(pull(0, disparity.view(), matte.view()).disparity == 0.8f);
    CHECK(pull(1, disparity.view(), matte.view()).disparity == doctest::Approx(0.45));
    CHECK(pull(2, disparity.view(), matte.view()).disparity == doctest::Approx(0.1));
    CHECK(pull(9, disparity.view(), matte.view()).strength == 30);
}

TEST_CASE_TEMPLATE("distances and f-numbers are those of the lens", Exec, EXECUTORS) {
    const Scene scene;
    Exec exec;
    Buffer<float, Exec> disparity(exec, scene.size, scene.disparity);
    FocusKey at{0, {Kind::distance, 2, 0, 0}, 1.4f, {}, FocusEasing::linear};
    const DisparityScale scale{.a = 1.5f, .b = 0.05f};
    FocusTrackPlayer<Exec> pull(exec, FocusTrack({at}), {.focal_length = 0.085f}, scale);
    const Focus focus = pull(0, disparity.view(), {});
    const Lens lens{.focal_length = 0.085f, .f_number = 1.4f, .focus_distance = 2};
    CHECK(focus.strength == doctest::Approx(blur_strength(lens, 64) * 1.5).epsilon(1e-5));
    CHECK(focus.disparity == doctest::Approx((0.5 - 0.05) / 1.5));
    at.target.value = INFINITY;
    CHECK(FocusTrackPlayer<Exec>(exec, FocusTrack({at}))(0, disparity.view(), {}).disparity == 0);
    at.target = {Kind::disparity, 100, 0, 0};  // one centimetre: closer than the focal length
    FocusTrackPlayer<Exec> too_close(exec, FocusTrack({at}));
    CHECK_THROWS_AS(too_close(0, disparity.view(), {}), Error);
}

TEST_CASE_TEMPLATE("a subject that is lost stays where it was last", Exec, EXECUTORS) {
    const Scene scene;
    Exec exec;
    Buffer<float, Exec> disparity(exec, scene.size, scene.disparity), matte(exec, scene.size, scene.matte);
    const FocusTrack track({{0, {}, {}, 30.f, FocusEasing::linear}});
    FocusTrackPlayer<Exec> pull(exec, track);
    CHECK(pull(0, disparity.view(), {}).disparity == 0.1f);  // never seen: the middle of the frame
    CHECK(pull(1, disparity.view(), matte.view()).disparity == 0.8f);
    matte.upload(std::vector<float>(scene.size.area(), 0.f));
    CHECK(pull(2, disparity.view(), matte.view()).disparity == 0.8f);
    Buffer<float, Exec> nothing(exec, {4, 4}, std::vector<float>(16, NAN));
    CHECK(FocusTrackPlayer<Exec>(exec, track)(0, nothing.view(), {}).disparity == 0);
}

TEST_CASE("a track that cannot be is refused, with the number of the key") {
    const auto refuses = [](const std::vector<FocusKey>& keys, const std::string& says) {
        std::string message;
        try {
            FocusTrack track(keys);
        } catch (const Error& error) {
            message = error.what();
        }
        CHECK_MESSAGE(message.find(says) != std::string::npos, message);
    };
    refuses({}, "no key");
    refuses({key(1, 0), key(0.5, 0)}, "key 1 at 0.5");
    refuses({key(1, 0), key(1, 0)}, "does not come after key 0");
    refuses({key(-1, 0)}, "key 0");
    refuses({key(NAN, 0)}, "key 0");
    refuses({key(0, NAN)}, "disparity of key 0");
    FocusKey bad = key(2, 0);
    bad.target = {Kind::distance, 0, 0, 0};
    refuses({key(0, 0), bad}, "distance of key 1");
    bad.target = {Kind::point, 0, 1.5f, 0};
    refuses({key(0, 0), bad}, "point of key 1");
    bad = key(2, 0), bad.strength = -1.f;
    refuses({key(0, 0), bad}, "strength of key 1");
    bad.strength = {}, bad.f_number = 0.f;
    refuses({bad}, "f-number of key 0");
    bad.f_number = 2.f;
    refuses({key(0, 0), bad}, "mixes f-numbers with strengths");
    Cpu exec;
    CHECK_THROWS_AS(FocusTrackPlayer<Cpu>(exec, FocusTrack({key(0, 0)}), {.f_number = 0}), Error);
    CHECK_THROWS_AS(FocusTrackPlayer<Cpu>(exec, FocusTrack({key(0, 0)}), {}, {.a = 0}), Error);
}

TEST_CASE("pulling focus allocates nothing") {
    const Scene scene;
    Cpu exec;
    Buffer<float, Cpu> disparity(exec, scene.size, scene.disparity), matte(exec, scene.size, scene.matte);
    FocusTrackPlayer<Cpu> pull(exec, FocusTrack({{0, {}, {}, 30.f, FocusEasing::linear}, key(1, 0.5f)}));
    CHECK(allocations_during([&] { pull(0.5, disparity.view(), matte.view()); }) == 0);
}
