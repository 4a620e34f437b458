// `blur` by depth: what stays sharp, where disparity comes from, and what is refused.
#include "disparity_file.hpp"
#include "pfm_file.hpp"
#include "program.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
const Size size{48, 36};

// A step: the left half far (0.2), the right half near (0.8).
std::vector<float> step() {
    std::vector<float> disparity(size.area());
    for (size_t i = 0; i < disparity.size(); ++i) disparity[i] = i % size_t(size.width) < 24 ? 0.2f : 0.8f;
    return disparity;
}
void write_disparities(const Scratch& scratch, int count) {
    fs::create_directories(scratch / "disparity");
    const std::vector<float> values = step();
    for (int i = 0; i < count; ++i)
        write_pfm(scratch / ("disparity/frame" + std::to_string(i) + ".pfm"), host_view(values, size));
}
Ran blur(const Scratch& scratch, const std::string& options) {
    return run_program(scratch,
                       "blur '" + (scratch / "frames") + "' --quiet -o '" + (scratch / "out") + "' " + options);
}
// How many pixels of the columns [from, to) of frame 1 differ from the input by more than 2 codes.
int changed(const Scratch& scratch, int from, int to) {
    const Picture out = read_picture(scratch / "out/00001.png");
    const std::vector<Rgba8> in = square_picture(size, 1);
    int count = 0;
    for (int y = 0; y < size.height; ++y)
        for (int x = from; x < to; ++x)
            for (int c = 0; c < 3; ++c) {
                const size_t at = size_t(y * size.width + x);
                count += std::abs(out.pixels[at][c] - in[at][c]) > 2;
            }
    return count;
}
}  // namespace

TEST_CASE("what lies at the focused disparity stays sharp, with every renderer") {
    const Scratch scratch;
    write_folders(scratch, size, 2);
    write_disparities(scratch, 2);
    const std::string disparity = "--disparity '" + (scratch / "disparity") + "' --strength 10 ";
    for (const std::string renderer : {"", "--renderer exact --blades 6", "--renderer bucketed", "--highlights 8",
                                       "--renderer fixed-layers", "--renderer plain-scatter"})
        for (const std::string focus : {"--focus 0.8 ", "--focus 40,10 "}) {
            CAPTURE(renderer);
            const Ran ran = blur(scratch, disparity + focus + renderer);
            REQUIRE_MESSAGE(ran.code == 0, ran.err);
            CHECK(changed(scratch, 36, 48) == 0);   // near, and farther from the step than the radius of 6
            CHECK(changed(scratch, 0, 16) > 1000);  // noise, blurred
        }
    const std::vector<Rgba8> open(6, Rgba8{255, 255, 255, 255});
    write_png(scratch / "open.png", host_view(open, {3, 2}));
    const Ran picture = blur(scratch, disparity + "--focus 0.8 --aperture-picture '" + (scratch / "open.png") + "'");
    REQUIRE_MESSAGE(picture.code == 0, picture.err);
    CHECK(changed(scratch, 36, 48) == 0);
    CHECK(changed(scratch, 0, 16) > 1000);
    const std::string none = "--aperture-picture '" + (scratch / "none.png") + "'";
    check_fails(blur(scratch, disparity + none), "does not exist");
    const Ran lens = blur(scratch, "--disparity '" + (scratch / "disparity") + "' --focus 0.8 --f-number 1.4");
    REQUIRE_MESSAGE(lens.code == 0, lens.err);
    CHECK(changed(scratch, 0, 16) > 0);
    REQUIRE(blur(scratch, disparity + "--focus 0.2").code == 0);
    CHECK(changed(scratch, 0, 10) == 0);
    CHECK(changed(scratch, 30, 48) > 1000);
}

TEST_CASE("a strength of 0, and a constant disparity in focus, return the frames to the bit") {
    const Scratch scratch;
    write_folders(scratch, size, 2);
    write_disparities(scratch, 2);
    const std::vector<float> flat(size.area(), 0.5f);
    write_disparity_png(scratch / "flat.png", host_view(flat, size));
    for (const std::string& options : {"--disparity '" + (scratch / "disparity") + "' --focus 0.8 --strength 0",
                                       "--disparity '" + (scratch / "flat.png") + "' --focus 20,20 --strength 10"}) {
        REQUIRE(blur(scratch, options).code == 0);
        CHECK(read_picture(scratch / "out/00001.png").pixels == square_picture(size, 1));
    }
}

