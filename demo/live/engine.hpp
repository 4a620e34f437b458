// What is computed for a live frame, behind an interface that neither CUDA nor the window shows through. It has two
// sides, which may work at the same time on different frames: the subject and the rendering.
#pragma once
#include <memory>
#include <string>

#include "governor.hpp"
#include "live_frame.hpp"
#include "network_matting.hpp"

namespace cinebokeh::demo {

struct EngineParams {
    Size size = {};
    int threads = 0;  // 0: one per core
    bool cuda = false;
    NetworkOptions network = {};  // of Robust Video Matting; the quality picks its ratio
};

/// The subject: found, followed, softened.
class SubjectEngine {
public:
    virtual ~SubjectEngine() = default;

    /// Finds the subject of a picture from strokes (1 = subject, 2 = background; the size of the frame), or without
    /// where there are none. Throws Error where nothing stands out.
    virtual void find(HostImage<const Rgba8> picture, HostImage<const uint8_t> strokes, HostImage<float> matte) = 0;
    /// Follows what the matte shows from here on.
    virtual void start(HostImage<const Rgba8> picture, HostImage<const float> matte) = 0;
    /// The subject of the next picture. False where it is lost. Needs a start.
    virtual bool track(HostImage<const Rgba8> picture, HostImage<float> matte) = 0;
    /// The people in the next picture, by Robust Video Matting. False where that cannot be: network_problem() says why,
    /// and every hundred pictures it is tried again. On a GPU picture and matte are left there too.
    virtual bool find_people(HostImage<const Rgba8> picture, HostImage<float> matte, FrameOnGpu& on_gpu) = 0;
    /// Why there is no network, with what to do, in one line; empty where there is one.
    virtual std::string network_problem() const = 0;
    /// What the network computes with, for people.
    virtual std::string network() const = 0;
    /// Draws what is remembered of a subject that is followed (LiveView::templates), or where its newest look is found
    /// (LiveView::response). Returns one line about it.
    virtual std::string draw(LiveView view, HostImage<const Rgba8> picture, HostImage<Rgba8> out) = 0;
    /// Moves and smooths the edge as the settings ask. Returns whether the matte has changed.
    virtual bool finish(const LiveSettings& settings, HostImage<float> matte) = 0;
    /// Works at another resolution: a tracker from the next start on, the network at once.
    virtual void set_quality(const Quality& quality) = 0;
    /// What made the last matte, "cpu" or "cuda". May be asked by any thread.
    virtual std::string device() const = 0;
};

/// The rendering of a picture with its matte.
class RenderEngine {
public:
    virtual ~RenderEngine() = default;

    /// Finds the disparity and the distance of the subject, as the focus of the frame.
    virtual void measure(const LiveSettings& settings, LiveFrame& frame) = 0;
    /// Fills the maps, the rest of the focus, the result and, where asked for, the view.
    virtual void render(const LiveSettings& settings, LiveFrame& frame) = 0;
    /// What made the last result.
    virtual std::string renderer() const = 0;
    /// Renders so from the next picture on.
    virtual void set_quality(const Quality& quality) = 0;
    virtual std::string device() const = 0;
};

std::unique_ptr<SubjectEngine> make_subject_engine(const EngineParams& params);
std::unique_ptr<RenderEngine> make_render_engine_cpu(const EngineParams& params);
std::unique_ptr<RenderEngine> make_render_engine_cuda(const EngineParams& params);  // where built with CUDA
}  // namespace cinebokeh::demo
