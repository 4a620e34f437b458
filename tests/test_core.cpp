#include <numeric>
#include <utility>

#include "cinebokeh/core/int_lanes.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
template <class Space>
struct WriteIndex {
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = float(y * out.size.width + x); }
};
template <class Space>
struct CountVisit {
    Image<int, Space> visits;
    CINEBOKEH_HD void operator()(int x, int y) const { visits(x, y) += 1; }
};
template <class Space>
struct Mirror {  // reads through one view and writes through another
    Image<const float, Space> in;
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(in.size.width - 1 - x, y) = in(x, y); }
};
#if CINEBOKEH_GRID
struct AddNeighbours {  // from one row of a ring of numbers to the other and back
    Image<unsigned, DeviceSpace> rows;
    CINEBOKEH_HD static unsigned sum(const unsigned* in, int i, int n) {
        return in[i] + in[(i + 1) % n] + in[(i + n - 1) % n];
    }
    __device__ void operator()(int phase) const {
        const int n = rows.size.width, threads = int(gridDim.x * blockDim.x);
        for (int i = int(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += threads)
            rows(i, (phase + 1) % 2) = sum(rows.row(phase % 2), i, n);
    }
};
#endif
std::vector<float> indices(Size size) {
    std::vector<float> values(size.area());
    std::iota(values.begin(), values.end(), 0.f);
    return values;
}
// The image upside down, without moving a pixel.
template <class T, class Space>
Image<T, Space> bottom_up(Image<T, Space> image) {
    return {image.row(image.size.height - 1), image.size, -image.pitch};
}
std::string message_of(void (*f)()) {
    try {
        f();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}
}  // namespace

TEST_CASE_TEMPLATE("for_each_pixel visits every pixel once", Exec, EXECUTORS) {
    for (Size s :
         {Size{1, 1}, Size{32, 8}, Size{31, 9}, Size{33, 7}, Size{130, 67}, Size{1, 300}, Size{0, 5}, Size{5, 0}}) {
        CAPTURE(s.width);
        CAPTURE(s.height);
        Exec exec;
        Buffer<float, Exec> out(exec, s, std::vector<float>(s.area(), -1.f));
        for_each_pixel(exec, s, WriteIndex<typename Exec::Space>{out.view()});
        CHECK(worst_error(out.download(), indices(s)) == 0);
        Buffer<int, Exec> visits(exec, s, std::vector<int>(s.area(), 0));
        for_each_pixel(exec, s, CountVisit<typename Exec::Space>{visits.view()});
        CHECK(visits.download() == std::vector<int>(s.area(), 1));
    }
}

TEST_CASE_TEMPLATE("for_each_pixel of a size below zero does nothing", Exec, EXECUTORS) {
    Exec exec;
    for_each_pixel(exec, Size{-3, 5}, WriteIndex<typename Exec::Space>{});
    for_each_pixel(exec, Size{3, -5}, WriteIndex<typename Exec::Space>{});
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("in every phase of a launch all threads see what all wrote in the one before", Exec,
                   CUDA_EXECUTORS) {
    const int n = 3000;
    Exec exec;
    for (unsigned blocks : {1u, 2u, 7u, unsigned(exec.multiprocessors())})  // the barrier serves grids of all sizes
        for (int phases : {0, 1, 2, 31}) {
            CAPTURE(blocks);
            CAPTURE(phases);
            std::vector<unsigned> in(2 * n), expected(n);
            for (int i = 0; i < 2 * n; ++i) in[size_t(i)] = unsigned(i * i);
            std::copy_n(in.begin(), n, expected.begin());
            for (int phase = 0; phase < phases; ++phase) {
                const auto before = expected;
                for (int i = 0; i < n; ++i) expected[size_t(i)] = AddNeighbours::sum(before.data(), i, n);
            }
            Buffer<unsigned, Exec> rows(exec, {n, 2}, in);
            exec.launch_phases(phases, dim3(blocks), dim3(64), AddNeighbours{rows.view()});
            const auto out = rows.download();
            CHECK(std::equal(expected.begin(), expected.end(), out.begin() + phases % 2 * n));
        }
    CHECK_THROWS_AS(exec.launch_phases(1, dim3(unsigned(exec.multiprocessors()) + 1), dim3(64), AddNeighbours{}),
                    Error);
}
#endif

TEST_CASE_TEMPLATE("a buffer gives back what was uploaded", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{16, 3}, Size{17, 3}, Size{1, 70}}) {
        Exec exec;
        Buffer<float, Exec> floats(exec, s, indices(s));
        CHECK(floats.download() == indices(s));
        Buffer<Rgba8, Exec> colours(exec, s, noise_rgba(s));
        CHECK(colours.download() == noise_rgba(s));
    }
}

