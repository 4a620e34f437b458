// What the live demo computes for a frame, and the pipeline that brings frames there.
#include "engine.hpp"

#include "pipeline.hpp"
#include "program.hpp"
#include "strokes.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

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
