// What the program does when something is wrong: one clear line, nothing lost, no crash, no hang.
#include <sys/mount.h>

#include "camera.hpp"
#include "program.hpp"
#include "session.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

TEST_CASE("a wrong command line is refused with exit code 2") {
    const Scratch scratch;
    for (const std::string line :
         {"", "blur", "blur in.mp4", "blur in.mp4 -o out.mp4 --radius x", "blur in.mp4 -o out.mp4 --radius nan",
          "blur in.mp4 -o out.mp4 --kernel 4", "blur in.mp4 -o out.mp4 --subject scribbles",
          "blur in.mp4 -o out.mp4 --subject auto --first-matte m.png", "blur in.mp4 -o out.mp4 --max-frames 0",
          "matte in.mp4 -o out --renderer disk", "blur in.mp4 -o out.mp4 --scribbles a --first-matte b"}) {
        CAPTURE(line);
        CHECK(run_program(scratch, line).code == 2);
    }
}

TEST_CASE("inputs that are missing, empty, no video, or without frames") {
    const Scratch scratch;
    const std::string out = "' -o '" + (scratch / "out.mp4") + "'";
    write_text(scratch / "empty.mp4", "");
    write_text(scratch / "text.mp4", "this is a letter, not a video");
    write_text(scratch / "broken.png", "\x89PNG\r\n\x1a\n and then nothing");
    fs::create_directories(scratch / "nothing");
    check_fails(run_program(scratch, "blur '" + (scratch / "none.mp4") + out), "does not exist");
    check_fails(run_program(scratch, "blur '" + (scratch / "empty.mp4") + out), "is empty");
    check_fails(run_program(scratch, "blur '" + (scratch / "text.mp4") + out), "not a video");
    check_fails(run_program(scratch, "blur '" + (scratch / "broken.png") + out), "cannot be read as a picture");
    check_fails(run_program(scratch, "blur '" + (scratch / "nothing") + out), "holds no picture");
    CHECK(!fs::exists(scratch / "out.mp4"));
}

TEST_CASE("a video that is cut off gives the frames that are there, a warning, and exit code 1") {
    const Scratch scratch;
    const std::string whole = text_of(write_video(scratch, "in.mkv", {64, 48}, 60));
    write_text(scratch / "cut.mkv", whole.substr(0, whole.size() * 6 / 10));
    const std::string options =
        "' --matte '" + (scratch / "mattes") + "' --backend cpu -o '" + (scratch / "out.mp4") + "'";
    const Ran ran = run_program(scratch, "blur '" + (scratch / "cut.mkv") + options);
    CHECK(ran.code == 1);
    CHECK(ran.says("cut off after"));
    const size_t frames = play(scratch / "out.mp4").times.size();
    CHECK(frames > 10);
    CHECK(frames < 60);

    write_text(scratch / "head.mkv", whole.substr(0, whole.find("\x1f\x43\xb6\x75")));  // up to the first cluster
    CHECK(run_program(scratch, "blur '" + (scratch / "head.mkv") + options + " --report '" + (scratch / "r.json") + "'")
              .code == 1);

    const std::string mp4 = text_of(write_video(scratch, "in.mp4", {64, 48}, 30));
    write_text(scratch / "cut.mp4", mp4.substr(0, mp4.size() / 2));  // its index is at the end
    check_fails(run_program(scratch, "blur '" + (scratch / "cut.mp4") + options), "cut off");
}

