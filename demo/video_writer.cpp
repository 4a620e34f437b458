#include "video_writer.hpp"

extern "C" {
#include <libavutil/opt.h>
}
#include <algorithm>
#include <cmath>
#include <thread>

namespace cinebokeh::demo {
namespace {
int cores_for(int largest) { return clamp(int(std::thread::hardware_concurrency()) / 2, 1, largest); }

YuvPlanes planes_of(AVFrame& picture) {
    const Size even{picture.width, picture.height}, half{even.width / 2, even.height / 2};
    return {{picture.data[0], even, picture.linesize[0]},
            {picture.data[1], half, picture.linesize[1]},
            {picture.data[2], half, picture.linesize[2]}};
}

// MPEG-4 counts time in 16 bits: finer clocks are replaced by one that divides the second more coarsely.
AVRational clock_for(AVCodecID codec, TimeBase time_base) {
    if (codec == AV_CODEC_ID_MPEG4 && time_base.den > 65535) return {1, 60000};
    return {time_base.num, time_base.den};
}
}  // namespace

VideoWriter::VideoWriter(const std::string& file, const SourceInfo& source, double quality)
    : size_(source.size), exec_(cores_for(4)), out_(file) {
    try {
        require_ffmpeg(avformat_alloc_output_context2(&file_, nullptr, nullptr, file.c_str()), "the output '", file,
                       "'");
        open_encoder(source, quality);
        video_ = avformat_new_stream(file_, nullptr);
        require_ffmpeg(avcodec_parameters_from_context(video_->codecpar, encoder_.get()), "the output '", file, "'");
        video_->time_base = time_base_;
        video_->avg_frame_rate = encoder_->framerate;
        video_->sample_aspect_ratio = encoder_->sample_aspect_ratio;
        add_audio(source);
        source_time_base_ = {source.time_base.num, source.time_base.den};
        start_file();
    } catch (...) {
        if (file_ && file_->pb) av_freep(&file_->pb->buffer), avio_context_free(&file_->pb);
        avformat_free_context(file_);
        throw;
    }
}

VideoWriter::~VideoWriter() {
    if (file_->pb) av_freep(&file_->pb->buffer), avio_context_free(&file_->pb);
    avformat_free_context(file_);
}

void VideoWriter::open_encoder(const SourceInfo& source, double quality) {
    for (const char* name : {"libx264", "libopenh264", "mpeg4"})
        if (try_encoder(name, source, quality)) return;
    fail("no video encoder starts for " + std::to_string(size().width) + " x " + std::to_string(size().height) +
         " pixels: write a folder of pictures instead (-o FOLDER)");
}

bool VideoWriter::try_encoder(const char* name, const SourceInfo& source, double quality) {
    const AVCodec* codec = avcodec_find_encoder_by_name(name);
    if (!codec) return false;
    Ffmpeg<AVCodecContext> encoder(avcodec_alloc_context3(codec));
    time_base_ = clock_for(codec->id, source.time_base);
    encoder->width = size().width, encoder->height = size().height;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->time_base = time_base_;
    encoder->framerate = av_d2q(source.fps, 100000);
    encoder->sample_aspect_ratio = {source.pixel_shape.num, source.pixel_shape.den};
    encoder->color_range = AVCOL_RANGE_MPEG;
    encoder->color_primaries = AVCOL_PRI_BT709;
    encoder->color_trc = AVCOL_TRC_BT709;
    encoder->colorspace = AVCOL_SPC_BT709;
    encoder->chroma_sample_location = AVCHROMA_LOC_LEFT;
    encoder->gop_size = std::max(1, int(std::lround(2 * source.fps)));
    encoder->thread_count = cores_for(8);
    if (file_->oformat->flags & AVFMT_GLOBALHEADER) encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->id == AV_CODEC_ID_MPEG4) {
        encoder->flags |= AV_CODEC_FLAG_QSCALE;
        encoder->global_quality = FF_QP2LAMBDA * 3;
    } else if (encoder->priv_data) {
        av_opt_set(encoder->priv_data, "preset", "veryfast", 0);
        av_opt_set_double(encoder->priv_data, "crf", quality, 0);
    }
    if (avcodec_open2(encoder.get(), codec, nullptr) < 0) return false;
    encoder_ = std::move(encoder);
    encoder_name_ = name;
    frame_duration_ = std::max<int64_t>(1, std::llround(1 / (source.fps * av_q2d(time_base_))));
    picture_->format = AV_PIX_FMT_YUV420P;
    picture_->width = size().width, picture_->height = size().height;
    require_ffmpeg(av_frame_get_buffer(picture_.get(), 0), "no memory for the pictures of the video");
    return true;
}

void VideoWriter::add_audio(const SourceInfo& source) {
    for (const AudioTrack& track : source.audio) {
        const AVRational time_base{track.time_base.num, track.time_base.den};
        std::unique_ptr<AudioTranscoder> transcoder;
        if (avformat_query_codec(file_->oformat, track.codec->codec_id, FF_COMPLIANCE_NORMAL) != 1) {
            transcoder = AudioTranscoder::to_aac(*track.codec, time_base, file_->oformat->flags & AVFMT_GLOBALHEADER);
            if (!transcoder) {
                left_out_ = std::string("the sound is in a format (") + avcodec_get_name(track.codec->codec_id) +
                            ") that " + file_->oformat->name +
                            " files cannot hold and is left out: write to a .mkv file to keep it";
                continue;
            }
        }
        AVStream* stream = avformat_new_stream(file_, nullptr);
        require_ffmpeg(transcoder ? avcodec_parameters_from_context(stream->codecpar, &transcoder->encoder())
                                  : avcodec_parameters_copy(stream->codecpar, track.codec.get()),
                       "the sound cannot be copied");
        stream->codecpar->codec_tag = 0;
        stream->time_base = transcoder ? transcoder->encoder().time_base : time_base;
        tracks_.push_back({track.stream, stream, time_base, std::move(transcoder)});
    }
}

