#include "audio_transcoder.hpp"

extern "C" {
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
}
#include <algorithm>

namespace cinebokeh::demo {
namespace {
// FFmpeg 5.1 replaced the mask of a channel layout by an object.
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 24, 100)
int channels_of(const AVCodecContext& codec) { return codec.ch_layout.nb_channels; }
void set_default_layout(AVCodecContext& encoder, int channels) {
    av_channel_layout_default(&encoder.ch_layout, channels);
}
void copy_layout(const AVCodecContext& encoder, AVFrame& frame) {
    av_channel_layout_copy(&frame.ch_layout, &encoder.ch_layout);
}
SwrContext* make_resampler(const AVCodecContext& from, const AVCodecContext& to) {
    SwrContext* resampler = nullptr;
    AVChannelLayout layout = from.ch_layout, out_layout = to.ch_layout;
    if (layout.order == AV_CHANNEL_ORDER_UNSPEC) av_channel_layout_default(&layout, layout.nb_channels);
    swr_alloc_set_opts2(&resampler, &out_layout, to.sample_fmt, to.sample_rate, &layout, from.sample_fmt,
                        from.sample_rate, 0, nullptr);
    return resampler;
}
#else
int channels_of(const AVCodecContext& codec) { return codec.channels; }
void set_default_layout(AVCodecContext& encoder, int channels) {
    encoder.channels = channels;
    encoder.channel_layout = uint64_t(av_get_default_channel_layout(channels));
}
void copy_layout(const AVCodecContext& encoder, AVFrame& frame) {
    frame.channels = encoder.channels;
    frame.channel_layout = encoder.channel_layout;
}
SwrContext* make_resampler(const AVCodecContext& from, const AVCodecContext& to) {
    const int64_t layout =
        from.channel_layout ? int64_t(from.channel_layout) : av_get_default_channel_layout(from.channels);
    return swr_alloc_set_opts(nullptr, int64_t(to.channel_layout), to.sample_fmt, to.sample_rate, layout,
                              from.sample_fmt, from.sample_rate, 0, nullptr);
}
#endif

// The rates of AAC (ISO 14496-3, table 1.18): the lowest that keeps all of the sound, at most 48 kHz.
int aac_rate(int rate) {
    for (int possible : {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100})
        if (rate <= possible) return possible;
    return 48000;
}
}  // namespace

std::unique_ptr<AudioTranscoder> AudioTranscoder::to_aac(const AVCodecParameters& input, AVRational time_base,
                                                         bool global_header) {
    std::unique_ptr<AudioTranscoder> transcoder(new AudioTranscoder);
    return transcoder->open(input, time_base, global_header) ? std::move(transcoder) : nullptr;
}

AudioTranscoder::~AudioTranscoder() {
    swr_free(&resampler_);
    if (waiting_) av_audio_fifo_free(waiting_);
}

bool AudioTranscoder::open(const AVCodecParameters& input, AVRational time_base, bool global_header) {
    input_time_base_ = time_base;
    const AVCodec* from = avcodec_find_decoder(input.codec_id);
    const AVCodec* to = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (!from || !to) return false;
    decoder_.reset(avcodec_alloc_context3(from));
    if (avcodec_parameters_to_context(decoder_.get(), &input) < 0) return false;
    decoder_->pkt_timebase = time_base;
    if (avcodec_open2(decoder_.get(), from, nullptr) < 0 || channels_of(*decoder_) < 1 || decoder_->sample_rate < 1)
        return false;

    encoder_.reset(avcodec_alloc_context3(to));
    const int channels = channels_of(*decoder_) > 6 ? 2 : channels_of(*decoder_);
    set_default_layout(*encoder_, channels);
    encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder_->sample_rate = aac_rate(decoder_->sample_rate);
    encoder_->time_base = {1, encoder_->sample_rate};
    encoder_->bit_rate = 96000 * channels;
    if (global_header) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (avcodec_open2(encoder_.get(), to, nullptr) < 0) return false;
    waiting_ = av_audio_fifo_alloc(encoder_->sample_fmt, channels, 4 * encoder_->frame_size);
    return waiting_ && open_resampler();
}

