// Focus tracks on disk: what is written is read again, and what strangers write is refused with the key and what to do.
#include "focus_track_file.hpp"
#include "program.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
using Kind = FocusTarget::Kind;

std::string refusal(const Scratch& scratch, const std::string& json) {
    write_text(scratch / "track.json", json);
    try {
        read_focus_track(scratch / "track.json");
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}
std::string keys(const std::string& list) { return R"({"keys": [)" + list + "]}"; }
}  // namespace

TEST_CASE("a track that is written is read again as the same keys") {
    const Scratch scratch;
    const std::vector<std::vector<FocusKey>> tracks = {
        {{0, {}, {}, {}, FocusEasing::smooth}},
        {{0, {Kind::disparity, 0.1f, 0, 0}, 1.8f, {}, FocusEasing::linear},
         {1.0 / 3, {Kind::distance, 2.7f, 0, 0}, 2.8f, {}, FocusEasing::hold},
         {1e6, {Kind::distance, INFINITY, 0, 0}, 22.f, {}, FocusEasing::smooth}},
        {{0.1, {Kind::point, 0, 0.3f, 1}, {}, 0.f, FocusEasing::smooth},
         {0.2, {Kind::disparity, -1e-30f, 0, 0}, {}, 1e4f, FocusEasing::linear}}};
    for (const auto& track : tracks) {
        write_focus_track(scratch / "a.json", FocusTrack(track));
        CHECK(read_focus_track(scratch / "a.json").keys() == track);
    }
    CHECK_THROWS_AS(write_focus_track(scratch / "nowhere/a.json", FocusTrack(tracks[0])), Error);
}

TEST_CASE("a track by hand: easing is smooth, and a key keeps the strength of the last") {
    const Scratch scratch;
    CHECK(refusal(scratch, keys(R"({"time": 0, "focus": "subject", "strength": 20},
                                   {"time": 2, "focus": {"point": [0.5, 0.25]}, "easing": "hold"})"))
              .empty());
    const FocusTrack track = read_focus_track(scratch / "track.json");
    CHECK(track.keys()[0].easing == FocusEasing::smooth);
    CHECK(track.keys()[1].strength == 20.f);
}

TEST_CASE("tracks that cannot be are refused in one line that says where and what") {
    const Scratch scratch;
    const std::pair<std::string, std::string> cases[] = {
        {"", "is empty"},
        {"{", "is not JSON"},
        {"\xff\xfe\x01", "is not JSON"},
        {std::string(100000, '['), "is not JSON"},
        {"[]", "must be {\"keys\""},
        {R"({"keys": 3})", "must be {\"keys\""},
        {keys(""), "no key"},
        {keys("1"), "key 0: 1 is not an object"},
        {keys(R"({"focus": "subject"})"), "key 0: time must be a number"},
        {keys(R"({"time": "0", "focus": "subject"})"), "key 0: time must be a number"},
        {keys(R"({"time": 0})"), "key 0: focus is missing"},
        {keys(R"({"time": 0, "focus": "wall"})"), "focus must be"},
        {keys(R"({"time": 0, "focus": {"disparity": 1, "distance": 2}})"), "focus must be"},
        {keys(R"({"time": 0, "focus": {"depth": 1}})"), "no field 'depth'"},
        {keys(R"({"time": 0, "focus": {"point": [1]}})"), "point must be [x, y]"},
        {keys(R"({"time": 0, "focus": {"point": [1, 2]}})"), "outside of [0, 1]"},
        {keys(R"({"time": 0, "focus": {"distance": 0}})"), "distance of key 0"},
        {keys(R"({"time": 0, "focus": {"disparity": 1e300}})"), "disparity of key 0 is not finite"},
        {keys(R"({"time": 1e999, "focus": "subject"})"), "is not JSON"},
        {keys(R"({"time": -1, "focus": "subject"})"), "time of key 0"},
        {keys(R"({"time": 2, "focus": "subject"}, {"time": 1, "focus": "subject"})"), "does not come after key 0"},
        {keys(R"({"time": 2, "focus": "subject"}, {"time": 2, "focus": "subject"})"), "does not come after key 0"},
        {keys(R"({"time": 0, "focus": "subject", "fnumber": 2})"), "no field 'fnumber'"},
        {keys(R"({"time": 0, "focus": "subject", "f_number": "2"})"), "f_number must be a number"},
        {keys(R"({"time": 0, "focus": "subject", "f_number": 2, "strength": 3})"), "mixes f-numbers with strengths"},
        {keys(R"({"time": 0, "focus": "subject", "easing": "bounce"})"), "easing must be"}};
    for (const auto& refused : cases) {  // a pair, not its names: clang before 16 captures no structured binding
        const std::string message = refusal(scratch, refused.first), says = refused.second;
        CHECK_MESSAGE(message.find(says) != std::string::npos, "'" << message << "' lacks " << says);
        CHECK(message.find("track.json") != std::string::npos);
        CHECK(message.find('\n') == std::string::npos);
    }
    CHECK_THROWS_AS(read_focus_track(scratch / "none.json"), Error);
}
