// Rendering live frames on an executor: the same text serves both backends.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "background_frames.hpp"
#include "cinebokeh/autofocus.hpp"
#include "cinebokeh/compositing.hpp"
#include "cinebokeh/defocus.hpp"
#include "cinebokeh/false_color.hpp"
#include "cinebokeh/pipeline/background_blur.hpp"
#include "cinebokeh/pipeline/background_replacement.hpp"
#include "cinebokeh/pipeline/draft_bokeh.hpp"
#include "cinebokeh/plane_disparity.hpp"
#include "cinebokeh/slic.hpp"
#include "cinebokeh/tile_extrema.hpp"
#include "engine.hpp"
#include "on_exec.hpp"

namespace cinebokeh::demo {

template <class Exec>
class RenderOn : public RenderEngine {
public:
    /// `exec` must outlive the engine.
    RenderOn(Exec& exec, const EngineParams& params)
        : exec_(exec),
          cpu_(std::is_same_v<Exec, Cpu> ? 1 : threads_of_copy()),
          size_(params.size),
          backgrounds_(cpu_, size_),
          picture_(exec, cpu_, size_),
          backdrop_(exec, cpu_, size_),
          result_(exec, cpu_, size_),
          view_(exec, cpu_, size_),
          matte_(exec, cpu_, size_),
          maps_(exec, cpu_, size_),
          least_(exec, extrema_size(size_)),
          most_(exec, extrema_size(size_)),
          extrema_(2 * extrema_size(size_).area()),
          autofocus_(exec),
          shown_(size_) {}

    void measure(const LiveSettings& settings, LiveFrame& frame) override {
        matte_in_ = matte_.in(frame.frame.matte_view(), frame.inputs.matte);
        subject_.reset();
        frame.focus.distance = settings.subject_distance;
        frame.focus.subject = 1 / settings.subject_distance, frame.focus.background = 1 / settings.background_distance;
        frame.focus.planes = frame.frame.disparity.empty() && settings.tilt == 0;
        maps_.begin(frame);
        if (frame.frame.disparity.empty()) {
            plane_disparity<Exec>(exec_, matte_in_,
                                  {1 / settings.subject_distance, 1 / settings.background_distance, settings.tilt},
                                  maps_.disparity);
        } else {
            maps_.take_disparity(frame.frame.disparity_view());
            subject_ = autofocus_.on_matte(maps_.disparity, matte_in_);
            if (subject_) frame.focus.distance = 1 / std::max(*subject_, 1e-3f);
        }
    }

    void render(const LiveSettings& settings, LiveFrame& frame) override {
        const HostImage<Rgba8> result{frame.frame.result.data(), size_};
        const View<const Rgba8, Exec> picture = picture_.in(frame.frame.picture(), frame.inputs.picture);
        find_defocus(settings, frame);
        const View<Rgba8, Exec> out = result_.out(result);
        renderer_ = names_of_backgrounds()[size_t(settings.background)];
        switch (settings.background) {
            case LiveBackground::bokeh:
                blur_by_depth(settings, frame, picture, out);
                break;
            case LiveBackground::gaussian:
                blur_softly(settings, picture, out);
                break;
            case LiveBackground::colour:
            case LiveBackground::picture:
            case LiveBackground::video:
                replacement()(picture, matte_in_, backdrop_.in(backgrounds_.next(settings)), out);
                break;
            case LiveBackground::transparent:
                replacement().cut_out(picture, matte_in_, out);
                break;
        }
        if (frame.whole_on_host) result_.back(result);
        keep_for_display(draw_view(settings, frame, picture, out), frame);
        maps_.back(frame);
        exec_.synchronize();
    }

    void set_quality(const Quality& quality) override { draft_wanted_ = quality.draft; }
    std::string renderer() const override { return renderer_; }
    std::string device() const override { return std::is_same_v<typename Exec::Space, HostSpace> ? "cpu" : "cuda"; }

private:
    void find_defocus(const LiveSettings& settings, LiveFrame& frame) {
        Lens lens = lens_of(settings);
        lens.focus_distance = std::max(frame.focus.distance, settings.focal_length / 900);
        focus_ = focus_of(lens, size_.width);
        if (frame.focus.strength > 0) focus_ = {frame.focus.strength, 1 / frame.focus.distance};  // of a recording
        frame.focus.strength = focus_.strength;
        defocus_map<Exec>(exec_, maps_.disparity, focus_, maps_.defocus);
        frame.focus.largest = largest_radius();
    }

    // Waits.
    float largest_radius() {
        const Size tiles = least_.size();
        tile_extrema(exec_, maps_.defocus, least_.view(), most_.view());
        copy(exec_, View<const float, Exec>(least_.view()), HostImage<float>(extrema_.data(), tiles));
        copy(exec_, View<const float, Exec>(most_.view()), HostImage<float>(extrema_.data() + tiles.area(), tiles));
        exec_.synchronize();
        float largest = 0;
        for (const float extreme : extrema_) largest = std::max(largest, std::abs(extreme));
        return largest;
    }

