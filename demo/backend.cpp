#include "backend.hpp"

#include "cinebokeh/core/error.hpp"
#include "session.hpp"

namespace cinebokeh::demo {

Backend choose_backend(const std::string& asked) {
    const CudaReport cuda = cuda_report();
    const std::string why_not = cuda.built_in ? "no usable GPU: " + cuda.reason : "this program was built without CUDA";
    if (asked == "cpu") return {false, "asked for"};
    if (cuda.devices > 0) return {true, cuda.device};
    require(asked != "cuda", "--backend cuda cannot be used: ", why_not,
            "; use --backend cpu, or see 'cinebokeh doctor'");
    return {false, why_not};
}
}  // namespace cinebokeh::demo
