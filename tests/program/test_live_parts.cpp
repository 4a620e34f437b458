// Parts of the live demo, each against its definition.
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "canvas_view.hpp"
#include "control_list.hpp"
#include "focus_ring.hpp"
#include "governor.hpp"
#include "gpu_display.hpp"
#include "mailbox.hpp"
#include "program.hpp"
#include "settings.hpp"
#include "source_folder.hpp"
#include "stage_times.hpp"
#include "strokes.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

TEST_CASE("in a mailbox the newest wins, and closing it ends the waiting") {
    Mailbox<int> box;
    CHECK(!box.take());
    CHECK(!box.put(1));
    CHECK(box.put(2) == 1);
    CHECK(box.take() == 2);
    CHECK(!box.take());
    std::thread later([&] { box.put(3); });
    CHECK(box.wait(std::chrono::seconds(20)) == 3);
    later.join();
    std::thread closer([&] { box.close(); });
    CHECK(!box.wait(std::chrono::seconds(20)));
    closer.join();
    CHECK(box.closed());
}

TEST_CASE("stage times forget what is older than their window") {
    StageTimes times;
    FrameTimes frame;
    for (int i = 0; i <= 100; ++i) {
        frame.shown_at = i * 0.1, frame.latency_ms = float(i), frame.ms[1] = i % 2 ? 30.f : 10.f;
        times.add(frame);
    }
    times.add_dropped(7);
    const StageTimes::Summary summary = times.summary();
    CHECK(summary.shown == 101);
    CHECK(summary.dropped == 7);
    CHECK(summary.fps == doctest::Approx(10));
    CHECK(times.frames().front().shown_at >= 10 - StageTimes::window - 1e-9);
    CHECK(summary.latency.median == doctest::Approx(80).epsilon(0.02));
    CHECK(summary.stages[1].p95 == 30);
}

TEST_CASE("the times of the interface are those of the last seconds") {
    InterfaceTimes times;
    CHECK(times.summary().fps == 0);
    for (int i = 0; i <= 400; ++i) times.add(i * 0.025, i < 300 ? 500.f : i % 10 == 0 ? 30.f : 5.f);
    CHECK(times.frames() == 401);
    CHECK(times.summary().fps == doctest::Approx(40));
    times.add(20, 7);
    CHECK(times.summary().p95_ms == 7);  // the others are too old
}

TEST_CASE("a picture of the GPU takes the best route into the window that works, and a failed one is not tried again") {
    for (const int works : {0, 1, 2}) {
        RouteChoice choice;
        std::vector<DisplayRoute> tried;
        const auto show = [&](DisplayRoute route) {
            tried.push_back(route);
            return int(route) >= works;
        };
        CHECK(choice(show) == DisplayRoute(works));
        CHECK(int(tried.size()) == works + 1);
        tried.clear();
        CHECK(choice(show) == DisplayRoute(works));
        CHECK(tried == std::vector{DisplayRoute(works)});
    }
    RouteChoice choice;
    CHECK(choice([](DisplayRoute) { return true; }) == DisplayRoute::image);
    const auto unplugged = [](DisplayRoute route) { return route == DisplayRoute::pinned; };
    CHECK(choice(unplugged) == DisplayRoute::pinned);  // the window has moved to another card
}

TEST_CASE("the pixel under the cursor stays there when the wheel turns") {
    CanvasView view;
    view.set({640, 360}, {950, 716});
    CHECK(view.fitted());
    const Float2 at{300, 400}, pixel = view.to_picture(at);
    for (const float factor : {1.2f, 1.2f, 3.f, 1 / 1.2f}) {
        view.zoom(factor, at);
        CHECK(view.to_picture(at)[0] == doctest::Approx(pixel[0]).epsilon(1e-4));
        CHECK(view.to_picture(at)[1] == doctest::Approx(pixel[1]).epsilon(1e-4));
    }
    view.zoom(1e9f, at);
    CHECK(view.scale() == CanvasView::largest_zoom);
    view.pan({1e7f, -1e7f});  // the picture cannot be lost
    const Float2 middle = view.to_picture({475, 358});
    CHECK(middle[0] >= -1);
    CHECK(middle[1] <= 361);
    view.fit();
    CHECK(view.to_canvas({320, 180})[0] == doctest::Approx(475));
    view.set({640, 360}, {1900, 716});  // a fitted picture follows the window
    CHECK(view.to_canvas({0, 0})[1] == doctest::Approx(0));
}