TEST_CASE("a focus track changes focus and strength from frame to frame, and what is wrong with it is said") {
    const Scratch scratch;
    write_folders(scratch, size, 2);
    write_disparities(scratch, 2);
    const std::string options =
        "--disparity '" + (scratch / "disparity") + "' --focus-track '" + (scratch / "track.json") + "'";
    write_text(scratch / "track.json", R"({"keys": [{"time": 0, "focus": {"disparity": 0.2}, "strength": 0},
                                                    {"time": 0.0333, "focus": {"disparity": 0.8}, "strength": 10}]})");
    const Ran ran = blur(scratch, options);
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    CHECK(read_picture(scratch / "out/00000.png").pixels == square_picture(size));
    CHECK(changed(scratch, 36, 48) == 0);
    CHECK(changed(scratch, 0, 16) > 1000);
    write_text(scratch / "track.json",
               R"({"keys": [{"time": 1, "focus": "subject"}, {"time": 0, "focus": "subject"}]})");
    check_fails(blur(scratch, options), "does not come after");
    write_text(scratch / "track.json", "{");
    check_fails(blur(scratch, options), "not JSON");
    fs::remove(scratch / "track.json");
    check_fails(blur(scratch, options), "does not exist");
}

TEST_CASE("a generated scene is rendered again from its focus track") {
    const Scratch scratch;
    REQUIRE(run_program(scratch, "scene --seed 4 --frames 2 --size 48x36 --objects 2 --move rack --quiet -o '" +
                                     (scratch / "s") + "'")
                .code == 0);
    const std::string options = "blur '" + (scratch / "s/frames") + "' --disparity '" + (scratch / "s/disparity") +
                                "' --focus-track '" + (scratch / "s/focus.json") + "' --quiet -o '" +
                                (scratch / "out") + "'";
    const auto psnr = [&](const std::string& result) {
        REQUIRE(run_program(scratch, "eval bokeh '" + (scratch / result) + "' '" + (scratch / "s") + "' --json '" +
                                         (scratch / "e.json") + "'")
                    .code == 0);
        return nlohmann::json::parse(text_of(scratch / "e.json"))["PSNR"]["mean"].get<double>();
    };
    const double sharp = psnr("s/frames");
    for (const std::string renderer : {"layered", "exact"}) {
        REQUIRE(run_program(scratch, options + " --renderer " + renderer).code == 0);
        CHECK(psnr("out") > sharp + 2);  // nearer to the truth than what was not blurred at all
    }
}

TEST_CASE("with a matte alone the subject and the background are two planes") {
    const Scratch scratch;
    write_folders(scratch, size, 2);
    const std::string matte = "--matte '" + (scratch / "mattes") + "' --strength 5 --focus ";
    for (const std::string focus : {"subject", "24,18"}) {  // the square covers a quarter to three quarters
        REQUIRE(blur(scratch, matte + focus).code == 0);
        CHECK(changed(scratch, 0, 10) > 500);
    }
    REQUIRE(blur(scratch, matte + "2,2").code == 0);  // the background
    CHECK(changed(scratch, 0, 5) == 0);
}

TEST_CASE("where matte and disparity disagree the matte is believed, unless it is not to be") {
    const Scratch scratch;
    write_folders(scratch, size, 1);
    std::vector<float> disparity = square_matte(size);  // the square covers a quarter to three quarters
    const auto is_hand = [](int x, int y) { return x >= 28 && x < 36 && y >= 9 && y < 27; };
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            float& d = disparity[size_t(y * size.width + x)];
            d = is_hand(x, y) ? 0.1f : 0.1f + 0.7f * d;  // the hand is taken for background
        }
    write_pfm(scratch / "d.pfm", host_view(disparity, size));
    const std::string depth = " --disparity '" + (scratch / "d.pfm") + "' --strength 8 --focus 0.8 ";
    const std::string one = scratch / "frames/frame0.png", matte = scratch / "mattes/frame0.png";
    const Picture before = read_picture(one);
    const auto changed_in_hand = [&](const std::string& line) {
        const Ran ran = run_program(scratch, line + depth + "-o '" + (scratch / "hand.png") + "'");
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        const Picture after = read_picture(scratch / "hand.png");
        int count = 0;
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const size_t at = size_t(y * size.width + x);
                count += is_hand(x, y) && std::abs(after.pixels[at][0] - before.pixels[at][0]) > 2;
            }
        return count;
    };
    for (const std::string renderer : {"layered", "exact"})
        for (const std::string& line : {"blur '" + one + "' --matte '" + (scratch / "mattes") + "'",
                                        "render '" + one + "' --matte '" + matte + "'"}) {
            CAPTURE(line);
            CAPTURE(renderer);
            CHECK(changed_in_hand(line + " --quiet --renderer " + renderer) == 0);
            CHECK(changed_in_hand(line + " --quiet --no-snap --renderer " + renderer) > 50);
        }
}

