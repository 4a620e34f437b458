// Frames from pictures on disk: one, or a folder of them.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "cinebokeh/core/error.hpp"
#include "frame_source.hpp"
#include "image_file.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
// Compares runs of digits as numbers, the rest byte by byte.
bool natural_less(const std::string& a, const std::string& b) {
    const auto digit = [](const std::string& s, size_t i) { return i < s.size() && std::isdigit(s[i] & 0xff); };
    const auto skip_zeros = [&](const std::string& s, size_t& i) {
        while (s[i] == '0' && digit(s, i + 1)) ++i;
    };
    size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (digit(a, i) && digit(b, j)) {
            skip_zeros(a, i), skip_zeros(b, j);
            size_t length = 0, other = 0;
            while (digit(a, i + length)) ++length;
            while (digit(b, j + other)) ++other;
            if (length != other) return length < other;
            const int order = a.compare(i, length, b, j, length);
            if (order != 0) return order < 0;
            i += length, j += length;
        } else {
            if (a[i] != b[j]) return a[i] < b[j];
            ++i, ++j;
        }
    }
    if ((i == a.size()) != (j == b.size())) return i == a.size();
    return a < b;  // equal but for leading zeros
}

void take_picture(Frame& frame, Picture picture, const fs::path& file) {
    frame.size = picture.size;
    frame.pixels = std::move(picture.pixels);
    frame.stem = file.stem().string();
}

class StillPicture : public FrameSource {
public:
    explicit StillPicture(const std::string& file) : picture_(read_picture(file)) {
        info_.name = file;
        info_.size = picture_.size;
        info_.frames = 1;
        info_.time_base = {1, 30};
        info_.still = true;
    }
    bool next(Frame& frame) override {
        if (given_) return false;
        given_ = true;
        take_picture(frame, std::move(picture_), info_.name);
        frame.time = 0;
        return true;
    }

private:
    Picture picture_;
    bool given_ = false;
};

class FolderOfPictures : public FrameSource {
public:
    FolderOfPictures(const std::string& folder, bool any_size) : any_size_(any_size), files_(pictures_in(folder)) {
        require(!files_.empty(), "the folder '", folder, "' holds no picture (.png, .jpg, .jpeg or .bmp)");
        first_ = read_picture(files_[0]);
        info_.name = folder;
        info_.size = first_.size;
        info_.frames = long(files_.size());
        info_.time_base = {1, 30};
    }
    bool next(Frame& frame) override {
        if (index_ == files_.size()) return false;
        const std::string& file = files_[index_];
        Picture picture = index_ == 0 ? std::move(first_) : read_picture(file);
        require(any_size_ || picture.size == info_.size, "'", file, "' is ", picture.size.width, " x ",
                picture.size.height, ", but the frames before it are ", info_.size.width, " x ", info_.size.height);
        take_picture(frame, std::move(picture), file);
        frame.time = int64_t(index_++);
        return true;
    }

private:
    bool any_size_;
    std::vector<std::string> files_;
    Picture first_;
    size_t index_ = 0;
};
}  // namespace

std::vector<std::string> files_in(const std::string& folder, std::initializer_list<const char*> extensions) {
    std::vector<std::string> files;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
        std::string extension = entry.path().extension().string();
        std::transform(extension.begin(), extension.end(), extension.begin(),
                       [](char c) { return char(std::tolower(c & 0xff)); });
        const bool wanted = std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
        if (wanted && entry.is_regular_file(error)) files.push_back(entry.path().string());
    }
    require(!error, "the folder '", folder, "' cannot be read: ", error.message());
    std::sort(files.begin(), files.end(), natural_less);
    return files;
}

std::vector<std::string> pictures_in(const std::string& folder) {
    return files_in(folder, {".png", ".jpg", ".jpeg", ".bmp"});
}

std::unique_ptr<FrameSource> open_folder(const std::string& folder, bool any_size) {
    return std::make_unique<FolderOfPictures>(folder, any_size);
}
std::unique_ptr<FrameSource> open_picture(const std::string& file) { return std::make_unique<StillPicture>(file); }
}  // namespace cinebokeh::demo
