#include "pipeline.hpp"

#include <algorithm>

#include "cinebokeh/core/error.hpp"
#include "signals.hpp"

namespace cinebokeh::demo {
namespace {
constexpr int most_under_way = 3;  // frames of a file; more would only wait
}  // namespace

LivePipeline::LivePipeline(const CaptureParams& capture, EngineParams engine, const LiveSettings& settings)
    : settings_(settings), governor_(settings.target_fps), focus_(settings.focus_distance), capture_(capture) {
    governor_.pin(settings.pinned_quality);
    engine.size = capture_.info().size;
    subject_ = make_subject_engine(engine);
#if defined(CINEBOKEH_DEMO_CUDA)
    if (engine.cuda) render_ = make_render_engine_cuda(engine);
#endif
    if (!render_) render_ = make_render_engine_cpu(engine);
    subject_thread_ = std::thread([this] { follow_subject(); });
    render_thread_ = std::thread([this] { render_frames(); });
    capture_.start(
        start_, [this] { return !this->settings().match || under_way_.use_count() - 1 < most_under_way; },
        [this](FramePointer frame) { captured_frame(std::move(frame)); },
        [this](const std::string& text) { tell(Teller::capture, text); });
}

LivePipeline::~LivePipeline() {
    stop_ = true;
    capture_.stop();
    to_subject_.close(), to_render_.close(), to_display_.close();
    subject_thread_.join(), render_thread_.join();
}

double LivePipeline::now() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

SharedFrame LivePipeline::newest(std::chrono::milliseconds patience) {
    return (patience.count() > 0 ? to_display_.wait(patience) : to_display_.take()).value_or(nullptr);
}

void LivePipeline::on_newest(std::function<void()> arrived) {
    std::lock_guard lock(mutex_);
    arrived_ = std::move(arrived);
}

void LivePipeline::shown(const LiveFrame& frame, float display_ms) {
    FrameTimes times = frame.times;
    times.ms[size_t(LiveStage::display)] = display_ms;
    times.shown_at = now();
    times.latency_ms = float((times.shown_at - frame.captured_at) * 1000);
    times_.add(times);
    const float slowest = std::max(times.ms[size_t(LiveStage::subject)], times.ms[size_t(LiveStage::render)]);
    std::lock_guard lock(mutex_);
    governor_.frame(times.shown_at, slowest);
}

void LivePipeline::set(const LiveSettings& settings) {
    std::lock_guard lock(mutex_);
    if (settings.pinned_quality != settings_.pinned_quality) governor_.pin(settings.pinned_quality);
    governor_.set_target(settings.target_fps);
    settings_ = settings;
    render_again_ = true;
}

LiveSettings LivePipeline::settings() const {
    std::lock_guard lock(mutex_);
    return settings_;
}

void LivePipeline::find_subject(std::vector<uint8_t> strokes, bool preview) {
    std::lock_guard lock(mutex_);
    wanted_ = Wish{std::move(strokes), preview};
    finding_ = true;
}

bool LivePipeline::finding() const {
    std::lock_guard lock(mutex_);
    return finding_;
}

void LivePipeline::rack_to(float distance) {
    std::lock_guard lock(mutex_);
    settings_.focus_distance = distance;
    settings_.focus_on_subject = false;
    focus_.rack(distance, now(), settings_.rack_seconds, settings_.easing);
    render_again_ = true;
}

void LivePipeline::add_output(std::shared_ptr<LiveOutput> output) {
    std::lock_guard lock(mutex_);
    outputs_.push_back(std::move(output));
}

void LivePipeline::remove_output(const LiveOutput* output) {
    std::lock_guard lock(mutex_);
    std::erase_if(outputs_, [&](const auto& held) { return held.get() == output; });
}

std::string LivePipeline::renderer() const {
    std::lock_guard lock(mutex_);
    return renderer_;
}
int LivePipeline::quality_step() const {
    std::lock_guard lock(mutex_);
    return governor_.step();
}

std::string LivePipeline::message() const {
    if (capture_.stalled_for() > 0) return info().name + " delivers no pictures: waiting for it";
    std::lock_guard lock(mutex_);
    for (const std::string& message : messages_)
        if (!message.empty()) return message;
    return {};
}

void LivePipeline::tell(Teller who, const std::string& text) {
    std::lock_guard lock(mutex_);
    messages_[size_t(who)] = text;
}

LiveSubject LivePipeline::subject_in_use() const {
    std::lock_guard lock(mutex_);
    return subject_in_use_;
}

std::string LivePipeline::subject_method() const {
    std::lock_guard lock(mutex_);
    return subject_method_;
}

void LivePipeline::set_method(LiveSubject subject, const std::string& method) {
    std::lock_guard lock(mutex_);
    subject_in_use_ = subject, subject_method_ = method;
}

void LivePipeline::follow_track(std::optional<RecordedFocus> track) {
    std::lock_guard lock(mutex_);
    track_ = std::move(track);
    render_again_ = true;
}

// Where pictures wait for their own mattes, a frame goes through both stages; else each stage takes the newest.
void LivePipeline::captured_frame(FramePointer frame) {
    if (!frame) return times_.add_dropped();
    frame->under_way = under_way_;
    if (!settings().match) {
        FramePointer copy = copy_of(*frame);
        to_subject_.put(std::move(copy));
        if (to_render_.put(std::move(frame))) times_.add_dropped();
    } else if (to_subject_.put(std::move(frame))) {
        times_.add_dropped();
    }
}

FramePointer LivePipeline::copy_of(const LiveFrame& frame) {
    FramePointer copy = pool_.take();
    Frame& to = copy->frame;
    to.size = frame.frame.size;
    to.pixels = frame.frame.pixels, to.matte = frame.frame.matte, to.given_matte = frame.frame.given_matte;
    to.disparity = frame.frame.disparity;
    to.time = frame.frame.time, to.index = frame.frame.index;
    copy->captured_at = frame.captured_at, copy->times = frame.times, copy->lost = frame.lost;
    copy->of_subject = frame.of_subject, copy->of_subject_viewed = frame.of_subject_viewed;
    copy->of_subject_note = frame.of_subject_note;
    return copy;
}
}  // namespace cinebokeh::demo
