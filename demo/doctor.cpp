// `doctor`: what was built in, what is used and why, and what is missing.
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
}

#include "camera.hpp"
#include "camera_list.hpp"
#include "cinebokeh/core/config.hpp"
#include "cinebokeh/core/matrix_registers.hpp"
#include "commands.hpp"

namespace cinebokeh::demo {
namespace {
void say(const char* what, const std::string& how) { std::printf("%-10s %s\n", what, how.c_str()); }

void processor() {
    std::string features;
#if defined(__AVX512F__)
    features = "AVX-512";
#if defined(__AVX512BF16__)
    features += ", bfloat16";
#endif
#if CINEBOKEH_AMX
    features += detail::has_matrix_registers() ? ", AMX" : ", AMX (which the system does not allow)";
#endif
#elif defined(__AVX2__)
    features = "AVX2";
#elif defined(__ARM_NEON)
    features = "NEON";
#else
    features = "no vector instructions beyond the baseline (configure with -DCINEBOKEH_NATIVE=ON)";
#endif
    say("cpu", std::to_string(std::thread::hardware_concurrency()) + " threads; built for " + features);
    say("fft", "own (radix 2 to 8, no library needed)");
}

void device() {
    const CudaReport cuda = cuda_report();
    if (!cuda.built_in) {
        say("cuda", "not built in: install the CUDA toolkit, put nvcc on the PATH and build again");
        say("device", "cpu, since CUDA is not built in");
    } else if (cuda.devices == 0) {
        say("cuda", "built in, but no GPU can be used: " + cuda.reason);
        say("device", "cpu, since no GPU can be used (nvidia-smi tells whether the driver runs)");
    } else {
        say("cuda", "built in; " + std::to_string(cuda.devices) + " device(s), the first is " + cuda.device);
        say("device",
            cuda.device + " renders, follows the subject and runs networks; the first matte is found on the cpu");
    }
}

void video() {
    say("ffmpeg", std::string("libavcodec ") + std::to_string(LIBAVCODEC_VERSION_MAJOR) + ", libavformat " +
                      std::to_string(LIBAVFORMAT_VERSION_MAJOR));
    const char* encoder = nullptr;
    for (const char* name : {"libx264", "libopenh264", "mpeg4"})
        if (!encoder && avcodec_find_encoder_by_name(name)) encoder = name;
    std::string text = encoder ? encoder : "none: videos cannot be written, only pictures";
    if (encoder && std::string(encoder) == "mpeg4")
        text += " (no H.264 encoder is built into FFmpeg: apt-get install libavcodec-extra)";
    say("encoder", text);
}

void cameras() {
    avdevice_register_all();
#if defined(__linux__)
    if (!av_find_input_format("v4l2")) say("camera", "not built into FFmpeg (apt-get install libavdevice-dev)");
    const std::vector<Camera> cameras = list_cameras();
    if (cameras.empty()) say("camera", "none connected (no /dev/video* that captures)");
    for (const Camera& camera : cameras) {
        const std::string holder = process_holding(camera.device);
        std::string text = camera.device + " " + camera.name;
        if (const std::optional<CameraMode> mode = choose_mode(camera.modes, {1280, 720}, 30)) {
            char numbers[64];
            std::snprintf(numbers, sizeof numbers, ", %d x %d at %.0f fps as ", mode->size.width, mode->size.height,
                          mode->fps);
            text += numbers + mode->format;
        }
        say("camera", text + (holder.empty() ? "" : ", busy: used by " + holder));
    }
#else
    say("camera", "through FFmpeg's devices");
#endif
}
}  // namespace

int doctor() {
    say("cinebokeh", CINEBOKEH_VERSION_STRING);
    processor();
    device();
    video();
    cameras();
    return 0;
}
}  // namespace cinebokeh::demo
