#include "png_writer.hpp"

#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
using Bytes = std::vector<unsigned char>;

struct Stripe {
    Bytes deflated;
    uLong adler = 1;
    size_t raw_bytes = 0;
};

size_t sum_of_magnitudes(const unsigned char* row, size_t bytes) {
    unsigned sum = 0;  // a row of 2^16 pixels fits
    for (size_t i = 0; i < bytes; ++i) sum += row[i] < 128 ? row[i] : 256u - row[i];
    return sum;
}

// Writes the filter's number and the filtered row: the difference to the left or to the row above, whichever is
// smaller.
void filter_row(const Bytes& row, const Bytes& above, size_t pixel_bytes, Bytes& left, Bytes& up, unsigned char* out) {
    const size_t bytes = row.size();
    for (size_t i = 0; i < bytes; ++i) up[i] = static_cast<unsigned char>(row[i] - above[i]);
    for (size_t i = 0; i < pixel_bytes; ++i) left[i] = row[i];
    for (size_t i = pixel_bytes; i < bytes; ++i) left[i] = static_cast<unsigned char>(row[i] - row[i - pixel_bytes]);
    const bool use_left = sum_of_magnitudes(left.data(), bytes) < sum_of_magnitudes(up.data(), bytes);
    out[0] = use_left ? 1 : 2;
    std::memcpy(out + 1, use_left ? left.data() : up.data(), bytes);
}

Stripe make_stripe(int begin, int end, size_t row_bytes, size_t pixel_bytes, bool last, const FillRow& fill) {
    Bytes row(row_bytes), above(row_bytes, 0), left(row_bytes), up(row_bytes);
    if (begin > 0) fill(begin - 1, above.data());
    Bytes filtered(size_t(end - begin) * (row_bytes + 1));
    for (int y = begin; y < end; ++y) {
        fill(y, row.data());
        filter_row(row, above, pixel_bytes, left, up, &filtered[size_t(y - begin) * (row_bytes + 1)]);
        row.swap(above);
    }
    z_stream stream{};
    require(deflateInit2(&stream, 1, Z_DEFLATED, -15, 9, Z_FILTERED) == Z_OK, "PNG: zlib does not start");
    Stripe stripe;
    stripe.raw_bytes = filtered.size();
    stripe.adler = adler32_z(1, filtered.data(), filtered.size());
    stripe.deflated.resize(deflateBound(&stream, uLong(filtered.size())) + 16);
    stream.next_in = filtered.data(), stream.avail_in = uInt(filtered.size());
    stream.next_out = stripe.deflated.data(), stream.avail_out = uInt(stripe.deflated.size());
    deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);
    stripe.deflated.resize(stream.total_out);
    deflateEnd(&stream);
    return stripe;
}

void put_word(Bytes& out, uLong word) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<unsigned char>(word >> shift));
}
void put_chunk(Bytes& out, const char* name, const Bytes& data) {
    put_word(out, uLong(data.size()));
    const size_t begin = out.size();
    out.insert(out.end(), name, name + 4);
    out.insert(out.end(), data.begin(), data.end());
    put_word(out, crc32_z(0, &out[begin], out.size() - begin));
}

void write_bytes(const std::filesystem::path& file, const Bytes& bytes) {
    std::unique_ptr<FILE, int (*)(FILE*)> stream(std::fopen(file.string().c_str(), "wb"), std::fclose);
    require(stream != nullptr, "'", file.string(), "' cannot be written: ", std::strerror(errno));
    bool written = std::fwrite(bytes.data(), 1, bytes.size(), stream.get()) == bytes.size();
    written = std::fclose(stream.release()) == 0 && written;
    if (written) return;
    const std::string reason = std::strerror(errno);
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored)) std::filesystem::remove(file, ignored);
    fail("'" + file.string() + "' cannot be written: " + reason);
}
}  // namespace

void write_png_file(const std::filesystem::path& file, Size size, int channels, const FillRow& fill, int bits) {
    require(!size.empty(), "PNG: an empty picture for '", file.string(), "'");
    const size_t pixel_bytes = size_t(channels) * size_t(bits / 8), row_bytes = size_t(size.width) * pixel_bytes;
    const int large = 4 << 20;  // pixels; below it the threads cost more than they bring
    const int cores = clamp(int(std::thread::hardware_concurrency()), 1, 16);
    const int count =
        size.area() < size_t(large) ? 1 : std::min(size.height, std::max(cores, int(size.area() / large)));
    std::vector<Stripe> stripes;
    stripes.resize(size_t(count));
    const auto work = [&](int first, int step) {
        for (int i = first; i < count; i += step)
            stripes[size_t(i)] =
                make_stripe(int(int64_t(size.height) * i / count), int(int64_t(size.height) * (i + 1) / count),
                            row_bytes, pixel_bytes, i + 1 == count, fill);
    };
    std::vector<std::thread> threads;
    const int workers = std::min(count, cores);
    for (int t = 1; t < workers; ++t) threads.emplace_back(work, t, workers);
    work(0, workers);
    for (std::thread& thread : threads) thread.join();

    Bytes out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    Bytes header;
    put_word(header, uLong(size.width)), put_word(header, uLong(size.height));
    header.insert(header.end(),
                  {static_cast<unsigned char>(bits), static_cast<unsigned char>(channels == 1 ? 0 : 2), 0, 0, 0});
    put_chunk(out, "IHDR", header);
    uLong adler = 1;
    for (int i = 0; i < count; ++i) {
        Stripe& stripe = stripes[size_t(i)];
        adler = adler32_combine(adler, stripe.adler, z_off_t(stripe.raw_bytes));
        if (i == 0) stripe.deflated.insert(stripe.deflated.begin(), {0x78, 0x01});
        if (i + 1 == count) put_word(stripe.deflated, adler);
        put_chunk(out, "IDAT", stripe.deflated);
    }
    put_chunk(out, "IEND", {});
    write_bytes(file, out);
}
}  // namespace cinebokeh::demo
