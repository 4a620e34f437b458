#include "gpu_display.hpp"

namespace cinebokeh::demo {

const char* name_of(DisplayRoute route) {
    constexpr const char* names[] = {"on the GPU, into the texture", "on the GPU, through a pixel buffer",
                                     "through pinned memory", "from the host"};
    return names[size_t(route)];
}

DisplayRoute RouteChoice::operator()(const std::function<bool(DisplayRoute)>& show) {
    while (!show(best_) && best_ != DisplayRoute::pinned) best_ = DisplayRoute(int(best_) + 1);
    return best_;
}
}  // namespace cinebokeh::demo
