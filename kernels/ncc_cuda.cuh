// MaskedNcc on Cuda: the bank, and which template takes which of the two paths.
#pragma once
#include "cinebokeh/ncc.hpp"
#if CINEBOKEH_GRID
#include <optional>

#include "kernels/ncc_direct_cuda.cuh"
#include "kernels/ncc_fft_cuda.cuh"

namespace cinebokeh {
namespace detail {
class MaskedNccCuda {
public:
    MaskedNccCuda(Cuda& exec, Size patch, int capacity, const MaskedNccParams& params = {})
        : exec_(&exec), params_(params), slots_(size_t(std::max(capacity, 0))) {
        require(!patch.empty() && patch.width <= 65536 && patch.area() <= (1u << 31), "MaskedNcc: a patch of ",
                patch.width, " x ", patch.height);
        require(capacity > 0, "MaskedNcc: no template slot");
        require(params.flat_variance > 0, "MaskedNcc: flat_variance is not positive");
        patch_ = {exec, patch};
        luma_ = {exec, {patch.width, patch.height * capacity}}, valid_ = {exec, luma_.size()};
        on_device_ = {exec, {capacity, 1}}, keys_ = {exec, {capacity, 1}}, peaks_ = {exec, {capacity, 1}};
        CINEBOKEH_CUDA(cudaMemsetAsync(patch_.view().data, 0, patch_.bytes(), exec.stream()));
        CINEBOKEH_CUDA(cudaMemsetAsync(on_device_.view().data, 0, on_device_.bytes(), exec.stream()));
        const bool fits = NccFftCuda::fits(patch);
        require(fits || params.path != NccPath::fft, "MaskedNcc: the lines of a patch of ", patch.width, " x ",
                patch.height, " do not fit into shared memory");
        if (!fits || params.path == NccPath::direct) return;
        fft_.emplace(exec, patch, capacity);
        fft_->set_patch(patch_.view());
    }

    Size patch_size() const { return patch_.size(); }
    int capacity() const { return int(slots_.size()); }

    void set_template(int slot, Image<const uint8_t, DeviceSpace> luma, Image<const uint8_t, DeviceSpace> valid) {
        Slot& s = slot_at(slot);
        require(luma.size == valid.size, "MaskedNcc: luma and valid differ in size");
        require(!luma.size.empty() && luma.size.width <= patch_size().width && luma.size.height <= patch_size().height,
                "MaskedNcc: a template of ", luma.size.width, " x ", luma.size.height, " in a patch of ",
                patch_size().width, " x ", patch_size().height);
        s = {luma.size, false};
        // Estimates for one GPU of the Hopper class, to choose the cheaper path: a template pixel costs .2 ps a place,
        // the transforms 15 ps a pixel.
        const double direct_cost = 0.2 * double(luma.size.area()) * double(response_size(slot).area());
        s.fft = params_.path == NccPath::fft || (fft_ && direct_cost > 15 * double(patch_size().area()));
        copy(*exec_, luma, part_of(luma_, slot)), copy(*exec_, valid, part_of(valid_, slot));
        exec_->launch(dim3(1), dim3(256), 0, kernels::describe_template, template_at(slot), s.fft);
        if (s.fft) fft_->set_template(slot, template_at(slot), params_.flat_variance);
    }
    void clear(int slot) {
        slot_at(slot) = {};
        CINEBOKEH_CUDA(cudaMemsetAsync(on_device_.view().data + slot, 0, sizeof(NccSlot), exec_->stream()));
    }
    bool filled(int slot) const { return !slot_at(slot).size.empty(); }

    void set_patch(Image<const uint8_t, DeviceSpace> luma) {
        require(luma.size == patch_size(), "MaskedNcc: a patch of ", luma.size.width, " x ", luma.size.height, ", not ",
                patch_size().width, " x ", patch_size().height);
        copy(*exec_, luma, patch_.view());
        if (fft_) fft_->set_patch(patch_.view());
    }

