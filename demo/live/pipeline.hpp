// The live pipeline: capture, subject and rendering, each on a thread of its own, with a box for one frame between
// them in which the newest wins. Nobody waits for a slower stage, so latency is bounded by the stages themselves.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "capture.hpp"
#include "engine.hpp"
#include "focus_ring.hpp"
#include "mailbox.hpp"
#include "recording.hpp"
#include "track_editor.hpp"

namespace cinebokeh::demo {

/// Takes finished frames, on the thread of the rendering, and must not wait long.
class LiveOutput {
public:
    virtual ~LiveOutput() = default;
    virtual void take(const SharedFrame& frame) = 0;
};

class LivePipeline {
public:
    /// Opens the source and starts the threads. Throws Error where the source cannot be opened.
    LivePipeline(const CaptureParams& capture, EngineParams engine, const LiveSettings& settings);
    ~LivePipeline();
    LivePipeline(const LivePipeline&) = delete;
    LivePipeline& operator=(const LivePipeline&) = delete;

    /// The newest finished frame that was not taken yet, or none; waits for one up to `patience`.
    SharedFrame newest(std::chrono::milliseconds patience = std::chrono::milliseconds(0));
    /// `arrived` is called, on the thread of the rendering, when newest() has something new.
    void on_newest(std::function<void()> arrived);
    /// To be called when a frame is on the display, with what showing it took.
    void shown(const LiveFrame& frame, float display_ms);

    /// Takes effect from the next frame on; while paused, the newest frame is rendered again.
    void set(const LiveSettings& settings);
    LiveSettings settings() const;
    void pause(bool on) { capture_.pause(on); }
    bool paused() const { return capture_.paused(); }

    /// Finds the subject again: from strokes on the newest frame (1 = subject, 2 = background), or without them.
    /// A preview, while a stroke is drawn, shows the subject on the frozen frame and does not begin to follow it.
    void find_subject(std::vector<uint8_t> strokes = {}, bool preview = false);
    /// A wish to find the subject is not fulfilled yet.
    bool finding() const;
    /// Moves the focus to a distance in metres, as the settings of the rack say.
    void rack_to(float distance);

    /// Shows a recording with the focus of a track, in the units of the recording; none: as the settings say.
    void follow_track(std::optional<RecordedFocus> track);

    /// The display takes pictures of the GPU: results come to the host only where an output wants them.
    void show_from_gpu() { shows_from_gpu_ = true; }
    void add_output(std::shared_ptr<LiveOutput> output);
    void remove_output(const LiveOutput* output);

    const SourceInfo& info() const { return capture_.info(); }
    const StageTimes& times() const { return times_; }
    int quality_step() const;
    std::string renderer() const;  // what made the newest result
    std::string subject_device() const { return subject_->device(); }
    /// Where the matte comes from now, which is not what was asked for where that cannot be, and how it is computed.
    LiveSubject subject_in_use() const;
    std::string subject_method() const;
    std::string render_device() const { return render_->device(); }
    /// What the user should know now; empty where all is well.
    std::string message() const;
    /// The source has ended, and every frame of it was shown, dropped, or is ready to be taken.
    bool ended() const { return capture_.ended() && under_way_.use_count() == 1; }
    long captured() const { return capture_.captured(); }
    long lost_frames() const { return lost_; }
    /// How often the camera fell silent; see Capture.
    long stalls() const { return capture_.stalls(); }
    /// Seconds since the start.
    double now() const;

private:
    static constexpr std::chrono::milliseconds tick{20};  // how soon a stage without frames notices a wish
    enum class Teller { capture, network, subject, render, count };
    struct Matte {
        int index = -1;
        bool lost = false;
        std::vector<float> alpha;
        std::vector<Rgba8> view;  // of the subject, with
        LiveView viewed = LiveView::result;
        std::string note;
    };

    struct Wish {  // to find the subject
        std::vector<uint8_t> strokes;
        bool preview = false;
    };

    void captured_frame(FramePointer frame);
    void follow_subject();
    void subject_of(LiveFrame& frame);
    bool find_people(LiveFrame& frame);
    bool find_in(LiveFrame& frame, const Wish& wish);
    void follow_in(LiveFrame& frame, const std::optional<Wish>& wish);
    void draw_subject(LiveFrame& frame, LiveView view);
    void set_method(LiveSubject subject, const std::string& method);
    void apply_quality();
    void render_frames();
    FramePointer next_to_render();
    FramePointer release_held_back();
    FramePointer copy_of(const LiveFrame& frame);
    void render(const FramePointer& frame);
    void pull_focus(LiveFrame& frame, const LiveSettings& settings);
    void tell(Teller who, const std::string& text);

    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    mutable std::mutex mutex_;  // of all up to the boxes
    LiveSettings settings_;
    Governor governor_;
    FocusRing focus_;
    std::optional<Wish> wanted_;
    bool finding_ = false;
    std::array<std::string, size_t(Teller::count)> messages_;
    std::vector<std::shared_ptr<LiveOutput>> outputs_;
    std::function<void()> arrived_;
    Matte newest_matte_;
    LiveSubject subject_in_use_ = LiveSubject::automatic;
    std::string subject_method_, renderer_;
    std::optional<RecordedFocus> track_;
    bool render_again_ = false;

    StageTimes times_;
    FramePool pool_;
    std::unique_ptr<SubjectEngine> subject_;
    std::unique_ptr<RenderEngine> render_;
    Mailbox<FramePointer> to_subject_, to_render_;
    Mailbox<SharedFrame> to_display_;
    std::atomic<bool> stop_{false}, shows_from_gpu_{false};
    std::atomic<long> lost_{0};
    std::shared_ptr<void> under_way_ = std::make_shared<int>();  // held by each frame until it is shown or dropped

    // Of the thread of the subject.
    FramePointer newest_subject_;  // the frame before
    bool following_ = false;
    int tried_at_ = -1000, applied_quality_ = -1;

    // Of the thread of the rendering.
    std::deque<FramePointer> held_back_;
    FramePointer rendered_;

    Capture capture_;
    std::thread subject_thread_, render_thread_;
};
}  // namespace cinebokeh::demo