TEST_CASE("disparity whose scale and shift change from frame to frame is brought to those of the first") {
    const Scratch scratch;
    const int count = 4;
    fs::create_directories(scratch / "frames"), fs::create_directories(scratch / "disparity");
    fs::create_directories(scratch / "steady");
    std::vector<float> ramp(size.area()), scaled(size.area());
    for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = float(i % size_t(size.width)) / 47;
    for (int frame = 0; frame < count; ++frame) {
        const std::string name = "/frame" + std::to_string(frame);
        write_square(scratch, "frames" + name + ".png", size);
        for (size_t i = 0; i < ramp.size(); ++i) scaled[i] = ramp[i] * (1 - 0.15f * float(frame)) + 0.1f * float(frame);
        write_pfm(scratch / ("disparity" + name + ".pfm"), host_view(scaled, size));
        write_pfm(scratch / ("steady" + name + ".pfm"), host_view(ramp, size));
    }
    const auto last = [&](const std::string& disparity, const std::string& options) {
        const Ran ran =
            blur(scratch, "--focus 0.7 --strength 10 --disparity '" + (scratch / disparity) + "' " + options);
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        return read_picture(scratch / "out/00003.png").pixels;
    };
    const auto apart = [](const std::vector<Rgba8>& a, const std::vector<Rgba8>& b) {
        double sum = 0;
        for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i][1] - b[i][1]);
        return sum / double(a.size());
    };
    const std::vector<Rgba8> wanted = last("steady", "");
    CHECK(apart(last("disparity", ""), wanted) > 2);
    // In 250 frames the scale goes back to that of the files: after 3 of them 1.2% of the way, of at most 0.45.
    CHECK(apart(last("disparity", "--stabilize"), wanted) < 0.1);
    write_pfm(scratch / "flat.pfm", host_view(ramp, size));
    check_fails(blur(scratch, "--focus 0.5 --stabilize --disparity '" + (scratch / "flat.pfm") + "'"), "one for all");
}

TEST_CASE("the built-in clip brings its disparity, and the contact sheet shows it") {
    const Scratch scratch;
    const std::string options = "blur demo --max-frames 1 --quiet -o '" + (scratch / "out") + "' --report '" +
                                (scratch / "r.json") + "' --contact-sheet '" + (scratch / "sheet.png") + "'";
    REQUIRE(run_program(scratch, options).code == 0);
    const int three = read_picture(scratch / "sheet.png").size.width;
    const Ran ran = run_program(scratch, options + " --focus subject");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    CHECK(read_picture(scratch / "sheet.png").size.width > three + 400);  // a fourth column of 426
    CHECK(nlohmann::json::parse(text_of(scratch / "r.json"))["renderer"] == "layered");
}

TEST_CASE("disparity that is missing, of another size, or no number, is refused with its file and pixel") {
    const Scratch scratch;
    write_folders(scratch, size, 3);
    write_disparities(scratch, 2);
    const auto with = [&](const std::string& file) {
        return blur(scratch, "--focus 0.5 --disparity '" + (scratch / file) + "'");
    };
    check_fails(with("none"), "does not exist");
    fs::create_directories(scratch / "empty");
    check_fails(with("empty"), "holds no picture");
    const Ran ran = with("disparity");
    CHECK(ran.code == 1);
    CHECK(ran.says("no disparity for frame 2"));
    std::vector<float> bad = step();
    bad[size_t(7 * size.width + 3)] = NAN;
    write_pfm(scratch / "bad.pfm", host_view(bad, size));
    check_fails(with("bad.pfm"), "(3, 7)");
    bad[size_t(7 * size.width + 3)] = -1;
    write_pfm(scratch / "bad.pfm", host_view(bad, size));
    check_fails(with("bad.pfm"), "-1");
    write_pfm(scratch / "small.pfm", {bad.data(), {12, 12}});
    check_fails(with("small.pfm"), "12 x 12");
    write_pfm(scratch / "disparity/frame2.pfm", {bad.data(), {12, 12}});
    const Ran late = with("disparity");
    CHECK(late.code == 1);
    CHECK(late.says("frame2.pfm"));
    check_fails(blur(scratch, "--disparity '" + (scratch / "disparity") + "' --focus 48,0"), "outside of the frame");
}

TEST_CASE("options of depth that contradict each other are refused with exit code 2") {
    const Scratch scratch;
    for (const std::string line :
         {"--focus nan", "--focus 3,", "--focus -1,2", "--focus x", "--strength -1", "--strength nan", "--f-number 0",
          "--strength 3 --f-number 2", "--disparity d --renderer gaussian", "--focus 1 --radius 4",
          "--renderer layered --feather 2", "--strength 3 --blades 5", "--focus 1 --focus-track t.json", "--stabilize",
          "--no-snap --renderer gaussian", "--aperture-picture a.png --renderer exact",
          "--aperture-picture a.png --renderer disk", "--highlights 2"}) {
        CAPTURE(line);
        CHECK(run_program(scratch, "blur in.mp4 -o out.mp4 " + line).code == 2);
    }
}
