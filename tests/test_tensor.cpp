#include "cinebokeh/nn/tensor.hpp"

#include "cinebokeh/nn/activation.hpp"
#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
// The value of a 16-bit pattern with `exponent_bits`, from the definition of IEEE 754.
double value_of(unsigned bits, int exponent_bits) {
    const int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = int(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double fraction = double(bits & ((1u << fraction_bits) - 1)) / double(1 << fraction_bits);
    const double sign = bits & 0x8000u ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? sign * INFINITY : double(NAN);
    return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}
bool same(double a, double b) {
    return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

template <class T, int exponent_bits>
void check_format() {
    int wrong = 0;
    for (unsigned bits = 0; bits < 0x10000u; ++bits) {
        const T number{uint16_t(bits)};
        const double exact = value_of(bits, exponent_bits);
        wrong += !same(double(to_float(number)), exact);
        wrong += !same(double(to_float(from_float<T>(to_float(number)))), exact);
        if ((bits & 0x7fffu) >= (value_of(0x7c00, exponent_bits) > 65504 && exponent_bits == 5 ? 0x7bffu : 0x7f7fu))
            continue;  // the next number is not finite
        const double next = value_of(bits + 1, exponent_bits), middle = (exact + next) / 2;
        const float below = float(middle), even = bits % 2 ? float(next) : float(exact);
        if (double(below) != middle) continue;  // halfway between two subnormal BFloat16 is finer than a float
        wrong += to_float(from_float<T>(below)) != even;
        wrong += double(to_float(from_float<T>(std::nextafterf(below, float(exact))))) != exact;
        wrong += double(to_float(from_float<T>(std::nextafterf(below, float(next))))) != next;
    }
    CHECK(wrong == 0);
}
}  // namespace

TEST_CASE("both 16-bit formats keep every number, and round others to the nearest, ties to even") {
    check_format<Half, 5>();
    check_format<BFloat16, 8>();
    CHECK(to_float(from_float<Half>(65519.f)) == 65504.f);
    CHECK(std::isinf(to_float(from_float<Half>(65520.f))));
    CHECK(std::isinf(to_float(from_float<BFloat16>(3.4e38f))));
    for (float value : {INFINITY, -INFINITY}) {
        CHECK(to_float(from_float<Half>(value)) == value);
        CHECK(to_float(from_float<BFloat16>(value)) == value);
    }
}

TEST_CASE("the conversions in whole numbers are those of the processor") {
    int wrong = 0;
    for (unsigned bits = 0; bits < 0x10000u; ++bits)
        wrong += !same(double(detail::widen_half(uint16_t(bits))), value_of(bits, 5));
    for (float value : noise(20000, -70000, 70000))
        for (float scaled : {value, value * 1e-5f, value * 1e-10f, value * 1e-13f})
            wrong += detail::round_to_half(scaled) != from_float<Half>(scaled).bits;
    CHECK(wrong == 0);
    CHECK(std::isnan(to_float(Half{detail::round_to_half(NAN)})));
}

TEST_CASE_TEMPLATE("a tensor starts as zeros and gives back what is put in", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    typename L::Exec exec;
    for (Shape s : {Shape{1, 1, 1, 1}, Shape{2, 5, 7, 3}, Shape{1, 4, 4, 16}, Shape{1, 3, 0, 5}, Shape{0, 2, 2, 2}}) {
        TensorBuffer<T, typename L::Exec> tensor(exec, s);
        CHECK(tensor.download() == std::vector<float>(s.count(), 0.f));
        const auto values = stored<T>(noise(s.count(), -3, 3));
        tensor.upload(values);
        CHECK(tensor.download() == values);
    }
}

TEST_CASE_TEMPLATE("runs of channels, parts of images and images of a batch are views", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    const Shape s{2, 6, 5, 7};
    const auto values = stored<T>(noise(s.count(), -3, 3));
    const TensorBuffer<T, Exec> tensor(exec, s, values);
    TensorBuffer<float, Exec> part(exec, {1, 3, 2, 4});
    convert<T, float, Exec>(exec, tensor.view().channels(2, 4).crop(1, 2, {2, 3}).images(1, 1), part.view());
    std::vector<float> expected;
    for (int y = 2; y < 5; ++y)
        for (int x = 1; x < 3; ++x)
            for (int c = 2; c < 6; ++c) expected.push_back(values[size_t(((6 + y) * 5 + x) * 7 + c)]);
    CHECK(part.download() == expected);
}

TEST_CASE("tensors refuse bad sizes") {
    Cpu exec;
    using Tensors = TensorBuffer<float, Cpu>;
    CHECK_THROWS_AS(Tensors(exec, Shape{1, -1, 2, 3}), Error);
    CHECK_THROWS_AS(Tensors(exec, Shape{1, 1, 1 << 20, 1 << 20}), Error);
    CHECK_THROWS_AS(Tensors(exec, Shape{1, 1, 2, 3}, std::vector<float>(5)), Error);
    Tensors a(exec, {1, 2, 3, 4}), b(exec, {1, 3, 2, 4});
    CHECK_THROWS_AS((convert<float, float, Cpu>(exec, a.view(), b.view())), Error);
    CHECK_THROWS_AS(activate(exec, ActivationKind::relu, TensorView<const float, Cpu>(a.view()), b.view()), Error);
}

TEST_CASE_TEMPLATE("activations follow their definitions and keep a NaN", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    const Shape s{1, 3, 41, 5};
    std::vector<float> in = stored<T>(noise(s.count(), -9, 9));
    in[0] = 0, in[1] = -0.f, in[2] = 100, in[3] = -100, in[4] = 3, in[5] = -3, in[6] = 6;
    const auto hard = [](double x) { return std::min(std::max(x + 3, 0.0), 6.0) / 6; };
    const std::vector<std::pair<Activation, double (*)(double)>> all = {
        {ActivationKind::none, [](double x) { return x; }},
        {ActivationKind::relu, [](double x) { return std::max(x, 0.0); }},
        {ActivationKind::relu6, [](double x) { return std::min(std::max(x, 0.0), 6.0); }},
        {ActivationKind::hardsigmoid, hard},
        {ActivationKind::hardswish, [](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) / 6; }},
        {ActivationKind::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
        {ActivationKind::tanh, [](double x) { return std::tanh(x); }},
        {ActivationKind::leaky_relu, [](double x) { return x > 0 ? x : 0.01 * x; }},
        {{ActivationKind::leaky_relu, 0.2f}, [](double x) { return x > 0 ? x : double(0.2f) * x; }},
        {ActivationKind::elu, [](double x) { return x > 0 ? x : std::exp(x) - 1; }},
    };
    for (const auto& each : all) {
        CAPTURE(int(each.first.kind));
        std::vector<double> expected;
        for (float x : in) expected.push_back(each.second(double(x)));
        TensorBuffer<T, Exec> tensor(exec, s, in);
        activate(exec, each.first, TensorView<const T, Exec>(tensor.view()), tensor.view());
        const auto out = tensor.download();
        // Three roundings of a float, and the one of the storage.
        for (size_t i = 0; i < out.size(); ++i)
            CHECK(std::abs(double(out[i]) - expected[i]) <= (rounding<T> + 4e-7) * std::abs(expected[i]) + 2e-7);
        std::vector<float> bad = in;
        bad[7] = NAN;
        tensor.upload(bad);
        activate(exec, each.first, TensorView<const T, Exec>(tensor.view()), tensor.view());
        CHECK(std::isnan(tensor.download()[7]));
    }
}
