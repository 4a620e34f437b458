#include "scene_options.hpp"

#include <cstdio>

#include "named_values.hpp"

namespace cinebokeh::demo {
namespace {
const std::map<std::string, CameraMove> moves = {
    {"blur", CameraMove::blur}, {"focus", CameraMove::focus}, {"rack", CameraMove::rack}};

const std::map<std::string, Corruption> levels = {
    {"I", Corruption::I}, {"II", Corruption::II}, {"III", Corruption::III}, {"IV", Corruption::IV}};

// Reads "256x128". False where it is no size of a scene.
bool parse_size(const std::string& text, Size& size) {
    int width = 0, height = 0, read = 0;
    if (std::sscanf(text.c_str(), "%5dx%5d%n", &width, &height, &read) != 2 || size_t(read) != text.size())
        return false;
    size = {width, height};
    return width >= 16 && height >= 16 && width <= 4096 && height <= 4096;
}

}  // namespace

const char* name_of(CameraMove move) { return name_in(moves, move); }
const char* name_of(Corruption level) { return name_in(levels, level); }

CLI::App* add_scene(CLI::App& app, SceneOptions& options) {
    CLI::App* command =
        app.add_subcommand("scene", "Generates a scene: frames, disparity, mattes, and their true bokeh");
    SceneParams& scene = options.params;
    command->add_option("-o,--out", options.output, "folder, which is created")->required();
    command->add_option("--seed", scene.seed, "the same seed gives the same scene; default 1")->type_name("N");
    command->add_option("--frames", scene.frames, "default 16")->check(CLI::Range(1, 100000))->type_name("N");
    command
        ->add_option_function<std::string>(
            "--size", [&scene](const std::string& text) { parse_size(text, scene.size); }, "default 256x256")
        ->check(CLI::Validator(
            [](const std::string& text) {
                Size size;
                return parse_size(text, size) ? "" : "the size must be WxH, 16x16 to 4096x4096";
            },
            "WxH"));
    command->add_option("--objects", scene.objects, "before the background; default 4")
        ->check(CLI::Range(1, 32))
        ->type_name("N");
    add_choice(command, "--move", scene.move, moves,
               "what the camera does: blur (its strength changes), focus (the default; to another thing) or rack (from "
               "the farthest thing to the nearest, or back)");
    command
        ->add_option("--textures", scene.textures,
                     "pictures to use: those with transparency are objects, the others backgrounds")
        ->type_name("DIR");
    command
        ->add_option_function<std::vector<std::string>>(
            "--corrupt",
            [&options](const std::vector<std::string>& names) {
                for (const std::string& name : names) options.corrupt.push_back(levels.at(name));
            },
            "write disparity as estimators get it wrong too: I blurred, II also eroded or dilated, III also deformed, "
            "IV also scaled, each frame by 0.9 to 1.1")
        ->delimiter(',')
        ->check(CLI::IsMember(levels))
        ->type_name("I,II,III,IV");
    command->add_option("--threads", options.threads, "default: one per core")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command->add_flag("--quiet", options.quiet, "print errors only");
    command->footer(
        "Writes frames/, disparity/ (16-bit PNG, value * 65535; larger is nearer), mattes/ (of the subject), defocus/\n"
        "(PFM, signed radius of blur in pixels, positive before the focal plane), bokeh/ (ray-traced) and scene.json\n"
        "(of each frame: strength in pixels per unit of disparity, focus as disparity), focus.json (the same as a "
        "focus\n"
        "track); with --corrupt also\n"
        "disparity_I/ and so on (PFM).");
    return command;
}
}  // namespace cinebokeh::demo
