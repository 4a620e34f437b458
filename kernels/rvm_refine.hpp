// The guided filters that bring the matte of the base resolution to that of the frame.
#pragma once
#include <optional>

#include "cinebokeh/guided_upsampling.hpp"
#include "kernels/rvm_image.hpp"
#include "kernels/rvm_reader.hpp"

namespace cinebokeh::detail {

// Four channels next to each other, seen as an image.
template <class Exec>
View<Float4, Exec> as_image(TensorView<float, Exec> tensor) {
    return {reinterpret_cast<Float4*>(tensor.data), tensor.shape.size(), tensor.row_stride * ptrdiff_t(sizeof(float))};
}

template <class Exec>
class RvmGuidedFilter {
public:
    RvmGuidedFilter(Exec& exec, const RvmReader& reader, Size max_base)
        : exec_(&exec),
          deep_(reader.refiner() == RvmRefiner::deep_guided_filter),
          a_(exec, shape_of(max_base, 4)),
          b_(exec, max_base) {
        if (!deep_) return;
        const std::vector<float> box = reader.weights("refiner.box_filter").weight;  // [4, 1, 3, 3]
        for (size_t i = 0; i < 36; ++i) box_[i % 9][int(i / 9)] = box[i];
        first_.emplace(reader.conv<float>(exec, "refiner.conv.0", max_base));
        second_.emplace(reader.conv<float>(exec, "refiner.conv.3", max_base));
        third_.emplace(reader.conv<float>(exec, "refiner.conv.6", max_base));
        mean_x_ = Buffer<Float4, Exec>(exec, max_base);
        first_out_ = TensorBuffer<float, Exec>(exec, shape_of(max_base, 16));
        second_out_ = TensorBuffer<float, Exec>(exec, shape_of(max_base, 16));
    }

    // guide and target [h, w] of the base resolution; statistics [1, h, w, 24], of which the last 16 are given.
    void operator()(View<const Float4, Exec> guide, View<const Float4, Exec> target, TensorView<float, Exec> statistics,
                    const RvmOutput<typename Exec::Space>& out) {
        using Space = typename Exec::Space;
        Size size = guide.size;
        if (deep_) {
            deep_coefficients(guide, target, statistics);
        } else {
            size = {std::max(1, size.width - 2), std::max(1, size.height - 2)};
            for_each_pixel(*exec_, size,
                           RvmFastCoefficients<Space>{guide, target, as_image<Exec>(part_of(a_, size)), b(size)});
        }
        const Size full = out.frame.size;
        for_each_pixel(*exec_, full,
                       RvmRefined<Space>{out, as_image<Exec>(part_of(a_, size)), b(size),
                                         tensor_resize_axis(size.height, full.height, 0, false),
                                         tensor_resize_axis(size.width, full.width, 0, false)});
    }

private:
    View<Float4, Exec> b(Size size) { return b_.view().crop(0, 0, size); }

    void deep_coefficients(View<const Float4, Exec> guide, View<const Float4, Exec> target,
                           TensorView<float, Exec> statistics) {
        using Space = typename Exec::Space;
        const Size size = guide.size;
        const View<Float4, Exec> mean_x = mean_x_.view().crop(0, 0, size);
        RvmDeepStatistics<Space> box{guide, target, {}, mean_x, b(size), statistics.channels(0, 8)};
        std::copy(box_, box_ + 9, box.weights);
        for_each_pixel(*exec_, size, box);
        (*first_)(statistics, part_of(first_out_, size));
        (*second_)(part_of(first_out_, size), part_of(second_out_, size));
        (*third_)(part_of(second_out_, size), part_of(a_, size));
        for_each_pixel(*exec_, size, RvmDeepOffset<Space>{as_image<Exec>(part_of(a_, size)), mean_x, b(size), b(size)});
    }

    Exec* exec_;
    bool deep_;
    TensorBuffer<float, Exec> a_;  // [h, w, 4]
    Buffer<Float4, Exec> b_;       // first the means of the target
    Float4 box_[9]{};
    std::optional<Conv2d<float, Exec>> first_, second_, third_;
    Buffer<Float4, Exec> mean_x_;
    TensorBuffer<float, Exec> first_out_, second_out_;
};

// The last of four channels, cut to [0, 1].
template <class Space>
struct RvmAlpha {
    Image<const Float4, Space> in;
    Image<float, Space> alpha;

    CINEBOKEH_HD void operator()(int x, int y) const { alpha(x, y) = clamp(in(x, y)[3], 0.f, 1.f); }
};
// GuidedUpsampling of alpha.
template <class Exec>
class RvmColourUpsampling {
public:
    RvmColourUpsampling(Exec& exec, Size max_base)
        : exec_(&exec), small_alpha_(exec, max_base), upsampling_(exec, max_base) {}

    // small [h, w]: residual and alpha; frame and alpha [H, W].
    void operator()(View<const Float4, Exec> small, View<const Rgba8, Exec> frame, View<float, Exec> alpha) {
        const View<float, Exec> small_alpha = small_alpha_.view().crop(0, 0, small.size);
        for_each_pixel(*exec_, small.size, RvmAlpha<typename Exec::Space>{small, small_alpha});
        upsampling_(small_alpha, frame, alpha);
    }

private:
    Exec* exec_;
    Buffer<float, Exec> small_alpha_;
    GuidedUpsampling<Exec> upsampling_;
};
}  // namespace cinebokeh::detail
