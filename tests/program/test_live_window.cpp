// The picture in the window of the live demo, driven as a person would: on the screen, with mouse and keys.
#include "desktop.hpp"
#include "settings.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
// A box around a point of the picture, given in shares of its sides.
struct Box {
    Float2 low, high;
};
Box box(const LiveWindow& live, float u, float v, float half = 30) {
    const Float2 centre = live.at("picture", u, v);
    return {centre - Float2{half, half}, centre + Float2{half, half}};
}
// Of the built-in clip: the scarf of the fox has a pattern, the houses have windows.
double scarf_sharpness(const LiveWindow& live, const Picture& picture) {
    const Box at = box(live, 0.51f, 0.72f, 40);
    return sharpness(picture, at.low, at.high);
}
double houses_sharpness(const LiveWindow& live, const Picture& picture) {
    const Box at = box(live, 0.1f, 0.45f, 60);
    return sharpness(picture, at.low, at.high);
}
bool same_within(const Picture& a, const Picture& b, const Box& at, double codes) {
    return difference(a, b, at.low, at.high) <= codes;
}
}  // namespace

TEST_CASE("dragging the focus slider moves what is sharp, and a click in the picture moves it back") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch);
    LiveWindow live(scratch, desktop, "demo --subject truth --f-number 1.4 --quiet");
    pause_ms(1500);
    const Picture near = live.screenshot();
    live.drag(live.at("focus", 0.32f), live.at("focus", 0.55f));  // to 6 m
    Picture far;
    CHECK(wait_until(patience, [&] {
        far = live.screenshot();
        return scarf_sharpness(live, near) > 1.5 * scarf_sharpness(live, far) &&
               houses_sharpness(live, far) > 1.5 * houses_sharpness(live, near);
    }));

    live.click(live.at("picture", 0.5f, 0.6f));  // on the fox
    CHECK(wait_until(patience, [&] {             // the rack takes most of a second
        const Picture back = live.screenshot();
        return scarf_sharpness(live, back) > 1.5 * scarf_sharpness(live, far) &&
               houses_sharpness(live, back) < 0.75 * houses_sharpness(live, far);
    }));

    live.drag(live.at("focus", 0.32f), live.at("focus", 0.55f));
    live.double_click(live.at("picture", 0.5f, 0.6f));  // focus on the subject from now on
    CHECK(wait_until(patience,
                     [&] { return scarf_sharpness(live, live.screenshot()) > 1.5 * scarf_sharpness(live, far); }));
    live.key("Escape");
    CHECK(live.ends(patience));
}

TEST_CASE("every view shows something else, by its button, and by its key where it has one") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch);
    LiveWindow live(scratch, desktop, "demo --subject truth --quiet");
    live.key("space");  // one frame: views can be compared
    pause_ms(800);
    const Box picture{live.at("picture", 0.02f, 0.02f), live.at("picture", 0.98f, 0.98f)};
    const auto becomes = [&](const Picture& expected, const Box& where, double codes = 1) {
        return wait_until(patience, [&] { return same_within(live.screenshot(), expected, where, codes); });
    };
    std::map<std::string, Picture> shown;
    Picture before = live.screenshot();  // the result
    for (const std::string& name : names_of_views()) {
        live.click("view:" + name);
        CAPTURE(name);
        if (name == "templates" || name == "response") {  // nothing is followed here
            CHECK(wait_until(patience, [&] { return live.has("note"); }));
            CHECK(becomes(shown["input"], {live.at("picture", 0.02f, 0.02f), live.at("picture", 0.98f, 0.8f)}));
            continue;
        }
        CHECK(wait_until(patience, [&] {
            shown[name] = live.screenshot();
            return name == "result" || !same_within(shown[name], before, picture, 1);
        }));
        CHECK(unlisted(live) == "");
        before = shown[name];
    }
    for (const auto& a : shown)  // pairs, not their names: clang before 16 captures no structured binding
        for (const auto& b : shown)
            if (a.first < b.first) {
                INFO(a.first << " and " << b.first);
                CHECK(difference(a.second, b.second, picture.low, picture.high) > 1);
            }
    live.click("view:result");
    for (const auto& view : {std::pair<std::string, std::string>{"m", "matte"}, {"d", "disparity"}, {"c", "defocus"}}) {
        live.key(view.first);
        CAPTURE(view.second);
        CHECK(becomes(shown[view.second], picture));
        live.key(view.first);  // and back
        CHECK(becomes(shown["result"], picture));
    }
    // The matte of the fox is white in its middle and black in the corner.
    const Box fox = box(live, 0.5f, 0.7f), corner = box(live, 0.06f, 0.06f, 10);
    Picture white = shown["matte"], black = white;
    std::fill(white.pixels.begin(), white.pixels.end(), Rgba8{255, 255, 255, 255});
    std::fill(black.pixels.begin(), black.pixels.end(), Rgba8{0, 0, 0, 255});
    CHECK(same_within(shown["matte"], white, fox, 3));
    CHECK(same_within(shown["matte"], black, corner, 3));

    live.key("s");  // side by side: the left half is the input
    CHECK(becomes(shown["input"], {live.at("picture", 0.05f, 0.1f), live.at("picture", 0.45f, 0.9f)}));
    CHECK(becomes(shown["result"], {live.at("picture", 0.55f, 0.1f), live.at("picture", 0.95f, 0.9f)}));
    live.drag(live.at("divider"), live.at("picture", 0.8f, 0.5f));
    CHECK(becomes(shown["input"], {live.at("picture", 0.55f, 0.1f), live.at("picture", 0.75f, 0.9f)}));
    live.key("s");
    live.key("Escape");
    CHECK(live.ends(patience));
}

