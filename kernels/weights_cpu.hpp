// Weights: reading, checking, converting and writing the tensors of a safetensors file.
#pragma once
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cinebokeh/core/float16.hpp"
#include "cinebokeh/nn/weights.hpp"

namespace cinebokeh {
namespace detail {

// Bytes of one element; 0 for a type that is not known.
inline size_t element_bytes(std::string_view type) {
    if (type == "F64" || type == "I64" || type == "U64") return 8;
    if (type == "F32" || type == "I32" || type == "U32") return 4;
    if (type == "F16" || type == "BF16" || type == "I16" || type == "U16") return 2;
    return type == "I8" || type == "U8" || type == "BOOL" || type == "F8_E4M3" || type == "F8_E5M2" ? 1 : 0;
}

inline uint64_t little_endian(const uint8_t* bytes, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= uint64_t(bytes[i]) << 8 * i;
    return value;
}

// Whether count * size elements fit `limit` bytes; their product then.
inline bool shape_bytes(const std::vector<size_t>& shape, size_t element, size_t& bytes) {
    bytes = element;
    for (const size_t side : shape)  // a dimension of 0 makes the tensor empty, whatever the others are
        if (side == 0) return bytes = 0, true;
    for (const size_t side : shape) {
        if (bytes > SIZE_MAX / side) return false;
        bytes *= side;
    }
    return true;
}

inline std::string shape_text(const std::vector<size_t>& shape) {
    std::string text = "[";
    for (const size_t side : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(side);
    return text + "]";
}

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;

// Every tensor fills its shape, and together they fill the data without holes or overlaps.
inline void check_tensors(std::vector<WeightTensor>& tensors, size_t data_bytes, const std::string& file) {
    const auto check = [&](bool condition, const WeightTensor& tensor, const auto&... what) {
        require(condition, "weights '", file, "': tensor '", tensor.name, "': ", what...);
    };
    std::sort(tensors.begin(), tensors.end(),
              [](const WeightTensor& a, const WeightTensor& b) { return a.name < b.name; });
    for (size_t i = 1; i < tensors.size(); ++i)
        check(tensors[i - 1].name != tensors[i].name, tensors[i], "occurs twice");
    std::stable_sort(tensors.begin(), tensors.end(), [](const WeightTensor& a, const WeightTensor& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    size_t expected = 0;
    for (const WeightTensor& t : tensors) {
        const size_t element = element_bytes(t.type);
        check(element > 0, t, "the type '", t.type, "' is unknown");
        size_t bytes = 0;
        check(shape_bytes(t.shape, element, bytes), t, "the shape ", shape_text(t.shape), " is too large");
        check(t.begin <= t.end, t, "it ends at byte ", t.end, ", before it begins at ", t.begin);
        check(t.end <= data_bytes, t, "it ends at byte ", t.end, ", but the file has only ", data_bytes,
              ": it is cut off");
        check(t.end - t.begin == bytes, t, t.end - t.begin, " bytes for the shape ", shape_text(t.shape), " of ",
              t.type);
        check(t.begin >= expected, t, "it overlaps the tensor before it");
        check(t.begin == expected, t, "there is a hole of ", t.begin - expected, " bytes before it");
        expected = t.end;
    }
    require(expected == data_bytes, "weights '", file, "': ", data_bytes - expected, " bytes follow the last tensor",
            tensors.empty() ? "" : " '" + tensors.back().name + "'");
}
}  // namespace detail

inline Weights Weights::read(const std::string& file) {
    const detail::OpenFile stream(std::fopen(file.c_str(), "rb"));
    require(stream != nullptr, "weights '", file, "': the file cannot be opened");
    std::vector<uint8_t> bytes;
    for (size_t got = 1; got > 0;) {
        const size_t old = bytes.size();
        bytes.resize(old + (size_t(1) << 20));
        got = std::fread(bytes.data() + old, 1, bytes.size() - old, stream.get());
        bytes.resize(old + got);
    }
    require(!std::ferror(stream.get()), "weights '", file, "': the file cannot be read");
    return parse(std::move(bytes), file);
}

inline Weights Weights::parse(std::vector<uint8_t> bytes, const std::string& name) {
    constexpr size_t longest = 100'000'000;  // the limit of the format
    require(bytes.size() >= 8, "weights '", name, "': ", bytes.size(), " bytes are no safetensors file");
    const uint64_t length = detail::little_endian(bytes.data(), 8);
    require(length <= longest, "weights '", name, "': a header of ", length, " bytes: this is no safetensors file");
    require(length <= bytes.size() - 8, "weights '", name, "': the header of ", length, " bytes is cut off");
    const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, size_t(length));
    require(header.starts_with('{'), "weights '", name, "': the header does not begin with '{'");
    Weights weights;
    weights.name_ = name;
    detail::WeightHeaderReader(header, name).read(weights.metadata_, weights.tensors_);
    detail::check_tensors(weights.tensors_, bytes.size() - 8 - size_t(length), name);
    bytes.erase(bytes.begin(), bytes.begin() + 8 + ptrdiff_t(length));
    weights.data_ = std::move(bytes);
    return weights;
}

inline void Weights::write(const std::string& file) const {
    const std::string header = detail::weight_header(metadata_, tensors_);
    uint8_t length[8];
    for (int i = 0; i < 8; ++i) length[i] = uint8_t(uint64_t(header.size()) >> 8 * i);
    detail::OpenFile stream(std::fopen(file.c_str(), "wb"));
    require(stream != nullptr, "weights '", file, "': the file cannot be created");
    const bool written = std::fwrite(length, 1, 8, stream.get()) == 8 &&
                         std::fwrite(header.data(), 1, header.size(), stream.get()) == header.size() &&
                         std::fwrite(data_.data(), 1, data_.size(), stream.get()) == data_.size();
    require(std::fclose(stream.release()) == 0 && written, "weights '", file, "': the file cannot be written");
}

inline const WeightTensor* Weights::find(std::string_view name) const {
    for (const WeightTensor& tensor : tensors_)
        if (tensor.name == name) return &tensor;
    return nullptr;
}

inline std::vector<float> Weights::floats(std::string_view name, const std::vector<size_t>& shape) const {
    const WeightTensor* tensor = find(name);
    const auto check = [&](bool condition, const auto&... what) {
        require(condition, "weights '", name_, "': tensor '", name, "': ", what...);
    };
    check(tensor != nullptr, "is missing");
    check(tensor->shape == shape, "its shape is ", detail::shape_text(tensor->shape), ", expected ",
          detail::shape_text(shape));
    const std::string& type = tensor->type;
    check(type == "F32" || type == "F16" || type == "BF16" || type == "F64", "holds ", type,
          ", floating-point numbers are expected");
    const size_t element = detail::element_bytes(type), count = (tensor->end - tensor->begin) / element;
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) {  // byte by byte: data need not be aligned
        const uint64_t bits = detail::little_endian(data_.data() + tensor->begin + i * element, int(element));
        values[i] = type == "F32"   ? std::bit_cast<float>(uint32_t(bits))
                    : type == "F16" ? to_float(Half{uint16_t(bits)})
                    : type == "F64" ? float(std::bit_cast<double>(bits))
                                    : to_float(BFloat16{uint16_t(bits)});
        check(std::abs(values[i]) < INFINITY, "value ", i, " is not finite");
    }
    return values;
}

inline void Weights::add(const std::string& name, const std::vector<size_t>& shape, const std::vector<float>& values) {
    size_t bytes = 0;
    require(!contains(name) && name != "__metadata__", "Weights::add: the name '", name, "' is taken");
    require(detail::shape_bytes(shape, 4, bytes) && bytes == 4 * values.size(), "Weights::add: tensor '", name,
            "': ", values.size(), " values for the shape ", detail::shape_text(shape));
    const size_t begin = data_.size();
    data_.resize(begin + bytes);
    for (size_t i = 0; i < values.size(); ++i)
        for (int b = 0; b < 4; ++b)
            data_[begin + 4 * i + size_t(b)] = uint8_t(std::bit_cast<uint32_t>(values[i]) >> 8 * b);
    tensors_.push_back({name, "F32", shape, begin, begin + bytes});
}

inline std::string Weights::metadata(const std::string& key) const {
    const auto entry = metadata_.find(key);
    return entry == metadata_.end() ? "" : entry->second;
}

inline std::vector<float> Weights::metadata_numbers(const std::string& key, size_t count) const {
    const std::string text = metadata(key);
    std::vector<float> numbers;
    const char *at = text.data(), *end = at + text.size();
    while (at < end) {
        float value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc{} || !(std::abs(value) < INFINITY)) break;
        numbers.push_back(value);
        at = next;
        while (at < end && *at == ' ') ++at;
    }
    require(at == end && numbers.size() == count, "weights '", name_, "': the metadata '", key, "' are '", text, "', ",
            count, " numbers are expected");
    return numbers;
}

inline void Weights::set_metadata(const std::string& key, const std::vector<float>& numbers) {
    std::string text;
    for (const float number : numbers) {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        text.append(text.empty() ? "" : " ").append(digits, end);
    }
    metadata_[key] = text;
}
}  // namespace cinebokeh
