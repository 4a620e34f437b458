// The convolutions of Robust Video Matting (MobileNetV3 variant) at a base of 512 x 288, by kind.
#pragma once
#include <string>
#include <vector>

#include "cinebokeh/nn/conv.hpp"

namespace cinebokeh {

struct LayerShape {
    int in, out, kernel, stride, dilation, groups;
    Size size;  // of the input
    int times;  // how often the network has it

    Conv2dParams params() const {
        return {.in_channels = in,
                .out_channels = out,
                .kernel = kernel,
                .stride = stride,
                .padding = kernel / 2 * dilation,
                .dilation = dilation,
                .groups = groups,
                .activation = ActivationKind::relu};
    }
    size_t weights() const { return size_t(out * in / groups * kernel * kernel); }
    /// Two for each multiply-add: outputs * kernel^2 * in / groups.
    double operations() const {
        return 2.0 * double(detail::conv_output_size(params(), size).area()) * double(weights());
    }
};

inline const std::vector<LayerShape> stem_shapes = {{3, 16, 3, 2, 1, 1, {512, 288}, 1}};
inline const std::vector<LayerShape> depthwise_shapes = {
    {16, 16, 3, 1, 1, 16, {256, 144}, 1},  {64, 64, 3, 2, 1, 64, {256, 144}, 1},
    {72, 72, 3, 1, 1, 72, {128, 72}, 1},   {72, 72, 5, 2, 1, 72, {128, 72}, 1},
    {120, 120, 5, 1, 1, 120, {64, 36}, 2}, {240, 240, 3, 2, 1, 240, {64, 36}, 1},
    {200, 200, 3, 1, 1, 200, {32, 18}, 1}, {184, 184, 3, 1, 1, 184, {32, 18}, 2},
    {480, 480, 3, 1, 1, 480, {32, 18}, 1}, {672, 672, 3, 1, 1, 672, {32, 18}, 1},
    {672, 672, 5, 1, 2, 672, {32, 18}, 1}, {960, 960, 5, 1, 2, 960, {32, 18}, 2}};
inline const std::vector<LayerShape> pointwise_shapes = {
    {16, 16, 1, 1, 1, 1, {256, 144}, 1}, {16, 64, 1, 1, 1, 1, {256, 144}, 1}, {64, 24, 1, 1, 1, 1, {128, 72}, 1},
    {24, 72, 1, 1, 1, 1, {128, 72}, 2},  {72, 24, 1, 1, 1, 1, {128, 72}, 1},  {72, 40, 1, 1, 1, 1, {64, 36}, 1},
    {40, 120, 1, 1, 1, 1, {64, 36}, 2},  {120, 40, 1, 1, 1, 1, {64, 36}, 2},  {40, 240, 1, 1, 1, 1, {64, 36}, 1},
    {240, 80, 1, 1, 1, 1, {32, 18}, 1},  {80, 200, 1, 1, 1, 1, {32, 18}, 1},  {200, 80, 1, 1, 1, 1, {32, 18}, 1},
    {80, 184, 1, 1, 1, 1, {32, 18}, 2},  {184, 80, 1, 1, 1, 1, {32, 18}, 2},  {80, 480, 1, 1, 1, 1, {32, 18}, 1},
    {480, 112, 1, 1, 1, 1, {32, 18}, 1}, {112, 672, 1, 1, 1, 1, {32, 18}, 2}, {672, 112, 1, 1, 1, 1, {32, 18}, 1},
    {672, 160, 1, 1, 1, 1, {32, 18}, 1}, {160, 960, 1, 1, 1, 1, {32, 18}, 3}, {960, 160, 1, 1, 1, 1, {32, 18}, 2},
    {960, 128, 1, 1, 1, 1, {32, 18}, 1}, {16, 4, 1, 1, 1, 1, {512, 288}, 1}};
inline const std::vector<LayerShape> decoder_shapes = {
    {128, 128, 3, 1, 1, 1, {32, 18}, 1}, {128, 64, 3, 1, 1, 1, {32, 18}, 1},  {171, 80, 3, 1, 1, 1, {64, 36}, 1},
    {80, 80, 3, 1, 1, 1, {64, 36}, 1},   {80, 40, 3, 1, 1, 1, {64, 36}, 1},   {107, 40, 3, 1, 1, 1, {128, 72}, 1},
    {40, 40, 3, 1, 1, 1, {128, 72}, 1},  {40, 20, 3, 1, 1, 1, {128, 72}, 1},  {59, 32, 3, 1, 1, 1, {256, 144}, 1},
    {32, 32, 3, 1, 1, 1, {256, 144}, 1}, {32, 16, 3, 1, 1, 1, {256, 144}, 1}, {35, 16, 3, 1, 1, 1, {512, 288}, 1},
    {16, 16, 3, 1, 1, 1, {512, 288}, 1}};

/// "in_to_out_at_widthxheight".
inline std::string name_of(const LayerShape& s) {
    return std::to_string(s.in) + "_to_" + std::to_string(s.out) + "_at_" + std::to_string(s.size.width) + "x" +
           std::to_string(s.size.height);
}
}  // namespace cinebokeh
