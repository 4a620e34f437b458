#include "contact_sheet.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/false_color.hpp"
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
    columns_ = 1 + !frame.matte.empty() + !frame.disparity.empty() + !frame.result.empty();
    const Size strip{columns_ * cell_.width + (columns_ - 1) * gap, cell_.height};
    Row row{frame.index, std::vector<Rgba8>(strip.area(), Rgba8{24, 24, 24, 255})};
    const HostImage<Rgba8> all{row.pixels.data(), strip};
    int column = 0;
    const auto next = [&] { return all.crop(column++ * (cell_.width + gap), 0, cell_); };
    resize<Rgba8>(exec_, frame.picture(), ResizeFilter::area, next());
    std::vector<float> small(cell_.area());
    const auto show = [&](HostImage<const float> map, float high, Palette palette) {
        resize<float>(exec_, map, ResizeFilter::area, {small.data(), cell_});
        false_color<Cpu>(exec_, {small.data(), cell_}, 0, high, palette, next());
    };
    if (!frame.matte.empty()) show(frame.matte_view(), 1, Palette::grey);
    if (!frame.disparity.empty()) {
        const float nearest = *std::max_element(frame.disparity.begin(), frame.disparity.end());
        show(frame.disparity_view(), nearest > 0 ? nearest : 1, Palette::heat);
    }
    if (!frame.result.empty()) resize<Rgba8>(exec_, frame.result_view(), ResizeFilter::area, next());
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
