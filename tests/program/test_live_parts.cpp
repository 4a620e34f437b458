// Parts of the live demo, each against its definition.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "camera_list.hpp"
#include "canvas_view.hpp"
#include "control_list.hpp"
#include "engine.hpp"
#include "focus_ring.hpp"
#include "governor.hpp"
#include "gpu_display.hpp"
#include "mailbox.hpp"
#include "pipeline.hpp"
#include "program.hpp"
#include "settings.hpp"
#include "source_folder.hpp"
#include "stage_times.hpp"
#include "strokes.hpp"
#include "virtual_camera.hpp"
#include "yuv.hpp"

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

TEST_CASE("a feather leaves the picture sharp around the subject, and the subject and what is far as they were") {
    const Size size{160, 120};
    LiveFrame frame;
    frame.frame.resize(size);
    frame.frame.pixels = square_picture(size), frame.frame.matte = square_matte(size);
    frame.frame.result.resize(size.area());
    LiveSettings settings;
    settings.f_number = 1.4f;
    const std::unique_ptr<RenderEngine> engine = make_render_engine_cpu({.size = size});
    const auto render = [&](float feather) {
        settings.feather = feather;
        engine->measure(settings, frame);
        frame.focus.strength = 0;
        engine->render(settings, frame);
        return frame.frame.result;
    };
    const std::vector<Rgba8> plain = render(0), soft = render(12);
    const auto error = [&](const std::vector<Rgba8>& picture, int x0, int x1) {  // to the sharp picture
        double sum = 0;
        for (int y = 50; y < 70; ++y)
            for (int x = x0; x < x1; ++x)
                for (int c = 0; c < 3; ++c)
                    sum += std::abs(picture[size_t(y * size.width + x)][c] -
                                    frame.frame.pixels[size_t(y * size.width + x)][c]);
        return sum / (20.0 * (x1 - x0) * 3);
    };
    CHECK(error(plain, 44, 116) < 0.5);  // the subject begins at 40 and ends at 120
    CHECK(error(soft, 44, 116) < 0.5);
    CHECK(error(soft, 36, 40) < 0.5 * error(plain, 36, 40));  // beside it
    CHECK(error(soft, 2, 20) == doctest::Approx(error(plain, 2, 20)).epsilon(0.05));
}

TEST_CASE("where matte and disparity disagree the matte is believed, as long as that is wanted") {
    const Size size{160, 120};
    LiveFrame frame;
    frame.frame.resize(size);
    frame.frame.pixels = square_picture(size), frame.frame.matte = square_matte(size);
    frame.frame.result.resize(size.area());
    frame.frame.disparity = frame.frame.matte;  // but a part of the subject is taken for background
    for (int y = 40; y < 60; ++y)
        for (int x = 40; x < 52; ++x) frame.frame.disparity[size_t(y * size.width + x)] = 0;
    frame.frame.pixels[size_t(50 * size.width + 46)] = {0, 0, 255, 255};  // in that part
    LiveSettings settings;
    settings.f_number = 1;
    const std::unique_ptr<RenderEngine> engine = make_render_engine_cpu({.size = size});
    const auto blue = [&](bool snap) {
        settings.snap = snap;
        engine->measure(settings, frame);
        frame.focus.strength = 0;
        engine->render(settings, frame);
        return int(frame.frame.result[size_t(50 * size.width + 46)][2]);
    };
    CHECK(blue(true) > 240);  // sharp
    CHECK(blue(false) < 200);
    frame.frame.drawn = true;  // by this disparity: it is right
    CHECK(blue(true) < 200);
}

TEST_CASE("the sync slider holds the picture back by as many frames as it says") {
    const Scratch scratch;
    write_video(scratch, "in.mp4", {64, 48}, 30);
    for (const int delay : {0, 3}) {
        LiveSettings settings;
        settings.match = false, settings.delay = delay;
        LivePipeline pipeline({.input = scratch / "in.mp4"}, {}, settings);
        long least = 1000;
        for (int shown = 0; shown < 10;) {
            const SharedFrame frame = pipeline.newest(std::chrono::seconds(20));
            REQUIRE(frame);
            const long lag = pipeline.captured() - 1 - frame->frame.index;
            CHECK(lag >= delay);
            least = std::min(least, lag);
            pipeline.shown(*frame, 0);
            ++shown;
        }
        CHECK(least <= delay + 2);  // nothing else holds it back
    }
}

