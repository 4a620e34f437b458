// `eval bokeh`: rendered video against true bokeh, as a picture, near depth boundaries, and over time.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/depth_boundary.hpp"
#include "cinebokeh/image_quality.hpp"
#include "commands.hpp"
#include "ffmpeg.hpp"
#include "frame_source.hpp"
#include "scene_truth.hpp"

namespace cinebokeh::demo {
namespace {
// A mean of the frames that have a value: a frame without a depth boundary has no score near one.
struct Mean {
    std::vector<double> values;

    void add(double value) { values.push_back(value); }
    double get() const {
        double sum = 0;
        int count = 0;
        for (const double value : values)
            if (!std::isnan(value)) sum += value, ++count;
        return count ? sum / count : std::nan("");
    }
};

struct Scores {
    Mean psnr, ssim, psnr_ob, ssim_ob, psnr_away, consistency;
};

// Where neither a boundary nor what lies outside of the frame takes part: every pixel that is blurred into these ones
// is seen in the frame, without anything before it.
std::vector<uint8_t> away_from(const std::vector<uint8_t>& boundary, const std::vector<float>& defocus, Size size) {
    float widest = 0;
    for (const float radius : defocus) widest = std::max(widest, std::abs(radius));
    const int margin = int(std::ceil(std::min(double(widest), 1e6))) + 1;
    std::vector<uint8_t> away(boundary.size(), 0);
    for (int y = margin; y < size.height - margin; ++y)
        for (int x = margin; x < size.width - margin; ++x) {
            const size_t at = size_t(y) * size_t(size.width) + size_t(x);
            away[at] = !boundary[at];
        }
    return away;
}

void add_depth(ImageQuality& quality, DepthBoundary& boundary, const SceneTruth::Depth& depth, Size size,
               Scores& scores) {
    std::vector<uint8_t> mask(size.area());
    boundary({depth.disparity.data(), size}, {depth.defocus.data(), size}, {mask.data(), size});
    const ImageScore near = quality.score({mask.data(), size});
    scores.psnr_ob.add(near.psnr), scores.ssim_ob.add(near.ssim);
    const std::vector<uint8_t> away = away_from(mask, depth.defocus, size);
    scores.psnr_away.add(quality.score({away.data(), size}).psnr);
}

Scores measure(const std::string& results, const SceneTruth& truth) {
    const std::unique_ptr<FrameSource> source = open_source(results);
    const Size size = truth.size();
    require(source->info().size == size, "the result '", results, "' is ", source->info().size.width, " x ",
            source->info().size.height, ", but the truth is ", size.width, " x ", size.height);
    Cpu exec;
    ImageQuality quality(exec, size);
    DepthBoundary boundary(exec, size);
    Scores scores;
    Frame frame;
    Picture before, truth_before;
    for (int i = 0; i < truth.frames(); ++i) {
        require(source->next(frame), "the result '", results, "' ends after ", i, " frames, but the truth has ",
                truth.frames());
        Picture result{size, frame.pixels}, wanted = truth.picture(i);
        const HostImage<const Rgba8> a{result.pixels.data(), size}, b{wanted.pixels.data(), size};
        quality.compare(a, b);
        const ImageScore whole = quality.score();
        scores.psnr.add(whole.psnr), scores.ssim.add(whole.ssim);
        if (const auto depth = truth.depth(i)) add_depth(quality, boundary, *depth, size, scores);
        if (i > 0)
            scores.consistency.add(
                relation_loss(exec, {before.pixels.data(), size}, a, {truth_before.pixels.data(), size}, b));
        before = std::move(result), truth_before = std::move(wanted);
    }
    require(!source->next(frame), "the result '", results, "' has more frames than the truth: ", truth.frames());
    return scores;
}

// JSON knows neither infinity nor NaN: the first is the score of equal pictures, the second of none.
nlohmann::ordered_json number(double value) {
    if (std::isinf(value)) return "infinite";
    if (std::isnan(value)) return nullptr;
    return value;
}
nlohmann::ordered_json to_json(const Mean& mean) {
    nlohmann::ordered_json json = {{"mean", number(mean.get())}, {"frames", nlohmann::ordered_json::array()}};
    for (const double value : mean.values) json["frames"].push_back(number(value));
    return json;
}
}  // namespace

int eval_bokeh(const EvalOptions& options) {
    av_log_set_level(AV_LOG_QUIET);
    const SceneTruth truth(options.truth);
    const Scores scores = measure(options.results, truth);
    std::printf("%8s %8s %8s %8s %9s %11s\n", "PSNR", "SSIM", "PSNR_ob", "SSIM_ob", "PSNR_away", "consistency");
    std::printf("%8.2f %8.4f %8.2f %8.4f %9.2f %11.5f\n", scores.psnr.get(), scores.ssim.get(), scores.psnr_ob.get(),
                scores.ssim_ob.get(), scores.psnr_away.get(), scores.consistency.get());
    if (options.json.empty()) return 0;
    nlohmann::ordered_json json;
    json["PSNR"] = to_json(scores.psnr), json["SSIM"] = to_json(scores.ssim);
    json["PSNR_ob"] = to_json(scores.psnr_ob), json["SSIM_ob"] = to_json(scores.ssim_ob);
    json["PSNR_away"] = to_json(scores.psnr_away), json["consistency"] = to_json(scores.consistency);
    std::ofstream stream(options.json);
    stream << json.dump(1) << '\n';
    stream.close();
    require(bool(stream), "'", options.json, "' cannot be written");
    return 0;
}
}  // namespace cinebokeh::demo
