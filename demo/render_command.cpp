// `render`: one picture, its depth, and a lens.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "aperture_file.hpp"
#include "bokeh_focus.hpp"
#include "disparity_file.hpp"
#include "image_file.hpp"
#include "light_picture.hpp"
#include "render_options.hpp"
#include "report.hpp"

namespace cinebokeh::demo {
namespace {
namespace fs = std::filesystem;

// What is known of the picture's depth, and where it is to be sharp.
struct Scene {
    Frame frame;  // disparity, matte, or both
    std::optional<float> subject;
    Focus focus;
    float radius = 0;  // the largest
};

Scene read_scene(const RenderOptions& options, Size size) {
    const std::string& disparity = options.bokeh.disparity;
    require(!disparity.empty() || !options.matte.empty(),
            "what is near and what is far? Give --disparity FILE, or --matte PNG of the subject");
    Scene scene;
    scene.frame.size = size;
    if (!disparity.empty()) scene.frame.disparity = read_disparity(disparity, size);
    if (!options.matte.empty()) scene.frame.matte = read_matte(options.matte, size);
    BokehOptions bokeh = options.bokeh;
    if (!options.focus_given && options.matte.empty())
        bokeh.focus = FocusOn::point, bokeh.x = size.width / 2, bokeh.y = size.height / 2;
    require(bokeh.focus != FocusOn::subject || !options.matte.empty(),
            "--focus subject needs the subject: give --matte PNG");
    BokehFocus focus(bokeh, size);
    scene.focus = focus(scene.frame);
    scene.subject = focus.subject(scene.frame);
    scene.radius = largest_radius(scene.frame.disparity_view(), scene.focus);
    return scene;
}

void render_light(Cpu& exec, const RenderOptions& options, const Scene& scene, LightPicture& picture) {
    float brightest = 1;
    for (const Float4& p : picture.pixels) brightest = std::max({brightest, p[0], p[1], p[2]});
    BokehRenderer<Cpu> renderer(exec, picture.size,
                                {.method = BokehMethod::exact,
                                 .max_radius = std::clamp(scene.radius, 1.f, largest_defocus),
                                 .aperture = options.aperture,
                                 .highlights = options.highlights,
                                 .max_value = std::min(brightest, 1048576 / options.highlights.gain)});
    const HostImage<Float4> pixels(picture.pixels.data(), picture.size);
    renderer.render_linear(pixels, {{}, scene.frame.disparity_view(), scene.frame.matte_view(), scene.subject},
                           scene.focus, pixels);
}

// The other renderers know 8 bits.
void render_codes(Cpu& exec, const RenderOptions& options, const Scene& scene, LightPicture& picture) {
    BokehRendererParams params{
        .method = options.method, .max_radius = std::clamp(scene.radius, 1.f, 200.f), .highlights = options.highlights};
    if (!options.bokeh.aperture_picture.empty()) params.picture = read_aperture(options.bokeh.aperture_picture);
    BokehRenderer<Cpu> renderer(exec, picture.size, params);
    std::vector<Rgba8> codes(picture.pixels.size());
    const HostImage<Rgba8> frame(codes.data(), picture.size);
    const HostImage<Float4> pixels(picture.pixels.data(), picture.size);
    linear_to_srgb<Cpu>(exec, pixels, frame);
    renderer({frame, scene.frame.disparity_view(), scene.frame.matte_view(), scene.subject}, scene.focus, frame);
    srgb_to_linear<Cpu>(exec, frame, pixels);
}
}  // namespace

int render(const RenderOptions& options) {
    const fs::path output = options.output;
    std::error_code ignored;
    require(output.extension() == ".png", "the output '", options.output, "' is not called .png");
    require(!fs::equivalent(options.input, output, ignored), "the output '", options.output,
            "' is the input itself: choose another name");
    LightPicture picture = read_light(options.input);
    const bool exact = options.method == BokehMethod::exact;
    const int bits = options.bits ? options.bits : exact && picture.bits > 8 ? 16 : 8;
    const Scene scene = read_scene(options, picture.size);
    Cpu exec(options.threads);
    const Stopwatch watch;
    if (exact)
        render_light(exec, options, scene, picture);
    else
        render_codes(exec, options, scene, picture);
    const double ms = watch.ms();
    write_light_png(output, {picture.pixels.data(), picture.size}, bits);
    if (options.quiet) return 0;
    const float most = exact ? largest_defocus : 200;
    std::printf("%s: %s, in focus at disparity %g, radius up to %.1f pixels, %.0f ms\n", options.output.c_str(),
                name_of(options.method), double(scene.focus.disparity), double(std::min(scene.radius, most)), ms);
    if (scene.radius > most)
        std::printf("radii up to %.0f pixels were cut to %.0f\n", double(scene.radius), double(most));
    return 0;
}
}  // namespace cinebokeh::demo
