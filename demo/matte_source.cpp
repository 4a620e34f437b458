#include "matte_source.hpp"

#include <algorithm>
#include <filesystem>

#include "cinebokeh/core/error.hpp"
#include "image_file.hpp"
#include "scribble_file.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {

namespace {
// Fades begin with frames of one colour: whatever is found there is a guess.
bool shows_something(HostImage<const Rgba8> frame) {
    constexpr int least = 8;  // codes between the darkest and the lightest; noise of a black frame has a few
    Rgba8 low{255, 255, 255, 255}, high{0, 0, 0, 0};
    for (int y = 0; y < frame.size.height; ++y)
        for (int x = 0; x < frame.size.width; ++x)
            for (int c = 0; c < 3; ++c) {
                low[c] = std::min(low[c], frame(x, y)[c]);
                high[c] = std::max(high[c], frame(x, y)[c]);
            }
    return high[0] - low[0] > least || high[1] - low[1] > least || high[2] - low[2] > least;
}
}  // namespace

MatteSource::MatteSource(const SubjectOptions& options, const SourceInfo& source, Session& session)
    : options_(options), session_(session), one_frame_(source.still) {
    switch (options.subject) {
        case Subject::automatic:
        case Subject::network:
            break;
        case Subject::scribbles:
            strokes_ = read_scribbles(options.scribbles, source.size);
            break;
        case Subject::first_matte: {
            first_matte_ = read_matte(options.first_matte, source.size);
            const auto marked = [](float alpha) { return alpha > 0.5f; };
            const auto subject = std::count_if(first_matte_.begin(), first_matte_.end(), marked);
            require(subject > 0, "the first matte '", options.first_matte,
                    "' is empty: the subject must be white (above 127) in it");
            require(size_t(subject) < first_matte_.size(), "the first matte '", options.first_matte,
                    "' is full: the background must be black in it");
            break;
        }
        case Subject::given:
            require(fs::is_directory(options.mattes), "the folder of mattes '", options.mattes, "' does not exist");
            given_ = pictures_in(options.mattes);
            require(!given_.empty(), "the folder of mattes '", options.mattes, "' holds no picture");
            break;
        case Subject::truth:
            require(source.has_matte, "'", source.name, "' does not know its true matte: only the input demo does");
    }
}

bool MatteSource::matte(Frame& frame) {
    frame.matte.resize(frame.size.area());
    if (options_.subject == Subject::given) return read_given(frame), true;
    if (options_.subject == Subject::truth) return frame.matte = frame.given_matte, true;
    const HostImage<float> matte{frame.matte.data(), frame.size};
    if (options_.subject == Subject::network) return session_.find_people(matte), true;
    if (frame.index == 0) return first(frame), true;
    return session_.track(matte);
}

void MatteSource::first(Frame& frame) {
    const HostImage<float> matte{frame.matte.data(), frame.size};
    if (options_.subject == Subject::first_matte)
        frame.matte = first_matte_;
    else if (options_.subject == Subject::scribbles)
        session_.find({strokes_.data(), frame.size}, matte);
    else {
        require(shows_something(frame.picture()), "the first frame is of one colour, no subject can be found in it: ",
                "cut the beginning off, or give a matte (--first-matte PNG)");
        session_.find_auto(matte);
    }
    const auto marked = [](float alpha) { return alpha > 0.5f; };
    const auto subject = size_t(std::count_if(frame.matte.begin(), frame.matte.end(), marked));
    require(subject > 0 && subject < frame.matte.size(), "no subject was found in the first frame: ",
            "mark it (--scribbles FILE) or give its matte (--first-matte PNG)");
    if (!one_frame_) session_.start(frame.matte_view());
}

// A matte of the name of the frame, or else the one at its place in the folder.
void MatteSource::read_given(Frame& frame) {
    const fs::path named = fs::path(options_.mattes) / (frame.stem + ".png");
    if (fs::exists(named)) {
        frame.matte = read_matte(named, frame.size);
        return;
    }
    require(size_t(frame.index) < given_.size(), "there is no matte for frame ", frame.index, ": '", options_.mattes,
            "' holds ", given_.size(), " and none is called ", frame.stem, ".png");
    frame.matte = read_matte(given_[size_t(frame.index)], frame.size);
}
}  // namespace cinebokeh::demo
