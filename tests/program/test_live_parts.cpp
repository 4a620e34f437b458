// Parts of the live demo, each against its definition.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "camera_list.hpp"
#include "canvas_view.hpp"
#include "focus_ring.hpp"
#include "governor.hpp"
#include "mailbox.hpp"
#include "program.hpp"
#include "settings.hpp"
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

TEST_CASE("strokes become labels, and undo takes the newest away") {
    Cpu exec;
    Strokes strokes;
    strokes.begin(subject_scribble, 2, {10, 10});
    strokes.extend({20, 10});
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
    strokes.extend({1, 1});
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