TEST_CASE_TEMPLATE("the rows of a buffer start at multiples of 64 bytes", Exec, EXECUTORS) {
    Exec exec;
    for (int width : {1, 16, 17, 100}) {
        Buffer<float, Exec> buffer(exec, {width, 3});
        CHECK(reinterpret_cast<uintptr_t>(buffer.view().data) % 64 == 0);
        CHECK(buffer.view().pitch % 64 == 0);
        CHECK(buffer.view().pitch >= ptrdiff_t(width * sizeof(float)));
        CHECK(buffer.bytes() == size_t(buffer.view().pitch) * 3);
    }
}

TEST_CASE_TEMPLATE("moving a buffer moves its memory and leaves nothing behind", Exec, EXECUTORS) {
    Exec exec;
    Buffer<float, Exec> first(exec, {4, 2}, indices({4, 2}));
    const float* data = first.view().data;
    Buffer<float, Exec> second(std::move(first));
    CHECK(second.view().data == data);
    CHECK(first.view().data == nullptr);
    CHECK(first.size() == Size{});
    first = std::move(second);
    CHECK(first.download() == indices({4, 2}));
    Buffer<float, Exec>& itself = first;
    first = std::move(itself);
    CHECK(first.download() == indices({4, 2}));
}

TEST_CASE_TEMPLATE("an empty buffer holds no memory and can be copied", Exec, EXECUTORS) {
    Exec exec;
    for (Size s : {Size{0, 0}, Size{0, 7}, Size{7, 0}}) {
        Buffer<float, Exec> empty(exec, s, {}), other(exec, s);
        CHECK(empty.bytes() == 0);
        copy(exec, empty.view(), other.view());
        CHECK(empty.download().empty());
    }
}

TEST_CASE_TEMPLATE("images are read and written through padded and bottom-up pitches", Exec, EXECUTORS) {
    const Size s{19, 5};
    Exec exec;
    Buffer<float, Exec> in(exec, s, indices(s)), out(exec, {s.width + 6, s.height + 2});
    for_each_pixel(exec, s, Mirror<typename Exec::Space>{bottom_up(in.view()), out.view().crop(4, 1, s)});
    const std::vector<float> got = out.download();
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            REQUIRE(got[(y + 1) * (s.width + 6) + x + 4] == float((s.height - 1 - y) * s.width + s.width - 1 - x));
}

TEST_CASE_TEMPLATE("copy goes between padded, bottom-up and plain images, in both directions", Exec, EXECUTORS) {
    const Size s{7, 4};
    Exec exec;
    const std::vector<float> pixels = indices(s);
    std::vector<float> flipped(s.area()), back(s.area());
    Buffer<float, Exec> a(exec, s), b(exec, s);
    copy(exec, bottom_up(host_view(pixels, s)), a.view());
    copy(exec, a.view(), bottom_up(b.view()));
    copy(exec, b.view(), host_view(back, s));
    copy(exec, a.view(), host_view(flipped, s));
    exec.synchronize();
    CHECK(back == pixels);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) CHECK(flipped[y * s.width + x] == pixels[(s.height - 1 - y) * s.width + x]);
}

TEST_CASE_TEMPLATE("a copy between images of different sizes is refused", Exec, EXECUTORS) {
    Exec exec;
    Buffer<float, Exec> a(exec, {4, 3}), b(exec, {3, 4});
    CHECK_THROWS_AS(copy(exec, a.view(), b.view()), Error);
    CHECK_THROWS_AS(a.upload(std::vector<float>(11)), Error);
    CHECK_THROWS_AS((Buffer<float, Exec>(exec, {-1, 4})), Error);
    CHECK_THROWS_AS((Buffer<float, Exec>(exec, {4, -1})), Error);
}

TEST_CASE("clamped repeats the border, crop shows a part") {
    std::vector<float> pixels = indices({4, 3});
    const HostImage<float> image = host_view(pixels, {4, 3});
    CHECK(image.clamped(-5, -1) == 0);
    CHECK(image.clamped(9, 1) == 7);
    CHECK(image.clamped(2, 99) == 10);
    const HostImage<const float> part = image.crop(1, 1, {2, 2});
    CHECK(part(0, 0) == 5);
    CHECK(part(1, 1) == 10);
}

TEST_CASE("sizes know their area and what they contain") {
    CHECK(Size{100000, 100000}.area() == 10000000000u);  // more than an int holds
    CHECK(Size{-2, 3}.empty());
    CHECK(Size{-2, -3}.area() == 0);
    CHECK(Size{2, 3}.contains(1, 2));
    CHECK_FALSE(Size{2, 3}.contains(2, 2));
    CHECK_FALSE(Size{2, 3}.contains(0, -1));
    CHECK(ceil_div(0, 8) == 0);
    CHECK(ceil_div(8, 8) == 1);
    CHECK(ceil_div(9, 8) == 2);
    CHECK(round_up(65, 64) == 128);
}

