#include "matting.hpp"

#include <cmath>
#include <vector>

#include "cinebokeh/guided_filter.hpp"
#include "cinebokeh/pipeline/memory_tracker.hpp"
#include "cinebokeh/pipeline/subject_finder.hpp"
#include "cinebokeh/pipeline/template_tracker.hpp"
#include "cinebokeh/resize.hpp"

namespace cinebokeh::demo {

struct Matting::Tracker {
    virtual ~Tracker() = default;
    virtual void start(HostImage<const Rgba8> frame, HostImage<const float> matte) = 0;
    virtual bool track(HostImage<const Rgba8> frame, HostImage<float> matte) = 0;
    virtual const TemplateBank<Cpu>* looks() const { return nullptr; }
};

template <class Kind>
struct Matting::TrackerOf : Tracker {
    Kind tracker;
    template <class Params>
    TrackerOf(Cpu& exec, Size size, const Params& params) : tracker(exec, size, params) {}
    void start(HostImage<const Rgba8> frame, HostImage<const float> matte) override { tracker.start(frame, matte); }
    bool track(HostImage<const Rgba8> frame, HostImage<float> matte) override { return tracker.track(frame, matte); }
    const TemplateBank<Cpu>* looks() const override {
        if constexpr (std::is_same_v<Kind, MemoryTracker<Cpu>>)
            return &tracker.looks();
        else
            return nullptr;
    }
};

Matting::Matting(Cpu& exec, Size size, TrackerKind tracker) : exec_(exec), size_(size), kind_(tracker) {}
Matting::~Matting() = default;

namespace {
// A stroke must not vanish where the frame is reduced: a pixel takes the last label under it.
std::vector<uint8_t> reduced(HostImage<const uint8_t> strokes, Size small, int step) {
    std::vector<uint8_t> labels(small.area(), 0);
    for (int y = 0; y < strokes.size.height; ++y)
        for (int x = 0; x < strokes.size.width; ++x)
            if (strokes(x, y)) labels[size_t(y / step) * size_t(small.width) + size_t(x / step)] = strokes(x, y);
    return labels;
}
}  // namespace

void Matting::find(HostImage<const Rgba8> frame, HostImage<const uint8_t> strokes, HostImage<float> matte) {
    // Beyond two million pixels the outline is found in a smaller picture and laid on the edges of the large one.
    const double most = 1920 * 1080;
    const int step = int(std::ceil(std::sqrt(double(size_.area()) / most)));
    const auto solve = [&](HostImage<const Rgba8> in, HostImage<const uint8_t> marks, HostImage<float> out) {
        SubjectFinder finder(exec_, in.size);
        if (marks.data)
            finder.find(in, marks, out);
        else
            finder.find_auto(in, out);
    };
    if (step <= 1) return solve(frame, strokes, matte);
    const Size small{ceil_div(size_.width, step), ceil_div(size_.height, step)};
    Buffer<Rgba8, Cpu> small_frame(exec_, small);
    Buffer<float, Cpu> small_matte(exec_, small);
    resize<Rgba8>(exec_, frame, ResizeFilter::area, small_frame.view());
    std::vector<uint8_t> labels;
    if (strokes.data) labels = reduced(strokes, small, step);
    solve(small_frame.view(), strokes.data ? HostImage<const uint8_t>{labels.data(), small} : strokes,
          small_matte.view());
    resize<float>(exec_, small_matte.view(), ResizeFilter::bilinear, matte);
    GuidedFilter<Cpu> edges(exec_, size_,
                            {.radius = std::min(3 * step, 127), .epsilon = 25, .subsample = std::min(step, 64)});
    edges(frame, matte, matte);
}

void Matting::find_auto(HostImage<const Rgba8> frame, HostImage<float> matte) { find(frame, {}, matte); }

void Matting::start(HostImage<const Rgba8> frame, HostImage<const float> matte) {
    if (kind_ == TrackerKind::memory) {
        MemoryTrackerParams params;
        if (working_pixels_ > 0) params.working_pixels = working_pixels_;
        tracker_ = std::make_unique<TrackerOf<MemoryTracker<Cpu>>>(exec_, size_, params);
    } else {
        tracker_ = std::make_unique<TrackerOf<TemplateTracker<Cpu>>>(exec_, size_, TemplateTrackerParams{});
    }
    tracker_->start(frame, matte);
}

const TemplateBank<Cpu>* Matting::looks() const { return tracker_ ? tracker_->looks() : nullptr; }

bool Matting::track(HostImage<const Rgba8> frame, HostImage<float> matte) {
    require(tracker_ != nullptr, "Matting: track before start");
    return tracker_->track(frame, matte);
}
}  // namespace cinebokeh::demo
