// The runs of an aperture. The outline of the unit shape is integrated once, in double on the host; the runs of every
// radius are differences of that integral. What kernels compute is exact: whole numbers, and square roots of them.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>

#include "cinebokeh/aperture.hpp"

namespace cinebokeh {
inline void check(const Aperture& a) {
    require(a.blades == 0 || (a.blades >= 3 && a.blades <= 16), "Aperture: ", a.blades,
            " blades; 0 (a circle) or 3 to 16 are possible");
    require(a.rotation >= -360 && a.rotation <= 360, "Aperture: rotation ", a.rotation, " is outside [-360, 360]");
    require(a.curvature >= 0 && a.curvature <= 1, "Aperture: curvature ", a.curvature, " is outside [0, 1]");
    require(a.squeeze >= 0.25f && a.squeeze <= 4, "Aperture: squeeze ", a.squeeze, " is outside [0.25, 4]");
    require(a.cat_eye >= 0 && a.cat_eye <= 1, "Aperture: cat_eye ", a.cat_eye, " is outside [0, 1]");
    require(a.chromatic >= -0.25f && a.chromatic <= 0.25f, "Aperture: chromatic ", a.chromatic,
            " is outside [-0.25, 0.25]");
}

namespace detail {
constexpr unsigned radius_shift = 16;                        // a radius keeps its exponent and 7 bits of the mantissa
constexpr unsigned half_bits = 0x3f000000u >> radius_shift;  // of 0.5f

inline float radius_of_index(int index) {
    const uint32_t bits = (uint32_t(index - 1) + half_bits) << radius_shift;
    float radius;
    std::memcpy(&radius, &bits, sizeof radius);
    return index == 0 ? 0.f : radius;
}

struct UnitRun {
    double left, right;
};
// Row t of the aperture of radius 1 (t down): the intersection of one disk, or half-plane, for each blade.
inline UnitRun unit_run(const Aperture& a, double t) {
    const double half = std::sqrt(std::max(0.0, 1 - t * t)), pi = 3.14159265358979323846;
    UnitRun run{-half, half};
    for (int k = 0; k < a.blades; ++k) {
        const double angle = (double(a.rotation) / 180 + 0.5 + (2 * k + 1.0) / a.blades) * pi;  // of its middle
        const double nx = std::cos(angle), ny = -std::sin(angle), apothem = std::cos(pi / a.blades);
        if (a.curvature > 1e-4f) {  // an arc through two corners, of radius 1 / curvature
            const double radius = 1 / double(a.curvature), chord = std::sin(pi / a.blades);
            const double centre = apothem - std::sqrt(radius * radius - chord * chord), v = t - ny * centre;
            const double reach = std::sqrt(std::max(0.0, radius * radius - v * v));
            run = {std::max(run.left, nx * centre - reach), std::min(run.right, nx * centre + reach)};
        } else if (std::abs(nx) > 1e-9) {
            const double x = (apothem - ny * t) / nx;
            (nx > 0 ? run.right : run.left) = nx > 0 ? std::min(run.right, x) : std::max(run.left, x);
        } else if (ny * t > apothem) {
            run.right = run.left;
        }
    }
    if (!(run.right > run.left)) run.left = run.right = 0;
    return {run.left / double(a.squeeze), run.right / double(a.squeeze)};
}

// The area and the first moment (along x) of the unit shape above a row.
class UnitShape {
public:
    explicit UnitShape(const Aperture& a) : area_(steps + 1), moment_(steps + 1) {
        for (int i = 0; i < steps; ++i) {
            const UnitRun run = unit_run(a, (2 * i + 1 - steps) / double(steps));
            area_[size_t(i + 1)] = area_[size_t(i)] + (run.right - run.left) * (2.0 / steps);
            moment_[size_t(i + 1)] = moment_[size_t(i)] + (run.right * run.right - run.left * run.left) * (1.0 / steps);
        }
    }
    // Row dy of the shape of this radius.
    ApertureRun run(double radius, int dy) const {
        const double above = (dy - 0.5) / radius, below = (dy + 0.5) / radius;
        const double area = at(area_, below) - at(area_, above);
        if (!(area > 0)) return {0, 0};
        const double centre = (at(moment_, below) - at(moment_, above)) / area * radius;
        const double half = area * radius * radius / 2;
        return {int(std::lround(aperture_unit * (centre - half))), int(std::lround(aperture_unit * (centre + half)))};
    }

private:
    static constexpr int steps = 8192;
    static double at(const std::vector<double>& sums, double t) {
        const double position = std::min(std::max((t + 1) * (steps / 2), 0.0), double(steps));
        const size_t i = std::min(size_t(position), size_t(steps - 1));
        return sums[i] + (sums[i + 1] - sums[i]) * (position - double(i));
    }
    std::vector<double> area_, moment_;
};

struct HostAperture {
    std::vector<ApertureRun> runs;
    std::vector<ApertureRadius> radii;
    Size reach;
};

inline void add_radius(HostAperture& table, const UnitShape& shape, bool round, float radius) {
    const int rows = std::max(0, int(std::ceil(radius - 0.5f)));
    ApertureRadius entry{int(table.runs.size()) + rows, rows, 0, 0};
    double length = 0;
    for (int dy = -rows; dy <= rows; ++dy) {
        ApertureRun run = radius > 0 ? shape.run(double(radius), round && dy > 0 ? -dy : dy)
                                     : ApertureRun{-aperture_unit / 2, aperture_unit / 2};
        if (rows == 0 && run.left == run.right) run.right = run.left + 1;  // never nothing
        table.runs.push_back(run);
        length += run.right - run.left;
        entry.reach = std::max(entry.reach, (std::max(-run.left, run.right) + aperture_unit / 2) / aperture_unit);
    }
    entry.inverse_area = float(1 / length);
    table.radii.push_back(entry);
    table.reach = {std::max(table.reach.width, entry.reach), std::max(table.reach.height, rows)};
}

inline HostAperture make_aperture(const Aperture& aperture, float largest_radius) {
    check(aperture);
    require(largest_radius >= 0 && largest_radius <= 4096, "ApertureTable: largest radius ", largest_radius,
            " is outside [0, 4096]");
    const UnitShape shape(aperture);
    HostAperture table;
    for (int index = 0; index == 0 || radius_of_index(index - 1) < largest_radius; ++index)
        add_radius(table, shape, aperture.blades == 0, radius_of_index(index));
    return table;
}

CINEBOKEH_HD inline int round_to_int(float v) { return int(v < 0 ? v - 0.5f : v + 0.5f); }
}  // namespace detail

template <class Space>
CINEBOKEH_HD int ApertureRuns<Space>::index_of(float radius) const {
    if (!(radius >= 0.5f)) return 0;
    uint32_t bits;
    memcpy(&bits, &radius, sizeof bits);
    const int index =
                  int(((bits + (1u << (detail::radius_shift - 1))) >> detail::radius_shift) - detail::half_bits) + 1,
              last = int(radii.count) - 1;
    return index < last ? index : last;
}

template <class Space>
CINEBOKEH_HD CatEye ApertureRuns<Space>::cat_eye_at(float radius, int x, int y, Size frame, bool turned) const {
    // Products of whole numbers and one float are exact in double; they are divided once, so all backends agree.
    const double half_diagonal = sqrt(double(frame.width) * frame.width + double(frame.height) * frame.height);
    const double amount = double(radius) * double(turned ? cat_eye : -cat_eye);
    const float shift_x = float(amount / half_diagonal) * float(2 * x + 1 - frame.width);
    const float shift_y = float(amount / half_diagonal) * float(2 * y + 1 - frame.height);
    return {detail::round_to_int(radius * 16), detail::round_to_int(shift_x * 16 / squeeze),
            detail::round_to_int(shift_y * 16), 16 / squeeze};
}

CINEBOKEH_HD inline ApertureRun cut(ApertureRun run, const CatEye& eye, int dy) {
    const double v = 16 * dy - eye.y, inside = double(eye.radius) * eye.radius - v * v;
    const float half = inside > 0 ? float(sqrt(inside)) : 0.f;
    const int reach = int(double(half) * double(eye.steps) + 0.5);  // the product is exact: it rounds once
    const int left = 16 * eye.x - reach, right = 16 * eye.x + reach;
    run.left = run.left > left ? run.left : left;
    run.right = run.right < right ? run.right : right;
    if (run.right < run.left) run.right = run.left;
    return run;
}

template <class Exec>
ApertureTable<Exec>::ApertureTable(Exec& exec, const Aperture& aperture, float largest_radius)
    : cat_eye_(aperture.cat_eye), squeeze_(aperture.squeeze) {
    const detail::HostAperture table = detail::make_aperture(aperture, largest_radius);
    runs_ = Buffer<ApertureRun, Exec>(exec, {int(table.runs.size()), 1}, table.runs);
    radii_ = Buffer<ApertureRadius, Exec>(exec, {int(table.radii.size()), 1}, table.radii);
    reach_ = table.reach;
}
}  // namespace cinebokeh