TEST_CASE("an error says the function, what is wrong and the values") {
    CHECK(message_of([] { require(2 > 3, "blur: a radius of ", 2.5, " in an image ", 7, " wide"); }) ==
          "blur: a radius of 2.500000 in an image 7 wide");
    CHECK(message_of([] { require(true, "never"); }) == "no error");
    CHECK(message_of([] { require(std::nan("") <= 1, "a NaN fails"); }) == "a NaN fails");
    CHECK(message_of([] {
              Cpu exec;
              Buffer<float, Cpu>(exec, {2, 2}).upload({1, 2, 3});
          }) == "Buffer: 3 pixels for an image of 2 x 2");
}

TEST_CASE("a check that holds allocates nothing") {
    CHECK(allocations_during(
              [] { require(true, std::string_view("a message that is longer than any short string")); }) == 0);
}

// A view carries its memory space in its type: one from the wrong side does not compile.
namespace {
template <class Exec, class From, class To>
concept CanCopy = requires(Exec& exec, From from, To to) {
    copy(exec, from, to);
};
using Host = HostImage<float>;
using Device = Image<float, DeviceSpace>;
static_assert(CanCopy<Cpu, Host, Host>);
static_assert(!CanCopy<Cpu, Device, Host>);
static_assert(!CanCopy<Cpu, Host, Device>);
static_assert(!CanCopy<Cpu, HostImage<const float>, HostImage<const float>>, "the output must be writable");
static_assert(std::is_convertible_v<Host, HostImage<const float>>);
static_assert(!std::is_convertible_v<HostImage<const float>, Host>);
static_assert(!std::is_convertible_v<Host, Device>);
static_assert(!std::is_convertible_v<HostSpan<float>, Span<float, DeviceSpace>>);
static_assert(std::is_trivially_copyable_v<Host>);
#if CINEBOKEH_GRID
static_assert(CanCopy<Cuda, Host, Device> && CanCopy<Cuda, Device, Host> && CanCopy<Cuda, Device, Device>);
static_assert(!CanCopy<Cuda, Host, Host>);
// A function of the library spells its arguments View<T, Exec>: a host view given to a Cuda call does not compile.
template <class Exec>
void halve(Exec&, View<const float, Exec>, View<float, Exec>) {}
template <class Exec, class In, class Out>
concept CanHalve = requires(Exec& exec, In in, Out out) {
    halve(exec, in, out);
};
static_assert(CanHalve<Cuda, Device, Device> && CanHalve<Cpu, Host, Host>);
static_assert(!CanHalve<Cuda, Host, Device> && !CanHalve<Cuda, Device, Host> && !CanHalve<Cpu, Device, Host>);
#endif
}  // namespace

TEST_CASE("lanes of whole numbers multiply pairs, and keep what differs in its order") {
    const int32_t extremes[] = {-32768, -881, -1, 0, 1, 14080, 32767};
    int32_t a[16], b[16], sums[16], different[16];
    uint8_t bytes[16];
    for (int low : extremes)
        for (int high : extremes) {
            for (int i = 0; i < 16; ++i) {
                a[i] = pair_of(low, high), b[i] = pair_of(i * 4096 - 32768, 32767 - i * 4096);
                const int64_t exact = 1000 + int64_t(low) * (i * 4096 - 32768) + int64_t(high) * (32767 - i * 4096);
                sums[i] = int32_t(uint32_t(exact));  // arithmetic wraps around
            }
            const IntLanes product = add_products(IntLanes::all(1000), IntLanes::load(a), IntLanes::load(b));
            for (int i = 0; i < 16; ++i) CHECK(product[i] == sums[i]);
        }
    for (int i = 0; i < 16; ++i) a[i] = i * 37 % 16, b[i] = i % 3 == 0 ? a[i] : a[i] + 256;
    const IntLanes x = IntLanes::load(a), y = IntLanes::load(b);
    y.store_bytes(bytes);
    for (int i = 0; i < 16; ++i) CHECK(int(bytes[i]) == a[i]);
    const int count = store_where_different(x, y, IntLanes::counting_from(100), different);
    CHECK(count == 10);
    for (int i = 0, n = 0; i < 16; ++i)
        if (a[i] != b[i]) CHECK(different[n++] == 100 + i);
    for (int i = 0; i < 16; ++i) {
        CHECK(IntLanes::load_bytes(bytes)[i] == a[i]);
        CHECK(min(x, y)[i] == a[i]);
        CHECK(((y & IntLanes::all(15)) + (x << 4))[i] == 17 * a[i]);
    }
}
