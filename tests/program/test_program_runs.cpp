// What the program does when all is well.
#include "program.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

TEST_CASE("every command explains itself") {
    const Scratch scratch;
    for (const char* command : {"", "blur", "matte", "scene", "eval", "eval davis", "eval bokeh", "doctor"}) {
        const Ran ran = run_program(scratch, std::string(command) + " --help");
        CHECK(ran.code == 0);
        CHECK(ran.out.find("Usage") != std::string::npos);
    }
    CHECK(run_program(scratch, "doctor").out.find("device") != std::string::npos);
}

TEST_CASE("a folder becomes a video, a report, mattes and a contact sheet") {
    const Scratch scratch;
    write_folders(scratch, {64, 48}, 12);
    const Ran ran = run_program(scratch, "blur '" + (scratch / "frames") + "' --matte '" + (scratch / "mattes") +
                                             "' -o '" + (scratch / "out.mp4") + "' --report '" + (scratch / "r.json") +
                                             "' --write-matte '" + (scratch / "a/b") + "' --contact-sheet '" +
                                             (scratch / "sheet.png") + "' --backend cpu --threads 1");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    const Played played = play(scratch / "out.mp4");
    CHECK(played.size == Size{64, 48});
    CHECK(played.times.size() == 12);
    CHECK(played.damage == "");
    CHECK(fs::exists(scratch / "a/b/frame0.png"));
    CHECK(pictures_in(scratch / "a/b").size() == 12);
    CHECK(read_picture(scratch / "sheet.png").size.width > 3 * 64);

    const nlohmann::json report = nlohmann::json::parse(text_of(scratch / "r.json"));
    CHECK(report["frames"] == 12);
    CHECK(report["lost_frames"] == 0);
    CHECK(report["complete"] == true);
    CHECK(report["threads"] == 1);
    CHECK(report["fps"] > 0);
    CHECK(report["peak_memory_mb"] > 1);
    CHECK(report["backend"]["asked"] == "cpu");
    CHECK(report["backend"]["used"] == "cpu");
    CHECK(report["backend"]["reason"] != "");
    for (const char* stage : {"read", "matte", "render", "write"}) {
        CHECK(report["stages"][stage]["median_ms"] >= 0);
        CHECK(report["stages"][stage]["p95_ms"] >= report["stages"][stage]["median_ms"]);
    }
}

TEST_CASE("pictures are taken in natural order, and the subject keeps its pixels") {
    const Scratch scratch;
    const Size size{32, 24};
    write_folders(scratch, size, 0);
    for (int i : {2, 10}) {
        write_square(scratch, "frames/f" + std::to_string(i) + ".png", size, i == 2 ? 0 : 3);
        write_square_matte(scratch, "mattes/f" + std::to_string(i) + ".png", size);
    }
    const Ran ran = run_program(scratch, "blur '" + (scratch / "frames") + "' --matte '" + (scratch / "mattes") +
                                             "' -o '" + (scratch / "deep/er") + "' --renderer gaussian --sigma 3");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    CHECK(ran.says("CPU"));  // auto tells that it computes on the CPU, where there is no GPU
    CHECK(pictures_in(scratch / "deep/er").size() == 2);
    const Picture out = read_picture(scratch / "deep/er/00000.png");
    const std::vector<Rgba8> in = square_picture(size);
    const std::vector<float> matte = square_matte(size);
    int changed = 0;
    for (size_t i = 0; i < in.size(); ++i) {
        if (matte[i] == 1) CHECK(out.pixels[i] == in[i]);
        changed += !(out.pixels[i] == in[i]);
    }
    CHECK(changed > int(in.size()) / 2);  // the noise around it is blurred
}

