// Weights and frames of Robust Video Matting from seeded random numbers, as tests/golden/make_rvm.py makes them.
#pragma once
#include <cmath>

#include "cinebokeh/core/random.hpp"
#include "cinebokeh/nn/rvm_layers.hpp"

namespace cinebokeh {

inline Weights random_rvm(RvmRefiner refiner, uint64_t seed = 1) {
    Random random(seed);
    const auto symmetric = [&](size_t count, float scale) {
        std::vector<float> values(count);
        for (float& v : values) v = (float(random.next() >> 8) * 0x1p-23f - 1) * scale;
        return values;
    };
    Weights weights;
    for (const RvmLayer& layer : rvm_layers(refiner)) {
        const std::vector<size_t> shape = layer.weight_shape();
        const size_t fan_in = shape[1] * shape[2] * shape[3];
        weights.add(layer.name + ".weight", shape, symmetric(shape[0] * fan_in, std::sqrt(6.f / float(fan_in))));
        if (layer.bias) weights.add(layer.name + ".bias", {shape[0]}, symmetric(shape[0], 0.1f));
    }
    weights.set_metadata("architecture", rvm_architecture);
    weights.set_metadata("refiner", name_of(refiner));
    weights.set_metadata("input_range", "0 1");
    weights.set_metadata("mean", "0.485 0.456 0.406");
    weights.set_metadata("std", "0.229 0.224 0.225");
    return weights;
}

// Blocks of 4 x 4 pixels of one random colour.
inline std::vector<Rgba8> random_blocks(Random& random, Size size) {
    const int columns = ceil_div(size.width, 4), rows = ceil_div(size.height, 4);
    std::vector<Rgba8> colours(size_t(columns) * size_t(rows)), pixels(size.area());
    for (Rgba8& colour : colours) {
        for (int c = 0; c < 3; ++c) colour[c] = uint8_t(random.next() >> 24);
        colour[3] = 255;
    }
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x)
            pixels[size_t(y) * size_t(size.width) + size_t(x)] =
                colours[size_t(y / 4) * size_t(columns) + size_t(x / 4)];
    return pixels;
}
}  // namespace cinebokeh
