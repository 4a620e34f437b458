// `scene`: writes a generated scene, its truth, and what one needs to render it again.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/color.hpp"
#include "cinebokeh/core/error.hpp"
#include "disparity_file.hpp"
#include "focus_track_file.hpp"
#include "frame_sink.hpp"
#include "image_file.hpp"
#include "pfm_file.hpp"
#include "progress.hpp"
#include "scene_options.hpp"
#include "signals.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
constexpr const char* folders[] = {"frames", "disparity", "mattes", "defocus", "bokeh"};

// The images of one frame, reused.
struct Images {
    Size size;
    std::vector<Float4> picture, bokeh;
    std::vector<float> disparity, matte, defocus;
    std::vector<Rgba8> codes;

    explicit Images(Size s)
        : size(s),
          picture(s.area()),
          bokeh(s.area()),
          disparity(s.area()),
          matte(s.area()),
          defocus(s.area()),
          codes(s.area()) {}
};

void write_linear(Cpu& exec, Images& images, const std::vector<Float4>& linear, const fs::path& file) {
    linear_to_srgb(exec, {linear.data(), images.size}, HostImage<Rgba8>{images.codes.data(), images.size});
    write_png(file, {images.codes.data(), images.size});
}

std::string folder_of(Corruption level) { return std::string("disparity_") + name_of(level); }

void write_frame(Cpu& exec, const Scene& scene, int index, const SceneOptions& options, Images& images) {
    const fs::path out = options.output;
    const SceneFrame& frame = scene.frames[size_t(index)];
    const Size size = images.size;
    trace_pinhole(exec, frame.layers, scene.subject,
                  {{images.picture.data(), size}, {images.disparity.data(), size}, {images.matte.data(), size}});
    trace_bokeh(exec, frame.layers, frame.lens, {images.bokeh.data(), size});
    for (size_t i = 0; i < images.defocus.size(); ++i)
        images.defocus[i] = float(frame.lens.strength * (double(images.disparity[i]) - frame.lens.focus));
    char name[16];
    std::snprintf(name, sizeof name, "%05d", index);
    const auto file = [&](const std::string& folder, const char* extension) {
        return out / folder / (std::string(name) + extension);
    };
    write_linear(exec, images, images.picture, file("frames", ".png"));
    write_linear(exec, images, images.bokeh, file("bokeh", ".png"));
    write_disparity_png(file("disparity", ".png"), {images.disparity.data(), size});
    write_matte_png(file("mattes", ".png"), {images.matte.data(), size});
    write_pfm(file("defocus", ".pfm"), {images.defocus.data(), size});
    for (const Corruption level : options.corrupt) {
        images.defocus = images.disparity;  // written already
        corrupt_disparity(exec, level, scene.params.seed, index, {images.defocus.data(), size});
        write_pfm(file(folder_of(level), ".pfm"), {images.defocus.data(), size});
    }
}

void write_json(const Scene& scene, const char* move, const fs::path& file) {
    nlohmann::ordered_json json;
    json["seed"] = scene.params.seed, json["move"] = move;
    json["width"] = scene.params.size.width, json["height"] = scene.params.size.height;
    json["objects"] = scene.params.objects;
    json["disparity_scale"] = 65535;  // code of the 16-bit PNG = disparity * scale
    for (const SceneFrame& frame : scene.frames)
        json["frames"].push_back({{"strength", frame.lens.strength}, {"focus", frame.lens.focus}});
    std::ofstream stream(file);
    stream << json.dump(1) << '\n';
    stream.close();
    require(bool(stream), "'", file.string(), "' cannot be written");
}
// A key for each frame, of pictures at 30 a second, as a folder is read.
FocusTrack track_of(const Scene& scene) {
    std::vector<FocusKey> keys;
    for (const SceneFrame& frame : scene.frames) {
        const FocusTarget target{FocusTarget::Kind::disparity, float(frame.lens.focus), 0, 0};
        keys.push_back({double(keys.size()) / 30, target, {}, float(frame.lens.strength), FocusEasing::linear});
    }
    return FocusTrack(std::move(keys));
}
}  // namespace

int generate_scene(const SceneOptions& options) {
    const Scene scene = write_scene(options.params);
    const fs::path out = options.output;
    for (const char* folder : folders) make_folder((out / folder).string());
    for (const Corruption level : options.corrupt) make_folder((out / folder_of(level)).string());
    write_json(scene, name_of(options.params.move), out / "scene.json");
    write_focus_track((out / "focus.json").string(), track_of(scene));
    Cpu exec(options.threads);
    Images images(options.params.size);
    const Stopwatch watch;
    {
        Progress progress(options.params.frames, options.quiet);
        for (int i = 0; i < options.params.frames; ++i) {
            if (stop_requested()) {
                std::fprintf(stderr, "cinebokeh: stopped\n");
                return 130;
            }
            write_frame(exec, scene, i, options, images);
            progress.update(i + 1);
        }
    }
    if (!options.quiet)
        std::printf("%s: %d frames in %.1f s\n", options.output.c_str(), options.params.frames, watch.ms() / 1000);
    return 0;
}
}  // namespace cinebokeh::demo
