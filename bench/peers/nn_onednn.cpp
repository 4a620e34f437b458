// Every distinct convolution of Robust Video Matting at 512 x 288 beside oneDNN's (version 2), in float and in
// BFloat16, as a table. oneDNN chooses the layouts of its tensors and weights, its primitives are made beforehand, and
// ReLU is fused on both sides. (A layout of oneDNN's choice would have to be kept by the layers around.)
//
//     OMP_NUM_THREADS=N nn_onednn N
//
// Exits with 1 where results differ by more than rounding: in float by 1e-4 of the largest, in BFloat16 by two units in
// its last place.
#include <dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "bench/rvm_convolutions.hpp"

using namespace cinebokeh;

namespace {
using Clock = std::chrono::steady_clock;

// The median of at least seven calls and 40 ms; threads of the other side have gone to sleep before.
template <class Body>
double median_ms(const Body& body) {
    const auto ms = [](auto duration) { return std::chrono::duration<double, std::milli>(duration).count(); };
    for (const auto begin = Clock::now(); ms(Clock::now() - begin) < 10;) body();
    std::vector<double> times;
    for (const auto begin = Clock::now(); times.size() < 7 || ms(Clock::now() - begin) < 40;) {
        const auto start = Clock::now();
        body();
        times.push_back(ms(Clock::now() - start));
    }
    std::nth_element(times.begin(), times.begin() + ptrdiff_t(times.size() / 2), times.end());
    return times[times.size() / 2];
}
std::vector<float> random_values(size_t count, float scale) {
    static std::mt19937 generator(1);
    std::vector<float> values(count);
    for (float& v : values) v = (float(generator()) / 2147483648.f - 1) * scale;
    return values;
}

struct Data {
    std::vector<float> in, weight, bias;  // in: [h, w, c]
};

template <class T>
double ours(Cpu& exec, const LayerShape& s, const Data& data, std::vector<float>& result) {
    Conv2d<T, Cpu> conv(exec, s.params(), {data.weight, data.bias}, s.size);
    const TensorBuffer<T, Cpu> in(exec, {1, s.size.height, s.size.width, s.in}, data.in);
    TensorBuffer<T, Cpu> out(exec, conv.output_shape(in.shape()));
    const double ms = median_ms([&] { conv(in.view(), out.view()); });
    result = out.download();
    return ms;
}

// oneDNN's, on the same numbers.
double theirs(const LayerShape& s, const Data& data, dnnl::memory::data_type type, std::vector<float>& result) {
    using dnnl::memory;
    using Tag = memory::format_tag;
    dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnnl::stream stream(engine);
    const Conv2dParams p = s.params();
    const Size size = detail::conv_output_size(p, s.size);
    const memory::dims in{1, s.in, s.size.height, s.size.width}, out{1, s.out, size.height, size.width};
    const memory::dims weight = s.groups == 1 ? memory::dims{s.out, s.in, s.kernel, s.kernel}
                                              : memory::dims{s.groups, 1, 1, s.kernel, s.kernel};
    const memory::dims stride{s.stride, s.stride}, padding{p.padding, p.padding},
        dilation{s.dilation - 1, s.dilation - 1};
    dnnl::post_ops relu;
    relu.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(relu);
    const dnnl::convolution_forward::primitive_desc plan({dnnl::prop_kind::forward_inference,
                                                          dnnl::algorithm::convolution_auto,
                                                          {in, type, Tag::any},
                                                          {weight, type, Tag::any},
                                                          {{s.out}, memory::data_type::f32, Tag::a},
                                                          {out, type, Tag::any},
                                                          stride,
                                                          dilation,
                                                          padding,
                                                          padding},
                                                         attributes, engine);
    const auto reordered = [&](memory::dims dims, Tag tag, const std::vector<float>& values,
                               const memory::desc& wanted) {
        memory from({dims, memory::data_type::f32, tag}, engine, const_cast<float*>(values.data())), to(wanted, engine);
        dnnl::reorder(from, to).execute(stream, from, to);
        stream.wait();
        return to;
    };
    memory src = reordered(in, Tag::nhwc, data.in, plan.src_desc());
    memory weights = reordered(weight, s.groups == 1 ? Tag::oihw : Tag::goihw, data.weight, plan.weights_desc());
    memory bias = reordered({s.out}, Tag::a, data.bias, plan.bias_desc());
    memory dst(plan.dst_desc(), engine);
    const dnnl::convolution_forward conv(plan);
    const double ms = median_ms([&] {
        conv.execute(stream,
                     {{DNNL_ARG_SRC, src}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, dst}});
        stream.wait();
    });
    result.resize(size.area() * size_t(s.out));
    memory plain({out, memory::data_type::f32, Tag::nhwc}, engine, result.data());
    dnnl::reorder(dst, plain).execute(stream, dst, plain);
    stream.wait();
    return ms;
}

