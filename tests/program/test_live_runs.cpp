// The live demo without a window: the same loop, on cameras that are none, and on what is wrong.
#include <sys/stat.h>

#include "governor.hpp"
#include "program.hpp"
#include "rvm_random.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
std::string with_settings(const Scratch& scratch, const std::string& arguments) {
    return "live " + arguments + " --settings '" + (scratch / "settings.json") + "'";
}
nlohmann::json report_of(const Scratch& scratch) { return nlohmann::json::parse(text_of(scratch / "report.json")); }
}  // namespace

TEST_CASE("the headless loop shows frames and reports what it did") {
    const Scratch scratch;
    const Ran ran =
        run_program(scratch, with_settings(scratch, "demo --headless --subject truth --frames 20 --once --report '" +
                                                        (scratch / "report.json") + "'"));
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.out.find("frames shown") != std::string::npos);
    const nlohmann::json report = report_of(scratch);
    CHECK(report["captured"] == 20);
    CHECK(report["shown"].get<int>() + report["dropped"].get<int>() == 20);
    CHECK(report["shown"].get<int>() >= 1);
    CHECK(report["width"] == 1280);
    CHECK(report["latency_ms"]["median"].get<double>() > 0);
    for (const char* stage : {"capture", "subject", "render", "display"}) CHECK(report["stages"].contains(stage));
    CHECK(report["backend"]["rendering"] == "cpu");
    CHECK(report["memory_mb"].get<double>() > 10);
    CHECK(!fs::exists(scratch / "settings.json"));  // nobody set anything
}

TEST_CASE("a lower quality renders depth at half size, and the report says so") {
    const Scratch scratch;
    for (const auto& [pinned, renderer] :
         {std::pair{0, "layered bokeh"}, std::pair{int(qualities.size()) - 1, "layered bokeh at half size"}}) {
        std::ofstream(scratch / "settings.json") << "{\"pinned_quality\": " << pinned << "}";
        const Ran ran = run_program(
            scratch, with_settings(scratch, "demo --headless --subject truth --frames 4 --once --quiet --report '" +
                                                (scratch / "report.json") + "'"));
        INFO(ran.err);
        CHECK(ran.code == 0);
        CHECK(report_of(scratch)["renderer"] == renderer);
        CHECK(report_of(scratch)["quality"] == qualities[size_t(pinned)].name);
    }
}

TEST_CASE("a subject is found and followed on a capture device") {
    const Scratch scratch;
    const Ran ran =
        run_program(scratch, with_settings(scratch,
                                           "camera:lavfi=testsrc2=size=320x240:rate=30,realtime --headless --frames 10 "
                                           "--background colour --quiet --report '" +
                                               (scratch / "report.json") + "'"));
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(report_of(scratch)["captured"].get<int>() == 10);
    CHECK(report_of(scratch)["subject"] == "auto");
}

TEST_CASE("people are found by the network, where its weights are there") {
    const Scratch scratch;
    random_rvm(RvmRefiner::fast_guided_filter).write(scratch / "w.safetensors");
    const std::string line =
        "camera:lavfi=testsrc2=size=320x240:rate=30,realtime --headless --subject rvm --frames 10 --report '" +
        (scratch / "report.json") + "'";
    const Ran ran =
        run_program(scratch, with_settings(scratch, line + " --weights '" + (scratch / "w.safetensors") + "'"));
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.out.find("Robust Video Matting") != std::string::npos);
    CHECK(report_of(scratch)["subject"] == "rvm");
    CHECK(report_of(scratch)["subject_method"].get<std::string>().find("320 x 240") != std::string::npos);

    // Without weights the user is told what to type, and the subject is followed as if nothing had been said.
    const Ran none = run_program(scratch, with_settings(scratch, line), "XDG_CACHE_HOME='" + (scratch / "cache") + "'");
    CHECK(none.code == 0);
    CHECK(none.says("type: cinebokeh weights get rvm"));
    CHECK(report_of(scratch)["subject"] == "auto");
    CHECK(report_of(scratch)["subject_asked"] == "rvm");
    CHECK(report_of(scratch)["message"].get<std::string>().find("weights get rvm") != std::string::npos);
}