int VideoWriter::write_bytes(void* self, const uint8_t* data, int bytes) {
    return static_cast<VideoWriter*>(self)->out_.write(data, size_t(bytes)) ? bytes : AVERROR(ENOSPC);
}

int64_t VideoWriter::seek(void* self, int64_t offset, int whence) {
    ReservedFile& out = static_cast<VideoWriter*>(self)->out_;
    if (whence == AVSEEK_SIZE) return out.size();
    if (whence != SEEK_SET) return AVERROR(EINVAL);
    return out.seek(offset) ? offset : AVERROR(EIO);
}

void VideoWriter::start_file() {
    const int buffer = 64 << 10;
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const auto write = write_bytes;
#else
    const auto write = [](void* self, uint8_t* data, int bytes) { return write_bytes(self, data, bytes); };
#endif
    file_->pb =
        avio_alloc_context(static_cast<unsigned char*>(av_malloc(buffer)), buffer, 1, this, nullptr, write, seek);
    require(file_->pb != nullptr, "no memory for the output");
    file_->flags |= AVFMT_FLAG_CUSTOM_IO;
    require_ffmpeg(avformat_write_header(file_, nullptr), "the header of the output cannot be written");
}

bool VideoWriter::write(const Frame& frame) {
    if (!trouble().empty()) return false;
    require_ffmpeg(av_frame_make_writable(picture_.get()), "no memory for the pictures of the video");
    rgba_to_yuv420(exec_, frame.result_view(), planes_of(*picture_));
    picture_->pts = std::max(av_rescale_q(frame.time, source_time_base_, time_base_), next_time_);
    next_time_ = picture_->pts + 1;
    require_ffmpeg(avcodec_send_frame(encoder_.get(), picture_.get()), "the video encoder failed");
    return drain() && write_audio(picture_->pts + frame_duration_);
}

bool VideoWriter::drain() {
    while (true) {
        const int status = avcodec_receive_packet(encoder_.get(), packet_.get());
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return true;
        require_ffmpeg(status, "the video encoder failed");
        packet_->stream_index = video_->index;
        packet_->duration = frame_duration_;
        av_packet_rescale_ts(packet_.get(), time_base_, video_->time_base);
        if (!mux(packet_.get())) return false;
        ++packets_;
    }
}

bool VideoWriter::mux(AVPacket* packet) {
    const int status = av_interleaved_write_frame(file_, packet);
    if (status < 0 && trouble().empty()) require_ffmpeg(status, "the output cannot be written");
    return trouble().empty();
}

void VideoWriter::add_audio_packets(std::vector<Packet> packets) {
    for (Packet& packet : packets) sound_.push_back(std::move(packet));
}

// Writes the sound that begins before `end`, a time of the video.
bool VideoWriter::write_audio(int64_t end) {
    for (; !sound_.empty(); sound_.pop_front()) {
        AVPacket& packet = *sound_.front();
        const auto track = std::find_if(tracks_.begin(), tracks_.end(),
                                        [&](const Track& t) { return t.input_stream == packet.stream_index; });
        if (track == tracks_.end()) continue;
        if (packet.pts != AV_NOPTS_VALUE && av_compare_ts(packet.pts, track->time_base, end, time_base_) >= 0) break;
        if (!(track->transcoder ? write_transcoded(*track, &packet) : write_packet(*track, track->time_base, packet)))
            return false;
    }
    return true;
}

bool VideoWriter::write_packet(const Track& track, AVRational time_base, AVPacket& packet) {
    packet.stream_index = track.stream->index;
    packet.pos = -1;
    av_packet_rescale_ts(&packet, time_base, track.stream->time_base);
    return mux(&packet);
}

// What became complete with a packet of the input; null: what is left.
bool VideoWriter::write_transcoded(const Track& track, const AVPacket* packet) {
    for (Packet& ready : (*track.transcoder)(packet))
        if (!write_packet(track, track.transcoder->encoder().time_base, *ready)) return false;
    return true;
}

void VideoWriter::finish(bool rest_of_audio) {
    if (finished_) return;
    finished_ = true;
    if (trouble().empty()) {
        avcodec_send_frame(encoder_.get(), nullptr);
        bool room = drain();
        if (room && rest_of_audio) room = write_audio(INT64_MAX / 2);
        for (const Track& track : tracks_)
            if (room && track.transcoder) room = write_transcoded(track, nullptr);
    }
    const int status = av_write_trailer(file_);
    avio_flush(file_->pb);
    const int written = file_->pb->error;
    const bool closed = out_.close();
    require(status >= 0 && written >= 0 && closed, "the end of the output cannot be written (",
            trouble().empty() ? ffmpeg_text(status < 0 ? status : written) : trouble(), "): the file may not play");
}
}  // namespace cinebokeh::demo
