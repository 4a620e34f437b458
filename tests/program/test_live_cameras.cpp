// Cameras: which one is meant, and the virtual one that the live demo writes to.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "camera_list.hpp"
#include "program.hpp"
#include "virtual_camera.hpp"
#include "yuv.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

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