bool AudioTranscoder::open_resampler() {
    resampler_ = make_resampler(*decoder_, *encoder_);
    return resampler_ && swr_init(resampler_) >= 0;
}

// Appends decoded sound (null: what the resampler still holds) to the samples that wait.
void AudioTranscoder::resample(const AVFrame* decoded) {
    if (decoded && decoded->pts != AV_NOPTS_VALUE) {
        // Samples follow each other; only a gap that can be heard moves them.
        const int64_t time =
            av_rescale_q(decoded->pts, input_time_base_, encoder_->time_base) - av_audio_fifo_size(waiting_);
        if (next_time_ == INT64_MIN || time - next_time_ > encoder_->sample_rate / 10) next_time_ = time;
    }
    if (next_time_ == INT64_MIN) next_time_ = 0;
    const int room = swr_get_out_samples(resampler_, decoded ? decoded->nb_samples : 0);
    if (room <= 0) return;
    Ffmpeg<AVFrame> out(av_frame_alloc());
    out->format = encoder_->sample_fmt, out->nb_samples = room, out->sample_rate = encoder_->sample_rate;
    copy_layout(*encoder_, *out);
    require_ffmpeg(av_frame_get_buffer(out.get(), 0), "no memory for the sound");
    const int made = swr_convert(resampler_, out->extended_data, room,
                                 decoded ? const_cast<const uint8_t**>(decoded->extended_data) : nullptr,
                                 decoded ? decoded->nb_samples : 0);
    require_ffmpeg(made, "the sound cannot be converted");
    require_ffmpeg(av_audio_fifo_write(waiting_, reinterpret_cast<void**>(out->extended_data), made),
                   "no memory for the sound");
}

// Encodes the samples that wait, as far as they fill a frame of the encoder; at the end the last, shorter one too.
void AudioTranscoder::encode(bool to_the_end, std::vector<Packet>& done) {
    while (av_audio_fifo_size(waiting_) >= (to_the_end ? 1 : encoder_->frame_size)) {
        av_frame_unref(samples_.get());
        samples_->format = encoder_->sample_fmt, samples_->sample_rate = encoder_->sample_rate;
        samples_->nb_samples = std::min(encoder_->frame_size, av_audio_fifo_size(waiting_));
        copy_layout(*encoder_, *samples_);
        require_ffmpeg(av_frame_get_buffer(samples_.get(), 0), "no memory for the sound");
        av_audio_fifo_read(waiting_, reinterpret_cast<void**>(samples_->extended_data), samples_->nb_samples);
        samples_->pts = next_time_;
        next_time_ += samples_->nb_samples;
        require_ffmpeg(avcodec_send_frame(encoder_.get(), samples_.get()), "the encoder of the sound failed");
        drain(done);
    }
}

void AudioTranscoder::drain(std::vector<Packet>& done) {
    while (true) {
        Packet packet(av_packet_alloc());
        const int status = avcodec_receive_packet(encoder_.get(), packet.get());
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
        require_ffmpeg(status, "the encoder of the sound failed");
        done.push_back(std::move(packet));
    }
}

std::vector<Packet> AudioTranscoder::operator()(const AVPacket* packet) {
    std::vector<Packet> done;
    if (avcodec_send_packet(decoder_.get(), packet) >= 0)
        while (avcodec_receive_frame(decoder_.get(), decoded_.get()) >= 0) resample(decoded_.get());
    if (!packet) resample(nullptr);
    encode(packet == nullptr, done);
    if (!packet) {
        avcodec_send_frame(encoder_.get(), nullptr);
        drain(done);
    }
    return done;
}
}  // namespace cinebokeh::demo