TEST_CASE("scribbles of the wrong size, with one colour, or not readable") {
    const Scratch scratch;
    const Size size{48, 36};
    const std::string in = write_square(scratch, "in.png", size);
    std::vector<Rgba8> red(size.area(), Rgba8{255, 0, 0, 255});
    write_png(scratch / "red.png", {red.data(), size});
    write_png(scratch / "small.png", {red.data(), {24, 18}});
    write_text(scratch / "one.json", R"({"strokes":[{"label":"background","points":[[3,3]]}]})");
    write_text(scratch / "outside.json", R"({"strokes":[{"label":"subject","points":[[300,3]]}]})");
    write_text(scratch / "label.json", R"({"strokes":[{"label":"cat","points":[[3,3]]}]})");
    write_text(scratch / "bad.json", R"({"strokes":[)");
    const auto with = [&](const char* file) {
        return run_program(
            scratch, "blur '" + in + "' -o '" + (scratch / "out.png") + "' --scribbles '" + (scratch / file) + "'");
    };
    check_fails(with("red.png"), "do not mark the background");
    check_fails(with("small.png"), "24 x 18");
    check_fails(with("one.json"), "do not mark the subject");
    check_fails(with("outside.json"), "outside of the frame");
    check_fails(with("label.json"), "subject or background");
    check_fails(with("bad.json"), "strokes");
    check_fails(with("none.json"), "cannot be opened");
}

TEST_CASE("a first matte that is empty, full, of another size, or missing; mattes that run out") {
    const Scratch scratch;
    const Size size{48, 36};
    write_folders(scratch, size, 3);
    std::vector<float> values(size.area(), 0.f);
    write_matte_png(scratch / "black.png", {values.data(), size});
    std::fill(values.begin(), values.end(), 1.f);
    write_matte_png(scratch / "white.png", {values.data(), size});
    write_matte_png(scratch / "small.png", {values.data(), {24, 18}});
    const auto with = [&](const char* file) {
        return run_program(scratch, "matte '" + (scratch / "frames") + "' -o '" + (scratch / "out") +
                                        "' --first-matte '" + (scratch / file) + "'");
    };
    check_fails(with("black.png"), "is empty");
    check_fails(with("white.png"), "is full");
    check_fails(with("small.png"), "24 x 18");
    check_fails(with("none.png"), "does not exist");
    fs::remove(scratch / "mattes/frame2.png");
    const Ran ran = run_program(scratch, "blur '" + (scratch / "frames") + "' --quiet -o '" + (scratch / "o.mp4") +
                                             "' --matte '" + (scratch / "mattes") + "'");
    CHECK(ran.code == 1);
    CHECK(ran.says("no matte for frame 2"));
    CHECK(play(scratch / "o.mp4").times.size() == 2);
}

TEST_CASE("a first frame in which no subject can be found") {
    const Scratch scratch;
    const std::vector<Rgba8> black(32 * 24, Rgba8{3, 3, 3, 255});
    write_png(scratch / "black.png", {black.data(), {32, 24}});
    check_fails(run_program(scratch, "blur '" + (scratch / "black.png") + "' --quiet -o '" + (scratch / "o.png") + "'"),
                "of one colour");
    CHECK(!fs::exists(scratch / "o.png"));
}

TEST_CASE("outputs that cannot be") {
    const Scratch scratch;
    write_folders(scratch, {48, 36}, 2);
    const std::string blur = "blur '" + (scratch / "frames") + "' --quiet --matte '" + (scratch / "mattes") + "' -o '";
    check_fails(run_program(scratch, blur + (scratch / "no/where.mp4") + "'"), "mkdir -p");
    check_fails(run_program(scratch, blur + (scratch / "out.gif") + "'"), ".gif");
    check_fails(run_program(scratch, blur + (scratch / "out.png") + "'"), "one frame");
    check_fails(run_program(scratch, blur + (scratch / "frames") + "'"), "the input itself");
    check_fails(run_program(scratch, blur + (scratch / "o.mp4") + "' --report '" + (scratch / "no/r.json") + "'"),
                "does not exist");
    write_text(scratch / "file", "in the way");
    check_fails(run_program(scratch, blur + (scratch / "file/out") + "'"), "cannot be created");
    fs::create_symlink("/dev/full", scratch / "full.mp4");
    CHECK(run_program(scratch, blur + (scratch / "full.mp4") + "'").code == 1);
    // A limit on the size of files, of 512 bytes: as a disk that takes nothing more, not even from what was held back.
    const Ran ran = run_program(scratch, blur + (scratch / "limited.mp4") + "'", "ulimit -f 1;");
    CHECK(ran.code == 1);
    CHECK(ran.says("cannot be written"));
}

