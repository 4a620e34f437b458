#!/usr/bin/env python3
"""Mattes of moving subjects against their exact alpha: the table of bench/results/mattes.md.

    pip install numpy pillow
    bench/matte_table.py --weights rvm.safetensors [--data FOLDER] [--program build/demo/cinebokeh] [--work FOLDER]

Every cut-out of DATA/people/magick_rgba moves over every picture of DATA/people/bg20k: it sways sideways and comes nearer
and goes back by some percent, while the background drifts the other way. Composites are of sRGB codes, as the data sets
are that networks are trained with. What is in the work folder already is not made again.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

ANIMALS = {"kD1TgPCBzE"}  # a lion: Robust Video Matting knows people only
METHODS = {"Robust Video Matting": ["rvm"],
           "... upsampled as published": ["rvm", "--upsampling", "published"],
           "classical pipeline": ["auto"]}
MEASURES = {"IoU": 1, "MAD": 1e3, "MSE": 1e3, "gradient": 1e-3, "connectivity": 1e-3, "dtSSD": 1e2}  # name: factor
HEADINGS = ["IoU", "MAD / 1000", "MSE / 1000", "gradient * 1000", "connectivity * 1000", "dtSSD / 100"]


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")


def planes(picture):
    """Float planes of a picture, colours weighted by alpha where it has one."""
    values = np.asarray(picture, np.float32) / 255
    if values.shape[2] == 4:
        values[..., :3] *= values[..., 3:]
    return [Image.fromarray(np.ascontiguousarray(values[..., c])) for c in range(values.shape[2])]


def moved(channels, size, scale, left, top):
    """The planes on a canvas of `size`, their corner at (left, top): [h, w, channels]."""
    inverse = (1 / scale, 0, -left / scale, 0, 1 / scale, -top / scale)
    return np.stack([np.asarray(c.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR))
                     for c in channels], -1)


def shrunk(channels, size):
    return [c.resize(size, Image.Resampling.LANCZOS) for c in channels]


def write_png(folder, index, values):
    codes = (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
    Image.fromarray(codes).save(folder / f"{index:05d}.png", compress_level=1)


def composite(options, size, subject, background, folder):
    """Frames and true mattes of one video."""
    width, height = size
    frames, mattes = folder / "frames", folder / "mattes"
    if (mattes / f"{options.frames - 1:05d}.png").exists():
        return
    frames.mkdir(parents=True, exist_ok=True), mattes.mkdir(exist_ok=True)
    cut = planes(Image.open(subject).convert("RGBA"))
    side = round(height * 1.05)  # they are square, and cut off below: the edge stays below the frame
    cut = shrunk(cut, (side, side))
    scenery = planes(Image.open(background).convert("RGB"))
    ratio = max(1.15 * width / scenery[0].width, height / scenery[0].height)
    scenery = shrunk(scenery, [math.ceil(ratio * length) for length in scenery[0].size])
    for i in range(options.frames):
        phase = 2 * math.pi * i / 24
        scale = 1 + 0.05 * math.sin(phase / 2)
        left = (width - scale * side) / 2 + 0.12 * width * math.sin(phase)
        person = moved(cut, (width, height), scale, left, height - 0.98 * scale * side)
        person = np.clip(person, 0, 1)  # the resampling filter has negative lobes
        drift = (scenery[0].width - width) * (0.5 - 0.5 * math.sin(phase))
        behind = moved(scenery, (width, height), 1, -drift, (height - scenery[0].height) / 2)
        write_png(frames, i, person[..., :3] + (1 - person[..., 3:]) * behind)
        write_png(mattes, i, person[..., 3])


def scores(options, folder, method):
    """The measures of one video, by name."""
    subject, *arguments = METHODS[method]
    name = "-".join(METHODS[method]).replace("--", "")
    cached = folder / f"{name}.json"
    if not cached.exists():
        weights = ["--weights", options.weights] if subject == "rvm" else []
        result = folder / name
        run(options.program, "matte", folder / "frames", "--subject", subject, *arguments, *weights, "--backend", "cpu",
            "--quiet", "-o", result)
        run(options.program, "eval", "matte", result, folder / "mattes", "--json", cached)
    return json.loads(cached.read_text())


def table(results, subjects):
    lines = ["| | " + " | ".join(HEADINGS) + " |", "|---" * (len(HEADINGS) + 1) + "|"]
    for method in METHODS:
        chosen = [value for (subject, _, m), value in results.items() if m == method and subject in subjects]
        cells = [f"{np.mean([v[measure] for v in chosen]) * factor:.3f}" for measure, factor in MEASURES.items()]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return lines


def write(options, all_results):
    """`all_results`: the results of each size."""
    first = next(iter(all_results.values()))
    subjects = sorted({subject for subject, _, _ in first})
    people = [s for s in subjects if s not in ANIMALS]
    videos = len({(s, b) for s, b, _ in first if s in people})
    lines = [
        "# Mattes against exact alpha", "",
        f"{videos} videos of {options.frames} frames: {len(people)} cut-outs of people (magick_rgba) that move over four "
        "photographs (bg20k). Means over videos of the means over frames; IoU of matte > 0.5; for all others, lower is "
        "better.",
        "Written by `bench/matte_table.py --weights rvm.safetensors`; the weights are those of `cinebokeh weights import "
        "model.json`.", "",
        "The network works on frames of at most 512 pixels. From there to the frame its matte comes by `GuidedUpsampling`, or, \"as "
        "published\", by the guided filter of the weights. The classical pipeline finds the subject of the first frame by "
        "itself (`--subject auto`) and follows it. What people hold is part of the truth: the network leaves out the "
        "crown of 7dR5OMivQ1."]
    for (width, height), results in all_results.items():
        lines += ["", f"## {width}x{height}", ""] + table(results, people)
        lines += ["", "Each cut-out, MAD / 1000 over the four backgrounds:", "",
                  "| cut-out | " + " | ".join(METHODS) + " |", "|---" * (len(METHODS) + 1) + "|"]
        for subject in subjects:
            name = subject + (" (a lion, not counted above)" if subject in ANIMALS else "")
            cells = [", ".join(f"{1000 * value['MAD']:.1f}" for (s, _, m), value in results.items()
                               if s == subject and m == method) for method in METHODS]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "mattes.md").write_text("\n".join(lines) + "\n")


def size_of(text):
    width, height = map(int, text.split("x"))
    return width, height


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/demo/cinebokeh")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", type=pathlib.Path, default=root.parent / "shared" / "data")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", type=size_of, nargs="+", default=[(640, 360), (1280, 720)])
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "cinebokeh_mattes")
    parser.add_argument("--out", type=pathlib.Path, default=root / "bench" / "results")
    options = parser.parse_args()
    people = options.data / "people"
    subjects, backgrounds = sorted((people / "magick_rgba").glob("*.png")), sorted((people / "bg20k").glob("*.jpg"))
    if not subjects or not backgrounds:
        sys.exit(f"'{people}' holds no cut-outs or no backgrounds")
    all_results = {}
    for size in options.size:
        results = all_results[size] = {}
        for subject in subjects:
            for background in backgrounds:
                folder = options.work / f"{size[0]}x{size[1]}" / f"{subject.stem}_{background.stem}"
                composite(options, size, subject, background, folder)
                for method in METHODS:
                    results[subject.stem, background.stem, method] = scores(options, folder, method)
            print(f"{size[0]}x{size[1]}, {subject.stem}: done", flush=True)
    write(options, all_results)


if __name__ == "__main__":
    main()
