// The live demo as a person sees it: the picture with its overlays, the panels, the keys.
#pragma once
#include <future>
#include <memory>
#include <string>

#include "canvas_view.hpp"
#include "cinebokeh/autofocus.hpp"
#include "control_map.hpp"
#include "pipeline.hpp"
#include "recorder.hpp"
#include "strokes.hpp"
#include "track_editor.hpp"
#include "window.hpp"

namespace cinebokeh::demo {

struct AppParams {
    std::string record_parent = ".";  // folder in which recordings and screenshots are written
    std::string control_map;          // file; empty: none is written
    double seconds = 0;               // closes by itself after that; 0: never
    std::string recording;            // folder whose focus track is edited; empty: none
};

class App {
public:
    App(Window& window, LivePipeline& pipeline, const LiveSettings& settings, const AppParams& params);

    /// Runs until the window is closed.
    void run();
    const LiveSettings& settings() const { return settings_; }
    DisplayRoute route() const { return route_; }
    const InterfaceTimes& interface_times() const { return interface_; }

private:
    struct Layout {
        ImVec2 canvas_low, canvas_high, track_low, track_high, strip_low, strip_high, side_low, side_high;
    };
    struct Lane {  // of the timeline: disparities, or f-numbers
        bool of_focus;
        ImVec2 low, high;
    };
    static constexpr float side_width = 330, strip_height = 84, track_height = 190;

    // app.cpp
    void take_newest();
    void layout();
    void handle_keys();
    void handle_key(int key);
    void send_settings();
    void draw_message();
    void draw_help();
    void say(const std::string& text);
    void start_scribbling(bool on);
    void record(bool on);
    bool records_disparity() const;
    void save(const Picture& screenshot);
    void cycle_to(LiveView view);

    // app_canvas.cpp
    void draw_canvas();
    void draw_picture(ImDrawList& list, const Texture& texture, float from, float to);
    void draw_strokes(ImDrawList& list);
    void handle_canvas_mouse();
    void paint(Float2 pixel, bool inside);
    void drag_or_click();
    void draw_note();
    void describe_pixel(Float2 pixel);
    float distance_at(Float2 pixel);
    bool near_divider(Float2 canvas) const;

    // app_panels.cpp
    void draw_side();
    void draw_views();
    void draw_lens();
    void draw_aperture();
    void draw_scene();
    void draw_subject();
    void draw_background();
    void draw_output();
    void draw_quality();
    void draw_focus_strip();
    void draw_stage_plot();
    // app_timeline.cpp
    void draw_timeline();
    void draw_track_controls();
    void draw_lane(bool of_focus, float height);
    void draw_track(const Lane& lane);
    void edit_track(const Lane& lane);
    void delete_key();
    void track_changed();
    void render_again();
    void finish_rendering(bool wait);
    ImVec2 place_of(double time, float share, const Lane& lane) const;
    ImVec2 place_of_key(int index, const Lane& lane) const;
    float share_of(float value, const Lane& lane) const;  // of the height of the lane
    float value_of(float share, const Lane& lane) const;
    double track_seconds() const;

    bool slider(const char* name, float& value, float low, float high, const char* format, bool logarithmic = false);
    bool slider(const char* name, int& value, int low, int high);
    bool check(const char* name, bool& value);
    bool button(const char* name);
    template <class T>
    bool choice(const char* name, T& value, const std::vector<std::string>& names);

    Window& window_;
    LivePipeline& pipeline_;
    LiveSettings settings_;
    AppParams params_;
    Layout layout_;
    ControlMap controls_;
    CanvasView view_;
    Texture shown_, input_;
    std::unique_ptr<GpuDisplay> gpu_;  // after the textures: it lets go of them first
    DisplayRoute route_ = DisplayRoute::host;
    SharedFrame frame_;
    bool fresh_ = false, settings_changed_ = false;
    float upload_ms_ = 0;

    Cpu cpu_{1};
    Autofocus<Cpu> autofocus_{cpu_};
    Strokes strokes_;
    bool scribbling_ = false, painting_ = false, stroke_grew_ = false, was_paused_ = false;
    float brush_ = 8;
    bool dragging_ = false, moved_ = false, moving_divider_ = false;
    ImVec2 pressed_at_{};

    std::optional<TrackEditor> editor_;
    int selected_key_ = -1;
    bool dragging_key_ = false;
    float track_low_ = -0.1f, track_high_ = 1.1f;  // disparities at the bottom and the top of the timeline
    std::future<std::string> rendering_;           // what to say when it is done

    std::shared_ptr<Recorder> recorder_;
    double recording_since_ = 0;
    bool help_ = false;
    std::string said_;
    double said_until_ = 0;
    bool screenshot_ = false;  // of this frame
    InterfaceTimes interface_;
};
}  // namespace cinebokeh::demo
