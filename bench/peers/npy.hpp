// Arrays in .npy files, version 1, C order: what the scripts of this folder and our program hand each other.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

template <class T>
struct Array {
    std::vector<int> shape;
    std::vector<T> data;
};

[[noreturn]] inline void quit(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(1);
}

template <class T>
Array<T> read_npy(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0) quit(path + " is no .npy file");
    const size_t header = size_t(uint8_t(bytes[8])) | size_t(uint8_t(bytes[9])) << 8, begin = 10 + header;
    Array<T> array;
    size_t count = 1;
    const size_t shape = bytes.find("'shape': (") + 10;
    for (size_t at = shape; at < begin && bytes[at] != ')';) {
        if (bytes[at] < '0' || bytes[at] > '9') {
            ++at;
            continue;
        }
        size_t end = at;
        while (bytes[end] >= '0' && bytes[end] <= '9') ++end;
        array.shape.push_back(std::stoi(bytes.substr(at, end - at)));
        count *= size_t(array.shape.back());
        at = end;
    }
    if (bytes.size() - begin != count * sizeof(T)) quit(path + " does not hold what is expected");
    array.data.resize(count);
    std::memcpy(static_cast<void*>(array.data.data()), bytes.data() + begin, count * sizeof(T));
    return array;
}

/// `type` is NumPy's name of T, such as "<f4".
template <class T>
void write_npy(const std::string& path, const char* type, const std::vector<int>& shape, const T* data) {
    std::string header = std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (";
    size_t count = 1;
    for (int n : shape) header += std::to_string(n) + ", ", count *= size_t(n);
    header += "), }";
    header += std::string(64 - (10 + header.size() + 1) % 64, ' ') + "\n";
    std::ofstream out(path, std::ios::binary);
    out << "\x93NUMPY" << char(1) << char(0) << char(header.size() & 255) << char(header.size() >> 8) << header;
    out.write(reinterpret_cast<const char*>(data), std::streamsize(count * sizeof(T)));
    if (!out) quit("cannot write " + path);
}
