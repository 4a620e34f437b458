// A session whose renderer runs on an executor: the same text serves both backends. Mattes are computed on the CPU.
#pragma once
#include <cmath>
#include <optional>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/pipeline/background_blur.hpp"
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

template <class Exec>
class SessionOn : public Session {
public:
    /// `cpu` computes the mattes; it may be `exec` itself. Both must outlive the session.
    SessionOn(Exec& exec, Cpu& cpu, const SessionParams& params)
        : exec_(exec), cpu_(cpu), matting_(cpu, params.size, params.tracker) {
        if (!params.blur) return;
        blur_.emplace(exec, params.size, blur_params(*params.blur));
        if constexpr (on_device)
            frame_ = {exec, params.size}, matte_ = {exec, params.size}, result_ = {exec, params.size};
    }

    void find(HostImage<const Rgba8> frame, HostImage<const uint8_t> strokes, HostImage<float> matte) override {
        matting_.find(frame, strokes, matte);
    }
    void find_auto(HostImage<const Rgba8> frame, HostImage<float> matte) override { matting_.find_auto(frame, matte); }
    void start(HostImage<const Rgba8> frame, HostImage<const float> matte) override { matting_.start(frame, matte); }
    bool track(HostImage<const Rgba8> frame, HostImage<float> matte) override { return matting_.track(frame, matte); }

    void render(HostImage<const Rgba8> frame, HostImage<const float> matte, HostImage<Rgba8> result) override {
        require(blur_.has_value(), "Session: render without blur parameters");
        if constexpr (on_device) {
            copy(exec_, frame, frame_.view());
            copy(exec_, matte, matte_.view());
            (*blur_)(frame_.view(), matte_.view(), result_.view());
            copy(exec_, View<const Rgba8, Exec>(result_.view()), result);
            exec_.synchronize();
        } else {
            (*blur_)(frame, matte, result);
        }
    }

    std::string matting_device() const override { return "cpu"; }
    std::string rendering_device() const override { return on_device ? "cuda" : "cpu"; }
    int threads() const override { return cpu_.threads(); }

private:
    static constexpr bool on_device = !std::is_same_v<typename Exec::Space, HostSpace>;

    Exec& exec_;
    Cpu& cpu_;
    Matting matting_;
    std::optional<BackgroundBlur<Exec>> blur_;
    Buffer<Rgba8, Exec> frame_, result_;  // on the device
    Buffer<float, Exec> matte_;
};
}  // namespace cinebokeh::demo
