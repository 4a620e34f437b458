// Records the live result, and the session from which it can be rendered again with another focus: see recording.hpp
// for the files.
#pragma once
#include <memory>
#include <string>

#include "focus_recording.hpp"
#include "queued_output.hpp"

namespace cinebokeh::demo {

struct RecorderParams {
    std::string folder;
    SourceInfo source;
    Lens lens = {};            // that f-numbers are written for
    bool transparent = false;  // PNGs with alpha in place of result.mp4
    bool disparity = false;    // of every frame, too
};

class Recorder : public QueuedOutput {
public:
    /// Creates the folder and opens the files. Throws Error where that fails.
    explicit Recorder(const RecorderParams& params);
    ~Recorder() override;

    /// Ends the recording and completes its files. Throws Error where that fails.
    void close();
    long frames() const { return frames_; }
    const std::string& folder() const { return params_.folder; }

    /// "cinebokeh-20260131-235959" below `parent`, or with a number behind it where that exists.
    static std::string fresh_folder(const std::string& parent);

private:
    struct Files;
    void handle(const LiveFrame& frame) override;

    RecorderParams params_;
    std::unique_ptr<Files> files_;
    double begun_at_ = -1;
    std::vector<FocusSample> focus_;
    TrackLens lens_;
    std::atomic<long> frames_{0};
    bool closed_ = false;
};
}  // namespace cinebokeh::demo
