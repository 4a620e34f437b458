// Where frames come from: a video file, a still picture, a folder of pictures, a camera, or the built-in clip.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "frame.hpp"

struct AVCodecParameters;

namespace cinebokeh::demo {

/// A stream of sound that is carried over packet by packet.
struct AudioTrack {
    int stream = 0;  // its number in the input, which its packets carry
    std::shared_ptr<const AVCodecParameters> codec;
    TimeBase time_base;
};

struct SourceInfo {
    std::string name;
    Size size;                   // as shown: rotated as the file asks
    double fps = 30;             // on average
    long frames = 0;             // 0 where unknown
    TimeBase time_base;          // of Frame::time
    TimeBase pixel_shape{1, 1};  // width : height of a pixel
    bool still = false;          // a single picture
    bool live = false;           // a camera
    bool has_matte = false;      // knows its true matte
    bool has_disparity = false;  // knows its true disparity
    std::vector<AudioTrack> audio;
};

class FrameSource {
public:
    virtual ~FrameSource() = default;
    const SourceInfo& info() const { return info_; }
    /// Reads the next frame into `frame`, whose memory is reused. False at the end. Throws Error where reading fails.
    virtual bool next(Frame& frame) = 0;
    /// Goes over the next frame, for less than reading it takes where that can be; `time` is that of the frame. False
    /// at the end.
    virtual bool skip(int64_t& time) {
        if (!next(skipped_)) return false;
        time = skipped_.time;
        return true;
    }
    /// What was wrong with the input, known at its end: a file that stops early, frames that cannot be decoded.
    virtual std::string damage() const { return {}; }
    /// Packets of sound behind the last frame.
    virtual std::vector<Packet> rest_of_audio() { return {}; }

protected:
    SourceInfo info_;

private:
    Frame skipped_;
};

/// Opens `input`: "demo", "camera", "camera:N", a folder or a file. Throws Error saying what is wrong with it and what
/// to do.
/// `any_size`: the pictures of a folder need not be of one size.
std::unique_ptr<FrameSource> open_source(const std::string& input, bool any_size = false);

std::unique_ptr<FrameSource> open_video(const std::string& file);
std::unique_ptr<FrameSource> open_camera(const std::string& which);
std::unique_ptr<FrameSource> open_folder(const std::string& folder, bool any_size);
std::unique_ptr<FrameSource> open_picture(const std::string& file);
std::unique_ptr<FrameSource> open_builtin_clip();

/// The files in a folder that end so, whatever the case, in natural order.
std::vector<std::string> files_in(const std::string& folder, std::initializer_list<const char*> extensions);
/// The pictures in a folder in natural order: "frame2.png" before "frame10.png".
std::vector<std::string> pictures_in(const std::string& folder);
}  // namespace cinebokeh::demo
