#include "app.hpp"

#include <GLFW/glfw3.h>
#include <imgui.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "control_list.hpp"
#include "signals.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
std::string time_stamp() {
    const std::time_t now = std::time(nullptr);
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", std::localtime(&now));
    return text;
}
}  // namespace

void ControlMap::write(const std::string& file, long frames, long events) const {
    nlohmann::ordered_json json;
    const ImVec2 mouse = ImGui::GetIO().MousePos;
    json["interface"] = {{"frames", frames}, {"events", events}, {"mouse", {mouse.x, mouse.y}}};
    json["controls"] = nlohmann::ordered_json::object();
    for (const auto& [name, place] : places_)
        json["controls"][name] = {place.low.x, place.low.y, place.high.x, place.high.y};
    const std::string fresh = file + ".new";
    std::ofstream stream(fresh);
    stream << json.dump(1) << '\n';
    stream.close();
    require(bool(stream), "the map of the controls '", file, "' cannot be written");
    fs::rename(fresh, file);
}

App::App(Window& window, LivePipeline& pipeline, const LiveSettings& settings, const AppParams& params)
    : window_(window), pipeline_(pipeline), settings_(settings), params_(params) {
#if defined(CINEBOKEH_DEMO_CUDA)
    if (pipeline.render_device() == "cuda") {
        gpu_ = make_cuda_display();
        pipeline.show_from_gpu();
    }
#endif
    if (!params.recording.empty()) editor_.emplace(recorded_track(params.recording));
}

void App::run() {
    pipeline_.on_newest(Window::wake);
    // Whatever a person does is shown at once; while nobody does anything, what the pipeline makes.
    while (window_.begin(window_.idle() < 1 || pipeline_.now() < said_until_ ? 1 / 30.0 : 0.1)) {
        const Stopwatch whole;
        if (stop_requested() || (params_.seconds > 0 && pipeline_.now() > params_.seconds)) window_.close();
        take_newest();
        layout();
        handle_keys();
        controls_.clear();
        draw_canvas();
        if (editor_) draw_timeline();
        draw_focus_strip();
        draw_side();
        draw_message();
        if (help_) draw_help();
        const Stopwatch watch;
        Picture shot;
        window_.end(screenshot_ ? &shot : nullptr);
        if (std::exchange(screenshot_, false)) save(shot);
        if (fresh_) pipeline_.shown(*frame_, upload_ms_ + float(watch.ms()));
        send_settings();
        interface_.add(pipeline_.now(), float(whole.ms()));
        if (!params_.control_map.empty()) controls_.write(params_.control_map, interface_.frames(), window_.events());
    }
    pipeline_.on_newest({});
    if (recorder_) record(false);
    finish_rendering(true);
}

void App::take_newest() {
    SharedFrame newest = pipeline_.newest();
    fresh_ = newest != nullptr;
    if (!fresh_) return;
    frame_ = std::move(newest);
    const Stopwatch watch;
    const Size size = frame_->frame.size;
    route_ = DisplayRoute::host;
    if (frame_->on_gpu && gpu_) {
        shown_.resize(size);
        route_ = gpu_->show(*frame_->on_gpu, shown_.name());
    } else if (settings_.view == LiveView::input && !settings_.side_by_side)
        shown_.upload(frame_->frame.picture());
    else if (!frame_->view.empty())
        shown_.upload({frame_->view.data(), size});
    else
        shown_.upload(frame_->frame.result_view());
    if (settings_.side_by_side) input_.upload(frame_->frame.picture());
    upload_ms_ = float(watch.ms());
}

void App::layout() {
    const Float2 size = window_.size();
    const float side = std::max(size[0] - side_width, 100.f), strip = std::max(size[1] - strip_height, 100.f);
    const float track = editor_ ? std::max(strip - track_height, 60.f) : strip;
    layout_ = {{0, 0},     {side, track},   {0, track}, {side, strip},
               {0, strip}, {side, size[1]}, {side, 0},  {size[0], size[1]}};
}

void App::send_settings() {
    if (!settings_changed_) return;
    settings_changed_ = false;
    make_valid(settings_);
    pipeline_.set(settings_);
}

// ---- keys

void App::handle_keys() {
    for (const int key : window_.keys()) handle_key(key);
}

