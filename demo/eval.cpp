// `eval davis`: J and F of results against annotations, per sequence and on average.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/measures.hpp"
#include "commands.hpp"
#include "frame_source.hpp"
#include "image_file.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
struct Sequence {
    std::string name;
    std::vector<double> j, f;  // of each frame
    SequenceStatistics region, contour;
};

std::vector<uint8_t> read_mask(const fs::path& file, Size expected, uint8_t above) {
    GreyPicture grey = read_grey(file);
    require(grey.size == expected, "'", file.string(), "' is ", grey.size.width, " x ", grey.size.height,
            ", but the truth is ", expected.width, " x ", expected.height);
    for (uint8_t& g : grey.pixels) g = g > above;
    return std::move(grey.pixels);
}

// The annotations say which frames there are; each needs a result of its name.
Sequence measure(Cpu& exec, const fs::path& results, const fs::path& truth, const std::string& name) {
    Sequence sequence{.name = name, .j = {}, .f = {}, .region = {}, .contour = {}};
    const std::vector<std::string> files = pictures_in(truth.string());
    require(files.size() >= 3, "the sequence '", truth.string(), "' has ", files.size(),
            " annotations: at least 3 are needed");
    const Size size = read_grey(files[0]).size;
    ContourAccuracy<Cpu> contour(exec, size);
    for (const std::string& file : files) {
        const fs::path result = results / (fs::path(file).stem().string() + ".png");
        require(fs::exists(result), "the result '", result.string(), "' is missing");
        const std::vector<uint8_t> a = read_mask(result, size, 127), b = read_mask(file, size, 0);
        sequence.j.push_back(intersection_over_union(exec, {a.data(), size}, {b.data(), size}));
        sequence.f.push_back(contour({a.data(), size}, {b.data(), size}).f);
    }
    sequence.region = sequence_statistics({sequence.j.data(), sequence.j.size()}, DecayBins::reference);
    sequence.contour = sequence_statistics({sequence.f.data(), sequence.f.size()}, DecayBins::reference);
    return sequence;
}

// A folder of folders is a set of sequences; those without results are an error, extra results are not looked at.
std::vector<Sequence> measure_all(const std::string& results, const std::string& truth) {
    require(fs::is_directory(results), "the folder of results '", results, "' does not exist");
    require(fs::is_directory(truth), "the folder of annotations '", truth, "' does not exist");
    std::vector<std::string> truths, wanted;
    for (const fs::directory_entry& entry : fs::directory_iterator(truth))
        if (entry.is_directory()) truths.push_back(entry.path().filename().string());
    std::sort(truths.begin(), truths.end());
    Cpu exec;
    const fs::path clean = fs::path(results).lexically_normal();
    if (truths.empty())
        return {measure(exec, results, truth,
                        (clean.filename().empty() ? clean.parent_path() : clean).filename().string())};
    for (const std::string& name : truths)
        if (fs::is_directory(fs::path(results) / name)) wanted.push_back(name);
    require(!wanted.empty(), "'", results, "' has no folder called as a sequence of '", truth, "' (such as ", truths[0],
            ")");
    std::vector<Sequence> sequences;
    for (const std::string& name : wanted)
        sequences.push_back(measure(exec, fs::path(results) / name, fs::path(truth) / name, name));
    if (wanted.size() < truths.size())
        std::fprintf(stderr, "cinebokeh: %zu of %zu sequences have results; the others are left out\n", wanted.size(),
                     truths.size());
    return sequences;
}

SequenceStatistics mean_of(const std::vector<Sequence>& sequences, SequenceStatistics Sequence::*which) {
    SequenceStatistics mean;
    for (const Sequence& sequence : sequences) {
        const SequenceStatistics& s = sequence.*which;
        mean.mean += s.mean, mean.recall += s.recall, mean.decay += s.decay;
    }
    const double count = double(sequences.size());
    return {mean.mean / count, mean.recall / count, mean.decay / count};
}

void print_row(const std::string& name, const SequenceStatistics& j, const SequenceStatistics& f) {
    std::printf("%-20s %7.3f %7.3f %7.3f   %7.3f %7.3f %7.3f\n", name.c_str(), j.mean, j.recall, j.decay, f.mean,
                f.recall, f.decay);
}

nlohmann::ordered_json to_json(const SequenceStatistics& s) {
    return {{"mean", s.mean}, {"recall", s.recall}, {"decay", s.decay}};
}

void write_json(const std::string& file, const std::vector<Sequence>& sequences, const SequenceStatistics& j,
                const SequenceStatistics& f) {
    nlohmann::ordered_json json;
    json["J"] = to_json(j), json["F"] = to_json(f);
    for (const Sequence& sequence : sequences) {
        nlohmann::ordered_json& entry = json["sequences"][sequence.name];
        entry["J"] = to_json(sequence.region), entry["F"] = to_json(sequence.contour);
        entry["J"]["frames"] = sequence.j, entry["F"]["frames"] = sequence.f;
    }
    std::ofstream stream(file);
    stream << json.dump(1) << '\n';
    stream.close();
    require(bool(stream), "'", file, "' cannot be written");
}
}  // namespace

int eval_davis(const EvalOptions& options) {
    const std::vector<Sequence> sequences = measure_all(options.results, options.truth);
    const SequenceStatistics j = mean_of(sequences, &Sequence::region), f = mean_of(sequences, &Sequence::contour);
    std::printf("%-20s %7s %7s %7s   %7s %7s %7s\n", "sequence", "J mean", "recall", "decay", "F mean", "recall",
                "decay");
    for (const Sequence& sequence : sequences) print_row(sequence.name, sequence.region, sequence.contour);
    if (sequences.size() > 1) print_row("mean", j, f);
    if (!options.json.empty()) write_json(options.json, sequences, j, f);
    return 0;
}
}  // namespace cinebokeh::demo
