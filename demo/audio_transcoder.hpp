// Sound that a container cannot hold as it is (PCM in .mp4, for one) becomes AAC.
#pragma once
#include <memory>
#include <vector>

#include "ffmpeg.hpp"
#include "frame.hpp"

struct AVAudioFifo;
struct SwrContext;

namespace cinebokeh::demo {

class AudioTranscoder {
public:
    /// Null where this FFmpeg cannot decode the sound, or has no AAC encoder that takes it.
    ///
    ///   time_base      of the packets' times
    ///   global_header  the container wants the encoder's description in its header
    static std::unique_ptr<AudioTranscoder> to_aac(const AVCodecParameters& input, AVRational time_base,
                                                   bool global_header);
    ~AudioTranscoder();

    /// What it writes; times are in its time_base.
    const AVCodecContext& encoder() const { return *encoder_; }
    /// Takes a packet (null: there are no more) and returns what became complete. Damaged packets are passed over.
    /// Throws Error where the encoder fails.
    std::vector<Packet> operator()(const AVPacket* packet);

private:
    AudioTranscoder() = default;
    bool open(const AVCodecParameters& input, AVRational time_base, bool global_header);
    bool open_resampler();
    void resample(const AVFrame* decoded);
    void encode(bool to_the_end, std::vector<Packet>& done);
    void drain(std::vector<Packet>& done);

    AVRational input_time_base_{1, 1};
    Ffmpeg<AVCodecContext> decoder_, encoder_;
    Ffmpeg<AVFrame> decoded_{av_frame_alloc()}, samples_{av_frame_alloc()};
    SwrContext* resampler_ = nullptr;
    AVAudioFifo* waiting_ = nullptr;  // samples for the next frame of the encoder
    int64_t next_time_ = INT64_MIN;   // of the first of them, in samples; INT64_MIN: none came yet
};
}  // namespace cinebokeh::demo
