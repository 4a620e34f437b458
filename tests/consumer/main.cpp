#include "cinebokeh/cinebokeh.hpp"

#include <cstdio>
#include <numeric>

float sum_of_row(cinebokeh::Cpu& exec, cinebokeh::HostImage<const float> image, int y);

int main() {
    cinebokeh::Cpu exec;
    std::vector<float> pixels(12);
    std::iota(pixels.begin(), pixels.end(), 0.f);
    const cinebokeh::Buffer<float, cinebokeh::Cpu> image(exec, {4, 3}, pixels);
    const float sum = sum_of_row(exec, image.view(), 1);
    std::printf("cinebokeh %s: the second row sums to %g\n", CINEBOKEH_VERSION_STRING, sum);
    return sum == 22 ? 0 : 1;
}
