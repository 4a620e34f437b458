// The picture in the middle: views, zoom, strokes, and what the mouse does on it.
#include <imgui.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app.hpp"

namespace cinebokeh::demo {
namespace {
constexpr float click_slack = 4;    // points: a press that moves less is a click
constexpr float divider_reach = 6;  // points
constexpr ImU32 subject_colour = IM_COL32(255, 70, 60, 200), background_colour = IM_COL32(70, 110, 255, 200);
Float2 float2(ImVec2 v) { return {v.x, v.y}; }
ImVec2 im(Float2 v) { return {v[0], v[1]}; }
}  // namespace

void App::draw_canvas() {
    ImGui::SetNextWindowPos(layout_.canvas_low);
    ImGui::SetNextWindowSize(
        {layout_.canvas_high.x - layout_.canvas_low.x, layout_.canvas_high.y - layout_.canvas_low.y});
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
    ImGui::Begin("canvas", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoBringToFrontOnFocus |
                     ImGuiWindowFlags_NoBackground);
    ImGui::PopStyleVar();
    controls_.mark("canvas", layout_.canvas_low, layout_.canvas_high);
    if (frame_ && shown_.id()) {
        const Size size = frame_->frame.size;
        view_.set(size, {layout_.canvas_high.x, layout_.canvas_high.y});
        shown_.set_smooth(view_.scale() < 4);
        input_.set_smooth(view_.scale() < 4);
        ImDrawList& list = *ImGui::GetWindowDrawList();
        const bool split = settings_.side_by_side && input_.id();
        if (split) draw_picture(list, input_, 0, settings_.divider);
        draw_picture(list, shown_, split ? settings_.divider : 0, 1);
        if (split) {
            const float x = view_.to_canvas({settings_.divider * float(size.width), 0})[0];
            list.AddLine({x, 0}, {x, layout_.canvas_high.y}, IM_COL32(255, 255, 255, 180), 2);
            controls_.mark("divider", {x - divider_reach, 0}, {x + divider_reach, layout_.canvas_high.y});
        }
        const Float2 low = view_.to_canvas({0, 0}), high = view_.to_canvas({float(size.width), float(size.height)});
        controls_.mark("picture", im(low), im(high));
        draw_strokes(list);
        draw_note();
        handle_canvas_mouse();
    }
    ImGui::End();
}

// The columns [from, to) of the picture, as shares of its width.
void App::draw_picture(ImDrawList& list, const Texture& texture, float from, float to) {
    const Float2 size{float(frame_->frame.size.width), float(frame_->frame.size.height)};
    const Float2 low = view_.to_canvas({from * size[0], 0}), high = view_.to_canvas({to * size[0], size[1]});
    list.PushClipRect(layout_.canvas_low, layout_.canvas_high);
    list.AddImage(texture.id(), im(low), im(high), {from, 0}, {to, 1});
    list.PopClipRect();
}

void App::draw_strokes(ImDrawList& list) {
    if (!scribbling_) return;
    for (const Strokes::Stroke& stroke : strokes_.all()) {
        const ImU32 colour = stroke.label == subject_scribble ? subject_colour : background_colour;
        const float width = std::max(2 * stroke.radius * view_.scale(), 1.f);
        Float2 last = stroke.points.front();
        for (const Float2 point : stroke.points) {
            const ImVec2 at = im(view_.to_canvas(point + Float2{0.5f, 0.5f}));
            list.AddLine(im(view_.to_canvas(last + Float2{0.5f, 0.5f})), at, colour, width);
            list.AddCircleFilled(at, width / 2, colour);
            last = point;
        }
    }
}

void App::draw_note() {
    if (frame_->note.empty()) return;
    const ImVec2 text = ImGui::CalcTextSize(frame_->note.c_str());
    const ImVec2 low{(layout_.canvas_high.x - text.x) / 2 - 10, layout_.canvas_high.y - text.y - 26};
    const ImVec2 high{low.x + text.x + 20, low.y + text.y + 10};
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.AddRectFilled(low, high, IM_COL32(15, 15, 17, 210), 4);
    list.AddText({low.x + 10, low.y + 5}, IM_COL32(230, 230, 230, 255), frame_->note.c_str());
    controls_.mark("note", low, high);
}

void App::handle_canvas_mouse() {
    const ImGuiIO& io = ImGui::GetIO();
    const bool inside = ImGui::IsWindowHovered();
    const Float2 canvas = float2(io.MousePos), pixel = view_.to_picture(canvas);
    if (inside && io.MouseWheel != 0) view_.zoom(std::pow(1.2f, io.MouseWheel), canvas);
    if (inside && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Middle))
        view_.fit();
    else if (ImGui::IsMouseDragging(ImGuiMouseButton_Middle, 0) && inside)
        view_.pan(float2(io.MouseDelta));
    if (scribbling_)
        paint(pixel - Float2{0.5f, 0.5f}, inside);
    else
        drag_or_click();
    if (inside && frame_->frame.size.contains(int(std::floor(pixel[0])), int(std::floor(pixel[1]))))
        describe_pixel(pixel);
}