    // The fast renderer knows round apertures, the exact one every shape.
    static BokehRendererParams bokeh_params(const LiveSettings& settings, float largest) {
        BokehRendererParams params{.max_radius = std::clamp(std::exp2(std::ceil(std::log2(largest))), 32.f, 200.f),
                                   .aperture = {.blades = settings.blades,
                                                .rotation = settings.rotation,
                                                .squeeze = settings.squeeze,
                                                .cat_eye = settings.cat_eye,
                                                .chromatic = settings.chromatic},
                                   .highlights = {.gain = std::exp2(settings.highlights)}};
        if (settings.exact || !(params.aperture == Aperture{.rotation = settings.rotation}))
            params.method = BokehMethod::exact;
        return params;
    }

    void blur_by_depth(const LiveSettings& settings, const LiveFrame& frame, View<const Rgba8, Exec> picture,
                       View<Rgba8, Exec> out) {
        const bool believed = settings.snap && !frame.frame.drawn;
        BokehInput<Exec> input{picture, maps_.disparity, feathered(settings), believed ? subject_ : std::nullopt};
        Focus focus = focus_;
        const float apart = frame.focus.subject - frame.focus.background;
        if (frame.focus.planes && std::abs(apart) > 1e-3f) {  // two planes at 1 and 0
            input.disparity = {};
            focus = {focus_.strength * apart, (focus_.disparity - frame.focus.background) / apart};
        }
        BokehRendererParams params = bokeh_params(settings, frame.focus.largest);
        drafted_ = draft_wanted_ && params.method == BokehMethod::layered && params.highlights.gain == 1;
        if (drafted_) {
            if (draft_) params.max_radius = std::max(params.max_radius, draft_->max_radius());
            if (!draft_ || draft_->max_radius() != params.max_radius) draft_.emplace(exec_, size_, params.max_radius);
            (*draft_)(input, focus, out);
        } else {
            if (bokeh_) params.max_radius = std::max(params.max_radius, bokeh_->params().max_radius);
            if (!bokeh_ || !(params == bokeh_->params())) bokeh_.emplace(exec_, size_, params);
            (*bokeh_)(input, focus, out);
        }
        const bool exact = params.method == BokehMethod::exact;
        renderer_ = exact ? "exact bokeh" : drafted_ ? "layered bokeh at half size" : "layered bokeh";
    }
    /// The layers that the last picture was rendered in; null where there were none.
    const LayeredBokeh<Exec>* layers_of_result() const {
        return drafted_ ? draft_->renderer().layered() : bokeh_ ? bokeh_->layered() : nullptr;
    }

    // How far around the subject its matte passes into nothing.
    View<const float, Exec> feathered(const LiveSettings& settings) {
        const int feather = int(settings.feather);
        if (feather == 0) return matte_in_;
        if (!feather_ || feather != feathered_by_) {
            feather_.emplace(exec_, size_, feather);
            feathered_by_ = feather;
            feathered_ = Buffer<float, Exec>(exec_, size_);
        }
        (*feather_)(matte_in_, feathered_.view());
        return feathered_.view();
    }

    void blur_softly(const LiveSettings& settings, View<const Rgba8, Exec> picture, View<Rgba8, Exec> out) {
        const int feather = int(settings.feather);
        if (!soft_ || soft_->params().sigma != settings.sigma || soft_->params().feather != feather)
            soft_.emplace(exec_, size_,
                          BackgroundBlurParams{.renderer = BackgroundRenderer::gaussian,
                                               .kernel = 2 * int(std::ceil(3 * settings.sigma)) + 1,
                                               .sigma = settings.sigma,
                                               .feather = feather});
        (*soft_)(picture, matte_in_, out);
    }

    BackgroundReplacement<Exec>& replacement() {
        if (!replacement_) replacement_.emplace(exec_, size_);
        return *replacement_;
    }

    // Where the window takes pictures of the device: a copy of what is shown, for as long as the frame lives.
    void keep_for_display(View<const Rgba8, Exec> shown, LiveFrame& frame) {
        frame.on_gpu.reset();
        if (!frame.whole_on_host && shown.data) frame.on_gpu = shown_.keep(exec_, shown);
    }

    // Draws the picture of what was asked for, beside the result; returns what is to be shown, where it is on Exec.
    View<const Rgba8, Exec> draw_view(const LiveSettings& settings, LiveFrame& frame, View<const Rgba8, Exec> picture,
                                      View<const Rgba8, Exec> result) {
        frame.viewed = settings.view;
        frame.note.clear();
        if (settings.view == LiveView::templates || settings.view == LiveView::response) {
            const bool drawn = frame.of_subject_viewed == settings.view;  // else it comes with the next frame
            frame.view = drawn && !frame.of_subject.empty() ? frame.of_subject : frame.frame.pixels;
            frame.note = drawn ? frame.of_subject_note : "";
            return {};
        }
        const bool plain = settings.view == LiveView::input || (settings.view == LiveView::result && !settings.zebra &&
                                                                settings.background != LiveBackground::transparent);
        frame.view.resize(plain ? 0 : size_.area());
        if (plain) return settings.view == LiveView::input ? View<const Rgba8, Exec>{} : result;
        const HostImage<Rgba8> shown{frame.view.data(), size_};
        const View<Rgba8, Exec> out = view_.out(shown);
        paint(settings, frame, picture, result, out);
        if (settings.zebra) focus_zebra<Exec>(exec_, maps_.defocus, 1, frame.frame.index, out);
        if (frame.whole_on_host) view_.back(shown);
        return out;
    }

