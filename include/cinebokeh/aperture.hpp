// The aperture: the shape that a point of light out of focus takes, as horizontal runs.
//
// Every shape here is convex, so each row of it is one run: a scattered pixel costs its height, not its area, whatever
// the blades, the squeeze or the cat's eye. Run r of a shape is as long as the area of the shape within the row, so the
// blur grows smoothly with the radius and a radius up to 1/2 leaves the pixel alone. Ends are in 1/256 pixel.
#pragma once
#include <vector>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct Aperture {
    int blades = 0;       // of the diaphragm, in [3, 16], corners on the circle; 0 is a circle
    float rotation = 0;   // of the blades, degrees counter-clockwise, in [-360, 360]; at 0 a corner points up
    float curvature = 0;  // of the blades, in [0, 1]: 0 is straight, 1 makes the circle
    float squeeze = 1;    // anamorphic: height / width of the shape, in [1/4, 4]; the radius is half the height
    float cat_eye = 0;    // in [0, 1]: cut by a circle of the same radius that is shifted by this part of the radius
                          // in the corners of the frame, and in proportion to the distance from its centre elsewhere
    float chromatic = 0;  // in [-1/4, 1/4]: red has the radius times 1 + this, blue times 1 - this

    friend bool operator==(const Aperture&, const Aperture&) = default;
};

/// Throws Error if a field is outside its range.
inline void check(const Aperture& aperture);

/// Part of a row, in 1/256 pixel from the centre of the pixel that is scattered; left == right where it is empty.
struct ApertureRun {
    int left, right;
};

inline constexpr int aperture_unit = 256;  // steps of a run in a pixel

/// One radius of the table.
struct ApertureRadius {
    int first;           // index of the run of row 0 of the shape
    int rows;            // the shape has rows -rows..rows
    int reach;           // pixels from the centre to the farthest column touched
    float inverse_area;  // 1 / the sum of the lengths of all runs, per 1/256 pixel
};

/// Where a cat's eye cuts the shape of one pixel: a disk, in 1/16 pixel from the centre of the pixel.
struct CatEye {
    int radius, x, y;
    float steps;  // 1/256 pixels across per 1/16 pixel of the disk: 16 / squeeze
};

/// What kernels read: the runs of the shape for every radius up to a largest, 128 radii per octave.
template <class Space>
struct ApertureRuns {
    Span<const ApertureRun, Space> runs;
    Span<const ApertureRadius, Space> radii;
    float cat_eye, squeeze;

    /// The entry of `radii` for a radius in pixels: 0 below 1/2 and for NaN, the last one beyond the largest.
    CINEBOKEH_HD int index_of(float radius) const;
    /// Row dy of entry `index`, |dy| <= rows. Behind the focal plane the shape is as described; before it, where light
    /// crosses over, it is `turned` by 180 degrees.
    CINEBOKEH_HD ApertureRun run(const ApertureRadius& radius, int dy, bool turned) const {
        const ApertureRun r = runs[size_t(radius.first + (turned ? -dy : dy))];
        return turned ? ApertureRun{-r.right, -r.left} : r;
    }
    /// The cat's eye for pixel (x, y) of a frame.
    CINEBOKEH_HD CatEye cat_eye_at(float radius, int x, int y, Size frame, bool turned) const;
};

/// Cuts row dy of a shape by a cat's eye.
CINEBOKEH_HD inline ApertureRun cut(ApertureRun run, const CatEye& eye, int dy);

/// The table of an aperture: allocates in the constructor, which costs about 3 kB per pixel of the radius. Equal on
/// both backends: it is made on the host.
template <class Exec>
class ApertureTable {
public:
    /// `largest_radius` in pixels, in [0, 4096]. Throws Error if it or the aperture is outside its range.
    ApertureTable(Exec& exec, const Aperture& aperture, float largest_radius);

    ApertureRuns<typename Exec::Space> runs() const { return {runs_.span(), radii_.span(), cat_eye_, squeeze_}; }
    /// Rows above and columns beside a pixel that its widest shape touches.
    Size reach() const { return reach_; }

private:
    Buffer<ApertureRun, Exec> runs_;
    Buffer<ApertureRadius, Exec> radii_;
    float cat_eye_, squeeze_;
    Size reach_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/aperture.hpp"
