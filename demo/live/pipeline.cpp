#include "pipeline.hpp"

#include <algorithm>

#include "cinebokeh/core/error.hpp"
#include "signals.hpp"

namespace cinebokeh::demo {
namespace {
constexpr auto tick = std::chrono::milliseconds(20);  // how soon a stage without frames notices a wish
constexpr int most_under_way = 3;                     // frames of a file; more would only wait
constexpr int frames_between_tries = 15;              // to find a subject where there was none
bool is_of_subject(LiveView view) { return view == LiveView::templates || view == LiveView::response; }

struct Stopped {
    float& ms;
    Stopwatch watch;
    explicit Stopped(float& where) : ms(where) {}
    ~Stopped() { ms = float(watch.ms()); }
};
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

// ---- the subject

void LivePipeline::follow_subject() {
    while (!stop_) {
        // No matte is computed that would not be shown.
        if (settings().match && !paused() && !to_render_.wait_room(tick)) continue;
        std::optional<FramePointer> frame = to_subject_.wait(tick);
        bool wish;
        LiveView view;
        {
            std::lock_guard lock(mutex_);
            wish = wanted_.has_value();
            view = settings_.view;
        }
        bool only_draw = false;
        if (!frame && paused() && newest_subject_) {  // frozen: look again, in the way that was asked for
            only_draw = !wish && is_of_subject(view) && newest_subject_->of_subject_viewed != view;
            if (wish || only_draw) frame = copy_of(*newest_subject_);
        }
        if (!frame) continue;
        LiveFrame& work = **frame;
        work.frame.matte.resize(work.frame.size.area());
        try {
            Stopped time(work.times.ms[size_t(LiveStage::subject)]);
            if (!only_draw) subject_of(work);
            draw_subject(work, view);
        } catch (const std::exception& error) {
            tell(Teller::subject, error.what());
            std::fill(work.frame.matte.begin(), work.frame.matte.end(), 0.f);
            following_ = false;
        }
        {
            std::lock_guard lock(mutex_);
            finding_ = wanted_.has_value();
        }
        newest_subject_ = *frame;
        const bool match = settings().match;
        if (!match) {
            std::lock_guard lock(mutex_);
            newest_matte_ = {work.frame.index,       work.lost,           work.frame.matte, work.of_subject,
                             work.of_subject_viewed, work.of_subject_note};
        }
        if (match || paused()) {
            if (to_render_.put(*frame)) times_.add_dropped();
        }
    }
}

void LivePipeline::subject_of(LiveFrame& frame) {
    std::optional<Wish> wish;
    LiveSettings settings;
    {
        std::lock_guard lock(mutex_);
        wish = std::exchange(wanted_, std::nullopt);
        settings = settings_;
    }
    const HostImage<float> matte{frame.frame.matte.data(), frame.frame.size};
    frame.lost = false;
    if (settings.subject == LiveSubject::truth && !frame.frame.given_matte.empty()) {
        frame.frame.matte = frame.frame.given_matte;
        following_ = false;
        set_method(LiveSubject::truth, "the source's own matte");
    } else {
        apply_quality();
        const bool people = settings.subject == LiveSubject::network && find_people(frame);
        if (settings.subject != LiveSubject::network) tell(Teller::network, "");
        if (!people) follow_in(frame, wish);
    }
    subject_->finish(settings, matte);
}

bool LivePipeline::find_people(LiveFrame& frame) {
    const HostImage<float> matte{frame.frame.matte.data(), frame.frame.size};
    if (!subject_->find_people(frame.frame.picture(), matte)) {
        tell(Teller::network, subject_->network_problem() + " (the subject is found and followed without them)");
        return false;
    }
    tell(Teller::network, "");
    following_ = false;
    set_method(LiveSubject::network, subject_->network());
    return true;
}

void LivePipeline::follow_in(LiveFrame& frame, const std::optional<Wish>& wish) {
    const HostImage<float> matte{frame.frame.matte.data(), frame.frame.size};
    const bool try_again = !following_ && frame.frame.index - tried_at_ >= frames_between_tries;
    bool found = following_;
    if (wish || try_again) {
        tried_at_ = frame.frame.index;
        found = find_in(frame, wish.value_or(Wish{}));
        following_ = found && !(wish && wish->preview);
    } else if (following_) {
        frame.lost = !subject_->track(frame.frame.picture(), matte);
        if (frame.lost) ++lost_;
    }
    if (!found) std::fill(frame.frame.matte.begin(), frame.frame.matte.end(), 0.f);
    const bool marked = settings().subject == LiveSubject::scribbles;
    set_method(marked ? LiveSubject::scribbles : LiveSubject::automatic,
               "followed at " + std::to_string(qualities[size_t(applied_quality_)].working_height) + " rows");
}

// The views that only this side can draw.
void LivePipeline::draw_subject(LiveFrame& frame, LiveView view) {
    frame.of_subject_viewed = view;
    frame.of_subject.clear(), frame.of_subject_note.clear();
    if (!is_of_subject(view)) return;
    if (!following_) {
        const bool found_elsewhere = subject_in_use() == LiveSubject::network || subject_in_use() == LiveSubject::truth;
        frame.of_subject_note = found_elsewhere
                                    ? "no templates: the matte comes from elsewhere (" + subject_method() + ")"
                                    : "no templates: there is no subject yet";
        return;
    }
    frame.of_subject.resize(frame.frame.size.area());
    frame.of_subject_note = subject_->draw(view, frame.frame.picture(), {frame.of_subject.data(), frame.frame.size});
}

bool LivePipeline::find_in(LiveFrame& frame, const Wish& wish) {
    const HostImage<float> matte{frame.frame.matte.data(), frame.frame.size};
    const HostImage<const uint8_t> marks = wish.strokes.size() == frame.frame.size.area()
                                               ? HostImage<const uint8_t>{wish.strokes.data(), frame.frame.size}
                                               : HostImage<const uint8_t>{};
    try {
        subject_->find(frame.frame.picture(), marks, matte);
        if (!wish.preview) subject_->start(frame.frame.picture(), matte);
    } catch (const Error&) {
        tell(Teller::subject,
             "no subject was found: mark it with the brush (b), or step into the middle of the picture");
        return false;
    }
    tell(Teller::subject, "");
    return true;
}

// Another working resolution begins with what is known of the subject now.
void LivePipeline::apply_quality() {
    Quality quality;
    {
        std::lock_guard lock(mutex_);
        if (governor_.step() == applied_quality_) return;
        applied_quality_ = governor_.step();
        quality = governor_.quality();
    }
    subject_->set_quality(quality);
    if (following_ && newest_subject_)
        subject_->start(newest_subject_->frame.picture(), newest_subject_->frame.matte_view());
}

// ---- the rendering

void LivePipeline::render_frames() {
    while (!stop_) {
        FramePointer frame = next_to_render();
        if (!frame) continue;
        try {
            render(frame);
        } catch (const std::exception& error) {
            tell(Teller::render, error.what());
            times_.add_dropped();
            frame->under_way.reset();  // others may still hold the frame
            continue;
        }
        rendered_ = frame;
        std::vector<std::shared_ptr<LiveOutput>> outputs;
        {
            std::lock_guard lock(mutex_);
            outputs = outputs_;
        }
        for (const auto& output : outputs) output->take(frame);
        const std::shared_ptr<void> arrived = std::move(frame->under_way);  // after it is in the box
        if (to_display_.put(frame)) times_.add_dropped();
    }
}

FramePointer LivePipeline::next_to_render() {
    std::optional<FramePointer> frame = to_render_.wait(tick);
    if (!frame) {
        if (capture_.ended() && !held_back_.empty()) return release_held_back();
        std::lock_guard lock(mutex_);
        if (!rendered_ || !paused() || !(render_again_ || focus_.moving(now()))) return nullptr;
        render_again_ = false;
        return copy_of(*rendered_);
    }
    const LiveSettings settings = this->settings();
    if (settings.match || paused()) return *frame;
    held_back_.push_back(std::move(*frame));
    if (held_back_.size() <= size_t(settings.delay)) return nullptr;
    while (held_back_.size() > size_t(settings.delay) + 1) held_back_.pop_front();
    return release_held_back();
}

// The oldest picture that was held back, with the newest matte there is.
FramePointer LivePipeline::release_held_back() {
    FramePointer next = std::move(held_back_.front());
    held_back_.pop_front();
    std::lock_guard lock(mutex_);
    next->frame.matte = newest_matte_.alpha;
    next->frame.matte.resize(next->frame.size.area());
    next->lost = newest_matte_.lost;
    next->of_subject = newest_matte_.view, next->of_subject_viewed = newest_matte_.viewed;
    next->of_subject_note = newest_matte_.note;
    return next;
}

void LivePipeline::pull_focus(LiveFrame& frame, const LiveSettings& settings) {
    const double time = now();
    std::lock_guard lock(mutex_);
    if (track_) {
        const TimeBase& unit = capture_.info().time_base;
        const bool with_disparity = capture_.info().has_disparity;
        RecordedScale::of(with_disparity, frame.focus)
            .from(track_->at(double(frame.frame.time) * unit.num / unit.den, frame.frame.size.width), frame.focus);
        return;
    }
    frame.focus.strength = 0;  // as the lens has it
    if (settings.focus_on_subject)
        focus_.follow(frame.focus.distance, time);
    else if (focus_.target() != settings.focus_distance)  // the slider was moved
        focus_.rack(settings.focus_distance, time, 0, LiveEasing::linear);
    frame.focus.distance = focus_.at(time);
}

void LivePipeline::render(const FramePointer& frame) {
    const LiveSettings settings = this->settings();
    {
        std::lock_guard lock(mutex_);
        render_->set_quality(governor_.quality());
    }
    Stopped time(frame->times.ms[size_t(LiveStage::render)]);
    frame->frame.result.resize(frame->frame.size.area());
    render_->measure(settings, *frame);
    pull_focus(*frame, settings);
    render_->render(settings, *frame);
    tell(Teller::render, "");
    std::lock_guard lock(mutex_);
    renderer_ = render_->renderer();
}
}  // namespace cinebokeh::demo
