// Where the disparity of each frame comes from: a file, a folder of files, or a source that knows it.
#pragma once
#include <string>
#include <vector>

#include "cinebokeh/disparity_stabilizer.hpp"
#include "frame_source.hpp"

namespace cinebokeh::demo {

class DisparitySource {
public:
    /// An empty `path` leaves what the source of the frames knows. `stabilize`: see DisparityStabilizer; for a folder.
    /// Throws Error where the file or folder is missing, or a file is to be stabilised.
    DisparitySource(const std::string& path, const SourceInfo& source, bool stabilize = false);

    /// Whether frames have a disparity.
    bool any() const { return !path_.empty() || known_; }
    /// Fills the disparity of the frame, or empties it where there is none; to be called for each, in order. Throws
    /// Error naming the file, and the pixel where one is to blame.
    void fill(Frame& frame);

private:
    std::string file_of(const Frame& frame) const;

    std::string path_;
    bool known_;
    std::vector<std::string> files_;  // of a folder
    std::vector<float> still_;        // the only one
    Cpu exec_{1};
    std::optional<DisparityStabilizer<Cpu>> stabilizer_;
};
}  // namespace cinebokeh::demo