TEST_CASE("a camera that goes away is waited for, and shown again when it is back") {
    const Scratch scratch;
    const std::string pipe = scratch / "feed", report = scratch / "report.json";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    const std::string feed =
        "ffmpeg -v quiet -f lavfi -i testsrc2=size=160x120:rate=20 -frames:v 12 -f yuv4mpegpipe '" + pipe +
        "' -y </dev/null";
    const Child feeder(feed + "; sleep 0.3; " + feed);
    const Ran ran = run_program(
        scratch, with_settings(scratch, "camera:yuv4mpegpipe='" + pipe +
                                            "' --headless --subject truth --frames 24 --report '" + report + "'"));
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.says("waiting for it to come back"));
    CHECK(report_of(scratch)["captured"] == 24);  // twelve of each feed
}

TEST_CASE("a camera that falls silent is reported, and shown again when it delivers") {
    const Scratch scratch;
    const std::string pipe = scratch / "feed", clip = scratch / "clip.y4m";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    REQUIRE(std::system(("ffmpeg -v quiet -f lavfi -i testsrc2=size=160x120:rate=20 -frames:v 24 -f yuv4mpegpipe '" +
                         clip + "' -y </dev/null")
                            .c_str()) == 0);
    // A header, then 6 bytes "FRAME\n" and a picture in 4:2:0, 24 times.
    const long half = long(fs::file_size(clip)) - 12 * (6 + 160 * 120 * 3 / 2);
    const Child feeder("(head -c " + std::to_string(half) + " '" + clip + "'; sleep 3; tail -c +" +
                       std::to_string(half + 1) + " '" + clip + "') >'" + pipe + "'");
    const Ran ran =
        run_program(scratch, with_settings(scratch, "camera:yuv4mpegpipe='" + pipe +
                                                        "' --headless --subject truth --frames 24 --report '" +
                                                        (scratch / "report.json") + "'"));
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.says("delivers no pictures"));
    CHECK(!ran.says("waiting for it to come back"));
    CHECK(report_of(scratch)["captured"] == 24);
    CHECK(report_of(scratch)["camera_stalls"] == 1);
    CHECK(report_of(scratch)["message"] == "");
}

TEST_CASE("the result goes to a virtual camera as whole frames") {
    const Scratch scratch;
    const std::string pipe = scratch / "camera", taken = scratch / "taken.yuv";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    Child reader("exec head -c 691200 '" + pipe + "' >'" + taken + "'");  // 4 frames
    const Ran ran =
        run_program(scratch, with_settings(scratch,
                                           "camera:lavfi=color=c=0x406080:size=480x240:rate=30,realtime --headless "
                                           "--subject truth --background transparent --frames 120 --quiet "
                                           "--virtual-camera '" +
                                               pipe + "'"));
    REQUIRE(reader.ends(60));
    INFO(ran.err);
    CHECK(ran.code == 0);
    const std::string bytes = text_of(taken);
    REQUIRE(bytes.size() == 691200);
    // No subject, so the cut-out keeps only the colour, which is even: each plane of each frame is constant.
    const size_t luma = 480 * 240, frame = luma * 3 / 2;
    for (size_t f = 0; f < 4; ++f) {
        const auto constant = [&](size_t from, size_t count) {
            return std::all_of(bytes.begin() + ptrdiff_t(f * frame + from),
                               bytes.begin() + ptrdiff_t(f * frame + from + count),
                               [&](char c) { return std::abs(c - bytes[f * frame + from]) <= 1; });
        };
        CHECK(constant(0, luma));
        CHECK(constant(luma, luma / 4));
        CHECK(constant(luma + luma / 4, luma / 4));
    }
}

