// Robust Video Matting: alpha and foreground of the people in a video, frame by frame, with a memory of the frames
// before.
//
// S. Lin, L. Yang, I. Saleemi, S. Sengupta, "Robust High-Resolution Video Matting with Temporal Guidance" (WACV 2022).
// Weights are the user's own: see weights/README.md.
#pragma once
#include <algorithm>

#include "cinebokeh/nn/rvm_layers.hpp"

namespace cinebokeh {

/// What brings alpha from the resolution that the network works at to that of the frame.
enum class RvmUpsampling {
    published,  // the guided filter that belongs to the weights, under a grey guide
    colour      // GuidedUpsampling, under the colours of the frame
};

struct RvmParams {
    /// The network works on the frame times this, in (0, 1]. 0: such that the longer side is at most 512 pixels.
    double downsample_ratio = 0;
    /// Of alpha; the foreground always comes through the published one. On composites with exact alpha of 1280 x 720
    /// (bench/results/mattes.md) `colour` has 26 % less gradient error and 12 % less flicker.
    RvmUpsampling upsampling = RvmUpsampling::published;
};

/// The ratio in use for a frame: the one asked for, or min(1, 512 / longer side).
inline double rvm_downsample_ratio(const RvmParams& params, Size frame) {
    if (params.downsample_ratio > 0) return params.downsample_ratio;
    return std::min(1.0, 512.0 / std::max({frame.width, frame.height, 1}));
}
/// The size that the network works on: frame * ratio, rounded down, at least one pixel.
inline Size rvm_base_size(double ratio, Size frame) {
    // A product that is whole but for its rounding stays whole.
    const auto side = [&](int length) { return std::max(1, int(double(length) * ratio * (1 + 1e-12))); };
    return {side(frame.width), side(frame.height)};
}
}  // namespace cinebokeh

#include "kernels/rvm_decoder.hpp"
#include "kernels/rvm_head.hpp"
#include "kernels/rvm_head_cpu.hpp"
#include "kernels/rvm_refine.hpp"

namespace cinebokeh {

/// Plan: the network, its memory, and the guided filter.
///
/// T is what the decoder and its memory, three quarters of the work, are stored in: float, Half or BFloat16. The fine
/// half of the encoder and the guided filter are always in float; its coarse half is in BFloat16 where T is, otherwise
/// in float. (One pixel in a thousand of real frames is off by more than .016 then, with the whole encoder in BFloat16
/// by .04, in float by .006; time is 10 % less with the first than with the last.) Allocates in the constructor only.
/// Asynchronous on Cuda, where a frame may be captured in a CUDA graph. Deterministic: yes on each backend, whatever
/// the threads.
template <class T, class Exec>
class Rvm {
public:
    /// Plans for frames of at most `max_size`. Throws Error where it is empty, the ratio is not in [0, 1], or the
    /// weights are of another network, incomplete, or of wrong shapes.
    Rvm(Exec& exec, const Weights& weights, Size max_size, const RvmParams& params = {});

    /// The next frame. A frame of another size than the one before it begins a new video.
    ///
    ///   frame       [h, w]  sRGB
    ///   alpha       [h, w]  out; in [0, 1]
    ///   foreground  [h, w]  out, or none; the colour of the people without what shines through, sRGB; where alpha is 0
    ///                       it means nothing. Its alpha is the frame's.
    ///
    /// Throws Error if a size differs or exceeds the plan.
    void operator()(View<const Rgba8, Exec> frame, View<float, Exec> alpha, View<Rgba8, Exec> foreground = {});

    /// Forgets the frames before: to be called where a new scene begins.
    void reset() { decoder_.reset(); }

    double downsample_ratio(Size frame) const { return rvm_downsample_ratio(params_, frame); }
    RvmRefiner refiner() const { return refiner_; }
    /// What is remembered at level 1 (half of the base resolution, 16 channels), 2 (20), 3 (40) or 4 (64) of the last
    /// frame: [1, h, w, c]. Throws Error for another level.
    TensorView<const T, Exec> state(int level);

private:
    Rvm(Exec& exec, const detail::RvmReader& reader, Size max_size, const RvmParams& params);
    static Size checked_base(Size max_size, const RvmParams& params);
    TensorView<float, Exec> network(Size base, bool filtered);

