// The controls at the side and the focus below the picture.
#include <imgui.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app.hpp"

namespace cinebokeh::demo {
namespace {
constexpr ImGuiWindowFlags panel_flags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                                         ImGuiWindowFlags_NoBringToFrontOnFocus | ImGuiWindowFlags_NoSavedSettings;
constexpr ImU32 stage_colours[] = {IM_COL32(90, 130, 200, 255), IM_COL32(230, 140, 50, 255),
                                   IM_COL32(120, 190, 110, 255), IM_COL32(170, 120, 190, 255)};

void begin_panel(const char* name, ImVec2 low, ImVec2 high) {
    ImGui::SetNextWindowPos(low);
    ImGui::SetNextWindowSize({high.x - low.x, high.y - low.y});
    ImGui::Begin(name, nullptr, panel_flags & ~ImGuiWindowFlags_NoScrollbar);
}
}  // namespace

// ---- controls, each noted for scripts

bool App::slider(const char* name, float& value, float low, float high, const char* format, bool logarithmic) {
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x * 0.56f);
    const bool changed =
        ImGui::SliderFloat(name, &value, low, high, format,
                           ImGuiSliderFlags_AlwaysClamp | (logarithmic ? ImGuiSliderFlags_Logarithmic : 0));
    controls_.mark(name);
    settings_changed_ |= changed;
    return changed;
}

bool App::slider(const char* name, int& value, int low, int high) {
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x * 0.56f);
    const bool changed = ImGui::SliderInt(name, &value, low, high, "%d", ImGuiSliderFlags_AlwaysClamp);
    controls_.mark(name);
    settings_changed_ |= changed;
    return changed;
}

bool App::check(const char* name, bool& value) {
    const bool changed = ImGui::Checkbox(name, &value);
    controls_.mark(name);
    settings_changed_ |= changed;
    return changed;
}

bool App::button(const char* name) {
    const bool pressed = ImGui::Button(name);
    controls_.mark(name);
    return pressed;
}

template <class T>
bool App::choice(const char* name, T& value, const std::vector<std::string>& names) {
    bool changed = false;
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x * 0.56f);
    if (ImGui::BeginCombo(name, names[size_t(value)].c_str())) {
        for (size_t i = 0; i < names.size(); ++i) {
            if (ImGui::Selectable(names[i].c_str(), size_t(value) == i)) value = T(i), changed = true;
            controls_.mark(std::string(name) + ":" + names[i]);
        }
        ImGui::EndCombo();
    }
    controls_.mark(name);
    settings_changed_ |= changed;
    return changed;
}

// ---- the side

void App::draw_side() {
    begin_panel("side", layout_.side_low, layout_.side_high);
    draw_views();
    const auto section = [&](const char* name, bool open, void (App::*draw)()) {
        const bool shown = ImGui::CollapsingHeader(name, open ? ImGuiTreeNodeFlags_DefaultOpen : 0);
        controls_.mark(std::string("section:") + name);
        if (!shown) return;
        ImGui::PushID(name);
        (this->*draw)();
        ImGui::PopID();
    };
    section("Lens", true, &App::draw_lens);
    section("Aperture", false, &App::draw_aperture);
    section("Scene", false, &App::draw_scene);
    section("Subject", true, &App::draw_subject);
    section("Background", true, &App::draw_background);
    section("Output", false, &App::draw_output);
    section("Quality", false, &App::draw_quality);
    if (settings_.timing) draw_stage_plot();
    ImGui::End();
}

void App::draw_views() {
    const std::vector<std::string>& names = names_of_views();
    const float width = (ImGui::GetContentRegionAvail().x - 2 * ImGui::GetStyle().ItemSpacing.x) / 3;
    for (size_t i = 0; i < names.size(); ++i) {
        if (i % 3) ImGui::SameLine();
        const bool active = settings_.view == LiveView(i);
        if (active) ImGui::PushStyleColor(ImGuiCol_Button, ImGui::GetStyle().Colors[ImGuiCol_ButtonActive]);
        if (ImGui::Button(names[i].c_str(), {width, 0})) settings_.view = LiveView(i), settings_changed_ = true;
        controls_.mark("view:" + names[i]);
        if (active) ImGui::PopStyleColor();
    }
    check("side by side", settings_.side_by_side);
    ImGui::SameLine();
    check("zebra", settings_.zebra);
    ImGui::SameLine();
    if (button("help")) help_ = !help_;
}

