// ConvGRU on the CPU in one pass over the rows. While a row is in the cache, its gates are calculated, and from the
// rows of r * h around it the candidate of an earlier row; the gates never go to memory. Bands calculate the gates of
// the rows beside them once more.
#pragma once
#include "kernels/conv_cpu.hpp"
#include "kernels/conv_gru.hpp"

namespace cinebokeh::detail {

template <class T>
class ConvGruPlan<T, Cpu> {
public:
    static constexpr bool in_place = false;

    ConvGruPlan(Cpu& exec, const ConvGruParams& p, const ConvGruWeights& weights, Shape max_shape)
        : params_(p),
          reach_(p.kernel / 2),
          part_(gru_conv(p.channels, p.channels, p.kernel), per_word),
          pixel_words_(words_of_pixel(p)),
          gates_(gru_conv(2 * per_word * pixel_words_, 2 * p.channels, p.kernel), per_word),
          candidate_(gru_conv(2 * per_word * pixel_words_, p.channels, p.kernel), per_word),
          scratch_(exec, words(max_shape.w)) {
        // The planes of a row are h, x, r * h: the gates read the first two, the candidate the last two.
        gate_weights_ = buffer_of(exec, pack_weights<per_word>(gates_, parts(weights.gates.weight, 1)));
        candidate_weights_ = buffer_of(exec, pack_weights<per_word>(candidate_, parts(weights.candidate.weight, 0)));
        gate_bias_ = buffer_of(exec, padded_bias(gates_.p, weights.gates));
        candidate_bias_ = buffer_of(exec, padded_bias(candidate_.p, weights.candidate));
    }

    void run(Cpu& exec, HostTensor<const T> x, HostTensor<const T> h, HostTensor<T> next) {
        const Step step{x, h, next};
        for_each_band(exec, x.shape.n, x.shape.h, 32, [&](int n, int begin, int end) {
            const ThreadScratch::Lease memory(scratch_);
            Rows rows(*this, memory.words(), x.shape.w);
            for (int y = begin - reach_; y < end + reach_; ++y) {
                if (y >= 0 && y < x.shape.h) gate_row(step, n, y, rows);
                if (y - reach_ >= begin) candidate_row(step, n, y - reach_, rows);
            }
        });
    }

private:
    static constexpr int per_word = word_channels<T>;

    struct Step {
        HostTensor<const T> x, h;
        HostTensor<T> next;
    };
    // What one thread holds of the rows around the one it works at.
    struct Rows {
        Rows(const ConvGruPlan& plan, float* memory, int width)
            : part(plan.part_words(width)),
              stride(plan.part_.plane_stride(width)),
              count(plan.ring_rows()),
              row_values(ptrdiff_t(width) * plan.params_.channels),
              gate_count(plan.reach_ + 1),
              planes(memory),
              gates(planes + count * 3 * part),
              candidate(gates + gate_count * 2 * row_values),
              reset(candidate + row_values) {
            std::fill(held, held + count, -1);
            const ptrdiff_t used = plan.part_.word_planes() * stride;
            for (int i = 0; i < 3 * count; ++i) std::fill(planes + i * part + used, planes + (i + 1) * part, 0.f);
        }
        float* plane_row(int y) const { return planes + y % count * 3 * part; }
        float* gate_row(int y) const { return gates + y % gate_count * 2 * row_values; }

        ptrdiff_t part, stride;  // words of the planes of x, of h or of r * h in one row, and of one plane
        int count;
        ptrdiff_t row_values;
        int gate_count;
        float *planes, *gates, *candidate, *reset;
        int held[3 * 7 + 1];
    };
    int ring_rows() const { return 3 * reach_ + 1; }
    ptrdiff_t part_words(int width) const { return pixel_words_ * part_.expansions * part_.plane_stride(width); }
    size_t words(int width) const {
        return size_t(ring_rows() * 3 * part_words(width) +
                      ptrdiff_t(2 * (reach_ + 1) + 2) * width * params_.channels) +
               16;
    }

    // Words per pixel of x, of h or of r * h: so many that the planes of two need no filling up.
    static int words_of_pixel(const ConvGruParams& p) {
        const auto fills_up = [&](int words) {
            const ConvLayout two(gru_conv(2 * per_word * words, 1, p.kernel), per_word);
            return two.planes() > two.word_planes();
        };
        int words = ceil_div(p.channels, per_word);
        while (fills_up(words)) ++words;
        return words;
    }
    // [out][2 channels][taps] with the two halves in the wanted order, each filled up.
    std::vector<float> parts(const std::vector<float>& weight, size_t first) const {
        const size_t c = size_t(params_.channels), wide = size_t(per_word * pixel_words_);
        const size_t taps = size_t(params_.kernel * params_.kernel), outputs = weight.size() / (2 * c * taps);
        std::vector<float> result(outputs * 2 * wide * taps, 0.f);
        for (size_t o = 0; o < outputs; ++o)
            for (size_t half = 0; half < 2; ++half)
                std::copy_n(&weight[(o * 2 + (half + first) % 2) * c * taps], c * taps,
                            &result[(o * 2 + half) * wide * taps]);
        return result;
    }