TEST_CASE("mattes are called as the pictures of a folder, and numbered for a video") {
    const Scratch scratch;
    const Size size{96, 72};
    const std::string video = write_video(scratch, "in.mp4", size, 3);
    const std::string first = write_square_matte(scratch, "first.png", size);
    for (const std::string& input : {video, scratch / "frames"}) {
        const std::string out = scratch / (input == video ? "numbered" : "named");
        const Ran ran = run_program(scratch, "matte '" + input + "' -o '" + out + "' --first-matte '" + first +
                                                 "' --report '" + (scratch / "r.json") + "'");
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        CHECK(pictures_in(out).size() == 3);
        CHECK(fs::exists(out + (input == video ? "/00002.png" : "/frame2.png")));
        CHECK(nlohmann::json::parse(text_of(scratch / "r.json"))["tracker"] == "memory");
    }
}

TEST_CASE("both trackers follow from scribbles, in a picture and as strokes") {
    const Scratch scratch;
    const Size size{96, 72};
    write_folders(scratch, size, 3);
    std::vector<Rgba8> strokes(size.area(), Rgba8{0, 0, 0, 0});
    for (int x = 36; x < 60; ++x) strokes[size_t(36 * size.width + x)] = {255, 0, 0, 255};
    for (int x = 4; x < 90; ++x) strokes[size_t(4 * size.width + x)] = {0, 0, 255, 255};
    write_png(scratch / "s.png", {strokes.data(), size});
    write_text(scratch / "s.json",
               R"({"strokes":[{"label":"subject","radius":3,"points":[[40,36],[56,36]]},
                              {"label":"background","points":[[8,8],[88,8]]}]})");
    const std::vector<float> truth = square_matte(size);
    for (const char* options : {"s.png' --tracker memory", "s.json' --tracker seed"}) {
        const Ran ran = run_program(scratch, "matte '" + (scratch / "frames") + "' -o '" + (scratch / "m") +
                                                 "' --scribbles '" + (scratch / options));
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        const std::vector<float> matte = read_matte(scratch / "m/frame0.png", size);
        size_t agree = 0;
        for (size_t i = 0; i < truth.size(); ++i) agree += (matte[i] > 0.5f) == (truth[i] > 0.5f);
        CHECK(agree > truth.size() * 95 / 100);  // a plain square on noise: an outline of one pixel is 3 %
    }
}

TEST_CASE("odd sides are padded in a video, down to a single pixel") {
    const Scratch scratch;
    CHECK(play(write_video(scratch, "odd.mp4", {33, 17}, 2)).size == Size{34, 18});
    const std::string pixel = write_square(scratch, "pixel.png", {1, 1});
    fs::create_directories(scratch / "one");
    const std::vector<float> full = {1.f};
    write_matte_png(scratch / "one/pixel.png", {full.data(), {1, 1}});
    const std::string options = "blur '" + pixel + "' --matte '" + (scratch / "one") + "' -o '";
    CHECK(run_program(scratch, options + (scratch / "1.mp4") + "'").code == 0);
    CHECK(play(scratch / "1.mp4").size == Size{2, 2});
    CHECK(run_program(scratch, options + (scratch / "1.png") + "'").code == 0);
    CHECK(read_picture(scratch / "1.png").size == Size{1, 1});
    CHECK(run_program(scratch, "blur '" + pixel + "' -o '" + (scratch / "2.png") + "'").code == 1);  // no subject
}

TEST_CASE("an 8K picture is blurred") {
    const Scratch scratch;
    const Size size{7680, 4320};
    std::vector<Rgba8> pixels(size.area(), Rgba8{40, 80, 120, 255});
    write_png(scratch / "8k.png", {pixels.data(), size});
    fs::create_directories(scratch / "m");
    write_square_matte(scratch, "m/8k.png", size);
    const Ran ran = run_program(scratch, "blur '" + (scratch / "8k.png") + "' --matte '" + (scratch / "m") + "' -o '" +
                                             (scratch / "out.png") + "'");
    CHECK_MESSAGE(ran.code == 0, ran.err);
    CHECK(read_picture(scratch / "out.png").size == size);
}

