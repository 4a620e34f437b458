#include "frame_sink.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>

#include "cinebokeh/core/error.hpp"
#include "image_file.hpp"
#include "video_writer.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
std::string extension_of(const std::string& file) {
    std::string extension = fs::path(file).extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](char c) { return char(std::tolower(c & 0xff)); });
    return extension;
}

class VideoSink : public FrameSink {
public:
    VideoSink(const std::string& file, const SourceInfo& source)
        : file_(file), writer_(file, source), size_(source.size) {}
    bool write(Frame& frame) override {
        writer_.add_audio_packets(std::move(frame.audio));
        return writer_.write(frame);
    }
    void finish(bool whole, std::vector<Packet> rest_of_audio) override {
        writer_.add_audio_packets(std::move(rest_of_audio));
        writer_.finish(whole);
        std::error_code ignored;  // a video without frames does not play: leave no trace of it
        if (frames_written() == 0 && fs::is_regular_file(file_, ignored)) fs::remove(file_, ignored);
    }
    long frames_written() const override { return writer_.frames_in_file(); }
    std::string trouble() const override { return writer_.trouble(); }
    std::string format() const override { return writer_.encoder(); }
    std::string note() const override {
        std::string note = writer_.left_out();
        if (!(writer_.size() == size_))
            note += std::string(note.empty() ? "" : "; ") + "the video is " + std::to_string(writer_.size().width) +
                    " x " + std::to_string(writer_.size().height) +
                    ": an odd side is padded by repeating its last pixels";
        if (writer_.encoder() == "mpeg4")
            note +=
                std::string(note.empty() ? "" : "; ") + "no H.264 encoder is built into FFmpeg here: MPEG-4 is written";
        return note;
    }

private:
    std::string file_;
    VideoWriter writer_;
    Size size_;
};

class PictureSink : public FrameSink {
public:
    explicit PictureSink(std::string file) : file_(std::move(file)) {}
    bool write(Frame& frame) override {
        write_png(name(), frame.result_view());
        ++count_;
        return true;
    }
    void finish(bool, std::vector<Packet>) override {}
    long frames_written() const override { return count_; }
    std::string format() const override { return "png"; }

protected:
    virtual std::string name() const { return file_; }
    std::string file_;
    long count_ = 0;
};

class FolderSink : public PictureSink {
public:
    using PictureSink::PictureSink;

private:
    std::string name() const override {
        char name[24];
        std::snprintf(name, sizeof name, "%05ld.png", count_);
        return (fs::path(file_) / name).string();
    }
};
}  // namespace

void require_parent(const std::string& file) {
    const fs::path parent = fs::path(file).parent_path();
    std::error_code error;
    require(parent.empty() || fs::is_directory(parent, error), "'", file, "' cannot be written: the folder '",
            parent.string(), "' does not exist (mkdir -p '", parent.string(), "')");
}

void make_folder(const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    require(!error && fs::is_directory(folder, error), "the folder '", folder, "' cannot be created",
            error ? ": " + error.message() : std::string(": a file of that name is in the way"));
}

std::unique_ptr<FrameSink> open_sink(const std::string& output, const SourceInfo& source, long max_frames) {
    std::error_code error;
    require(!fs::exists(output, error) || !fs::equivalent(output, source.name, error), "the output '", output,
            "' is the input itself: choose another name");
    const std::string extension = extension_of(output);
    if (extension.empty() || fs::is_directory(output, error) || output.back() == '/') {
        make_folder(output);
        return std::make_unique<FolderSink>(output);
    }
    require_parent(output);
    if (extension == ".mp4" || extension == ".mov" || extension == ".mkv")
        return std::make_unique<VideoSink>(output, source);
    require(extension == ".png", "the output '", output, "' ends in ", extension,
            ": it must be a .mp4, .mov or .mkv file, a .png file or a folder");
    require(source.still || source.frames == 1 || max_frames == 1, "a .png holds one frame, but '", source.name,
            "' has more: write to a .mp4 or a folder, or add --max-frames 1");
    return std::make_unique<PictureSink>(output);
}
}  // namespace cinebokeh::demo
