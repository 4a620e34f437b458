#include "template_view.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cinebokeh/false_color.hpp"

namespace cinebokeh::demo {
namespace {
// The largest part of a cell, in its middle, that has the shape of a picture.
HostImage<Rgba8> fitted(HostImage<Rgba8> cell, Size shape) {
    const double scale = std::min(double(cell.size.width) / shape.width, double(cell.size.height) / shape.height);
    const Size part{std::max(1, int(shape.width * scale)), std::max(1, int(shape.height * scale))};
    return cell.crop((cell.size.width - part.width) / 2, (cell.size.height - part.height) / 2, part);
}
}  // namespace

std::string draw_templates(Cpu& exec, const TemplateBank<Cpu>& bank, HostImage<Rgba8> out) {
    constexpr int gap = 4;
    const int columns = int(std::ceil(std::sqrt(double(bank.count())))), rows = ceil_div(bank.count(), columns);
    const Size cell{out.size.width / columns, out.size.height / rows};
    for (int y = 0; y < out.size.height; ++y) std::fill_n(out.row(y), out.size.width, Rgba8{24, 24, 26, 255});
    const Size half{cell.width / 2 - 2 * gap, cell.height - 2 * gap};
    if (half.empty()) return "the picture is too small to show templates in";
    for (int slot = 0; slot < bank.count(); ++slot) {
        const int x = slot % columns * cell.width + gap, y = slot / columns * cell.height + gap;
        const Size shape = bank.image(slot).size;
        resize<Rgba8>(exec, bank.image(slot), ResizeFilter::bilinear, fitted(out.crop(x, y, half), shape));
        const HostImage<Rgba8> beside = fitted(out.crop(x + cell.width / 2, y, half), shape);
        Buffer<float, Cpu> matte(exec, beside.size);
        resize<float>(exec, bank.matte(slot), ResizeFilter::bilinear, matte.view());
        false_color<Cpu>(exec, std::as_const(matte).view(), 0, 1, Palette::grey, beside);
    }
    return std::to_string(bank.count()) + " of " + std::to_string(bank.capacity()) +
           " templates; the newest is number " + std::to_string(bank.newest() + 1);
}

std::string ResponseMap::draw(HostImage<const Rgba8> picture, const TemplateBank<Cpu>& bank, HostImage<Rgba8> out) {
    const Size small = bank.patch_size();
    if (!ncc_ || !(ncc_->patch_size() == small)) {
        ncc_.emplace(exec_, small, 1);
        small_ = {exec_, small}, luma_ = {exec_, small}, valid_ = {exec_, small};
        response_ = {exec_, small}, large_ = {exec_, size_};
    }
    const HostImage<const Rgba8> look = bank.image(bank.newest());
    const auto part = [&](auto& buffer, Size size) { return buffer.view().crop(0, 0, size); };
    luma<Cpu>(exec_, look, part(luma_, look.size));
    above<Cpu>(exec_, bank.matte(bank.newest()), 0.5f, part(valid_, look.size));
    ncc_->set_template(0, part(luma_, look.size), part(valid_, look.size));
    resize<Rgba8>(exec_, picture, ResizeFilter::area, small_.view());
    luma<Cpu>(exec_, std::as_const(small_).view(), luma_.view());
    ncc_->set_patch(luma_.view());
    const HostImage<float> response = part(response_, ncc_->response_size(0));
    ncc_->response(0, response);

    // From places of the template's corner to those of its middle, in the picture.
    const double scale_x = double(size_.width) / small.width, scale_y = double(size_.height) / small.height;
    const Size region{std::max(1, int(response.size.width * scale_x)),
                      std::max(1, int(response.size.height * scale_y))};
    for (int y = 0; y < size_.height; ++y) std::fill_n(large_.view().row(y), size_.width, 0.f);
    resize<float>(
        exec_, response, ResizeFilter::bilinear,
        large_.view().crop(std::min(int(look.size.width * scale_x / 2), size_.width - region.width),
                           std::min(int(look.size.height * scale_y / 2), size_.height - region.height), region));
    false_color<Cpu>(exec_, std::as_const(large_).view(), 0, 1, Palette::heat, out);
    float best = -1;
    for (int y = 0; y < response.size.height; ++y)
        for (int x = 0; x < response.size.width; ++x) best = std::max(best, response(x, y));
    char text[64];
    std::snprintf(text, sizeof text, "the best response of the newest template is %.2f", double(best));
    return text;
}
}  // namespace cinebokeh::demo
