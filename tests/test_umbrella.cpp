#include "cinebokeh/cinebokeh.hpp"
#include "support.hpp"

using namespace cinebokeh;

// Names of two headers that clash show nowhere else: every other test includes one header.
TEST_CASE_TEMPLATE("one header brings everything, for every executor", Exec, EXECUTORS) {
    Exec exec;
    const Size size{9, 7};
    std::vector<float> pixels(size.area(), 0);
    pixels[size_t(4 * size.width + 6)] = 1;
    Buffer<float, Exec> matte(exec, size, pixels);
    const Moments found = moments(exec, matte.view());
    CHECK(found.centroid == Float2{6, 4});
    CHECK(found.scale == 1);
}