TEST_CASE("the sound of a video is kept packet by packet, and uneven times stay uneven") {
    const Scratch scratch;
    SKIP_WITHOUT_FFMPEG();
    const std::string in = scratch / "in.mkv";
    REQUIRE(std::system(("ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=64x48:rate=30:duration=1 -f lavfi -i "
                         "sine=duration=1 -vf \"select='not(eq(mod(n,5),2))'\" -vsync vfr -c:v mpeg4 -c:a aac '" +
                         in + "'")
                            .c_str()) == 0);
    const Played before = play(in);
    REQUIRE(before.sound_packets > 10);
    fs::create_directories(scratch / "m");
    for (size_t i = 0; i < before.times.size(); ++i)
        write_square_matte(scratch, "m/" + std::to_string(100 + i) + ".png", {64, 48});
    const std::string options = "blur '" + in + "' --matte '" + (scratch / "m") + "' -o '";
    const Ran ran = run_program(scratch, options + (scratch / "out.mp4") + "'");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    const Played after = play(scratch / "out.mp4");
    CHECK(after.sound_packets == before.sound_packets);
    REQUIRE(after.times.size() == before.times.size());
    const auto seconds = [](const Played& p, size_t i) {
        return double(p.times[i]) * p.time_base.num / p.time_base.den;
    };
    for (size_t i = 0; i < after.times.size(); ++i)
        CHECK(std::abs(seconds(after, i) - seconds(before, i)) < 0.0011);  // Matroska counts milliseconds

    CHECK(run_program(scratch, options + (scratch / "short.mp4") + "' --max-frames 10").code == 0);
    const Played cut = play(scratch / "short.mp4");
    CHECK(cut.times.size() == 10);
    CHECK(cut.sound_packets < before.sound_packets);
}

TEST_CASE("sound that .mp4 cannot hold becomes AAC of the same length; .mkv keeps it as it is") {
    const Scratch scratch;
    SKIP_WITHOUT_FFMPEG();
    struct Sound {
        const char *options, *codec;
    };
    for (const Sound& sound :
         {Sound{"-c:a pcm_s16le -ar 44100 -ac 1", "pcm_s16le"}, Sound{"-c:a pcm_f32le -ar 96000 -ac 2", "pcm_f32le"}}) {
        INFO(sound.codec);
        const std::string in = scratch / "in.mkv";
        REQUIRE(std::system(("ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=64x48:rate=30:duration=2 -f lavfi "
                             "-i sine=frequency=440:duration=2 -c:v mpeg4 " +
                             std::string(sound.options) + " '" + in + "'")
                                .c_str()) == 0);
        fs::create_directories(scratch / "m");
        for (int i = 0; i < 60; ++i) write_square_matte(scratch, "m/" + std::to_string(100 + i) + ".png", {64, 48});
        for (const bool mp4 : {true, false}) {
            const std::string out = scratch / (mp4 ? "out.mp4" : "out.mkv");
            const Ran ran =
                run_program(scratch, "blur '" + in + "' --matte '" + (scratch / "m") + "' -o '" + out + "'");
            REQUIRE_MESSAGE(ran.code == 0, ran.err);
            CHECK_FALSE(ran.says("left out"));
            // Decoded to its end by another program: the tone is there, in full length and at its loudness.
            const std::string facts = scratch / "facts.txt";
            REQUIRE(std::system(("ffprobe -v error -select_streams a -show_entries stream=codec_name -of csv=p=0 '" +
                                 out + "' > '" + facts + "' && ffmpeg -nostdin -v error -i '" + out +
                                 "' -vn -ac 1 -ar 8000 -f s16le '" + (scratch / "tone.raw") + "' -y")
                                    .c_str()) == 0);
            CHECK(text_of(facts) == std::string(mp4 ? "aac" : sound.codec) + "\n");
            const std::string raw = text_of(scratch / "tone.raw");
            const size_t samples = raw.size() / 2;
            CHECK(samples > 8000 * 2 - 400);  // 50 ms: a frame of an encoder at either end
            CHECK(samples < 8000 * 2 + 1200);
            int crossings = 0, last = 0;
            const auto sample = [&](size_t i) { return int16_t(uint8_t(raw[2 * i]) | uint8_t(raw[2 * i + 1]) << 8); };
            for (size_t i = 4000; i < 12000; ++i) {  // one second
                if (std::abs(int(sample(i))) < 500) continue;
                const int sign = sample(i) > 0 ? 1 : -1;
                crossings += sign * last < 0, last = sign;
            }
            CHECK(std::abs(crossings - 880) < 5);  // 440 Hz
        }
    }
}

