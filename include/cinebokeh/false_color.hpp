// False colours: what mattes, disparities and defocus maps look like to a person.
#pragma once
#include <cmath>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/core/error.hpp"

namespace cinebokeh {

enum class Palette {
    grey,       // black to white
    heat,       // dark violet through red and yellow to white; its lightness grows evenly
    diverging,  // blue (negative) through black (zero) to orange (positive)
};

/// Paints the numbers of an image: `low` and what is below gets the first colour of the palette, `high` and what is
/// above the last. `diverging` takes its middle at zero whatever the range: give low = -high. NaN is magenta.
///
///   values   [h, w]
///   picture  [h, w]  out; sRGB, opaque
///
/// Throws Error if the sizes differ or low < high does not hold with finite numbers. Allocates nothing. Asynchronous on
/// Cuda.
template <class Exec>
void false_color(Exec& exec, View<const float, Exec> values, float low, float high, Palette palette,
                 View<Rgba8, Exec> picture);

/// Draws slanted stripes over what is in focus, as cameras do.
///
///   defocus  [h, w]  signed radius, pixels
///   within           radius up to which a pixel counts as in focus, pixels, >= 0
///   phase            pixels by which the stripes are moved
///   picture  [h, w]  in and out; sRGB
///
/// Throws Error if the sizes differ or `within` is negative. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void focus_zebra(Exec& exec, View<const float, Exec> defocus, float within, int phase, View<Rgba8, Exec> picture);

/// Values that are told apart, such as the radii of layers.
struct ValueLevels {
    static constexpr int most = 64;
    float at[most];  // increasing
    int count = 0;   // in [1, most]
    int zero = 0;    // the number of at[0] is -zero
};

/// Writes for each value the number of the level that is nearest to it; of two, the lower one. NaN stays.
///
///   values   [h, w]
///   numbers  [h, w]  out; whole numbers from -zero to count - 1 - zero; may be the values
///
/// Throws Error if the sizes differ, or the count is outside its range. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void nearest_level(Exec& exec, View<const float, Exec> values, const ValueLevels& levels, View<float, Exec> numbers);

/// Darkens the pixels whose label differs from that of the right or the lower neighbour.
///
///   labels   [h, w]
///   picture  [h, w]  in and out; sRGB
///
/// Throws Error if the sizes differ. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void outline_labels(Exec& exec, View<const int, Exec> labels, View<Rgba8, Exec> picture);

/// Lays a picture over a grey checkerboard by its alpha, so that what is transparent shows. Out may be the picture.
/// Throws Error if the sizes differ. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void over_checkerboard(Exec& exec, View<const Rgba8, Exec> picture, View<Rgba8, Exec> out);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/false_color.hpp"

namespace cinebokeh {

template <class Exec>
void false_color(Exec& exec, View<const float, Exec> values, float low, float high, Palette palette,
                 View<Rgba8, Exec> picture) {
    require(values.size == picture.size, "false_color: the images differ in size");
    require(low < high && std::isfinite(low) && std::isfinite(high), "false_color: the range ", low, " to ", high,
            " is none");
    for_each_pixel(exec, values.size,
                   detail::FalseColor<typename Exec::Space>{values, low, 1 / (high - low), palette, picture});
}

template <class Exec>
void focus_zebra(Exec& exec, View<const float, Exec> defocus, float within, int phase, View<Rgba8, Exec> picture) {
    require(defocus.size == picture.size, "focus_zebra: the images differ in size");
    require(within >= 0, "focus_zebra: a radius of ", within);
    for_each_pixel(exec, defocus.size, detail::FocusZebra<typename Exec::Space>{defocus, within, phase, picture});
}

template <class Exec>
void nearest_level(Exec& exec, View<const float, Exec> values, const ValueLevels& levels, View<float, Exec> numbers) {
    require(values.size == numbers.size, "nearest_level: the images differ in size");
    require(levels.count >= 1 && levels.count <= ValueLevels::most, "nearest_level: ", levels.count, " levels");
    for_each_pixel(exec, values.size, detail::NearestLevel<typename Exec::Space>{values, levels, numbers});
}

template <class Exec>
void outline_labels(Exec& exec, View<const int, Exec> labels, View<Rgba8, Exec> picture) {
    require(labels.size == picture.size, "outline_labels: the images differ in size");
    for_each_pixel(exec, labels.size, detail::OutlineLabels<typename Exec::Space>{labels, picture});
}

template <class Exec>
void over_checkerboard(Exec& exec, View<const Rgba8, Exec> picture, View<Rgba8, Exec> out) {
    require(picture.size == out.size, "over_checkerboard: the images differ in size");
    for_each_pixel(exec, picture.size, detail::OverCheckerboard<typename Exec::Space>{picture, out});
}
}  // namespace cinebokeh