    void gate_row(const Step& step, int n, int y, Rows& rows) const {
        const int width = step.x.shape.w, c = params_.channels;
        const float* around[15];
        for (int k = 0; k < params_.kernel; ++k) {
            const int v = y + k - reach_;
            around[k] = v >= 0 && v < step.x.shape.h ? lay_out(step, n, v, rows) : nullptr;
        }
        float* const gates = rows.gate_row(y);
        write_row(gates_, gate_weights_, around, rows, width,
                  output(gate_bias_, ActivationKind::sigmoid, gates, width, 2 * c));
        T* const reset = reinterpret_cast<T*>(rows.reset);
        for (int x = 0; x < width; ++x) {
            const T* h = step.h.pixel(n, y, x);
            for (int i = 0; i < c; i += 16)
                store_lanes(reset + x * c + i, load_lanes(gates + x * 2 * c + i, c - i) * load_lanes(h + i, c - i),
                            c - i);
        }
        pack_row<per_word>(part_, ConvInputs<T, Cpu>(HostTensor<const T>(reset, {1, 1, width, c})), 0, 0, width,
                           {rows.plane_row(y) + 2 * rows.part, rows.stride, 1});
    }
    // The planes of h and x.
    const float* lay_out(const Step& step, int n, int y, Rows& rows) const {
        float* const planes = rows.plane_row(y);
        if (rows.held[y % rows.count] == y) return planes;
        rows.held[y % rows.count] = y;
        pack_row<per_word>(part_, ConvInputs<T, Cpu>(step.h), n, y, step.x.shape.w, {planes, rows.stride, 1});
        pack_row<per_word>(part_, ConvInputs<T, Cpu>(step.x), n, y, step.x.shape.w,
                           {planes + rows.part, rows.stride, 1});
        return planes;
    }
    void candidate_row(const Step& step, int n, int y, const Rows& rows) const {
        const int width = step.x.shape.w, c = params_.channels;
        const float* around[15];
        for (int k = 0; k < params_.kernel; ++k) {
            const int v = y + k - reach_;
            around[k] = v >= 0 && v < step.x.shape.h ? rows.plane_row(v) + rows.part : nullptr;
        }
        write_row(candidate_, candidate_weights_, around, rows, width,
                  output(candidate_bias_, ActivationKind::tanh, rows.candidate, width, c));
        const float* const update = rows.gate_row(y) + c;
        const bool weighs_candidate = params_.update_gate == UpdateGate::weighs_candidate;
        for (int x = 0; x < width; ++x) {
            const T* h = step.h.pixel(n, y, x);
            T* next = step.next.pixel(n, y, x);
            for (int i = 0; i < c; i += 16) {
                const Lanes z = load_lanes(update + x * 2 * c + i, c - i), before = load_lanes(h + i, c - i);
                const Lanes change = load_lanes(rows.candidate + x * c + i, c - i) - before;
                store_lanes(next + i, before + (weighs_candidate ? z : Lanes::all(1.f) - z) * change, c - i);
            }
        }
    }
    // Rows of floats, without gaps.
    static ConvOutput<float> output(const Buffer<float, Cpu>& bias, ActivationKind activation, float* row, int width,
                                    int channels) {
        return {bias.view().data, activation, HostTensor<float>(row, {1, 1, width, channels}), {}};
    }
    static void write_row(const ConvLayout& layout, const Buffer<float, Cpu>& weights, const float* const* around,
                          const Rows& rows, int width, const ConvOutput<float>& to) {
        conv_row<per_word>(layout, weights.view().data, around, rows.stride, width,
                           [&](int x, int pixels, int first, int count, const float* sums) {
                               to.tile(0, 0, x, pixels, first, count, sums, tile_outputs);
                           });
    }

    ConvGruParams params_;
    int reach_;  // rows that the filter spans on each side
    ConvLayout part_;
    int pixel_words_;  // of a part, see words_of_pixel
    ConvLayout gates_, candidate_;
    ThreadScratch scratch_;
    Buffer<float, Cpu> gate_weights_, candidate_weights_, gate_bias_, candidate_bias_;
};
}  // namespace cinebokeh::detail
