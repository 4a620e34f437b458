// SubjectFinder: all but the last step happens on a graph of about a thousand regions.
#pragma once
#include "cinebokeh/pipeline/subject_finder.hpp"

namespace cinebokeh {
namespace detail {
inline constexpr float finder_scale = 1000;           // capacity units per nat
inline constexpr int finder_seed = max_capacity / 4;  // more than all borders of a region can cost
inline constexpr float finder_fixed = 100;            // a pixel logit beyond every inside_limit that is of use

// Sets the pixels under scribbles to their side, for good.
struct FixScribbled {
    HostImage<const uint8_t> scribbles;
    HostImage<float> logit;
    HostImage<uint8_t> active;

    void operator()(int x, int y) const {
        if (scribbles(x, y) == 0) return;
        active(x, y) = 0;
        logit(x, y) = scribbles(x, y) == 1 ? finder_fixed : -finder_fixed;
    }
};
// The cut, and around the outline the cut smoothed along the edges of the frame.
struct JoinMattes {
    HostImage<const uint8_t> cut, active;
    HostImage<float> matte;

    void operator()(int x, int y) const {
        matte(x, y) = active(x, y) ? clamp(matte(x, y), 0.f, 1.f) : float(cut(x, y));
    }
};
// Around the outline, what the regions say counts beside what the colours of the pixels say.
struct LeanToRegion {
    HostImage<const uint8_t> side, active;
    float lean;
    HostImage<float> logit;

    void operator()(int x, int y) const {
        if (active(x, y)) logit(x, y) += side(x, y) ? lean : -lean;
    }
};
struct FillZero {
    HostImage<uint8_t> out;

    void operator()(int x, int y) const { out(x, y) = 0; }
};
struct ToFloat {
    HostImage<const uint8_t> in;
    HostImage<float> out;

    void operator()(int x, int y) const { out(x, y) = float(in(x, y)); }
};
struct AddScribbles {
    HostImage<const uint8_t> newer;
    HostImage<uint8_t> all;

