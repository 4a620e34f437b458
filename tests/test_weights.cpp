#include "cinebokeh/nn/weights.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// A file from its header and its data.
std::vector<uint8_t> file_of(const std::string& header, const std::vector<uint8_t>& data) {
    std::vector<uint8_t> bytes(8 + header.size() + data.size());
    for (int i = 0; i < 8; ++i) bytes[size_t(i)] = uint8_t(header.size() >> 8 * i);
    std::copy(header.begin(), header.end(), bytes.begin() + 8);
    std::copy(data.begin(), data.end(), bytes.end() - ptrdiff_t(data.size()));
    return bytes;
}
// What is wrong with a file; "" where it is read.
std::string problem(const std::vector<uint8_t>& bytes) {
    try {
        Weights::parse(bytes, "test");
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}
std::string problem(const std::string& header, size_t data_bytes) {
    return problem(file_of(header, std::vector<uint8_t>(data_bytes, 0)));
}
// One tensor of the header: F32, one dimension.
std::string entry(const std::string& name, int count, int begin, int end) {
    return "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[" + std::to_string(count) + "],\"data_offsets\":[" +
           std::to_string(begin) + "," + std::to_string(end) + "]}";
}
void check_says(const std::string& text, const std::string& part) {
    INFO("it said: " << text);
    CHECK(text.find(part) != std::string::npos);
}

struct TemporaryFile {
    std::string name;
    TemporaryFile() {
        name = (std::filesystem::temp_directory_path() / "cinebokeh_weights_XXXXXX").string();
        std::fclose(fdopen(mkstemp(name.data()), "w"));
    }
    ~TemporaryFile() { std::remove(name.c_str()); }
};
}  // namespace

TEST_CASE("tensors and metadata survive a file, to the last bit") {
    Weights out;
    out.set_metadata("architecture", "\"quoted\" \\ \n and \xc3\xa9");
    out.set_metadata("mean", std::vector<float>{0.485f, 0.1f, 1e-30f});
    const std::vector<float> a{1.5f, -0.f, 1e-42f, 3e38f, 0.1f, 2}, scalar{7};
    out.add("a.weight", {3, 2, 1}, a);
    out.add("scalar", {}, scalar);
    out.add("empty", {0, 5}, {});
    const TemporaryFile file;
    out.write(file.name);
    const Weights in = Weights::read(file.name);
    CHECK(in.tensors().size() == 3);
    const std::vector<float> back = in.floats("a.weight", {3, 2, 1});
    CHECK(std::memcmp(back.data(), a.data(), a.size() * sizeof(float)) == 0);
    CHECK(in.floats("scalar", {}) == scalar);
    CHECK(in.floats("empty", {0, 5}).empty());
    CHECK(in.metadata("architecture") == out.metadata("architecture"));
    CHECK(in.metadata("absent") == "");
    CHECK(in.metadata_numbers("mean", 3) == std::vector<float>{0.485f, 0.1f, 1e-30f});
    CHECK_THROWS_AS(in.metadata_numbers("mean", 2), Error);
    CHECK_THROWS_AS(in.metadata_numbers("architecture", 1), Error);
    CHECK_THROWS_AS(out.add("scalar", {}, scalar), Error);
    CHECK_THROWS_AS(out.add("b", {2}, scalar), Error);
    CHECK_THROWS_AS(Weights::read(file.name + ".none"), Error);
    CHECK_THROWS_AS(out.write(file.name + "/under/a/file"), Error);
}

TEST_CASE("16-bit and double tensors are converted") {
    // 1, -2, the smallest half above 0, 65504; the same numbers as far as bfloat16 has them; 0.5 as double.
    const std::string header = R"({"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},)"
                               R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},)"
                               R"("d":{"dtype":"F64","shape":[1],"data_offsets":[12,20]}})";
    const Weights weights = Weights::parse(file_of(header, {0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b,  //
                                                            0x80, 0x3f, 0x00, 0xc0,                          //
                                                            0,    0,    0,    0,    0,    0,    0xe0, 0x3f}),
                                           "test");
    CHECK(weights.floats("h", {4}) == std::vector<float>{1, -2, 5.9604644775390625e-8f, 65504});
    CHECK(weights.floats("b", {2}) == std::vector<float>{1, -2});
    CHECK(weights.floats("d", {1}) == std::vector<float>{0.5f});
}

TEST_CASE("data that are not aligned are read") {  // a header of any length is legal
    std::vector<uint8_t> data(8);
    const float values[2] = {1.25f, -3};
    std::memcpy(data.data(), values, 8);
    for (int pad = 0; pad < 8; ++pad) {
        const std::string header = "{" + entry("x", 2, 0, 8) + "}" + std::string(size_t(pad), ' ');
        CHECK(Weights::parse(file_of(header, data), "test").floats("x", {2}) == std::vector<float>{1.25f, -3});
    }
}

TEST_CASE("white space, escapes and any order of fields are read") {
    const std::string header =
        "{ \"__metadata__\" : { \"k\\u00e9\\ud83d\\ude00\\n\" : \"v\\/\\\"\" } ,\n\t\"x\" : { \"data_offsets\" : [ 0 , "
        "4 ] , \"shape\" : [ ] , \"dtype\" : \"F32\" } }  ";
    const Weights weights = Weights::parse(file_of(header, {0, 0, 128, 63}), "test");
    CHECK(weights.floats("x", {}) == std::vector<float>{1});
    CHECK(weights.metadata("k\xc3\xa9\xf0\x9f\x98\x80\n") == "v/\"");
    CHECK(Weights::parse(file_of("{}", {}), "test").tensors().empty());
}

