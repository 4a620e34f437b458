// `weights`: importing an export for TensorFlow.js, and fetching one.
#include "cinebokeh/core/random.hpp"
#include "cinebokeh/nn/rvm_layers.hpp"
#include "download.hpp"
#include "program.hpp"
#include "rvm_random.hpp"
#include "sha256.hpp"
#include "tfjs_import.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;
using nlohmann::json;

namespace {
// An export as the authors' converter writes it, with random bytes for weights.
struct Export {
    json model;
    std::string shard;
    Random random{7};

    Export() {
        model["modelTopology"] = json::object();
        for (const char* output : {"fgr", "pha", "r1o", "r2o", "r3o", "r4o"})
            model["signature"]["outputs"][output] = json::object();
        model["weightsManifest"][0]["paths"] = {"shard1", "shard2"};
        int dense = 0, depthwise = 0;
        for (const RvmLayer& layer : rvm_layers(RvmRefiner::fast_guided_filter)) {
            const size_t k = size_t(layer.conv.kernel), out = size_t(layer.conv.out_channels);
            const size_t in = size_t(layer.conv.in_channels / layer.conv.groups);
            if (layer.conv.groups == 1) {
                const std::string conv = "net/conv2d" + (dense ? "_" + std::to_string(dense) : "");
                add(conv + "/Conv2D_weights", {k, k, in, out});
                if (layer.bias) add(conv + "/Conv2D_bn_offset", {out});
                ++dense;
                continue;
            }
            // The dilated ones keep their normalisation apart.
            const std::string block = "net/conv_bn_activation_" + std::to_string(100 + depthwise);
            const std::string conv = block + "/depthwise_conv2d" + (depthwise ? "_" + std::to_string(depthwise) : "");
            ++depthwise;
            const bool folded = layer.conv.dilation == 1;
            add(conv + (folded ? "/depthwise_weights" : "/depthwise/ReadVariableOp"), {k, k, out, 1});
            if (folded) {
                add(conv + "/depthwise_bn_offset", {out});
            } else {
                add(block + "/batch_normalization/FusedBatchNormV3/Scaled", {out});
                add(block + "/batch_normalization/FusedBatchNormV3/Offset", {out});
            }
        }
        add("net/mobile_net_v3_encoder/Const", {3});
        add("net/mobile_net_v3_encoder/truediv_recip", {3}, 1);
        add("net/cond/fast_guided_filter/add/y", {});
        model["weightsManifest"][0]["weights"].push_back({{"name", "net/axis"}, {"shape", {2}}, {"dtype", "int32"}});
        shard += std::string(8, '\1');
    }
    void add(const std::string& name, const std::vector<size_t>& shape, double low = -0.5) {
        size_t count = 1;
        for (const size_t side : shape) count *= side;
        for (size_t i = 0; i < count; ++i) shard += char(random.next());
        const json quantization = {{"dtype", "uint8"}, {"scale", 1.0 / 256}, {"min", low}};
        model["weightsManifest"][0]["weights"].push_back(
            {{"name", name}, {"shape", shape}, {"dtype", "float32"}, {"quantization", quantization}});
    }
    json& weight(const std::string& name) {
        for (json& entry : model["weightsManifest"][0]["weights"])
            if (entry["name"] == name) return entry;
        FAIL("no tensor " << name);
        return model;
    }
    std::string write(const Scratch& scratch) const {
        write_text(scratch / "shard1", shard.substr(0, 1000)), write_text(scratch / "shard2", shard.substr(1000));
        write_text(scratch / "model.json", model.dump());
        return scratch / "model.json";
    }
};
// What is wrong with an export; "" where it is imported.
std::string problem(const Scratch& scratch, const Export& changed) {
    try {
        import_rvm_tfjs(changed.write(scratch));
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}
void check_says(const std::string& text, const std::string& part) {
    INFO("it said: " << text);
    CHECK(text.find(part) != std::string::npos);
}
}  // namespace

TEST_CASE("every layer of the network is found in an export, its filters in the order of PyTorch") {
    const Scratch scratch;
    const Export whole;
    const std::string file = whole.write(scratch), out = scratch / "out.safetensors";
    const Ran ran = run_program(scratch, "weights import '" + file + "' -o '" + out + "'");
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    const Weights weights = Weights::read(out);
    CHECK(rvm_refiner(weights) == RvmRefiner::fast_guided_filter);
    CHECK(weights.metadata("licence") == "GPL-3.0");
    CHECK(weights.metadata_numbers("mean", 3).size() == 3);
    for (const RvmLayer& layer : rvm_layers(RvmRefiner::fast_guided_filter)) CHECK_NOTHROW(rvm_weights(weights, layer));

    const auto tensors = read_tfjs(file);
    const std::vector<float>& stem = tensors.at("net/conv2d/Conv2D_weights").values;  // [3][3][3][16]
    const std::vector<float> imported = weights.floats("backbone.features.0.weight", {16, 3, 3, 3});
    CHECK(stem[0] == float(uint8_t(whole.shard[0])) / 256 - 0.5f);
    for (size_t o = 0; o < 16; ++o)
        for (size_t i = 0; i < 3; ++i)
            for (size_t tap = 0; tap < 9; ++tap) CHECK(imported[(o * 3 + i) * 9 + tap] == stem[(tap * 3 + i) * 16 + o]);

    // Block 13 is depthwise layer 12: weight times scale, and the offset.
    const std::string block = "net/conv_bn_activation_112/";
    const std::vector<float>& filter = tensors.at(block + "depthwise_conv2d_12/depthwise/ReadVariableOp").values;
    const std::vector<float>& scale = tensors.at(block + "batch_normalization/FusedBatchNormV3/Scaled").values;
    const std::vector<float> dilated = weights.floats("backbone.features.13.block.1.weight", {672, 1, 5, 5});
    for (size_t c = 0; c < 672; c += 67) CHECK(dilated[c * 25 + 7] == filter[7 * 672 + c] * scale[c]);
    CHECK(weights.floats("backbone.features.13.block.1.bias", {672}) ==
          tensors.at(block + "batch_normalization/FusedBatchNormV3/Offset").values);
}

TEST_CASE("an export that leads out of its folder is refused") {
    const Scratch scratch, outside;
    const std::string secret = outside / "secret", way = fs::relative(secret, scratch / "").string();
    write_text(secret, "secret");
    fs::create_directories(scratch / "folder");
    fs::create_symlink(secret, scratch / "link");
    for (const std::string& path : {way, secret, "folder/../" + way, std::string("link")}) {
        CAPTURE(path);
        Export other;
        other.model["weightsManifest"][0]["paths"] = {"shard1", path};
        check_says(problem(scratch, other), "outside of its folder");
    }
}

TEST_CASE("an export that is damaged or of another network says what is wrong") {
    const Scratch scratch;
    const Export good;
    CHECK(problem(scratch, good) == "");
    Export other = good;
    other.model["weightsManifest"][0]["paths"] = {"shard1", "none"};
    check_says(problem(scratch, other), "is missing");
    other = good, other.shard.resize(other.shard.size() - 9);
    check_says(problem(scratch, other), "cut off");
    other = good, other.shard += "x";
    check_says(problem(scratch, other), "1 bytes more");
    other = good, other.weight("net/conv2d_12/Conv2D_weights")["name"] = "net/renamed/Conv2D_weights";
    check_says(problem(scratch, other), "'conv2d_12') is missing");
    other = good;
    std::swap(other.weight("net/conv2d/Conv2D_weights")["shape"][2],
              other.weight("net/conv2d/Conv2D_weights")["shape"][3]);
    check_says(problem(scratch, other), "tensor 'net/conv2d/Conv2D_weights': its shape is [3, 3, 16, 3]");
    other = good, other.weight("net/conv2d/Conv2D_weights")["quantization"]["scale"] = 1e300;
    check_says(problem(scratch, other), "not finite");
    other = good, other.weight("net/conv2d/Conv2D_weights")["quantization"]["dtype"] = "uint3";
    check_says(problem(scratch, other), "'uint3' is unknown");
    other = good, other.weight("net/conv2d/Conv2D_weights")["shape"] = {1u << 31, 1u << 31, 1u << 31};
    check_says(problem(scratch, other), "larger than the shards");
    other = good, other.weight("net/conv2d/Conv2D_weights")["shape"] = "three";
    check_says(problem(scratch, other), "no model of TensorFlow.js");
    other = good, other.model["signature"]["outputs"].erase("pha");
    check_says(problem(scratch, other), "not Robust Video Matting");
    other = good, other.model.erase("weightsManifest");
    check_says(problem(scratch, other), "no model of TensorFlow.js");
    check_fails(run_program(scratch, "weights import '" + (scratch / "shard1") + "' -o '" + (scratch / "o") + "'"),
                "no model of TensorFlow.js");
    check_fails(run_program(scratch, "weights import none.json -o '" + (scratch / "o") + "'"), "does not exist");
}

TEST_CASE("SHA-256 of the examples of its standard, and around the length of a block") {
    const auto hash = [](const std::string& text) {
        return sha256(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    };
    CHECK(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(hash(std::string(55, 'a')) == "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    CHECK(hash(std::string(64, 'a')) == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    CHECK(hash(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("weights get takes only the files that were published, and leaves nothing else in the cache") {
    const Scratch scratch;
    const std::string cache = "XDG_CACHE_HOME='" + (scratch / "cache") + "'";
    if (!can_download()) {
        check_fails(run_program(scratch, "weights get rvm --from file:///nowhere", cache), "libcurl4-openssl-dev");
        return;
    }
    Export().write(scratch);
    write_text(scratch / "model.json", "{}");
    check_fails(run_program(scratch, "weights get rvm --from 'file://" + (scratch / "") + "'", cache),
                "is not the file that was published");
    write_text(scratch / "model.json", std::string(626576, ' '));
    check_fails(run_program(scratch, "weights get rvm --from 'file://" + (scratch / "") + "'", cache),
                "is longer than");
    check_fails(run_program(scratch, "weights get rvm --from file:///nowhere", cache), "cannot be downloaded");
    check_fails(run_program(scratch, "weights get rvm --from gopher://nowhere", cache), "cannot be downloaded");
    check_fails(run_program(scratch, "weights get nothing", cache), "there are: rvm");
    CHECK(fs::is_empty(scratch / "cache/cinebokeh"));
    CHECK(run_program(scratch, "weights list", cache).out.find("weights get rvm") != std::string::npos);
}

TEST_CASE("weights get imports what was published into the cache") {
    SKIP_WITHOUT_DATA("rvm/rvm_mobilenetv3_tfjs_int8/model.json");
    const Scratch scratch;
    const std::string cache = "XDG_CACHE_HOME='" + (scratch / "cache") + "'";
    if (!can_download()) return;
    const fs::path folder = fs::canonical(data_folder() / "rvm/rvm_mobilenetv3_tfjs_int8");
    const Ran ran = run_program(scratch, "weights get rvm --from 'file://" + folder.string() + "'", cache);
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    const std::string file = scratch / "cache/cinebokeh/rvm_mobilenetv3.safetensors";
    CHECK(rvm_refiner(Weights::read(file)) == RvmRefiner::fast_guided_filter);
    CHECK(std::distance(fs::directory_iterator(scratch / "cache/cinebokeh"), {}) == 1);
    CHECK(run_program(scratch, "weights list", cache).out.find(file) != std::string::npos);
}

TEST_CASE("--subject rvm writes a matte for every frame, and says in the report what computed it") {
    const Scratch scratch;
    random_rvm(RvmRefiner::fast_guided_filter).write(scratch / "w.safetensors");
    write_folders(scratch, {48, 36}, 3);
    const std::string weights = "' --weights '" + (scratch / "w.safetensors") + "' ";
    const Ran ran = run_program(scratch, "blur '" + (scratch / "frames") + "' -o '" + (scratch / "out") +
                                             "' --matte-net rvm --downsample-ratio 0.5 --write-matte '" +
                                             (scratch / "m") + "' --report '" + (scratch / "r.json") + weights);
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    CHECK(read_matte(scratch / "m/frame2.png", {48, 36}).size() == 48 * 36);
    const nlohmann::json report = json::parse(text_of(scratch / "r.json"));
    CHECK(report["subject"] == "rvm");
    CHECK(report["tracker"] == "none");
    CHECK(report["network"].get<std::string>().find("24 x 18") != std::string::npos);
    const std::string device = report["backend"]["matting"];  // where it computed, and in which numbers
    CHECK(report["network"].get<std::string>().find("Robust Video Matting on " + device + ", ") == 0);
    CHECK(report["matte_flicker"]["mean"].get<double>() >= 0);

    // Stills of several sizes, each on its own: the same still gives the same matte wherever it stands.
    fs::create_directories(scratch / "stills");
    for (const char* name : {"a.png", "c.png"}) write_square(scratch, std::string("stills/") + name, {40, 30});
    write_square(scratch, "stills/b.png", {56, 20});
    const Ran stills = run_program(scratch, "matte '" + (scratch / "stills") + "' -o '" + (scratch / "s") +
                                                "' --subject rvm --repeat 3 --reset-each" + weights.substr(1));
    REQUIRE_MESSAGE(stills.code == 0, stills.err);
    CHECK(read_matte(scratch / "s/a.png", {40, 30}) == read_matte(scratch / "s/c.png", {40, 30}));
    CHECK(read_matte(scratch / "s/b.png", {56, 20}).size() == 56 * 20);
}

TEST_CASE("--upsampling chooses what brings the matte to the frame, by itself where the filter is not a learned one") {
    const Scratch scratch;
    write_folders(scratch, {48, 36}, 1);
    const auto matte = [&](RvmRefiner refiner, const std::string& arguments) {
        random_rvm(refiner).write(scratch / "w.safetensors");
        const Ran ran =
            run_program(scratch, "matte '" + (scratch / "frames") + "' -o '" + (scratch / "m") +
                                     "' --subject rvm --downsample-ratio 0.5 --report '" + (scratch / "r.json") +
                                     "' --weights '" + (scratch / "w.safetensors") + "' " + arguments);
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        const std::string network = json::parse(text_of(scratch / "r.json"))["network"];
        return std::pair(network.substr(network.rfind(' ') + 1), read_matte(scratch / "m/frame0.png", {48, 36}));
    };
    const auto fast = RvmRefiner::fast_guided_filter, deep = RvmRefiner::deep_guided_filter;
    const auto automatic = matte(fast, ""), published = matte(fast, "--upsampling published");
    CHECK(automatic.first == "colour_guided_upsampling");
    CHECK(published.first == "fast_guided_filter");
    CHECK(automatic.second != published.second);
    CHECK(matte(fast, "--upsampling colour") == automatic);
    CHECK(matte(deep, "--upsampling auto").first == "deep_guided_filter");
    CHECK(matte(deep, "--upsampling colour").first == "colour_guided_upsampling");
}

TEST_CASE("--subject rvm without weights: what to type; a blur finds its subject without them") {
    const Scratch scratch;
    const std::string cache = "XDG_CACHE_HOME='" + (scratch / "cache") + "'";
    write_folders(scratch, {96, 72}, 2);
    const std::string frames = " '" + (scratch / "frames") + "' --subject rvm -o '" + (scratch / "out") + "' ";
    check_fails(run_program(scratch, "matte" + frames, cache), "type: cinebokeh weights get rvm");
    const Ran blur = run_program(scratch, "blur" + frames + "--quiet --report '" + (scratch / "r.json") + "'", cache);
    CHECK(blur.code == 0);
    CHECK(blur.says("type: cinebokeh weights get rvm"));
    CHECK(json::parse(text_of(scratch / "r.json"))["subject"] == "auto");
    check_fails(run_program(scratch, "blur" + frames + "--weights none", cache), "do not exist");
    write_text(scratch / "bad", "no weights");
    check_fails(run_program(scratch, "blur" + frames + "--weights '" + (scratch / "bad") + "'", cache), "safetensors");
    for (const char* wrong :
         {"--downsample-ratio 2", "--downsample-ratio nan", "--upsampling best", "--first-matte a.png"})
        CHECK(run_program(scratch, "blur" + frames + wrong, cache).code == 2);
    for (const char* of_network : {"--repeat 3", "--upsampling colour"})
        CHECK(run_program(scratch, std::string("matte in.mp4 -o out ") + of_network, cache).code == 2);
}
