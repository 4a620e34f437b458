#include "process.hpp"

#include <filesystem>
#include <mutex>
#include <thread>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/matte_measures.hpp"
#include "image_file.hpp"
#include "signals.hpp"

namespace cinebokeh::demo {
namespace {
// The first thing that went wrong, whichever thread saw it.
class Problem {
public:
    void set(const std::string& text) {
        std::lock_guard lock(mutex_);
        if (text_.empty()) text_ = text;
    }
    std::string text() const {
        std::lock_guard lock(mutex_);
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::string text_;
};

// Runs a part of the work; an exception becomes the problem of the run.
template <class Work>
void guarded(Problem& problem, const Work& work) {
    try {
        work();
    } catch (const std::bad_alloc&) {
        problem.set("out of memory: the pictures are too large for this machine");
    } catch (const std::exception& error) {
        problem.set(error.what());
    }
}

class Runner {
public:
    Runner(const Run& what, Report& report)
        : what_(what),
          report_(report),
          ready_(queue_length(what.source.info().size)),
          done_(queue_length(what.source.info().size)) {}

    Outcome operator()() {
        std::thread reader([this] { read(); });
        std::thread writer([this] { write(); });
        work();
        ready_.close(), done_.finish();
        reader.join(), writer.join();
        finish();
        report_.stages = {read_, matte_, render_, write_};
        report_.problem = problem_.text();
        if (stopped_) return Outcome::stopped;
        return report_.problem.empty() ? Outcome::complete : Outcome::failed;
    }

private:
    // A frame between threads takes up to 25 bytes a pixel: few of the large ones.
    static size_t queue_length(Size size) { return size.area() > (size_t(16) << 20) ? 1 : 4; }

    void read() {
        guarded(problem_, [&] {
            for (int index = 0; what_.max_frames == 0 || index < what_.max_frames; ++index) {
                Frame frame = store_.take();
                const Stopwatch watch;
                if (!what_.source.next(frame)) {
                    ended_ = true;
                    break;
                }
                frame.index = index;
                if (what_.disparity) what_.disparity->fill(frame);
                frame.read_ms = watch.ms();
                if (!ready_.push(std::move(frame))) return;
            }
        });
        ready_.finish();
    }

    void work() {
        guarded(problem_, [&] {
            while (std::optional<Frame> frame = ready_.pop()) {
                if (stop_requested()) {
                    stopped_ = true;
                    return;
                }
                read_.ms.push_back(frame->read_ms);
                const Stopwatch matting;
                what_.session.begin_frame(frame->picture());
                if (what_.mattes && !what_.mattes->matte(*frame)) report_.lost.push_back(frame->index);
                matte_.ms.push_back(matting.ms());
                if (what_.measure_flicker) measure_flicker(*frame);
                if (what_.sink) {
                    const Stopwatch rendering;
                    frame->result.resize(frame->size.area());
                    render(*frame);
                    render_.ms.push_back(rendering.ms());
                }
                if (!done_.push(std::move(*frame))) return;
            }
            stopped_ = stop_requested();  // a source that was interrupted ends early
        });
    }

    void measure_flicker(const Frame& frame) {
        if (before_.size == frame.size)
            report_.flicker.push_back(
                matte_flicker(exec_, before_.picture(), frame.picture(), before_.matte_view(), frame.matte_view()));
        before_.size = frame.size, before_.pixels = frame.pixels, before_.matte = frame.matte;
    }

    void render(Frame& frame) {
        const HostImage<Rgba8> result{frame.result.data(), frame.size};
        if (!what_.focus) return what_.session.render(frame.matte_view(), result);
        const auto known = [&](const std::vector<float>& values) {
            return HostImage<const float>{values.empty() ? nullptr : values.data(), frame.size};
        };
        const Focus focus = (*what_.focus)(frame);
        what_.session.render_depth(known(frame.disparity), known(frame.matte), what_.focus->subject(frame), focus,
                                   result);
    }

    void write() {
        guarded(problem_, [&] {
            while (std::optional<Frame> frame = done_.pop()) {
                const Stopwatch watch;
                if (!what_.matte_folder.empty()) write_matte(*frame);
                if (what_.sink && !what_.sink->write(*frame))
                    fail("the output cannot be written (" + what_.sink->trouble() + ")");
                write_.ms.push_back(watch.ms());
                if (what_.sheet) what_.sheet->add(*frame);
                what_.progress.update(++written_);
                store_.give_back(std::move(*frame));
            }
        });
        done_.close(), ready_.close();
    }

    void write_matte(const Frame& frame) const {
        write_matte_png(std::filesystem::path(what_.matte_folder) / (frame.stem + ".png"), frame.matte_view());
    }

    void finish() {
        if (ended_ && problem_.text().empty() && !stopped_) {
            const std::string damage = what_.source.damage();
            if (!damage.empty()) problem_.set("the input '" + what_.source.info().name + "' is damaged: " + damage);
        }
        report_.frames = written_;
        if (!what_.sink) return;
        guarded(problem_, [&] {
            what_.sink->finish(ended_ && !stopped_ && problem_.text().empty(), what_.source.rest_of_audio());
        });
        report_.frames = what_.sink->frames_written();
    }

    Run what_;
    Report& report_;
    FrameQueue ready_, done_;
    FrameStore store_;
    Problem problem_;
    Cpu exec_{1};   // of the flicker; the threads are at work on the next frames
    Frame before_;  // its frame and matte
    Stage read_{"read", {}}, matte_{"matte", {}}, render_{"render", {}}, write_{"write", {}};
    long written_ = 0;
    bool ended_ = false, stopped_ = false;
};
}  // namespace

Outcome run(const Run& what, Report& report) { return Runner(what, report)(); }
}  // namespace cinebokeh::demo
