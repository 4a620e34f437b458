#include "contact_sheet.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/resize.hpp"
#include "image_file.hpp"

namespace cinebokeh::demo {
namespace {
constexpr int gap = 6;  // pixels between the pictures
constexpr int most_kept = 4 * ContactSheet::rows;

Size cell_for(Size frame) {
    const double scale = std::min({1.0, 426.0 / frame.width, 426.0 / frame.height});
    return {std::max(1, int(std::lround(frame.width * scale))), std::max(1, int(std::lround(frame.height * scale)))};
}

}  // namespace

ContactSheet::ContactSheet(Size frame, long frames)
    : cell_(cell_for(frame)), stride_(int(std::max(1L, frames / most_kept))) {}

void ContactSheet::add(const Frame& frame) {
    if (frame.index % stride_ != 0) return;
    columns_ = frame.result.empty() ? 2 : 3;
    const Size strip{columns_ * cell_.width + (columns_ - 1) * gap, cell_.height};
    Row row{frame.index, std::vector<Rgba8>(strip.area(), Rgba8{24, 24, 24, 255})};
    const HostImage<Rgba8> all{row.pixels.data(), strip};
    const auto cell = [&](int column) { return all.crop(column * (cell_.width + gap), 0, cell_); };
    resize<Rgba8>(exec_, frame.picture(), ResizeFilter::area, cell(0));
    std::vector<float> small(cell_.area());
    resize<float>(exec_, frame.matte_view(), ResizeFilter::area, {small.data(), cell_});
    for (int y = 0; y < cell_.height; ++y)
        for (int x = 0; x < cell_.width; ++x) {
            const float alpha = clamp(small[size_t(y) * size_t(cell_.width) + size_t(x)], 0.f, 1.f);
            const uint8_t grey = uint8_t(255 * alpha + 0.5f);
            cell(1)(x, y) = {grey, grey, grey, 255};
        }
    if (columns_ == 3) resize<Rgba8>(exec_, frame.result_view(), ResizeFilter::area, cell(2));
    kept_.push_back(std::move(row));
    if (int(kept_.size()) <= most_kept) return;
    stride_ *= 2;  // the run is longer than was known: keep every other
    kept_.erase(std::remove_if(kept_.begin(), kept_.end(), [&](const Row& r) { return r.index % stride_ != 0; }),
                kept_.end());
}

void ContactSheet::write(const std::string& file) const {
    if (kept_.empty()) return;
    const int count = std::min(rows, int(kept_.size()));
    const Size strip{columns_ * cell_.width + (columns_ - 1) * gap, cell_.height};
    const Size sheet{strip.width + 2 * gap, count * (strip.height + gap) + gap};
    std::vector<Rgba8> pixels(sheet.area(), Rgba8{24, 24, 24, 255});
    const HostImage<Rgba8> all{pixels.data(), sheet};
    for (int i = 0; i < count; ++i) {
        const size_t pick = count == 1 ? 0 : size_t(i) * (kept_.size() - 1) / size_t(count - 1);
        const HostImage<const Rgba8> row{kept_[pick].pixels.data(), strip};
        for (int y = 0; y < strip.height; ++y)
            std::copy_n(row.row(y), strip.width, all.row(gap + i * (strip.height + gap) + y) + gap);
    }
    write_png(file, all);
}
}  // namespace cinebokeh::demo
