// The focus track of a recording: keys on a timeline, above the focus strip.
#include <imgui.h>

#include <algorithm>
#include <cmath>

#include "app.hpp"
#include "rerender.hpp"
#include "signals.hpp"

namespace cinebokeh::demo {
namespace {
constexpr float reach = 9;  // points around a key within which it is meant
constexpr ImU32 line_colour = IM_COL32(120, 170, 230, 255), key_colour = IM_COL32(232, 143, 51, 255),
                selected_colour = IM_COL32(255, 225, 180, 255);
const char* const easing_names[] = {"linear", "smooth", "hold"};  // as FocusEasing
}  // namespace

double App::track_seconds() const {
    const SourceInfo& info = pipeline_.info();
    const double video = info.fps > 0 ? double(info.frames) / info.fps : 0;
    return std::max({video, editor_->key(editor_->count() - 1).time, 0.1});
}

ImVec2 App::place_of(double time, float disparity, ImVec2 low, ImVec2 high) const {
    const float u = float(time / track_seconds()), v = (disparity - track_low_) / (track_high_ - track_low_);
    return {low.x + u * (high.x - low.x), high.y - v * (high.y - low.y)};
}

void App::draw_timeline() {
    finish_rendering(false);
    ImGui::SetNextWindowPos(layout_.track_low);
    ImGui::SetNextWindowSize({layout_.track_high.x - layout_.track_low.x, layout_.track_high.y - layout_.track_low.y});
    ImGui::Begin("track", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoBringToFrontOnFocus);
    draw_track_controls();
    const ImVec2 low = ImGui::GetCursorScreenPos(), size = ImGui::GetContentRegionAvail();
    ImGui::InvisibleButton("timeline", {std::max(size.x, 10.f), std::max(size.y, 10.f)});
    const ImVec2 high = ImGui::GetItemRectMax();
    controls_.mark("timeline");
    if (!dragging_key_) {
        track_low_ = -0.1f, track_high_ = 1.1f;
        for (const FocusKey& key : editor_->track().keys()) {
            track_low_ = std::min(track_low_, key.target.value - 0.1f);
            track_high_ = std::max(track_high_, key.target.value + 0.1f);
        }
    }
    edit_track(low, high);
    draw_track(low, high);
    ImGui::End();
}

void App::draw_track_controls() {
    ImGui::Text("Focus track");
    ImGui::SameLine();
    if (selected_key_ >= 0) {
        const FocusKey& key = editor_->key(selected_key_);
        int easing = int(key.easing);
        ImGui::TextDisabled("%.2f s, disparity %.3f", key.time, double(key.target.value));
        ImGui::SameLine();
        ImGui::SetNextItemWidth(90);
        if (ImGui::BeginCombo("##easing", easing_names[easing])) {
            for (int i = 0; i < 3; ++i) {
                if (ImGui::Selectable(easing_names[i], easing == i)) {
                    editor_->set_easing(selected_key_, FocusEasing(i));
                    track_changed();
                }
                controls_.mark(std::string("key easing:") + easing_names[i]);
            }
            ImGui::EndCombo();
        }
        controls_.mark("key easing");
        ImGui::SameLine();
        if (button("delete key")) delete_key();
    } else {
        ImGui::TextDisabled("click a key to select it, double click to add one");
    }
    ImGui::SameLine();
    if (button("save track")) {
        editor_->save();
        say("saved: " + recorded_track(params_.recording));
    }
    ImGui::SameLine();
    if (button("render again")) render_again();
    if (editor_->changed() || rendering_.valid()) {
        ImGui::SameLine();
        ImGui::TextDisabled(rendering_.valid() ? "rendering" : "not saved yet");
    }
}

void App::draw_track(ImVec2 low, ImVec2 high) {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.AddRectFilled(low, high, IM_COL32(12, 12, 13, 255));
    list.PushClipRect(low, high);
    constexpr int steps = 300;
    ImVec2 last{};
    for (int i = 0; i <= steps; ++i) {
        const double time = track_seconds() * i / steps;
        const ImVec2 at = place_of(time, focus_at(editor_->track(), time).disparity, low, high);
        if (i) list.AddLine(last, at, line_colour, 1.5f);
        last = at;
    }
    if (frame_) {
        const TimeBase& unit = pipeline_.info().time_base;
        const float x = place_of(double(frame_->frame.time) * unit.num / unit.den, 0, low, high).x;
        list.AddLine({x, low.y}, {x, high.y}, IM_COL32(255, 255, 255, 120));
    }
    for (int i = 0; i < editor_->count(); ++i) {
        const ImVec2 at = place_of(editor_->key(i).time, editor_->key(i).target.value, low, high);
        list.AddNgonFilled(at, 6, i == selected_key_ ? selected_colour : key_colour, 4);
        controls_.mark("key:" + std::to_string(i), {at.x - 5, at.y - 5}, {at.x + 5, at.y + 5});
    }
    list.PopClipRect();
}

// Of the item that was drawn last.
void App::edit_track(ImVec2 low, ImVec2 high) {
    const ImVec2 mouse = ImGui::GetIO().MousePos;
    const double time = std::max(0.0, double((mouse.x - low.x) / (high.x - low.x))) * track_seconds();
    const float disparity = track_low_ + (high.y - mouse.y) / (high.y - low.y) * (track_high_ - track_low_);
    if (ImGui::IsItemActivated()) {
        selected_key_ = -1;
        float nearest = reach;
        for (int i = 0; i < editor_->count(); ++i) {
            const ImVec2 at = place_of(editor_->key(i).time, editor_->key(i).target.value, low, high);
            const float distance = std::hypot(at.x - mouse.x, at.y - mouse.y);
            if (distance <= nearest) nearest = distance, selected_key_ = i;
        }
        if (selected_key_ < 0 && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) {
            selected_key_ = editor_->add(time);
            track_changed();
        }
    } else if (ImGui::IsItemActive() && selected_key_ >= 0 && ImGui::IsMouseDragging(ImGuiMouseButton_Left, 2)) {
        dragging_key_ = true;
        editor_->move(selected_key_, time, std::clamp(disparity, track_low_, track_high_));
        track_changed();
    }
    if (!ImGui::IsItemActive()) dragging_key_ = false;
}

void App::delete_key() {
    if (!editor_ || selected_key_ < 0) return;
    editor_->erase(selected_key_);
    selected_key_ = -1;
    track_changed();
}

void App::track_changed() { pipeline_.follow_track(editor_->track()); }

void App::render_again() {
    if (rendering_.valid()) return;
    editor_->save();
    rendering_ = std::async(std::launch::async, render_recording, params_.recording, pipeline_.render_device());
    say("rendering " + params_.recording);
}

void App::finish_rendering(bool wait) {
    if (!rendering_.valid()) return;
    if (wait) request_stop();  // it completes its file and ends
    if (wait || rendering_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) say(rendering_.get());
}
}  // namespace cinebokeh::demo
