// The panel and the timeline of the live demo, driven as a person would, and what came of it on disk.
#include "desktop.hpp"
#include "focus_track_file.hpp"
#include "settings.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

TEST_CASE("a recording can be decoded, and holds the input and the mattes too") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch);
    LiveWindow live(scratch, desktop, "demo --subject truth --quiet");
    live.key("r");
    pause_ms(2500);
    live.key("r");
    std::string folder;
    CHECK(wait_until(patience, [&] {
        for (const auto& entry : fs::directory_iterator(scratch / ""))
            if (entry.is_directory() && entry.path().filename().string().rfind("cinebokeh-", 0) == 0)
                folder = entry.path().string();
        return !folder.empty() && fs::exists(folder + "/result.mp4");
    }));
    pause_ms(2500);
    live.key("Escape");
    REQUIRE(live.ends(patience));
    long counts[2] = {0, 0};
    for (const bool result : {false, true}) {
        const std::unique_ptr<FrameSource> video = open_video(folder + (result ? "/result.mp4" : "/source.mp4"));
        CHECK(video->info().size == Size{1280, 720});
        for (Frame frame; video->next(frame);) ++counts[result];
    }
    CHECK(counts[0] >= 5);  // even on a slow machine
    CHECK(counts[0] == counts[1]);
    CHECK(long(pictures_in(folder + "/mattes").size()) == counts[0]);
}

TEST_CASE("every control of the panel sets what it is called after") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch, {1400, 900});
    write_square(scratch, "behind.png", {64, 48});
    LiveWindow live(scratch, desktop, "demo --subject truth --quiet");
    const auto press = [&](const std::string& control) {
        CAPTURE(control);
        REQUIRE(wait_until(patience, [&] { return live.has(control); }));
        live.click(live.at(control, 0.3f));
    };
    // What moves other controls.
    const auto open = [&](const std::string& control) { press(control), live.settle(); };
    const auto choose = [&](const std::string& control, const std::string& value) {
        open(control), open(control + ":" + value);
    };
    for (const char* name : {"Lens", "Subject", "Background"}) open(std::string("section:") + name);
    const auto section = [&](const std::string& name, const auto& work) {
        open("section:" + name);
        work();
        CHECK(unlisted(live) == "");
        open("section:" + name);
    };
    section("Lens", [&] {
        for (const char* control : {"preset:macro", "f-number", "focal length", "sensor width"}) press(control);
    });
    section("Aperture", [&] {
        for (const char* control : {"blades", "rotation", "cat-eye", "squeeze", "chromatic", "highlights"})
            press(control);
        press("exact renderer");
    });
    section("Scene", [&] {
        for (const char* control : {"subject distance", "background distance", "tilt", "rack"}) press(control);
        press("believe the matte");
        choose("easing", "ease-in");
    });
    section("Subject", [&] {
        for (const char* control : {"feather", "edge shift", "smoothing"}) press(control);
        open("wait for the matte"), open("sync");
        open("find again"), open("brush"), press("brush size"), press("undo"), press("clear"), open("done");
        choose("source", "rvm");
    });
    section("Background", [&] {
        choose("kind", "gaussian"), press("sigma");
        choose("kind", "colour"), press("colour");
        choose("kind", "picture"), press("background file");
        live.type(scratch / "behind.png"), live.key("Return");
    });
    section("Output", [&] {
        press("screenshot"), press("with disparity"), press("record");
        REQUIRE(wait_until(patience, [&] { return live.has("stop recording"); }));
        open("stop recording");
    });
    section("Quality", [&] { press("target"), open("automatic"), press("quality"); });
    press("zebra"), press("on the subject");
    live.key("f");
    CHECK(wait_until(patience, [&] { return !live.has("timing"); }));
    const float width = live.at("canvas", 1)[0];
    live.key("F11");
    CHECK(wait_until(patience, [&] { return live.at("canvas", 1)[0] > width + 50; }));
    live.key("Escape");
    REQUIRE(live.ends(patience));

    std::string problem;
    const LiveSettings kept = read_settings(scratch / "settings.json", problem), fresh;
    CHECK(problem == "");
    CHECK(kept.f_number != 4);  // as macro sets it
    CHECK(kept.focal_length != 100);
    CHECK(kept.sensor_width != 36);
    CHECK(kept.blades >= 3);
    CHECK(kept.rotation < 0);
    CHECK(kept.cat_eye > 0.1f);
    CHECK(kept.squeeze < 0.95f + 1);
    CHECK(kept.squeeze != 1);
    CHECK(kept.chromatic != 0);
    CHECK(kept.highlights > 0);
    CHECK(kept.exact);
    CHECK(kept.subject_distance != 0.45f);
    CHECK(kept.background_distance != 1.2f);
    CHECK(kept.tilt != 0);
    CHECK(kept.rack_seconds != fresh.rack_seconds);
    CHECK(!kept.snap);
    CHECK(kept.easing == LiveEasing::ease_in);
    CHECK(kept.feather > 0);
    CHECK(kept.edge_shift != 0);
    CHECK(kept.smoothing > 0);
    CHECK(!kept.match);
    CHECK(kept.delay > 0);
    CHECK(kept.subject == LiveSubject::network);
    CHECK(kept.sigma != fresh.sigma);
    CHECK(kept.background == LiveBackground::picture);
    CHECK(kept.background_file == scratch / "behind.png");
    CHECK(kept.record_disparity);
    CHECK(kept.target_fps != fresh.target_fps);
    CHECK(kept.pinned_quality >= 0);
    CHECK(kept.zebra);
    CHECK(!kept.focus_on_subject);
    CHECK(!kept.timing);
}

