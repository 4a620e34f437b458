// Where the controls of the interface are: so that scripts can drive them as a person would, with the mouse.
#pragma once
#include <imgui.h>

#include <map>
#include <string>

namespace cinebokeh::demo {

class ControlMap {
public:
    struct Place {
        ImVec2 low, high;  // corners, points of the window
    };
    /// Notes the control that was drawn last.
    void mark(const std::string& name) { places_[name] = {ImGui::GetItemRectMin(), ImGui::GetItemRectMax()}; }
    void mark(const std::string& name, ImVec2 low, ImVec2 high) { places_[name] = {low, high}; }
    void clear() { places_.clear(); }
    /// JSON: {"interface": {"frames": n, "events": n, "mouse": [x, y]}, "controls": {"name": [left, top, right,
    /// bottom],
    /// ...}}: what was drawn in the newest frame of the interface, after how many events. Throws Error where the file
    /// cannot be written.
    void write(const std::string& file, long frames, long events) const;

private:
    std::map<std::string, Place> places_;
};
}  // namespace cinebokeh::demo