TEST_CASE("what live cannot do is said in one line, with what to do") {
    const Scratch scratch;
    const auto fails = [&](const std::string& arguments, const std::string& says) {
        check_fails(run_program(scratch, with_settings(scratch, arguments)), says);
    };
    fails("'" + (scratch / "none.mp4") + "' --headless --quiet", "does not exist");
    fails("demo --headless --quiet --subject rvm --weights none", "do not exist");
    fails("camera:77 --headless --quiet", "does not exist");
    fails("demo --headless --quiet --virtual-camera '" + (scratch / "none") + "'", "modprobe v4l2loopback");
    fails("demo --headless --quiet --frames 2 --subject truth --report '" + (scratch / "no/folder.json") + "'",
          "cannot be written");
    const Ran windowless = run_program(scratch, with_settings(scratch, "demo --quiet"), "DISPLAY= WAYLAND_DISPLAY=");
    check_fails(windowless, "--headless");
    CHECK(run_program(scratch, with_settings(scratch, "demo --preset none")).code == 2);
    CHECK(run_program(scratch, with_settings(scratch, "demo --f-number 0.1")).code == 2);
}

TEST_CASE("Ctrl-C ends the loop, with its report") {
    const Scratch scratch;
    const std::string said = scratch / "said.txt";
    Child program(
        "exec '" CINEBOKEH_PROGRAM "' " +
        with_settings(scratch, "demo --headless --subject truth --report '" + (scratch / "report.json") + "'") +
        " 2>'" + said + "' >/dev/null");
    REQUIRE_MESSAGE(program.reaches(longest_run, [&] { return text_of(said).find(" frames, ") != std::string::npos; }),
                    program.crash() << ": " << text_of(said));
    program.kill(SIGINT);
    REQUIRE(program.ends(longest_run));
    CHECK_MESSAGE(program.code() == 130, program.crash());
    CHECK(report_of(scratch)["shown"].get<int>() > 0);
}

TEST_CASE("a camera that never answers again does not keep the program from ending") {
    const Scratch scratch;
    const std::string pipe = scratch / "feed", said = scratch / "said.txt";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    const Child feeder("exec ffmpeg -v quiet -f lavfi -i testsrc2=size=160x120:rate=20 -frames:v 12 -f yuv4mpegpipe '" +
                       pipe + "' -y </dev/null");
    Child program("exec '" CINEBOKEH_PROGRAM "' " +
                  with_settings(scratch, "camera:yuv4mpegpipe='" + pipe + "' --headless --subject truth --report '" +
                                             (scratch / "report.json") + "'") +
                  " 2>'" + said + "' >/dev/null");
    REQUIRE_MESSAGE(
        program.reaches(60, [&] { return text_of(said).find("waiting for it to come back") != std::string::npos; }),
        program.crash() << ": " << text_of(said));
    pause_ms(600);  // it opens the pipe again, which waits for somebody who writes
    program.kill(SIGINT);
    REQUIRE(program.ends(20));  // two seconds are given to the camera
    CHECK_MESSAGE(program.code() == 130, program.crash());
    CHECK(report_of(scratch)["captured"] == 12);
}

TEST_CASE("pictures that cannot be rendered are dropped, and the loop ends with the source") {
    const Scratch scratch;
    write_folders(scratch, {48, 36}, 3);
    const Ran ran = run_program(scratch, with_settings(scratch, "'" + (scratch / "frames") +
                                                                    "' --headless --once --subject truth --background "
                                                                    "video --background-file none.mp4 --report '" +
                                                                    (scratch / "report.json") + "'"));
    CHECK(ran.code == 1);
    CHECK(ran.says("none.mp4"));
    CHECK(report_of(scratch)["shown"] == 0);
    CHECK(report_of(scratch)["dropped"] == 3);
}

TEST_CASE("a child of these tests that crashes or hangs is reported at once") {
    Child crashed("kill -SEGV $$");
    REQUIRE(crashed.ends(10));
    CHECK(crashed.crash().find("Segmentation fault") != std::string::npos);
    const Stopwatch watch;
    {
        Child hanging("sleep 600 & sleep 600");
        CHECK(!hanging.ends(0.2));
        CHECK(hanging.crash() == "it did not end");
    }
    CHECK(watch.ms() < 10000);
}
