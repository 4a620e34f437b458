// The whole library in a build without exceptions: a failed check calls the handler of set_error_handler().
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cinebokeh/cinebokeh.hpp"

static_assert(!CINEBOKEH_EXCEPTIONS);

namespace {
[[noreturn]] void expected_error(const char* message) {
    const bool right = std::strcmp(message, "copy: the images differ in size") == 0;
    std::printf("the handler was called with \"%s\"\n", message);
    std::exit(right ? 0 : 1);
}
}  // namespace

int main() {
    cinebokeh::Cpu exec;
    cinebokeh::Buffer<float, cinebokeh::Cpu> small(exec, {2, 2}), large(exec, {3, 2});
    cinebokeh::set_error_handler(expected_error);
    cinebokeh::copy(exec, small.view(), large.view());
    std::puts("the handler was not called");
    return 1;
}
