// A file that can still be finished when the disk is full: some space is held back from the first byte on, and given
// free when a write fails, so that the index at the end of a video finds room.
#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

namespace cinebokeh::demo {

class ReservedFile {
public:
    /// Creates the file. Throws Error where it cannot be written.
    explicit ReservedFile(const std::filesystem::path& file);
    ~ReservedFile();
    ReservedFile(const ReservedFile&) = delete;
    ReservedFile& operator=(const ReservedFile&) = delete;

    /// False where not all bytes could be written, not even with the space held back.
    bool write(const unsigned char* data, size_t bytes);
    bool seek(int64_t position);
    int64_t size() const { return size_; }
    /// Closes the file. False where the last bytes did not reach it.
    bool close();
    /// Why the first write failed; empty while all is well. What came before it is in the file.
    const std::string& trouble() const { return trouble_; }

private:
    void open_reserve();
    void hold_space();
    void release_space();

    std::filesystem::path path_;
    FILE* file_ = nullptr;
    FILE* reserve_ = nullptr;
    int64_t position_ = 0, size_ = 0, held_ = 0;
    std::string trouble_;
};
}  // namespace cinebokeh::demo
