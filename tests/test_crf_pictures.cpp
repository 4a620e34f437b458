// The three example pictures of pydensecrf, the program of the dense CRF's authors with a Python face, and what it
// makes of them: hand-drawn strokes grow into a segmentation.
#include <map>

#include "cinebokeh/crf.hpp"
#include "support.hpp"

#if __has_include(<stb/stb_image.h>)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

using namespace cinebokeh;

namespace {
struct Picture {
    Size size;
    std::vector<Rgba8> pixels;
};
Picture read_png(const std::filesystem::path& file) {
    Picture picture;
    int channels = 0;
    unsigned char* data = stbi_load(file.string().c_str(), &picture.size.width, &picture.size.height, &channels, 4);
    REQUIRE(data != nullptr);
    const auto* pixels = reinterpret_cast<const Rgba8*>(data);
    picture.pixels.assign(pixels, pixels + picture.size.area());
    stbi_image_free(data);
    return picture;
}
unsigned colour_of(const Rgba8& pixel) { return pixel[0] | unsigned(pixel[1]) << 8 | unsigned(pixel[2]) << 16; }

// Strokes to energies as the example does: a stroke is right with probability 0.7, black is unknown.
std::vector<float> energies(const Picture& strokes, std::map<unsigned, int>& label_of) {
    for (const Rgba8& pixel : strokes.pixels) label_of[colour_of(pixel)] = 0;
    label_of.erase(0);
    const int labels = int(label_of.size());
    int next = 0;
    for (auto& [colour, label] : label_of) label = next++;
    std::vector<float> unary;
    for (const Rgba8& pixel : strokes.pixels)
        for (int l = 0; l < labels; ++l) {
            const unsigned colour = colour_of(pixel);
            const double right = 0.7, wrong = 0.3 / (labels - 1);
            unary.push_back(float(-std::log(colour == 0 ? 1.0 / labels : label_of[colour] == l ? right : wrong)));
        }
    return unary;
}
}  // namespace

TEST_CASE("strokes grow into the segmentations that pydensecrf finds") {
    SKIP_WITHOUT_DATA("crf/im1.png");
    const CrfParams params{.appearance_sxy = 80};
    for (const std::string number : {"1", "2", "3"}) {
        CAPTURE(number);
        const auto folder = data_folder() / "crf";
        const Picture image = read_png(folder / ("im" + number + ".png"));
        const Picture strokes = read_png(folder / ("anno" + number + ".png"));
        const Picture expected = read_png(folder / ("out" + number + ".png"));
        std::map<unsigned, int> label_of;
        auto q = energies(strokes, label_of);
        const int labels = int(label_of.size());
        Cpu exec;
        DenseCrf<Cpu> crf(exec, image.size, labels, params);
        const HostImage<float> view(q.data(), {image.size.width * labels, image.size.height});
        crf({image.pixels.data(), image.size}, view, view);
        size_t agreeing = 0;
        for (size_t p = 0; p < image.size.area(); ++p) {
            const float* of_pixel = &q[p * size_t(labels)];
            agreeing += int(std::max_element(of_pixel, of_pixel + labels) - of_pixel) ==
                        label_of[colour_of(expected.pixels[p])];
        }
        // It filters the smoothness potential on a lattice too, which is some percent off; pixels in doubt may flip.
        CHECK(double(agreeing) >= 0.99 * double(image.size.area()));
        MESSAGE("picture " << number << ": " << 100.0 * double(agreeing) / double(image.size.area()) << " % agree");
    }
}
#endif