// The largest difference, of the largest value.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
    double worst = 0, largest = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        worst = std::max(worst, std::abs(double(a[i]) - double(b[i])));
        largest = std::max(largest, std::abs(double(b[i])));
    }
    return a.size() == b.size() && worst == worst ? worst / largest : INFINITY;
}

struct Totals {
    double ours[2] = {}, theirs[2] = {};
};
bool print_row(Cpu& exec, const LayerShape& s, Totals& totals) {
    const size_t taps = s.weights() / size_t(s.out);
    const Data data{random_values(s.size.area() * size_t(s.in), 1),
                    random_values(s.weights(), 2 / std::sqrt(float(taps))), random_values(size_t(s.out), 0.1f)};
    double own[2], peer[2], error[2];
    std::vector<float> result, expected;
    own[0] = ours<float>(exec, s, data, result);
    peer[0] = theirs(s, data, dnnl::memory::data_type::f32, expected), error[0] = difference(result, expected);
    own[1] = ours<BFloat16>(exec, s, data, result);
    peer[1] = theirs(s, data, dnnl::memory::data_type::bf16, expected), error[1] = difference(result, expected);
    for (int i = 0; i < 2; ++i) totals.ours[i] += own[i] * s.times, totals.theirs[i] += peer[i] * s.times;
    std::printf("| %d x %s%s %dx%d%s%s | %.3f | %.3f | %.2f | %.3f | %.3f | %.2f | %.0e, %.0e |\n", s.times,
                s.groups > 1 ? "depthwise " : "", name_of(s).c_str(), s.kernel, s.kernel,
                s.stride > 1 ? ", stride 2" : "", s.dilation > 1 ? ", dilated" : "", own[0], peer[0], peer[0] / own[0],
                own[1], peer[1], peer[1] / own[1], error[0], error[1]);
    std::fflush(stdout);
    return error[0] <= 1e-4 && error[1] <= 2 * 0x1p-8;
}
}  // namespace

int main(int count, char** arguments) {
    const int threads = count > 1 ? std::atoi(arguments[1]) : 2;
    Cpu exec(threads);
    const dnnl_version_t* version = dnnl_version();
    std::printf(
        "Convolution, bias and ReLU beside oneDNN %d.%d.%d, %d threads each, in ms; a ratio above 1 is ours.\n\n",
        version->major, version->minor, version->patch, threads);
    std::printf("| layer | float, ours | oneDNN | ratio | bfloat16, ours | oneDNN | ratio | worst difference |\n");
    std::printf("|---|---|---|---|---|---|---|---|\n");
    bool good = true;
    for (const auto* shapes : {&stem_shapes, &depthwise_shapes, &pointwise_shapes, &decoder_shapes}) {
        Totals totals;
        for (const LayerShape& s : *shapes) good &= print_row(exec, s, totals);
        std::printf("| **these together** | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | |\n", totals.ours[0],
                    totals.theirs[0], totals.theirs[0] / totals.ours[0], totals.ours[1], totals.theirs[1],
                    totals.theirs[1] / totals.ours[1]);
    }
    if (!good) std::printf("\nresults differ by more than rounding\n");
    return good ? 0 : 1;
}
