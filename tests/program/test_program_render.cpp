// `render`: pictures of every depth, and one clear line for everything that cannot be.
#include "light_picture.hpp"
#include "pfm_file.hpp"
#include "png_writer.hpp"
#include "program.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
// A picture, and disparity that grows from left to right.
struct Input {
    const Scratch& scratch;
    Size size;
    std::string picture, disparity, matte;

    explicit Input(const Scratch& folder, Size s = {40, 24}) : scratch(folder), size(s) {
        picture = write_square(scratch, "in.png", size);
        matte = write_square_matte(scratch, "matte.png", size);
        disparity = scratch / "disparity.pfm";
        std::vector<float> values;
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) values.push_back(float(x) / float(size.width));
        write_pfm(disparity, {values.data(), size});
    }
    Ran run(const std::string& options, const std::string& out = "out.png") const {
        return run_program(scratch, "render '" + picture + "' --disparity '" + disparity + "' " + options + " -o '" +
                                        (scratch / out) + "'");
    }
};
void write_noise_png16(const std::string& file, Size size) {
    const auto values = noise(3 * size.area(), 0, 65535);
    write_png_file(
        file, size, 3,
        [&](int y, unsigned char* row) {
            for (int i = 0; i < 3 * size.width; ++i) {
                const unsigned code = unsigned(values[size_t(y) * 3 * size_t(size.width) + size_t(i)]);
                row[2 * i] = static_cast<unsigned char>(code >> 8), row[2 * i + 1] = static_cast<unsigned char>(code);
            }
        },
        16);
}
double difference(const std::string& a, const std::string& b) {
    const LightPicture x = read_light(a), y = read_light(b);
    REQUIRE(x.size == y.size);
    double sum = 0;
    for (size_t i = 0; i < x.pixels.size(); ++i)
        for (int c = 0; c < 3; ++c) sum += double(std::abs(x.pixels[i][c] - y.pixels[i][c]));
    return sum / double(x.pixels.size());
}
}  // namespace

TEST_CASE("render blurs what is out of focus, and says what it did") {
    const Scratch scratch;
    const Input input(scratch);
    const Ran ran = input.run("--strength 12 --focus 0.9");
    CHECK(ran.code == 0);
    CHECK(ran.out.find("exact, in focus at disparity 0.9, radius up to 10.8") != std::string::npos);
    const Picture before = read_picture(input.picture), after = read_picture(scratch / "out.png");
    CHECK(after.size == input.size);
    CHECK(after.pixels[12 * 40 + 36] == before.pixels[12 * 40 + 36]);
    CHECK(!(after.pixels[12 * 40 + 4] == before.pixels[12 * 40 + 4]));
    for (const std::string renderer : {"layered", "bucketed", "fixed-layers", "plain-scatter"}) {
        CHECK(input.run("--strength 12 --focus 0.9 --quiet --renderer " + renderer, renderer + ".png").out.empty());
        CHECK(difference(input.picture, scratch / (renderer + ".png")) > 0.001);
    }
}

TEST_CASE("with a strength of 0 the picture comes out as it was, 8 bit and 16 bit") {
    const Scratch scratch;
    Input input(scratch);
    for (const std::string renderer : {"exact", "layered", "plain-scatter"}) {
        CHECK(input.run("--strength 0 --renderer " + renderer).code == 0);
        CHECK(read_picture(scratch / "out.png").pixels == read_picture(input.picture).pixels);
    }
    input.picture = scratch / "deep.png";
    write_noise_png16(input.picture, input.size);
    CHECK(input.run("--strength 0").code == 0);
    CHECK(read_rgb16(scratch / "out.png").bits == 16);
    CHECK(read_rgb16(scratch / "out.png").pixels == read_rgb16(input.picture).pixels);
    CHECK(input.run("--strength 0 --bits 8").code == 0);
    CHECK(read_rgb16(scratch / "out.png").bits == 8);
}

