#include "settings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "governor.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
// Calls visit(name, value, low, high) for numbers, visit(name, value, names) for choices and visit(name, value) for the
// rest: the one list of what is kept.
template <class Settings, class Visit>
void visit_settings(Settings& s, const Visit& visit) {
    visit.number("f_number", s.f_number, 1.f, 22.f);
    visit.number("focal_length", s.focal_length, 10.f, 300.f);
    visit.number("sensor_width", s.sensor_width, 4.f, 60.f);
    visit.number("blades", s.blades, 0, 12);
    visit.number("rotation", s.rotation, -180.f, 180.f);
    visit.number("cat_eye", s.cat_eye, 0.f, 1.f);
    visit.number("squeeze", s.squeeze, 0.5f, 2.f);
    visit.number("highlights", s.highlights, 0.f, 4.f);
    visit.number("chromatic", s.chromatic, -0.2f, 0.2f);
    visit.number("focus_distance", s.focus_distance, 0.2f, 1000.f);
    visit.value("focus_on_subject", s.focus_on_subject);
    visit.number("subject_distance", s.subject_distance, 0.2f, 1000.f);
    visit.number("background_distance", s.background_distance, 0.2f, 1000.f);
    visit.number("tilt", s.tilt, -4.f, 4.f);
    visit.number("rack_seconds", s.rack_seconds, 0.f, 10.f);
    visit.choice("easing", s.easing, names_of_easings());
    visit.value("exact", s.exact);
    visit.value("zebra", s.zebra);
    visit.value("snap", s.snap);
    visit.choice("subject", s.subject, names_of_subjects());
    visit.number("feather", s.feather, 0.f, 64.f);
    visit.number("edge_shift", s.edge_shift, -16.f, 16.f);
    visit.number("smoothing", s.smoothing, 0.f, 0.95f);
    visit.value("match", s.match);
    visit.number("delay", s.delay, 0, 3);
    visit.choice("background", s.background, names_of_backgrounds());
    for (int c = 0; c < 3; ++c)
        visit.number(c == 0 ? "colour_red" : c == 1 ? "colour_green" : "colour_blue", s.colour[c], 0.f, 1.f);
    visit.value("background_file", s.background_file);
    visit.number("sigma", s.sigma, 0.5f, 100.f);
    visit.choice("view", s.view, names_of_views());
    visit.value("side_by_side", s.side_by_side);
    visit.number("divider", s.divider, 0.f, 1.f);
    visit.value("timing", s.timing);
    visit.number("target_fps", s.target_fps, 5.f, 120.f);
    visit.number("pinned_quality", s.pinned_quality, -1, int(qualities.size()) - 1);
    visit.value("camera", s.camera);
    visit.value("record_disparity", s.record_disparity);
}

struct Limit {
    template <class T>
    void number(const char*, T& value, T low, T high) const {
        value = std::clamp(value, low, high);
    }
    void number(const char*, float& value, float low, float high) const {
        value = value >= low ? std::min(value, high) : low;  // not a number becomes the lowest
    }
    template <class T>
    void choice(const char*, T& value, const std::vector<std::string>& names) const {
        if (size_t(value) >= names.size()) value = T(0);
    }
    template <class T>
    void value(const char*, T&) const {}
};

struct Write {
    nlohmann::ordered_json& json;
    template <class T>
    void number(const char* name, const T& value, T, T) const {
        json[name] = value;
    }
    template <class T>
    void choice(const char* name, const T& value, const std::vector<std::string>& names) const {
        json[name] = names[size_t(value)];
    }
    template <class T>
    void value(const char* name, const T& value) const {
        json[name] = value;
    }
};

struct Read {
    const nlohmann::json& json;
    std::string& problem;

    template <class T>
    void number(const char* name, T& number, T low, T high) const {
        T read = number;
        value(name, read);
        if (read >= low && read <= high)
            number = read;
        else
            wrong(name);
    }
    template <class T>
    void choice(const char* name, T& chosen, const std::vector<std::string>& names) const {
        std::string text = names[size_t(chosen)];
        value(name, text);
        const auto found = std::find(names.begin(), names.end(), text);
        if (found == names.end()) return wrong(name);
        chosen = T(found - names.begin());
    }
    template <class T>
    void value(const char* name, T& value) const {
        const auto found = json.find(name);
        if (found == json.end()) return;
        const bool fits = std::is_same_v<T, std::string> ? found->is_string()
                          : std::is_same_v<T, bool>      ? found->is_boolean()
                          : std::is_same_v<T, int>       ? found->is_number_integer()
                                                         : found->is_number();
        if (fits)
            found->get_to(value);
        else
            wrong(name);
    }
    void wrong(const char* name) const { problem += std::string(problem.empty() ? "" : ", ") + name; }
};
}  // namespace

