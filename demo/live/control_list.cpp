#include "control_list.hpp"

#include <algorithm>

namespace cinebokeh::demo {

const std::vector<LiveControl>& live_controls() {
    using enum LiveControl::Kind;
    static const std::vector<LiveControl> list{
        {key, "space", "pause"},
        {key, "m", "matte"},
        {key, "d", "disparity"},
        {key, "c", "circle of confusion"},
        {key, "s", "side by side with the input"},
        {key, "b", "brush: mark the subject (left) and the background (right)"},
        {key, "z", "undo a stroke"},
        {key, "f", "times of the stages"},
        {key, "r", "record, and stop"},
        {key, "p", "screenshot"},
        {key, "Delete", "delete the key of the focus track that is selected"},
        {key, "F11", "full screen"},
        {key, "h", "this help"},
        {key, "Esc", "close what is open, or quit"},
        {mouse, "click", "focus there"},
        {mouse, "double click", "keep the focus on the subject"},
        {mouse, "wheel", "zoom at the cursor"},
        {mouse, "drag", "move the picture"},
        {mouse, "middle double click", "fit the picture"},
        {control, "canvas", "the picture and what the mouse does on it"},
        {control, "picture", "where the picture is now"},
        {control, "note", "what a view shows, or why it shows nothing"},
        {control, "divider", "between the input and the result, side by side: drag it"},
        {control, "view", "which of the nine views is shown"},
        {control, "side by side", "the input on the left"},
        {control, "zebra", "stripes on what is in focus"},
        {control, "help", "keys and gestures"},
        {control, "section", "opens and closes a part of the panel"},
        {control, "preset", "portrait, cinema, macro, tilt-shift"},
        {control, "f-number", "of the lens, 1 to 22: the smaller, the more blur"},
        {control, "focal length", "of the lens, millimetres"},
        {control, "sensor width", "millimetres"},
        {control, "blades", "of the diaphragm; 0 is a circle"},
        {control, "rotation", "of the blades"},
        {control, "cat-eye", "how much the blur is cut towards the corners"},
        {control, "squeeze", "height / width of the blur, as of an anamorphic lens"},
        {control, "highlights", "stops by which clipped lights are raised"},
        {control, "chromatic", "how much wider red is blurred than blue"},
        {control, "exact renderer", "the reference renderer also where the fast one would do"},
        {control, "subject distance", "of the two planes, where no disparity is known, metres"},
        {control, "background distance", "of the other one"},
        {control, "tilt", "how the scene leans towards the bottom of the frame"},
        {control, "believe the matte", "where it and a known disparity contradict each other"},
        {control, "rack", "seconds from one focus to the next"},
        {control, "easing", "how a rack starts and ends"},
        {control, "source", "of the subject: auto, scribbles, truth, rvm"},
        {control, "find again", "finds the subject anew"},
        {control, "brush", "marks the subject on the frozen frame"},
        {control, "done", "ends the brush"},
        {control, "undo", "takes the last stroke away"},
        {control, "clear", "takes all strokes away"},
        {control, "brush size", "pixels"},
        {control, "feather", "how far around the subject the picture stays sharp and passes over, pixels"},
        {control, "edge shift", "moves the edge of the subject, pixels"},
        {control, "smoothing", "share of the last matte that is kept"},
        {control, "wait for the matte", "shows a picture only with the matte of its own"},
        {control, "sync", "holds the picture back by 0 to 3 frames where it does not wait"},
        {control, "kind", "of background: bokeh, gaussian, colour, picture, video, transparent"},
        {control, "colour", "of the background"},
        {control, "sigma", "of the Gaussian, pixels"},
        {control, "background file", "picture or video behind the subject"},
        {control, "record", "the result and the session"},
        {control, "stop recording", "completes the files"},
        {control, "with disparity", "records the disparity of every frame too"},
        {control, "screenshot", "of the window, as PNG"},
        {control, "target", "frame rate that is held by lowering the quality"},
        {control, "automatic", "the quality is chosen; else it is pinned"},
        {control, "quality", "the one that is pinned"},
        {control, "timing", "speed, latency, memory, backend; a column for each frame"},
        {control, "focus", "distance in focus"},
        {control, "on the subject", "the focus stays on the subject"},
        {control, "timeline", "the focus track of a recording: drag keys, double click adds one"},
        {control, "f-numbers", "those of the track, below: drag keys, double click adds one"},
        {control, "key", "a key of the focus track"},
        {control, "f-number key", "the f-number of a key"},
        {control, "key f-number", "that of the selected key"},
        {control, "key easing", "how the focus leaves the selected key"},
        {control, "delete key", "deletes the selected key"},
        {control, "save track", "writes focus.json"},
        {control, "render again", "renders the recording with the track, as rendered.mp4"},
    };
    return list;
}

bool is_live_control(const std::string& mapped) {
    const std::string name = mapped.substr(0, mapped.find(':'));
    const std::vector<LiveControl>& list = live_controls();
    return std::any_of(list.begin(), list.end(), [&](const LiveControl& control) {
        return control.kind == LiveControl::Kind::control && control.name == name;
    });
}
}  // namespace cinebokeh::demo
