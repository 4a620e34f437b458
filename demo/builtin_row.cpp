#include "builtin_row.hpp"

#include <cstring>

namespace cinebokeh::demo {
namespace {
// The four values of a pixel, and those of two neighbours, as the processor takes them. They stay inside of functions.
typedef float Pixel __attribute__((vector_size(16)));
typedef float Two __attribute__((vector_size(32)));
typedef int TwoInts __attribute__((vector_size(32)));
typedef uint8_t TwoBytes __attribute__((vector_size(8)));

inline Pixel load(const Float4& from) {
    Pixel pixel;
    std::memcpy(&pixel, &from, sizeof pixel);
    return pixel;
}
inline void store(const Pixel& pixel, Float4& to) { std::memcpy(&to, &pixel, sizeof pixel); }

// Reads between four pixels of a sprite. False where all of them are empty.
struct Sampler {
    const Rgba8* pixels;
    ptrdiff_t width;

    inline bool operator()(float x, float y, Pixel& out) const {
        const int ix = int(x), iy = int(y);
        const Rgba8* upper = pixels + iy * width + ix;
        uint64_t above, below;
        std::memcpy(&above, upper, 8), std::memcpy(&below, upper + width, 8);
        if ((above | below) == 0) return false;
        TwoBytes bytes[2];
        std::memcpy(&bytes[0], &above, 8), std::memcpy(&bytes[1], &below, 8);
        const TwoInts upper_ints =
            __builtin_convertvector(bytes[0], TwoInts);  // bytes directly: GCC 12 takes them apart
        const TwoInts lower_ints = __builtin_convertvector(bytes[1], TwoInts);
        const Two high = __builtin_convertvector(upper_ints, Two), low = __builtin_convertvector(lower_ints, Two);
        const Two column = high + (low - high) * (y - float(iy));
        Pixel left, right;
        std::memcpy(&left, &column, sizeof left);
        std::memcpy(&right, reinterpret_cast<const char*>(&column) + sizeof left, sizeof right);
        out = (left + (right - left) * (x - float(ix))) * (1 / 255.f);
        return true;
    }
};

// Cuts [begin, end) to the columns x where low <= start + step x < high.
void cut(float start, float step, float low, float high, int& begin, int& end) {
    if (step == 0) {
        if (!(start >= low && start < high)) end = begin;
        return;
    }
    float first = (low - start) / step, last = (high - start) / step;
    if (first > last) std::swap(first, last);
    const float low_x = float(begin), high_x = float(end);
    begin = int(clamp(std::ceil(first), low_x, high_x));
    end = int(clamp(std::floor(last), low_x, high_x));
}
}  // namespace

Sprite::Sprite(const Layer& layer) : left_(float(layer.left)), top_(float(layer.top)), size_(layer.size) {
    pixels_.resize(size_.area() + size_t(size_.width) + 1);  // rounding may read just behind the last row
    to_bytes(layer.pixels.data(), int(layer.size.area()), pixels_.data());
}

void Sprite::lay_row(const Pose& pose, int y, Float4* row, float* alpha, int width, const Sprite* other,
                     float blend) const {
    const float c = std::cos(pose.angle), s = std::sin(pose.angle);
    const float py = float(y) - pose.dy - pose.pivot_y, px = -pose.dx - pose.pivot_x;
    const float x0 = c * px + s * py + pose.pivot_x - left_, y0 = c * py - s * px + pose.pivot_y - top_;
    int begin = 0, end = width;
    cut(x0, c, 0, float(size_.width - 1), begin, end);
    cut(y0, -s, 0, float(size_.height - 1), begin, end);
    const Sampler sampler{pixels_.data(), size_.width}, second{other ? other->pixels_.data() : nullptr, size_.width};
    for (int x = begin; x < end; ++x) {
        const float lx = x0 + c * float(x), ly = y0 - s * float(x);
        Pixel over{}, mixed{};
        bool there = sampler(lx, ly, over);
        if (other) there |= second(lx, ly, mixed), over = over * (1 - blend) + mixed * blend;
        if (!there) continue;
        store(over + load(row[x]) * (1 - over[3]), row[x]);
        if (alpha) alpha[x] = over[3] + alpha[x] * (1 - over[3]);
    }
}

void copy_row(HostImage<const Rgba8> picture, float from, int y, Float4* row, int width) {
    const int whole = int(std::floor(from));
    const float t = from - float(whole);
    const uint8_t* in = reinterpret_cast<const uint8_t*>(picture.row(y) + whole);
    float* out = reinterpret_cast<float*>(row);
    const float left = (1 - t) / 255, right = t / 255;
    for (int i = 0; i < 4 * width; ++i) out[i] = float(in[i]) * left + float(in[i + 4]) * right;
}

void to_bytes(const Float4* row, int width, Rgba8* out) {
    const float* in = reinterpret_cast<const float*>(row);
    uint8_t* bytes = reinterpret_cast<uint8_t*>(out);
    for (int i = 0; i < 4 * width; ++i) bytes[i] = uint8_t(int(clamp(in[i], 0.f, 1.f) * 255 + 0.5f));
}

void add_glow_row(const Glow& glow, float x, float brightness, int y, Float4* row, int width) {
    const float reach = glow.radius * 5, dy = float(y) - glow.y, per_reach = 1 / (reach * reach);
    if (std::abs(dy) > reach) return;
    const auto columns = [&](float half, int& begin, int& end) {
        begin = std::max(0, int(x - half)), end = std::min(width, int(x + half) + 1);
    };
    const auto halo = [&](float d2) {
        const float fade = std::max(0.f, 1 - d2 * per_reach);
        return 0.22f * brightness * (fade * fade) * (fade * fade);
    };
    const Pixel colour{glow.colour[0], glow.colour[1], glow.colour[2], 0};
    int begin, end, core_begin = width, core_end = width;
    columns(std::sqrt(reach * reach - dy * dy), begin, end);
    const float edge = glow.radius + 1;
    if (std::abs(dy) < edge) columns(std::sqrt(edge * edge - dy * dy), core_begin, core_end);
    const auto add_halo = [&](int from, int to) {
        for (int px = from; px < to; ++px) {
            const float dx = float(px) - x;
            store(load(row[px]) + colour * halo(dx * dx + dy * dy), row[px]);
        }
    };
    add_halo(begin, std::min(core_begin, end));
    const Pixel white{0.35f, 0.35f, 0.35f, 0}, all{1, 1, 1, 0};
    for (int px = core_begin; px < core_end; ++px) {
        const float d2 = (float(px) - x) * (float(px) - x) + dy * dy;
        const float core = coverage(std::sqrt(d2) - glow.radius);
        const Pixel light = colour * (halo(d2) * (1 - core)) + (white + colour * 0.65f) * (brightness * core);
        store(load(row[px]) * (1 - all * core) + light, row[px]);
    }
    add_halo(std::max(begin, core_end), end);
}

void add_flake_row(float radius, float x, float y, int row_y, Float4* row, int width) {
    const float dy = float(row_y) - y;
    if (std::abs(dy) > radius + 1) return;
    for (int px = std::max(0, int(x - radius - 1)); px < std::min(width, int(x + radius + 2)); ++px) {
        const float dx = float(px) - x;
        lay(row[px], Float3{0.85f, 0.90f, 1.f}, 0.75f * coverage(std::sqrt(dx * dx + dy * dy) - radius));
    }
}
}  // namespace cinebokeh::demo
