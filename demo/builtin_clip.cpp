#include "builtin_clip.hpp"

#include <algorithm>
#include <future>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
constexpr float pi = 3.14159265f;
constexpr float far_disparity = 0.08f, near_disparity = 0.22f, fox_disparity = 0.9f;

// The colour between four pixels, all of them inside of the layer.
Float4 sample(const Layer& layer, float x, float y) {
    const int ix = int(x), iy = int(y);
    const float tx = x - float(ix), ty = y - float(iy);
    const Float4 *upper = &layer.at(ix, iy), *lower = &layer.at(ix, iy + 1);
    return (upper[0] * (1 - tx) + upper[1] * tx) * (1 - ty) + (lower[0] * (1 - tx) + lower[1] * tx) * ty;
}

// Lays one row of a layer over a row of the frame. `blend` mixes in a second picture of the same layer.
void lay_row(const Layer& layer, const Layer* second, float blend, const Pose& pose, int y, Float4* row, int width) {
    const float c = std::cos(pose.angle), s = std::sin(pose.angle);
    const float py = float(y) - pose.dy - pose.pivot_y;
    for (int x = std::max(0, layer.left - 60); x < std::min(width, layer.left + layer.size.width + 60); ++x) {
        const float px = float(x) - pose.dx - pose.pivot_x;
        const float lx = c * px + s * py + pose.pivot_x - float(layer.left);
        const float ly = c * py - s * px + pose.pivot_y - float(layer.top);
        if (!(lx >= 0 && ly >= 0 && lx < float(layer.size.width - 1) && ly < float(layer.size.height - 1))) continue;
        Float4 over = sample(layer, lx, ly);
        if (second) over = over * (1 - blend) + sample(*second, lx, ly) * blend;
        row[x] = over + row[x] * (1 - over[3]);
    }
}

// The street moves sideways only: its rows are read straight. It covers the whole frame.
void copy_street_row(HostImage<const Rgba8> street, float shift, int y, Float4* row, int width) {
    const float from = shift + street_margin;
    const int whole = int(std::floor(from));
    const float t = from - float(whole);
    const uint8_t* in = reinterpret_cast<const uint8_t*>(street.row(y) + whole);
    float* out = reinterpret_cast<float*>(row);
    const float left = (1 - t) / 255, right = t / 255;
    for (int i = 0; i < 4 * width; ++i) out[i] = float(in[i]) * left + float(in[i + 4]) * right;
}

void to_bytes(const Float4* row, int width, Rgba8* out) {
    const float* in = reinterpret_cast<const float*>(row);
    uint8_t* bytes = reinterpret_cast<uint8_t*>(out);
    for (int i = 0; i < 4 * width; ++i) bytes[i] = uint8_t(clamp(in[i], 0.f, 1.f) * 255 + 0.5f);
}

// A bright disk with a halo that is added to what is there.
void add_glow_row(const Glow& glow, float x, float brightness, int y, Float4* row, int width) {
    const float reach = glow.radius * 5, dy = float(y) - glow.y;
    if (std::abs(dy) > reach) return;
    const float half = std::sqrt(reach * reach - dy * dy);
    for (int px = std::max(0, int(x - half)); px < std::min(width, int(x + half) + 1); ++px) {
        const float d2 = (float(px) - x) * (float(px) - x) + dy * dy;
        const float fade = std::max(0.f, 1 - d2 / (reach * reach)), halo = 0.22f * fade * fade * fade * fade;
        const float core = d2 < (glow.radius + 1) * (glow.radius + 1) ? coverage(std::sqrt(d2) - glow.radius) : 0.f;
        for (int c = 0; c < 3; ++c) {
            const float light = mix(glow.colour[c] * halo, 0.35f + 0.65f * glow.colour[c], core);
            row[px][c] = row[px][c] * (1 - core) + brightness * light;
        }
    }
}

void add_flake_row(const Flake& flake, float x, float y, int row_y, Float4* row, int width) {
    const float dy = float(row_y) - y;
    if (std::abs(dy) > flake.radius + 1) return;
    for (int px = std::max(0, int(x - flake.radius - 1)); px < std::min(width, int(x + flake.radius + 2)); ++px)
        lay(row[px], Float3{0.85f, 0.90f, 1.f}, 0.75f * coverage(std::hypot(float(px) - x, dy) - flake.radius));
}

// 0 = open, 1 = closed: two blinks in the clip.
float blink(int index) {
    float closed = 0;
    for (const int at : {38, 92}) closed = std::max(closed, 1 - std::abs(float(index - at)) / 3);
    return closed;
}

// Everything that moves, at one moment. The clip can be repeated without a jump.
struct Moment {
    float phase, pan;
    Pose street, body, head;
    float closed;  // the eyes