const std::vector<std::string>& names_of_subjects() {
    static const std::vector<std::string> names{"auto", "scribbles", "truth", "rvm"};
    return names;
}
const std::vector<std::string>& names_of_backgrounds() {
    static const std::vector<std::string> names{"bokeh", "gaussian", "colour", "picture", "video", "transparent"};
    return names;
}
const std::vector<std::string>& names_of_views() {
    static const std::vector<std::string> names{"result",      "input",     "matte",    "disparity", "defocus",
                                                "superpixels", "templates", "response", "layers"};
    return names;
}
const std::vector<std::string>& names_of_easings() {
    static const std::vector<std::string> names{"linear", "smooth", "ease-in", "ease-out"};
    return names;
}
const std::vector<std::string>& preset_names() {
    static const std::vector<std::string> names{"portrait", "cinema", "macro", "tilt-shift"};
    return names;
}

void apply_preset(const std::string& name, LiveSettings& s) {
    const LiveSettings plain;
    s.cat_eye = plain.cat_eye, s.chromatic = plain.chromatic, s.highlights = plain.highlights, s.tilt = plain.tilt;
    s.blades = 0, s.rotation = 0, s.squeeze = 1, s.sensor_width = 36, s.focus_on_subject = true;
    s.background = LiveBackground::bokeh;
    if (name == "portrait") {
        s.f_number = 1.8f, s.focal_length = 85, s.subject_distance = 2.2f, s.background_distance = 8;
    } else if (name == "cinema") {
        s.f_number = 2.8f, s.focal_length = 50, s.subject_distance = 1.8f, s.background_distance = 10;
        s.sensor_width = 24.9f, s.blades = 8, s.cat_eye = 0.5f, s.highlights = 1.5f, s.rack_seconds = 1.5f;
    } else if (name == "macro") {
        s.f_number = 4, s.focal_length = 100, s.subject_distance = 0.45f, s.background_distance = 1.2f;
    } else if (name == "tilt-shift") {
        s.f_number = 1.4f, s.focal_length = 50, s.subject_distance = s.background_distance = 3;
        s.tilt = 1.5f, s.focus_on_subject = false, s.sensor_width = 36;
    } else {
        fail("there is no preset '" + name + "': choose portrait, cinema, macro or tilt-shift");
    }
    s.focus_distance = s.subject_distance;
}

Lens lens_of(const LiveSettings& settings) {
    return {.focal_length = settings.focal_length / 1000,
            .f_number = settings.f_number,
            .focus_distance = INFINITY,
            .sensor_width = settings.sensor_width / 1000};
}

void make_valid(LiveSettings& settings) {
    visit_settings(settings, Limit{});
    if (settings.blades < 3) settings.blades = 0;  // a diaphragm has no fewer
}

std::string settings_file() {
    const char* config = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    if (config && *config) return (fs::path(config) / "cinebokeh" / "live.json").string();
    if (home && *home) return (fs::path(home) / ".config" / "cinebokeh" / "live.json").string();
    return {};
}

LiveSettings read_settings(const std::string& file, std::string& problem) {
    LiveSettings settings;
    problem.clear();
    std::ifstream stream(file);
    if (file.empty() || !stream) return settings;
    const nlohmann::json json = nlohmann::json::parse(stream, nullptr, false);
    if (!json.is_object()) {
        problem = "the settings '" + file + "' are not JSON: defaults are used";
        return settings;
    }
    std::string wrong;
    visit_settings(settings, Read{json, wrong});
    if (!wrong.empty()) problem = "the settings '" + file + "' have wrong values, which are replaced: " + wrong;
    return settings;
}

void write_settings(const std::string& file, const LiveSettings& settings) {
    nlohmann::ordered_json json;
    visit_settings(settings, Write{json});
    std::error_code error;
    fs::create_directories(fs::path(file).parent_path(), error);
    const std::string fresh = file + ".new";
    std::ofstream stream(fresh);
    stream << json.dump(4, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
    stream.close();
    require(bool(stream), "the settings '", file, "' cannot be written");
    fs::rename(fresh, file, error);
    require(!error, "the settings '", file, "' cannot be written: ", error.message());
}
}  // namespace cinebokeh::demo