    Exec* exec_;
    Size max_size_, max_base_, frame_;
    RvmParams params_;
    RvmRefiner refiner_;
    Float4 mean_{}, scale_{};  // of the normalisation, see RvmInput
    detail::RvmEncoder<T, Exec> encoder_;
    detail::RvmDecoder<T, Exec> decoder_;
    detail::RvmHead<T, Exec> head_;
    detail::RvmGuidedFilter<Exec> filter_;
    Buffer<Float4, Exec> base_;                     // the frame at the base resolution
    TensorBuffer<float, Exec> normalised_;          // the same as a tensor, normalised
    TensorBuffer<T, Exec> plain_;                   // and as it is
    TensorBuffer<float, Exec> statistics_, small_;  // 8 for the guided filter, 16 hidden; residual and alpha
    std::optional<detail::RvmColourUpsampling<Exec>> upsampling_;
};

// ---------------------------------------------------------------------------- implementation

template <class T, class Exec>
Size Rvm<T, Exec>::checked_base(Size max_size, const RvmParams& params) {
    require(!max_size.empty(), "Rvm: an empty size ", max_size.width, " x ", max_size.height);
    require(params.downsample_ratio >= 0 && params.downsample_ratio <= 1, "Rvm: the downsample ratio ",
            params.downsample_ratio, " is outside [0, 1]");
    if (params.downsample_ratio > 0) return rvm_base_size(params.downsample_ratio, max_size);
    return {std::min(max_size.width, 512), std::min(max_size.height, 512)};  // whatever the shape of a smaller frame
}

template <class T, class Exec>
Rvm<T, Exec>::Rvm(Exec& exec, const Weights& weights, Size max_size, const RvmParams& params)
    : Rvm(exec, detail::RvmReader(weights), max_size, params) {}

template <class T, class Exec>
Rvm<T, Exec>::Rvm(Exec& exec, const detail::RvmReader& reader, Size max_size, const RvmParams& params)
    : exec_(&exec),
      max_size_(max_size),
      max_base_(checked_base(max_size, params)),
      params_(params),
      refiner_(reader.refiner()),
      encoder_(exec, reader, max_base_),
      decoder_(exec, reader, max_base_),
      head_(exec, reader, max_base_),
      filter_(exec, reader, max_base_),
      base_(exec, max_base_),
      normalised_(exec, detail::shape_of(max_base_, 3)),
      plain_(exec, detail::shape_of(max_base_, 3)),
      statistics_(exec, detail::shape_of(max_base_, 24)),
      small_(exec, detail::shape_of(max_base_, 4)) {
    if (params.upsampling == RvmUpsampling::colour) upsampling_.emplace(exec, max_base_);
    const std::vector<float> mean = reader.file().metadata_numbers("mean", 3);
    const std::vector<float> deviation = reader.file().metadata_numbers("std", 3);
    require(reader.file().metadata("input_range") == "0 1", "weights '", reader.file().name(), "': the input range '",
            reader.file().metadata("input_range"), "' is not 0 1");
    for (int c = 0; c < 3; ++c) {
        require(deviation[size_t(c)] > 0, "weights '", reader.file().name(), "': a deviation is not positive");
        mean_[c] = mean[size_t(c)], scale_[c] = 1 / deviation[size_t(c)];
    }
}

template <class T, class Exec>
void Rvm<T, Exec>::operator()(View<const Rgba8, Exec> frame, View<float, Exec> alpha, View<Rgba8, Exec> foreground) {
    using Space = typename Exec::Space;
    require(frame.size == alpha.size && (!foreground.data || frame.size == foreground.size),
            "Rvm: the images differ in size");
    require(!frame.size.empty() && frame.size.width <= max_size_.width && frame.size.height <= max_size_.height,
            "Rvm: a frame of ", frame.size.width, " x ", frame.size.height, " is empty or larger than the plan");
    if (!(frame.size == frame_)) reset();
    frame_ = frame.size;
    const double ratio = downsample_ratio(frame.size);
    const Size base = rvm_base_size(ratio, frame.size);
    const float step = ratio == 1 ? 1.f : float(ratio);
    const auto part = [&](auto& buffer) { return detail::part_of(buffer, base); };
    const detail::RvmInput<T, Space> input{frame,
                                           detail::tensor_resize_axis(frame.size.height, base.height, step, false),
                                           detail::tensor_resize_axis(frame.size.width, base.width, step, false),
                                           mean_,
                                           scale_,
                                           part(base_),
                                           part(normalised_),
                                           part(plain_)};
    const bool refined = !(base == frame.size);
    if (refined)
        for_each_pixel(*exec_, base, input);
    else
        for_each_pixel(*exec_, base, detail::RvmInputAsItIs<T, Space>{input});
    const bool filtered = refined && (!upsampling_ || foreground.data);
    const TensorView<float, Exec> statistics = network(base, filtered);
    const View<const Float4, Exec> small = detail::as_image<Exec>(part(small_));
    const detail::RvmOutput<Space> out{frame, alpha, foreground};
    if (!refined) for_each_pixel(*exec_, base, detail::RvmDirect<Space>{out, small});
    if (filtered) filter_(part(base_), small, statistics, out);
    if (refined && upsampling_) (*upsampling_)(small, frame, alpha);
}

// From the base image to residual and alpha in small_; returns the hidden channels where the guided filter wants them.
template <class T, class Exec>
TensorView<float, Exec> Rvm<T, Exec>::network(Size base, bool filtered) {
    const auto part = [&](auto& buffer) { return detail::part_of(buffer, base); };
    const TensorView<float, Exec> statistics = part(statistics_);
    const TensorView<const T, Exec> last = decoder_(encoder_(part(normalised_)), part(plain_));
    head_(last, statistics.channels(8, 16), filtered && refiner_ == RvmRefiner::deep_guided_filter, part(small_));
    return statistics;
}

template <class T, class Exec>
TensorView<const T, Exec> Rvm<T, Exec>::state(int level) {
    require(level >= 1 && level <= 4, "Rvm: level ", level, " is outside [1, 4]");
    return decoder_.state(level, rvm_base_size(downsample_ratio(frame_), frame_));
}
}  // namespace cinebokeh
