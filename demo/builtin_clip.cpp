#include "builtin_clip.hpp"

#include <algorithm>
#include <future>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
constexpr float pi = 3.14159265f;
constexpr float far_disparity = 0.08f, near_disparity = 0.22f, fox_disparity = 0.9f;

// 0 = open, 1 = closed: two blinks in the clip.
float blink(int index) {
    float closed = 0;
    for (const int at : {38, 92}) closed = std::max(closed, 1 - std::abs(float(index - at)) / 3);
    return closed;
}

// Everything that moves, at one moment. The clip can be repeated without a jump.
struct Moment {
    struct Light {
        const Glow* glow;
        float x, brightness;
    };
    struct Dot {
        float x, y, radius;
    };
    float phase, pan;
    Pose street, body, head;
    float closed;  // the eyes
    std::vector<Light> lights;
    std::vector<Dot> snow;

    Moment(int index, const std::vector<Glow>& glows, const std::vector<Flake>& flakes)
        : phase(2 * pi * float(index) / BuiltinClip::frames), pan(26 * std::sin(phase)), closed(blink(index)) {
        const float sway = 34 * std::sin(phase + 0.6f), breath = 3 * std::sin(4 * phase);
        street.dx = -1.7f * pan;
        body = {0.012f * std::sin(phase + 0.4f), 640, 760, sway * 0.7f, breath};
        head = {0.11f * std::sin(phase * 2 + 0.3f), 640, 520, sway, 1.6f * breath + 5 * std::sin(2 * phase)};
        for (const Glow& glow : glows) {
            const float twinkle = 1 - glow.twinkle * (0.5f + 0.5f * std::sin(phase * 3 + glow.phase));
            const float travelled = std::fmod(glow.x + glow.speed * float(index) + 1660, 1600.f) - 60;
            const float shift = pan * mix(1, 1.7f, smooth(0.12f, 0.22f, glow.disparity));
            lights.push_back({&glow, (glow.speed != 0 ? travelled : glow.x) - shift, twinkle});
        }
        for (const Flake& flake : flakes)
            snow.push_back({flake.x + flake.sway * std::sin(phase * 2 + flake.phase),
                            std::fmod(flake.y + flake.fall * float(index), 730.f) - 5, flake.radius});
    }
};
}  // namespace

BuiltinClip::BuiltinClip() : glows_(street_lights()), flakes_(snow_flakes()) {
    auto far = std::async(std::launch::async, paint_far_street);
    auto body = std::async(std::launch::async, paint_fox_body);
    auto blinking = std::async(std::launch::async, paint_fox_head, false);
    head_ = Sprite(paint_fox_head(true));
    for (const Layer& layer : paint_near_street()) near_.emplace_back(layer);
    body_ = Sprite(body.get()), head_blinking_ = Sprite(blinking.get());
    far_ = Sprite(far.get());
}

void BuiltinClip::draw(Cpu& exec, int index, HostImage<Rgba8> picture, HostImage<float> matte,
                       HostImage<float> disparity) const {
    require(index >= 0 && index < frames, "BuiltinClip: no frame ", index);
    require(picture.size == size && matte.size == size && (!disparity.data || disparity.size == size),
            "BuiltinClip: the images must be ", size.width, " x ", size.height);
    const Moment now(index, glows_, flakes_);
    constexpr int width = size.width;
    const auto draw_row = [&](int y, Float4* row, float* near) {
        copy_row(far_.picture(), now.pan + street_margin, y, row, width);
        std::fill_n(near, width, 0.f);
        for (const Sprite& sprite : near_) sprite.lay_row(now.street, y, row, near, width);
        for (const Moment::Light& light : now.lights)
            add_glow_row(*light.glow, light.x, light.brightness, y, row, width);
        for (const Moment::Dot& flake : now.snow) add_flake_row(flake.radius, flake.x, flake.y, y, row, width);
        float* fox = matte.row(y);
        std::fill_n(fox, width, 0.f);
        body_.lay_row(now.body, y, row, fox, width);
        head_.lay_row(now.head, y, row, fox, width, now.closed > 0 ? &head_blinking_ : nullptr, now.closed);
        to_bytes(row, width, picture.row(y));
        if (disparity.data) find_disparity(y, fox, near, disparity.row(y));
    };
    exec.for_each_range(size.height, 16, [&](int begin, int end) {
        Float4 row[width];
        float near[width];
        for (int y = begin; y < end; ++y) draw_row(y, row, near);
    });
}

// The pavement rises from the houses to the viewer; lamps and the tree stand in front of the houses, the fox before
// all.
void BuiltinClip::find_disparity(int y, const float* fox, const float* near, float* disparity) {
    const float ground = mix(far_disparity, 0.5f, clamp(float(y - 500) / 220, 0.f, 1.f));
    const float things = std::max(near_disparity, ground);
    for (int x = 0; x < size.width; ++x)
        disparity[x] = fox[x] > 0.5f ? fox_disparity : near[x] > 0.5f ? things : ground;
}
}  // namespace cinebokeh::demo
