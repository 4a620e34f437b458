// Our side of the comparison: ours TASK FOLDER THREADS runs one task on the .npy files of a folder, writes what it
// computed beside them, and prints one line "NAME MEDIAN P90" in milliseconds for every part that was timed.
#include <algorithm>
#include <chrono>
#include <functional>
#include <map>

#include "cinebokeh/crf.hpp"
#include "cinebokeh/disk_blur.hpp"
#include "cinebokeh/guided_filter.hpp"
#include "cinebokeh/maxflow.hpp"
#include "cinebokeh/measures.hpp"
#include "cinebokeh/ncc.hpp"
#include "cinebokeh/optical_flow.hpp"
#include "cinebokeh/region_graph.hpp"
#include "cinebokeh/slic.hpp"
#include "measure.hpp"
#include "npy.hpp"

using namespace cinebokeh;

namespace {
std::string folder;
int threads = 0;
std::string in_folder(const char* name) { return folder + "/" + name + ".npy"; }

template <class T>
struct Picture : Array<T> {
    Picture(const char* name, int channels = 1) : Array<T>(read_npy<T>(in_folder(name))) {
        size = {this->shape[1] / (this->shape.size() == 2 ? channels : 1), this->shape[0]};
    }
    HostImage<const T> view() const { return {this->data.data(), size}; }
    Size size;
};
struct Frame : Array<uint8_t> {
    explicit Frame(const char* name) : Array<uint8_t>(read_npy<uint8_t>(in_folder(name))) {
        size = {shape[1], shape[0]};
    }
    HostImage<const Rgba8> view() const { return {reinterpret_cast<const Rgba8*>(data.data()), size}; }
    Size size;
};
template <class T>
void write(const char* name, const char* type, Size size, const std::vector<T>& data) {
    write_npy(in_folder(name), type, {size.height, size.width}, data.data());
}

/// Superpixels and their graph; `least_share` as the peer has it. Writes the labels to "ours_<name>".
void slic(const std::string& name, float least_share) {
    const Frame frame("frame");
    Cpu exec(threads);
    Buffer<int, Cpu> labels(exec, frame.size), count(exec, {1, 1});
    Slic<Cpu> plan(exec, frame.size, {.least_share = least_share});
    RegionGraph<Cpu> graph(exec, frame.size, plan.max_labels());
    measure(name.c_str(), [&] {
        plan(frame.view(), labels.view(), count.span());
        graph(plan.colors(), labels.view(), count.span()[0]);
    });
    measure("graph", [&] { graph(plan.colors(), labels.view(), count.span()[0]); });
    write(("ours_" + name).c_str(), "<i4", frame.size, labels.download());
}

void graph_cut() {
    const auto offsets = read_npy<int>(in_folder("offsets")), targets = read_npy<int>(in_folder("targets")),
               capacities = read_npy<int>(in_folder("arc_capacities")), terminal = read_npy<int>(in_folder("terminal"));
    auto span = [](const Array<int>& a) { return HostSpan<const int>{a.data.data(), a.data.size()}; };
    const int nodes = int(terminal.data.size());
    Cpu exec(threads);
    GraphMaxflow<Cpu> solve(exec, nodes, int(targets.data.size()));
    std::vector<uint8_t> labels(terminal.data.size());
    int64_t flow = 0;
    measure("graph_cut", [&] {
        flow = solve({span(offsets), span(targets), span(capacities), span(terminal)}, {labels.data(), labels.size()});
    });
    write("ours_graph_cut", "|u1", {nodes, 1}, labels);
    std::printf("flow %lld 0\n", static_cast<long long>(flow));
}

void grid_cut(Connectivity connectivity, const char* name) {
    const Picture<int> terminal("grid_terminal"), right("grid_right"), down("grid_down"), down_right("grid_down_right"),
        down_left("grid_down_left");
    Cpu exec(threads);
    GridMaxflow<Cpu> solve(exec, terminal.size, connectivity);
    std::vector<uint8_t> labels(terminal.size.area());
    int64_t flow = 0;
    measure(name, [&] {
        flow = solve({terminal.view(), right.view(), down.view(), down_right.view(), down_left.view()},
                     {labels.data(), terminal.size});
    });
    write((std::string("ours_") + name).c_str(), "|u1", terminal.size, labels);
    std::printf("flow %lld 0\n", static_cast<long long>(flow));
}

void crf() {
    const Frame frame("frame");
    const Picture<float> probability("probability");
    Cpu exec(threads);
    BinaryCrf<Cpu> plan(exec, frame.size);
    std::vector<float> refined(frame.size.area());
    measure("crf", [&] { plan(frame.view(), probability.view(), {refined.data(), frame.size}); });
    write("ours_crf", "<f4", frame.size, refined);
}

void ncc() {
    const Picture<uint8_t> patch("patch");
    const auto bank = read_npy<uint8_t>(in_folder("templates")), valid = read_npy<uint8_t>(in_folder("valid"));
    const Size size{bank.shape[2], bank.shape[1]};
    const int count = bank.shape[0];
    Cpu exec(threads);
    MaskedNcc<Cpu> plan(exec, patch.size, count);
    for (int i = 0; i < count; ++i)
        plan.set_template(i, {bank.data.data() + size_t(i) * size.area(), size},
                          {valid.data.data() + size_t(i) * size.area(), size});
    std::vector<Peak> peaks(static_cast<size_t>(count));
    measure("ncc", [&] {
        plan.set_patch(patch.view());
        plan.peaks({peaks.data(), peaks.size()});
    });
    const Size places = plan.response_size(0);
    std::vector<float> responses(places.area() * size_t(count));
    measure("ncc_responses", [&] {
        plan.set_patch(patch.view());
        for (int i = 0; i < count; ++i) plan.response(i, {responses.data() + size_t(i) * places.area(), places});
    });
    write_npy(in_folder("ours_ncc"), "<f4", {count, places.height, places.width}, responses.data());
}

void guided() {
    const Frame guide("large_frame");
    const Picture<float> matte("large_matte");
    Cpu exec(threads);
    GuidedFilter<Cpu> plan(exec, guide.size, {.radius = 8, .epsilon = 20});
    std::vector<float> out(guide.size.area());
    measure("guided", [&] { plan(guide.view(), matte.view(), {out.data(), guide.size}); });
    write("ours_guided", "<f4", guide.size, out);
}

void disk() {
    const auto light = read_npy<float>(in_folder("large_light"));
    const Size size{light.shape[1], light.shape[0]}, box{101, 101};
    Cpu exec(threads);
    std::vector<Float4> out(size.area()), impulse(box.area()), response(box.area());
    DiskBlur<Cpu> plan(exec, size, {.radius = 40});
    const HostImage<const Float4> in(reinterpret_cast<const Float4*>(light.data.data()), size);
    measure("disk", [&] { plan(in, {out.data(), size}); });
    write_npy(in_folder("ours_disk"), "<f4", {size.height, size.width, 4}, out[0].v);
    impulse[box.area() / 2] = {1, 1, 1, 1};
    plan({impulse.data(), box}, {response.data(), box});  // what the aperture is, for the peer
    write_npy(in_folder("aperture"), "<f4", {box.height, box.width, 4}, response[0].v);
}

void measures() {
    const Picture<uint8_t> result("result"), truth("truth");
    Cpu exec(threads);
    ContourAccuracy<Cpu> contour(exec, truth.size);
    double j = 0;
    ContourScore score;
    measure("measures", [&] {
        j = intersection_over_union(exec, result.view(), truth.view());
        score = contour(result.view(), truth.view());
    });
    std::printf("j_and_f %.17g %.17g\n", j, score.f);
}

void flow(const char* name, const char* from_name, const char* to_name) {
    const Picture<uint8_t> from(from_name), to(to_name);
    Cpu exec(threads);
    OpticalFlow<Cpu> plan(exec, from.size);
    std::vector<Float2> out(from.size.area());
    measure(name, [&] { plan(from.view(), to.view(), {out.data(), from.size}); });
    write_npy(in_folder((std::string("ours_") + name).c_str()), "<f4", {from.size.height, from.size.width, 2},
              out[0].v);
}
}  // namespace

int main(int argc, char** argv) {
    const std::map<std::string, std::function<void()>> tasks = {
        {"slic", [] { slic("slic", 0.5f); }},
        {"slic_small", [] { slic("slic_small", 0.25f); }},
        {"graph_cut", graph_cut},
        {"grid_4", [] { grid_cut(Connectivity::four, "grid_4"); }},
        {"grid_8", [] { grid_cut(Connectivity::eight, "grid_8"); }},
        {"crf", crf},
        {"ncc", ncc},
        {"guided", guided},
        {"disk", disk},
        {"measures", measures},
        {"flow_240", [] { flow("flow_240", "small_from", "small_to"); }},
        {"flow_480", [] { flow("flow_480", "from", "to"); }},
    };
    if (argc != 4 || !tasks.count(argv[1])) quit("usage: ours TASK FOLDER THREADS");
    folder = argv[2], threads = std::atoi(argv[3]);
    tasks.at(argv[1])();
}
