// The session on CUDA: tracking, the network and rendering run on the device.
#include "session_impl.hpp"

namespace cinebokeh::demo {
namespace {
struct CudaHolder {
    explicit CudaHolder(int threads) : cpu(threads) {}
    Cpu cpu;
    Cuda cuda;
};
class CudaSession : private CudaHolder, public SessionOn<Cuda> {
public:
    explicit CudaSession(const SessionParams& params)
        : CudaHolder(params.threads), SessionOn<Cuda>(cuda, cpu, params) {}
};
}  // namespace

std::unique_ptr<Session> make_session_cuda(const SessionParams& params) {
    return std::make_unique<CudaSession>(params);
}

CudaReport cuda_report() {
    const CudaStatus status = cuda_status();
    CudaReport report{true, status.devices, {}, status.reason};
    cudaDeviceProp properties{};
    if (status.devices > 0 && cudaGetDeviceProperties(&properties, 0) == cudaSuccess) report.device = properties.name;
    return report;
}
}  // namespace cinebokeh::demo
