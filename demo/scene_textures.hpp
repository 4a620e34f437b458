// Where the textures of a scene come from: painted, or pictures of a folder.
#pragma once
#include <string>
#include <vector>

#include "scene_paint.hpp"
#include "scene_tracer.hpp"

namespace cinebokeh::demo {

class SceneTextures {
public:
    struct Object {
        Texture texture;
        Stand stand = Stand::air;
    };

    /// Pictures of the folder that have transparent pixels serve as objects, the others as backgrounds; a kind that is
    /// not there is painted. An empty name asks for painted ones. Throws Error where the folder holds no picture.
    explicit SceneTextures(const std::string& folder);

    /// A background of the size: a picture is scaled to cover it.
    Texture background(Size size, Random& random) const;
    /// An object `height` texels high.
    Object object(int height, Random& random) const;

private:
    std::vector<std::string> objects_, backgrounds_;
};

/// Premultiplied sRGB values to premultiplied linear light, in double.
Texture to_linear(const Layer& layer);
}  // namespace cinebokeh::demo