    explicit Moment(int index) : phase(2 * pi * float(index) / BuiltinClip::frames), pan(26 * std::sin(phase)) {
        const float sway = 34 * std::sin(phase + 0.6f), breath = 3 * std::sin(4 * phase);
        street.dx = -1.7f * pan;
        body = {0.012f * std::sin(phase + 0.4f), 640, 760, sway * 0.7f, breath};
        head = {0.11f * std::sin(phase * 2 + 0.3f), 640, 520, sway, 1.6f * breath + 5 * std::sin(2 * phase)};
        closed = blink(index);
    }
};

void add_lights(const std::vector<Glow>& glows, const Moment& now, int index, int y, Float4* row, int width) {
    for (const Glow& glow : glows) {
        const float twinkle = 1 - glow.twinkle * (0.5f + 0.5f * std::sin(now.phase * 3 + glow.phase));
        const float travelled = std::fmod(glow.x + glow.speed * float(index) + 1660, 1600.f) - 60;
        const float shift = now.pan * mix(1, 1.7f, smooth(0.12f, 0.22f, glow.disparity));
        add_glow_row(glow, (glow.speed != 0 ? travelled : glow.x) - shift, twinkle, y, row, width);
    }
}

void add_snow(const std::vector<Flake>& flakes, const Moment& now, int index, int y, Float4* row, int width) {
    for (const Flake& flake : flakes) {
        const float x = flake.x + flake.sway * std::sin(now.phase * 2 + flake.phase);
        add_flake_row(flake, x, std::fmod(flake.y + flake.fall * float(index), 730.f) - 5, y, row, width);
    }
}
}  // namespace

BuiltinClip::BuiltinClip() : glows_(street_lights()), flakes_(snow_flakes()) {
    auto far = std::async(std::launch::async, paint_far_street);
    auto body = std::async(std::launch::async, paint_fox_body);
    auto blinking = std::async(std::launch::async, paint_fox_head, false);
    head_ = paint_fox_head(true);
    near_ = paint_near_street();
    body_ = body.get(), head_blinking_ = blinking.get();
    const Layer street = far.get();  // kept in bytes: reading it is most of the work on a frame
    far_size_ = street.size;
    far_.resize(street.size.area());
    for (int y = 0; y < far_size_.height; ++y)
        to_bytes(&street.at(0, y), far_size_.width, &far_[size_t(y) * size_t(far_size_.width)]);
}

void BuiltinClip::draw(Cpu& exec, int index, HostImage<Rgba8> picture, HostImage<float> matte,
                       HostImage<float> disparity) const {
    require(index >= 0 && index < frames, "BuiltinClip: no frame ", index);
    require(picture.size == size && matte.size == size && (!disparity.data || disparity.size == size),
            "BuiltinClip: the images must be ", size.width, " x ", size.height);
    const Moment now(index);
    constexpr int width = size.width;
    const auto draw_row = [&](int y, Float4* row, Float4* fox) {
        copy_street_row({far_.data(), far_size_}, now.pan, y, row, width);
        for (const Layer& layer : near_) lay_row(layer, nullptr, 0, now.street, y, row, width);
        add_lights(glows_, now, index, y, row, width);
        add_snow(flakes_, now, index, y, row, width);
        std::fill_n(fox, width, Float4{});
        lay_row(body_, nullptr, 0, now.body, y, fox, width);
        lay_row(head_, now.closed > 0 ? &head_blinking_ : nullptr, now.closed, now.head, y, fox, width);
        for (int x = 0; x < width; ++x) {
            row[x] = fox[x] + row[x] * (1 - fox[x][3]);
            matte(x, y) = clamp(fox[x][3], 0.f, 1.f);
        }
        to_bytes(row, width, picture.row(y));
        if (disparity.data) draw_disparity(now.street, y, matte, row, disparity);
    };
    exec.for_each_range(size.height, 16, [&](int begin, int end) {
        Float4 row[width], fox[width];
        for (int y = begin; y < end; ++y) draw_row(y, row, fox);
    });
}

// The pavement rises from the houses to the viewer; lamps and the tree stand in front of the houses, the fox before
// all.
void BuiltinClip::draw_disparity(const Pose& street, int y, HostImage<const float> matte, Float4* scratch,
                                 HostImage<float> disparity) const {
    std::fill_n(scratch, size.width, Float4{});
    for (const Layer& layer : near_) lay_row(layer, nullptr, 0, street, y, scratch, size.width);
    const float ground = mix(far_disparity, 0.5f, clamp(float(y - 500) / 220, 0.f, 1.f));
    for (int x = 0; x < size.width; ++x) {
        const float behind = scratch[x][3] > 0.5f ? std::max(near_disparity, ground) : ground;
        disparity(x, y) = matte(x, y) > 0.5f ? fox_disparity : behind;
    }
}
}  // namespace cinebokeh::demo
