"""PyTorch and torchvision on a GPU, at the shapes of our own benchmarks: Robust Video Matting at a base of 512 x 288,
its ConvGRU units and its convolutions by kind, and deformable convolution of 64 channels.

    nn_cuda.py [--markdown FILE]

The convolutions, cuDNN's and cuBLASLt's, are read from bench/rvm_convolutions.hpp, with bias and ReLU. Each row is one
call's time in ms between two CUDA events, the median of 30: eager, and replayed from a CUDA graph, in channels_last
order. Float is measured without and with TF32. Our times are those of bench_rvm_cuda, bench_conv_cuda,
bench_conv_gru_cuda and bench_deform_conv_cuda on the same machine.
"""
import argparse
import os
import re
import statistics
import sys

import torch

UNITS = [(64, 32, 18), (40, 64, 36), (20, 128, 72), (16, 256, 144)]
TYPES = [("float", torch.float32, False), ("float (TF32)", torch.float32, True), ("half", torch.float16, True),
         ("bfloat16", torch.bfloat16, True)]


def event_ms(body):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    body()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end)


def median_ms(body):
    for _ in range(5):
        body()
    torch.cuda.synchronize()
    return statistics.median(event_ms(body) for _ in range(30))


def graph_of(body):
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            body()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        body()
    return graph.replay


def rvm(to):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden"))
    import make_rvm
    network = make_rvm.Network(make_rvm.random_weights(1)).eval()
    network = to(network)
    frame = to(torch.rand(1, 3, 288, 512))
    states = [to(s) for s in make_rvm.zero_states(288, 512)]
    yield "Robust Video Matting, 512x288", lambda: network(frame, *states)


def gru(to):
    for c, w, h in UNITS:
        x, state = to(torch.randn(1, c, h, w)), to(torch.tanh(torch.randn(1, c, h, w)))
        gates, candidate = to(torch.nn.Conv2d(2 * c, 2 * c, 3, padding=1)), to(torch.nn.Conv2d(2 * c, c, 3, padding=1))

        def step():
            r, z = torch.sigmoid(gates(torch.cat([x, state], 1))).chunk(2, 1)
            n = torch.tanh(candidate(torch.cat([x, r * state], 1)))
            return (1 - z) * state + z * n
        yield f"ConvGRU step, {c} channels, {w}x{h}", step


def convolutions(to):
    """All layers of a kind, one after the other."""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "..", "rvm_convolutions.hpp")) as file:
        lists = re.findall(r"LayerShape> (\w+)_shapes = \{(.*?)\};", file.read(), re.DOTALL)
    for kind, text in lists:
        layers = []
        for numbers in re.findall(r"\{(\d+), (\d+), (\d+), (\d+), (\d+), (\d+), \{(\d+), (\d+)\}, (\d+)\}", text):
            c, out, kernel, stride, dilation, groups, width, height, times = map(int, numbers)
            layer = to(torch.nn.Conv2d(c, out, kernel, stride, kernel // 2 * dilation, dilation, groups))
            layers += [(layer, to(torch.randn(1, c, height, width)))] * times
        yield f"RVM's convolutions, {kind}", lambda layers=layers: [torch.relu_(layer(x)) for layer, x in layers]


def deform(to):
    try:
        import torchvision
    except ImportError:
        print("torchvision is not installed: no deformable convolution")
        return
    c = 64
    for w, h in [(240, 135), (480, 270)]:
        x, offset = to(torch.randn(1, c, h, w)), to(2 * torch.randn(1, 18, h, w))
        modulation, weight, bias = to(torch.rand(1, 9, h, w)), to(torch.randn(c, c, 3, 3) / 24), to(torch.randn(c))
        yield (f"deformable conv 3x3, {c} channels, {w}x{h}",
               lambda: torchvision.ops.deform_conv2d(x, offset, weight, bias, padding=1, mask=modulation))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device: nothing is measured")
        return
    torch.set_grad_enabled(False)
    lines = [f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, {torch.cuda.get_device_name()}", "",
             "| task | type | eager, ms | CUDA graph, ms |", "|---|---|---:|---:|"]
    for label, dtype, tf32 in TYPES:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32

        def to(value):
            value = value.to("cuda", dtype)
            four = isinstance(value, torch.nn.Module) or value.dim() == 4
            return value.to(memory_format=torch.channels_last) if four else value
        for tasks in (rvm, convolutions, gru, deform):
            for name, body in tasks(to):
                times = []
                for make in (lambda b: b, graph_of):
                    try:
                        times.append(f"{median_ms(make(body)):.3f}")
                    except (RuntimeError, NotImplementedError) as error:
                        times.append(str(error).splitlines()[0][:60])
                lines.append(f"| {name} | {label} | {times[0]} | {times[1]} |")
                print(lines[-1], flush=True)
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