void App::handle_key(int key) {
    switch (key) {
        case GLFW_KEY_SPACE:
            pipeline_.pause(!pipeline_.paused());
            break;
        case GLFW_KEY_M:
            cycle_to(LiveView::matte);
            break;
        case GLFW_KEY_D:
            cycle_to(LiveView::disparity);
            break;
        case GLFW_KEY_C:
            cycle_to(LiveView::defocus);
            break;
        case GLFW_KEY_S:
            settings_.side_by_side = !settings_.side_by_side, settings_changed_ = true;
            break;
        case GLFW_KEY_B:
            start_scribbling(!scribbling_);
            break;
        case GLFW_KEY_Z:
            strokes_.undo();
            if (strokes_.complete()) pipeline_.find_subject(strokes_.labels(cpu_, frame_->frame.size));
            break;
        case GLFW_KEY_F:
            settings_.timing = !settings_.timing, settings_changed_ = true;
            break;
        case GLFW_KEY_R:
            record(!recorder_);
            break;
        case GLFW_KEY_P:
            screenshot_ = true;
            break;
        case GLFW_KEY_DELETE:
            delete_key();
            break;
        case GLFW_KEY_H:
            help_ = !help_;
            break;
        case GLFW_KEY_F11:
            window_.toggle_fullscreen();
            break;
        case GLFW_KEY_ESCAPE:
            if (help_)
                help_ = false;
            else if (scribbling_)
                start_scribbling(false);
            else
                window_.close();
            break;
    }
}

// A second press goes back to the result.
void App::cycle_to(LiveView view) {
    settings_.view = settings_.view == view ? LiveView::result : view;
    settings_changed_ = true;
}

void App::start_scribbling(bool on) {
    if (on == scribbling_ || (on && !frame_)) return;
    scribbling_ = on;
    if (on) {
        settings_.subject = LiveSubject::scribbles, settings_changed_ = true;
        strokes_.clear();
        was_paused_ = pipeline_.paused();
        pipeline_.pause(true);
        say("mark the subject with the left button and the background with the right one");
    } else {
        pipeline_.pause(was_paused_);
    }
}

void App::record(bool on) {
    try {
        if (on) {
            recorder_ = std::make_shared<Recorder>(
                RecorderParams{.folder = Recorder::fresh_folder(params_.record_parent),
                               .source = pipeline_.info(),
                               .lens = lens_of(settings_),
                               .transparent = settings_.background == LiveBackground::transparent,
                               .disparity = records_disparity()});
            pipeline_.add_output(recorder_);
            recording_since_ = pipeline_.now();
        } else if (recorder_) {
            pipeline_.remove_output(recorder_.get());
            const std::shared_ptr<Recorder> done = std::exchange(recorder_, nullptr);
            done->close();
            say(std::to_string(done->frames()) + " frames; to edit their focus, type: cinebokeh live " +
                done->folder());
        }
    } catch (const std::exception& error) {
        recorder_.reset();
        say(error.what());
    }
}

// Two planes, the subject before the background, are all in the matte.
bool App::records_disparity() const {
    return settings_.record_disparity || pipeline_.info().has_disparity || settings_.tilt != 0 ||
           settings_.subject_distance >= settings_.background_distance;
}

void App::save(const Picture& screenshot) {
    const std::string file = (fs::path(params_.record_parent) / ("cinebokeh-" + time_stamp() + ".png")).string();
    try {
        write_png(file, {screenshot.pixels.data(), screenshot.size});
        say("screenshot: " + file);
    } catch (const std::exception& error) {
        say(error.what());
    }
}

// ---- messages

void App::say(const std::string& text) {
    said_ = text;
    said_until_ = pipeline_.now() + 5;
}

void App::draw_message() {
    std::string text = pipeline_.message();
    if (pipeline_.now() < said_until_) text = said_;
    if (recorder_ && !recorder_->problem().empty()) text = recorder_->problem();
    if (text.empty()) return;
    ImDrawList& list = *ImGui::GetForegroundDrawList();
    const float width = layout_.canvas_high.x - 40;
    const ImVec2 size = ImGui::CalcTextSize(text.c_str(), nullptr, false, width - 24);
    const float above = frame_ && !frame_->note.empty() ? 76.f : 36.f;  // of the note
    const ImVec2 low{20, layout_.canvas_high.y - size.y - above}, high{low.x + size.x + 24, low.y + size.y + 16};
    list.AddRectFilled(low, high, IM_COL32(20, 20, 22, 220), 5);
    list.AddText(nullptr, 0, {low.x + 12, low.y + 8}, IM_COL32(255, 225, 180, 255), text.c_str(), nullptr, width - 24);
}

void App::draw_help() {
    ImGui::SetNextWindowPos({layout_.canvas_high.x / 2, layout_.canvas_high.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
    ImGui::Begin("help", &help_,
                 ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoCollapse | ImGuiWindowFlags_AlwaysAutoResize);
    const auto row = [](const char* what, const char* does) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ImGui::TextColored({1, 0.70f, 0.35f, 1}, "%s", what);
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(does);
    };
    if (ImGui::BeginTable("keys", 2, ImGuiTableFlags_SizingFixedFit)) {
        for (const LiveControl& control : live_controls())
            if (control.kind != LiveControl::Kind::control) row(control.name, control.does);
        ImGui::EndTable();
    }
    controls_.mark(
        "help:window", ImGui::GetWindowPos(),
        {ImGui::GetWindowPos().x + ImGui::GetWindowWidth(), ImGui::GetWindowPos().y + ImGui::GetWindowHeight()});
    ImGui::End();
}
}  // namespace cinebokeh::demo
