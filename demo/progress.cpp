#include "progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#if defined(_WIN32)
#include <io.h>
#define isatty _isatty
#define fileno _fileno
#else
#include <unistd.h>
#endif

namespace cinebokeh::demo {

Progress::Progress(long frames, bool quiet) : frames_(frames), quiet_(quiet), terminal_(isatty(fileno(stderr))) {
    if (!terminal_) next_ms_ = 2000;  // a short run needs no lines
}

Progress::~Progress() {
    if (terminal_ && shown_) std::fprintf(stderr, "\r\033[K");
}

std::string Progress::line(long done, long frames, double seconds) {
    char text[96];
    const double fps = seconds > 0 ? double(done) / seconds : 0;
    if (frames <= done || fps <= 0) {
        std::snprintf(text, sizeof text, "%ld frames, %.1f fps", done, fps);
    } else {
        const long left = std::lround(std::min(1e8, double(frames - done) / fps));
        std::snprintf(text, sizeof text, "%ld of %ld frames, %.1f fps, %ld:%02ld left", done, frames, fps, left / 60,
                      left % 60);
    }
    return text;
}

void Progress::update(long done) {
    if (quiet_ || watch_.ms() < next_ms_) return;
    next_ms_ = watch_.ms() + (terminal_ ? 100 : 5000);
    const std::string text = line(done, frames_, watch_.ms() / 1000);
    shown_ = true;
    if (!terminal_) {
        std::fprintf(stderr, "%s\n", text.c_str());
        return;
    }
    std::string bar(30, '.');
    const size_t filled = frames_ > 0 ? size_t(std::min(done, frames_)) * bar.size() / size_t(frames_) : 0;
    std::fill_n(bar.begin(), filled, '#');
    std::fprintf(stderr, "\r\033[K[%s] %s", bar.c_str(), text.c_str());
    std::fflush(stderr);
}
}  // namespace cinebokeh::demo
