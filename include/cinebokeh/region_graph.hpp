// Region graph: which regions of a labelled image touch, along how many pixel sides, and what each looks like.
//
// The graph that a cut over superpixels is made on, in compressed rows as maxflow.hpp wants it.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// The mean over the pixels of a region, summed in whole numbers.
struct Region {
    int pixels;
    Float3 lab;                    // mean colour, CIE Lab; {0, 0, 0} for a region without pixels
    Float2 centre;                 // mean position, pixels
    int left, top, right, bottom;  // pixels on each border of the image
};

/// Writes the value of its region to every pixel: out(x, y) = values[labels(x, y)].
///
///   labels  [h, w]  each less than values.count
///   values  [n]
///   out     [h, w]  out
///
/// Throws Error if the sizes differ. Labels are not checked. Allocates nothing.
template <class T>
void paint_regions(Cpu& exec, HostImage<const int> labels, HostSpan<const std::type_identity_t<T>> values,
                   HostImage<T> out);
#if CINEBOKEH_GRID
template <class T>
void paint_regions(Cuda& exec, Image<const int, DeviceSpace> labels,
                   Span<const std::type_identity_t<T>, DeviceSpace> values, Image<T, DeviceSpace> out);
#endif

namespace detail {
class RegionGraphCpu;
class RegionGraphCuda;
}  // namespace detail

/// Plan: the region graph of images of one size.
///
///   RegionGraph<Exec> graph(exec, size, max_regions);  // max_regions bounds the number of labels: Slic::max_labels()
///   graph(image, labels, count);
///
///   image   [h, w]  sRGB, or Lab in eighths as Slic::colors() has them: the mean colour of a region is then
///                   within 1/16 of the other's, and on Cpu the graph costs a third
///   labels  [h, w]  0 .. count - 1; a region may have no pixel
///
/// Afterwards
///
///   graph.regions()  [count]
///   graph.offsets()  [count + 1]  the neighbours of region v are targets()[offsets()[v]] .. [offsets()[v + 1] - 1],
///   graph.targets()  ascending; each pair is listed from both sides
///   graph.borders()  the length of the common border, in pixel sides, of each entry of targets()
///
/// The constructor throws Error if the size is empty or above 65535, or max_regions < 1; it allocates, about 1200 bytes
/// a region and none per pixel. The call throws Error if a size differs or count is not in [0, max_regions]. It also
/// throws Error if a label is outside [0, count) or there are more than 3 max_regions pairs of neighbours, which
/// connected regions never have; on Cuda, where the call is asynchronous, it is check() that waits and throws these
/// two. There targets() and borders() have room for all pairs and end at offsets()[count], and all are in device
/// memory. Linear in the pixels. Calls allocate nothing. Deterministic: bit-equal between runs and between backends.
template <class Exec>
using RegionGraph = ForSpace<Exec, detail::RegionGraphCpu, detail::RegionGraphCuda>;

namespace detail {
class RegionGraphCpu {
public:
    RegionGraphCpu(Cpu& exec, Size size, int max_regions);
    void operator()(HostImage<const Rgba8> image, HostImage<const int> labels, int count);
    void operator()(HostImage<const Vec<int16_t, 4>> lab_eighths, HostImage<const int> labels, int count);

    int count() const { return count_; }
    HostSpan<const Region> regions() const { return {regions_.span().data, size_t(count_)}; }
    HostSpan<const int> offsets() const { return {offsets_.span().data, size_t(count_) + 1}; }
    HostSpan<const int> targets() const { return {targets_.span().data, size_t(arcs_)}; }
    HostSpan<const int> borders() const { return {borders_.span().data, size_t(arcs_)}; }

private:
    struct Sums {
        int64_t lab[3], x, y, pixels;
    };
    struct Pair {
        int a, b, border;  // a < b; a is -1 in an empty slot
    };
    // A hash table of pairs, at most half full, and a list of the slots in use.
    struct PairTable {
        Pair* slots;
        int* used;
        int mask, room, count, last;  // last: the slot of the pair counted last

        void clear();
        bool add(int a, int b, int border);  // false if there is no room
    };
    template <class Color>
    void build(HostImage<const Color> image, HostImage<const int> labels, int count, double unit);
    template <class Color>
    bool read_strip(HostImage<const Color> image, HostImage<const int> labels, int strip);
    template <class Color>
    bool measure(const Color* pixels, const int* label, int y, const int* begin, int runs, int strip);
    bool find_pairs(const int* row, const int* begin, int runs, const int* above, const int* above_begin,
                    PairTable& table) const;
    int strip_begin(int strip) const { return int(int64_t(strip) * size_.height / strips_); }
    void combine(double unit);
    void find_borders(HostImage<const int> labels);
    void make_rows();

    Cpu& exec_;
    Size size_;
    int max_regions_, strips_, count_ = 0, arcs_ = 0;
    Buffer<Sums, Cpu> sums_;         // [strips, max_regions]
    Buffer<PairTable, Cpu> tables_;  // [strips]; the first becomes that of the image
    Buffer<uint8_t, Cpu> outcome_;   // [strips]
    Buffer<int, Cpu> runs_;          // [strips, 2 rows] first columns
    Buffer<int, Cpu> lab_;           // [strips, 4 (w + 1)] the colours of a row, or their running sums
    Buffer<Region, Cpu> regions_;
    Buffer<Pair, Cpu> slots_;  // [strips, slots]
    Buffer<int, Cpu> used_;    // [strips, pairs]
    Buffer<int, Cpu> offsets_, targets_, borders_;
    Buffer<int, Cpu> unsorted_, next_;  // slots of the pairs of each region; where the next goes
};

#if CINEBOKEH_GRID
struct RegionSums {
    long long lab[3], x, y;
    int pixels, left, top, right, bottom;
};
struct RegionGraphState {
    int pairs, illegal;  // pairs that were wanted; labels out of range
};
class RegionGraphCuda {
public:
    RegionGraphCuda(Cuda& exec, Size size, int max_regions);
    void operator()(Image<const Rgba8, DeviceSpace> image, Image<const int, DeviceSpace> labels, int count);
    void operator()(Image<const Vec<int16_t, 4>, DeviceSpace> lab_eighths, Image<const int, DeviceSpace> labels,
                    int count);
    void check();

    int count() const { return count_; }
    Span<const Region, DeviceSpace> regions() const { return {regions_.span().data, size_t(count_)}; }
    Span<const int, DeviceSpace> offsets() const { return {offsets_.span().data, size_t(count_) + 1}; }
    Span<const int, DeviceSpace> targets() const { return targets_.span(); }
    Span<const int, DeviceSpace> borders() const { return borders_.span(); }

private:
    template <class Color>
    void build(Image<const Color, DeviceSpace> image, Image<const int, DeviceSpace> labels, int count, double unit);

    Cuda* exec_;
    Size size_;
    int max_regions_, count_ = 0;
    Buffer<RegionSums, Cuda> sums_;
    Buffer<Region, Cuda> regions_;
    Buffer<unsigned long long, Cuda> keys_;
    Buffer<int, Cuda> border_, used_, offsets_, next_, targets_, borders_, listed_;
    Buffer<RegionGraphState, Cuda> state_;
};
#endif
}  // namespace detail
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/region_graph_cpu.hpp"
#include "kernels/region_graph_cuda.cuh"