void App::draw_lens() {
    for (size_t i = 0; i < preset_names().size(); ++i) {
        if (i) ImGui::SameLine();
        if (ImGui::SmallButton(preset_names()[i].c_str())) {
            apply_preset(preset_names()[i], settings_);
            settings_changed_ = true;
        }
        controls_.mark("preset:" + preset_names()[i]);
    }
    slider("f-number", settings_.f_number, 1, 22, "f/%.1f", true);
    slider("focal length", settings_.focal_length, 10, 300, "%.0f mm", true);
    slider("sensor width", settings_.sensor_width, 4, 60, "%.1f mm");
}

void App::draw_aperture() {
    slider("blades", settings_.blades, 0, 12);
    slider("rotation", settings_.rotation, -180, 180, "%.0f deg");
    slider("cat-eye", settings_.cat_eye, 0, 1, "%.2f");
    slider("squeeze", settings_.squeeze, 0.5f, 2, "%.2f");
    slider("highlights", settings_.highlights, 0, 4, "%.1f stops");
    slider("chromatic", settings_.chromatic, -0.2f, 0.2f, "%.3f");
    check("exact renderer", settings_.exact);
}

void App::draw_scene() {
    slider("subject distance", settings_.subject_distance, 0.2f, 20, "%.2f m", true);
    slider("background distance", settings_.background_distance, 0.2f, 100, "%.2f m", true);
    slider("tilt", settings_.tilt, -4, 4, "%.2f / m");
    check("believe the matte", settings_.snap);
    slider("rack", settings_.rack_seconds, 0, 10, "%.1f s");
    choice("easing", settings_.easing, names_of_easings());
}

void App::draw_subject() {
    choice("source", settings_.subject, names_of_subjects());
    if (button("find again")) pipeline_.find_subject();
    ImGui::SameLine();
    if (button(scribbling_ ? "done" : "brush")) start_scribbling(!scribbling_);
    if (scribbling_) {
        ImGui::SameLine();
        if (button("undo")) handle_key('Z');
        ImGui::SameLine();
        if (button("clear")) strokes_.clear();
        slider("brush size", brush_, 1, 60, "%.0f px");
    }
    slider("feather", settings_.feather, 0, 64, "%.0f px");
    slider("edge shift", settings_.edge_shift, -16, 16, "%+.1f px");
    slider("smoothing", settings_.smoothing, 0, 0.95f, "%.2f");
    check("wait for the matte", settings_.match);
    if (!settings_.match) slider("sync", settings_.delay, 0, 3);
}

void App::draw_background() {
    choice("kind", settings_.background, names_of_backgrounds());
    if (settings_.background == LiveBackground::colour) {
        settings_changed_ |= ImGui::ColorEdit3("colour", &settings_.colour[0]);
        controls_.mark("colour");
    }
    if (settings_.background == LiveBackground::gaussian) slider("sigma", settings_.sigma, 0.5f, 100, "%.1f px", true);
    if (settings_.background == LiveBackground::picture || settings_.background == LiveBackground::video) {
        settings_changed_ |= ImGui::InputText("file", &settings_.background_file, ImGuiInputTextFlags_EnterReturnsTrue);
        controls_.mark("background file");
    }
}

void App::draw_output() {
    if (button(recorder_ ? "stop recording" : "record")) record(!recorder_);
    ImGui::SameLine();
    if (button("screenshot")) screenshot_ = true;
    check("with disparity", settings_.record_disparity);
    if (recorder_)
        ImGui::TextColored({1, 0.35f, 0.3f, 1}, "%.1f s, %ld frames, %ld left out", pipeline_.now() - recording_since_,
                           recorder_->frames(), recorder_->left_out());
}

void App::draw_quality() {
    slider("target", settings_.target_fps, 5, 120, "%.0f fps");
    bool automatic = settings_.pinned_quality < 0;
    if (check("automatic", automatic)) settings_.pinned_quality = automatic ? -1 : pipeline_.quality_step();
    if (!automatic) slider("quality", settings_.pinned_quality, 0, int(qualities.size()) - 1);
    ImGui::TextWrapped("%s; subject: %s; renderer: %s", qualities[size_t(pipeline_.quality_step())].name,
                       pipeline_.subject_method().c_str(), pipeline_.renderer().c_str());
}

