// Colour conversion for video files: sRGB pixels to YUV 4:2:0.
#pragma once
#include <cstdint>

#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::demo {

/// The planes of a YUV 4:2:0 picture. Luma has an even width and height; the chroma planes have half of each.
struct YuvPlanes {
    HostImage<uint8_t> y, u, v;
};

/// The size of a picture in a 4:2:0 file: an odd side grows by one, never is a picture cropped or stretched.
constexpr Size even_size(Size size) { return {size.width + size.width % 2, size.height + size.height % 2}; }

/// Converts to BT.709, limited range (16..235 and 16..240). Where a side is odd, the last column or row is repeated.
/// Chroma lies between the two rows and on the even columns, as players expect it: [1 2 1] / 4 across, the mean down.
///
///   rgba  [h, w]  sRGB; alpha is ignored
///   out           planes of even_size([h, w])
///
/// Throws Error if the sizes do not fit. Allocates nothing. Deterministic: integers only.
void rgba_to_yuv420(Cpu& exec, HostImage<const Rgba8> rgba, const YuvPlanes& out);
}  // namespace cinebokeh::demo
