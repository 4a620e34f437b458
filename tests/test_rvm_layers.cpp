#include "cinebokeh/nn/rvm_layers.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
const RvmLayer& layer(const std::vector<RvmLayer>& layers, const std::string& name) {
    for (const RvmLayer& l : layers)
        if (l.name == name) return l;
    FAIL("no layer " << name);
    return layers[0];
}
}  // namespace

TEST_CASE("the network has the parameters that its paper counts") {
    const std::vector<RvmLayer> layers = rvm_layers(RvmRefiner::deep_guided_filter);
    size_t weights = 0, biases = 0;
    for (const RvmLayer& l : layers) {
        size_t count = 1;
        for (const size_t side : l.weight_shape()) count *= side;
        weights += count;
        if (l.bias) biases += size_t(l.conv.out_channels);
    }
    // 3,748,633 numbers before batch normalisation is folded (the paper: 3.749 M), 17 of them a head that is not used
    // for matting. Folding makes one number of the two of each normalised channel: there are 12,600 of those.
    const size_t normalised = 16 + 16 + 16 + 64 + 64 + 24 + 72 + 72 + 24 + 72 + 72 + 40 + 2 * (120 + 120 + 40) + 240 +
                              240 + 80 + 200 + 200 + 80 + 2 * (184 + 184 + 80) + 480 + 480 + 112 + 672 + 672 + 112 +
                              672 + 672 + 160 + 2 * (960 + 960 + 160) + 960 + 128 + 80 + 40 + 32 + 16 + 16 + 16 + 16;
    CHECK(weights + biases + normalised + 17 == 3748633);
    CHECK(rvm_layers(RvmRefiner::fast_guided_filter).size() + 4 == layers.size());
}

TEST_CASE("layers have the names and shapes of the checkpoint") {
    const std::vector<RvmLayer> layers = rvm_layers(RvmRefiner::deep_guided_filter);
    const Conv2dParams& dilated = layer(layers, "backbone.features.13.block.1").conv;
    CHECK(dilated.groups == 672);
    CHECK(dilated.padding == 4);
    CHECK(dilated.dilation == 2);
    CHECK(dilated.stride == 1);
    CHECK(layer(layers, "backbone.features.12.block.2.fc1").conv.out_channels == 168);
    CHECK(layer(layers, "backbone.features.4.block.2.fc1").conv.out_channels == 24);
    CHECK(layer(layers, "decoder.decode3.conv").conv.in_channels == 171);
    CHECK(layer(layers, "decoder.decode1.gru.hh.0").weight_shape() == std::vector<size_t>{16, 32, 3, 3});
    CHECK(!layer(layers, "aspp.aspp2.1").bias);
    CHECK(layer(layers, "refiner.box_filter").weight_shape() == std::vector<size_t>{4, 1, 3, 3});
    int squeezes = 0, residuals = 0;
    for (const RvmBlock& block : rvm_blocks) squeezes += block.squeeze, residuals += block.residual();
    CHECK(squeezes == 8);
    CHECK(residuals == 10);
}

TEST_CASE("what a file is, is said by its metadata alone") {
    Weights file;
    CHECK_THROWS_AS(rvm_refiner(file), Error);
    file.set_metadata("architecture", rvm_architecture);
    CHECK_THROWS_AS(rvm_refiner(file), Error);
    file.set_metadata("refiner", "deep_guided_filter");
    CHECK(rvm_refiner(file) == RvmRefiner::deep_guided_filter);
    file.set_metadata("architecture", "another");
    CHECK_THROWS_AS(rvm_refiner(file), Error);
}

TEST_CASE("the weights of a layer are checked by name and shape") {
    const RvmLayer conv{"a", {.in_channels = 2, .out_channels = 1}, true};
    Weights file;
    file.add("a.weight", {1, 2, 1, 1}, {3, 4});
    CHECK_THROWS_AS(rvm_weights(file, conv), Error);  // no bias
    file.add("a.bias", {1}, {5});
    CHECK(rvm_weights(file, conv).weight == std::vector<float>{3, 4});
    CHECK(rvm_weights(file, conv).bias == std::vector<float>{5});
}