// Each frame of the last seconds is a column of its stages; the line is the time of the target.
void App::draw_stage_plot() {
    const StageTimes::Summary summary = pipeline_.times().summary();
    ImGui::Separator();
    ImGui::Text("%.1f fps, latency %.0f ms (p95 %.0f)", double(summary.fps), double(summary.latency.median),
                double(summary.latency.p95));
    controls_.mark("timing");
    ImGui::Text("%ld shown, %ld dropped, %.0f MB", summary.shown, summary.dropped, double(peak_memory()) / 1e6);
    const InterfaceTimes::Summary interface = interface_.summary();
    ImGui::Text("interface: %.0f fps, %.0f ms (p95 %.0f)", double(interface.fps), double(interface.median_ms),
                double(interface.p95_ms));
    ImGui::Text("subject on %s, rendering on %s", pipeline_.subject_device().c_str(),
                pipeline_.render_device().c_str());
    ImGui::Text("display: %s", name_of(route_));
    ImGui::TextWrapped("subject: %s", pipeline_.subject_method().c_str());
    for (size_t i = 0; i < summary.stages.size(); ++i) {
        ImGui::ColorButton(name_of(LiveStage(i)), ImGui::ColorConvertU32ToFloat4(stage_colours[i]),
                           ImGuiColorEditFlags_NoTooltip | ImGuiColorEditFlags_NoDragDrop, {10, 10});
        ImGui::SameLine();
        ImGui::Text("%-8s %5.1f ms  (p95 %.1f)", name_of(LiveStage(i)), double(summary.stages[i].median),
                    double(summary.stages[i].p95));
    }
    const ImVec2 low = ImGui::GetCursorScreenPos(), size{ImGui::GetContentRegionAvail().x, 70};
    ImGui::Dummy(size);
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.AddRectFilled(low, {low.x + size.x, low.y + size.y}, IM_COL32(12, 12, 13, 255));
    const std::vector<FrameTimes> frames = pipeline_.times().frames();
    if (frames.empty()) return;
    constexpr float tallest = 120;  // ms
    const double end = frames.back().shown_at;
    for (const FrameTimes& frame : frames) {
        const float x = low.x + size.x * float(1 - (end - frame.shown_at) / StageTimes::window);
        float y = low.y + size.y;
        for (size_t i = 0; i < frame.ms.size(); ++i) {
            const float top = std::max(y - frame.ms[i] / tallest * size.y, low.y);
            list.AddRectFilled({x - 2, top}, {x, y}, stage_colours[i]);
            y = top;
        }
    }
    const float y = low.y + size.y * (1 - 1000 / settings_.target_fps / tallest);
    list.AddLine({low.x, y}, {low.x + size.x, y}, IM_COL32(255, 255, 255, 90));
}

// ---- focus

void App::draw_focus_strip() {
    begin_panel("focus", layout_.strip_low, layout_.strip_high);
    const float shown = frame_ ? frame_->focus.distance : settings_.focus_distance;
    float distance = settings_.focus_on_subject ? shown : settings_.focus_distance;
    ImGui::Text("Focus");
    ImGui::SameLine();
    if (check("on the subject", settings_.focus_on_subject) && !settings_.focus_on_subject)
        settings_.focus_distance = shown;
    ImGui::SameLine();
    if (frame_)
        ImGui::TextDisabled("%.2f m, largest blur %.1f px, K %.1f", double(shown), double(frame_->focus.largest),
                            double(frame_->focus.strength));
    else
        ImGui::NewLine();
    ImGui::SetNextItemWidth(-1);
    if (ImGui::SliderFloat("##focus", &distance, 0.2f, 100, "%.2f m",
                           ImGuiSliderFlags_Logarithmic | ImGuiSliderFlags_AlwaysClamp)) {
        settings_.focus_distance = distance, settings_.focus_on_subject = false;
        settings_changed_ = true;
    }
    controls_.mark("focus");
    const ImVec2 low = ImGui::GetItemRectMin(), high = ImGui::GetItemRectMax();
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const auto tick = [&](float metres, const char* text) {
        const float t = std::log(metres / 0.2f) / std::log(500.f), x = low.x + t * (high.x - low.x);
        list.AddLine({x, high.y}, {x, high.y + 4}, IM_COL32(160, 160, 160, 255));
        list.AddText({x - 4, high.y + 4}, IM_COL32(150, 150, 150, 255), text);
    };
    for (const auto& [metres, text] : {std::pair{0.2f, "0.2"},
                                       {0.5f, "0.5"},
                                       {1.f, "1"},
                                       {2.f, "2"},
                                       {5.f, "5"},
                                       {10.f, "10"},
                                       {20.f, "20"},
                                       {50.f, "50"}})
        tick(metres, text);
    ImGui::End();
}
}  // namespace cinebokeh::demo