TEST_CASE("what is in focus: a disparity, a pixel, the subject, or the middle") {
    const Scratch scratch;
    const Input input(scratch);
    const auto focus = [&](const std::string& options) {
        const std::string out = input.run("--strength 5 " + options).out, says = "at disparity ";
        return std::stod(out.substr(out.find(says) + says.size()));
    };
    CHECK(focus("--focus 0.25") == 0.25);
    CHECK(focus("--focus 30,12") == doctest::Approx(0.75).epsilon(0.1));
    CHECK(focus("") == doctest::Approx(0.5).epsilon(0.1));
    CHECK(focus("--matte '" + input.matte + "'") == doctest::Approx(0.5).epsilon(0.2));
    CHECK(focus("--focus subject --matte '" + input.matte + "'") == doctest::Approx(0.5).epsilon(0.2));
    check_fails(input.run("--strength 5 --focus subject"), "give --matte");
    check_fails(input.run("--strength 5 --focus 40,3"), "outside of the frame");
}

TEST_CASE("a matte alone makes two planes") {
    const Scratch scratch;
    const Input input(scratch);
    const Ran ran = run_program(scratch, "render '" + input.picture + "' --matte '" + input.matte +
                                             "' --strength 4 -o '" + (scratch / "out.png") + "'");
    CHECK(ran.code == 0);
    const Picture before = read_picture(input.picture), after = read_picture(scratch / "out.png");
    CHECK(after.pixels[12 * 40 + 20] == before.pixels[12 * 40 + 20]);
    CHECK(!(after.pixels[1 * 40 + 2] == before.pixels[1 * 40 + 2]));
    check_fails(run_program(scratch, "render '" + input.picture + "' -o '" + (scratch / "out.png") + "'"),
                "Give --disparity FILE, or --matte PNG");
}

TEST_CASE("every aperture, f-number and odd size renders") {
    const Scratch scratch;
    const Input input(scratch);
    CHECK(input.run("--f-number 1.4 --focus 0.5 --disparity-scale 2,0.1").code == 0);
    for (const std::string options :
         {"--blades 6 --rotation 10 --curvature 0.3", "--squeeze 2 --cat-eye 0.8", "--chromatic 0.1 --highlights 10"})
        CHECK(input.run("--strength 15 " + options).code == 0);
    for (const Size size : {Size{1, 1}, Size{1, 9}, Size{9, 1}}) {
        const Input small(scratch, size);
        CHECK(small.run("--strength 3000 --focus 1").code == 0);  // wider than the picture, and than any disk
        CHECK(small.run("--strength 3000 --focus 1 --renderer layered").code == 0);
        CHECK(read_picture(scratch / "out.png").size == size);
    }
}

TEST_CASE("a picture of the aperture is what a lamp becomes") {
    const Scratch scratch;
    Input input(scratch, {64, 64});
    std::vector<Rgba8> frame(input.size.area(), Rgba8{0, 0, 0, 255});
    frame[32 * 64 + 32] = {255, 255, 255, 255};
    write_png(input.picture, {frame.data(), input.size});
    const std::vector<float> far(input.size.area(), 0.f);
    write_pfm(input.disparity, {far.data(), input.size});
    std::vector<Rgba8> left(100, Rgba8{0, 0, 0, 255});  // its left half is open
    for (size_t i = 0; i < left.size(); ++i)
        if (i % 10 < 5) left[i] = {255, 255, 255, 255};
    write_png(scratch / "left.png", {left.data(), {10, 10}});
    const std::string picture = "--aperture-picture '" + (scratch / "left.png") + "' ";
    const Ran ran = input.run(picture + "--strength 10 --focus 1 --highlights 60");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    CHECK(ran.out.find("layered, in focus at disparity 1, radius up to 10.0") != std::string::npos);
    const Picture out = read_picture(scratch / "out.png");
    for (int x = 16; x < 48; ++x) {  // cells of up to 4 x 4 pixels, read between their centres
        const int code = out.pixels[size_t(32 * 64 + x)][0];
        if (x < 18 || x > 36) CHECK(code <= 2);
        if (x >= 26 && x < 30) CHECK(code > 100);  // 60 / 200 of white
    }
    check_fails(input.run("--strength 5 --aperture-picture '" + (scratch / "none.png") + "'"), "does not exist");
    check_fails(input.run("--strength 5 --aperture-picture '" + input.disparity + "'"), "disparity.pfm");
    write_png(scratch / "black.png", {std::vector<Rgba8>(4, Rgba8{0, 0, 0, 255}).data(), {2, 2}});
    check_fails(input.run("--strength 5 --aperture-picture '" + (scratch / "black.png") + "'"), "is black");
    const Ran refused = input.run(picture + "--strength 5 --renderer exact");
    CHECK(refused.code == 2);
    CHECK(refused.err.find("--renderer exact takes no --aperture-picture: --renderer layered does") !=
          std::string::npos);
}