TEST_CASE("a recording is edited on its timeline, saved, and rendered again") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch);
    const std::string folder = write_recording(scratch, "made", {128, 96}), track = folder + "/focus.json";
    LiveWindow live(scratch, desktop, "'" + folder + "' --quiet");
    REQUIRE(wait_until(patience, [&] { return live.has("key:1"); }));
    CHECK(!live.has("key:2"));
    live.drag(live.at("key:1"), live.at("timeline", 0.6f, 0.8f));
    live.click("save track");
    const auto saved = [&] { return read_focus_track(track).keys(); };
    CHECK(wait_until(patience, [&] { return saved().back().target.value < 0.5f; }));
    CHECK(saved().back().time > 0.2);
    CHECK(saved().back().time < 0.29);
    live.drag(live.at("f-number key:1"), live.at("f-numbers", 0.6f, 0.1f));  // opened
    live.click("save track");
    CHECK(wait_until(patience, [&] { return *saved().back().f_number < 2; }));
    CHECK(*saved().front().f_number == doctest::Approx(4));
    live.click(live.at("key f-number", 0.95f));  // of the same key: closed
    live.click("save track");
    CHECK(wait_until(patience, [&] { return *saved().back().f_number > 12; }));
    CHECK(saved().back().target.value < 0.5f);
    live.double_click(live.at("f-numbers", 0.3f, 0.95f));
    CHECK(wait_until(patience, [&] { return live.has("key:2"); }));
    live.click("key easing"), live.click("key easing:hold");
    live.click("save track");
    CHECK(wait_until(patience, [&] { return saved().size() == 3 && saved()[1].easing == FocusEasing::hold; }));
    CHECK(unlisted(live) == "");
    live.key("Delete");
    CHECK(wait_until(patience, [&] { return !live.has("key:2"); }));
    live.click(live.at("key:1"));
    live.click("delete key");
    CHECK(wait_until(patience, [&] { return !live.has("key:1"); }));
    live.click("render again");  // saves
    CHECK(wait_until(patience, [&] {
        try {
            return play(folder + "/rendered.mp4").times.size() == 12;
        } catch (const Error&) {  // not complete yet
            return false;
        }
    }));
    CHECK(saved().size() == 1);
    live.key("Escape");
    CHECK(live.ends(patience));
}
