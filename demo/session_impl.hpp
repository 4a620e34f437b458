// A session on an executor: the same text serves both backends.
#pragma once
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "session.hpp"

#if __has_include("cinebokeh/pipeline/background_blur.hpp")
#include "cinebokeh/pipeline/background_blur.hpp"
#endif

namespace cinebokeh::demo {

template <class Exec>
class SessionOn : public Session {
public:
    SessionOn(Exec& exec, Cpu& cpu, const SessionParams& params) : exec_(exec), cpu_(cpu), params_(params) {}

    void find(HostImage<const Rgba8>, HostImage<const uint8_t>, HostImage<float>) override { fail("not there yet"); }
    void find_auto(HostImage<const Rgba8>, HostImage<float>) override { fail("not there yet"); }
    void start(HostImage<const Rgba8>, HostImage<const float>) override {}
    bool track(HostImage<const Rgba8>, HostImage<float>) override { return false; }
    void render(HostImage<const Rgba8> frame, HostImage<const float>, HostImage<Rgba8> result) override {
        copy(cpu_, frame, result);
    }
    std::string matting_device() const override { return "cpu"; }
    std::string rendering_device() const override { return std::is_same_v<Exec, Cpu> ? "cpu" : "cuda"; }
    int threads() const override { return cpu_.threads(); }

private:
    Exec& exec_;
    Cpu& cpu_;
    SessionParams params_;
};
}  // namespace cinebokeh::demo
