// Layered bokeh: the fast renderer of defocus. The picture is cut into layers of about one blur radius, each is blurred
// with the exact disk of its radius, and they are put behind each other from near to far.
//
// The layers are those of a multi-plane image (Peng et al., "MPIB: an MPI-based bokeh rendering framework for realistic
// partial occlusion effects", ECCV 2022), with these rules:
//
//   - A surface at a radius between those of two layers is shared out to both, so that what comes out is the mixture of
//     both blurs and surfaces that recede have no seams. What is farther gets the room that nearer layers leave.
//   - What is behind is complete. Where something nearer hides a layer, the layer goes on in the colours of what is
//     seen of it around (push-pull), never in those of what hides it: no halo around a sharp subject, and a blurred
//     edge before the focal plane turns translucent and shows a background.
//   - Pixels on the outline of a surface are parted into what they show of it and of what is behind it: by the matte on
//     the outline of the subject, elsewhere by the colours on both sides.
//   - Layers far from the focal plane are blurred at half and at quarter size; the one in focus keeps its pixels.
//   - The aperture is a disk, a stack of runs, or a picture, with which layers are convolved by FFT; so they are with
//     the widest disks, where that is faster. Blades, cat's eyes and squeeze are for scatter_bokeh.hpp.
//   - Tiles of 16 x 16 pixels know which layers can be seen in them; the others are not computed.
#pragma once
#include <array>
#include <optional>

#include "cinebokeh/aperture_blur.hpp"
#include "cinebokeh/disk_blur.hpp"
#include "cinebokeh/foreground.hpp"
#include "cinebokeh/highlights.hpp"

namespace cinebokeh {

struct LayeredBokehParams {
    float max_radius = 40;    // larger ones are cut to it, pixels, in [1, 200]
    float growth = 0.15f;     // from each layer to the next: this part of its radius, or a pixel; in [0.1, 1]
    float half_from = 6;      // radius from which layers are blurred at half size, pixels, >= 1
    float quarter_from = 16;  // and at quarter size, >= half_from
    float max_value = 1;      // larger values of linear light are cut off, in [2^-10, 2^20]
    Highlights highlights{};  // expanded before the blur and compressed after it
};
}  // namespace cinebokeh

#include "kernels/layered_bokeh_cpu.hpp"
#if CINEBOKEH_GRID
#include "kernels/layered_bokeh_cuda.cuh"
#endif

namespace cinebokeh {

/// Renders frames of one size or smaller. Pixel is Rgba8 (sRGB) or Float4 (linear light); the alpha of the frame is
/// kept. Light that leaves the frame is lost; what lies beyond its border is the border pixel.
///
/// defocus is the signed radius of the circle of confusion in pixels, positive nearer than the focal plane
/// (defocus.hpp), cut to the largest of the plan; NaN counts as 0. Below half a pixel a surface is in focus: a frame
/// with nothing else is returned bit for bit, and so are the pixels of a frame that no blur reaches.
///
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes on each backend, whatever the threads;
/// between backends up to rounding.
template <class Exec>
class LayeredBokeh {
public:
    /// `aperture`: a picture of it, see aperture_image.hpp; without one it is a disk. As it is behind the focal plane,
    /// before it, where light crosses over, it is turned by 180 degrees.
    /// Throws Error if the size is negative, a parameter is outside its range, or as check(aperture).
    LayeredBokeh(Exec& exec, Size max_size, LayeredBokehParams params = {}, const ApertureImage& aperture = {});

    ///   frame    [h, w]  of opaque surfaces; pixels on their edges are parted
    ///   defocus  [h, w]
    ///   out      [h, w]  out; may be the frame
    /// Throws Error if the sizes differ or exceed the plan.
    void operator()(View<const Rgba8, Exec> frame, View<const float, Exec> defocus, View<Rgba8, Exec> out) {
        set_radii(nullptr, 0);
        require_same(frame.size, defocus.size);
        render<Rgba8>({frame, defocus, farthest(), nearest(), {}, {}, {}}, out);
    }
    void operator()(View<const Float4, Exec> frame, View<const float, Exec> defocus, View<Float4, Exec> out) {
        set_radii(nullptr, 0);
        require_same(frame.size, defocus.size);
        render<Float4>({frame, defocus, farthest(), nearest(), {}, {}, {}}, out);
    }

