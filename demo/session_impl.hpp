// A session on an executor: the same text serves both backends. The memory tracker, the network and the renderer run
// there; the first matte and the seed tracker are computed on the CPU.
#pragma once
#include <cmath>
#include <optional>

#include "bokeh_focus.hpp"
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/pipeline/background_blur.hpp"
#include "cinebokeh/pipeline/bokeh_renderer.hpp"
#include "cinebokeh/pipeline/memory_tracker.hpp"
#include "matting.hpp"
#include "session.hpp"

namespace cinebokeh::demo {

inline BackgroundBlurParams blur_params(const BlurParams& asked) {
    BackgroundBlurParams params;
    params.renderer = asked.renderer == RendererKind::disk ? BackgroundRenderer::disk : BackgroundRenderer::gaussian;
    params.radius = asked.radius.value_or(params.radius);
    params.feather = asked.feather.value_or(params.feather);
    params.kernel = asked.kernel.value_or(params.kernel);
    if (asked.sigma || asked.radius) {
        params.sigma = asked.sigma ? *asked.sigma : *asked.radius / 2;
        if (!asked.kernel) params.kernel = std::min(2 * int(std::ceil(3 * params.sigma)) + 1, 8191);
    }
    return params;
}

inline BokehMethod bokeh_method(RendererKind kind) {
    switch (kind) {
        case RendererKind::exact:
            return BokehMethod::exact;
        case RendererKind::bucketed:
            return BokehMethod::bucketed;
        case RendererKind::fixed_layers:
            return BokehMethod::fixed_layers;
        case RendererKind::plain_scatter:
            return BokehMethod::plain_scatter;
        default:
            return BokehMethod::layered;
    }
}

template <class Exec>
class SessionOn : public Session {
public:
    /// `cpu` computes what `exec` cannot; it may be `exec` itself. Both must outlive the session.
    SessionOn(Exec& exec, Cpu& cpu, const SessionParams& params)
        : exec_(exec), cpu_(cpu), size_(params.size), matting_(cpu, params.size, params.tracker) {
        if constexpr (on_device) {
            tracks_ = params.tracker == TrackerKind::memory;
            make_frame(size_);
        }
        if (!params.blur) return;
        lens_ = *params.blur;
        if (!follows_depth(lens_.renderer)) blur_.emplace(exec, params.size, blur_params(*params.blur));
        if constexpr (on_device) result_ = {exec, size_}, disparity_ = {exec, size_};
    }

    void begin_frame(HostImage<const Rgba8> frame) override {
        picture_ = frame;
        if constexpr (on_device) {
            if (!(frame.size == frame_.size())) exec_.synchronize(), make_frame(frame.size);
            copy(exec_, frame, frame_.view());
            sent_ = nullptr;
        }
    }

    void find(HostImage<const uint8_t> strokes, HostImage<float> matte) override {
        matting_.find(picture_, strokes, matte);
    }
    void find_auto(HostImage<float> matte) override { matting_.find_auto(picture_, matte); }
    void start(HostImage<const float> matte) override {
        if constexpr (on_device)
            if (tracks_) {
                tracker_.emplace(exec_, size_);
                return tracker_->start(frame_.view(), sent(matte));
            }
        matting_.start(picture_, matte);
    }
    bool track(HostImage<float> matte) override {
        if constexpr (on_device)
            if (tracker_) {
                const bool found = tracker_->track(frame_.view(), matte_.view());
                fetch_matte(matte);
                return found;
            }
        return matting_.track(picture_, matte);
    }

    void open_network(const NetworkOptions& options, const std::string& weights) override {
        network_.emplace(exec_, cpu_, options, weights, size_);
    }
    void find_people(HostImage<float> matte) override {
        require(network_.has_value(), "Session: people are to be found without a network");
        if constexpr (on_device) {
            network_->matte(picture_, frame_.view(), matte_.view());
            fetch_matte(matte);
        } else {
            network_->matte(picture_, picture_, matte);
        }
    }
    std::string network() const override { return network_ ? network_->description() : ""; }
    int scene_cuts() const override { return network_ ? network_->scene_cuts() : 0; }

    void render(HostImage<const float> matte, HostImage<Rgba8> result) override {
        require(blur_.has_value(), "Session: render without blur parameters");
        if constexpr (on_device) {
            (*blur_)(frame_.view(), sent(matte), result_.view());
            copy(exec_, View<const Rgba8, Exec>(result_.view()), result);
            exec_.synchronize();
        } else {
            (*blur_)(picture_, matte, result);
        }
    }

    void render_depth(HostImage<const float> disparity, HostImage<const float> matte, std::optional<float> subject,
                      Focus focus, HostImage<Rgba8> result) override {
        make_room(picture_.size, largest_radius(disparity, focus));
        if constexpr (on_device) {
            BokehInput<Exec> input{.frame = frame_.view(), .subject = subject};
            if (disparity.data) copy(exec_, disparity, disparity_.view()), input.disparity = disparity_.view();
            if (matte.data) input.matte = sent(matte);
            (*bokeh_)(input, focus, result_.view());
            copy(exec_, View<const Rgba8, Exec>(result_.view()), result);
            exec_.synchronize();
        } else {
            (*bokeh_)({picture_, disparity, matte, subject}, focus, result);
        }
    }

    std::string matting_device() const override { return on_device && (tracks_ || network_) ? "cuda" : "cpu"; }
    std::string rendering_device() const override { return on_device ? "cuda" : "cpu"; }
    int threads() const override { return cpu_.threads(); }

private:
    static constexpr bool on_device = !std::is_same_v<typename Exec::Space, HostSpace>;

    void make_frame(Size size) { frame_ = {exec_, size}, matte_ = {exec_, size}; }
    // A matte on the device, where it may be already.
    View<const float, Exec> sent(HostImage<const float> matte) {
        if (matte.data != sent_) copy(exec_, matte, matte_.view()), sent_ = matte.data;
        return matte_.view();
    }
    // What was found on the device.
    void fetch_matte(HostImage<float> matte) {
        copy(exec_, View<const float, Exec>(matte_.view()), matte);
        exec_.synchronize();
        sent_ = matte.data;
    }

    // A renderer for blurs up to this radius, as far as one can be made; its cost grows with it.
    void make_room(Size size, float radius) {
        const float room = std::clamp(std::exp2(std::ceil(std::log2(std::max(radius, 1.f)))), 16.f, 200.f);
        if (!bokeh_ || room > bokeh_->params().max_radius)
            bokeh_.emplace(exec_, size,
                           BokehRendererParams{.method = bokeh_method(lens_.renderer),
                                               .max_radius = room,
                                               .aperture = lens_.aperture,
                                               .picture = lens_.picture,
                                               .highlights = lens_.highlights});
    }

    struct Nothing {};
    using Tracker = std::conditional_t<on_device, MemoryTracker<Exec>, Nothing>;

    Exec& exec_;
    Cpu& cpu_;
    Size size_;
    HostImage<const Rgba8> picture_;  // the frame
    bool tracks_ = false;             // on the device
    Matting matting_;
    std::optional<Tracker> tracker_;
    std::optional<NetworkMatting<Exec>> network_;
    BlurParams lens_;
    std::optional<BackgroundBlur<Exec>> blur_;
    std::optional<BokehRenderer<Exec>> bokeh_;
    Buffer<Rgba8, Exec> frame_, result_;  // on the device
    Buffer<float, Exec> matte_, disparity_;
    const float* sent_ = nullptr;  // the matte of the host that matte_ is a copy of
};
}  // namespace cinebokeh::demo
