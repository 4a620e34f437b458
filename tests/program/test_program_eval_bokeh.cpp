// `eval bokeh`: pictures against truth, and what it refuses.
#include "program.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
nlohmann::json scores_of(const Scratch& scratch, const std::string& result, const std::string& truth) {
    const Ran ran = run_program(scratch, "eval bokeh '" + (scratch / result) + "' '" + (scratch / truth) +
                                             "' --json '" + (scratch / "scores.json") + "'");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    return nlohmann::json::parse(text_of(scratch / "scores.json"));
}
void write_scene_folder(const Scratch& scratch, const std::string& name, const std::string& options) {
    REQUIRE(run_program(scratch, "scene --size 64x48 --quiet " + options + " -o '" + (scratch / name) + "'").code == 0);
}
}  // namespace

TEST_CASE("equal videos score infinity, 1 and 0; what is wrong near depth boundaries shows there") {
    const Scratch scratch;
    write_scene_folder(scratch, "s", "--seed 5 --frames 3 --objects 2 --move rack");
    const nlohmann::json same = scores_of(scratch, "s/bokeh", "s");
    for (const char* name : {"PSNR", "PSNR_ob"}) CHECK(same[name]["mean"] == "infinite");
    for (const char* name : {"SSIM", "SSIM_ob"}) CHECK(same[name]["mean"].get<double>() == doctest::Approx(1));
    CHECK(same["consistency"]["mean"] == 0.0);
    CHECK(same["consistency"]["frames"].size() == 2);

    const nlohmann::json sharp = scores_of(scratch, "s/frames", "s");
    CHECK(sharp["PSNR"]["frames"].size() == 3);
    CHECK(sharp["PSNR"]["mean"].get<double>() < 40);
    CHECK(sharp["consistency"]["mean"].get<double>() > 0);

    const nlohmann::json plain = scores_of(scratch, "s/frames", "s/bokeh");  // without depth
    CHECK(plain["PSNR"] == sharp["PSNR"]);
    CHECK(plain["PSNR_ob"]["mean"].is_null());
}

TEST_CASE("results of another size or number, and a truth that is none, are refused") {
    const Scratch scratch;
    write_scene_folder(scratch, "s", "--frames 3 --objects 1");
    write_folders(scratch, {64, 48}, 2);
    const auto with = [&](const std::string& result, const std::string& truth) {
        return run_program(scratch, "eval bokeh '" + (scratch / result) + "' '" + (scratch / truth) + "'");
    };
    check_fails(with("frames", "s"), "ends after 2 frames");
    check_fails(with("s/frames", "frames"), "more frames than the truth");
    check_fails(with("none", "s"), "does not exist");
    check_fails(with("frames", "none"), "does not exist");
    write_square(scratch, "frames/frame2.png", {64, 50});
    check_fails(with("s/bokeh", "frames"), "another size");
    fs::create_directories(scratch / "small");
    write_square(scratch, "small/0.png", {20, 20});
    check_fails(with("small", "s"), "20 x 20");
    fs::remove(scratch / "s/bokeh/00002.png");
    check_fails(with("s/bokeh", "s"), "incomplete");
    write_text(scratch / "s/scene.json", "{}");
    check_fails(with("s/bokeh", "s"), "scene.json");
    fs::create_directories(scratch / "empty");
    check_fails(with("s/bokeh", "empty"), "holds no picture");
}