TEST_CASE("the governor lowers the quality when frames are slow, and comes back without oscillating") {
    // A machine on which step q takes `cost[q]` ms.
    const float cost[] = {60, 45, 30, 20};
    Governor governor(24);  // 41.7 ms
    double now = 0;
    int moves = 0;
    for (int frame = 0; frame < 3000; ++frame) {
        const float ms = cost[governor.step()];
        now += double(std::max(ms, 33.f)) / 1000;
        moves += governor.frame(now, ms);
    }
    CHECK(governor.step() == 2);  // the best that holds the rate
    CHECK(moves <= 8);            // in about 100 seconds: tries of a better step become rare
    governor.pin(3);
    for (int frame = 0; frame < 200; ++frame) CHECK(!governor.frame(now += 0.03, 1));
    CHECK(governor.step() == 3);
    governor.pin(-1);
    for (int frame = 0; frame < 200; ++frame) governor.frame(now += 0.03, 1);
    CHECK(governor.step() < 3);
}

TEST_CASE("where frames are far too slow the governor does not go step by step") {
    Governor governor(24);
    double now = 0;
    for (int frame = 0; frame < 4; ++frame) governor.frame(now += 0.12, 120);
    CHECK(governor.step() == 2);
}

TEST_CASE("what a new quality has to make first is not held against it") {
    Governor governor(60);  // 16.7 ms
    governor.pin(3);
    governor.pin(-1);
    double now = 0;
    int since_change = 0;
    for (int frame = 0; frame < 400; ++frame, ++since_change) {
        const float ms =
            since_change == 4 && frame > 10 ? 300.f : 6.f;  // a plan is made, behind three frames under way
        if (governor.frame(now += double(std::max(ms, 33.f)) / 1000, ms)) since_change = 0;
    }
    CHECK(governor.step() == 0);
}

TEST_CASE("a rack goes from where the focus is to where it is wanted, evenly in 1 / distance") {
    FocusRing puller(1);
    puller.rack(4, 10, 2, LiveEasing::linear);
    CHECK(puller.at(9) == doctest::Approx(1));
    CHECK(1 / puller.at(11) == doctest::Approx(0.625));
    CHECK(puller.at(12) == doctest::Approx(4));
    CHECK(puller.at(99) == doctest::Approx(4));
    puller.rack(1, 11, 1, LiveEasing::smooth);  // begins where the first one is
    CHECK(1 / puller.at(11) == doctest::Approx(0.625));
    for (const LiveEasing easing :
         {LiveEasing::linear, LiveEasing::smooth, LiveEasing::ease_in, LiveEasing::ease_out}) {
        CHECK(eased(easing, 0) == 0);
        CHECK(eased(easing, 1) == 1);
        for (float t = 0.1f; t <= 1; t += 0.1f) CHECK(eased(easing, t) > eased(easing, t - 0.1f));
    }
    FocusRing follower(2);
    follower.follow(4, 19);
    CHECK(follower.at(19) == 4);  // at once, the first time
    follower.follow(3, 19.05);
    CHECK(follower.at(19.05) < 4);
    CHECK(follower.at(19.05) > 3);
    for (int i = 0; i < 60; ++i) follower.follow(3, 20 + i / 30.0);
    CHECK(follower.at(30) == doctest::Approx(3).epsilon(1e-3));
}

