// What is done to a frame, behind an interface that neither CUDA nor FFmpeg shows through: session_cpu.cpp and
// session_cuda.cu make the two kinds of it.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "cinebokeh/aperture_image.hpp"
#include "cinebokeh/core/image.hpp"
#include "cinebokeh/defocus.hpp"
#include "cinebokeh/highlights.hpp"
#include "cinebokeh/scatter_bokeh.hpp"
#include "network_matting.hpp"

namespace cinebokeh::demo {

enum class TrackerKind { memory, seed };
enum class RendererKind {
    gaussian,  // these two blur what a matte leaves out, all of it alike
    disk,
    layered,  // the others follow depth, see BokehMethod
    exact,
    bucketed,
    fixed_layers,
    plain_scatter
};
inline bool follows_depth(RendererKind kind) { return kind != RendererKind::gaussian && kind != RendererKind::disk; }

/// Lengths in pixels; what is not given follows from the height of the frame.
struct BlurParams {
    RendererKind renderer = RendererKind::disk;
    std::optional<float> radius;  // of the disk; a gaussian gets half of it as its standard deviation
    std::optional<float> sigma;   // of the gaussian
    std::optional<int> kernel;    // width of the gaussian's window, odd
    std::optional<int> feather;   // how far the edge of the subject is softened, outwards
    Aperture aperture;            // of the exact renderer
    ApertureImage picture;        // of the aperture of the layered renderer
    Highlights highlights;        // of both
};

struct SessionParams {
    Size size;
    int threads = 0;  // 0: one per core
    TrackerKind tracker = TrackerKind::memory;
    std::optional<BlurParams> blur;  // empty: mattes only
};

/// The state over the frames of one video. Frames, mattes and results are in the memory of the host, and must stay as
/// they are until the next frame: on CUDA they are sent once.
class Session {
public:
    virtual ~Session() = default;

    /// The frame that all calls are about from here on.
    virtual void begin_frame(HostImage<const Rgba8> frame) = 0;
    /// Finds the subject of the first frame from strokes: 1 = subject, 2 = background, 0 = not marked.
    virtual void find(HostImage<const uint8_t> strokes, HostImage<float> matte) = 0;
    /// Finds the subject of the first frame alone. Throws Error where nothing stands out.
    virtual void find_auto(HostImage<float> matte) = 0;
    /// Begins to follow the subject of a matte.
    virtual void start(HostImage<const float> matte) = 0;
    /// Follows it into this frame. False where it is lost: the matte is then the last believable one.
    virtual bool track(HostImage<float> matte) = 0;
    /// Makes the network ready that finds people. Throws Error where the weights are not good.
    virtual void open_network(const NetworkOptions& options, const std::string& weights) = 0;
    /// The people in this frame, which may be of another size than the session where nothing else is asked of it.
    virtual void find_people(HostImage<float> matte) = 0;
    /// What the network computes with, and how often it began anew; "" without one.
    virtual std::string network() const = 0;
    virtual int scene_cuts() const = 0;
    /// Blurs what the matte leaves out.
    virtual void render(HostImage<const float> matte, HostImage<Rgba8> result) = 0;
    /// Blurs by depth. Without disparity the matte makes two planes; views without data are not known. `subject`: its
    /// disparity where the matte is believed rather than the disparity, see BokehInput.
    virtual void render_depth(HostImage<const float> disparity, HostImage<const float> matte,
                              std::optional<float> subject, Focus focus, HostImage<Rgba8> result) = 0;

    /// The device that computes mattes, and the one that renders: "cpu" or "cuda".
    virtual std::string matting_device() const = 0;
    virtual std::string rendering_device() const = 0;
    virtual int threads() const = 0;
};

std::unique_ptr<Session> make_session_cpu(const SessionParams& params);
std::unique_ptr<Session> make_session_cuda(const SessionParams& params);  // where built with CUDA

/// What CUDA there is for this program.
struct CudaReport {
    bool built_in = false;
    int devices = 0;
    std::string device;  // its name
    std::string reason;  // why there is none
};
CudaReport cuda_report();
}  // namespace cinebokeh::demo
