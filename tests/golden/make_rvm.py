#!/usr/bin/env python3
"""Writes rvm.safetensors: what Robust Video Matting, written down here from the description of the network, makes of
seeded random frames with seeded random weights. tests/test_rvm.cpp makes the same frames and weights.

    pip install torch safetensors
    python make_rvm.py            # writes rvm.safetensors beside this file
    python make_rvm.py model.onnx # exports the network at 512 x 288 instead, for timings

Batch normalisation is folded away, so a layer is a convolution with a bias.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

# in, expanded, out, kernel, stride, dilation, squeeze-and-excite, hardswish
BLOCKS = [(16, 16, 16, 3, 1, 1, 0, 0), (16, 64, 24, 3, 2, 1, 0, 0), (24, 72, 24, 3, 1, 1, 0, 0),
          (24, 72, 40, 5, 2, 1, 1, 0), (40, 120, 40, 5, 1, 1, 1, 0), (40, 120, 40, 5, 1, 1, 1, 0),
          (40, 240, 80, 3, 2, 1, 0, 1), (80, 200, 80, 3, 1, 1, 0, 1), (80, 184, 80, 3, 1, 1, 0, 1),
          (80, 184, 80, 3, 1, 1, 0, 1), (80, 480, 112, 3, 1, 1, 1, 1), (112, 672, 112, 3, 1, 1, 1, 1),
          (112, 672, 160, 5, 1, 2, 1, 1), (160, 960, 160, 5, 1, 2, 1, 1), (160, 960, 160, 5, 1, 2, 1, 1)]
SQUEEZED = {72: 24, 120: 32, 480: 120, 672: 168, 960: 240}


class Pcg:
    """PCG32, as cinebokeh/core/random.hpp has it."""

    def __init__(self, seed):
        self.state = 0
        self.next()
        self.state = (self.state + seed) & (2**64 - 1)
        self.next()

    def next(self):
        old = self.state
        self.state = (old * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        shifted, rotation = (((old >> 18) ^ old) >> 27) & 0xFFFFFFFF, old >> 59
        return ((shifted >> rotation) | (shifted << ((32 - rotation) & 31))) & 0xFFFFFFFF

    def symmetric(self, count):
        """Numbers in [-1, 1)."""
        return np.array([self.next() >> 8 for _ in range(count)], np.float32) * np.float32(2.0**-23) - np.float32(1)


def layer_list():
    """name, out, in / groups, kernel, has a bias; in the order of the network."""
    layers = [("backbone.features.0", 16, 3, 3, True)]
    for i, (cin, mid, out, k, _, _, squeeze, _) in enumerate(BLOCKS):
        prefix, j = f"backbone.features.{i + 1}.block.", 0
        if mid != cin:
            layers.append((f"{prefix}{j}", mid, cin, 1, True))
            j += 1
        layers.append((f"{prefix}{j}", mid, 1, k, True))
        j += 1
        if squeeze:
            layers += [(f"{prefix}{j}.fc1", SQUEEZED[mid], mid, 1, True), (f"{prefix}{j}.fc2", mid, SQUEEZED[mid], 1, True)]
            j += 1
        layers.append((f"{prefix}{j}", out, mid, 1, True))
    layers += [("backbone.features.16", 960, 160, 1, True), ("aspp.aspp1", 128, 960, 1, True),
               ("aspp.aspp2.1", 128, 960, 1, False),
               ("decoder.decode4.gru.ih.0", 128, 128, 3, True), ("decoder.decode4.gru.hh.0", 64, 128, 3, True)]
    for level, cin, out in ((3, 171, 80), (2, 107, 40), (1, 59, 32)):
        layers += [(f"decoder.decode{level}.conv", out, cin, 3, True),
                   (f"decoder.decode{level}.gru.ih.0", out, out, 3, True),
                   (f"decoder.decode{level}.gru.hh.0", out // 2, out, 3, True)]
    return layers + [("decoder.decode0.conv.0", 16, 35, 3, True), ("decoder.decode0.conv.3", 16, 16, 3, True),
                     ("project_mat.conv", 4, 16, 1, True), ("refiner.box_filter", 4, 1, 3, False),
                     ("refiner.conv.0", 16, 24, 1, True), ("refiner.conv.3", 16, 16, 1, True),
                     ("refiner.conv.6", 4, 16, 1, True)]


def random_weights(seed):
    """Uniform, of variance 2 / fan-in; biases in [-.1, .1)."""
    random, weights = Pcg(seed), {}
    for name, out, cin, k, bias in layer_list():
        fan = cin * k * k
        values = random.symmetric(out * fan) * np.float32(np.sqrt(np.float32(6) / np.float32(fan)))
        weights[name + ".weight"] = torch.from_numpy(values.reshape(out, cin, k, k))
        if bias:
            weights[name + ".bias"] = torch.from_numpy(random.symmetric(out) * np.float32(0.1))
    return weights


class Network(torch.nn.Module):
    MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self, weights):
        super().__init__()
        for name, value in weights.items():
            self.register_buffer(name.replace(".", "_"), value)
        self.register_buffer("mean", torch.tensor(self.MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(self.STD).view(1, 3, 1, 1))

    def conv(self, x, name, stride=1, dilation=1):
        weight = getattr(self, (name + ".weight").replace(".", "_"))
        bias = getattr(self, (name + ".bias").replace(".", "_"), None)
        return F.conv2d(x, weight, bias, stride, weight.shape[2] // 2 * dilation, dilation, x.shape[1] // weight.shape[1])

    def block(self, x, i):
        cin, mid, out, _, stride, dilation, squeeze, swish = BLOCKS[i]
        prefix, j, activation, y = f"backbone.features.{i + 1}.block.", 0, F.hardswish if swish else F.relu, x
        if mid != cin:
            y, j = activation(self.conv(y, f"{prefix}{j}")), j + 1
        y, j = activation(self.conv(y, f"{prefix}{j}", stride, dilation)), j + 1
        if squeeze:
            gate = F.relu(self.conv(y.mean((2, 3), keepdim=True), f"{prefix}{j}.fc1"))
            y, j = y * F.hardsigmoid(self.conv(gate, f"{prefix}{j}.fc2")), j + 1
        y = self.conv(y, f"{prefix}{j}")
        return x + y if stride == 1 and cin == out else y

    def encoder(self, x):
        x = (x - self.mean) / self.std
        x = F.hardswish(self.conv(x, "backbone.features.0", 2))
        kept = []
        for i in range(15):
            x = self.block(x, i)
            if i in (0, 2, 5):
                kept.append(x)
        x = F.hardswish(self.conv(x, "backbone.features.16"))
        gate = torch.sigmoid(self.conv(x.mean((2, 3), keepdim=True), "aspp.aspp2.1"))
        return kept, F.relu(self.conv(x, "aspp.aspp1")) * gate

    def gru(self, x, h, prefix):
        reset, update = torch.sigmoid(self.conv(torch.cat([x, h], 1), prefix + ".gru.ih.0")).chunk(2, 1)
        candidate = torch.tanh(self.conv(torch.cat([x, reset * h], 1), prefix + ".gru.hh.0"))
        return (1 - update) * h + update * candidate

    def up(self, x, size):
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)[:, :, : size[0], : size[1]]

    def forward(self, src, r1, r2, r3, r4, ratio=1.0):
        small = src
        if ratio != 1:
            small = F.interpolate(src, scale_factor=ratio, mode="bilinear", align_corners=False,
                                  recompute_scale_factor=False)
        features, x = self.encoder(small)
        images = [small]
        for _ in range(3):
            images.append(F.avg_pool2d(images[-1], 2, 2, ceil_mode=True, count_include_pad=False))
        states = [None, r1, r2, r3, r4]
        half = x.shape[1] // 2
        states[4] = self.gru(x[:, half:], r4, "decoder.decode4")
        x = torch.cat([x[:, :half], states[4]], 1)
        for level in (3, 2, 1):
            name, image = f"decoder.decode{level}", images[level]
            x = F.relu(self.conv(torch.cat([self.up(x, image.shape[2:]), features[level - 1], image], 1), name + ".conv"))
            half = x.shape[1] // 2
            states[level] = self.gru(x[:, half:], states[level], name)
            x = torch.cat([x[:, :half], states[level]], 1)
        x = torch.cat([self.up(x, small.shape[2:]), small], 1)
        hidden = F.relu(self.conv(F.relu(self.conv(x, "decoder.decode0.conv.0")), "decoder.decode0.conv.3"))
        out = self.conv(hidden, "project_mat.conv")
        if ratio != 1:
            out = self.refine(src, small, out, hidden)
        return [(out[:, :3] + src).clamp(0, 1), out[:, 3:].clamp(0, 1)] + states[1:]

    def refine(self, src, small, out, hidden):
        def with_mean(x):
            return torch.cat([x, x.mean(1, keepdim=True)], 1)

        guide, box = with_mean(small), lambda x: self.conv(x, "refiner.box_filter")
        mean_x, mean_y = box(guide), box(out)
        covariance, variance = box(guide * out) - mean_x * mean_y, box(guide * guide) - mean_x * mean_x
        a = F.relu(self.conv(torch.cat([covariance, variance, hidden], 1), "refiner.conv.0"))
        a = self.conv(F.relu(self.conv(a, "refiner.conv.3")), "refiner.conv.6")
        b = mean_y - a * mean_x
        a, b = (F.interpolate(t, src.shape[2:], mode="bilinear", align_corners=False) for t in (a, b))
        return a * with_mean(src) + b


def zero_states(height, width):
    states = []
    for channels in (16, 20, 40, 64):
        height, width = (height + 1) // 2, (width + 1) // 2
        states.append(torch.zeros(1, channels, height, width))
    return states


def random_frame(random, height, width):
    """Blocks of 4 x 4 pixels of one random colour, in rows of 8-bit red, green, blue."""
    rows, columns = (height + 3) // 4, (width + 3) // 4
    colours = np.array([random.next() >> 24 for _ in range(rows * columns * 3)], np.uint8).reshape(rows, columns, 3)
    return colours.repeat(4, 0).repeat(4, 1)[:height, :width]


def golden():
    network, tensors = Network(random_weights(1)), {}
    for name, height, width, ratio in (("whole", 29, 44, 1.0), ("refined", 58, 92, 0.5)):
        random = Pcg(2)
        states = zero_states(int(height * ratio), int(width * ratio))
        for i in range(2):
            frame = random_frame(random, height, width)
            src = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
            fgr, pha, *states = network(src, *states, ratio)
            tensors[f"{name}.{i}.alpha"] = pha[0, 0].contiguous()
        tensors[f"{name}.foreground"] = fgr[0].permute(1, 2, 0).half().contiguous()
        for level, state in enumerate(states, 1):
            tensors[f"{name}.r{level}"] = state[0].permute(1, 2, 0).contiguous()
    from safetensors.torch import save_file  # here, since benchmarks import this file for its network alone
    save_file(tensors, pathlib.Path(__file__).parent / "rvm.safetensors", metadata={"made by": "make_rvm.py"})


if __name__ == "__main__":
    with torch.no_grad():
        if len(sys.argv) > 1:
            inputs = (torch.rand(1, 3, 288, 512), *zero_states(288, 512))
            torch.onnx.export(Network(random_weights(1)), inputs, sys.argv[1], dynamo=False, opset_version=17,
                              input_names=["src", "r1i", "r2i", "r3i", "r4i"],
                              output_names=["fgr", "pha", "r1o", "r2o", "r3o", "r4o"])
        else:
            golden()