TEST_CASE("settings come back as they were written, and wrong ones are named and replaced") {
    Scratch scratch;
    LiveSettings settings;
    apply_preset("cinema", settings);
    settings.view = LiveView::defocus, settings.background = LiveBackground::picture;
    settings.background_file = "a \"b\".png", settings.smoothing = 0.25f, settings.camera = "/dev/v4l/by-id/x";
    const std::string file = scratch / "deep/settings.json";
    write_settings(file, settings);
    std::string problem;
    const LiveSettings read = read_settings(file, problem);
    CHECK(problem.empty());
    CHECK(read.f_number == settings.f_number);
    CHECK(read.blades == 8);
    CHECK(read.view == LiveView::defocus);
    CHECK(read.background_file == settings.background_file);
    CHECK(read.smoothing == settings.smoothing);
    CHECK(read.camera == settings.camera);

    write_text(file, R"({"f_number": 900, "view": "nothing", "zebra": 3, "delay": 1.5, "feather": 7})");
    const LiveSettings mended = read_settings(file, problem);
    for (const char* name : {"f_number", "view", "zebra", "delay"}) CHECK(problem.find(name) != std::string::npos);
    CHECK(problem.find("feather") == std::string::npos);
    CHECK(mended.f_number == LiveSettings().f_number);
    CHECK(mended.feather == 7);
    write_text(file, "not json");
    read_settings(file, problem);
    CHECK(problem.find("not JSON") != std::string::npos);
    read_settings(scratch / "none.json", problem);
    CHECK(problem.empty());  // the first start
    CHECK_THROWS_AS(apply_preset("none", settings), Error);
    for (const std::string& name : preset_names()) {
        LiveSettings preset;
        apply_preset(name, preset);
        LiveSettings cut = preset;
        make_valid(cut);
        CHECK(cut.f_number == preset.f_number);
        CHECK(cut.focal_length == preset.focal_length);
    }
    LiveSettings broken;
    broken.f_number = NAN, broken.delay = 77;
    make_valid(broken);
    CHECK(broken.f_number == 1);
    CHECK(broken.delay == 3);
}

// ---- the list of controls

TEST_CASE("docs/live.md tells of every key and control, and each test that it names is there") {
    const std::string document = text_of((source_folder() / "docs/live.md").string());
    std::set<std::string> tests;
    for (const auto& file : fs::directory_iterator(source_folder() / "tests/program"))
        for (std::string text = text_of(file.path().string()), begin = "TEST_CASE(\""; !text.empty();) {
            const size_t at = text.find(begin);
            if (at == std::string::npos) break;
            text.erase(0, at + begin.size());
            tests.insert(text.substr(0, text.find('"')));
        }
    std::map<std::string, std::string> rows;  // by their first column
    std::istringstream lines(document);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("| `", 0) != 0) continue;
        const size_t end = line.find("` |");
        REQUIRE(end != std::string::npos);
        rows[line.substr(3, end - 3)] = line;
    }
    for (const LiveControl& control : live_controls()) {
        CAPTURE(control.name);
        REQUIRE(rows.count(control.name) == 1);
        const std::string& row = rows[control.name];
        CHECK(row.find(control.does) != std::string::npos);
        const size_t last = row.rfind('|'), before = row.rfind('|', last - 1);
        const std::string test = row.substr(before + 2, last - before - 3);
        CHECK_MESSAGE(tests.count(test) == 1, "no test is called '" << test << "'");
        rows.erase(control.name);
    }
    CHECK_MESSAGE(rows.empty(), rows.begin()->first << " is no control");
}

TEST_CASE("strokes become labels, and undo takes the newest away") {
    Cpu exec;
    Strokes strokes;
    strokes.begin(subject_scribble, 2, {10, 10});
    CHECK(strokes.extend({20, 10}));
    CHECK(!strokes.extend({20.5f, 10}));
    CHECK(!strokes.complete());
    strokes.begin(background_scribble, 2, {50, 5});
    CHECK(strokes.complete());
    const Size size{64, 32};
    const std::vector<uint8_t> labels = strokes.labels(exec, size);
    CHECK(labels[10 * 64 + 15] == subject_scribble);
    CHECK(labels[5 * 64 + 50] == background_scribble);
    CHECK(labels[20 * 64 + 40] == 0);
    strokes.undo();
    CHECK(!strokes.complete());
    strokes.undo();
    CHECK(strokes.empty());
    strokes.undo();
    CHECK(!strokes.extend({1, 1}));
    CHECK(strokes.empty());
}
