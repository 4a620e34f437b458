#include "render_engine.hpp"

namespace cinebokeh::demo {
namespace {
struct CudaHolder {
    Cuda cuda;
};
class RenderOnCuda : private CudaHolder, public RenderOn<Cuda> {
public:
    explicit RenderOnCuda(const EngineParams& params) : RenderOn<Cuda>(cuda, params) {}
};
}  // namespace

std::unique_ptr<RenderEngine> make_render_engine_cuda(const EngineParams& params) {
    return std::make_unique<RenderOnCuda>(params);
}
}  // namespace cinebokeh::demo
