#include "scene_script.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/error.hpp"
#include "scene_paint.hpp"
#include "scene_textures.hpp"

namespace cinebokeh::demo {
namespace {
constexpr double pi = 3.14159265358979323846;
constexpr double nearest = 0.95, farthest = 0.20;  // disparities of the objects

double uniform(Random& random, double low, double high) { return low + (high - low) * double(random.uniform()); }
double eased(double t) { return t * t * (3 - 2 * t); }

// The path of an object: where its middle is seen, in pixels from the middle of the frame, its disparity, and how it is
// turned and slanted.
struct Path {
    double x, y, disparity;                 // at the beginning
    double x_speed, y_speed;                // over the whole clip
    double sway_x, sway_y, sway_disparity;  // to and fro around that
    double phase, turn;                     // radians
    double slope_x, slope_y;
    double scale;  // texels per pixel where its disparity is `reference`
    double reference;
};

struct Stance {
    double x, y, disparity, angle;
};
Stance pose_at(const Path& path, double t) {
    const double swing = std::sin(2 * pi * t + path.phase), other = std::sin(pi * t + 2 * path.phase);
    return {path.x + path.x_speed * t + path.sway_x * swing, path.y + path.y_speed * t + path.sway_y * other,
            path.disparity + path.sway_disparity * other, path.turn * swing};
}

// The layer of a texture whose middle is at a pose.
SceneLayer place(const Texture& texture, const Path& path, const Stance& pose) {
    SceneLayer layer;
    layer.texture = &texture;
    layer.slope_x = path.slope_x, layer.slope_y = path.slope_y;
    layer.disparity = pose.disparity - path.slope_x * pose.x - path.slope_y * pose.y;
    // At the reference disparity a step of 1 / reference in the scene is a pixel, which shows `scale` texels.
    const double texels = path.scale * path.reference, c = std::cos(pose.angle) * texels,
                 s = std::sin(pose.angle) * texels;
    const double scene_x = pose.x / pose.disparity, scene_y = pose.y / pose.disparity;
    layer.u_x = c, layer.u_y = s, layer.v_x = -s, layer.v_y = c;
    layer.u_0 = 0.5 * (texture.size.width - 1) - layer.u_x * scene_x - layer.u_y * scene_y;
    layer.v_0 = 0.5 * (texture.size.height - 1) - layer.v_x * scene_x - layer.v_y * scene_y;
    return layer;
}

// Objects stand on the ground, hang from above or float; the nearer the lower.
Path object_path(const Texture& texture, Stand stand, int lane, const SceneParams& params, Random& random) {
    const double w = params.size.width, h = params.size.height, lane_width = (nearest - farthest) / params.objects;
    Path path{};
    path.disparity = farthest + lane_width * (lane + 0.5);
    path.reference = path.disparity;
    path.scale = 1;
    const double columns = params.objects, slot = (lane * 5 + 2) % params.objects;  // spread over the width
    path.x = ((slot + uniform(random, 0.1, 0.9)) / columns - 0.5) * 0.9 * w;
    const double half = 0.5 * texture.size.height;
    path.y = stand == Stand::ground    ? h * uniform(random, 0.42, 0.60) - half + 0.1 * h * path.disparity
             : stand == Stand::hanging ? -0.5 * h + half - h * uniform(random, 0.02, 0.2)
                                       : h * uniform(random, -0.3, 0.3);
    // Its middle stays in the frame.
    path.x_speed = clamp(path.x + w * uniform(random, -0.22, 0.22), -0.4 * w, 0.4 * w) - path.x;
    path.y_speed = stand == Stand::air ? h * uniform(random, -0.15, 0.15) : 0;
    path.sway_x = w * uniform(random, 0, 0.05),
    path.sway_y = h * uniform(random, 0, stand == Stand::air ? 0.06 : 0.015);
    path.sway_disparity = lane_width * uniform(random, -0.2, 0.2);
    path.phase = uniform(random, 0, 2 * pi), path.turn = uniform(random, -0.12, 0.12);
    // Over its own size an object leans by at most a fifth of its lane.
    path.slope_x = 0.2 * lane_width / texture.size.width * uniform(random, -1, 1);
    path.slope_y = 0.2 * lane_width / texture.size.height * uniform(random, -1, 1);
    return path;
}

// The camera pans a little over a background that comes nearer towards its lower edge.
Path background_path(const Texture& texture, const SceneParams& params, Random& random) {
    Path path{};
    path.disparity = path.reference = uniform(random, 0.10, 0.13);
    path.slope_y = uniform(random, 0.02, 0.06) / params.size.height;
    path.slope_x = uniform(random, -0.02, 0.02) / params.size.width;
    path.x_speed = uniform(random, -0.06, 0.06) * params.size.width;
    path.sway_x = uniform(random, 0, 0.01) * params.size.width;
    path.scale = 0.5 * texture.size.width / params.size.width;  // the frame shows the middle half of it
    return path;
}

std::vector<double> disparities_of(const Scene& scene, size_t frame) {
    std::vector<double> found;  // where the middle of each object is
    for (size_t i = 1; i < scene.frames[frame].layers.size(); ++i) {
        const SceneLayer& layer = scene.frames[frame].layers[i];
        const double u = 0.5 * (layer.texture->size.width - 1), v = 0.5 * (layer.texture->size.height - 1);
        const double det = layer.u_x * layer.v_y - layer.u_y * layer.v_x;
        const double sx = ((u - layer.u_0) * layer.v_y - layer.u_y * (v - layer.v_0)) / det;
        const double sy = (layer.u_x * (v - layer.v_0) - (u - layer.u_0) * layer.v_x) / det;
        // x = sx d and y = sy d on the plane d = disparity + slope . (x, y)
        found.push_back(layer.disparity / (1 - layer.slope_x * sx - layer.slope_y * sy));
    }
    return found;
}

void direct_camera(Scene& scene, Random& random) {
    const SceneParams& params = scene.params;
    const double unit = std::min(params.size.width, params.size.height) / 256.;
    const int objects = params.objects, last = params.frames - 1;
    const int subject = int(random.below(uint32_t(objects))),
              other = (subject + 1 + int(random.below(uint32_t(objects)))) % objects;
    const double strong = unit * uniform(random, 16, 28), weak = strong * uniform(random, 0.15, 0.4);
    const bool backwards = random.below(2) == 1;
    scene.subject = 1 + subject;
    for (int f = 0; f < params.frames; ++f) {
        const std::vector<double> at = disparities_of(scene, size_t(f));
        const double linear = last > 0 ? double(f) / last : 0, t = eased(backwards ? 1 - linear : linear);
        const double far = *std::min_element(at.begin(), at.end()), near = *std::max_element(at.begin(), at.end());
        SceneLens& lens = scene.frames[size_t(f)].lens;
        lens.strength = params.move == CameraMove::blur ? weak + (strong - weak) * t : strong;
        const double here = at[size_t(subject)], there = at[size_t(other)];
        lens.focus = params.move == CameraMove::blur    ? here
                     : params.move == CameraMove::focus ? here + (there - here) * t
                                                        : far + (near - far) * t;
    }
}

void check(const SceneParams& p) {
    require(p.frames >= 1 && p.frames <= 100000, "scene: ", p.frames, " frames are outside [1, 100000]");
    require(p.size.width >= 16 && p.size.height >= 16 && p.size.width <= 4096 && p.size.height <= 4096,
            "scene: ", p.size.width, " x ", p.size.height, " is outside 16 x 16 to 4096 x 4096");
    require(p.objects >= 1 && p.objects <= 32, "scene: ", p.objects, " objects are outside [1, 32]");
}
}  // namespace

Scene write_scene(const SceneParams& params) {
    check(params);
    Scene scene;
    scene.params = params;
    Random random(params.seed);
    SceneTextures source(params.textures);
    const int side = std::min(params.size.width, params.size.height);
    std::vector<Path> paths;
    scene.textures.push_back(
        std::make_unique<Texture>(source.background({2 * params.size.width, 2 * params.size.height}, random)));
    paths.push_back(background_path(*scene.textures[0], params, random));
    for (int i = 0; i < params.objects; ++i) {
        // Smaller where there are many, larger where they are near.
        const double disparity = farthest + (nearest - farthest) * (i + 0.5) / params.objects;
        const double crowd = params.objects > 5 ? 0.8 : 1;
        const int height = std::max(8, int(side * crowd * (0.28 + 0.55 * disparity) * uniform(random, 0.8, 1.2)));
        SceneTextures::Object object = source.object(height, random);
        scene.textures.push_back(std::make_unique<Texture>(std::move(object.texture)));
        paths.push_back(object_path(*scene.textures.back(), object.stand, i, params, random));
    }
    scene.frames.resize(size_t(params.frames));
    for (int f = 0; f < params.frames; ++f)
        for (size_t i = 0; i < paths.size(); ++i) {
            const double t = params.frames > 1 ? double(f) / (params.frames - 1) : 0;
            scene.frames[size_t(f)].layers.push_back(place(*scene.textures[i], paths[i], pose_at(paths[i], t)));
            scene.frames[size_t(f)].layers.back().endless = i == 0;
        }
    direct_camera(scene, random);
    return scene;
}
}  // namespace cinebokeh::demo
