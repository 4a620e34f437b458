// A frame through Robust Video Matting can be captured in a CUDA graph: it allocates nothing and waits for nothing, and
// what it remembers stays at the same place. The simulator counts; a device captures and replays.
#include "cinebokeh/nn/rvm.hpp"
#include "rvm_random.hpp"
#include "support.hpp"

using namespace cinebokeh;

#if defined(CUDA_EXECUTORS)
namespace {
// A network, the frame that it reads and the alpha that it writes, over a video of two frames.
template <class T, class Exec>
struct Video {
    static constexpr Size size{92, 58};
    Exec exec;
    Rvm<T, Exec> rvm;
    Buffer<Rgba8, Exec> frame, foreground;
    Buffer<float, Exec> alpha;
    std::vector<Rgba8> frames[2];

    // At a ratio below one the guided filter takes part.
    explicit Video(double ratio)
        : rvm(exec, random_rvm(RvmRefiner::deep_guided_filter), size, {.downsample_ratio = ratio}),
          frame(exec, size),
          foreground(exec, size),
          alpha(exec, size) {
        Random random(2);
        for (auto& pixels : frames) pixels = random_blocks(random, size);
        frame.upload(frames[0]);
        (*this)();  // a frame of a new size begins anew: not to be captured
        rvm.reset();
    }
    void operator()() { rvm(frame.view(), alpha.view(), foreground.view()); }
};
}  // namespace

#if defined(CINEBOKEH_SIM)
TEST_CASE_TEMPLATE("a frame on the device allocates nothing and waits for nothing", Exec, CUDA_EXECUTORS) {
    for (const double ratio : {1.0, 0.5}) {
        Video<Half, Exec> video(ratio);
        const sim::RuntimeCalls before = sim::runtime_calls;
        const long on_the_host = allocations_during([&] {
            video();
            video.rvm.reset();
            video();
        });
        CHECK(on_the_host == 0);
        CHECK(sim::runtime_calls.allocations == before.allocations);
        CHECK(sim::runtime_calls.synchronisations == before.synchronisations);
    }
}
TEST_CASE("the simulator counts what cannot be captured") {
    const sim::RuntimeCalls before = sim::runtime_calls;
    Cuda exec;
    const long made = sim::runtime_calls.allocations;
    CHECK(made == before.allocations + 1);  // its results
    Buffer<int, Cuda> buffer(exec, {3, 1}, {1, 2, 3});
    CHECK(sim::runtime_calls.allocations == made + 1);
    CHECK(sim::runtime_calls.synchronisations == before.synchronisations + 1);
    buffer.download();
    CHECK(sim::runtime_calls.synchronisations == before.synchronisations + 2);
}
#else
namespace {
class Graph {
public:
    // What `f` puts on the stream. In this mode a call of the runtime that could wait or allocate is an error.
    template <class F>
    Graph(Cuda& exec, const F& f) : stream_(exec.stream()) {
        CINEBOKEH_CUDA(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal));
        allocations = allocations_during(f);
        CINEBOKEH_CUDA(cudaStreamEndCapture(stream_, &graph_));
        CINEBOKEH_CUDA(cudaGraphInstantiate(&ready_, graph_, 0));
    }
    ~Graph() { cudaGraphExecDestroy(ready_), cudaGraphDestroy(graph_); }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;
    void replay() { CINEBOKEH_CUDA(cudaGraphLaunch(ready_, stream_)); }

    long allocations = 0;  // on the host, meanwhile

private:
    cudaStream_t stream_;
    cudaGraph_t graph_ = nullptr;
    cudaGraphExec_t ready_ = nullptr;
};
template <class T>
void check_replay(double ratio) {
    Video<T, Cuda> direct(ratio), replayed(ratio);
    Graph graph(replayed.exec, [&] { replayed(); });
    CHECK(graph.allocations == 0);
    for (int i = 0; i < 2; ++i) {  // the second frame depends on what is remembered of the first
        CAPTURE(i);
        direct.frame.upload(direct.frames[i]), replayed.frame.upload(direct.frames[i]);
        direct(), graph.replay();
        CHECK(replayed.alpha.download() == direct.alpha.download());
        CHECK(replayed.foreground.download() == direct.foreground.download());
    }
}
}  // namespace

TEST_CASE_TEMPLATE("a frame captured in a graph is replayed as it is called", Exec, CUDA_EXECUTORS) {
    static_assert(std::is_same_v<Exec, Cuda>);
    for (const double ratio : {1.0, 0.5}) {
        check_replay<float>(ratio);
        check_replay<Half>(ratio);
    }
}
#endif
#endif
