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
                selected_colour = IM_COL32(255, 225, 180, 255), grid_colour = IM_COL32(255, 255, 255, 22),
                label_colour = IM_COL32(150, 150, 150, 255);
const char* const easing_names[] = {"linear", "smooth", "hold"};  // as FocusEasing
}  // namespace

double App::track_seconds() const {
    const SourceInfo& info = pipeline_.info();
    const double video = info.fps > 0 ? double(info.frames) / info.fps : 0;
    return std::max({video, editor_->key(editor_->count() - 1).time, 0.1});
}

ImVec2 App::place_of(double time, float share, const Lane& lane) const {
    const float u = float(time / track_seconds());
    return {lane.low.x + u * (lane.high.x - lane.low.x), lane.high.y - share * (lane.high.y - lane.low.y)};
}
float App::share_of(float value, const Lane& lane) const {
    if (lane.of_focus) return (value - track_low_) / (track_high_ - track_low_);
    return 1 - std::log(value / TrackEditor::widest) / std::log(TrackEditor::narrowest / TrackEditor::widest);
}
float App::value_of(float share, const Lane& lane) const {
    if (lane.of_focus) return track_low_ + std::clamp(share, 0.f, 1.f) * (track_high_ - track_low_);
    return TrackEditor::widest * std::pow(TrackEditor::narrowest / TrackEditor::widest, 1 - share);
}
ImVec2 App::place_of_key(int index, const Lane& lane) const {
    const FocusKey& key = editor_->key(index);
    return place_of(key.time, share_of(lane.of_focus ? key.target.value : *key.f_number, lane), lane);
}

void App::draw_timeline() {
    finish_rendering(false);
    ImGui::SetNextWindowPos(layout_.track_low);
    ImGui::SetNextWindowSize({layout_.track_high.x - layout_.track_low.x, layout_.track_high.y - layout_.track_low.y});
    ImGui::Begin("track", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoBringToFrontOnFocus);
    draw_track_controls();
    if (!dragging_key_) {
        track_low_ = -0.1f, track_high_ = 1.1f;
        for (const FocusKey& key : editor_->focus().track.keys()) {
            track_low_ = std::min(track_low_, key.target.value - 0.1f);
            track_high_ = std::max(track_high_, key.target.value + 0.1f);
        }
    }
    const float height = ImGui::GetContentRegionAvail().y - 4;
    draw_lane(true, height * 0.6f);
    draw_lane(false, height * 0.4f);
    if (!ImGui::IsMouseDown(ImGuiMouseButton_Left)) dragging_key_ = false;
    ImGui::End();
}

void App::draw_lane(bool of_focus, float height) {
    const ImVec2 low = ImGui::GetCursorScreenPos();
    const char* name = of_focus ? "timeline" : "f-numbers";
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(8, 4));
    ImGui::InvisibleButton(name, {std::max(ImGui::GetContentRegionAvail().x, 10.f), std::max(height, 10.f)});
    ImGui::PopStyleVar();
    controls_.mark(name);
    const Lane lane{of_focus, low, ImGui::GetItemRectMax()};
    edit_track(lane);
    draw_track(lane);
}

void App::draw_track_controls() {
    ImGui::AlignTextToFramePadding();
    ImGui::Text("Focus track");
    ImGui::SameLine();
    if (selected_key_ >= 0) {
        const FocusKey& key = editor_->key(selected_key_);
        int easing = int(key.easing);
        ImGui::TextDisabled("%.2f s, disparity %.3f", key.time, double(key.target.value));
        ImGui::SameLine();
        ImGui::SetNextItemWidth(110);
        float f_number = *key.f_number;
        if (ImGui::SliderFloat("##f-number", &f_number, TrackEditor::widest, TrackEditor::narrowest, "f/%.1f",
                               ImGuiSliderFlags_Logarithmic | ImGuiSliderFlags_AlwaysClamp)) {
            editor_->set_f_number(selected_key_, f_number);
            track_changed();
        }
        controls_.mark("key f-number");
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

void App::draw_track(const Lane& lane) {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.AddRectFilled(lane.low, lane.high, IM_COL32(12, 12, 13, 255));
    list.PushClipRect(lane.low, lane.high);
    const auto level = [&](float value, const char* text) {
        const float y = place_of(0, share_of(value, lane), lane).y;
        list.AddLine({lane.low.x, y}, {lane.high.x, y}, grid_colour);
        const bool below = y + ImGui::GetTextLineHeight() < lane.high.y;
        list.AddText({lane.low.x + 4, below ? y : y - ImGui::GetTextLineHeight()}, label_colour, text);
    };
    if (lane.of_focus)
        level(1, "disparity 1"), level(0, "0");
    else
        level(2, "f/2"), level(8, "f/8");
    constexpr int steps = 300;
    ImVec2 last{};
    for (int i = 0; i <= steps; ++i) {
        const double time = track_seconds() * i / steps;
        const float value = lane.of_focus ? editor_->focus().disparity_at(time) : editor_->focus().f_number_at(time);
        const ImVec2 at = place_of(time, share_of(value, lane), lane);
        if (i) list.AddLine(last, at, line_colour, 1.5f);
        last = at;
    }
    if (frame_) {
        const TimeBase& unit = pipeline_.info().time_base;
        const float x = place_of(double(frame_->frame.time) * unit.num / unit.den, 0, lane).x;
        list.AddLine({x, lane.low.y}, {x, lane.high.y}, IM_COL32(255, 255, 255, 120));
    }
    for (int i = 0; i < editor_->count(); ++i) {
        const ImVec2 at = place_of_key(i, lane);
        list.AddNgonFilled(at, 6, i == selected_key_ ? selected_colour : key_colour, 4);
        controls_.mark((lane.of_focus ? "key:" : "f-number key:") + std::to_string(i), {at.x - 5, at.y - 5},
                       {at.x + 5, at.y + 5});
    }
    list.PopClipRect();
}

// Of the item that was drawn last.
void App::edit_track(const Lane& lane) {
    const ImVec2 mouse = ImGui::GetIO().MousePos;
    const double time = std::max(0.0, double((mouse.x - lane.low.x) / (lane.high.x - lane.low.x))) * track_seconds();
    const float value = value_of((lane.high.y - mouse.y) / (lane.high.y - lane.low.y), lane);
    if (ImGui::IsItemActivated()) {
        selected_key_ = -1;
        float nearest = reach;
        for (int i = 0; i < editor_->count(); ++i) {
            const ImVec2 at = place_of_key(i, lane);
            const float distance = std::hypot(at.x - mouse.x, at.y - mouse.y);
            if (distance <= nearest) nearest = distance, selected_key_ = i;
        }
        if (selected_key_ < 0 && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) {
            selected_key_ = editor_->add(time);
            track_changed();
        }
    } else if (ImGui::IsItemActive() && selected_key_ >= 0 && ImGui::IsMouseDragging(ImGuiMouseButton_Left, 2)) {
        dragging_key_ = true;
        editor_->move(selected_key_, time);
        if (lane.of_focus)
            editor_->set_disparity(selected_key_, value);
        else
            editor_->set_f_number(selected_key_, value);
        track_changed();
    }
}

void App::delete_key() {
    if (!editor_ || selected_key_ < 0) return;
    editor_->erase(selected_key_);
    selected_key_ = -1;
    track_changed();
}

void App::track_changed() { pipeline_.follow_track(editor_->focus()); }

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
