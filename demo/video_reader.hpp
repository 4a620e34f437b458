// Frames from anything FFmpeg can open: files and capture devices.
#pragma once
#include <map>

#include "ffmpeg.hpp"
#include "frame_source.hpp"

namespace cinebokeh::demo {

struct StreamRequest {
    std::string url;
    std::string name;                            // as messages call it
    const AVInputFormat* format = nullptr;       // null: FFmpeg finds it out
    std::map<std::string, std::string> options;  // of the format
    bool live = false;
};

/// Decodes the best video stream to sRGB, turned upright, and hands its sound on packet by packet. Time stamps are
/// those of the file, counted from its beginning, and always increase.
class VideoReader : public FrameSource {
public:
    /// Throws Error where the file or device cannot be opened or shows no video.
    explicit VideoReader(const StreamRequest& request);
    ~VideoReader() override;

    bool next(Frame& frame) override;
    std::string damage() const override;
    std::vector<Packet> rest_of_audio() override { return std::move(audio_); }

private:
    void open(const StreamRequest& request);
    void open_decoder();
    void describe(const StreamRequest& request);
    void describe_audio();
    bool decode();
    void read_packet();
    void keep_audio();
    void convert(Frame& frame);
    int64_t time_of(const AVFrame& decoded);
    bool cut_off() const;

    AVFormatContext* file_ = nullptr;
    AVStream* stream_ = nullptr;
    Ffmpeg<AVCodecContext> decoder_;
    Ffmpeg<AVPacket> packet_{av_packet_alloc()};
    Ffmpeg<AVFrame> decoded_{av_frame_alloc()};
    Ffmpeg<SwsContext> scaler_;
    std::vector<Packet> audio_;
    std::vector<Rgba8> scaled_;
    int quarter_turns_ = 0;  // clockwise
    int64_t start_ = 0;      // of the file, in AV_TIME_BASE
    int64_t last_time_ = -1, frame_duration_ = 1, last_end_ = 0;
    long read_ = 0, broken_ = 0;
    bool ended_ = false, cut_off_ = false;
};
}  // namespace cinebokeh::demo
