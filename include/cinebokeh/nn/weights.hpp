// Weights: the named tensors of a network, in safetensors files.
//
// A file is the length of a header (8 bytes, little endian), the header (JSON: name -> type, shape, place in the data)
// and the data. What a model is, and how its input is scaled, is said by the metadata of the header, never guessed from
// the name of the file. Files come from strangers: everything in them is checked before it is used.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/image.hpp"

namespace cinebokeh {

/// One tensor of a file.
struct WeightTensor {
    std::string name;
    std::string type;           // as the file spells it: "F32", "F16", "BF16", "F64", "U8", ...
    std::vector<size_t> shape;  // slowest dimension first; a scalar has none
    size_t begin = 0, end = 0;  // its bytes in the data
};

/// Tensors by name, and what the file says about them. Memory of the host. Errors name the file and the tensor.
class Weights {
public:
    Weights() = default;

    /// Reads a safetensors file. Throws Error where it cannot be read, is cut off, is longer than its tensors, has
    /// tensors that overlap, leave holes, occur twice or do not fill their shape, or is no safetensors file at all.
    static Weights read(const std::string& file);
    /// The same from memory; `name` is what errors call it.
    static Weights parse(std::vector<uint8_t> bytes, const std::string& name);
    /// Writes a safetensors file; the data begin at a multiple of 8 bytes. Throws Error where that fails.
    void write(const std::string& file) const;

    const std::string& name() const { return name_; }
    /// In the order of their data.
    const std::vector<WeightTensor>& tensors() const { return tensors_; }
    bool contains(std::string_view name) const { return find(name) != nullptr; }

    /// The values of a floating-point tensor, C order. Throws Error where it is missing, is not of this shape, holds
    /// another type, or a value that is not finite. Allocates what it returns.
    std::vector<float> floats(std::string_view name, const std::vector<size_t>& shape) const;
    /// Adds a tensor of type F32. Throws Error where the name is taken or the values do not fill the shape.
    void add(const std::string& name, const std::vector<size_t>& shape, const std::vector<float>& values);

    /// What the file says about itself: architecture, licence, ...; "" where it does not say it.
    std::string metadata(const std::string& key) const;
    /// Numbers separated by spaces. Throws Error unless there are `count` finite ones.
    std::vector<float> metadata_numbers(const std::string& key, size_t count) const;
    void set_metadata(const std::string& key, const std::string& value) { metadata_[key] = value; }
    void set_metadata(const std::string& key, const std::vector<float>& numbers);

private:
    const WeightTensor* find(std::string_view name) const;

    std::string name_ = "weights";
    std::map<std::string, std::string> metadata_;
    std::vector<WeightTensor> tensors_;
    std::vector<uint8_t> data_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/weights_header_cpu.hpp"

#include "kernels/weights_cpu.hpp"
