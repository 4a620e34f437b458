// The second stage of the live pipeline, on a thread of its own: the subject of each frame.
#include <algorithm>

#include "cinebokeh/core/error.hpp"
#include "pipeline.hpp"

namespace cinebokeh::demo {
namespace {
constexpr int frames_between_tries = 15;  // to find a subject where there was none
bool is_of_subject(LiveView view) { return view == LiveView::templates || view == LiveView::response; }
}  // namespace

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
            StageClock time(work.times.ms[size_t(LiveStage::subject)]);
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
    if (subject_->finish(settings, matte)) frame.inputs.matte.reset();
}

bool LivePipeline::find_people(LiveFrame& frame) {
    const HostImage<float> matte{frame.frame.matte.data(), frame.frame.size};
    if (!subject_->find_people(frame.frame.picture(), matte, frame.inputs)) {
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
}  // namespace cinebokeh::demo