    void operator()(int x, int y) const {
        if (newer(x, y)) all(x, y) = newer(x, y);
    }
};
}  // namespace detail

inline SubjectFinder::SubjectFinder(Cpu& exec, Size size, const SubjectFinderParams& params)
    : exec_(exec),
      size_(size),
      params_(params),
      slic_(exec, size, params.superpixels),
      graph_(exec, size, slic_.max_labels()),
      region_cut_(exec, slic_.max_labels(), 6 * slic_.max_labels()),
      outline_energy_(exec, size, Connectivity::eight),
      outline_cut_(exec, size, Connectivity::eight),
      edges_(exec, size, params.edges),
      labels_(exec, size),
      count_(exec, {1, 1}),
      regions_(exec, {slic_.max_labels(), 1}),
      capacities_(exec, {6 * slic_.max_labels(), 1}),
      subject_samples_(exec, {slic_.max_labels(), 1}),
      background_samples_(exec, {slic_.max_labels(), 1}),
      todo_(exec, {slic_.max_labels(), 1}),
      values_(exec, {slic_.max_labels(), 1}),
      sides_(exec, {slic_.max_labels(), 1}),
      terminal_(exec, {slic_.max_labels(), 1}),
      pixel_logit_(exec, size),
      active_(exec, size),
      cut_(exec, size),
      scribbles_(exec, size) {
    require(params.smoothness >= 0 && params.smoothness <= 1000, "SubjectFinder: smoothness is not in [0, 1000]");
    require(params.evidence > 0 && params.evidence <= 1000, "SubjectFinder: evidence is not in (0, 1000]");
    require(params.trust >= 0 && params.trust <= 1000, "SubjectFinder: trust is not in [0, 1000]");
    require(params.barrier > 0 && params.barrier <= 1000, "SubjectFinder: barrier is not in (0, 1000]");
    require(params.lean >= 0 && params.lean <= 1000, "SubjectFinder: lean is not in [0, 1000]");
    require(params.rounds >= 1, "SubjectFinder: fewer than one round");
}

inline void SubjectFinder::find(HostImage<const Rgba8> frame, HostImage<const uint8_t> scribbles,
                                HostImage<float> matte) {
    require(frame.size == size_ && scribbles.size == size_ && matte.size == size_, "SubjectFinder: the plan is for ",
            size_.width, " x ", size_.height);
    segment(frame);
    for_each_pixel(exec_, size_, detail::FillZero{scribbles_.view()});
    add_scribbles(scribbles);
    bool subject = false, background = false;
    for (int v = 0; v < graph_.count(); ++v) subject |= region(v).seed == 1, background |= region(v).seed == 2;
    scribbled_ = subject && background;
    require(scribbled_,
            "SubjectFinder: scribbles must mark the subject and the background, each in a superpixel of "
            "its own");
    solve_scribbles();
    write_matte(frame, matte);
}

inline void SubjectFinder::refine(HostImage<const Rgba8> frame, HostImage<const uint8_t> scribbles,
                                  HostImage<float> matte) {
    require(frame.size == size_ && scribbles.size == size_ && matte.size == size_, "SubjectFinder: the plan is for ",
            size_.width, " x ", size_.height);
    require(scribbled_, "SubjectFinder: refine needs a find with scribbles before it");
    add_scribbles(scribbles);
    solve_scribbles();
    write_matte(frame, matte);
}

inline void SubjectFinder::find_auto(HostImage<const Rgba8> frame, HostImage<float> matte) {
    require(frame.size == size_ && matte.size == size_, "SubjectFinder: the plan is for ", size_.width, " x ",
            size_.height);
    scribbled_ = false;
    segment(frame);
    for_each_pixel(exec_, size_, detail::FillZero{scribbles_.view()});
    guess_places();
    for (int round = 0; round < params_.rounds; ++round) {
        for (int v = 0; v < graph_.count(); ++v) {  // first by the place, then by the last cut
            region(v).weight = round == 0 ? likely(region(v).place) : float(region(v).side);
        }
        fit_models();
        weigh_colors();
        cut();
    }
    keep_large_pieces();
    write_matte(frame, matte);
}

inline void SubjectFinder::segment(HostImage<const Rgba8> frame) {
    slic_(frame, labels_.view(), count_.span());
    graph_(frame, labels_.view(), count_.span()[0]);
    for (int v = 0; v < graph_.count(); ++v) region(v) = {};
    weigh_neighbours();
}

// The n-links of eq. 1: smoothness * border in sides of a superpixel * exp(-|difference|^2 / (2 mean square)).
inline void SubjectFinder::weigh_neighbours() {
    const auto regions = graph_.regions();
    const auto offsets = graph_.offsets(), targets = graph_.targets(), borders = graph_.borders();
    const auto difference = [&](int v, size_t arc) {
        return detail::lab_distance2(regions[size_t(v)].lab, regions[size_t(targets[arc])].lab);
    };
    double sum = 0, length = 0;
    for (int v = 0; v < graph_.count(); ++v)
        for (size_t arc = size_t(offsets[size_t(v)]); arc < size_t(offsets[size_t(v) + 1]); ++arc)
            sum += double(borders[arc]) * double(difference(v, arc)), length += borders[arc];
    const float spread = float(std::max(sum / std::max(length, 1.0), 1.0));
    const float side = std::sqrt(mean_pixels());
    for (int v = 0; v < graph_.count(); ++v)
        for (size_t arc = size_t(offsets[size_t(v)]); arc < size_t(offsets[size_t(v) + 1]); ++arc) {
            const float likeness = std::exp(-difference(v, arc) / (2 * spread));
            capacities_.span()[arc] =
                quantise_neighbour(params_.smoothness * float(borders[arc]) / side * likeness, detail::finder_scale);
        }
}

// Regions with new scribbles take the side of most of them.
inline void SubjectFinder::add_scribbles(HostImage<const uint8_t> scribbles) {
    for (int v = 0; v < graph_.count(); ++v) region(v).votes = {0, 0};
    for (int y = 0; y < size_.height; ++y)
        for (int x = 0; x < size_.width; ++x) {
            const int scribble = scribbles(x, y);
            require(scribble <= 2, "SubjectFinder: a scribble of ", scribble, " is not 0, 1 or 2");
            if (scribble) ++region(labels_.view()(x, y)).votes[scribble - 1];
        }
    for (int v = 0; v < graph_.count(); ++v) {
        const Vec<int, 2> votes = region(v).votes;
        if (votes[0] + votes[1] > 0) region(v).seed = votes[0] >= votes[1] ? 1 : 2;
    }
    for_each_pixel(exec_, size_, detail::AddScribbles{scribbles, scribbles_.view()});
}

inline void SubjectFinder::solve_scribbles() {
    for (int v = 0; v < graph_.count(); ++v) {
        const int seed = region(v).seed;
        region(v).place = 0;
        region(v).weight = seed == 0 ? -1 : seed == 1 ? 1 : 0;
    }
    fit_models();
    weigh_colors();
    cut();
    keep_seeded_pieces();
}

// Where a subject tends to be, in nats: in the middle, from the bottom up, and cut off from the other borders by an
// edge. The barrier of a region is the largest step in colour on the gentlest path to a border where background shows.
inline void SubjectFinder::guess_places() {
    const float w = float(size_.width), h = float(size_.height);
    for (int v = 0; v < graph_.count(); ++v) {
        const Region& r = graph_.regions()[size_t(v)];
        const float x = 2 * r.centre[0] / w - 1, y = r.centre[1] / h;
        // Fits how often people cover a place in photographs: even odds half way to the sides and at the top.
        float place = 1.6f - 6 * x * x - 3.5f * std::max(0.f, 1 - 4 * y);
        if (r.left + r.top + r.right > 0) place = std::min(place, -3.f);
        region(v).place = place;
        // Sleeves may touch the sides near the bottom: only the upper part of the sides is sure to be background.
        region(v).barrier = r.top > 0 || (r.left + r.right > 0 && y < 0.8f) ? 0 : 1e9f;
    }
    const auto offsets = graph_.offsets(), targets = graph_.targets();
    bool changed = true;
    for (int n = graph_.count(), pass = 0; changed; ++pass) {  // forwards and backwards in scan order until all is said
        changed = false;
        for (int i = 0; i < n; ++i) {
            const int v = pass % 2 ? n - 1 - i : i;
            for (int arc = offsets[size_t(v)]; arc < offsets[size_t(v) + 1]; ++arc) {
                const int u = targets[size_t(arc)];
                const float step =
                    detail::lab_distance2(graph_.regions()[size_t(v)].lab, graph_.regions()[size_t(u)].lab);
                const float barrier = std::max(region(u).barrier, std::sqrt(step));
                if (barrier < region(v).barrier) region(v).barrier = barrier, changed = true;
            }
        }
    }
    for (int v = 0; v < graph_.count(); ++v)
        region(v).place += 2 * (std::min(region(v).barrier / params_.barrier, 2.f) - 1);
}

// A weight is the share of the subject in a region's colour; a negative one keeps it out of both models.
inline void SubjectFinder::fit_models() {
    for (int v = 0; v < graph_.count(); ++v) {
        const Region& r = graph_.regions()[size_t(v)];
        const float weight = region(v).weight;
        subject_samples_.span()[size_t(v)] = {r.lab, float(r.pixels) * weight};
        background_samples_.span()[size_t(v)] = {r.lab, weight < 0 ? 0 : float(r.pixels) * (1 - weight)};
    }
    const size_t n = size_t(graph_.count());
    subject_ = fit_color_model({subject_samples_.span().data, n}, params_.colors);
    background_ = fit_color_model({background_samples_.span().data, n}, params_.colors);
}

inline void SubjectFinder::weigh_colors() {
    for (int v = 0; v < graph_.count(); ++v) {
        const Float3 lab = graph_.regions()[size_t(v)].lab;
        const float ratio = subject_(lab) - background_(lab);
        region(v).logit = clamp(ratio, -params_.evidence, params_.evidence) + params_.trust * region(v).place;
    }
}

inline void SubjectFinder::cut() {
    const size_t n = size_t(graph_.count());
    for (int v = 0; v < graph_.count(); ++v) {
        const float share = float(graph_.regions()[size_t(v)].pixels) / mean_pixels();  // eq. 1 sums over pixels
        terminal_.span()[size_t(v)] = region(v).seed == 1   ? detail::finder_seed
                                      : region(v).seed == 2 ? -detail::finder_seed
                                                            : quantise(share * region(v).logit, detail::finder_scale);
    }
    region_cut_({graph_.offsets(),
                 graph_.targets(),
                 {capacities_.span().data, graph_.targets().count},
                 {terminal_.span().data, n}},
                {sides_.span().data, n});
    for (int v = 0; v < graph_.count(); ++v) region(v).side = sides_.span()[size_t(v)];
}

// Numbers the connected pieces of the subject and returns how many there are.
inline int SubjectFinder::find_pieces() {
    const auto offsets = graph_.offsets(), targets = graph_.targets();
    for (int v = 0; v < graph_.count(); ++v) region(v).piece = -1;
    int pieces = 0;
    for (int start = 0; start < graph_.count(); ++start) {
        if (region(start).side == 0 || region(start).piece >= 0) continue;
        int waiting = 0;
        todo_.span()[size_t(waiting++)] = start;
        region(start).piece = pieces;
        while (waiting > 0) {
            const int v = todo_.span()[size_t(--waiting)];
            for (int arc = offsets[size_t(v)]; arc < offsets[size_t(v) + 1]; ++arc) {
                const int u = targets[size_t(arc)];
                if (region(u).side == 0 || region(u).piece >= 0) continue;
                region(u).piece = pieces;
                todo_.span()[size_t(waiting++)] = u;
            }
        }
        ++pieces;
    }
    return pieces;
}

inline void SubjectFinder::keep_seeded_pieces() {
    const int pieces = find_pieces();
    for (int i = 0; i < pieces; ++i) values_.span()[size_t(i)] = 0;
    for (int v = 0; v < graph_.count(); ++v)
        if (region(v).seed == 1) values_.span()[size_t(region(v).piece)] = 1;
    for (int v = 0; v < graph_.count(); ++v)
        if (region(v).side && values_.span()[size_t(region(v).piece)] == 0) region(v).side = 0;
}

// Drops pieces that weigh less than a quarter of the heaviest, each pixel by how likely subjects are there. A subject
// that got lost is where subjects tend to be.
inline void SubjectFinder::keep_large_pieces() {
    int pieces = find_pieces();
    if (pieces == 0) {
        int best = 0;
        for (int v = 0; v < graph_.count(); ++v)
            if (region(v).place > region(best).place) best = v;
        // The middle of the frame, down to a fifth of the highest odds: e^-1.6.
        for (int v = 0; v < graph_.count(); ++v) region(v).side = region(v).place >= region(best).place - 1.6f;
        pieces = find_pieces();
    }
    for (int i = 0; i < pieces; ++i) values_.span()[size_t(i)] = 0;
    for (int v = 0; v < graph_.count(); ++v)
        if (region(v).side)
            values_.span()[size_t(region(v).piece)] +=
                float(graph_.regions()[size_t(v)].pixels) * likely(region(v).place);
    float heaviest = 0;
    for (int i = 0; i < pieces; ++i) heaviest = std::max(heaviest, values_.span()[size_t(i)]);
    for (int v = 0; v < graph_.count(); ++v)
        if (region(v).side && values_.span()[size_t(region(v).piece)] < heaviest / 4) region(v).side = 0;
}

// From regions to pixels: all regions at the outline are cut again, pixel by pixel, by the same colour models.
inline void SubjectFinder::write_matte(HostImage<const Rgba8> frame, HostImage<float> matte) {
    const auto offsets = graph_.offsets(), targets = graph_.targets();
    const size_t n = size_t(graph_.count());
    for (int v = 0; v < graph_.count(); ++v) {
        bool at_outline = false;
        for (int arc = offsets[size_t(v)]; arc < offsets[size_t(v) + 1]; ++arc)
            at_outline |= region(targets[size_t(arc)]).side != region(v).side;
        sides_.span()[size_t(v)] = at_outline;
        values_.span()[size_t(v)] = region(v).side ? detail::finder_fixed : -detail::finder_fixed;
    }
    paint_regions(exec_, labels_.view(), {sides_.span().data, n}, active_.view());
    for (int v = 0; v < graph_.count(); ++v) sides_.span()[size_t(v)] = uint8_t(region(v).side);
    paint_regions(exec_, labels_.view(), {sides_.span().data, n}, cut_.view());
    paint_regions(exec_, labels_.view(), {values_.span().data, n}, pixel_logit_.view());
    for_each_pixel(exec_, size_, detail::FixScribbled{scribbles_.view(), pixel_logit_.view(), active_.view()});
    color_logit(exec_, frame, active_.view(), subject_, background_, params_.evidence, pixel_logit_.view());
    for_each_pixel(exec_, size_, detail::LeanToRegion{cut_.view(), active_.view(), params_.lean, pixel_logit_.view()});
    outline_energy_(frame, pixel_logit_.view(), active_.view(), params_.outline);
    outline_cut_(outline_energy_.capacities(), cut_.view());
    for_each_pixel(exec_, size_, detail::ToFloat{cut_.view(), pixel_logit_.view()});
    edges_(frame, pixel_logit_.view(), matte);
    for_each_pixel(exec_, size_, detail::JoinMattes{cut_.view(), active_.view(), matte});
}
}  // namespace cinebokeh
