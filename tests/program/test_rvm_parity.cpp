// The whole network with the authors' weights, against what their own program makes of the same frames.
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

#include "cinebokeh/nn/rvm.hpp"
#include "program.hpp"
#include "tfjs_import.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
const std::string folder = "rvm/golden_tfjs/";

std::vector<float> golden_alpha(const std::string& name, Size size) {
    int width = 0, height = 0, channels = 0;
    const std::unique_ptr<uint16_t, void (*)(void*)> values(
        stbi_load_16((data_folder() / (folder + name)).c_str(), &width, &height, &channels, 1), stbi_image_free);
    REQUIRE(values != nullptr);
    REQUIRE(Size{width, height} == size);
    std::vector<float> alpha(size.area());
    for (size_t i = 0; i < alpha.size(); ++i) alpha[i] = float(values.get()[i]) / 65535;
    return alpha;
}
std::vector<float> golden_state(const std::string& name) {
    const std::string bytes = text_of((data_folder() / (folder + name)).string());
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
}

// Of all errors of a run: how large they are.
struct Errors {
    std::vector<float> all;

    void add(const std::vector<float>& a, const std::vector<float>& b) {
        REQUIRE(a.size() == b.size());
        for (size_t i = 0; i < a.size(); ++i) {
            const float error = std::abs(a[i] - b[i]);
            all.push_back(error < INFINITY ? error : INFINITY);
        }
    }
    float percentile(double share) {
        const size_t rank = std::min(all.size() - 1, size_t(share * double(all.size())));
        std::nth_element(all.begin(), all.begin() + ptrdiff_t(rank), all.end());
        return all[rank];
    }
    float max() const { return *std::max_element(all.begin(), all.end()); }
    double mean() const {
        double sum = 0;
        for (const float e : all) sum += double(e);
        return sum / double(all.size());
    }
};

// Runs the frames of one golden run; alpha errors of all of them, and of the states that were kept.
template <class T, class Exec>
void run(const Weights& weights, Size size, double ratio, int frames, Errors& alpha_errors, Errors& state_errors) {
    Exec exec;
    Rvm<T, Exec> rvm(exec, weights, size, {.downsample_ratio = ratio});
    Buffer<float, Exec> alpha(exec, size);
    const std::string name = std::to_string(size.width) + "x" + std::to_string(size.height) + "_";
    for (int i = 0; i < frames; ++i) {
        const std::string number = name + std::to_string(i);
        const Picture picture = read_picture(data_folder() / (folder + "src_" + number + ".png"));
        const Buffer<Rgba8, Exec> frame(exec, size, picture.pixels);
        rvm(frame.view(), alpha.view());
        alpha_errors.add(alpha.download(), golden_alpha("pha_" + number + "_u16.png", size));
        for (int level : {3, 4}) {
            const std::string file = "r" + std::to_string(level) + "_" + number + ".f32";
            if (!fs::exists(data_folder() / (folder + file))) continue;
            const auto state = rvm.state(level);
            TensorBuffer<float, Exec> values(exec, state.shape);
            convert(exec, state, values.view());
            state_errors.add(values.download(), golden_state(file));
        }
    }
}
// Whole frames, and frames at the ratio .375 with the guided filter.
template <class T, class Exec>
void run_both(Errors& whole, Errors& refined, Errors& states) {
    const Weights weights = import_rvm_tfjs(data_folder() / "rvm/rvm_mobilenetv3_tfjs_int8/model.json");
    run<T, Exec>(weights, {512, 288}, 1, 3, whole, states);
    run<T, Exec>(weights, {1024, 576}, 0.375, 2, refined, states);
}
}  // namespace

TEST_CASE_TEMPLATE("float agrees with the authors' program on five frames of two resolutions", Exec, EXECUTORS) {
    SKIP_WITHOUT_DATA(folder + "README.txt");
    Errors whole, refined, states;
    run_both<float, Exec>(whole, refined, states);
    MESSAGE("float: alpha error max " << whole.max() << ", with guided filter max " << refined.max() << ", 99.99 % "
                                      << refined.percentile(0.9999) << "; state max " << states.max());
    // 2e-4: the golden alphas are rounded to 0.8e-5, and 70 layers of float come in another order.
    CHECK(whole.max() <= 2e-4f);
    CHECK(states.max() <= 1e-3f);
    // The golden guided filter takes variances as differences of float means near 1, which are off by 2^-23 or more,
    // and divides by variance + 1e-5: where the frame is flat its slope is off by 1 %, and alpha by 1 % of the step of
    // the matte inside of a window, for which .1 is much. (The same filter of our network's output in double is as far
    // from the golden as ours is, 3.9e-4; in the golden's own order in float it is 7.7e-4: what is seen is rounding.)
    CHECK(refined.percentile(0.9999) <= 2e-4f);
    CHECK(refined.max() <= 1e-3f);
}

TEST_CASE_TEMPLATE("16-bit storage stays close to it", Exec, EXECUTORS) {
    SKIP_WITHOUT_DATA(folder + "README.txt");
    Errors half, bfloat, states;
    run_both<Half, Exec>(half, half, states);
    MESSAGE("half: alpha error max " << half.max() << ", mean " << half.mean());
    CHECK(half.max() <= 6e-3f);
    run_both<BFloat16, Exec>(bfloat, bfloat, states);
    MESSAGE("bfloat16: alpha error max " << bfloat.max() << ", 99.9 % " << bfloat.percentile(0.999) << ", mean "
                                         << bfloat.mean());
    CHECK(bfloat.mean() <= 2e-3);
    CHECK(bfloat.percentile(0.999) <= 2e-2f);
}