TEST_CASE("a constant disparity is sharp where the focus is on it, and blurred alike where it is not") {
    const Scratch scratch;
    const Input input(scratch);
    const std::vector<float> flat(input.size.area(), 0.4f);
    write_pfm(input.disparity, {flat.data(), input.size});
    CHECK(input.run("--strength 30").code == 0);
    CHECK(read_picture(scratch / "out.png").pixels == read_picture(input.picture).pixels);
    CHECK(input.run("--strength 30 --focus 0.9").code == 0);
    CHECK(difference(input.picture, scratch / "out.png") > 0.01);
}

TEST_CASE("linear light: a PFM keeps its highlights through the blur") {
    const Scratch scratch;
    Input input(scratch);
    std::vector<float> lamp(input.size.area(), 0.f);
    lamp[12 * 40 + 20] = 100;  // over a disk of radius 5: 1.27 of white
    input.picture = scratch / "lamp.pfm";
    write_pfm(input.picture, {lamp.data(), input.size});
    const std::vector<float> flat(input.size.area(), 0.f);
    write_pfm(input.disparity, {flat.data(), input.size});
    CHECK(input.run("--strength 5 --focus 1").code == 0);
    const Rgb16Picture out = read_rgb16(scratch / "out.png");
    CHECK(out.bits == 16);
    for (int x : {16, 20, 24}) CHECK(out.pixels[size_t(12 * 40 + x)][1] == 65535);
    CHECK(out.pixels[12 * 40 + 27][1] == 0);
}

TEST_CASE("files that cannot be are refused with their name and pixel") {
    const Scratch scratch;
    Input input(scratch);
    for (const float bad : {NAN, INFINITY, -1.f}) {
        std::vector<float> values(input.size.area(), 0.5f);
        values[size_t(7 * 40 + 3)] = bad;
        write_pfm(scratch / "bad.pfm", {values.data(), input.size});
        Input no_depth = input, no_picture = input;
        no_depth.disparity = no_picture.picture = scratch / "bad.pfm";
        check_fails(no_depth.run("--strength 5"), "(3, 7)");
        check_fails(no_picture.run("--strength 5"), "(3, 7)");
    }
    Input missing = input;
    missing.disparity = scratch / "none.png";
    check_fails(missing.run("--strength 5"), "does not exist");
    missing.disparity = write_square(scratch, "small.png", {8, 8});
    check_fails(missing.run("--strength 5"), "give one of the size of the frame");
    Input no_picture = input;
    no_picture.picture = scratch / "none.png";
    check_fails(no_picture.run("--strength 5"), "does not exist");
    check_fails(input.run("--strength 5 --matte '" + (scratch / "small.png") + "'"), "matte");
    check_fails(input.run("--strength 5", "out.jpg"), "is not called .png");
    check_fails(input.run("--strength 5", "in.png"), "is the input itself");
    check_fails(input.run("--strength 5", "nowhere/out.png"), "cannot be written");
}

TEST_CASE("a wrong command line of render is refused with exit code 2") {
    const Scratch scratch;
    const Input input(scratch);
    for (const std::string options : {"--blades 2",
                                      "--blades 17",
                                      "--blades x",
                                      "--curvature 1.5",
                                      "--squeeze 0",
                                      "--cat-eye nan",
                                      "--chromatic 0.5",
                                      "--highlights 0.5",
                                      "--rotation 400",
                                      "--strength -1",
                                      "--strength nan",
                                      "--f-number 0",
                                      "--f-number 2 --strength 5",
                                      "--focus x",
                                      "--focus -3,2",
                                      "--renderer gauss",
                                      "--bits 12",
                                      "--renderer layered --blades 6",
                                      "--aperture-picture a.png --cat-eye 0.5",
                                      "--aperture-picture a.png --renderer bucketed",
                                      "--highlights 4 --renderer plain-scatter",
                                      "--renderer layered --bits 16",
                                      "--disparity-scale 0,1",
                                      "--disparity-scale 1",
                                      "--threads 0"}) {
        CAPTURE(options);
        CHECK(input.run(options).code == 2);
    }
}