    /// A subject before its background, hair and all: pixels that are both are parted into the colours of each.
    ///
    ///   frame    [h, w]  sRGB
    ///   matte    [h, w]  how much of a pixel is subject; cut to [0, 1], NaN counts as 0
    ///   defocus  [h, w]  of the subject; used where the matte is above 0
    ///   behind   [h, w]  of what is not the subject; used where the matte is below 1
    ///   out      [h, w]  out; may be the frame
    /// Throws Error if the sizes differ or exceed the plan.
    void operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte, View<const float, Exec> defocus,
                    View<const float, Exec> behind, View<Rgba8, Exec> out);

    /// A subject and a background that are one plane each: two exact disks.
    ///
    ///   frame, matte, out   as above
    ///   subject, background radii in pixels, signed
    /// Throws Error as above.
    void operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte, float subject, float background,
                    View<Rgba8, Exec> out);

    const LayeredBokehParams& params() const { return params_; }

    /// The layers of the last frame, from far to near: how many, and the signed radius of each, pixels.
    int layers() const { return stack_.count; }
    float layer_radius(int layer) const { return stack_.layer[layer].at; }

private:
    using Space = typename Exec::Space;
    static LayeredBokehParams checked(Size max_size, LayeredBokehParams params);
    std::array<float, detail::bokeh_levels> widest_cells() const;
    void set_radii(const float* radii, int count);
    void set_stack(const float* radii, int count);
    float largest_light() const { return params_.max_value * params_.highlights.gain; }
    float farthest() const { return stack_.layer[0].at; }
    float nearest() const { return stack_.layer[stack_.count - 1].at; }
    template <class Pixel>
    void render(detail::BokehSource<Space, Pixel> source, View<Pixel, Exec> out);
    void render_matte(View<const Rgba8, Exec> frame, View<const float, Exec> matte, View<const float, Exec> defocus,
                      View<const float, Exec> behind, bool subject_is_near, View<Rgba8, Exec> out);
    static void require_same(Size a, Size b) { require(a == b, "LayeredBokeh: the images differ in size"); }
    template <class Pixel>
    void find_layers(const detail::BokehPyramid<Space, Pixel>& pyramid, const detail::TileMasks<Space>& tiles);
    template <class Pixel>
    void fill(const detail::BokehPyramid<Space, Pixel>& pyramid, const detail::TileMasks<Space>& tiles);
    template <int level, class Pixel>
    void blur_level(const detail::BokehPyramid<Space, Pixel>& pyramid, const detail::BokehSums<Space>& sums);
    detail::Stacked<detail::FillCell, Space> fill_level(size_t level, Size frame);
    detail::FillImage<Space> filled(int k, Size frame);

    Exec* exec_;
    Size max_size_;
    LayeredBokehParams params_;
    int fill_side_;  // of a cell, quarter cells
    detail::BokehStack stack_;
    detail::ReachTable reach_;
    std::array<detail::Disk, detail::bokeh_layers> disks_;
    int runs_per_layer_;
    std::vector<detail::DiskRun> host_runs_;
    Buffer<detail::DiskRun, Exec> runs_;
    Buffer<detail::LayerSet, Exec> content_, seen_, needed_;
    Buffer<detail::TileRadii, Exec> tile_radii_;
    Buffer<uint8_t, Exec> edge_tiles_;
    Buffer<float, Exec> edge_alpha_;
    Buffer<Float4, Exec> edge_front_, edge_back_;
    Buffer<Float4, Exec> half_, quarter_;
    std::array<Buffer<Float4, Exec>, detail::bokeh_groups> sums_;  // by level and slot
    std::vector<Buffer<detail::FillCell, Exec>> fill_;
    ForegroundEstimator<Exec> estimate_;
    std::optional<detail::LayerFilters<Exec>> filters_;
    detail::BokehScratch<Space> scratch_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

