// The third stage of the live pipeline, on a thread of its own: the rendering of each frame, which then goes to the
// display and to the outputs.
#include "pipeline.hpp"

namespace cinebokeh::demo {

void LivePipeline::render_frames() {
    while (!stop_) {
        FramePointer frame = next_to_render();
        if (!frame) continue;
        std::vector<std::shared_ptr<LiveOutput>> outputs;
        {
            std::lock_guard lock(mutex_);
            outputs = outputs_;
        }
        frame->whole_on_host = !shows_from_gpu_ || !outputs.empty();
        try {
            render(frame);
        } catch (const std::exception& error) {
            tell(Teller::render, error.what());
            times_.add_dropped();
            frame->under_way.reset();  // others may still hold the frame
            continue;
        }
        rendered_ = frame;
        for (const auto& output : outputs) output->take(frame);
        const std::shared_ptr<void> arrived = std::move(frame->under_way);  // after it is in the box
        if (to_display_.put(frame)) times_.add_dropped();
        std::lock_guard lock(mutex_);
        if (arrived_) arrived_();
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
    next->inputs.matte.reset();
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
    StageClock time(frame->times.ms[size_t(LiveStage::render)]);
    frame->frame.result.resize(frame->frame.size.area());
    render_->measure(settings, *frame);
    pull_focus(*frame, settings);
    render_->render(settings, *frame);
    tell(Teller::render, "");
    std::lock_guard lock(mutex_);
    renderer_ = render_->renderer();
}
}  // namespace cinebokeh::demo
