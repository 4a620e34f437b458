// A recording of the live demo, its focus edited, rendered again.
#include "cinebokeh/core/error.hpp"
#include "focus_recording.hpp"
#include "focus_track_file.hpp"
#include "pipeline.hpp"
#include "program.hpp"
#include "recorder.hpp"
#include "rerender.hpp"
#include "track_editor.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
constexpr Size size{128, 96};

std::vector<std::vector<Rgba8>> frames_of(const std::string& file) {
    std::vector<std::vector<Rgba8>> frames;
    const std::unique_ptr<FrameSource> video = open_video(file);
    for (Frame frame; video->next(frame);) frames.push_back(frame.pixels);
    return frames;
}

// The step at the left edge of the square, between 3 pixels on either side: less where the square is blurred.
double step_at_edge(const std::vector<Rgba8>& pixels) {
    double sum = 0;
    for (int y = 40; y < 56; ++y) {
        const Rgba8* row = &pixels[size_t(y * size.width)];
        sum += row[size.width / 4 + 3][0] - row[size.width / 4 - 3][0];
    }
    return sum / 16;
}
double mean_difference(const std::vector<Rgba8>& a, const std::vector<Rgba8>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i)
        for (int c = 0; c < 3; ++c) sum += std::abs(a[i][c] - b[i][c]);
    return sum / double(3 * a.size());
}
}  // namespace

TEST_CASE("the focus of a recording becomes the few keys that it needs, and no frame is far from it") {
    std::vector<FocusSample> samples;
    for (int i = 0; i < 90; ++i) {  // still, a rack that starts and ends slowly, still
        const float t = std::min(std::max((float(i) - 30) / 30, 0.f), 1.f);
        samples.push_back({i / 30.0, {40, 1 - t * t * (3 - 2 * t)}});
    }
    const FocusTrack track = track_through(samples, 0.25f);
    CHECK(track.keys().size() >= 4);
    CHECK(track.keys().size() <= 20);
    for (const FocusSample& sample : samples) {
        const Focus focus = focus_at(track, sample.time);
        CHECK(std::abs(focus.disparity - sample.focus.disparity) * 40 <= 0.26f);  // and rounding
        CHECK(focus.strength == doctest::Approx(40));
    }
    CHECK(track.keys().back().target.value == samples.back().focus.disparity);

    const std::vector<FocusSample> still(100, FocusSample{0, {40, 0.5f}});
    std::vector<FocusSample> same = still;
    for (size_t i = 0; i < same.size(); ++i) same[i].time = double(i);
    CHECK(track_through(same).keys().size() == 1);
    CHECK(track_through({{2, {1, 1}}}).keys().size() == 1);
    CHECK_THROWS_AS(track_through({}), Error);
}

TEST_CASE("keys are moved between their neighbours, added on the curve, eased and deleted") {
    const Scratch scratch;
    const std::string file = scratch / "focus.json";
    write_text(file, R"({"keys": [{"time": 0, "focus": {"disparity": 0}, "strength": 8, "easing": "linear"},
                                  {"time": 2, "focus": {"disparity": 1}}, {"time": 4, "focus": {"disparity": 0.5}}]})");
    TrackEditor editor(file);
    CHECK(!editor.changed());
    editor.move(1, 9, 0.75f);  // not beyond the key behind it
    CHECK(editor.key(1).time < 4);
    CHECK(editor.key(1).time > 3.9);
    CHECK(editor.key(1).target.value == 0.75f);
    editor.move(1, 2, 1);
    editor.move(0, -3, 0);
    CHECK(editor.key(0).time == 0);
    CHECK(editor.add(1) == 1);
    CHECK(editor.key(1).target.value == doctest::Approx(0.5));
    CHECK(editor.add(1) == 1);  // it is there
    CHECK(editor.count() == 4);
    editor.set_easing(1, FocusEasing::hold);
    CHECK(focus_at(editor.track(), 1.9).disparity == doctest::Approx(0.5));
    CHECK(editor.changed());
    editor.save();
    CHECK(!editor.changed());
    CHECK(TrackEditor(file).track().keys() == editor.track().keys());
    for (int i = 0; i < 6; ++i) editor.erase(0);
    CHECK(editor.count() == 1);
    CHECK(editor.key(0).target.value == 0.5f);

    write_text(file, R"({"keys": [{"time": 0, "focus": "subject", "strength": 8}]})");
    CHECK_THROWS_WITH_AS(TrackEditor{file}, doctest::Contains("edit it as text"), Error);
}