// Left marks the subject, right the background; when both are there, the cut is shown while a stroke grows, as often as
// it can be found, and followed from the end of the stroke on.
void App::paint(Float2 pixel, bool inside) {
    for (const auto& [mouse_button, label] :
         {std::pair{ImGuiMouseButton_Left, subject_scribble}, std::pair{ImGuiMouseButton_Right, background_scribble}}) {
        if (inside && ImGui::IsMouseClicked(mouse_button)) {
            strokes_.begin(label, brush_, pixel);
            painting_ = stroke_grew_ = true;
        } else if (painting_ && ImGui::IsMouseDown(mouse_button)) {
            stroke_grew_ |= strokes_.extend(pixel);
            if (!stroke_grew_ || !strokes_.complete() || pipeline_.finding()) continue;
            stroke_grew_ = false;
            pipeline_.find_subject(strokes_.labels(cpu_, frame_->frame.size), true);
        } else if (painting_ && ImGui::IsMouseReleased(mouse_button)) {
            painting_ = false;
            if (strokes_.complete()) pipeline_.find_subject(strokes_.labels(cpu_, frame_->frame.size));
        }
    }
}

bool App::near_divider(Float2 canvas) const {
    if (!settings_.side_by_side) return false;
    const float x = view_.to_canvas({settings_.divider * float(frame_->frame.size.width), 0})[0];
    return std::abs(canvas[0] - x) <= divider_reach;
}

void App::drag_or_click() {
    const ImGuiIO& io = ImGui::GetIO();
    const Float2 canvas = float2(io.MousePos);
    if (ImGui::IsWindowHovered() && near_divider(canvas)) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    if (ImGui::IsWindowHovered() && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) {
        settings_.focus_on_subject = true, settings_changed_ = true;
        dragging_ = false;
        say("the focus stays on the subject");
    } else if (ImGui::IsWindowHovered() && ImGui::IsMouseClicked(ImGuiMouseButton_Left)) {
        dragging_ = true, moved_ = false, pressed_at_ = io.MousePos;
        moving_divider_ = near_divider(canvas);
    }
    if (!dragging_) return;
    if (std::hypot(io.MousePos.x - pressed_at_.x, io.MousePos.y - pressed_at_.y) > click_slack) moved_ = true;
    if (ImGui::IsMouseDown(ImGuiMouseButton_Left)) {
        if (moving_divider_) {
            settings_.divider = std::clamp(view_.to_picture(canvas)[0] / float(frame_->frame.size.width), 0.f, 1.f);
            settings_changed_ = true;
        } else if (moved_) {
            view_.pan(float2(io.MouseDelta));
        }
        return;
    }
    dragging_ = false;
    const Float2 pixel = view_.to_picture(float2(pressed_at_));
    if (moved_ || moving_divider_ || !frame_->frame.size.contains(int(pixel[0]), int(pixel[1]))) return;
    settings_.focus_distance = distance_at(pixel), settings_.focus_on_subject = false;
    pipeline_.rack_to(settings_.focus_distance);
}

float App::distance_at(Float2 pixel) {
    const PixelMaps& maps = frame_->maps;
    const HostImage<const float> disparity{maps.disparity.data(), maps.size};
    const std::optional<float> seen = autofocus_.at_point(disparity, int(pixel[0]) / maps.step,
                                                          int(pixel[1]) / maps.step, 1 + disparity.size.height / 100);
    return seen ? 1 / std::max(*seen, 1e-3f) : settings_.focus_distance;
}

void App::describe_pixel(Float2 pixel) {
    const LiveFrame& frame = *frame_;
    const int x = int(pixel[0]), y = int(pixel[1]);
    const size_t at = size_t(y) * size_t(frame.frame.size.width) + size_t(x);
    const Rgba8 colour = frame.frame.pixels[at];
    char text[160];
    int used = std::snprintf(text, sizeof text, "%d, %d   rgb %d %d %d", x, y, colour[0], colour[1], colour[2]);
    if (at < frame.frame.matte.size())
        used += std::snprintf(text + used, sizeof text - size_t(used), "   alpha %.2f", double(frame.frame.matte[at]));
    if (const size_t in_maps = frame.maps.at(x, y); in_maps < frame.maps.defocus.size())
        std::snprintf(text + used, sizeof text - size_t(used), "   %.2f m   radius %+.1f",
                      1 / std::max(1e-3, double(frame.maps.disparity[in_maps])), double(frame.maps.defocus[in_maps]));
    const ImVec2 size = ImGui::CalcTextSize(text);
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.AddRectFilled({8, 8}, {size.x + 24, size.y + 16}, IM_COL32(15, 15, 17, 200), 4);
    list.AddText({16, 12}, IM_COL32(230, 230, 230, 255), text);
}
}  // namespace cinebokeh::demo