TEST_CASE("a full disk: the part that fits is finished and plays, and the exit code is 1") {
    const Scratch scratch;
    const std::string disk = scratch / "disk";
    fs::create_directories(disk);
    if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m") != 0) {
        MESSAGE("skipped: a small disk cannot be mounted here");
        return;
    }
    const Size size{320, 240};
    write_folders(scratch, size, 0);
    const std::vector<float> full(size.area(), 1.f);  // all of it stays sharp: noise fills a disk
    for (int i = 0; i < 60; ++i) {
        const std::vector<Rgba8> pixels = noise_rgba(size, unsigned(i));
        write_png(scratch / "frames/" + std::to_string(100 + i) + ".png", {pixels.data(), size});
        write_matte_png(scratch / "mattes/" + std::to_string(100 + i) + ".png", {full.data(), size});
    }
    const Ran ran = run_program(scratch, "blur '" + (scratch / "frames") + "' --matte '" + (scratch / "mattes") +
                                             "' --quiet -o '" + disk + "/out.mp4'");
    CHECK(ran.code == 1);
    CHECK(ran.says("No space left"));
    const Played played = play(disk + "/out.mp4");
    CHECK(played.times.size() > 3);
    CHECK(played.times.size() < 60);
    umount(disk.c_str());
}

TEST_CASE("Ctrl-C finishes the file and exits with 130") {
    const Scratch scratch;
    const std::string matte = write_square_matte(scratch, "first.png", {64, 48}), out = scratch / "out.mp4";
    const std::string said = scratch / "said.txt";
    Child program("exec '" CINEBOKEH_PROGRAM
                  "' blur camera:lavfi=testsrc2=size=64x48:rate=30,realtime --first-matte '" +
                  matte + "' -o '" + out + "' 2>'" + said + "' </dev/null");
    const bool at_work =
        program.reaches(longest_run, [&] { return text_of(said).find(" frames, ") != std::string::npos; });
    if (!program.running() && program.code() == 1) {
        MESSAGE("skipped: FFmpeg has no test device here");
        return;
    }
    REQUIRE_MESSAGE(at_work, program.crash() << text_of(said));
    program.kill(SIGINT);
    REQUIRE(program.ends(longest_run));
    CHECK_MESSAGE(program.code() == 130, program.crash());
    CHECK(play(out).times.size() > 0);
}

TEST_CASE("a camera that is absent is named, and the process that holds a device is found") {
    const Scratch scratch;
    check_fails(run_program(scratch, "blur camera:99 -o '" + (scratch / "o.mp4") + "'"), "/dev/video99 does not exist");
    write_text(scratch / "device", "");
    CHECK(process_holding(scratch / "device") == "");
    const Child sleeper("exec sleep 20 < '" + (scratch / "device") + "'");
    std::string holder;
    wait_until(10, [&] { return !(holder = process_holding(scratch / "device")).empty(); });
    CHECK(holder.find("process " + std::to_string(sleeper.id())) != std::string::npos);
}

TEST_CASE("an explicit cuda without a GPU is an error") {
    const Scratch scratch;
    const Ran ran =
        run_program(scratch, "blur demo --backend cuda --max-frames 1 --quiet -o '" + (scratch / "o.png") + "'");
    if (cuda_report().devices > 0)
        CHECK(ran.code == 0);
    else
        check_fails(ran, "--backend cuda cannot be used");
}

TEST_CASE("eval davis refuses folders that do not fit") {
    const Scratch scratch;
    write_folders(scratch, {40, 30}, 2);
    const std::string a = scratch / "mattes", b = scratch / "frames";
    check_fails(run_program(scratch, "eval davis '" + (scratch / "none") + "' '" + a + "'"), "does not exist");
    check_fails(run_program(scratch, "eval davis '" + a + "' '" + a + "'"), "at least 3");
    write_square_matte(scratch, "mattes/frame9.png", {40, 30});
    write_square_matte(scratch, "frames/frame9.png", {20, 15});
    check_fails(run_program(scratch, "eval davis '" + b + "' '" + a + "'"), "20 x 15");
}
