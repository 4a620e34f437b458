// How a picture that was rendered on a GPU comes into the window: straight into its texture where the two can share it.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

/// An image in the memory of the GPU, finished, and kept as long as somebody holds this.
struct GpuImage {
    const void* data = nullptr;
    ptrdiff_t pitch = 0;  // bytes
    Size size;
    std::shared_ptr<const void> memory;
};

enum class DisplayRoute {
    image,   // copied into the texture, on the GPU
    buffer,  // copied into a pixel buffer, on the GPU, and from there into the texture
    pinned,  // through pinned memory of the host: the window is drawn by another GPU, or by software
    host,    // as a picture of the host
};
const char* name_of(DisplayRoute route);

/// Takes the best route that works. One that has failed is not tried again.
class RouteChoice {
public:
    /// `show` returns whether the picture was shown by that route; the last one, `pinned`, must.
    DisplayRoute operator()(const std::function<bool(DisplayRoute)>& show);

private:
    DisplayRoute best_ = DisplayRoute::image;
};

/// Fills textures of OpenGL with pictures of the GPU. All calls on the thread of the window.
class GpuDisplay {
public:
    virtual ~GpuDisplay() = default;
    /// `picture` is Rgba8; `texture` has its size. The picture may be dropped when this returns. Throws Error where the
    /// GPU fails.
    virtual DisplayRoute show(const GpuImage& picture, unsigned texture) = 0;
};
std::unique_ptr<GpuDisplay> make_cuda_display();  // where built with CUDA, with a current context of OpenGL
}  // namespace cinebokeh::demo
