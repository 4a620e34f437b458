// Runs the program and makes what it reads: pictures, folders, videos, in a folder that is removed afterwards.
#pragma once
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "child.hpp"
#include "frame_source.hpp"
#include "image_file.hpp"
#include "support.hpp"

namespace cinebokeh::demo {

namespace fs = std::filesystem;

/// A folder of its own for each test.
class Scratch {
public:
    Scratch() {
        std::string name = (fs::temp_directory_path() / "cinebokeh_XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    std::string operator/(const std::string& name) const { return (folder_ / name).string(); }

private:
    fs::path folder_;
};

inline std::string text_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}
inline void write_text(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
}

struct Ran {
    int code;
    std::string out, err;
    long error_lines() const { return std::count(err.begin(), err.end(), '\n'); }
    bool says(const std::string& text) const { return err.find(text) != std::string::npos; }
};

/// Seconds that a run of the program may take on a loaded machine before it counts as hanging.
constexpr double longest_run = 200;

/// Runs the program with the arguments of a shell line; `before` is put in front of it, such as "ulimit -f 1;".
inline Ran run_program(const Scratch& scratch, const std::string& arguments, const std::string& before = "") {
    const std::string out = scratch / "stdout.txt", err = scratch / "stderr.txt";
    Child child(before + " exec '" CINEBOKEH_PROGRAM "' " + arguments + " >'" + out + "' 2>'" + err + "' </dev/null");
    const bool ended = child.ends(longest_run);
    Ran ran{child.code(), text_of(out), text_of(err)};
    INFO("cinebokeh " << arguments);
    REQUIRE_MESSAGE(ended, "it did not end within " << longest_run << " s: " << ran.err);
    REQUIRE_MESSAGE(child.crash().empty(), child.crash() << ": " << ran.err);
    CHECK_MESSAGE(ran.code < 126, ran.err);  // it could be started
    return ran;
}

/// Refused or failed: the code, exactly one line, and what the line says.
inline void check_fails(const Ran& ran, const std::string& says) {
    INFO("stderr: " << ran.err);
    CHECK(ran.code == 1);
    CHECK(ran.error_lines() == 1);
    CHECK(ran.says(says));
}

/// A bright square on noise, and its matte.
inline std::vector<Rgba8> square_picture(Size size, int shift = 0) {
    std::vector<Rgba8> pixels = noise_rgba(size, 3);
    for (Rgba8& p : pixels) p = {uint8_t(p[0] / 4), uint8_t(p[1] / 4), uint8_t(60 + p[2] / 4), 255};
    for (int y = size.height / 4; y < size.height * 3 / 4; ++y)
        for (int x = size.width / 4; x < size.width * 3 / 4; ++x)
            pixels[size_t(y) * size_t(size.width) + size_t(std::min(x + shift, size.width - 1))] = {230, 160, 40, 255};
    return pixels;
}
inline std::vector<float> square_matte(Size size) {
    std::vector<float> matte(size.area(), 0.f);
    for (int y = size.height / 4; y < size.height * 3 / 4; ++y)
        for (int x = size.width / 4; x < size.width * 3 / 4; ++x) matte[size_t(y) * size_t(size.width) + size_t(x)] = 1;
    return matte;
}
inline std::string write_square(const Scratch& scratch, const std::string& name, Size size, int shift = 0) {
    const std::vector<Rgba8> pixels = square_picture(size, shift);
    write_png(scratch / name, {pixels.data(), size});
    return scratch / name;
}
inline std::string write_square_matte(const Scratch& scratch, const std::string& name, Size size) {
    const std::vector<float> matte = square_matte(size);
    write_matte_png(scratch / name, {matte.data(), size});
    return scratch / name;
}
/// A folder "frames" of frame0.png, frame1.png, ... and a folder "mattes" with a matte for each.
inline void write_folders(const Scratch& scratch, Size size, int count) {
    fs::create_directories(scratch / "frames"), fs::create_directories(scratch / "mattes");
    for (int i = 0; i < count; ++i) {
        write_square(scratch, "frames/frame" + std::to_string(i) + ".png", size, i % 4);
        write_square_matte(scratch, "mattes/frame" + std::to_string(i) + ".png", size);
    }
}
/// A video of squares, written by the program itself.
inline std::string write_video(const Scratch& scratch, const std::string& name, Size size, int count) {
    write_folders(scratch, size, count);
    const Ran ran = run_program(scratch, "blur '" + (scratch / "frames") + "' --matte '" + (scratch / "mattes") +
                                             "' --quiet -o '" + (scratch / name) + "'");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    return scratch / name;
}

/// A recording of `live`, made by hand: a square, its mattes, and a focus that stays on it.
inline std::string write_recording(const Scratch& scratch, const std::string& name, Size size) {
    const std::string folder = scratch / name;
    fs::create_directories(folder + "/mattes");
    write_video(scratch, name + "/source.mp4", size, 12);
    for (int i = 0; i < 12; ++i) {
        char file[32];
        std::snprintf(file, sizeof file, "/mattes/%05d.png", i);
        write_square_matte(scratch, name + file, size);
    }
    write_text(folder + "/focus.json", R"({"keys": [{"time": 0, "focus": {"disparity": 1}, "f_number": 4},
                                                    {"time": 0.3, "focus": {"disparity": 1}}],
                                           "lens": {"focal_length": 85, "sensor_width": 12.6,
                                                    "disparity_scale": [0.8, 0.2]}})");
    return folder;
}

/// The frames of a video, read to the end: it is playable.
struct Played {
    Size size;
    std::vector<int64_t> times;
    TimeBase time_base;
    size_t sound_packets = 0;
    std::string damage;
};
inline Played play(const std::string& file) {
    const std::unique_ptr<FrameSource> source = open_video(file);
    Played played{source->info().size, {}, source->info().time_base, 0, {}};
    Frame frame;
    while (source->next(frame)) {
        played.times.push_back(frame.time);
        played.sound_packets += frame.audio.size();
    }
    played.sound_packets += source->rest_of_audio().size();
    played.damage = source->damage();
    return played;
}

inline bool has_ffmpeg() { return std::system("ffmpeg -version >/dev/null 2>&1") == 0; }
#define SKIP_WITHOUT_FFMPEG()                                                        \
    if (!has_ffmpeg()) {                                                             \
        MESSAGE("skipped: the ffmpeg program makes the input; it is not installed"); \
        return;                                                                      \
    }
}  // namespace cinebokeh::demo
