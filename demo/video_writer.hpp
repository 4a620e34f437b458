// Frames to a video file: H.264 (or MPEG-4 where no H.264 encoder is built in) with the sound of the input:
// copied packet by packet, or as AAC where the container cannot hold it as it is.
#pragma once
#include <deque>

#include "audio_transcoder.hpp"
#include "ffmpeg.hpp"
#include "frame_source.hpp"
#include "reserved_file.hpp"
#include "yuv.hpp"

namespace cinebokeh::demo {

class VideoWriter {
public:
    /// Throws Error where the file cannot be written or no encoder starts.
    VideoWriter(const std::string& file, const SourceInfo& source, double quality = 18);
    ~VideoWriter();

    /// Encodes the frame's result. False where the disk is full: nothing more can be added, only finish() called.
    bool write(const Frame& frame);
    /// Adds sound. It is written as the frames reach it.
    void add_audio_packets(std::vector<Packet> packets);
    /// Writes what is delayed and the index: the file is playable. Sound behind the last frame is written only where
    /// the video was not cut short. Throws Error where that fails.
    void finish(bool rest_of_audio);

    /// The frames that are in the file: those still in the encoder when the disk was full are not.
    long frames_in_file() const { return packets_; }
    const std::string& encoder() const { return encoder_name_; }
    /// What could not be carried over, in words; empty where all was.
    const std::string& left_out() const { return left_out_; }
    const std::string& trouble() const { return out_.trouble(); }
    Size size() const { return even_size(size_); }

private:
    struct Track {
        int input_stream;
        AVStream* stream;
        AVRational time_base;
        std::unique_ptr<AudioTranscoder> transcoder;  // null: its packets are copied
    };
    void open_encoder(const SourceInfo& source, double quality);
    bool try_encoder(const char* name, const SourceInfo& source, double quality);
    void add_audio(const SourceInfo& source);
    void start_file();
    bool write_audio(int64_t end);
    bool write_packet(const Track& track, AVRational time_base, AVPacket& packet);
    bool write_transcoded(const Track& track, const AVPacket* packet);
    bool drain();
    bool mux(AVPacket* packet);
    static int write_bytes(void* self, const uint8_t* data, int bytes);
    static int64_t seek(void* self, int64_t offset, int whence);

    Size size_;
    Cpu exec_;
    ReservedFile out_;
    AVFormatContext* file_ = nullptr;
    AVStream* video_ = nullptr;
    Ffmpeg<AVCodecContext> encoder_;
    Ffmpeg<AVFrame> picture_{av_frame_alloc()};
    Ffmpeg<AVPacket> packet_{av_packet_alloc()};
    std::vector<Track> tracks_;
    std::string encoder_name_, left_out_;
    std::deque<Packet> sound_;
    AVRational time_base_, source_time_base_;
    int64_t next_time_ = INT64_MIN, frame_duration_ = 1;
    long packets_ = 0;
    bool finished_ = false;
};
}  // namespace cinebokeh::demo
