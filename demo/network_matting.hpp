// Mattes from a neural network, on the executor that it is given. Behind a pointer: the network is compiled once for
// each backend, in network_matting.cpp and network_matting_cuda.cu.
#pragma once
#include <memory>
#include <string>

#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::demo {

/// How a matte of the network comes to the resolution of the frame: as published, or by RvmUpsampling::colour, which
/// is better than the filter without learned numbers; `automatic` leaves a learned one alone.
enum class MatteUpsampling { automatic, published, colour };

struct NetworkOptions {
    std::string weights;          // file; empty: in the user's cache
    double downsample_ratio = 0;  // 0: by the size of the frame
    MatteUpsampling upsampling = MatteUpsampling::automatic;
    int repeat = 1;           // times that each frame is given to the network
    bool reset_each = false;  // forget the frame before: for stills
};

/// What to say where there are none.
inline constexpr const char* no_weights =
    "there are no weights of Robust Video Matting on this machine; to fetch them, type: cinebokeh weights get rvm";

/// The file of the weights; empty where none was given and there is none in the cache. Throws Error where the given
/// file does not exist.
std::string find_weights(const NetworkOptions& options);

/// Robust Video Matting over the frames of a video, which may change their size. It begins anew at scene cuts.
///
/// Its alpha alone: with its foreground, composites of bench/matte_table.py's sixteen videos of people over white and
/// black are off by 14.9 and 18.6 codes where alpha is neither 0 nor 1, with the colours that BackgroundReplacement
/// estimates by 14.8 and 17.9.
template <class Exec>
class NetworkMatting {
public:
    /// `cpu` looks for scene cuts; it may be `exec` itself. Both must outlive this. Throws Error where the weights are
    /// not good.
    NetworkMatting(Exec& exec, Cpu& cpu, const NetworkOptions& options, const std::string& weights, Size size);
    ~NetworkMatting();

    /// `picture` is the frame in the memory of the host, `frame` in that of the executor. Asynchronous on Cuda.
    void matte(HostImage<const Rgba8> picture, View<const Rgba8, Exec> frame, View<float, Exec> matte);

    /// Works on the frame times this from the next one on, which begins anew where that is a change; 0: by its size.
    void set_downsample_ratio(double ratio);
    /// What computes, for people: network, device, storage, base size.
    std::string description() const;
    int scene_cuts() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};
}  // namespace cinebokeh::demo
