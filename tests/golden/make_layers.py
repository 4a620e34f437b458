"""Writes layers.safetensors: what PyTorch and torchvision make of small seeded tensors, for test_golden_layers.

Tensors are NHWC, weights are in PyTorch's own order. Needs torch, torchvision, safetensors.
"""
import os

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from safetensors.numpy import save_file

torch.manual_seed(5)
tensors = {}


def put(name, tensor):
    tensors[name] = np.ascontiguousarray(tensor.detach().numpy().astype(np.float32))
    return tensor


def image(name, c, h=5, w=7):
    x = torch.randn(1, c, h, w)
    put(name, x.permute(0, 2, 3, 1))
    return x


def result(name, x):
    put(name, x.permute(0, 2, 3, 1))


def weights(name, module):
    for key, value in module.state_dict().items():
        if value.dim():
            put(f"{name}.{key}", value)


# A convolution with batch normalisation of an unusual eps, and one that is depthwise and dilated.
x = image("conv.in", 6)
conv, norm = torch.nn.Conv2d(6, 10, 3, stride=2, padding=1, bias=False), torch.nn.BatchNorm2d(10, eps=1e-3).eval()
for p in (norm.weight, norm.bias, norm.running_mean):
    p.data.uniform_(-1, 1)
norm.running_var.data.uniform_(0.001, 2)
weights("conv", conv), weights("conv.norm", norm)
result("conv.out", F.hardswish(norm(conv(x))))
depthwise = torch.nn.Conv2d(6, 6, 5, padding=4, dilation=2, groups=6)
weights("depthwise", depthwise)
result("depthwise.out", F.relu6(depthwise(x)))

x = image("activation.in", 3, 4, 5) * 4
put("activation.in", x.permute(0, 2, 3, 1))
for f in ("relu", "relu6", "hardswish", "hardsigmoid", "sigmoid", "tanh", "leaky_relu", "elu"):
    result(f"activation.{f}", getattr(F if hasattr(F, f) else torch, f)(x))

x = image("resize.in", 2)
result("pool.ceil", F.avg_pool2d(x, 2, 2, count_include_pad=False, ceil_mode=True))
result("pool.padded", F.avg_pool2d(x, 3, 2, padding=1, count_include_pad=True, ceil_mode=True))
result("pool.largest", F.max_pool2d(x, 3, 2, padding=1))
result("resize.twice", F.interpolate(x, size=(10, 14), mode="bilinear", align_corners=False))
result("resize.corners", F.interpolate(x, size=(8, 9), mode="bilinear", align_corners=True))
result("resize.scale", F.interpolate(x, scale_factor=0.55, mode="bilinear", align_corners=False,
                                     recompute_scale_factor=False))
result("resize.recomputed", F.interpolate(x, scale_factor=0.55, mode="bilinear", align_corners=False,
                                          recompute_scale_factor=True))
result("resize.nearest", F.interpolate(x, size=(8, 9), mode="nearest"))
x = image("shuffle.in", 8, 3, 2)
result("shuffle.out", F.pixel_shuffle(x, 2))

# Squeeze-excite and LR-ASPP, from their definitions.
x = image("squeeze.in", 6)
fc1, fc2 = torch.nn.Conv2d(6, 4, 1), torch.nn.Conv2d(4, 6, 1)
weights("squeeze.fc1", fc1), weights("squeeze.fc2", fc2)
mean = x.mean((2, 3), keepdim=True)
result("squeeze.out", x * F.hardsigmoid(fc2(F.relu(fc1(mean)))))
features, gate = torch.nn.Conv2d(6, 5, 1), torch.nn.Conv2d(6, 5, 1, bias=False)
weights("aspp.features", features), weights("aspp.gate", gate)
result("aspp.out", F.relu(features(x)) * torch.sigmoid(gate(mean)))

# ConvGRU, two steps, with both meanings of z.
ih, hh = torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.Conv2d(8, 4, 3, padding=1)
weights("gru.gates", ih), weights("gru.candidate", hh)
a, b = image("gru.in0", 4), image("gru.in1", 4)
for name, weighs_candidate in (("gru.weighs_candidate", True), ("gru.weighs_state", False)):
    h = torch.zeros_like(a)
    for x in (a, b):
        r, z = torch.sigmoid(ih(torch.cat([x, h], 1))).chunk(2, 1)
        c = torch.tanh(hh(torch.cat([x, r * h], 1)))
        h = (1 - z) * h + z * c if weighs_candidate else z * h + (1 - z) * c
    result(name, h)

# Deformable convolution: two groups of weights, two of offsets, stride and dilation, with and without modulation.
x = image("deform.in", 4, 6, 7)
weight, bias = put("deform.weight", torch.randn(6, 2, 3, 3)), put("deform.bias", torch.randn(6))
size = dict(stride=(2, 2), padding=(2, 2), dilation=(2, 2))
offset = torch.randn(1, 36, 3, 4) * 2
modulation = torch.rand(1, 18, 3, 4)
result("deform.offset", offset), result("deform.modulation", modulation)
result("deform.v1", torchvision.ops.deform_conv2d(x, offset, weight, bias, **size))
result("deform.v2", torchvision.ops.deform_conv2d(x, offset, weight, bias, mask=modulation, **size))

save_file(tensors, os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.safetensors"),
          metadata={"origin": f"tests/golden/make_layers.py, torch {torch.__version__}, torchvision {torchvision.__version__}"})
for name, value in tensors.items():
    print(name, value.shape)
