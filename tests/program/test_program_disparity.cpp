// Disparity on disk: what is written is read again, and what cannot be a disparity is refused.
#include "disparity_file.hpp"
#include "pfm_file.hpp"
#include "program.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
// What read_disparity says of a file; empty where it takes it.
std::string refusal(const std::string& file, Size size) {
    try {
        read_disparity(file, size);
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a PFM keeps every bit of a float, whatever the byte order") {
    const Scratch scratch;
    const Size size{3, 2};
    const std::vector<float> values = {0.f, -1.5f, 1e-30f, 3.25e9f, -0.f, 0.1f};
    write_pfm(scratch / "a.pfm", {values.data(), size});
    CHECK(is_pfm_file(scratch / "a.pfm"));
    CHECK(read_pfm(scratch / "a.pfm").size == size);
    CHECK(read_pfm(scratch / "a.pfm").pixels == values);

    std::string text = text_of(scratch / "a.pfm");
    const size_t data = text.size() - values.size() * 4;
    CHECK(text.substr(0, data) == "Pf\n3 2\n-1.0\n");
    CHECK(text.substr(data, 4) == std::string("\x10\xb7\x41\x4f", 4));  // 3.25e9: the last row comes first
    for (size_t i = data; i < text.size(); i += 4) std::swap(text[i], text[i + 3]), std::swap(text[i + 1], text[i + 2]);
    write_text(scratch / "b.pfm", "Pf\n3 2\n1.0\n" + text.substr(data));
    CHECK(read_pfm(scratch / "b.pfm").pixels == values);
}

TEST_CASE("a 16-bit PNG of disparity is within half a step of what was written") {
    const Scratch scratch;
    for (const Size size : {Size{1, 1}, Size{1, 7}, Size{65, 33}}) {
        const std::vector<float> values = noise(size, 0, 1);
        write_disparity_png(scratch / "a.png", {values.data(), size});
        CHECK(worst_error(read_disparity(scratch / "a.png", size), values) <= 0.5 / 65535 + 6e-8);
    }
    const std::vector<float> steps = {0.f, 1.f / 65535, 0.5f, 1.f, 7.f};
    write_disparity_png(scratch / "b.png", {steps.data(), {5, 1}});
    CHECK(read_grey16(scratch / "b.png").pixels == std::vector<uint16_t>{0, 1, 32768, 65535, 65535});
}

TEST_CASE("an 8-bit picture of disparity is its value by 255") {
    const Scratch scratch;
    const std::vector<float> values = {0.f, 51 / 255.f, 1.f};
    write_matte_png(scratch / "a.png", {values.data(), {3, 1}});
    CHECK(worst_error(read_disparity(scratch / "a.png", {3, 1}), values) <= 6e-8);
}

TEST_CASE("a disparity that cannot be is refused with its file and pixel") {
    const Scratch scratch;
    const Size size{4, 3};
    for (const float bad : {NAN, INFINITY, -INFINITY, -0.25f}) {
        std::vector<float> values(size.area(), 0.5f);
        values[size_t(2 * size.width + 1)] = bad;
        write_pfm(scratch / "bad.pfm", {values.data(), size});
        CHECK(contains(refusal(scratch / "bad.pfm", size), "bad.pfm"));
        CHECK(contains(refusal(scratch / "bad.pfm", size), "(1, 2)"));
    }
    const std::vector<float> flat(size.area(), 0.5f);
    write_pfm(scratch / "flat.pfm", {flat.data(), size});
    CHECK(refusal(scratch / "flat.pfm", size).empty());
    CHECK(contains(refusal(scratch / "flat.pfm", {3, 4}), "4 x 3"));
    CHECK(contains(refusal(scratch / "none.pfm", size), "does not exist"));
    write_text(scratch / "cut.pfm", text_of(scratch / "flat.pfm").substr(0, 30));
    CHECK(contains(refusal(scratch / "cut.pfm", size), "cut off"));
    write_text(scratch / "colour.pfm", "PF\n4 3\n-1.0\n" + std::string(size.area() * 12, 0));
    CHECK(contains(refusal(scratch / "colour.pfm", size), "one channel"));
    write_text(scratch / "huge.pfm", "Pf\n99999999 99999999\n-1.0\n");
    CHECK(contains(refusal(scratch / "huge.pfm", size), "cut off"));
    write_text(scratch / "text.png", "no picture");
    CHECK(contains(refusal(scratch / "text.png", size), "cannot be read as a picture"));
}
