// Compositing, one functor each, for both backends. On the CPU the picture is written in short pieces of rows, so that
// reading between cells and encoding sRGB are loops over plain floats.
#pragma once
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "kernels/foreground_cells_cpu.hpp"

namespace cinebokeh::detail {

template <class Space>
struct CutMatte {
    Image<const float, Space> matte;
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = cut_to_one(matte(x, y)); }
};

template <class Space>
struct NeverBelow {
    Image<const float, Space> matte;
    Image<float, Space> widened;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float smooth = widened(x, y), alpha = matte(x, y);
        widened(x, y) = alpha < smooth ? cut_to_one(smooth) : alpha;
    }
};

// The widened matte of a pixel, never below its matte whatever the caller gives.
CINEBOKEH_HD inline float at_least(float widened, float alpha) {
    const float cut = cut_to_one(widened);
    return cut > alpha ? cut : alpha;
}

template <class Space>
struct PremultiplyBackground {
    Image<const Rgba8, Space> frame;
    Image<const float, Space> matte, widened;
    Separate<Space> separate;
    int step;
    Image<Float4, Space> background;

    CINEBOKEH_HD void operator()(int i, int j) const {
        const int x1 = (i + 1) * step < frame.size.width ? (i + 1) * step : frame.size.width;
        const int y1 = (j + 1) * step < frame.size.height ? (j + 1) * step : frame.size.height;
        Float4 sum{};
        for (int y = j * step; y < y1; ++y)
            for (int x = i * step; x < x1; ++x) {
                const float alpha = cut_to_one(matte(x, y)), usable = 1 - at_least(widened(x, y), alpha);
                if (usable == 1)  // most pixels
                    sum = sum + linear_colour(frame(x, y));
                else if (usable > 0)
                    sum = sum + separate(linear_colour(frame(x, y)), alpha, x, y).background * usable;
            }
        background(i, j) = sum * (1.f / float((x1 - i * step) * (y1 - j * step)));
    }
};

template <class Space>
struct Composite {
    Image<const Rgba8, Space> frame;
    Image<const float, Space> matte, widened;
    Separate<Space> separate;
    CellImage<Space> blurred;
    Image<Rgba8, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Rgba8 pixel = frame(x, y);
        const float alpha = cut_to_one(matte(x, y)), cover = at_least(widened(x, y), alpha);
        if (cover >= 1) {
            out(x, y) = pixel;
            return;
        }
        const Float4 linear = colour(blurred.at(x, y), pixel, alpha, cover, x, y);
        const SrgbTables& tables = srgb_tables();
        out(x, y) = {uint8_t(srgb_code(tables, linear[0])), uint8_t(srgb_code(tables, linear[1])),
                     uint8_t(srgb_code(tables, linear[2])), pixel[3]};
    }

    // The picture in linear light, where the cover is below 1; `b` is the blurred background, premultiplied.
    CINEBOKEH_HD Float4 colour(const Float4& b, const Rgba8& pixel, float alpha, float cover, int x, int y) const {
        const Float4 background = b * (b[3] > 1e-7f ? (1 - cover) / b[3] : 0.f);
        if (cover == 0 && b[3] > 1e-7f) return background;
        return add_sharp(background, pixel, alpha, cover, b[3], x, y);
    }

    // alpha F (1 - w) + w I, which is the formula of the header with (1 - alpha) B = I - alpha F. With nothing to blur,
    // the background of this very pixel stands in for it.
    CINEBOKEH_HD Float4 add_sharp(Float4 colour, const Rgba8& pixel, float alpha, float cover, float weight, int x,
                                  int y) const {
        const Float4 sharp = linear_colour(pixel);
        const Separated parts = separate(sharp, alpha, x, y);
        const float w = (cover - alpha) / (1 - alpha);
        colour = colour + parts.foreground * (alpha * (1 - w)) + sharp * w;
        return weight > 1e-7f ? colour : colour + parts.background * (1 - cover);
    }
};

template <class Space>
struct LayOverPicture {
    Image<const Float4, Space> foreground;
    Image<const Rgba8, Space> background;
    Image<Rgba8, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Float4 subject = foreground(x, y);
        const Rgba8 behind = background(x, y);
        const float alpha = cut_to_one(subject[3]);
        if (alpha == 0) {
            out(x, y) = behind;
            return;
        }
        const Float4 colour = subject * alpha + linear_colour(behind) * (1 - alpha);
        const SrgbTables& tables = srgb_tables();
        out(x, y) = {uint8_t(srgb_code(tables, colour[0])), uint8_t(srgb_code(tables, colour[1])),
                     uint8_t(srgb_code(tables, colour[2])), behind[3]};
    }
};

constexpr int composite_piece = cell_piece;  // pixels

inline void composite_pieces(const Composite<HostSpace>& c, int y) {
    const SrgbTables& tables = srgb_tables();
    for (int x0 = 0; x0 < c.out.size.width; x0 += composite_piece) {
        const int count = std::min(composite_piece, c.out.size.width - x0);
        Float4 line[composite_piece];
        float cover[composite_piece];
        int codes[4 * composite_piece];
        read_between(c.blurred, x0, y, count, line);
        for (int k = 0; k < count; ++k) {
            const float alpha = cut_to_one(c.matte(x0 + k, y));
            cover[k] = at_least(c.widened(x0 + k, y), alpha);
            if (cover[k] < 1) line[k] = c.colour(line[k], c.frame(x0 + k, y), alpha, cover[k], x0 + k, y);
        }
        const float* values = &line[0][0];
        srgb_codes(tables, values, 4 * count, codes);
        for (int k = 0; k < count; ++k) {
            const Rgba8 pixel = c.frame(x0 + k, y);
            const int* code = codes + 4 * k;
            c.out(x0 + k, y) =
                cover[k] < 1 ? Rgba8{uint8_t(code[0]), uint8_t(code[1]), uint8_t(code[2]), pixel[3]} : pixel;
        }
    }
}

inline void run_composite(Cpu& exec, const Composite<HostSpace>& c) {
    exec.for_each_range(c.out.size.height, 8, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) composite_pieces(c, y);
    });
}
#if CINEBOKEH_GRID
inline void run_composite(Cuda& exec, const Composite<DeviceSpace>& c) { for_each_pixel(exec, c.out.size, c); }
#endif
}  // namespace cinebokeh::detail
