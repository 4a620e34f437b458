#include "recorder.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "cinebokeh/core/error.hpp"
#include "disparity_file.hpp"
#include "focus_track_file.hpp"
#include "frame_sink.hpp"
#include "image_file.hpp"
#include "recording.hpp"
#include "video_writer.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {

struct Recorder::Files {
    std::optional<VideoWriter> result;
    VideoWriter source;
    Frame picture;  // the input, as the writer takes it
    std::vector<float> disparity;

    Files(const RecorderParams& params, const SourceInfo& info) : source(params.folder + "/source.mp4", info, 14) {
        if (!params.transparent) result.emplace(params.folder + "/result.mp4", info, 18);
    }
};

Recorder::Recorder(const RecorderParams& params) : QueuedOutput(8), params_(params) {
    for (const char* folder : {"", "/mattes"}) make_folder(params.folder + folder);
    if (params.disparity) make_folder(params.folder + "/disparity");
    if (params.transparent) make_folder(params.folder + "/result");
    SourceInfo info = params.source;
    info.audio.clear();
    info.time_base = {1, 1000};
    files_ = std::make_unique<Files>(params_, info);
    start();
}

Recorder::~Recorder() { finish(); }

std::string Recorder::fresh_folder(const std::string& parent) {
    const std::time_t now = std::time(nullptr);
    char stamp[40];
    std::strftime(stamp, sizeof stamp, "cinebokeh-%Y%m%d-%H%M%S", std::localtime(&now));
    fs::path folder = fs::path(parent) / stamp;
    for (int i = 2; fs::exists(folder); ++i) folder = fs::path(parent) / (std::string(stamp) + "-" + std::to_string(i));
    return folder.string();
}

void Recorder::handle(const LiveFrame& frame) {
    const RecordedScale scale = RecordedScale::of(params_.disparity, frame.focus);
    if (begun_at_ < 0) {
        begun_at_ = frame.captured_at;
        lens_ = {.lens = params_.lens, .scale = {.a = scale.one, .b = scale.zero}};
    }
    const double time = frame.captured_at - begun_at_;
    char name[32];
    std::snprintf(name, sizeof name, "/%05ld.png", frames_.load());
    Frame& picture = files_->picture;
    picture.size = frame.frame.size;
    picture.time = int64_t(std::llround(time * 1000));
    picture.result = frame.frame.pixels;
    require(files_->source.write(picture), "the recording cannot be written (", files_->source.trouble(), ")");
    if (files_->result) {
        picture.result = frame.frame.result;
        require(files_->result->write(picture), "the recording cannot be written (", files_->result->trouble(), ")");
    } else {
        write_png(params_.folder + "/result" + name, frame.frame.result_view());
    }
    write_matte_png(params_.folder + "/mattes" + name, frame.frame.matte_view());
    if (params_.disparity) {
        files_->disparity = frame.maps.disparity;
        for (float& disparity : files_->disparity) disparity = scale.to(disparity);
        write_disparity_png(params_.folder + "/disparity" + name, {files_->disparity.data(), frame.frame.size});
    }
    if (focus_.empty() || time > focus_.back().time) {
        focus_.push_back({time, scale.to(frame.focus)});
        float& disparity = focus_.back().focus.disparity;
        disparity = std::min(disparity, lens_.nearest());
    }
    ++frames_;
}

void Recorder::close() {
    if (std::exchange(closed_, true)) return;
    finish();
    files_->source.finish(true);
    if (files_->result) files_->result->finish(true);
    if (!focus_.empty())
        write_focus_track(recorded_track(params_.folder), track_through(focus_, lens_, params_.source.size.width),
                          lens_);
    require(problem().empty(), problem());
}
}  // namespace cinebokeh::demo
