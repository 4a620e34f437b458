// Subject finder: the matte of one frame, from a few scribbles or from nothing but the frame.
//
// Seed 0, section 2.2, eq. 1: superpixels are the nodes of a graph, seeds come from scribbles, the data term is the
// log-density ratio of two colour models, neighbours are held together by their likeness, and the minimum cut is the
// subject. Then a second cut, over the pixels around the outline, and a guided filter put the matte on the edges.
//
// Without scribbles the models start from a guess that the subject stands in the middle and rises from below, and that
// the left, top and right borders show background; they are re-estimated from each cut, as in GrabCut.
#pragma once
#include "cinebokeh/color_model.hpp"
#include "cinebokeh/grid_energy.hpp"
#include "cinebokeh/guided_filter.hpp"
#include "cinebokeh/maxflow.hpp"
#include "cinebokeh/region_graph.hpp"
#include "cinebokeh/slic.hpp"

namespace cinebokeh {

struct SubjectFinderParams {
    SlicParams superpixels = {};
    ColorModelParams colors = {};
    float smoothness = 3;  // lambda of eq. 1: what a border as long as a superpixel's side costs, in nats
    float evidence = 3;    // largest weight of a superpixel's colour against that, nats
    float trust = 0.5f;    // of the place of a superpixel, against its colour, where there are no scribbles
    float barrier = 15;    // Lab units: a step that makes even odds of being cut off from the background
    int rounds = 5;        // of cut and re-estimation without scribbles, >= 1
    float lean = 0.5f;     // nats by which pixels at the outline lean to the side of their superpixel
    GridEnergyParams outline = {.lambda = 4};
    GuidedFilterParams edges = {.radius = 3, .epsilon = 25};
};

/// Plan: finds the subject in frames of one size. CPU only: it runs on single frames.
class SubjectFinder {
public:
    /// Throws Error for an empty size or parameters out of range. Allocates.
    SubjectFinder(Cpu& exec, Size size, const SubjectFinderParams& params = {});

    /// Finds the subject that was scribbled on. Scribbles win against everything else.
    ///
    ///   frame      [h, w]  sRGB
    ///   scribbles  [h, w]  0: nothing, 1: subject, 2: background; both must occur
    ///   matte      [h, w]  out; in [0, 1]
    ///
    /// Throws Error if a size differs or one kind of scribble is missing. Allocates nothing. Deterministic.
    void find(HostImage<const Rgba8> frame, HostImage<const uint8_t> scribbles, HostImage<float> matte);

    /// Adds scribbles to those of the last find or refine; the newest win. `frame` must be the frame of that call:
    /// superpixels are kept. Throws Error also if there was no such call.
    void refine(HostImage<const Rgba8> frame, HostImage<const uint8_t> scribbles, HostImage<float> matte);

    /// Finds the subject without scribbles. The same arguments; a frame without contrast gives the guess of its place.
    void find_auto(HostImage<const Rgba8> frame, HostImage<float> matte);

private:
    struct RegionState {
        float place = 0, barrier = 0;  // log-odds of where it is; Lab units, see guess_places
        float weight = 0, logit = 0;   // share of the subject in its colour; what the cut is given
        Vec<int, 2> votes{};           // scribbled pixels: subject, background
        int seed = 0, side = 0;        // as scribbles; 1: subject
        int piece = -1;                // which connected part of the subject
    };
    RegionState& region(int v) { return regions_.span()[size_t(v)]; }
    static float likely(float place) { return 1 / (1 + std::exp(-place)); }  // the probability of log-odds
    float mean_pixels() const { return float(size_.area()) / float(std::max(graph_.count(), 1)); }
    void segment(HostImage<const Rgba8> frame);
    void weigh_neighbours();
    void add_scribbles(HostImage<const uint8_t> scribbles);
    void solve_scribbles();
    void guess_places();
    void fit_models();
    void weigh_colors();
    void cut();
    int find_pieces();
    void keep_seeded_pieces();
    void keep_large_pieces();
    void write_matte(HostImage<const Rgba8> frame, HostImage<float> matte);

    Cpu& exec_;
    Size size_;
    SubjectFinderParams params_;
    Slic<Cpu> slic_;
    RegionGraph<Cpu> graph_;
    GraphMaxflow<Cpu> region_cut_;
    GridEnergy<Cpu> outline_energy_;
    GridMaxflow<Cpu> outline_cut_;
    GuidedFilter<Cpu> edges_;
    ColorModel subject_, background_;
    bool scribbled_ = false;

    Buffer<int, Cpu> labels_, count_;
    Buffer<RegionState, Cpu> regions_;
    Buffer<int, Cpu> capacities_;  // [arcs]
    Buffer<ColorSample, Cpu> subject_samples_, background_samples_;
    Buffer<int, Cpu> todo_;  // [regions], and all below up to the pixels
    Buffer<float, Cpu> values_;
    Buffer<uint8_t, Cpu> sides_;
    Buffer<int, Cpu> terminal_;
    Buffer<float, Cpu> pixel_logit_;  // [h, w], and all below
    Buffer<uint8_t, Cpu> active_, cut_, scribbles_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/subject_finder_cpu.hpp"
