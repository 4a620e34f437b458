// `eval matte`: mattes against true mattes or masks, as a segmentation, as mattes, and over time.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/matte_measures.hpp"
#include "cinebokeh/resize.hpp"
#include "commands.hpp"
#include "frame_source.hpp"
#include "image_file.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
struct Scores {
    std::string name;
    Size size;
    ConfusionMatrix confusion;
    AlphaError error;
    double gradient = 0, connectivity = 0;
    std::optional<double> temporal;  // to the picture before it
};

struct Mattes {
    Size size;
    std::vector<float> result, truth;

    HostImage<const float> result_view() const { return {result.data(), size}; }
    HostImage<const float> truth_view() const { return {truth.data(), size}; }
};

std::vector<float> alpha_of(const GreyPicture& grey) {
    std::vector<float> alpha(grey.pixels.size());
    for (size_t i = 0; i < alpha.size(); ++i) alpha[i] = float(grey.pixels[i]) / 255;
    return alpha;
}

Mattes read_pair(Cpu& exec, const fs::path& result_file, const fs::path& truth_file) {
    const GreyPicture result = read_grey(result_file);
    GreyPicture truth = read_grey(truth_file);
    if (truth.size != result.size) {
        std::vector<uint8_t> resized(result.size.area());
        resize<uint8_t>(exec, {truth.pixels.data(), truth.size}, ResizeFilter::nearest, {resized.data(), result.size});
        truth = {result.size, std::move(resized)};
    }
    return {result.size, alpha_of(result), alpha_of(truth)};
}

// The pictures of the truth say which results there must be.
std::vector<Scores> measure_all(const std::string& results, const std::string& truth) {
    require(fs::is_directory(results), "the folder of results '", results, "' does not exist");
    require(fs::is_directory(truth), "the folder of true mattes '", truth, "' does not exist");
    const std::vector<std::string> files = pictures_in(truth);
    require(!files.empty(), "the folder of true mattes '", truth, "' holds no picture");
    Cpu exec;
    std::optional<MatteMeasures> measures;
    Mattes before;
    std::vector<Scores> all;
    for (const std::string& file : files) {
        const std::string stem = fs::path(file).stem().string();
        const fs::path result = fs::path(results) / (stem + ".png");
        require(fs::exists(result), "the result '", result.string(), "' is missing");
        Mattes mattes = read_pair(exec, result, file);
        const bool follows = measures && before.size == mattes.size;
        if (!follows) measures.emplace(exec, mattes.size);
        const auto a = mattes.result_view(), b = mattes.truth_view();
        Scores scores{.name = stem,
                      .size = mattes.size,
                      .confusion = measures->confusion(a, b),
                      .error = measures->error(a, b),
                      .gradient = measures->gradient(a, b),
                      .connectivity = measures->connectivity(a, b),
                      .temporal = {}};
        if (follows) scores.temporal = measures->temporal(before.result_view(), a, before.truth_view(), b);
        all.push_back(std::move(scores));
        before = std::move(mattes);
    }
    return all;
}

double mean_of(const std::vector<Scores>& all, const std::function<double(const Scores&)>& value) {
    double sum = 0;
    for (const Scores& scores : all) sum += value(scores);
    return sum / double(all.size());
}

// Over time only frames of one size can be compared: stills of different sizes are no video.
std::optional<double> mean_temporal(const std::vector<Scores>& all) {
    double sum = 0;
    for (size_t i = 1; i < all.size(); ++i) {
        if (!all[i].temporal) return {};
        sum += *all[i].temporal;
    }
    return all.size() > 1 ? std::optional(sum / double(all.size() - 1)) : std::nullopt;
}

nlohmann::ordered_json to_json(const ConfusionMatrix& c) {
    return {{"true_positive", c.true_positive},
            {"false_positive", c.false_positive},
            {"false_negative", c.false_negative},
            {"true_negative", c.true_negative}};
}

struct Summary {
    ConfusionMatrix confusion;  // of all pixels
    double iou, accuracy, mad, mse, gradient, connectivity;
    std::optional<double> temporal;
};

Summary summary_of(const std::vector<Scores>& all) {
    Summary s{.confusion = {},
              .iou = mean_of(all, [](const Scores& p) { return p.confusion.intersection_over_union(); }),
              .accuracy = mean_of(all, [](const Scores& p) { return p.confusion.accuracy(); }),
              .mad = mean_of(all, [](const Scores& p) { return p.error.mean_absolute; }),
              .mse = mean_of(all, [](const Scores& p) { return p.error.mean_squared; }),
              .gradient = mean_of(all, [](const Scores& p) { return p.gradient; }),
              .connectivity = mean_of(all, [](const Scores& p) { return p.connectivity; }),
              .temporal = mean_temporal(all)};
    for (const Scores& scores : all) s.confusion += scores.confusion;
    return s;
}

void print(const Summary& s, size_t pictures) {
    std::printf("%zu pictures, means of each picture's\n", pictures);
    std::printf("  IoU %.4f, pixel accuracy %.4f (matte above 0.5)\n", s.iou, s.accuracy);
    std::printf("  MAD %.3f / 1000, MSE %.3f / 1000, gradient %.4f * 1000, connectivity %.4f * 1000\n", 1000 * s.mad,
                1000 * s.mse, s.gradient / 1000, s.connectivity / 1000);
    if (s.temporal) std::printf("  dtSSD %.3f / 100\n", 100 * *s.temporal);
    const ConfusionMatrix& c = s.confusion;
    const auto share = [&](int64_t n) { return 100 * double(n) / double(c.count()); };
    std::printf("confusion of all pixels, in %%    truth: subject  background\n");
    std::printf("                      result: subject  %8.3f  %10.3f\n", share(c.true_positive),
                share(c.false_positive));
    std::printf("                           background  %8.3f  %10.3f\n", share(c.false_negative),
                share(c.true_negative));
}

void write_json(const std::string& file, const Summary& s, const std::vector<Scores>& all) {
    nlohmann::ordered_json json{
        {"pictures", all.size()}, {"IoU", s.iou}, {"pixel_accuracy", s.accuracy}, {"confusion", to_json(s.confusion)},
        {"MAD", s.mad},           {"MSE", s.mse}, {"gradient", s.gradient},       {"connectivity", s.connectivity}};
    if (s.temporal) json["dtSSD"] = *s.temporal;
    for (const Scores& p : all) {
        nlohmann::ordered_json& entry = json["each"][p.name];
        entry = {{"width", p.size.width},
                 {"height", p.size.height},
                 {"IoU", p.confusion.intersection_over_union()},
                 {"pixel_accuracy", p.confusion.accuracy()},
                 {"confusion", to_json(p.confusion)},
                 {"MAD", p.error.mean_absolute},
                 {"MSE", p.error.mean_squared},
                 {"gradient", p.gradient},
                 {"connectivity", p.connectivity}};
        if (p.temporal) entry["dtSSD"] = *p.temporal;
    }
    std::ofstream stream(file);
    stream << json.dump(1) << '\n';
    stream.close();
    require(bool(stream), "'", file, "' cannot be written");
}
}  // namespace

int eval_matte(const EvalOptions& options) {
    const std::vector<Scores> all = measure_all(options.results, options.truth);
    const Summary summary = summary_of(all);
    print(summary, all.size());
    if (!options.json.empty()) write_json(options.json, summary, all);
    return 0;
}
}  // namespace cinebokeh::demo