TEST_CASE("what was recorded is rendered again as it was, and as it was edited") {
    const Scratch scratch;
    LiveSettings settings;
    settings.subject = LiveSubject::truth;
    settings.subject_distance = settings.focus_distance = 1, settings.background_distance = 20;
    settings.focus_on_subject = false, settings.rack_seconds = 0.2f;
    settings.focal_length = 100, settings.f_number = 2;  // a radius of about 8 pixels
    const std::string folder = scratch / "live";
    {
        LivePipeline pipeline({.input = write_recording(scratch, "made", size)}, {}, settings);
        const auto recorder = std::make_shared<Recorder>(RecorderParams{.folder = folder, .source = pipeline.info()});
        pipeline.add_output(recorder);
        REQUIRE(wait_until(60, [&] { return recorder->frames() >= 6; }));
        pipeline.rack_to(20);
        const long begun = recorder->frames();
        REQUIRE(wait_until(60, [&] { return recorder->frames() >= begun + 14; }));
        pipeline.remove_output(recorder.get());
        recorder->close();
    }
    REQUIRE(is_recording(folder));
    CHECK(!has_recorded_disparity(folder));
    const FocusTrack track = read_focus_track(recorded_track(folder));
    CHECK(track.keys().front().target.value == doctest::Approx(1).epsilon(0.02));  // on the subject
    CHECK(track.keys().back().target.value == doctest::Approx(0).epsilon(0.02));   // on the background

    const std::string again = "blur '" + folder + "/source.mp4' --matte '" + folder + "/mattes' --renderer layered " +
                              "--quiet --focus-track '" + recorded_track(folder) + "' -o '" + (scratch / "again.mp4'");
    REQUIRE(run_program(scratch, again).code == 0);
    const auto live = frames_of(folder + "/result.mp4"), rendered = frames_of(scratch / "again.mp4");
    REQUIRE(live.size() == rendered.size());
    // Both went through two encoders; the focus of a frame is within a quarter of a pixel.
    for (size_t i = 0; i < live.size(); ++i) CHECK(mean_difference(live[i], rendered[i]) < 4);
    CHECK(step_at_edge(rendered.front()) > 1.3 * step_at_edge(rendered.back()));

    TrackEditor editor(recorded_track(folder));
    while (editor.count() > 1) editor.erase(editor.count() - 1);  // the focus stays on the subject
    editor.save();
    CHECK(render_recording(folder, "cpu") == "rendered: " + folder + "/rendered.mp4");
    const auto edited = frames_of(folder + "/rendered.mp4");
    REQUIRE(edited.size() == live.size());
    CHECK(step_at_edge(edited.back()) > 1.3 * step_at_edge(rendered.back()));
    CHECK(mean_difference(edited.front(), rendered.front()) < 1);
}

TEST_CASE("a recording with disparity brings it back, and its focus fits it") {
    const Scratch scratch;
    LiveSettings settings;
    settings.subject = LiveSubject::truth, settings.subject_distance = 1.25f, settings.background_distance = 5;
    settings.tilt = 0.1f;  // more than two planes
    const std::string folder = scratch / "live";
    FocusState focus;
    std::vector<float> disparity;
    {
        LivePipeline pipeline({.input = write_recording(scratch, "made", size)}, {}, settings);
        const auto recorder =
            std::make_shared<Recorder>(RecorderParams{.folder = folder, .source = pipeline.info(), .disparity = true});
        pipeline.add_output(recorder);
        REQUIRE(wait_until(60, [&] { return recorder->frames() >= 3; }));
        pipeline.remove_output(recorder.get());
        const SharedFrame newest = pipeline.newest(std::chrono::seconds(20));
        REQUIRE(newest);
        focus = newest->focus, disparity = newest->disparity;
        recorder->close();
    }
    const std::unique_ptr<FrameSource> source = open_recording(folder);
    CHECK(source->info().has_disparity);
    Frame frame;
    REQUIRE(source->next(frame));
    REQUIRE(frame.given_disparity.size() == disparity.size());
    for (size_t i = 0; i < disparity.size(); i += 97)  // 16 bits of 5 / metres
        CHECK(frame.given_disparity[i] == doctest::Approx(disparity[i]).epsilon(1e-3));
    const FocusTrack track = read_focus_track(recorded_track(folder));
    const FocusKey& key = track.keys().front();
    FocusState back;
    RecordedScale::of(true, focus).from({*key.strength, key.target.value}, back);
    CHECK(back.distance == doctest::Approx(focus.distance).epsilon(1e-3));
    CHECK(back.strength == doctest::Approx(focus.strength).epsilon(1e-3));
}
