// Finding and following the subject of live frames: on the CPU, but for the network that finds people.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "cinebokeh/morphology.hpp"
#include "engine.hpp"
#include "matting.hpp"
#include "people_finder.hpp"
#include "template_view.hpp"

namespace cinebokeh::demo {
namespace {
class SubjectOnCpu : public SubjectEngine {
public:
    explicit SubjectOnCpu(const EngineParams& params)
        : cpu_(params.threads),
          size_(params.size),
          matting_(cpu_, size_, TrackerKind::memory),
          network_options_(params.network),
          network_on_cuda_(params.cuda),
          response_(cpu_, size_),
          last_(cpu_, size_),
          moved_(cpu_, size_) {}

    void find(HostImage<const Rgba8> picture, HostImage<const uint8_t> strokes, HostImage<float> matte) override {
        if (strokes.data)
            matting_.find(picture, strokes, matte);
        else
            matting_.find_auto(picture, matte);
    }

    void start(HostImage<const Rgba8> picture, HostImage<const float> matte) override {
        matting_.start(picture, matte);
        smooth_from_ = false;
    }

    bool track(HostImage<const Rgba8> picture, HostImage<float> matte) override {
        device_ = "cpu";
        return matting_.track(picture, matte);
    }

    bool find_people(HostImage<const Rgba8> picture, HostImage<float> matte, FrameOnGpu& on_gpu) override {
        if (!network_ && pictures_without_network_++ % 100 == 0) open_network();
        if (!network_) return false;
        device_ = network_->device();
        network_->find(picture, matte, on_gpu);
        return true;
    }
    std::string network_problem() const override { return network_problem_; }
    std::string network() const override { return network_ ? network_->description() : ""; }

    std::string draw(LiveView view, HostImage<const Rgba8> picture, HostImage<Rgba8> out) override {
        const TemplateBank<Cpu>* looks = matting_.looks();
        require(looks && looks->count() > 0, "the subject is not followed: there are no templates of it");
        if (view == LiveView::templates) return draw_templates(cpu_, *looks, out);
        return response_.draw(picture, *looks, out);
    }

    bool finish(const LiveSettings& settings, HostImage<float> matte) override {
        shift_edge(settings.edge_shift, matte);
        const bool smooths = settings.smoothing > 0 && smooth_from_;
        if (smooths) for_each_pixel(cpu_, size_, Blend{last_.view(), settings.smoothing, matte});
        smooth_from_ = settings.smoothing > 0;
        if (smooth_from_) copy(cpu_, matte, last_.view());
        return smooths || settings.edge_shift != 0;
    }

    void set_quality(const Quality& quality) override {
        const double aspect = double(size_.width) / size_.height;
        matting_.set_working_pixels(int(std::lround(quality.working_height * quality.working_height * aspect)));
        network_options_.downsample_ratio =
            std::min(1.0, double(quality.network_side) / std::max(size_.width, size_.height));
        if (network_) network_->set_downsample_ratio(network_options_.downsample_ratio);
    }

    std::string device() const override { return device_.load(); }

private:
    struct Blend {
        HostImage<const float> last;
        float share;
        HostImage<float> matte;
        void operator()(int x, int y) const { matte(x, y) += share * (last(x, y) - matte(x, y)); }
    };

    void open_network() {
        try {
            const std::string weights = find_weights(network_options_);
            network_problem_ = weights.empty() ? no_weights : "";
            if (weights.empty()) return;
#if defined(CINEBOKEH_DEMO_CUDA)
            if (network_on_cuda_) network_ = make_people_finder_cuda(cpu_, network_options_, weights, size_);
#endif
            if (!network_) network_ = make_people_finder_cpu(cpu_, network_options_, weights, size_);
        } catch (const Error& error) {
            network_problem_ = error.what();
        }
    }

    void shift_edge(float shift, HostImage<float> matte) {
        if (shift == 0) return;
        if (!edge_ || shift != edge_shift_) edge_.emplace(cpu_, size_, std::abs(shift)), edge_shift_ = shift;
        if (shift > 0)
            edge_->dilate(matte, moved_.view());
        else
            edge_->erode(matte, moved_.view());
        copy(cpu_, moved_.view(), matte);
    }

    Cpu cpu_;
    Size size_;
    Matting matting_;
    NetworkOptions network_options_;
    [[maybe_unused]] bool network_on_cuda_;
    std::unique_ptr<PeopleFinder> network_;
    std::string network_problem_;
    int pictures_without_network_ = 0;
    ResponseMap response_;
    std::optional<Morphology<float, Cpu>> edge_;
    float edge_shift_ = 0;
    Buffer<float, Cpu> last_, moved_;
    bool smooth_from_ = false;                // there is a last matte
    std::atomic<const char*> device_{"cpu"};  // that made the last matte; asked for by other threads
};
}  // namespace

std::unique_ptr<SubjectEngine> make_subject_engine(const EngineParams& params) {
    return std::make_unique<SubjectOnCpu>(params);
}
}  // namespace cinebokeh::demo