TEST_CASE("the built-in clip is processed with its true matte") {
    const Scratch scratch;
    const Ran ran = run_program(
        scratch, "blur demo -o '" + (scratch / "out") + "' --max-frames 2 --report '" + (scratch / "r.json") + "'");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    CHECK(read_picture(scratch / "out/00001.png").size == Size{1280, 720});
    CHECK(nlohmann::json::parse(text_of(scratch / "r.json"))["subject"] == "truth");
}

TEST_CASE("eval davis gives 1 for the truth itself, for one sequence and for a folder of them") {
    const Scratch scratch;
    const Size size{40, 30};
    for (const char* name : {"truth/a", "truth/b", "results/a"}) {
        fs::create_directories(scratch / name);
        for (int i = 0; i < 4; ++i)
            write_square_matte(scratch, std::string(name) + "/0000" + std::to_string(i) + ".png", size);
    }
    for (const char* which : {"", "/a"}) {
        const Ran ran =
            run_program(scratch, "eval davis '" + (scratch / "results") + which + "' '" + (scratch / "truth") + which +
                                     "' --json '" + (scratch / "j.json") + "'");
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        const nlohmann::json json = nlohmann::json::parse(text_of(scratch / "j.json"));
        CHECK(json["J"]["mean"] == 1.0);
        CHECK(json["F"]["recall"] == 1.0);
        CHECK(json["sequences"]["a"]["J"]["frames"].size() == 4);
    }
    fs::remove(scratch / "results/a/00002.png");
    check_fails(run_program(scratch, "eval davis '" + (scratch / "results") + "' '" + (scratch / "truth") + "'"),
                "00002.png");
}

TEST_CASE("eval matte is perfect for the truth itself, resizes the truth by nearest, and misses no result") {
    const Scratch scratch;
    const Size size{40, 32};
    for (const char* name : {"truth", "results", "double"}) fs::create_directories(scratch / name);
    for (int i = 0; i < 3; ++i) {
        const std::string name = "/0000" + std::to_string(i) + ".png";
        write_square_matte(scratch, "truth" + name, size);
        write_square_matte(scratch, "results" + name, size);
        write_square_matte(scratch, "double" + name, {80, 64});
    }
    const auto eval = [&](const std::string& results) {
        const Ran ran = run_program(scratch, "eval matte '" + (scratch / results) + "' '" + (scratch / "truth") +
                                                 "' --json '" + (scratch / "j.json") + "'");
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        return nlohmann::json::parse(text_of(scratch / "j.json"));
    };
    for (const char* results : {"results", "double"}) {
        const nlohmann::json json = eval(results);
        for (const char* error : {"MAD", "MSE", "gradient", "connectivity", "dtSSD"}) CHECK(json[error] == 0);
        CHECK(json["IoU"] == 1);
        CHECK(json["pixel_accuracy"] == 1);
        CHECK(json["each"].size() == 3);
    }
    // One of three is empty: the square is a quarter of the picture.
    const std::vector<float> empty(size.area(), 0.f);
    write_matte_png(scratch / "results/00001.png", {empty.data(), size});
    const nlohmann::json json = eval("results");
    CHECK(json["MAD"].get<double>() == doctest::Approx(0.25 / 3));
    CHECK(json["IoU"].get<double>() == doctest::Approx(2.0 / 3));
    CHECK(json["confusion"]["false_negative"] == 20 * 16);
    CHECK(json["dtSSD"].get<double>() ==
          doctest::Approx(0.5));  // it vanishes and comes back: twice the root of a quarter
    write_matte_png(scratch / "results/00001.png", {empty.data(), {20, 32}});  // another size: no video
    CHECK(!eval("results").contains("dtSSD"));
    fs::remove(scratch / "results/00001.png");
    check_fails(run_program(scratch, "eval matte '" + (scratch / "results") + "' '" + (scratch / "truth") + "'"),
                "00001.png");
}
