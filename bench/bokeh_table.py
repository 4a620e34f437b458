#!/usr/bin/env python3
"""Every renderer on generated test videos, with exact and with corrupted disparity: the table and the plot of
bench/results/bokeh.md, like Table 1 and Figure 5 of "Video bokeh rendering: make casual videography cinematic" (2024).

    bench/bokeh_table.py [--program build/demo/cinebokeh] [--videos 30] [--frames 4] [--work FOLDER]
                         [--out bench/results] [--name bokeh]

Videos are scenes of 9 objects with seeds 1, 2, ...; their camera moves take turns: blur, focus, rack. What is in the
work folder already is not made again, so a run that was stopped can be continued.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

MOVES = ["blur", "focus", "rack"]
LEVELS = ["exact", "I", "II", "III", "IV"]
RENDERERS = ["exact", "layered", "layered, with the subject's matte", "bucketed", "fixed-layers", "plain-scatter"]
MEASURES = ["PSNR", "SSIM", "PSNR_ob", "SSIM_ob", "PSNR_away", "consistency"]
COLOURS = ["#1b7837", "#2166ac", "#67a9cf", "#b2182b", "#e08214", "#777777"]


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")


def make_scene(options, seed):
    folder = options.work / str(seed)
    if not (folder / "bokeh" / f"{options.frames - 1:05d}.png").exists():
        run(options.program, "scene", "--seed", seed, "--move", MOVES[(seed - 1) % 3], "--objects", 9, "--frames",
            options.frames, "--size", options.size, "--corrupt", "I,II,III,IV", "--quiet", "-o", folder)
    return folder


def scores(options, scene, renderer, level):
    """The means of one rendered video, by the name of the measure."""
    name = f"{RENDERERS.index(renderer)}_{level}"
    cached = scene / f"{name}.json"
    if not cached.exists():
        disparity = scene / ("disparity" if level == "exact" else f"disparity_{level}")
        matte = ["--matte", scene / "mattes"] if "matte" in renderer else []
        with tempfile.TemporaryDirectory(dir=options.work) as out:
            run(options.program, "blur", scene / "frames", "--disparity", disparity, "--focus-track",
                scene / "focus.json", "--renderer", renderer.split(",")[0], *matte, "--backend", "cpu", "--quiet",
                "-o", out)
            run(options.program, "eval", "bokeh", out, scene, "--json", cached)
    return {measure: value["mean"] for measure, value in json.loads(cached.read_text()).items()}


def mean(values):
    numbers = [value for value in values if isinstance(value, (int, float))]  # neither nothing nor infinity
    return sum(numbers) / len(numbers) if numbers else math.nan


def text_of(measure, value):
    digits = {"SSIM": 3, "SSIM_ob": 3, "consistency": 4}.get(measure, 1)
    return f"{value:.{digits}f}"


def table(results, level):
    better = {m: (min if m == "consistency" else max) for m in MEASURES}
    best = {m: better[m](results[r][level][m] for r in RENDERERS) for m in MEASURES}
    lines = ["| renderer | " + " | ".join(MEASURES) + " |", "|---" * (len(MEASURES) + 1) + "|"]
    for renderer in RENDERERS:
        cells = []
        for m in MEASURES:
            value = results[renderer][level][m]
            cells.append(f"**{text_of(m, value)}**" if value == best[m] else text_of(m, value))
        lines.append(f"| {renderer} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(results, measure, left, top, width, height):
    """One diagram of the SVG: a measure over the levels of corruption, a line for each renderer."""
    values = [results[r][level][measure] for r in RENDERERS for level in LEVELS]
    low, high = min(values), max(values)
    span = (high - low) or 1
    x = lambda i: left + 45 + i * (width - 60) / (len(LEVELS) - 1)
    y = lambda v: top + height - 30 - (v - low) / span * (height - 60)
    out = [f'<text x="{left + width / 2}" y="{top + 15}" text-anchor="middle" font-weight="bold">{measure}</text>']
    for k in range(5):
        value = low + span * k / 4
        out.append(f'<line x1="{x(0)}" x2="{x(4)}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left + 40}" y="{y(value) + 4:.1f}" text-anchor="end">{text_of(measure, value)}</text>')
    for i, level in enumerate(LEVELS):
        out.append(f'<text x="{x(i):.1f}" y="{top + height - 10}" text-anchor="middle">{level}</text>')
    for renderer, colour in zip(RENDERERS, COLOURS):
        points = " ".join(f"{x(i):.1f},{y(results[renderer][level][measure]):.1f}" for i, level in enumerate(LEVELS))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return "\n".join(out)


def figure(results):
    width, height, columns = 300, 210, 3
    shown = MEASURES
    rows = -(-len(shown) // columns)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * width}" height="{rows * height + 60}" '
           'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>']
    for i, measure in enumerate(shown):
        out.append(plot(results, measure, i % columns * width, i // columns * height, width, height))
    for i, (renderer, colour) in enumerate(zip(RENDERERS, COLOURS)):
        left, top = 20 + i % 3 * width, rows * height + 20 + i // 3 * 20
        out.append(f'<line x1="{left}" x2="{left + 25}" y1="{top}" y2="{top}" stroke="{colour}" stroke-width="3"/>')
        out.append(f'<text x="{left + 32}" y="{top + 4}">{renderer}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def write(options, results):
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.name}.svg").write_text(figure(results))
    lines = [
        "# Bokeh against ray-traced truth", "",
        f"{options.videos} generated videos of {options.frames} frames, {options.size}, 9 objects each; the three camera "
        "moves take turns. Means over videos of the means over frames.",
        "Written by `bench/bokeh_table.py`" +
        ("" if (options.videos, options.frames) == (30, 4) else f" --videos {options.videos} --frames {options.frames} --name {options.name}") +
        ".", "",
        "PSNR in dB and SSIM of sRGB codes; _ob: near depth boundaries, where blur crosses an edge; _away: neither there "
        "nor where the blur reaches beyond the frame; consistency: the mean change from frame to frame that the truth "
        "does not make, of 1 (lower is better). The paper does not say how its own is scaled.", "",
        "Each renderer gets 8-bit frames and the disparity; what is hidden behind an object, and beyond the frame, only "
        "the ray tracer knows.", "", "## Exact disparity", "", table(results, "exact"), "",
        "For comparison, from Table 1 of the paper, on its own test set (300 videos, 256x256, 9 objects): RVR 23.8 / "
        "0.859 / 22.3 / 0.878, SteReFo 27.5 / 0.923 / 25.6 / 0.882 (PSNR / SSIM / PSNR_ob / SSIM_ob).", "",
        "## Corrupted disparity", "", f"![Measures over the levels of corruption]({options.name}.svg)", "",
        "I: blurred; II: also eroded or dilated; III: also deformed; IV: also scaled by 0.9 to 1.1, frame by frame "
        "(`cinebokeh scene --corrupt`).", ""]
    for level in LEVELS[1:]:
        lines += [f"### Level {level}", "", table(results, level), ""]
    (options.out / f"{options.name}.md").write_text("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/demo/cinebokeh")
    parser.add_argument("--videos", type=int, default=30)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--size", default="256x256")
    parser.add_argument("--name", default="bokeh", help="of the table and the plot")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "cinebokeh_bokeh")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "results")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    collected = {renderer: {level: [] for level in LEVELS} for renderer in RENDERERS}
    for seed in range(1, options.videos + 1):
        scene = make_scene(options, seed)
        for renderer in RENDERERS:
            for level in LEVELS:
                collected[renderer][level].append(scores(options, scene, renderer, level))
        print(f"{seed} of {options.videos} videos", flush=True)
    results = {r: {level: {m: mean([s[m] for s in collected[r][level]]) for m in MEASURES} for level in LEVELS}
               for r in RENDERERS}
    write(options, results)


if __name__ == "__main__":
    main()