TEST_CASE("a preview shows the cut of strokes on the frozen frame, and only the finished strokes are followed") {
    const Scratch scratch;
    const Size size{160, 120};
    write_folders(scratch, size, 4);
    LiveSettings settings;
    settings.subject = LiveSubject::scribbles;
    LivePipeline pipeline({.input = scratch / "frames"}, {}, settings);
    REQUIRE(pipeline.newest(std::chrono::seconds(20)));
    pipeline.pause(true);
    pause_ms(300);
    const auto matte_for = [&](Float2 subject, bool preview) {
        Strokes strokes;
        strokes.begin(subject_scribble, 3, subject);
        strokes.begin(background_scribble, 3, {4, 4}), strokes.extend({4, 115});
        while (pipeline.newest()) {
        }
        Cpu exec;
        pipeline.find_subject(strokes.labels(exec, size), preview);
        REQUIRE(wait_until(30, [&] { return !pipeline.finding(); }));
        const SharedFrame frame = pipeline.newest(std::chrono::seconds(20));
        REQUIRE(frame);
        return frame->frame.matte;
    };
    const size_t middle = size_t(60 * size.width + 80), corner = size_t(110 * size.width + 150);
    const std::vector<float> cut = matte_for({80, 60}, true);
    CHECK(cut[middle] > 0.9f);
    CHECK(cut[corner] < 0.1f);
    pipeline.pause(false);  // in the middle of a stroke: nothing is followed yet, so the subject is sought by itself
    SharedFrame moving;
    REQUIRE(wait_until(20, [&] {
        while (const SharedFrame next = pipeline.newest()) moving = next;
        return moving && moving->frame.index > 3;
    }));
    pipeline.pause(true);
    pause_ms(300);
    CHECK(matte_for({80, 60}, false)[middle] > 0.9f);
    CHECK(pipeline.message() == "");
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

TEST_CASE("of the modes of a camera the one that is fast enough and nearest in size is taken") {
    const std::vector<CameraMode> modes{{"yuyv422", {1280, 720}, 10}, {"mjpeg", {1280, 720}, 30},
                                        {"mjpeg", {1920, 1080}, 30},  {"yuyv422", {640, 480}, 30},
                                        {"mjpeg", {640, 480}, 30},    {"mjpeg", {320, 240}, 60}};
    CHECK(choose_mode(modes, {1280, 720}, 30)->format == "mjpeg");
    CHECK(choose_mode(modes, {1280, 720}, 30)->size == Size{1280, 720});
    CHECK(choose_mode(modes, {640, 480}, 30)->format == "yuyv422");  // uncompressed costs no speed here
    CHECK(choose_mode(modes, {1280, 720}, 60)->size == Size{320, 240});
    CHECK(choose_mode({modes[0]}, {1280, 720}, 30)->fps == 10);
    CHECK(!choose_mode({}, {1280, 720}, 30));
}

TEST_CASE("a camera is found by number, device, id or name") {
    const std::vector<Camera> cameras{{"/dev/video0", "Integrated Camera", "/dev/v4l/by-id/usb-a", {}},
                                      {"/dev/video2", "HD Pro C920", "/dev/v4l/by-id/usb-b", {}}};
    CHECK(find_camera(cameras, "")->device == "/dev/video0");
    CHECK(find_camera(cameras, "2")->device == "/dev/video2");
    CHECK(find_camera(cameras, "/dev/video0")->name == "Integrated Camera");
    CHECK(find_camera(cameras, "/dev/v4l/by-id/usb-b")->device == "/dev/video2");
    CHECK(find_camera(cameras, "C920")->device == "/dev/video2");
    CHECK(!find_camera(cameras, "1"));
    CHECK(!find_camera({}, ""));
}

#if defined(__linux__)
TEST_CASE("a virtual camera writes whole frames, and never waits for a reader that is slow") {
    Scratch scratch;
    const std::string pipe = scratch / "camera";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    const Size size{321, 200};
    const std::vector<Rgba8> pixels = noise_rgba(size);
    VirtualCamera camera(pipe, size);
    const Size even = even_size(size);
    REQUIRE(camera.frame_bytes() == even.area() * 3 / 2);
    const Stopwatch watch;
    for (int i = 0; i < 5; ++i) camera.write({pixels.data(), size});  // nobody reads
    CHECK(watch.ms() < 20000);                                        // a wait without end would hang here

    std::vector<uint8_t> expected(camera.frame_bytes()), read(2 * camera.frame_bytes());
    Cpu exec;
    const Size half{even.width / 2, even.height / 2};
    uint8_t* u = expected.data() + even.area();
    rgba_to_yuv420(exec, {pixels.data(), size}, {{expected.data(), even}, {u, half}, {u + half.area(), half}});
    const int file = open(pipe.c_str(), O_RDONLY);
    REQUIRE(file >= 0);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        while (!stop) camera.write({pixels.data(), size});
    });
    for (size_t done = 0; done < read.size();) {
        const ssize_t count = ::read(file, read.data() + done, read.size() - done);
        REQUIRE(count > 0);
        done += size_t(count);
    }
    stop = true;
    writer.join();
    close(file);
    CHECK(std::equal(expected.begin(), expected.end(), read.begin()));
    CHECK(std::equal(expected.begin(), expected.end(), read.begin() + ptrdiff_t(expected.size())));
}

TEST_CASE("what is no virtual camera is refused, with what to do") {
    Scratch scratch;
    const auto message = [](const std::string& device) -> std::string {
        try {
            VirtualCamera camera(device, {64, 64});
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    CHECK(message(scratch / "none").find("modprobe v4l2loopback") != std::string::npos);
    write_text(scratch / "file", "x");
    CHECK(message(scratch / "file").find("no virtual camera") != std::string::npos);
}
#endif
