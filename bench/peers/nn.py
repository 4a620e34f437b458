"""Layers of neural networks beside PyTorch, torchvision and onnxruntime, in one table.

    nn.py --ours PROGRAM [--threads N] [--only conv,gru,deform,rvm] [--markdown FILE]

The shapes are those of Robust Video Matting at a base of 512 x 288. Each row says our time, the peer's, their ratio, and
how far the results differ, with the bound that it is held to: the largest difference in float, the mean in BFloat16. A
peer that is not installed is named. Exits with 1 if a result is not within its bound.
"""
import argparse
import os
import sys
import tempfile
import warnings

import numpy as np

from peers import Bench, finish

DECODER = [(128, 128, 32, 18), (171, 80, 64, 36), (107, 40, 128, 72), (59, 32, 256, 144), (35, 16, 512, 288), (16, 16, 512, 288)]
UNITS = [(64, 32, 18), (40, 64, 36), (20, 128, 72), (16, 256, 144)]


class Layers(Bench):
    """Arrays are handed over as [h, w, c]; peers want [1, c, h, w]."""

    def put(self, **arrays):
        for name, value in arrays.items():
            np.save(os.path.join(self.folder, name + ".npy"), np.ascontiguousarray(value, np.float32))

    def compare(self, task, kind, peers, bound, bfloat16_peers=(), bfloat16_bound=1e-2):
        times = self.ours(kind)
        for storage, row, measure, rows, limit in (("float", task, "worst", peers, bound),
                                                   ("bfloat16", task + ", BFloat16", "mean", bfloat16_peers, bfloat16_bound)):
            # The mean, because both round: a layer to 2^-9 of values around 1, the network some 70 times (times 10).
            own = self.load(storage)
            for name, body in rows:
                ms, result = self.time(body)
                difference = np.abs(np.asarray(result)[0].transpose(1, 2, 0) - own)
                error = difference.max() if measure == "worst" else difference.mean()
                self.add(row, times[storage][0], name, ms, f"{measure} {error:.1e} ({limit:.0e})", bool(error <= limit))


def narrow(torch, arrays):
    """As PyTorch is fastest with them: BFloat16, channels last."""
    return [t.bfloat16().contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t.bfloat16() for t in arrays]


def planar(array):
    return np.ascontiguousarray(array.transpose(2, 0, 1)[None])


def session(bench, nodes, inputs, constants):
    """An onnxruntime session of a graph that ends in "out"; None where one of the two packages is missing."""
    onnx, runtime = bench.peer("onnx"), bench.peer("onnxruntime")
    if not onnx or not runtime:
        return None
    value = lambda name, shape: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, i, o, **attributes) for kind, i, o, attributes in nodes], "layer",
        [value(name, array.shape) for name, array in inputs.items()], [value("out", [None] * 4)],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = bench.threads
    made = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: made.run(["out"], inputs)[0]


def conv(bench, random):
    torch = bench.peer("torch")
    for c, o, w, h in DECODER:
        x, weight, bias = random(h, w, c), random(o, c, 3, 3) * np.float32(1 / np.sqrt(9 * c)), random(o)
        bench.put(**{"in": x, "weight": weight, "bias": bias})
        peers, narrow_peers = [], []
        run = session(bench, [("Conv", ["x", "w", "b"], ["sum"], {"pads": [1] * 4}), ("Relu", ["sum"], ["out"], {})],
                      {"x": planar(x)}, {"w": weight, "b": bias})
        if run:
            peers.append(("onnxruntime", run))
        if torch:
            t = [torch.from_numpy(a) for a in (planar(x), weight, bias)]
            layer = lambda tensors: torch.relu(torch.nn.functional.conv2d(*tensors, padding=1))
            n = narrow(torch, t)
            peers.append(("PyTorch", lambda: layer(t)))
            narrow_peers.append(("PyTorch", lambda: layer(n).float()))
        bench.compare(f"conv 3x3 {c} to {o}, {w}x{h}, ReLU", "conv", peers, 1e-4, narrow_peers)


