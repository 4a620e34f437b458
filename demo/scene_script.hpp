// The script of a generated scene: who stands where in every frame, and what the camera does.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scene_tracer.hpp"

namespace cinebokeh::demo {

/// What the camera does (section 5 of "Video bokeh rendering: make casual videography cinematic", 2024).
enum class CameraMove {
    blur,   // stays on the subject, the strength of the blur changes
    focus,  // the strength stays, the focal plane goes from one thing to another
    rack    // the strength stays, the focal plane goes from the farthest to the nearest thing, or back
};

struct SceneParams {
    uint64_t seed = 1;
    int frames = 16;
    Size size{256, 256};
    int objects = 4;  // in front of the background
    CameraMove move = CameraMove::focus;
    std::string textures;  // a folder of pictures: those with transparency are objects, the others backgrounds
};

struct SceneFrame {
    std::vector<SceneLayer> layers;  // the background first
    SceneLens lens;
};

struct Scene {
    SceneParams params;
    int subject = 1;  // the layer that the camera is about
    std::vector<std::unique_ptr<Texture>> textures;
    std::vector<SceneFrame> frames;
};

/// Writes the script. The same parameters give the same scene. Objects keep to ranges of disparity of their own within
/// [0.2, 0.95], before a background that rises from 0.04 to 0.2; they move along smooth paths in space, turn a little,
/// and are slanted. Throws Error where a parameter is out of range or the folder of textures cannot be used.
Scene write_scene(const SceneParams& params);
}  // namespace cinebokeh::demo
