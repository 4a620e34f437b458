// Where finished frames go: a video file, a folder of numbered pictures, or one picture.
#pragma once
#include <memory>
#include <string>

#include "frame_source.hpp"

namespace cinebokeh::demo {

class FrameSink {
public:
    virtual ~FrameSink() = default;
    /// Takes the frame's result and its sound. False where there is no room for it or any after it.
    virtual bool write(Frame& frame) = 0;
    /// Completes the output. `whole`: the input was read to its end, so the rest of its sound belongs to it.
    virtual void finish(bool whole, std::vector<Packet> rest_of_audio) = 0;
    /// The frames that can be seen in the output, known after finish().
    virtual long frames_written() const = 0;
    /// Why writing stopped early.
    virtual std::string trouble() const { return {}; }
    /// What the user should know about the output; empty if nothing.
    virtual std::string note() const { return {}; }
    /// How the output is encoded.
    virtual std::string format() const = 0;
};

/// Opens the output: a name ending in .mp4, .mov or .mkv, a name ending in .png, or a folder, which is created with its
/// parents. Throws Error where it cannot be written or does not fit the input.
std::unique_ptr<FrameSink> open_sink(const std::string& output, const SourceInfo& source, long max_frames);

/// Throws Error if the folder in which a file is to be written is missing.
void require_parent(const std::string& file);
/// Creates a folder and its parents. Throws Error where that is impossible.
void make_folder(const std::string& folder);
}  // namespace cinebokeh::demo
