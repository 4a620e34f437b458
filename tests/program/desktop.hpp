// A display without a screen, and the live demo on it, driven with mouse and keys as a person would.
#pragma once
#include <optional>

#include "program.hpp"
#include "report.hpp"

namespace cinebokeh::demo {

inline bool have_desktop_tools() {
    return std::system("command -v Xvfb >/dev/null && command -v xdotool >/dev/null") == 0;
}
#define SKIP_WITHOUT_DESKTOP()                                \
    if (!have_desktop_tools()) {                              \
        MESSAGE("skipped: Xvfb or xdotool is not installed"); \
        return;                                               \
    }

class Desktop {
public:
    explicit Desktop(const Scratch& scratch, Size size = {1280, 800}) {
        const std::string screen = std::to_string(size.width) + "x" + std::to_string(size.height) + "x24";
        const std::string number = scratch / "display";
        server_.emplace("exec Xvfb -displayfd 3 -screen 0 " + screen + " 3>'" + number + "' >/dev/null 2>&1");
        REQUIRE(wait_until(20, [&] { return !text_of(number).empty() && text_of(number).back() == '\n'; }));
        display_ = ":" + text_of(number);
        display_.pop_back();
    }
    const std::string& display() const { return display_; }

private:
    std::optional<Child> server_;
    std::string display_;
};

/// The program `live` in a window of its own. Settings, recordings and screenshots go to the scratch folder.
class LiveWindow {
public:
    LiveWindow(const Scratch& scratch, const Desktop& desktop, const std::string& arguments)
        : scratch_(scratch),
          environment_("DISPLAY=" + desktop.display() + " "),
          program_(environment_ + "exec '" CINEBOKEH_PROGRAM "' live " + arguments + " --settings '" +
                   (scratch / "settings.json") + "' --control-map '" + (scratch / "map.json") + "' --record-to '" +
                   (scratch / "") + "' --report '" + (scratch / "report.json") + "' >'" + (scratch / "live.out") +
                   "' 2>&1") {
        REQUIRE_MESSAGE(program_.reaches(60, [&] { return has("picture"); }), program_.crash() << ": " << said());
    }

    nlohmann::json map() const { return nlohmann::json::parse(text_of(scratch_ / "map.json"), nullptr, false); }
    bool has(const std::string& control) const {
        const nlohmann::json controls = map();
        return controls.is_object() && controls.contains(control);
    }
    /// A point of a control: (0, 0) is its upper left corner, (1, 1) the lower right one.
    Float2 at(const std::string& control, float u = 0.5f, float v = 0.5f) const {
        const nlohmann::json controls = map();
        REQUIRE_MESSAGE(controls.contains(control), control);
        const std::vector<float> place = controls[control];
        return {place[0] + u * (place[2] - place[0]), place[1] + v * (place[3] - place[1])};
    }
    void move(Float2 to) const {
        mouse("mousemove " + std::to_string(int(to[0])) + " " + std::to_string(int(to[1])));
        pause_ms(120);  // a frame of the interface on a slow machine
    }
    void press(int button) const { mouse("mousedown " + std::to_string(button)), pause_ms(120); }
    void release(int button) const { mouse("mouseup " + std::to_string(button)), pause_ms(120); }
    void click(Float2 to, int button = 1) const { move(to), press(button), release(button); }
    void double_click(Float2 to, int button = 1) const {
        move(to);
        mouse("click --repeat 2 --delay 150 " + std::to_string(button));
        pause_ms(250);
    }
    void click(const std::string& control) const { click(at(control)), settle(); }
    /// Waits until the map of the controls tells what came of the last click: until it was written twice.
    void settle() const {
        for (int i = 0; i < 2; ++i) {
            const auto before = written_at();
            CHECK(wait_until(30, [&] { return written_at() != before; }));
        }
    }
    void drag(Float2 from, Float2 to, int button = 1) const {
        move(from), press(button);
        for (int i = 1; i <= 8; ++i) move(from + (to - from) * (float(i) / 8));
        release(button);
    }
    void key(const std::string& name) const { mouse("key " + name), pause_ms(250); }

    void type(const std::string& text) const { mouse("type '" + text + "'"), pause_ms(250); }

    void resize(Size to) const {
        mouse("search --name '^cinebokeh: ' windowsize " + std::to_string(to.width) + " " + std::to_string(to.height));
    }

    /// What the window shows, by its own screenshot.
    Picture screenshot() const {
        const auto shots = [&] {
            std::vector<fs::path> found;
            for (const auto& entry : fs::directory_iterator(scratch_ / ""))
                if (entry.path().filename().string().rfind("cinebokeh-", 0) == 0 && entry.path().extension() == ".png")
                    found.push_back(entry.path());
            return found;
        };
        for (const fs::path& old : shots()) fs::remove(old);
        key("p");
        Picture picture;
        REQUIRE(wait_until(15, [&] {
            if (shots().size() != 1) return false;
            try {
                picture = read_picture(shots().front());
                return true;
            } catch (const Error&) {  // half written
                return false;
            }
        }));
        return picture;
    }
    bool running() { return program_.running(); }
    /// It ended in time, by itself, and had nothing to complain about.
    bool ends(double seconds) {
        const bool ended = program_.ends(seconds);
        CHECK_MESSAGE(program_.crash().empty(), program_.crash() << ": " << said());
        return ended && program_.code() == 0;
    }
    std::string said() const { return text_of(scratch_ / "live.out"); }

private:
    fs::file_time_type written_at() const {
        std::error_code between_two;
        return fs::last_write_time(scratch_ / "map.json", between_two);
    }
    void mouse(const std::string& what) const {
        Child tool(environment_ + "exec xdotool " + what);
        CHECK_MESSAGE(tool.ends(20), "xdotool " << what << " does not end");
    }

    const Scratch& scratch_;
    std::string environment_;
    Child program_;
};

/// Mean absolute difference of neighbouring pixels in a part of a picture: how sharp it is.
inline double sharpness(const Picture& picture, Float2 low, Float2 high) {
    double sum = 0;
    long count = 0;
    for (int y = int(low[1]); y < int(high[1]); ++y)
        for (int x = int(low[0]); x + 1 < int(high[0]); ++x, ++count) {
            const Rgba8* p = &picture.pixels[size_t(y) * size_t(picture.size.width) + size_t(x)];
            sum += std::abs(p[0][1] - p[1][1]);
        }
    return count ? sum / double(count) : 0;
}
/// Mean absolute difference of two pictures in a part.
inline double difference(const Picture& a, const Picture& b, Float2 low, Float2 high) {
    double sum = 0;
    long count = 0;
    for (int y = int(low[1]); y < int(high[1]); ++y)
        for (int x = int(low[0]); x < int(high[0]); ++x, ++count) {
            const size_t i = size_t(y) * size_t(a.size.width) + size_t(x);
            for (int c = 0; c < 3; ++c) sum += std::abs(a.pixels[i][c] - b.pixels[i][c]) / 3.0;
        }
    return count ? sum / double(count) : 0;
}
}  // namespace cinebokeh::demo