namespace cinebokeh {

template <class Exec>
LayeredBokehParams LayeredBokeh<Exec>::checked(Size max_size, LayeredBokehParams p) {
    require(max_size.width >= 0 && max_size.height >= 0, "LayeredBokeh: negative size");
    require(p.max_radius >= 1 && p.max_radius <= 200, "LayeredBokeh: max_radius ", p.max_radius,
            " is outside [1, 200]");
    require(p.growth >= 0.1f && p.growth <= 1, "LayeredBokeh: growth ", p.growth, " is outside [0.1, 1]");
    require(p.half_from >= 1 && p.quarter_from >= p.half_from, "LayeredBokeh: half size from radius ", p.half_from,
            " and quarter size from ", p.quarter_from, ", expected 1 <= half_from <= quarter_from");
    require(p.max_value >= 1.f / 1024 && p.max_value <= 1048576, "LayeredBokeh: max_value ", p.max_value,
            " is outside [2^-10, 2^20]");
    check(p.highlights);
    return p;
}

// The largest radius in each level, cells; 0 where it has no layers.
template <class Exec>
std::array<float, detail::bokeh_levels> LayeredBokeh<Exec>::widest_cells() const {
    const float most = params_.max_radius, half = params_.half_from, quarter = params_.quarter_from;
    return {std::min(most, half), most >= half ? std::min(most, quarter) / 2 : 0.f, most >= quarter ? most / 4 : 0.f};
}

template <class Exec>
LayeredBokeh<Exec>::LayeredBokeh(Exec& exec, Size max_size, LayeredBokehParams params, const ApertureImage& aperture)
    : exec_(&exec),
      max_size_(max_size),
      params_(checked(max_size, params)),
      fill_side_(max_size.height < 720    ? 1
                 : max_size.height < 1600 ? 2
                                          : 4),
      runs_per_layer_(2 + int(std::max({widest_cells()[0], widest_cells()[1], widest_cells()[2]}))),
      host_runs_(size_t(runs_per_layer_ * detail::bokeh_layers)),
      runs_(exec, {runs_per_layer_, detail::bokeh_layers}),
      content_(exec, detail::cells_of(max_size, detail::bokeh_tile)),
      seen_(exec, content_.size()),
      needed_(exec, content_.size()),
      tile_radii_(exec, content_.size()),
      edge_tiles_(exec, content_.size()),
      edge_alpha_(exec, max_size),
      edge_front_(exec, max_size),
      edge_back_(exec, max_size),
      half_(exec, detail::cells_of(max_size, 2)),
      quarter_(exec, detail::cells_of(max_size, 4)),
      estimate_(exec, max_size, {.step = std::clamp(max_size.height / 120, 1, 64), .near_sigma = 1, .far_sigma = 6}) {
    for (detail::Disk& disk : disks_) disk.runs.reserve(size_t(runs_per_layer_));
    set_radii(nullptr, 0);
    filters_.emplace(exec, max_size, widest_cells(), stack_, aperture);
    filters_->set(stack_, disks_);
    scratch_ = {exec, max_size, aperture.empty() ? runs_per_layer_ + 1 : 0, filters_->finest_level()};
    for (int i = 0; i < detail::bokeh_groups; ++i)
        sums_[size_t(i)] = Buffer<Float4, Exec>(exec, detail::cells_of(max_size, 1 << (i / detail::bokeh_slots)));
    for (Size s = detail::cells_of(quarter_.size(), fill_side_);; s = detail::cells_of(s, 2)) {
        fill_.emplace_back(exec, Size{s.width, s.height * stack_.count});
        if (s.width <= 1 && s.height <= 1) break;
    }
}

// Layers at the given radii, increasing; with none the grid of the plan.
template <class Exec>
void LayeredBokeh<Exec>::set_radii(const float* radii, int count) {
    if (radii) {
        set_stack(radii, count);
        return;
    }
    std::array<float, detail::bokeh_layers> grid;
    int side = 0;  // layers on one side of the focal plane
    for (float r = 0; r < params_.max_radius; ++side) r += std::max(1.f, params_.growth * r);
    require(2 * side + 1 <= detail::bokeh_layers, "LayeredBokeh: max_radius ", params_.max_radius, " with growth ",
            params_.growth, " asks for ", 2 * side + 1, " layers, more than ", detail::bokeh_layers);
    float r = 0;
    for (int i = 0; i <= side; ++i, r += std::max(1.f, params_.growth * r)) {
        grid[size_t(side + i)] = std::min(r, params_.max_radius);
        grid[size_t(side - i)] = -std::min(r, params_.max_radius);
    }
    grid[size_t(side)] = 0;
    set_stack(grid.data(), 2 * side + 1);
}

template <class Exec>
void LayeredBokeh<Exec>::set_stack(const float* radii, int count) {
    bool same = stack_.count == count;
    for (int i = 0; same && i < count; ++i) same = stack_.layer[i].at == radii[i];
    if (same) return;
    stack_.count = count;
    stack_.focus = -1;
    for (int i = 0; i < count; ++i) {
        const float at = radii[i], size = std::abs(at), gap = 2 + 0.15f * size;
        const int level = size < params_.half_from ? 0 : size < params_.quarter_from ? 1 : 2;
        const float behind = i ? radii[i - 1] : -INFINITY, before = i + 1 < count ? radii[i + 1] : INFINITY;
        stack_.layer[i] = {behind, at, before, at + gap, at + 2 * gap, level};
        if (at == 0) stack_.focus = i;
        detail::Disk& disk = disks_[size_t(i)];
        detail::make_disk(double(std::ldexp(size, -level)), largest_light(), disk);
        std::copy(disk.runs.begin(), disk.runs.end(), host_runs_.begin() + i * runs_per_layer_);
    }
    stack_.make_groups();
    for (int i = 0; i < detail::ReachTable::count; ++i) {
        reach_.layers[i] = 0;
        for (int k = 0; k < count; ++k)
            reach_.layers[i] |= detail::LayerSet(std::abs(radii[k]) >= detail::ReachTable::step * float(i)) << k;
    }
    copy(*exec_, HostImage<const detail::DiskRun>(host_runs_.data(), runs_.size()), runs_.view());
    if (filters_) filters_->set(stack_, disks_);
}

template <class Exec>
detail::Stacked<detail::FillCell, typename Exec::Space> LayeredBokeh<Exec>::fill_level(size_t level, Size frame) {
    const Size s = detail::cells_of(frame, (4 * fill_side_) << level);
    return {fill_[level].view().crop(0, 0, {s.width, s.height * stack_.count}), s.height};
}

template <class Exec>
detail::FillImage<typename Exec::Space> LayeredBokeh<Exec>::filled(int k, Size frame) {
    return {fill_level(0, frame).of(k), 1 / float(4 * fill_side_)};
}

template <class Exec>
template <class Pixel>
void LayeredBokeh<Exec>::find_layers(const detail::BokehPyramid<Space, Pixel>& pyramid,
                                     const detail::TileMasks<Space>& tiles) {
    detail::halve_frame(*exec_, detail::HalveFrame<Space, Pixel>{pyramid});
    for_each_pixel(*exec_, pyramid.quarter.size, detail::QuarterFrame<Space, Pixel>{pyramid});
    const Size count = tiles.content.size;
    const int window = int(std::max(-farthest(), nearest())) / detail::bokeh_tile + 1;
    detail::for_each_tile(*exec_, count, detail::ContentOfTile<Space, Pixel>{pyramid, stack_, tiles});
    detail::for_each_tile(*exec_, count, detail::SeenInTile<Space>{tiles, reach_, window});
    detail::for_each_tile(*exec_, count, detail::NeededInTile<Space>{tiles, reach_, window + 1});
}

template <class Exec>
template <class Pixel>
void LayeredBokeh<Exec>::fill(const detail::BokehPyramid<Space, Pixel>& pyramid,
                              const detail::TileMasks<Space>& tiles) {
    const Size frame = pyramid.pixels.frame.size;
    detail::FillLevels<Space> levels;
    for (bool more = true; more; ++levels.count) {
        const auto& level = levels.level[levels.count] = fill_level(size_t(levels.count), frame);
        more = level.all.size.width > 1 || level.height > 1;
    }
    detail::fill_layers(
        *exec_, detail::FillBase<Space, Pixel>{pyramid, stack_, fill_side_, tiles.needed, tiles.radii, levels.level[0]},
        levels);
}

template <class Exec>
template <int level, class Pixel>
void LayeredBokeh<Exec>::blur_level(const detail::BokehPyramid<Space, Pixel>& pyramid,
                                    const detail::BokehSums<Space>& sums) {
    const detail::LevelLayers<level, Space, Pixel> layers{pyramid, stack_, fill_level(0, pyramid.pixels.frame.size),
                                                          1 / float(4 * fill_side_), sums};
    detail::LayersOfRuns<Space> waiting{runs_.view(), disks_.data()};
    const auto render_waiting = [&] {
        if (waiting.count > 0) detail::render_layers(*exec_, layers, waiting, scratch_);
        waiting.count = 0;
    };
    for (int k = stack_.count; k-- > 0;) {  // from near to far
        if (k == stack_.focus || stack_.layer[k].level != level) continue;
        if (filters_->takes(stack_.layer[k])) {
            render_waiting();
            detail::render_layer(*exec_, layers, k, filters_->of(stack_, k, largest_light()), scratch_);
        } else {
            waiting.index[waiting.count++] = k;
        }
    }
    render_waiting();
}

template <class Exec>
template <class Pixel>
void LayeredBokeh<Exec>::render(detail::BokehSource<Space, Pixel> source, View<Pixel, Exec> out) {
    const Size s = source.frame.size;
    require_same(s, out.size);
    require(s.width <= max_size_.width && s.height <= max_size_.height, "LayeredBokeh: a frame of ", s.width, " x ",
            s.height, " is larger than the plan");
    if (s.empty()) return;
    source.highlights = params_.highlights;
    const auto part = [s](auto& buffer, int side) { return buffer.view().crop(0, 0, detail::cells_of(s, side)); };
    if (source.defocus.data) {
        source.edges = {part(edge_tiles_, detail::bokeh_tile), part(edge_alpha_, 1), part(edge_front_, 1),
                        part(edge_back_, 1)};
        detail::mark_edge_tiles(*exec_, detail::MarkEdgeTiles<Space, Pixel>{source, source.edges.tiles});
        detail::part_edges(*exec_, detail::PartEdges<Space, Pixel>{source, source.edges});
    }
    const detail::BokehPyramid<Space, Pixel> pyramid{source, part(half_, 2), part(quarter_, 4)};
    const detail::TileMasks<Space> tiles{part(content_, detail::bokeh_tile), part(tile_radii_, detail::bokeh_tile),
                                         part(seen_, detail::bokeh_tile), part(needed_, detail::bokeh_tile)};
    find_layers(pyramid, tiles);
    fill(pyramid, tiles);
    detail::BokehSums<Space> sums{tiles, {}, {}, stack_.groups, stack_.near_groups, stack_.own_groups};
    for (int g = 0; g < stack_.groups; ++g) {
        const detail::BokehGroup group = sums.group[g] = stack_.group[g];
        sums.sum[g] = part(sums_[size_t(group.level * detail::bokeh_slots + group.slot)], 1 << group.level);
    }
    detail::clear_sums(*exec_, sums);
    blur_level<0>(pyramid, sums);
    blur_level<1>(pyramid, sums);
    blur_level<2>(pyramid, sums);
    const int focus = stack_.focus;
    const detail::LayerCell<0, Space, Pixel> focused{pyramid, stack_.layer[std::max(focus, 0)],
                                                     filled(std::max(focus, 0), s), tiles.radii};
    detail::finish_bokeh(*exec_, detail::FinishBokeh<Space, Pixel>{sums, focused, focus, out});
}

template <class Exec>
void LayeredBokeh<Exec>::render_matte(View<const Rgba8, Exec> frame, View<const float, Exec> matte,
                                      View<const float, Exec> defocus, View<const float, Exec> behind,
                                      bool subject_is_near, View<Rgba8, Exec> out) {
    require_same(frame.size, matte.size);
    const LocalColours<Exec> local = estimate_(frame, matte);
    render<Rgba8>({frame,
                   defocus,
                   farthest(),
                   nearest(),
                   matte,
                   behind,
                   {{local.foreground, local.step}, {local.background, local.step}},
                   subject_is_near},
                  out);
}

template <class Exec>
void LayeredBokeh<Exec>::operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte,
                                    View<const float, Exec> defocus, View<const float, Exec> behind,
                                    View<Rgba8, Exec> out) {
    require_same(frame.size, defocus.size);
    require_same(frame.size, behind.size);
    set_radii(nullptr, 0);
    render_matte(frame, matte, defocus, behind, true, out);
}

template <class Exec>
void LayeredBokeh<Exec>::operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte, float subject,
                                    float background, View<Rgba8, Exec> out) {
    const float largest = params_.max_radius;
    const float radii[2] = {detail::effective_radius(std::min(subject, background), -largest, largest),
                            detail::effective_radius(std::max(subject, background), -largest, largest)};
    set_radii(radii, radii[0] < radii[1] ? 2 : 1);
    render_matte(frame, matte, {}, {}, subject >= background, out);
}
}  // namespace cinebokeh
