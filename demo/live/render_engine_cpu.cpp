#include "render_engine.hpp"

namespace cinebokeh::demo {
namespace {
struct CpuHolder {
    explicit CpuHolder(int threads) : cpu(threads) {}
    Cpu cpu;
};
class RenderOnCpu : private CpuHolder, public RenderOn<Cpu> {
public:
    explicit RenderOnCpu(const EngineParams& params) : CpuHolder(params.threads), RenderOn<Cpu>(cpu, params) {}
};
}  // namespace

std::unique_ptr<RenderEngine> make_render_engine_cpu(const EngineParams& params) {
    return std::make_unique<RenderOnCpu>(params);
}
}  // namespace cinebokeh::demo
