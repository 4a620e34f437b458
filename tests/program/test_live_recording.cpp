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
    const TrackLens lens{{.focal_length = 0.085f, .focus_distance = INFINITY}, {.a = 0.5f, .b = 0.2f}};
    constexpr int width = 1280;
    std::vector<FocusSample> samples;
    for (int i = 0; i < 90; ++i) {  // still, a rack that starts and ends slowly while the lens is opened, still
        const float t = std::min(std::max((float(i) - 30) / 30, 0.f), 1.f);
        const float disparity = 1 - t * t * (3 - 2 * t);
        samples.push_back({i / 30.0, lens.focus(4 - 2 * t, disparity, width)});
    }
    const FocusTrack track = track_through(samples, lens, width, 0.25f);
    CHECK(track.keys().size() >= 4);
    CHECK(track.keys().size() <= 24);
    for (const FocusSample& sample : samples) {
        const Focus focus = RecordedFocus{track, lens}.at(sample.time, width);
        CHECK(std::abs(focus.disparity - sample.focus.disparity) * sample.focus.strength <= 0.26f);  // and rounding
        CHECK(std::abs(focus.strength - sample.focus.strength) <= 0.26f);
    }
    CHECK(track.keys().back().target.value == samples.back().focus.disparity);
    CHECK(*track.keys().front().f_number == doctest::Approx(4));
    CHECK(*track.keys().back().f_number == doctest::Approx(2));

    const std::vector<FocusSample> still(100, FocusSample{0, {40, 0.5f}});
    std::vector<FocusSample> same = still;
    for (size_t i = 0; i < same.size(); ++i) same[i].time = double(i);
    CHECK(track_through(same, lens, width).keys().size() == 1);
    CHECK(track_through({{2, {1, 1}}}, lens, width).keys().size() == 1);
    CHECK_THROWS_AS(track_through({}, lens, width), Error);
}

TEST_CASE("keys are moved between their neighbours, added on the curve, opened, eased and deleted") {
    const Scratch scratch;
    const std::string file = scratch / "focus.json";
    const std::string keys =
        R"({"keys": [{"time": 0, "focus": {"disparity": 0}, "f_number": 2, "easing": "linear"},
                     {"time": 2, "focus": {"disparity": 1}, "f_number": 8}, {"time": 4, "focus": {"disparity": 0.5}}])";
    write_text(file, keys + R"(, "lens": {"focal_length": 50, "sensor_width": 36, "disparity_scale": [2, 0.5]}})");
    TrackEditor editor(file);
    CHECK(!editor.changed());
    editor.move(1, 9);  // not beyond the key behind it
    CHECK(editor.key(1).time < 4);
    CHECK(editor.key(1).time > 3.9);
    editor.set_disparity(1, 0.75f);
    CHECK(editor.key(1).target.value == 0.75f);
    editor.set_disparity(1, 1e6f);  // not nearer than the lens can focus: 50 mm and a tenth
    CHECK(2 * editor.key(1).target.value + 0.5f == doctest::Approx(1 / 0.055));
    editor.move(1, 2), editor.set_disparity(1, 1);
    editor.move(0, -3);
    CHECK(editor.key(0).time == 0);
    CHECK(editor.add(1) == 1);
    CHECK(editor.key(1).target.value == doctest::Approx(0.5));
    CHECK(*editor.key(1).f_number == doctest::Approx(4));  // halfway in stops
    CHECK(editor.add(1) == 1);                             // it is there
    CHECK(editor.count() == 4);
    editor.set_f_number(1, 1.4f);
    const double k = blur_strength({0.05f, 1.4f, 1 / 1.5f, 0.036f}, 640) * 2;  // focused on 2 / 2 + 0.5
    CHECK(double(editor.focus().at(1, 640).strength) == doctest::Approx(k));
    editor.set_f_number(1, 99);
    CHECK(*editor.key(1).f_number == 22);
    editor.set_easing(1, FocusEasing::hold);
    CHECK(editor.focus().disparity_at(1.9) == doctest::Approx(0.5));
    CHECK(editor.focus().f_number_at(1.9) == doctest::Approx(22));
    CHECK(editor.changed());
    editor.save();
    CHECK(!editor.changed());
    const TrackEditor saved(file);
    CHECK(saved.focus().track.keys() == editor.focus().track.keys());
    CHECK(saved.focus().at(1, 640).strength == doctest::Approx(editor.focus().at(1, 640).strength));
    for (int i = 0; i < 6; ++i) editor.erase(0);
    CHECK(editor.count() == 1);
    CHECK(editor.key(0).target.value == 0.5f);

    write_text(file, R"({"keys": [{"time": 0, "focus": "subject", "f_number": 8}], "lens": {"focal_length": 50,
                         "sensor_width": 36}})");
    CHECK_THROWS_WITH_AS(TrackEditor{file}, doctest::Contains("edit it as text"), Error);
    write_text(file, keys + "}");
    CHECK_THROWS_WITH_AS(TrackEditor{file}, doctest::Contains("edit it as text"), Error);
    write_text(file, keys + R"(, "lens": {"focal_length": 50}})");
    CHECK_THROWS_WITH_AS(TrackEditor{file}, doctest::Contains("sensor_width must be a number"), Error);
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
        const auto recorder = std::make_shared<Recorder>(
            RecorderParams{.folder = folder, .source = pipeline.info(), .lens = lens_of(settings)});
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
    CHECK(*editor.key(0).f_number == doctest::Approx(2).epsilon(1e-3));  // as it was set
    editor.set_disparity(0, 0);                                          // on the background
    const auto blurred_by = [&](float f_number) {
        editor.set_f_number(0, f_number);
        editor.save();
        REQUIRE(render_recording(folder, "cpu") == "rendered: " + folder + "/rendered.mp4");
        return step_at_edge(frames_of(folder + "/rendered.mp4").front());
    };
    CHECK(blurred_by(22) > 1.3 * blurred_by(2));  // the lens is closed
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
        const auto recorder = std::make_shared<Recorder>(
            RecorderParams{.folder = folder, .source = pipeline.info(), .lens = lens_of(settings), .disparity = true});
        pipeline.add_output(recorder);
        REQUIRE(wait_until(60, [&] { return recorder->frames() >= 3; }));
        pipeline.remove_output(recorder.get());
        const SharedFrame newest = pipeline.newest(std::chrono::seconds(20));
        REQUIRE(newest);
        focus = newest->focus, disparity = newest->maps.disparity;
        recorder->close();
    }
    const std::unique_ptr<FrameSource> source = open_recording(folder);
    CHECK(source->info().has_disparity);
    Frame frame;
    REQUIRE(source->next(frame));
    REQUIRE(frame.given_disparity.size() == disparity.size());
    for (size_t i = 0; i < disparity.size(); i += 97)  // 16 bits of 5 / metres
        CHECK(frame.given_disparity[i] == doctest::Approx(disparity[i]).epsilon(1e-3));
    const RecordedFocus recorded = RecordedFocus::read(recorded_track(folder));
    CHECK(*recorded.track.keys().front().f_number == doctest::Approx(settings.f_number).epsilon(1e-3));
    FocusState back;
    RecordedScale::of(true, focus).from(recorded.at(0, size.width), back);
    CHECK(back.distance == doctest::Approx(focus.distance).epsilon(1e-3));
    CHECK(back.strength == doctest::Approx(focus.strength).epsilon(1e-3));
}
