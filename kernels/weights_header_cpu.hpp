// The header of a safetensors file: JSON of one fixed form, so its reader accepts that form and nothing else. It does
// not recurse, and allocates no more than the header is long.
#pragma once
#include <algorithm>
#include <cstdint>

#include "cinebokeh/nn/weights.hpp"

namespace cinebokeh::detail {

class WeightHeaderReader {
public:
    WeightHeaderReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    void read(std::map<std::string, std::string>& metadata, std::vector<WeightTensor>& tensors) {
        bool has_metadata = false;
        each_field([&](const std::string& name) {
            place_ = name;
            if (name == "__metadata__") {
                check(!has_metadata, "occurs twice");
                has_metadata = true;
                each_field([&](const std::string& key) {
                    check(!metadata.contains(key), "the key '" + key + "' occurs twice");
                    metadata[key] = string();
                });
            } else {
                tensors.push_back(tensor(name));
            }
            place_.clear();
        });
        check(peek() == '\0' && at_ == text_.size(), "something follows the closing brace");
    }

private:
    [[noreturn]] void wrong(const std::string& what) const {
        fail("weights '" + file_ + "': " + (place_.empty() ? "header" : "tensor '" + place_ + "'") + ": " + what);
    }
    void check(bool condition, const std::string& what) const {
        if (!condition) wrong(what);
    }

    // The next character that is no white space; it is not taken. 0 at the end.
    char peek() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
            ++at_;
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    void take(char expected) {
        if (peek() != expected || at_ == text_.size())
            wrong(std::string("'") + expected + "' expected at byte " + std::to_string(at_));
        ++at_;
    }
    // Calls body for each element of a list between the brackets.
    template <class Body>
    void each(char open, char close, const Body& body) {
        take(open);
        if (peek() == close) return take(close);
        while (true) {
            body();
            if (peek() != ',') return take(close);
            take(',');
        }
    }
    template <class Body>
    void each_field(const Body& body) {
        each('{', '}', [&] {
            const std::string name = string();
            take(':');
            body(name);
        });
    }

    size_t number() {
        const char first = peek();
        check(first >= '0' && first <= '9', "a whole number expected at byte " + std::to_string(at_));
        const size_t start = at_;
        size_t value = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            const size_t digit = size_t(text_[at_] - '0');
            check(value <= (SIZE_MAX - digit) / 10, "a number is too large");
            value = 10 * value + digit;
        }
        check(first != '0' || at_ == start + 1, "a number begins with 0");
        return value;
    }
    unsigned hex4() {
        check(text_.size() - at_ >= 4, "a string is cut off");
        unsigned value = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = text_[at_++];
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            check(digit >= 0, "a string has a wrong escape");
            value = 16 * value + unsigned(digit);
        }
        return value;
    }
    // The code point of \u, two of which make one beyond 16 bits.
    unsigned code_point() {
        const unsigned high = hex4();
        if (high < 0xd800 || high > 0xdfff) return high;
        check(high < 0xdc00 && text_.substr(at_, 2) == "\\u", "a string has half a surrogate pair");
        at_ += 2;
        const unsigned low = hex4();
        check(low >= 0xdc00 && low <= 0xdfff, "a string has half a surrogate pair");
        return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    static void append_utf8(std::string& out, unsigned c) {
        const auto tail = [&](int shift) { out += char(0x80 | ((c >> shift) & 0x3f)); };
        if (c < 0x80)
            out += char(c);
        else if (c < 0x800)
            out += char(0xc0 | (c >> 6)), tail(0);
        else if (c < 0x10000)
            out += char(0xe0 | (c >> 12)), tail(6), tail(0);
        else
            out += char(0xf0 | (c >> 18)), tail(12), tail(6), tail(0);
    }
    std::string string() {
        take('"');
        std::string value;
        while (true) {
            check(at_ < text_.size(), "a string is cut off");
            const char c = text_[at_++];
            if (c == '"') return value;
            check(static_cast<unsigned char>(c) >= 0x20, "a string holds a control character");
            if (c != '\\') {
                value += c;
                continue;
            }
            check(at_ < text_.size(), "a string is cut off");
            static constexpr std::string_view escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
            const char escape = text_[at_++];
            const size_t known = escapes.find(escape);
            check(known != escapes.npos || escape == 'u', "a string has a wrong escape");
            if (escape == 'u')
                append_utf8(value, code_point());
            else
                value += meanings[known];
        }
    }

    WeightTensor tensor(const std::string& name) {
        WeightTensor tensor;
        tensor.name = name;
        std::vector<size_t> offsets;
        int seen = 0;
        each_field([&](const std::string& key) {
            const int bit = key == "dtype" ? 1 : key == "shape" ? 2 : key == "data_offsets" ? 4 : 0;
            check(bit != 0, "the field '" + key + "' is unknown");
            check(!(seen & bit), "the field '" + key + "' occurs twice");
            seen |= bit;
            if (bit == 1)
                tensor.type = string();
            else
                each('[', ']', [&] { (bit == 2 ? tensor.shape : offsets).push_back(number()); });
        });
        check(seen == 7, "dtype, shape or data_offsets is missing");
        check(offsets.size() == 2, "data_offsets must be two numbers");
        tensor.begin = offsets[0], tensor.end = offsets[1];
        return tensor;
    }

    std::string_view text_;
    std::string file_, place_;
    size_t at_ = 0;
};

/// A string as JSON.
inline std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        static constexpr char digits[] = "0123456789abcdef";
        if (c == '"' || c == '\\')
            out += '\\', out += c;
        else if (static_cast<unsigned char>(c) < 0x20)
            out += "\\u00", out += digits[c >> 4], out += digits[c & 15];
        else
            out += c;
    }
    return out + '"';
}

/// The header that describes these tensors, padded with spaces so that the data begin at a multiple of 8.
inline std::string weight_header(const std::map<std::string, std::string>& metadata,
                                 const std::vector<WeightTensor>& tensors) {
    std::string text = "{";
    const auto next = [&](const std::string& name) {
        if (text.back() != '{') text += ',';
        text += quoted(name) + ':';
    };
    if (!metadata.empty()) {
        next("__metadata__");
        text += '{';
        for (const auto& [key, value] : metadata) next(key), text += quoted(value);
        text += '}';
    }
    for (const WeightTensor& t : tensors) {
        next(t.name);
        text += "{\"dtype\":" + quoted(t.type) + ",\"shape\":[";
        for (const size_t side : t.shape) {
            if (text.back() != '[') text += ',';
            text += std::to_string(side);
        }
        text += "],\"data_offsets\":[" + std::to_string(t.begin) + ',' + std::to_string(t.end) + "]}";
    }
    text += '}';
    text.resize(round_up(text.size(), 8), ' ');
    return text;
}
}  // namespace cinebokeh::detail