    Size response_size(int slot) const {
        const Size s = slot_at(slot).size;
        return {patch_size().width - s.width + 1, patch_size().height - s.height + 1};
    }
    void response(int slot, Image<float, DeviceSpace> out) {
        require(filled(slot), "MaskedNcc: slot ", slot, " is empty");
        require(out.size == response_size(slot), "MaskedNcc: a response of ", out.size.width, " x ", out.size.height,
                ", expected ", response_size(slot).width, " x ", response_size(slot).height);
        if (slot_at(slot).fft)
            fft_->run(on_device_.view().data, patch_.view(), params_.flat_variance, slot / 2, 1,
                      kernels::WriteResponses{out, slot});
        else
            exec_->launch(blocks(out.size), block(), 0, kernels::ncc_responses, template_at(slot), patch(),
                          params_.flat_variance, out);
    }

    void peaks(HostSpan<Peak> out, Size reach = {65536, 65536}) {
        require(int(out.count) == capacity(), "MaskedNcc: ", out.count, " peaks for ", capacity(), " slots");
        require(reach.width >= 0 && reach.height >= 0, "MaskedNcc: a reach of ", reach.width, " x ", reach.height);
        CINEBOKEH_CUDA(cudaMemsetAsync(keys_.view().data, 0, keys_.bytes(), exec_->stream()));
        bool any_fft = false;
        for (int slot = 0; slot < capacity(); ++slot) {
            any_fft |= slot_at(slot).fft;
            if (!filled(slot) || slot_at(slot).fft) continue;
            const Size places = response_size(slot);
            const PlaceRange columns(places.width, reach.width), rows(places.height, reach.height);
            const NccPlaces range{columns.first, columns.last, rows.first, rows.last};
            exec_->launch(blocks({columns.last - columns.first + 1, rows.last - rows.first + 1}), block(), 0,
                          kernels::ncc_peak, template_at(slot), patch(), params_.flat_variance, range, places.width,
                          keys_.view().data + slot);
        }
        if (any_fft)
            fft_->run(on_device_.view().data, patch(), params_.flat_variance, 0, ceil_div(capacity(), 2),
                      kernels::RaisePeaks{keys_.view().data, reach});
        const NccTemplate all{luma_.view(), valid_.view(), on_device_.view().data};
        exec_->launch(dim3(unsigned(capacity())), dim3(kernels::ncc_exact_threads), 0, kernels::ncc_exact_peaks, all,
                      patch_size().height, patch(), params_.flat_variance, std::as_const(keys_).view().data,
                      peaks_.view().data);
        copy(*exec_, std::as_const(peaks_).view(), HostImage<Peak>(out.data, peaks_.size()));
        exec_->synchronize();
    }

private:
    struct Slot {
        Size size;
        bool fft = false;
    };
    const Slot& slot_at(int slot) const {
        require(slot >= 0 && slot < capacity(), "MaskedNcc: slot ", slot, " of ", capacity());
        return slots_[size_t(slot)];
    }
    Slot& slot_at(int slot) { return const_cast<Slot&>(std::as_const(*this).slot_at(slot)); }
    Image<const uint8_t, DeviceSpace> patch() const { return patch_.view(); }
    Image<uint8_t, DeviceSpace> part_of(Buffer<uint8_t, Cuda>& buffer, int slot) {
        return {buffer.view().row(slot * patch_size().height), slots_[size_t(slot)].size, buffer.view().pitch};
    }
    NccTemplate template_at(int slot) {
        return {part_of(luma_, slot), part_of(valid_, slot), on_device_.view().data + slot};
    }
    static dim3 block() { return dim3(kernels::ncc_tile, kernels::ncc_rows); }
    static dim3 blocks(Size places) {
        return dim3(unsigned(ceil_div(places.width, kernels::ncc_tile)),
                    unsigned(ceil_div(places.height, kernels::ncc_tile)));
    }
    Cuda* exec_;
    MaskedNccParams params_;
    std::vector<Slot> slots_;
    Buffer<uint8_t, Cuda> patch_, luma_, valid_;  // luma_, valid_: [capacity * patch height, patch width]
    Buffer<NccSlot, Cuda> on_device_;             // [capacity]
    Buffer<unsigned long long, Cuda> keys_;       // [capacity]
    Buffer<Peak, Cuda> peaks_;                    // [capacity]
    std::optional<NccFftCuda> fft_;               // where a template may want it
};
}  // namespace detail

template <class Exec>
requires std::is_same_v<typename Exec::Space, DeviceSpace>
class MaskedNcc<Exec> : public detail::MaskedNccCuda {
public:
    using MaskedNccCuda::MaskedNccCuda;
};
}  // namespace cinebokeh
#endif
