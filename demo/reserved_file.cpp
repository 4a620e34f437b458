#include "reserved_file.hpp"

#include <cerrno>
#include <cstring>
#include <vector>

#include "cinebokeh/core/error.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {

ReservedFile::ReservedFile(const fs::path& file) : path_(file) {
    file_ = std::fopen(file.string().c_str(), "wb");
    require(file_ != nullptr, "the output '", file.string(), "' cannot be written: ", std::strerror(errno));
    std::setvbuf(file_, nullptr, _IONBF, 0);  // FFmpeg buffers; a failed write must be known at once
    open_reserve();
}

ReservedFile::~ReservedFile() { close(); }

// The held space is a file without a name beside the output: nothing is left behind, even after a crash.
void ReservedFile::open_reserve() {
    std::error_code ignored;
    if (!fs::is_regular_file(path_, ignored)) return;
    const fs::path held = path_.string() + ".reserve";
    reserve_ = std::fopen(held.string().c_str(), "wb");
    if (!reserve_) return;
    std::setvbuf(reserve_, nullptr, _IONBF, 0);
    fs::remove(held, ignored);
    hold_space();
}

// An index takes about 20 bytes a frame; at the lowest rates videos are made of that is 1 % of the file. Never is more
// than a part of a small disk held back.
void ReservedFile::hold_space() {
    static constexpr int64_t block = 128 << 10;
    while (reserve_ && trouble_.empty() && held_ < (4 << 20) + size_ / 50) {
        std::error_code error;
        const fs::path folder = path_.parent_path().empty() ? "." : path_.parent_path();
        const fs::space_info space = fs::space(folder, error);
        if (error || uint64_t(held_ + block) * 8 > uint64_t(space.available)) return;
        const std::vector<unsigned char> zeros(block);
        if (std::fwrite(zeros.data(), 1, zeros.size(), reserve_) != zeros.size()) return;
        held_ += block;
    }
}

void ReservedFile::release_space() {
    if (reserve_) std::fclose(reserve_);
    reserve_ = nullptr;
}

bool ReservedFile::write(const unsigned char* data, size_t bytes) {
    while (bytes > 0) {
        errno = 0;
        const size_t written = std::fwrite(data, 1, bytes, file_);
        data += written, bytes -= written;
        position_ += int64_t(written);
        size_ = std::max(size_, position_);
        if (bytes == 0) {
            hold_space();
            break;
        }
        if (trouble_.empty()) trouble_ = std::strerror(errno ? errno : ENOSPC);
        if (!reserve_) return false;
        std::clearerr(file_);
        release_space();
    }
    return true;
}

bool ReservedFile::seek(int64_t position) {
    if (std::fseek(file_, long(position), SEEK_SET) != 0) return false;
    position_ = position;
    return true;
}

bool ReservedFile::close() {
    release_space();
    if (!file_) return true;
    const bool closed = std::fclose(file_) == 0;
    file_ = nullptr;
    if (!closed && trouble_.empty()) trouble_ = std::strerror(errno);
    return closed;
}
}  // namespace cinebokeh::demo