TEST_CASE("a file that is no safetensors file, or cut off, is refused") {
    check_says(problem(std::vector<uint8_t>{}), "no safetensors file");
    check_says(problem(std::vector<uint8_t>(7, 0)), "no safetensors file");
    check_says(problem(std::vector<uint8_t>(8, 0)), "does not begin with '{'");
    check_says(problem(std::vector<uint8_t>(100, 255)), "no safetensors file");               // a length of 2^64 - 1
    check_says(problem(std::vector<uint8_t>{90, 0, 0, 0, 0, 0, 0, 0, '{', '}'}), "cut off");  // beyond the end
    const std::string header = "{" + entry("first", 2, 0, 8) + "," + entry("last", 1, 8, 12) + "}";
    const std::vector<uint8_t> whole = file_of(header, std::vector<uint8_t>(12, 0));
    CHECK(problem(whole) == "");
    for (size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        CHECK(problem(std::vector<uint8_t>(whole.begin(), whole.begin() + ptrdiff_t(length))) != "");
    }
    check_says(problem(header, 11), "tensor 'last'");
    check_says(problem(header, 7), "tensor 'first'");
    check_says(problem(header, 13), "follow the last tensor 'last'");
}

TEST_CASE("overlaps, holes, duplicates and sizes that do not fit name the tensor") {
    check_says(problem("{" + entry("a", 2, 0, 8) + "," + entry("b", 2, 4, 12) + "}", 12), "tensor 'b': it overlaps");
    check_says(problem("{" + entry("a", 2, 0, 8) + "," + entry("b", 1, 12, 16) + "}", 16),
               "tensor 'b': there is a hole");
    check_says(problem("{" + entry("a", 1, 4, 8) + "}", 8), "tensor 'a': there is a hole");
    check_says(problem("{" + entry("a", 1, 0, 4) + "," + entry("a", 1, 4, 8) + "}", 8), "tensor 'a': occurs twice");
    check_says(problem("{" + entry("a", 1, 0, 4) + "," + entry("\\u0061", 1, 4, 8) + "}", 8), "'a': occurs twice");
    check_says(problem("{" + entry("a", 3, 0, 8) + "}", 8), "tensor 'a': 8 bytes for the shape [3]");
    check_says(problem("{" + entry("a", 1, 8, 4) + "}", 8), "tensor 'a': it ends at byte 4, before");
    const auto shaped = [](const char* type, const char* shape) {
        return std::string("{\"a\":{\"dtype\":\"") + type + "\",\"shape\":" + shape + ",\"data_offsets\":[0,8]}}";
    };
    check_says(problem(shaped("F31", "[2]"), 8), "tensor 'a': the type 'F31' is unknown");
    check_says(problem(shaped("F32", "[4294967296,4294967296,4294967296]"), 8), "too large");
    check_says(problem(shaped("F32", "[9223372036854775809,2]"), 8), "too large");  // wraps to 8 bytes
    check_says(problem(shaped("F32", "[0,9223372036854775809]"), 8), "8 bytes for the shape");
}

TEST_CASE("a header of another form is refused") {
    const std::string good = entry("a", 1, 0, 4);
    for (const std::string& header :
         {std::string("{"),
          std::string("{\"a\"}"),
          "{" + good,
          "{" + good + ",}",
          "{" + good + "}}",
          "{" + good + "}x",
          "{" + good + ";" + good + "}",
          "{" + good + "} " + std::string(1, '\0'),
          std::string("{\"a\":{}}"),
          std::string("{\"a\":[1]}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}"),
          std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}"),
          std::string("{\"__metadata__\":{\"k\":1}}"),
          std::string("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}"),
          std::string("{\"__metadata__\":{},\"__metadata__\":{}}"),
          std::string("{\"a\\x\":1}"),
          std::string("{\"\\ud800\":1}"),
          std::string("{\"\\ud800\\u0041\":1}"),
          std::string("{\"\\u12\":1}"),
          std::string("{\"line\nbreak\":1}"),
          "[" + good + "]"}) {
        CAPTURE(header);
        CHECK(problem(header, 4) != "");
    }
}

TEST_CASE("any byte of a header may be any other: it is read or refused, never worse") {
    const std::string header = R"({"__metadata__":{"k":"v"},)" + entry("a", 2, 0, 8) + "," + entry("b", 1, 8, 12) + "}";
    std::vector<uint8_t> bytes = file_of(header, std::vector<uint8_t>(12, 0));
    int refused = 0;
    for (size_t i = 0; i < bytes.size() - 12; ++i)
        for (const int value : {0, 9, 34, 44, 48, 57, 58, 91, 92, 93, 117, 123, 125, 128, 255}) {
            const uint8_t old = std::exchange(bytes[i], uint8_t(value));
            refused += problem(bytes) != "";
            bytes[i] = old;
        }
    CHECK(refused > 500);
}

TEST_CASE("a tensor that is missing, of another shape or type, or not finite is refused by its name") {
    Weights weights;
    weights.add("conv.weight", {2, 1}, {1, NAN});
    const auto says = [](const Weights& w, const char* name, const std::vector<size_t>& shape, const char* part) {
        try {
            w.floats(name, shape);
            FAIL("it was read");
        } catch (const Error& error) {
            check_says(error.what(), std::string("tensor '") + name + "': " + part);
        }
    };
    says(weights, "conv.bias", {1}, "is missing");
    says(weights, "conv.weight", {1, 2}, "its shape is [2, 1], expected [1, 2]");
    says(weights, "conv.weight", {2, 1}, "value 1 is not finite");
    const Weights bytes =
        Weights::parse(file_of(R"({"q":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", {1, 2, 3, 4}), "test");
    says(bytes, "q", {4}, "holds U8");
    CHECK(bytes.contains("q"));
    CHECK(!bytes.contains("p"));
}
