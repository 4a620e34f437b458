#!/usr/bin/env python3
"""Converts the PyTorch state dict of Robust Video Matting (MobileNetV3) to a .safetensors file for cinebokeh.

    pip install torch safetensors
    python convert.py rvm_mobilenetv3.pth rvm_mobilenetv3.safetensors

Batch normalisation is folded into the convolutions, in double precision.
"""
import argparse

import torch
from safetensors.torch import save_file

# The head of the segmentation pass, which matting does not use.
UNUSED = ("project_seg.",)
# What the learned guided filter consists of. All of the authors' checkpoints have it.
REFINER = ["refiner.box_filter.weight", "refiner.conv.0.weight", "refiner.conv.3.weight", "refiner.conv.6.weight",
           "refiner.conv.6.bias"] + [f"refiner.conv.{layer}.{part}" for layer in (1, 4)
                                     for part in ("weight", "bias", "running_mean", "running_var")]


def epsilon(prefix):
    """The encoder follows MobileNetV3, everything else the default of PyTorch."""
    return 1e-3 if prefix.startswith("backbone.features.") else 1e-5


def folded_name(conv, state):
    """Where a convolution is called "X.0" and its normalisation "X.1", and there is no "X.3": just "X"."""
    prefix, _, last = conv.rpartition(".")
    alone = last == "0" and not any(key.startswith(prefix + ".3.") for key in state)
    return prefix if alone else conv


def normalisation_of(conv, state):
    """The normalisation behind "X.n" is "X.(n + 1)"."""
    prefix, _, last = conv.rpartition(".")
    norm = f"{prefix}.{int(last) + 1}" if last.isdigit() else ""
    return norm if f"{norm}.running_var" in state else None


def fold(state):
    tensors = {}
    for key in state:
        if not key.endswith(".weight") or state[key].dim() != 4 or key.startswith(UNUSED):
            continue
        conv = key[: -len(".weight")]
        weight = state[key].double()
        bias = state[conv + ".bias"].double() if conv + ".bias" in state else None
        norm = normalisation_of(conv, state)
        name = conv
        if norm:
            name = folded_name(conv, state)
            part = {k: state[f"{norm}.{k}"].double() for k in ("weight", "bias", "running_mean", "running_var")}
            factor = part["weight"] / torch.sqrt(part["running_var"] + epsilon(conv))
            weight = weight * factor[:, None, None, None]
            bias = part["bias"] + ((bias if bias is not None else 0) - part["running_mean"]) * factor
        tensors[name + ".weight"] = weight.float().contiguous()
        if bias is not None:
            tensors[name + ".bias"] = bias.float().contiguous()
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="rvm_mobilenetv3.pth")
    parser.add_argument("output", help="the .safetensors file to write")
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    if "decoder.decode4.gru.ih.0.weight" not in state or state["project_mat.conv.weight"].shape[:2] != (4, 16):
        parser.error("this is no state dict of Robust Video Matting")
    if state["decoder.decode4.gru.ih.0.weight"].shape[0] != 128:
        parser.error("this is another variant of Robust Video Matting: only the one with MobileNetV3 is understood")
    missing = [name for name in REFINER if name not in state]
    if missing:
        parser.error(f"the weights of the guided filter are missing or incomplete: there is no {', '.join(missing)}")
    save_file(fold(state), arguments.output, metadata={
        "architecture": "rvm_mobilenetv3",
        "refiner": "deep_guided_filter",
        "input_range": "0 1",
        "mean": "0.485 0.456 0.406",
        "std": "0.229 0.224 0.225",
        "licence": "GPL-3.0",
        "origin": "https://github.com/PeterL1n/RobustVideoMatting, PyTorch checkpoint",
    })


if __name__ == "__main__":
    main()