TEST_CASE("strokes on the frozen frame find the subject, and undo takes a stroke away") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch);
    LiveWindow live(scratch, desktop, "demo --subject scribbles --quiet");
    pause_ms(500);
    const auto grey = [&](const Picture& picture, float u, float v) {
        const Float2 at = live.at("picture", u, v);
        return int(picture.pixels[size_t(at[1]) * size_t(picture.size.width) + size_t(at[0])][0]);
    };
    live.key("b");
    live.click("view:matte");
    for (const auto& [u, v] : {std::pair{0.44f, 0.30f}, {0.5f, 0.75f}, {0.40f, 0.95f}})
        live.drag(live.at("picture", u, v), live.at("picture", u + 0.1f, v), 1);
    // The cut is seen before the first stroke on the background is finished.
    live.move(live.at("picture", 0.05f, 0.2f)), live.press(3), live.move(live.at("picture", 0.1f, 0.2f));
    CHECK(wait_until(patience, [&] { return grey(live.screenshot(), 0.5f, 0.45f) > 200; }));
    live.release(3);
    for (const auto& [u, v] :
         {std::pair{0.05f, 0.1f}, {0.75f, 0.1f}, {0.05f, 0.5f}, {0.78f, 0.5f}, {0.02f, 0.85f}, {0.85f, 0.85f}})
        live.drag(live.at("picture", u, v), live.at("picture", u + 0.12f, v), 3);
    live.click("done");
    live.key("space");
    pause_ms(500);
    Picture matte;
    CHECK(wait_until(patience, [&] {
        matte = live.screenshot();
        return grey(matte, 0.5f, 0.45f) > 200;
    }));
    CHECK(grey(matte, 0.5f, 0.8f) > 200);
    CHECK(grey(matte, 0.05f, 0.3f) < 50);
    CHECK(grey(matte, 0.95f, 0.3f) < 50);

    live.key("b");
    live.drag(live.at("picture", 0.2f, 0.2f), live.at("picture", 0.3f, 0.2f), 1);
    const Box stroke{live.at("picture", 0.2f, 0.18f), live.at("picture", 0.3f, 0.22f)};
    const Picture drawn = live.screenshot();
    live.key("z");
    CHECK(difference(drawn, live.screenshot(), stroke.low, stroke.high) > 3);
    live.key("Escape");  // closes the brush
    CHECK(live.running());
    live.key("Escape");
    CHECK(live.ends(patience));
}

TEST_CASE("help opens, the window can be resized, zoomed and panned, and settings come back") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch, {1400, 900});
    {
        LiveWindow live(scratch, desktop, "demo --subject truth --quiet");
        live.key("h");
        CHECK(wait_until(patience, [&] { return live.has("help:window"); }));
        live.key("Escape");  // closes the help, not the program
        CHECK(wait_until(patience, [&] { return !live.has("help:window"); }));
        CHECK(live.running());

        const float width = live.at("picture", 1)[0] - live.at("picture", 0)[0];
        live.move(live.at("picture", 0.5f, 0.5f));
        for (int i = 0; i < 3; ++i) live.wheel_up();
        CHECK(wait_until(patience, [&] { return live.at("picture", 1)[0] - live.at("picture", 0)[0] > 1.5f * width; }));
        const Float2 before = live.at("picture", 0, 0);
        live.drag(live.at("canvas", 0.5f, 0.5f), live.at("canvas", 0.6f, 0.6f));
        CHECK(wait_until(patience, [&] { return live.at("picture", 0, 0)[0] > before[0] + 40; }));
        live.double_click(live.at("canvas"), 2);
        CHECK(wait_until(patience,
                         [&] { return std::abs(live.at("picture", 1)[0] - live.at("picture", 0)[0] - width) < 2; }));

        live.click("preset:cinema");
        live.resize({1000, 700});
        CHECK(wait_until(patience,
                         [&] { return live.at("canvas", 1, 1)[1] < 700 && live.at("canvas", 1, 1)[0] < 1000; }));
        live.screenshot();
        live.key("Escape");
        REQUIRE(live.ends(patience));
    }
    std::string problem;
    const LiveSettings kept = read_settings(scratch / "settings.json", problem);
    CHECK(problem.empty());
    CHECK(kept.blades == 8);  // of the preset
    const nlohmann::json report = nlohmann::json::parse(text_of(scratch / "report.json"));
    CHECK(report["shown"] > 5);
}

TEST_CASE("the templates of a subject that is followed can be seen, and where the newest one is found") {
    SKIP_WITHOUT_DESKTOP();
    const Scratch scratch;
    const Desktop desktop(scratch);
    LiveWindow live(scratch, desktop, "demo --subject auto --quiet");
    pause_ms(2000);
    live.key("space");
    live.click("view:input");
    const Box picture{live.at("picture", 0.02f, 0.02f), live.at("picture", 0.98f, 0.9f)};
    const Picture input = live.screenshot();
    Picture last = input;
    for (const char* view : {"view:templates", "view:response"}) {
        CAPTURE(view);
        live.click(view);
        CHECK(wait_until(patience, [&] {
            const Picture now = live.screenshot();
            const bool other =
                live.has("note") && !same_within(now, last, picture, 5) && !same_within(now, input, picture, 5);
            if (other) last = now;
            return other;
        }));
    }
    live.key("Escape");
    CHECK(live.ends(patience));
}
