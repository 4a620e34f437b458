#include "cinebokeh/tile_extrema.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition, one tile after the other; NaN is ignored.
void reference(const std::vector<float>& in, Size size, std::vector<double>& minimum, std::vector<double>& maximum) {
    const int columns = (size.width + 15) / 16, rows = (size.height + 15) / 16;
    minimum.assign(size_t(columns) * rows, 0), maximum = minimum;
    std::vector<bool> seen(minimum.size());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const double v = in[size_t(y) * size.width + x];
            const size_t tile = size_t(y / 16) * columns + x / 16;
            if (std::isnan(v)) continue;
            if (!seen[tile] || v < minimum[tile]) minimum[tile] = v;
            if (!seen[tile] || v > maximum[tile]) maximum[tile] = v;
            seen[tile] = true;
        }
}
template <class Exec>
void check(const std::vector<float>& pixels, Size size) {
    CAPTURE(size.width);
    CAPTURE(size.height);
    Exec exec;
    Buffer<float, Exec> in(exec, size, pixels), minimum(exec, extrema_size(size)), maximum(exec, extrema_size(size));
    tile_extrema(exec, in.view(), minimum.view(), maximum.view());
    std::vector<double> least, largest;
    reference(pixels, size, least, largest);
    CHECK(worst_error(minimum.download(), least) == 0);
    CHECK(worst_error(maximum.download(), largest) == 0);
}
}  // namespace

TEST_CASE_TEMPLATE("tile extrema are those of each tile", Exec, EXECUTORS) {
    for (Size size : {Size{1, 1}, Size{16, 16}, Size{15, 17}, Size{17, 15}, Size{130, 67}, Size{300, 3}, Size{0, 4}})
        check<Exec>(noise(size, -9, 9), size);
}

TEST_CASE_TEMPLATE("values that are not numbers are ignored, and a tile of them gives zero", Exec, EXECUTORS) {
    const Size size{40, 20};
    std::vector<float> pixels = noise(size, 2, 3);
    for (size_t i = 0; i < pixels.size(); i += 3) pixels[i] = NAN;
    for (int y = 0; y < 16; ++y)
        for (int x = 16; x < 32; ++x) pixels[size_t(y) * 40 + x] = NAN;
    check<Exec>(pixels, size);
}

TEST_CASE_TEMPLATE("infinities count, and zeros are positive", Exec, EXECUTORS) {
    Exec exec;
    Buffer<float, Exec> in(exec, {17, 1}, std::vector<float>(17, -0.f)), minimum(exec, {2, 1}), maximum(exec, {2, 1});
    auto pixels = in.download();
    pixels[16] = -INFINITY;
    in.upload(pixels);
    tile_extrema(exec, in.view(), minimum.view(), maximum.view());
    CHECK(!std::signbit(minimum.download()[0]));
    CHECK(!std::signbit(maximum.download()[0]));
    CHECK(maximum.download()[1] == -INFINITY);
}

TEST_CASE_TEMPLATE("bottom-up images are read row by row", Exec, EXECUTORS) {
    const Size size{20, 33};
    Exec exec;
    Buffer<float, Exec> in(exec, size, noise(size, 0, 1)), minimum(exec, {2, 3}), maximum(exec, {2, 3});
    const View<float, Exec> up(in.view().row(32), size, -in.view().pitch);
    tile_extrema(exec, up, minimum.view(), maximum.view());
    const auto pixels = in.download();
    CHECK(maximum.download()[4] == *std::max_element(pixels.begin(), pixels.begin() + 16));  // the last row, left tile
}

TEST_CASE("tile extrema refuse outputs of the wrong size, and allocate nothing") {
    Cpu exec;
    Buffer<float, Cpu> in(exec, {17, 17}, noise(Size{17, 17}, 0, 1)), one(exec, {1, 1}), two(exec, {2, 2}),
        four(exec, {2, 2});
    CHECK_THROWS_AS(tile_extrema(exec, in.view(), one.view(), two.view()), Error);
    CHECK_THROWS_AS(tile_extrema(exec, in.view(), two.view(), one.view()), Error);
    CHECK(allocations_during([&] { tile_extrema(exec, in.view(), two.view(), four.view()); }) == 0);
}
