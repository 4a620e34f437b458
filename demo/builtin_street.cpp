// The street behind the fox: houses with lit windows, wet pavement, lamps, strings of bulbs, snow.
#include <algorithm>

#include "builtin_paint.hpp"

namespace cinebokeh::demo {
namespace {
constexpr int horizon = 500;  // row where the pavement begins
constexpr Size wide{1280 + 2 * street_margin, 720};

Float3 sky(float x, float y) {
    const Float3 high = rgb(0x0a1026), low = rgb(0x3a2b57), glow = rgb(0x8a4a55);
    Float3 colour = mix(high, low, smooth(0, 420, y));
    colour = mix(colour, glow, smooth(250, 500, y) * 0.45f);
    return colour * (0.9f + 0.2f * value_noise(x / 160, y / 60));
}

// A row of houses: each `width` wide, between roof and pavement, with windows of which some are lit.
struct Row {
    int seed;
    float width, lowest_roof, highest_roof, haze;
    Float3 wall;
};

bool house(const Row& row, float x, float y, Float3& colour) {
    const int number = int(std::floor(x / row.width));
    const float roof = mix(row.lowest_roof, row.highest_roof, hash(number, row.seed));
    if (y < roof) return false;
    const float inside = x - float(number) * row.width;
    Float3 wall = mix(row.wall, rgb(0x5a3340), 0.6f * hash(number, row.seed + 1));
    const bool mortar = std::fmod(y, 7.f) < 1 || std::fmod(inside + (std::fmod(y, 14.f) < 7 ? 0 : 8), 16.f) < 1;
    wall = wall * (mortar ? 0.72f : 0.85f + 0.3f * hash(int(inside / 16), int(y / 7)));
    const float pitch_x = 38, pitch_y = 56, cx = std::fmod(inside, pitch_x), cy = std::fmod(y - roof, pitch_y);
    const int wx = int(inside / pitch_x), wy = int((y - roof) / pitch_y);
    const bool window = cx > 10 && cx < 30 && cy > 18 && cy < 48 && inside < row.width - 8;
    if (window) {
        const float lit = hash(number * 31 + wx, wy * 17 + row.seed + 5);
        const bool frame = std::abs(cx - 20) < 1 || std::abs(cy - 32) < 1 || cx < 11.5f || cx > 28.5f;
        const Float3 warm = mix(rgb(0xffb45c), rgb(0xffe3a8), hash(wx, number + wy));
        wall = lit > 0.58f ? warm * (frame ? 0.45f : 0.75f + 0.25f * smooth(48, 18, cy))
                           : rgb(0x10162c) * (frame ? 1.8f : 1.f);
    }
    if (y < roof + 5) wall = rgb(0xaebbd8) * 0.8f;  // snow on the roof
    colour = mix(wall, sky(x, 470), row.haze);
    return true;
}

// Shops at street level: bright panes under striped awnings.
bool shop(float x, float y, Float3& colour) {
    if (y < 396) return false;
    const int number = int(std::floor(x / 230));
    const float inside = x - float(number) * 230;
    if (inside > 206) return false;
    const Float3 paints[4] = {rgb(0x8c2f39), rgb(0x1f6f6b), rgb(0xc98a2b), rgb(0x3d4a8a)};
    const Float3 paint = paints[int(hash(number, 40) * 4)];
    if (y < 424) {
        colour = std::fmod(inside, 26.f) < 13 ? paint : rgb(0xe9dcc6) * 0.8f;
        colour = colour * mix(1.05f, 0.6f, (y - 396) / 28);
        return true;
    }
    const float pane = std::fmod(inside, 69.f);
    const bool frame = pane < 5 || y > 486;
    const Float3 light =
        mix(rgb(0xffd58a), rgb(0xff9d4d), smooth(424, 490, y)) * (0.7f + 0.5f * hash(int(inside / 69), number));
    const float goods = value_noise(inside / 9, y / 9);
    colour = frame ? paint * 0.45f : mix(light, rgb(0x6b2f1c), smooth(0.55f, 0.75f, goods) * smooth(440, 475, y));
    return true;
}

Float3 wall_of_houses(float x, float y) {
    static const Row rows[2] = {{11, 150, 250, 90, 0.62f, rgb(0x32405f)}, {23, 210, 330, 150, 0.15f, rgb(0x6b4034)}};
    Float3 colour = sky(x, y);
    house(rows[0], x + 60, y, colour);
    house(rows[1], x, y, colour);
    shop(x + 30, y, colour);
    return colour;
}

// Wet stones mirror what stands above them, stretched and broken up.
Float3 pavement(const Layer& above, float x, float y) {
    const float depth = (y - horizon) / float(wide.height - horizon);
    const float ripple = (value_noise(x / 7, y / 3) - 0.5f) * 16 * (0.3f + depth);
    const int mirror_x = clamp(int(x + ripple), 0, wide.width - 1), mirror_y = horizon - 8 - int((y - horizon) * 0.5f);
    Float3 mirror{};
    for (int i = 0; i < 5; ++i) {
        const Float4& pixel = above.at(mirror_x, mirror_y - 5 * i);
        mirror = mirror + Float3{pixel[0], pixel[1], pixel[2]} * 0.2f;
    }
    const float scale = 60 / (1 + 3 * depth) + 8;
    const float stone = 0.7f + 0.6f * hash(int(x / (90 - scale)), int(y / (30 - scale * 0.3f)));
    const float puddle = smooth(0.42f, 0.62f, value_noise(x / 90, y / 26));
    return rgb(0x1b2136) * stone * 1.1f + mirror * mix(0.30f, 0.62f, puddle);
}
}  // namespace

Layer paint_far_street() {
    Layer layer(-street_margin, 0, wide);
    for (int y = 0; y < wide.height; ++y)
        for (int x = 0; x < wide.width; ++x) {
            const Float3 colour =
                y < horizon ? wall_of_houses(float(x), float(y)) : pavement(layer, float(x), float(y));
            lay(layer.at(x, y), colour, 1);
        }
    return layer;
}

namespace {
const float posts[4] = {70, 350, 980, 1265};

Layer paint_post(float centre) {
    Layer layer(int(centre) - 40, 180, {80, 380});
    for (int y = 0; y < layer.size.height; ++y)
        for (int x = 0; x < layer.size.width; ++x) {
            const float px = float(layer.left + x) - centre, py = float(layer.top + y);
            float d = std::max(std::abs(px) - 4 - 5 * smooth(500, 555, py), std::max(232 - py, py - 556));
            d = std::min(d, std::max(ellipse(px, py - 212, 17, 24), py - 234));
            lay(layer.at(x, y), mix(rgb(0x11131d), rgb(0x39415f), smooth(-4, 4, px)), coverage(d));
        }
    return layer;
}

// A bare tree: branches that fork.
Layer paint_tree() {
    struct Branch {
        float x, y, angle, length, width;
    };
    Layer layer(10, 60, {500, 540});
    std::vector<Branch> branches = {{250, 580, -1.62f, 150, 9}};
    for (size_t i = 0; i < branches.size() && branches.size() < 140; ++i) {
        const Branch b = branches[i];
        const Float3 bark = rgb(0x1c1620);
        draw(layer, Strand{b.x, b.y, b.angle, 0.25f, b.length, b.width, bark, bark * 1.5f});
        const float x = b.x + std::cos(b.angle + 0.12f) * b.length * 0.96f;
        const float y = b.y + std::sin(b.angle + 0.12f) * b.length * 0.96f;
        for (int side = -1; side <= 1; side += 2)
            branches.push_back({x, y, b.angle + float(side) * mix(0.3f, 0.6f, hash(int(i), side)),
                                b.length * mix(0.62f, 0.82f, hash(side, int(i))), b.width * 0.6f});
    }
    return layer;
}
}  // namespace

std::vector<Layer> paint_near_street() {
    std::vector<Layer> layers = {paint_tree()};
    for (const float post : posts) layers.push_back(paint_post(post));
    return layers;
}

std::vector<Glow> street_lights() {
    std::vector<Glow> glows;
    for (const float post : posts) glows.push_back({post, 212, 13, rgb(0xffd9a0), 0, 0.03f, post, 0.22f});
    // Three strings of coloured bulbs across the street.
    const unsigned colours[5] = {0xff5b4a, 0xffc247, 0x4fd0ff, 0xff7ac0, 0x86f08a};
    for (int string = 0; string < 3; ++string)
        for (int i = 0; i < 21; ++i) {
            const float x = -60 + float(i) * 70 + float(string) * 23,
                        arc = std::fmod(x + 400 + float(string) * 170, 480.f) / 480 - 0.5f;
            const float y = 70 + float(string) * 62 + 46 * (1 - 4 * arc * arc);
            glows.push_back({x, y, 5.5f + 1.5f * float(string), rgb(colours[(i * 2 + string) % 5]), 0, 0.35f,
                             float(i * 7 + string * 3), 0.12f + 0.05f * float(string)});
        }
    // Cars: lamps that pass, white to the right, red to the left.
    for (int car = 0; car < 3; ++car)
        for (int lamp = 0; lamp < 2; ++lamp) {
            glows.push_back({-40 + float(car) * 520 + float(lamp) * 44, 508, 8, rgb(0xfff2d8), 2.6f, 0, 0, 0.15f});
            glows.push_back({140 + float(car) * 480 + float(lamp) * 38, 492, 6, rgb(0xff3528), -1.9f, 0, 0, 0.12f});
        }
    return glows;
}

std::vector<Flake> snow_flakes() {
    std::vector<Flake> flakes;
    for (int i = 0; i < 170; ++i) {
        const float nearness = hash(i, 9);
        flakes.push_back({hash(i, 1) * 1280, hash(i, 2) * 720, mix(1.2f, 3.2f, nearness), mix(1.6f, 4.2f, nearness),
                          mix(4, 14, hash(i, 3)), hash(i, 4) * 6.28f});
    }
    return flakes;
}
}  // namespace cinebokeh::demo
