// What of a live frame a backend works on: on Cpu the memory of the frame itself, on Cuda copies on the device.
#pragma once
#include <optional>
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "gpu_images.hpp"
#include "live_frame.hpp"
#include "staged_copy.hpp"

namespace cinebokeh::demo {

/// An image of the host on the executor: the image itself on Cpu, a copy on Cuda.
template <class T, class Exec>
class OnExec {
public:
    OnExec(Exec&, Cpu&, Size) {}
    View<const T, Exec> in(HostImage<const T> host, const std::optional<GpuImage>& = {}) { return host; }
    /// Where a result for `host` is to be written; back() then brings it there.
    View<T, Exec> out(HostImage<T> host) { return host; }
    void back(HostImage<T>) {}
};
#if CINEBOKEH_GRID
template <class T>
class OnExec<T, Cuda> {
public:
    OnExec(Cuda& exec, Cpu& copiers, Size size) : stage_(exec, copiers, size), buffer_(exec, size) {}
    /// `there` is the same image, where a stage before has left it.
    View<const T, Cuda> in(HostImage<const T> host, const std::optional<GpuImage>& there = {}) {
        if (there) return view_of<T>(*there);
        stage_.up(host, buffer_.view());
        return buffer_.view();
    }
    View<T, Cuda> out(HostImage<T>) { return buffer_.view(); }
    void back(HostImage<T> host) { stage_.down(buffer_.view(), host); }

private:
    StagedCopy<T> stage_;
    Buffer<T, Cuda> buffer_;
};
#endif

/// The maps of the frame at hand on the executor: those of the frame itself on Cpu.
template <class Exec>
class MapsOnExec {
public:
    MapsOnExec(Exec& exec, Cpu&, Size) : exec_(exec) {}
    void begin(LiveFrame& frame) {
        frame.maps.resize(frame.frame.size, 1);
        disparity = {frame.maps.disparity.data(), frame.maps.size};
        defocus = {frame.maps.defocus.data(), frame.maps.size};
    }
    void take_disparity(HostImage<const float> given) { copy(exec_, given, disparity); }
    void back(LiveFrame&) {}

    View<float, Exec> disparity, defocus;

private:
    Exec& exec_;
};
#if CINEBOKEH_GRID
/// Every `step`-th value of every `step`-th row.
struct EveryNth {
    Image<const float, DeviceSpace> in;
    int step;
    Image<float, DeviceSpace> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = in(x * step, y * step); }
};
template <>
class MapsOnExec<Cuda> {
public:
    MapsOnExec(Cuda& exec, Cpu& copiers, Size size)
        : exec_(exec), stage_(exec, copiers, size), disparity_(exec, size), defocus_(exec, size), fewer_(exec, size) {}
    void begin(LiveFrame&) { disparity = disparity_.view(), defocus = defocus_.view(); }
    void take_disparity(HostImage<const float> given) { stage_.up(given, disparity); }
    /// Waits.
    void back(LiveFrame& frame) {
        frame.maps.resize(frame.frame.size, frame.whole_on_host ? 1 : seldom);
        bring(disparity, frame.maps, frame.maps.disparity);
        bring(defocus, frame.maps, frame.maps.defocus);
    }

    View<float, Cuda> disparity, defocus;

private:
    static constexpr int seldom = 4;  // a sixteenth of the values is enough for a hand with a mouse

    void bring(View<const float, Cuda> map, const PixelMaps& maps, std::vector<float>& to) {
        const View<float, Cuda> fewer = fewer_.view().crop(0, 0, maps.size);
        if (maps.step > 1) for_each_pixel(exec_, maps.size, EveryNth{map, maps.step, fewer});
        stage_.down(maps.step > 1 ? View<const float, Cuda>(fewer) : map, {to.data(), maps.size});
    }

    Cuda& exec_;
    StagedCopy<float> stage_;
    Buffer<float, Cuda> disparity_, defocus_, fewer_;
};
#endif

/// Pictures that the window takes on the device.
template <class Exec>
class KeptForDisplay {
public:
    explicit KeptForDisplay(Size) {}
    std::optional<GpuImage> keep(Exec&, View<const Rgba8, Exec>) { return {}; }
};
#if CINEBOKEH_GRID
template <>
class KeptForDisplay<Cuda> {
public:
    explicit KeptForDisplay(Size size) : images_(size) {}
    std::optional<GpuImage> keep(Cuda& exec, View<const Rgba8, Cuda> shown) {
        const GpuImage kept = images_.take();
        copy(exec, shown, to_be_filled<Rgba8>(kept));
        return kept;
    }

private:
    GpuImages<Rgba8> images_;
};
#endif
}  // namespace cinebokeh::demo
