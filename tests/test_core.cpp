#include <numeric>

#include "support.hpp"

using namespace cinebokeh;

namespace {
template <class Space>
struct WriteIndex {
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = float(y * out.size.width + x); }
};
}  // namespace

TEST_CASE_TEMPLATE("for_each_pixel visits every pixel once", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{32, 8}, Size{31, 9}, Size{130, 67}, Size{0, 5}}) {
        CAPTURE(s.width);
        Exec exec;
        Buffer<float, Exec> out(exec, s, std::vector<float>(s.area(), -1.f));
        for_each_pixel(exec, s, WriteIndex<typename Exec::Space>{out.view()});
        std::vector<double> expected(s.area());
        std::iota(expected.begin(), expected.end(), 0.0);
        CHECK(worst_error(out.download(), expected) == 0);
    }
}
