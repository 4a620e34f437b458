#include "video_reader.hpp"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <thread>

#include "signals.hpp"

namespace cinebokeh::demo {
namespace {
int interrupted(void*) { return stop_requested(); }

const int32_t* display_matrix(const AVStream& stream) {
#if LIBAVCODEC_VERSION_MAJOR >= 61
    const AVCodecParameters& codec = *stream.codecpar;
    const AVPacketSideData* side =
        av_packet_side_data_get(codec.coded_side_data, codec.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return side ? reinterpret_cast<const int32_t*>(side->data) : nullptr;
#else
    return reinterpret_cast<const int32_t*>(av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
#endif
}

int quarter_turns_of(const AVStream& stream) {
    const int32_t* matrix = display_matrix(stream);
    if (!matrix) return 0;
    const double degrees = -av_display_rotation_get(matrix);  // clockwise
    return std::isnan(degrees) ? 0 : (int(std::lround(degrees / 90)) % 4 + 4) % 4;
}

// Copies an image, turned clockwise by quarters.
void turn(HostImage<const Rgba8> in, int quarters, HostImage<Rgba8> out) {
    const int right = in.size.width - 1, bottom = in.size.height - 1;
    for (int y = 0; y < out.size.height; ++y)
        for (int x = 0; x < out.size.width; ++x)
            out(x, y) = quarters == 0   ? in(x, y)
                        : quarters == 1 ? in(y, bottom - x)
                        : quarters == 2 ? in(right - x, bottom - y)
                                        : in(right - y, x);
}

// Untagged video is BT.601 up to 576 lines and BT.709 above, by custom.
void set_colours(SwsContext* scaler, const AVFrame& frame) {
    int space = frame.colorspace;
    if (space == AVCOL_SPC_UNSPECIFIED || space == AVCOL_SPC_RESERVED)
        space = frame.height <= 576 ? SWS_CS_ITU601 : SWS_CS_ITU709;
    const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(AVPixelFormat(frame.format));
    const bool old_full_range = format && std::string(format->name).rfind("yuvj", 0) == 0;
    const int full = frame.color_range == AVCOL_RANGE_JPEG || old_full_range;
    sws_setColorspaceDetails(scaler, sws_getCoefficients(space), full, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
                             1 << 16, 1 << 16);
}
}  // namespace

void FreePacket::operator()(AVPacket* packet) const { av_packet_free(&packet); }

VideoReader::VideoReader(const StreamRequest& request) {
    try {
        open(request);
        open_decoder();
        describe(request);
        if (!request.live) describe_audio();
    } catch (...) {
        avformat_close_input(&file_);
        throw;
    }
}

VideoReader::~VideoReader() { avformat_close_input(&file_); }

void VideoReader::open(const StreamRequest& request) {
    file_ = avformat_alloc_context();
    file_->interrupt_callback = {interrupted, nullptr};
    AVDictionary* options = nullptr;
    for (const auto& [key, value] : request.options) av_dict_set(&options, key.c_str(), value.c_str(), 0);
    const int status =
        avformat_open_input(&file_, request.url.c_str(), const_cast<AVInputFormat*>(request.format), &options);
    av_dict_free(&options);
    if (status == AVERROR_INVALIDDATA)
        fail("'" + request.name + "' cannot be read: it is not a video this program knows, or it is cut off; " +
             "convert it to .mp4, or copy it again");
    require_ffmpeg(status, "'", request.name, "' cannot be opened");
    require_ffmpeg(avformat_find_stream_info(file_, nullptr), "'", request.name, "' cannot be read");
    const int best = av_find_best_stream(file_, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    require(best >= 0 && !(file_->streams[best]->disposition & AV_DISPOSITION_ATTACHED_PIC), "'", request.name,
            "' has no video stream this program can decode");
    stream_ = file_->streams[best];
}

void VideoReader::open_decoder() {
    const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
    require(codec != nullptr, "the codec ", avcodec_get_name(stream_->codecpar->codec_id), " cannot be decoded here");
    decoder_.reset(avcodec_alloc_context3(codec));
    require_ffmpeg(avcodec_parameters_to_context(decoder_.get(), stream_->codecpar), "the video stream cannot be read");
    decoder_->pkt_timebase = stream_->time_base;
    decoder_->thread_count = clamp(int(std::thread::hardware_concurrency()) / 2, 1, 8);  // the matting needs the others
    require_ffmpeg(avcodec_open2(decoder_.get(), codec, nullptr), "the decoder ", codec->name, " does not start");
}

void VideoReader::describe(const StreamRequest& request) {
    const AVCodecParameters& codec = *stream_->codecpar;
    info_.name = request.name;
    info_.live = request.live;
    info_.size = {codec.width, codec.height};
    require(!info_.size.empty(), "'", request.name, "' has no frames this program can decode");
    const AVRational shape = av_guess_sample_aspect_ratio(file_, stream_, nullptr);
    if (shape.num > 0 && shape.den > 0) info_.pixel_shape = {shape.num, shape.den};
    quarter_turns_ = quarter_turns_of(*stream_);
    if (quarter_turns_ % 2) {
        std::swap(info_.size.width, info_.size.height);
        std::swap(info_.pixel_shape.num, info_.pixel_shape.den);
    }
    const AVRational rate = av_guess_frame_rate(file_, stream_, nullptr);
    if (rate.num > 0 && rate.den > 0) info_.fps = av_q2d(rate);
    info_.time_base = {stream_->time_base.num, stream_->time_base.den};
    frame_duration_ = std::max<int64_t>(1, std::llround(1 / (info_.fps * av_q2d(stream_->time_base))));
    const double seconds = file_->duration > 0 ? double(file_->duration) / AV_TIME_BASE : 0;
    if (!request.live)
        info_.frames = stream_->nb_frames > 0 ? long(stream_->nb_frames) : std::lround(seconds * info_.fps);
    start_ = file_->start_time == AV_NOPTS_VALUE ? 0 : file_->start_time;
    cut_off_ = cut_off();
}

void VideoReader::describe_audio() {
    for (unsigned i = 0; i < file_->nb_streams; ++i) {
        AVStream& stream = *file_->streams[i];
        if (&stream == stream_) continue;
        if (stream.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) {
            stream.discard = AVDISCARD_ALL;
            continue;
        }
        AVCodecParameters* codec = avcodec_parameters_alloc();
        avcodec_parameters_copy(codec, stream.codecpar);
        info_.audio.push_back({int(i),
                               {codec, [](AVCodecParameters* p) { avcodec_parameters_free(&p); }},
                               {stream.time_base.num, stream.time_base.den}});
    }
}

// Files with an index say where their last frame should be.
bool VideoReader::cut_off() const {
    const int64_t bytes = file_->pb ? avio_size(file_->pb) : -1;
    if (bytes <= 0) return false;
    for (int i = 0; i < avformat_index_get_entries_count(stream_); ++i) {
        const AVIndexEntry* entry = avformat_index_get_entry(stream_, i);
        if (entry && entry->pos + entry->size > bytes) return true;
    }
    return false;
}

bool VideoReader::next(Frame& frame) {
    if (!decode()) return false;
    convert(frame);
    frame.time = time_of(*decoded_);
    frame.audio = std::move(audio_);
    audio_.clear();
    char stem[24];
    std::snprintf(stem, sizeof stem, "%05ld", read_++);
    frame.stem = stem;
    return true;
}

bool VideoReader::decode() {
    while (true) {
        const int status = avcodec_receive_frame(decoder_.get(), decoded_.get());
        if (status >= 0) return true;
        if (status == AVERROR_EOF) return false;
        if (status != AVERROR(EAGAIN)) ++broken_;
        read_packet();
    }
}

void VideoReader::read_packet() {
    const int status = ended_ ? AVERROR_EOF : av_read_frame(file_, packet_.get());
    if (status == AVERROR(EAGAIN)) {  // a device that has no frame yet
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return;
    }
    if (status < 0) {
        if (status != AVERROR_EOF && status != AVERROR_EXIT) ++broken_;
        ended_ = true;
        avcodec_send_packet(decoder_.get(), nullptr);
        return;
    }
    const AVStream& stream = *file_->streams[packet_->stream_index];
    if (packet_->pts != AV_NOPTS_VALUE)
        last_end_ =
            std::max(last_end_, av_rescale_q(packet_->pts + packet_->duration, stream.time_base, AV_TIME_BASE_Q));
    if (packet_->stream_index == stream_->index) {
        if (packet_->flags & AV_PKT_FLAG_CORRUPT || avcodec_send_packet(decoder_.get(), packet_.get()) < 0) ++broken_;
    } else {
        keep_audio();
    }
    av_packet_unref(packet_.get());
}

void VideoReader::keep_audio() {
    for (const AudioTrack& track : info_.audio) {
        if (track.stream != packet_->stream_index) continue;
        Packet kept(av_packet_clone(packet_.get()));
        const int64_t start = av_rescale_q(start_, AV_TIME_BASE_Q, {track.time_base.num, track.time_base.den});
        if (kept->pts != AV_NOPTS_VALUE) kept->pts -= start;
        if (kept->dts != AV_NOPTS_VALUE) kept->dts -= start;
        audio_.push_back(std::move(kept));
    }
}

void VideoReader::convert(Frame& frame) {
    const Size size{decoded_->width, decoded_->height};
    const bool sideways = quarter_turns_ % 2;
    require(size == (sideways ? Size{info_.size.height, info_.size.width} : info_.size), "'", info_.name,
            "' changes its picture size at frame ", read_, " to ", size.width, " x ", size.height,
            ": cut the video there and process the parts");
    frame.resize(info_.size);
    // swscale writes whole groups of pixels: rows that do not end with a group need room behind them.
    const bool direct = quarter_turns_ == 0 && size.width % 32 == 0;
    const size_t pitch = direct ? size_t(size.width) : round_up(size_t(size.width), 32) + 32;
    if (!direct) scaled_.resize(pitch * size_t(size.height));
    scaler_.reset(sws_getCachedContext(scaler_.release(), size.width, size.height, AVPixelFormat(decoded_->format),
                                       size.width, size.height, AV_PIX_FMT_RGBA, SWS_BILINEAR, nullptr, nullptr,
                                       nullptr));
    require(scaler_ != nullptr, "'", info_.name, "': the pixel format of the video is not known");
    set_colours(scaler_.get(), *decoded_);
    Rgba8* pixels = direct ? frame.pixels.data() : scaled_.data();
    uint8_t* planes[4] = {reinterpret_cast<uint8_t*>(pixels)};
    const int pitches[4] = {int(pitch * sizeof(Rgba8))};
    sws_scale(scaler_.get(), decoded_->data, decoded_->linesize, 0, size.height, planes, pitches);
    if (!direct)
        turn({pixels, size, ptrdiff_t(pitch * sizeof(Rgba8))}, quarter_turns_, {frame.pixels.data(), info_.size});
}

int64_t VideoReader::time_of(const AVFrame& decoded) {
    int64_t time = decoded.best_effort_timestamp;
    if (time == AV_NOPTS_VALUE)
        time = last_time_ < 0 ? 0 : last_time_ + frame_duration_;
    else
        time -= av_rescale_q(start_, AV_TIME_BASE_Q, stream_->time_base);
    if (time <= last_time_) time = last_time_ + 1;
    return last_time_ = std::max<int64_t>(time, 0);
}

std::string VideoReader::damage() const {
    if (info_.live || stop_requested()) return {};
    if (read_ == 0) return "no frame of it could be decoded";
    if (!ended_) return {};
    // Containers without an index tell their length; half a second covers rounding and sound that ends earlier.
    const bool told = file_->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE && file_->duration > 0;
    const bool early = told && last_end_ - start_ < file_->duration - AV_TIME_BASE / 2;
    if (cut_off_ || early) return "it is cut off after " + std::to_string(read_) + " frames";
    if (broken_) return std::to_string(broken_) + " of its packets cannot be decoded";
    return {};
}

std::unique_ptr<FrameSource> open_video(const std::string& file) {
    StreamRequest request;
    request.url = "file:" + file;  // a name with a colon is not a protocol
    request.name = file;
    return std::make_unique<VideoReader>(request);
}
}  // namespace cinebokeh::demo
