// Every key and control of the live window: the list that the help shows and that docs/live.md must hold.
#pragma once
#include <string>
#include <vector>

namespace cinebokeh::demo {

struct LiveControl {
    enum class Kind { key, mouse, control };
    Kind kind;
    const char* name;  // of a control: as the map of the controls calls it, without what follows ':'
    const char* does;
};

const std::vector<LiveControl>& live_controls();
/// Whether the list has what the map of the controls calls so: "preset:cinema" is "preset".
bool is_live_control(const std::string& mapped);
}  // namespace cinebokeh::demo
