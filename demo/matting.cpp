#include "matting.hpp"

#include "cinebokeh/pipeline/memory_tracker.hpp"
#include "cinebokeh/pipeline/subject_finder.hpp"
#include "cinebokeh/pipeline/template_tracker.hpp"

namespace cinebokeh::demo {

struct Matting::Tracker {
    virtual ~Tracker() = default;
    virtual void start(HostImage<const Rgba8> frame, HostImage<const float> matte) = 0;
    virtual bool track(HostImage<const Rgba8> frame, HostImage<float> matte) = 0;
};

template <class Kind>
struct Matting::TrackerOf : Tracker {
    Kind tracker;
    TrackerOf(Cpu& exec, Size size) : tracker(exec, size) {}
    void start(HostImage<const Rgba8> frame, HostImage<const float> matte) override { tracker.start(frame, matte); }
    bool track(HostImage<const Rgba8> frame, HostImage<float> matte) override { return tracker.track(frame, matte); }
};

Matting::Matting(Cpu& exec, Size size, TrackerKind tracker) : exec_(exec), size_(size), kind_(tracker) {}
Matting::~Matting() = default;

void Matting::find(HostImage<const Rgba8> frame, HostImage<const uint8_t> strokes, HostImage<float> matte) {
    SubjectFinder(exec_, size_).find(frame, strokes, matte);
}

void Matting::find_auto(HostImage<const Rgba8> frame, HostImage<float> matte) {
    SubjectFinder(exec_, size_).find_auto(frame, matte);
}

void Matting::start(HostImage<const Rgba8> frame, HostImage<const float> matte) {
    if (kind_ == TrackerKind::memory) tracker_ = std::make_unique<TrackerOf<MemoryTracker<Cpu>>>(exec_, size_);
    if (kind_ == TrackerKind::seed) tracker_ = std::make_unique<TrackerOf<TemplateTracker<Cpu>>>(exec_, size_);
    tracker_->start(frame, matte);
}

bool Matting::track(HostImage<const Rgba8> frame, HostImage<float> matte) {
    require(tracker_ != nullptr, "Matting: track before start");
    return tracker_->track(frame, matte);
}
}  // namespace cinebokeh::demo
