// Template bank: what the subject has looked like, and which of these looks a search patch resembles most.
//
// The dynamic time-evolving templates of Huang et al., "Fast video object segmentation with temporal aggregation
// network and dynamic template matching" (CVPR 2020), matched by masked normalised cross-correlation.
#pragma once
#include <vector>

#include "cinebokeh/color.hpp"
#include "cinebokeh/cue_fusion.hpp"
#include "cinebokeh/moments.hpp"
#include "cinebokeh/ncc.hpp"
#include "cinebokeh/resize.hpp"

namespace cinebokeh {

struct TemplateBankParams {
    int capacity = 20;
    float similar = 0.95f;      // response above which a look counts as known: it is not added again
    float largest_side = 0.7f;  // of the patch; of a larger crop only the middle is matched
    NccPath path = NccPath::cheapest;
};

/// The best template for a search patch.
struct TemplateMatch {
    int slot = -1;           // -1: the bank is empty
    float value = -1;        // response, in [-1, 1]
    Float2 corner = {0, 0};  // where the top left corner of the template's crop lies: pixels of the patch
};

/// Plan with a fixed number of templates: the first one that was added, and the latest ones. Each has a crop of a
/// frame, its matte, and, at the scale of the search patches, luma, valid map and cached spectra.
///
/// Calls allocate nothing and are deterministic: the same for any number of threads. One call at a time. On Cuda add()
/// and match() wait for what they return.
template <class Exec>
class TemplateBank {
public:
    /// `patch` is the size of the search patches, `largest_crop` that of crops. Throws Error if one is empty or a
    /// parameter is outside its range. Allocates.
    TemplateBank(Exec& exec, Size patch, Size largest_crop, const TemplateBankParams& params = {});

    /// Forgets all templates. `scale` is patch pixels per crop pixel from now on; throws Error unless it is in (0, 1].
    void clear(float scale);

    /// Adds a template; the oldest but the first makes room. Returns false, and adds nothing, where the matte has no
    /// pixel above .5 or a match() since the last add() found a response above `similar`.
    ///
    ///   image  [h, w]
    ///   matte  [h, w]  0..1; matched where above .5
    ///
    /// Throws Error if the sizes differ, are empty or larger than largest_crop.
    bool add(View<const Rgba8, Exec> image, View<const float, Exec> matte);

    /// Matches all templates with a patch (luma) and returns the best; of equal ones, the lowest slot. A response that
    /// is not a number cannot win. `reach` bounds the search as in MaskedNcc::peaks.
    TemplateMatch match(View<const uint8_t, Exec> patch, Size reach = {65536, 65536});

    /// How template `slot` alone did in the last match().
    TemplateMatch match_of(int slot) const {
        require(slot >= 0 && slot < count_, "TemplateBank: slot ", slot, " of ", count_);
        const Peak& peak = peaks_[size_t(slot)];
        const Float2 cut = entries_[size_t(slot)].cut;
        return {slot, peak.value, {float(peak.x) - cut[0], float(peak.y) - cut[1]}};
    }

    int capacity() const { return ncc_.capacity(); }
    int count() const { return count_; }
    int newest() const { return newest_; }  // -1 where there is none; slot 0 is the first
    float scale() const { return scale_; }
    Size patch_size() const { return ncc_.patch_size(); }
    View<const Rgba8, Exec> image(int slot) const {
        return {images_.view().row(row_of(slot)), size(slot), images_.view().pitch};
    }
    View<const float, Exec> matte(int slot) const {
        return {mattes_.view().row(row_of(slot)), size(slot), mattes_.view().pitch};
    }

private:
    struct Entry {
        Size size;
        Float2 cut = {0, 0};  // pixels of the patch between the crop's corner and that of the part that is matched
    };
    Size size(int slot) const {
        require(slot >= 0 && slot < count_, "TemplateBank: slot ", slot, " of ", count_);
        return entries_[size_t(slot)].size;
    }
    int row_of(int slot) const { return slot * largest_.height; }

    Exec* exec_;
    TemplateBankParams params_;
    Size largest_;
    MaskedNcc<Exec> ncc_;
    std::vector<Entry> entries_;
    std::vector<Peak> peaks_;
    int count_ = 0, newest_ = -1;
    float scale_ = 1;
    bool known_ = false;          // a look since the last add() was similar to a template
    Buffer<Rgba8, Exec> images_;  // [capacity * largest crop]
    Buffer<float, Exec> mattes_;
    Buffer<uint8_t, Exec> luma_, small_luma_, small_valid_;
    Buffer<float, Exec> small_matte_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/template_bank.hpp"
