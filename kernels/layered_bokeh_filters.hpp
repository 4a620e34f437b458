// The layered renderer: layers that are blurred by FFT, with the picture of an aperture or a wide disk.
#pragma once
#include <array>
#include <optional>

#include "cinebokeh/aperture_blur.hpp"
#include "cinebokeh/disk_blur.hpp"
#include "kernels/layered_bokeh.hpp"

namespace cinebokeh::detail {

// How one layer is filtered.
template <class Space>
struct LayerFilter {
    BlockConvolver<Space>* convolver;
    int index;
    bool turned;
    float largest;  // values are cut to it
};

// The weights of a disk as those of a picture, [2 reach + 1][2 reach + 1], their sum 1.
inline void disk_weights(const Disk& disk, float* out) {
    const int side = 2 * disk.reach + 1;
    double total = 0;
    for (int v = -disk.reach; v <= disk.reach; ++v)
        for (int u = -disk.reach; u <= disk.reach; ++u) {
            const size_t row = size_t(std::abs(v));
            const DiskRun run = row < disk.runs.size() ? disk.runs[row] : DiskRun{-2, 0, 0};
            const int x = std::abs(u);
            float& weight = out[(v + disk.reach) * side + u + disk.reach];
            weight = x <= run.full ? float(run.end + run.whole) : x == run.full + 1 ? float(run.end) : 0.f;
            if (run.full < 0 && x == 0) weight = float(int(run.end) - int(run.whole));
            total += double(weight);
        }
    for (int i = 0; i < side * side; ++i) out[i] = float(double(out[i]) / total);
}

template <class Exec>
class LayerFilters {
public:
    using Space = typename Exec::Space;

    // Disks of more cells than this are faster by FFT.
    static constexpr float widest_run = 32;

    // For stacks like this one, or of two layers; `largest` radius of each level, cells. An empty picture is a disk.
    // Allocates.
    LayerFilters(Exec& exec, Size max_size, const std::array<float, bokeh_levels>& largest, const BokehStack& stack,
                 const ApertureImage& picture)
        : exec_(&exec) {
        if (!picture.empty()) picture_.emplace(picture);
        int widest = 0;
        for (int level = 0; level < bokeh_levels; ++level) {
            const float radius = largest[size_t(level)];
            if (radius <= 0 || !(picture_ || radius > widest_run)) continue;
            int count = 0;  // on one side of the focal plane
            for (int k = 0; k < stack.count; ++k) count += stack.layer[k].at > 0 && stack.layer[k].level == level;
            const int reach = ScaledAperture::reach(radius) + 1;  // the end of a run may lie a pixel further
            convolver_[size_t(level)].emplace(exec, cells_of(max_size, 1 << level), reach, std::max(count, 2));
            widest = std::max(widest, reach);
        }
        weights_.resize(size_t(2 * widest + 1) * size_t(2 * widest + 1));
    }

    bool takes(const BokehLayer& layer) const { return layer.at != 0 && (picture_ || cells(layer) > widest_run); }
    // The finest level with layers that are taken; `bokeh_levels` where there is none.
    int finest_level() const {
        int level = 0;
        while (level < bokeh_levels && !convolver_[size_t(level)]) ++level;
        return level;
    }
    // Makes the filters of the layers that are taken. Layers at one radius on both sides of the focal plane share one.
    void set(const BokehStack& stack, const std::array<Disk, bokeh_layers>& disks) {
        std::array<int, bokeh_levels> next{};
        for (int k = 0; k < stack.count; ++k) {
            const BokehLayer& layer = stack.layer[k];
            if (!takes(layer)) continue;
            int same = 0;
            while (stack.layer[same].at != -layer.at && same < k) ++same;
            index_[size_t(k)] = same < k ? index_[size_t(same)] : next[size_t(layer.level)]++;
            if (same < k) continue;
            const int reach = picture_ ? ScaledAperture::reach(cells(layer)) : disks[size_t(k)].reach;
            if (picture_)
                picture_->weights(cells(layer), weights_.data());
            else
                disk_weights(disks[size_t(k)], weights_.data());
            convolver_[size_t(layer.level)]->set_filter(*exec_, index_[size_t(k)], reach, weights_.data());
        }
    }
    LayerFilter<Space> of(const BokehStack& stack, int k, float largest) {
        const BokehLayer& layer = stack.layer[k];
        return {&*convolver_[size_t(layer.level)], index_[size_t(k)], layer.at > 0, largest};
    }

private:
    static float cells(const BokehLayer& layer) { return std::ldexp(std::abs(layer.at), -layer.level); }

    Exec* exec_;
    std::optional<ScaledAperture> picture_;
    std::array<std::optional<BlockConvolver<Space>>, bokeh_levels> convolver_;
    std::array<int, bokeh_layers> index_{};
    std::vector<float> weights_;
};
}  // namespace cinebokeh::detail
