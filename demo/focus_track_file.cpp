#include "focus_track_file.hpp"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "image_file.hpp"

namespace cinebokeh::demo {
namespace {
using Json = nlohmann::ordered_json;
using Kind = FocusTarget::Kind;

const std::map<std::string, FocusEasing> easings = {
    {"linear", FocusEasing::linear}, {"smooth", FocusEasing::smooth}, {"hold", FocusEasing::hold}};

void only_fields(const Json& object, const std::vector<std::string>& known) {
    require(object.is_object(), object.dump(), " is not an object {...}");
    for (const auto& [name, value] : object.items())
        require(std::find(known.begin(), known.end(), name) != known.end(), "there is no field '", name, "'");
}
float number(const Json& value, const char* name) {
    require(value.is_number(), name, " must be a number, not ", value.dump());
    return value.get<float>();
}

FocusTarget read_target(const Json& json) {
    if (json == "subject") return {Kind::subject, 0, 0, 0};
    require(json.is_object() && json.size() == 1,
            R"(focus must be "subject", {"disparity": d}, {"distance": metres} or {"point": [x, y]}, not )",
            json.dump());
    only_fields(json, {"disparity", "distance", "point"});
    if (json.contains("disparity")) return {Kind::disparity, number(json["disparity"], "disparity"), 0, 0};
    if (json.contains("distance"))  // JSON has no infinity
        return {Kind::distance, json["distance"] == "infinity" ? INFINITY : number(json["distance"], "distance"), 0, 0};
    const Json& point = json["point"];
    require(point.is_array() && point.size() == 2, "point must be [x, y], not ", point.dump());
    return {Kind::point, 0, number(point[0], "x"), number(point[1], "y")};
}

FocusKey read_key(const Json& json) {
    only_fields(json, {"time", "focus", "f_number", "strength", "easing"});
    require(json.contains("time") && json["time"].is_number(), "time must be a number");
    require(json.contains("focus"), "focus is missing");
    FocusKey key{json["time"].get<double>(), read_target(json["focus"]), {}, {}, FocusEasing::smooth};
    if (json.contains("f_number")) key.f_number = number(json["f_number"], "f_number");
    if (json.contains("strength")) key.strength = number(json["strength"], "strength");
    if (!json.contains("easing")) return key;
    const auto easing = easings.find(json["easing"].is_string() ? json["easing"].get<std::string>() : "");
    require(easing != easings.end(), R"(easing must be "linear", "smooth" or "hold", not )", json["easing"].dump());
    key.easing = easing->second;
    return key;
}

Json target_json(const FocusTarget& target) {
    switch (target.kind) {
        case Kind::disparity:
            return {{"disparity", target.value}};
        case Kind::distance:
            return {{"distance", std::isinf(target.value) ? Json("infinity") : Json(target.value)}};
        case Kind::point:
            return {{"point", {target.x, target.y}}};
        default:
            return "subject";
    }
}

Json read_json(const std::string& file) {
    const std::vector<unsigned char> bytes = read_bytes(file);
    Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
    require(!json.is_discarded(), "the focus track '", file, "' is not JSON");
    require(json.is_object() && json.contains("keys") && json["keys"].is_array(), "the focus track '", file,
            R"(' must be {"keys": [{"time": 0, "focus": "subject"}, ...]})");
    return json;
}

TrackLens read_lens(const Json& json) {
    only_fields(json, {"focal_length", "sensor_width", "disparity_scale"});
    const auto millimetres = [&](const char* name) { return number(json.value(name, Json()), name) / 1000; };
    TrackLens lens{.lens = {.focal_length = millimetres("focal_length"),
                            .focus_distance = INFINITY,
                            .sensor_width = millimetres("sensor_width")}};
    if (json.contains("disparity_scale")) {
        const Json& scale = json["disparity_scale"];
        require(scale.is_array() && scale.size() == 2, "disparity_scale must be [a, b], not ", scale.dump());
        lens.scale = {number(scale[0], "a"), number(scale[1], "b")};
    }
    focus_of(lens.lens, 1, lens.scale);  // refuses what cannot be
    return lens;
}
}  // namespace

float TrackLens::nearest() const { return float(scale.disparity(1.1 * double(lens.focal_length))); }

Focus TrackLens::focus(float f_number, float disparity, int image_width) const {
    Lens through = lens;
    through.f_number = f_number;
    return {focus_of_disparity(through, image_width, scale, std::min(disparity, nearest())).strength, disparity};
}

std::optional<TrackLens> read_track_lens(const std::string& file) {
    const Json json = read_json(file);
    if (!json.contains("lens")) return {};
    try {
        return read_lens(json["lens"]);
    } catch (const Error& error) {
        fail("the focus track '" + file + "', lens: " + error.what());
    }
}

FocusTrack read_focus_track(const std::string& file) {
    const Json json = read_json(file);
    std::vector<FocusKey> keys;
    std::string where = "the focus track '" + file + "'";
    try {
        for (const Json& key : json["keys"]) {
            where = "the focus track '" + file + "', key " + std::to_string(keys.size());
            keys.push_back(read_key(key));
        }
        where = "the focus track '" + file + "'";
        return FocusTrack(std::move(keys));
    } catch (const Error& error) {
        fail(where + ": " + error.what());
    }
}

void write_focus_track(const std::string& file, const FocusTrack& track, const std::optional<TrackLens>& lens) {
    Json json;
    json["keys"] = Json::array();
    for (const FocusKey& key : track.keys()) {
        Json entry = {{"time", key.time}, {"focus", target_json(key.target)}};
        if (key.f_number) entry["f_number"] = *key.f_number;
        if (key.strength) entry["strength"] = *key.strength;
        for (const auto& [name, easing] : easings)
            if (easing == key.easing) entry["easing"] = name;
        json["keys"].push_back(entry);
    }
    if (lens)
        json["lens"] = {{"focal_length", lens->lens.focal_length * 1000},
                        {"sensor_width", lens->lens.sensor_width * 1000},
                        {"disparity_scale", {lens->scale.a, lens->scale.b}}};
    std::ofstream stream(file);
    stream << json.dump(1) << '\n';
    stream.close();
    require(bool(stream), "'", file, "' cannot be written");
}
}  // namespace cinebokeh::demo
