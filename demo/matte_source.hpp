// Where the matte of each frame comes from.
#pragma once
#include <string>
#include <vector>

#include "frame_source.hpp"
#include "session.hpp"

namespace cinebokeh::demo {

enum class Subject {
    automatic,    // found in the first frame, then followed
    scribbles,    // marked in the first frame, then followed
    first_matte,  // given for the first frame, then followed
    given,        // a matte for every frame, in a folder
    truth,        // of the built-in clip
    network       // found in every frame by Robust Video Matting
};

struct SubjectOptions {
    Subject subject = Subject::automatic;
    std::string scribbles;    // file
    std::string first_matte;  // file
    std::string mattes;       // folder
    NetworkOptions network;
    bool asked_for = false;  // the user said something of it
};

class MatteSource {
public:
    /// Throws Error where a file of the options is missing or does not fit the input.
    /// For Subject::network the session has its network.
    MatteSource(const SubjectOptions& options, const SourceInfo& source, Session& session);

    /// Fills the matte of the frame, which the session has begun; to be called for each frame, in order. False where
    /// the subject is lost.
    bool matte(Frame& frame);

private:
    void first(Frame& frame);
    void read_given(Frame& frame);

    SubjectOptions options_;
    Session& session_;
    std::vector<uint8_t> strokes_;
    std::vector<float> first_matte_;
    std::vector<std::string> given_;
    bool one_frame_ = false;
};
}  // namespace cinebokeh::demo
