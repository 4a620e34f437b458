// A display without a screen, and the live demo on it, driven with mouse and keys as a person would.
#pragma once
#include <functional>
#include <optional>

#include "control_list.hpp"
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

    nlohmann::json map() const {
        const nlohmann::json map = nlohmann::json::parse(text_of(scratch_ / "map.json"), nullptr, false);
        return map.is_object() ? map : nlohmann::json{{"interface", nullptr}, {"controls", nlohmann::json::object()}};
    }
    bool has(const std::string& control) const { return map()["controls"].contains(control); }
    /// A point of a control: (0, 0) is its upper left corner, (1, 1) the lower right one.
    Float2 at(const std::string& control, float u = 0.5f, float v = 0.5f) const {
        const nlohmann::json controls = map()["controls"];
        REQUIRE_MESSAGE(controls.contains(control), control);
        const std::vector<float> place = controls[control];
        return {place[0] + u * (place[2] - place[0]), place[1] + v * (place[3] - place[1])};
    }
    // Each of these waits until the interface has drawn a frame that knows of it: slow machines need no patience, fast
    // ones lose no time.
    void move(Float2 to) const {
        const int x = int(to[0]), y = int(to[1]);
        tool("mousemove " + std::to_string(x) + " " + std::to_string(y));
        drawn([&] {
            const nlohmann::json mouse = map()["interface"].value("mouse", nlohmann::json{-1, -1});
            return mouse[0] == x && mouse[1] == y;
        });
    }
    void press(int button) const { act("mousedown " + std::to_string(button), 1); }
    void release(int button) const { act("mouseup " + std::to_string(button), 1); }
    void click(Float2 to, int button = 1) const { move(to), press(button), release(button); }
    void double_click(Float2 to, int button = 1) const { click(to, button), press(button), release(button); }
    void click(const std::string& control) const { click(at(control)), settle(); }
    void wheel_up() const { act("click 4", 1); }
    /// Waits until what the last click changed is drawn.
    void settle() const {
        const long before = number("frames");
        drawn([&] { return number("frames") >= before + 2; });
    }
    void drag(Float2 from, Float2 to, int button = 1) const {
        move(from), press(button);
        for (int i = 1; i <= 8; ++i) move(from + (to - from) * (float(i) / 8));
        release(button);
    }
    void key(const std::string& name) const { act("key " + name, 2); }
    void type(const std::string& text) const { act("type '" + text + "'", 2 * int(text.size())), settle(); }

    void resize(Size to) const {
        tool("search --name '^cinebokeh: ' windowsize " + std::to_string(to.width) + " " + std::to_string(to.height));
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
    long number(const std::string& name) const { return map()["interface"].value(name, -1L); }
    // Unless it has ended.
    void drawn(const std::function<bool()>& done) const {
        CHECK(wait_until(60, [&] { return done() || !program_.running(); }));
    }
    void act(const std::string& what, int events) const {
        const long before = number("events");
        tool(what);
        drawn([&] { return number("events") >= before + events; });
    }
    void tool(const std::string& what) const {
        Child child(environment_ + "exec xdotool " + what);
        CHECK_MESSAGE(child.ends(20), "xdotool " << what << " does not end");
    }

    const Scratch& scratch_;
    std::string environment_;
    mutable Child program_;
};

constexpr double patience = 30;  // seconds that a loaded machine may need to show what was asked for

/// A control that the list of controls lacks.
inline std::string unlisted(const LiveWindow& live) {
    const nlohmann::json map = live.map();
    for (const auto& control : map["controls"].items())
        if (!is_live_control(control.key())) return control.key();
    return {};
}

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
