// What the tracker remembers of the subject, to look at: the templates themselves, and where in the picture the newest
// one is found.
#pragma once
#include <optional>
#include <string>

#include "cinebokeh/template_bank.hpp"

namespace cinebokeh::demo {

/// Draws every template beside its matte, the first one first. Returns what there is to see, in one line.
///   bank         with one template at least
///   out  [h, w]  out; cells of equal size
std::string draw_templates(Cpu& exec, const TemplateBank<Cpu>& bank, HostImage<Rgba8> out);

/// The response of the newest template at every place of a picture.
class ResponseMap {
public:
    /// For pictures of this size. Allocates; more on the first draw().
    ResponseMap(Cpu& exec, Size size) : exec_(exec), size_(size) {}

    /// Draws the response where the middle of the template would lie, from dark (0 and less) to light (1). Returns the
    /// best one, in one line.
    ///   picture  [h, w]
    ///   out      [h, w]  out
    std::string draw(HostImage<const Rgba8> picture, const TemplateBank<Cpu>& bank, HostImage<Rgba8> out);

private:
    Cpu& exec_;
    Size size_;
    std::optional<MaskedNcc<Cpu>> ncc_;
    Buffer<Rgba8, Cpu> small_;
    Buffer<uint8_t, Cpu> luma_, valid_;
    Buffer<float, Cpu> response_, large_;
};
}  // namespace cinebokeh::demo
