// Disk blur: what a round aperture makes of a plane that is out of focus. One radius for the whole image.
//
// The disk is a stack of horizontal runs; a run is a difference of prefix sums along the row, so a pixel costs
// 4 (2 radius + 1) additions instead of pi radius^2. Everything is added as integers: the sums are exact.
#pragma once
#include <vector>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct DiskBlurParams {
    float radius = 8;     // of the disk, pixels, in [0, 200]; below 1/2 nothing is blurred
    float max_value = 1;  // larger values are cut off, in [2^-10, 2^20]; the precision is relative to it, see DiskBlur
};
}  // namespace cinebokeh

#include "kernels/disk_blur_cpu.hpp"
#if CINEBOKEH_GRID
#include "kernels/disk_blur_cuda.cuh"
#endif

namespace cinebokeh {

/// Blurs Float4 images (linear light, premultiplied) with a disk; all four channels are filtered alike.
///
/// The aperture: row dy of the disk is a run as long as the area of the disk within dy +- 1/2, centred, its two ends
/// antialiased in steps of 1/256 pixel up to radius 3, 1/64 up to 10, 1/16 up to 50, 1/4 above. The weights sum to
/// pi radius^2 up to those steps, so the blur grows smoothly with the radius; they are then divided by their sum, so
/// light is kept. Beyond the border the image continues with its border pixels (replicate).
///
/// Values are cut to [0, max_value] (NaN counts as 0) and rounded to steps of max_value / 2^18 at radius 8, / 2^17 at
/// 20, / 2^15 at 50 and 100, / 2^13 at 200 (max_value rounded up to a power of two). Sums are exact.
///
/// Allocates in the constructor only; 16 bytes a pixel on Cpu. Asynchronous on Cuda. Deterministic: yes, and equal
/// between backends bit for bit.
template <class Exec>
class DiskBlur {
public:
    /// Throws Error if a parameter is outside its range.
    DiskBlur(Exec& exec, Size max_size, DiskBlurParams params = {})
        : exec_(&exec),
          max_size_(max_size),
          disk_(checked(max_size, params)),
          runs_(exec, {int(disk_.runs.size()), 1}, disk_.runs),
          scratch_(exec, max_size, disk_) {}

    /// Blurs `in` [h, w] into `out` [h, w], another image.
    /// Throws Error if the sizes differ or exceed the plan, or if `out` is `in`.
    void operator()(View<const Float4, Exec> in, View<Float4, Exec> out) {
        require(in.size == out.size, "DiskBlur: the input and the output differ in size");
        require(in.size.width <= max_size_.width && in.size.height <= max_size_.height, "DiskBlur: an image of ",
                in.size.width, " x ", in.size.height, " is larger than the plan");
        if (in.size.empty()) return;
        require(in.data != out.data, "DiskBlur: the input and the output are the same image");
        detail::disk_blur(*exec_, in, disk_, runs_.span(), scratch_, out);
    }

private:
    static detail::Disk checked(Size max_size, DiskBlurParams p) {
        require(max_size.width >= 0 && max_size.height >= 0, "DiskBlur: negative size");
        require(p.radius >= 0 && p.radius <= 200, "DiskBlur: radius ", p.radius, " is outside [0, 200]");
        require(p.max_value >= 1.f / 1024 && p.max_value <= 1048576, "DiskBlur: max_value ", p.max_value,
                " is outside [2^-10, 2^20]");
        return detail::make_disk(double(p.radius), p.max_value);
    }

    Exec* exec_;
    Size max_size_;
    detail::Disk disk_;
    Buffer<detail::DiskRun, Exec> runs_;
    detail::DiskScratch<typename Exec::Space> scratch_;
};
}  // namespace cinebokeh
