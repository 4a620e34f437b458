#include "cinebokeh/cinebokeh.hpp"

float sum_of_row(cinebokeh::Cpu& exec, cinebokeh::HostImage<const float> image, int y) {
    cinebokeh::Buffer<float, cinebokeh::Cpu> row(exec, {image.size.width, 1});
    cinebokeh::copy(exec, image.crop(0, y, {image.size.width, 1}), row.view());
    float sum = 0;
    for (float value : row.download()) sum += value;
    return sum;
}