def gru(bench, random):
    torch = bench.peer("torch")
    for c, w, h in UNITS:
        x, state = random(h, w, c), np.tanh(random(h, w, c))
        scale = np.float32(1 / np.sqrt(18 * c))
        parts = [random(2 * c, 2 * c, 3, 3) * scale, random(2 * c), random(c, 2 * c, 3, 3) * scale, random(c)]
        bench.put(**{"in": x, "state": state}, **dict(zip(("gate_weight", "gate_bias", "candidate_weight", "candidate_bias"), parts)))
        peers, narrow_peers = [], []
        run = session(bench, [
            ("Concat", ["x", "h"], ["xh"], {"axis": 1}), ("Conv", ["xh", "w0", "b0"], ["g"], {"pads": [1] * 4}),
            ("Sigmoid", ["g"], ["s"], {}), ("Split", ["s"], ["r", "z"], {"axis": 1}), ("Mul", ["r", "h"], ["rh"], {}),
            ("Concat", ["x", "rh"], ["xrh"], {"axis": 1}), ("Conv", ["xrh", "w1", "b1"], ["p"], {"pads": [1] * 4}),
            ("Tanh", ["p"], ["n"], {}), ("Sub", ["n", "h"], ["d"], {}), ("Mul", ["z", "d"], ["zd"], {}),
            ("Add", ["h", "zd"], ["out"], {})], {"x": planar(x), "h": planar(state)}, dict(zip(("w0", "b0", "w1", "b1"), parts)))
        if run:
            peers.append(("onnxruntime", run))
        if torch:
            def step(tx, th, w0, b0, w1, b1):
                r, z = torch.sigmoid(torch.nn.functional.conv2d(torch.cat([tx, th], 1), w0, b0, padding=1)).chunk(2, 1)
                n = torch.tanh(torch.nn.functional.conv2d(torch.cat([tx, r * th], 1), w1, b1, padding=1))
                return (1 - z) * th + z * n
            t = [torch.from_numpy(a) for a in (planar(x), planar(state), *parts)]
            n = narrow(torch, t)
            peers.append(("PyTorch", lambda: step(*t)))
            narrow_peers.append(("PyTorch", lambda: step(*n).float()))
        bench.compare(f"ConvGRU step, {c} channels, {w}x{h}", "gru", peers, 1e-4, narrow_peers)


def deform(bench, random):
    torch, torchvision = bench.peer("torch"), bench.peer("torchvision")
    c, w, h = 64, 240, 135
    x, offset, modulation = random(h, w, c), random(h, w, 18) * 2, 1 / (1 + np.exp(-random(h, w, 9)))
    weight, bias = random(c, c, 3, 3) / np.float32(24), random(c)
    bench.put(**{"in": x, "offset": offset, "modulation": modulation, "weight": weight, "bias": bias})
    peers = []
    if torch and torchvision:
        tx, to, tm = [torch.from_numpy(planar(a.astype(np.float32))) for a in (x, offset, modulation)]
        tw, tb = torch.from_numpy(weight), torch.from_numpy(bias)
        peers.append(("torchvision", lambda: torchvision.ops.deform_conv2d(tx, to, tw, tb, padding=1, mask=tm)))
    bench.compare(f"deformable conv 3x3, {c} channels, {w}x{h}", "deform", peers, 1e-4)


def rvm(bench, random):
    """The whole network with random weights, as tests/golden/make_rvm.py describes it, one frame after the other."""
    torch = bench.peer("torch")
    if not torch:
        return
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden"))
    import make_rvm
    width, height = 512, 288
    frame = make_rvm.random_frame(make_rvm.Pcg(2), height, width)
    bench.put(**{"in": frame})
    network, names = make_rvm.Network(make_rvm.random_weights(1)).eval(), ["src", "r1i", "r2i", "r3i", "r4i"]
    inputs = [torch.from_numpy(planar(frame.astype(np.float32) / 255)), *make_rvm.zero_states(height, width)]
    peers = [("PyTorch", lambda: network(*inputs)[1])]
    narrow_network, narrow_inputs = make_rvm.Network(make_rvm.random_weights(1)).eval().bfloat16(), narrow(torch, inputs)
    runtime = bench.peer("onnxruntime")
    if runtime and bench.peer("onnx"):
        model = os.path.join(bench.folder, "rvm.onnx")
        with warnings.catch_warnings():  # that sizes and the ratio become constants
            warnings.simplefilter("ignore")
            torch.onnx.export(network, tuple(inputs), model, dynamo=False, opset_version=17, input_names=names,
                              output_names=["fgr", "pha", "r1o", "r2o", "r3o", "r4o"])
        options = runtime.SessionOptions()
        options.intra_op_num_threads = bench.threads
        made = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        arrays = {name: value.numpy() for name, value in zip(names, inputs)}
        peers.insert(0, ("onnxruntime", lambda: made.run(None, arrays)[1]))
    bench.compare(f"Robust Video Matting, {width}x{height}", "rvm", peers, 2e-4,
                  [("PyTorch", lambda: narrow_network(*narrow_inputs)[1].float())], 5e-2)


TASKS = {"conv": conv, "gru": gru, "deform": deform, "rvm": rvm}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--ours", default=os.path.join(here, "..", "..", "build", "bench", "peers_nn"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(TASKS))
    parser.add_argument("--markdown")
    options = parser.parse_args()
    generator = np.random.default_rng(1)
    random = lambda *shape: generator.standard_normal(shape).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        bench = Layers(options.ours, folder, options.threads)
        torch = bench.peer("torch")
        if torch:
            torch.set_num_threads(options.threads)
            torch.set_grad_enabled(False)
        for name in options.only.split(","):
            TASKS[name](bench, random)
    finish(bench, f"{options.threads} threads each.", options.markdown)


if __name__ == "__main__":
    main()
