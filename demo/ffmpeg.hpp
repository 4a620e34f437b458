// FFmpeg's objects with owners, and its errors as ours.
#pragma once
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswscale/swscale.h>
}
#include <memory>
#include <string>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {

struct FreeFfmpeg {
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
    void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
    void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
template <class T>
using Ffmpeg = std::unique_ptr<T, FreeFfmpeg>;

inline std::string ffmpeg_text(int error) {
    char text[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(error, text, sizeof text);
    return text;
}

/// Throws Error where an FFmpeg call returned an error: "<what>: <FFmpeg's reason>".
template <class... Parts>
void require_ffmpeg(int status, const Parts&... what) {
    if (status < 0) fail((detail::to_text(what) + ...) + ": " + ffmpeg_text(status));
}
}  // namespace cinebokeh::demo