    void paint(const LiveSettings& settings, LiveFrame& frame, View<const Rgba8, Exec> picture,
               View<const Rgba8, Exec> result, View<Rgba8, Exec> out) {
        switch (settings.view) {
            case LiveView::matte:
                false_color<Exec>(exec_, matte_in_, 0, 1, Palette::grey, out);
                break;
            case LiveView::disparity:
                false_color<Exec>(exec_, maps_.disparity, 0, 1.2f / settings.subject_distance, Palette::heat, out);
                break;
            case LiveView::defocus:
                false_color<Exec>(exec_, maps_.defocus, -30, 30, Palette::diverging, out);
                break;
            case LiveView::superpixels:
                draw_superpixels(picture, out);
                break;
            case LiveView::layers:
                draw_layers(settings, frame, picture, out);
                break;
            default:
                over_checkerboard<Exec>(exec_, result, out);
                break;
        }
    }

    void draw_superpixels(View<const Rgba8, Exec> picture, View<Rgba8, Exec> out) {
        if (!slic_) {
            slic_.emplace(exec_, size_);
            labels_ = Buffer<int, Exec>(exec_, size_), count_ = Buffer<int, Exec>(exec_, Size{1, 1});
        }
        (*slic_)(picture, labels_.view(), count_.span());
        copy(exec_, picture, out);
        outline_labels<Exec>(exec_, labels_.view(), out);
    }

    // Each layer of the renderer in a colour of its own: blue behind the focal plane, orange before it.
    void draw_layers(const LiveSettings& settings, LiveFrame& frame, View<const Rgba8, Exec> picture,
                     View<Rgba8, Exec> out) {
        const LayeredBokeh<Exec>* layered = settings.background == LiveBackground::bokeh ? layers_of_result() : nullptr;
        if (!layered) {
            frame.note = settings.background == LiveBackground::bokeh
                             ? "no layers: the exact renderer blurs every pixel over its own aperture"
                             : "no layers: only the background 'bokeh' is rendered in layers";
            copy(exec_, picture, out);
            return;
        }
        if (levels_.size().empty()) levels_ = Buffer<float, Exec>(exec_, size_);
        ValueLevels levels;
        for (levels.count = 0; levels.count < layered->layers(); ++levels.count) {
            levels.at[levels.count] = layered->layer_radius(levels.count) * (drafted_ ? 2 : 1);
            levels.zero += levels.at[levels.count] < 0;
        }
        nearest_level<Exec>(exec_, maps_.defocus, levels, levels_.view());
        const float most = float(std::max({levels.zero, levels.count - 1 - levels.zero, 1}));
        false_color<Exec>(exec_, levels_.view(), -most, most, Palette::diverging, out);
        char text[96];
        std::snprintf(text, sizeof text, "%d layers, of radius %.1f to %.1f pixels", levels.count, double(levels.at[0]),
                      double(levels.at[levels.count - 1]));
        frame.note = text;
    }

    Exec& exec_;
    Cpu cpu_;  // makes backgrounds, and copies to and from a GPU
    Size size_;
    BackgroundFrames backgrounds_;
    OnExec<Rgba8, Exec> picture_, backdrop_, result_, view_;
    OnExec<float, Exec> matte_;
    MapsOnExec<Exec> maps_;
    Buffer<float, Exec> least_, most_;  // of the defocus in tiles
    std::vector<float> extrema_;
    Autofocus<Exec> autofocus_;
    View<const float, Exec> matte_in_;
    std::optional<float> subject_;  // its disparity, where that and the matte are known: the matte is then believed
    Focus focus_;
    std::optional<BokehRenderer<Exec>> bokeh_;
    std::optional<DraftBokeh<Exec>> draft_;
    bool draft_wanted_ = false, drafted_ = false;
    std::string renderer_;
    std::optional<BackgroundBlur<Exec>> soft_;
    std::optional<BackgroundReplacement<Exec>> replacement_;
    std::optional<Slic<Exec>> slic_;
    Buffer<int, Exec> labels_, count_;
    std::optional<Feather<Exec>> feather_;
    int feathered_by_ = 0;  // pixels
    Buffer<float, Exec> feathered_, levels_;
    KeptForDisplay<Exec> shown_;
};
}  // namespace cinebokeh::demo
