#include "session_impl.hpp"

namespace cinebokeh::demo {
namespace {
struct CpuHolder {
    explicit CpuHolder(int threads) : cpu(threads) {}
    Cpu cpu;
};
class CpuSession : private CpuHolder, public SessionOn<Cpu> {
public:
    explicit CpuSession(const SessionParams& params) : CpuHolder(params.threads), SessionOn<Cpu>(cpu, cpu, params) {}
};
}  // namespace

std::unique_ptr<Session> make_session_cpu(const SessionParams& params) { return std::make_unique<CpuSession>(params); }

#if !defined(CINEBOKEH_DEMO_CUDA)
CudaReport cuda_report() { return {}; }
#endif
}  // namespace cinebokeh::demo
