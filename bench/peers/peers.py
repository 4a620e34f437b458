"""Runs our program and other libraries on the same files, with as many threads, and prints one table.

    peers.py --ours PROGRAM [--threads N] [--davis FOLDER --sequence NAME] [--only TASK,TASK] [--markdown FILE]

Each row says our time, the peer's, their ratio, and how far the results are apart with the bound that this is held to.
A peer that is not installed is named. Exits with 1 if a result is not within its bound.
"""
import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

import inputs


class Row:
    def __init__(self, task, ours, peer, peer_ms, error="", good=True):
        self.task, self.ours, self.peer, self.peer_ms, self.error, self.good = task, ours, peer, peer_ms, error, good


class Bench:
    def __init__(self, program, folder, threads):
        self.program, self.folder, self.threads, self.rows, self.absent = program, folder, threads, [], []

    def load(self, name):
        return np.load(os.path.join(self.folder, name + ".npy"))

    def ours(self, task):
        """Runs our program: {name: median in ms} of what it timed, and other numbers that it printed."""
        run = subprocess.run([self.program, task, self.folder, str(self.threads)], stdout=subprocess.PIPE, text=True)
        if run.returncode:
            sys.exit(f"{self.program} {task} failed")
        return {name: (float(a), float(b)) for name, a, b in (line.split() for line in run.stdout.splitlines())}

    def time(self, body):
        """The median of at least five calls and half a second, after one to warm up; and what the last call returned."""
        body()
        times, begin = [], time.perf_counter()
        while len(times) < 5 or time.perf_counter() - begin < 0.5:
            start = time.perf_counter()
            result = body()
            times.append((time.perf_counter() - start) * 1e3)
            if time.perf_counter() - begin > 8 and len(times) >= 3:
                break
        return float(np.median(times)), result

    def peer(self, module):
        try:
            return importlib.import_module(module)
        except ImportError as error:
            self.absent.append(f"{module}: {error}")
            return None

    def add(self, *row, **named):
        self.rows.append(Row(*row, **named))


def segmentation_error(bench, labels):
    """Root mean square distance of the pixels' Lab colours from the mean of their superpixel. Every library weighs
    compactness and joins small pieces in its own way, so labels can not be compared, and this only within a quarter."""
    lab = inputs.lab(bench.load("frame")[:, :, :3]).reshape(-1, 3)
    _, index = np.unique(labels.ravel(), return_inverse=True)
    count = np.bincount(index)
    means = np.stack([np.bincount(index, lab[:, c]) / count for c in range(3)], 1)
    return float(np.sqrt(((lab - means[index]) ** 2).sum(1).mean()))


def slic(bench):
    ours = bench.ours("slic")
    labels = bench.load("ours_slic")
    rgb = np.ascontiguousarray(bench.load("frame")[:, :, :3])

    def row(peer, peer_ms, result, task="slic", ms=ours["slic"][0]):
        labels = bench.load("ours_" + task)
        own = segmentation_error(bench, labels)
        # Superpixels that follow the picture as well as the peer's spread their colours no more than a tenth further;
        # the numbers of regions are printed beside it, since more regions spread less.
        theirs = segmentation_error(bench, result)
        bench.add("SLIC 854x480, 1300, with Lab, connectivity and graph", ms, peer, peer_ms, f"colour spread {own:.2f}, theirs {theirs:.2f}; {labels.max() + 1} and "
                  f"{len(np.unique(result))} regions (1.1 x)", own <= 1.1 * theirs)

    if cv2 := bench.peer("cv2"):
        if hasattr(cv2, "ximgproc"):
            def opencv():
                lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
                s = cv2.ximgproc.createSuperpixelSLIC(lab, cv2.ximgproc.SLIC, 18, 10.0)
                s.iterate(10)
                s.enforceLabelConnectivity(50)
                return s.getLabels()
            row("OpenCV ximgproc", *bench.time(opencv))
        else:
            bench.absent.append("cv2.ximgproc: needs opencv-contrib-python")
    if bench.peer("skimage"):
        from skimage.segmentation import slic as peer
        row("scikit-image", *bench.time(lambda: peer(rgb, n_segments=1300, compactness=10, max_num_iter=10, start_label=0)))
    if bench.peer("fast_slic"):
        from fast_slic.avx2 import SlicAvx2
        def fast():
            return SlicAvx2(num_components=1300, compactness=10, num_threads=bench.threads).iterate(rgb, max_iter=10)
        # It keeps pieces of a quarter of a cell, the others those of half a cell.
        row("fast-slic (a third of the rows at a time)", *bench.time(fast), "slic_small", bench.ours("slic_small")["slic_small"][0])
    if bench.peer("skimage"):
        from skimage.graph import RAG
        ms_graph, _ = bench.time(lambda: RAG(labels, connectivity=1))
        bench.add("region graph of those superpixels", ours["graph"][0], "scikit-image RAG", ms_graph)


def region_problem(bench):
    """A graph over our superpixels: mean logits as terminals, mean colours as contrasts."""
    labels, logit = bench.load("ours_slic"), bench.load("logit")
    rgb, n = bench.load("frame")[:, :, :3].astype(np.float64), int(labels.max()) + 1
    count = np.bincount(labels.ravel(), minlength=n)
    mean = lambda v: np.bincount(labels.ravel(), v.ravel(), n) / count
    color = np.stack([mean(rgb[:, :, c]) for c in range(3)], 1)
    pairs = np.concatenate([np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], 1),
                            np.stack([labels[:-1].ravel(), labels[1:].ravel()], 1)])
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    arcs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    distance = ((color[arcs[:, 0]] - color[arcs[:, 1]]) ** 2).sum(1)
    capacities = np.maximum(1, np.rint(4000 * np.exp(-distance / 2000))).astype(np.int32)
    terminal = np.rint(1000 * mean(logit)).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(arcs[:, 0], minlength=n))]).astype(np.int32)
    for name, array in (("offsets", offsets), ("targets", arcs[:, 1].astype(np.int32)), ("arc_capacities", capacities), ("terminal", terminal)):
        np.save(os.path.join(bench.folder, name + ".npy"), array)
    return arcs, capacities, terminal


def graph_cut(bench):
    if not os.path.exists(os.path.join(bench.folder, "ours_slic.npy")):
        bench.ours("slic")
    arcs, capacities, terminal = region_problem(bench)
    ours = bench.ours("graph_cut")
    if maxflow := bench.peer("maxflow"):
        once = arcs[:, 0] < arcs[:, 1]
        a, b, c = arcs[once, 0].astype(np.int32), arcs[once, 1].astype(np.int32), capacities[once]
        sources, sinks = np.maximum(terminal, 0), np.maximum(-terminal, 0)

        def solve():
            g = maxflow.GraphInt(len(terminal), len(a))
            nodes = g.add_grid_nodes(len(terminal))
            g.add_edges(a, b, c, c)
            g.add_grid_tedges(nodes, sources, sinks)
            flow = g.maxflow()
            return flow, ~g.get_grid_segments(nodes)
        ms, (flow, segments) = bench.time(solve)
        different = int((segments != bench.load("ours_graph_cut").ravel().astype(bool)).sum())
        bench.add("cut of the region graph", ours["graph_cut"][0], "PyMaxflow (BK)", ms,
                  f"{different} labels differ, flow {flow} and {int(ours['flow'][0])} (0)", different == 0 and flow == int(ours["flow"][0]))


def grid_cut(bench, neighbours):
    ours = bench.ours(f"grid_{neighbours}")
    if maxflow := bench.peer("maxflow"):
        terminal = bench.load("grid_terminal")
        steps = {"right": (1, 0), "down": (0, 1), "down_right": (1, 1), "down_left": (-1, 1)}
        edges = []
        for name, (dx, dy) in list(steps.items())[:neighbours // 2]:
            structure = np.zeros((3, 3), np.int32)
            structure[1 + dy, 1 + dx] = 1
            edges.append((bench.load("grid_" + name), structure))
        sources, sinks = np.maximum(terminal, 0), np.maximum(-terminal, 0)

        def solve():
            g = maxflow.GraphInt(terminal.size, neighbours * terminal.size // 2)
            nodes = g.add_grid_nodes(terminal.shape)
            for weights, structure in edges:
                g.add_grid_edges(nodes, weights=weights, structure=structure, symmetric=True)
            g.add_grid_tedges(nodes, sources, sinks)
            start = time.perf_counter()
            flow = g.maxflow()
            solve.alone = (time.perf_counter() - start) * 1e3
            return flow, ~g.get_grid_segments(nodes)
        ms, (flow, segments) = bench.time(solve)
        different = int((segments != bench.load(f"ours_grid_{neighbours}").astype(bool)).sum())
        bench.add(f"grid cut 854x480, {neighbours} neighbours, capacities to labels", ours[f"grid_{neighbours}"][0], "PyMaxflow (BK)", ms,
                  f"{different} labels differ (0); its search alone {solve.alone:.0f} ms", different == 0 and flow == int(ours["flow"][0]))


def crf(bench):
    ours = bench.ours("crf")
    if bench.peer("pydensecrf"):
        import pydensecrf.densecrf as dcrf

        rgb, p = np.ascontiguousarray(bench.load("frame")[:, :, :3]), bench.load("probability")
        unary = -np.log(np.stack([1 - p, p])).reshape(2, -1).astype(np.float32).copy()

        def infer():
            d = dcrf.DenseCRF2D(p.shape[1], p.shape[0], 2)
            d.setUnaryEnergy(unary)
            d.addPairwiseGaussian(sxy=3, compat=3, kernel=dcrf.DIAG_KERNEL, normalization=dcrf.NORMALIZE_SYMMETRIC)
            d.addPairwiseBilateral(sxy=50, srgb=13, rgbim=rgb, compat=10, kernel=dcrf.DIAG_KERNEL, normalization=dcrf.NORMALIZE_SYMMETRIC)
            return np.asarray(d.inference(5))[1].reshape(p.shape)
        ms, q = bench.time(infer)
        error = float(np.abs(q - bench.load("ours_crf")).mean())
        bench.add("dense CRF 854x480, 2 labels, 5 iterations, lattices built", ours["crf"][0], "pydensecrf", ms, f"mean |dQ| {error:.1e} (2e-2)", error <= 0.02)


def ncc(bench):
    ours = bench.ours("ncc")
    if cv2 := bench.peer("cv2"):
        patch, bank, valid = bench.load("patch"), bench.load("templates"), bench.load("valid")
        match = lambda t, m: cv2.matchTemplate(patch, t, cv2.TM_CCOEFF_NORMED, mask=m)
        ms, responses = bench.time(lambda: [match(t, m) for t, m in zip(bank, valid)])
        error = np.abs(np.stack(responses) - bench.load("ours_ncc"))
        worst, finite = float(np.nanmax(np.where(np.isfinite(error), error, 0))), int((~np.isfinite(error)).sum())
        bench.add("masked NCC, 20 templates in 320x256, best places", ours["ncc"][0], "OpenCV matchTemplate", ms,
                  f"worst {worst:.1e} (2e-3), {finite} of theirs not finite", worst <= 2e-3)
        bench.add("the same, all responses written", ours["ncc_responses"][0], "OpenCV matchTemplate", ms)


def guided(bench):
    ours = bench.ours("guided")
    cv2 = bench.peer("cv2")
    if cv2 and hasattr(cv2, "ximgproc"):
        guide, matte = np.ascontiguousarray(bench.load("large_frame")[:, :, :3]), bench.load("large_matte")
        ms, out = bench.time(lambda: cv2.ximgproc.guidedFilter(guide, matte, 8, 20.0))
        inner = (slice(20, -20), slice(20, -20))  # theirs reflects at the border
        error = float(np.abs(out - bench.load("ours_guided"))[inner].max())
        bench.add("guided filter 1080p, r=8, colour guide", ours["guided"][0], "OpenCV ximgproc", ms, f"worst {error:.1e} inside (5e-3)", error <= 5e-3)


def disk(bench):
    ours = bench.ours("disk")
    if cv2 := bench.peer("cv2"):
        light, aperture = bench.load("large_light"), bench.load("aperture")[:, :, 0]
        aperture = aperture / aperture.sum()
        ms, out = bench.time(lambda: cv2.filter2D(light, -1, aperture, borderType=cv2.BORDER_REPLICATE))
        error = float(np.abs(out - bench.load("ours_disk")).max())
        bench.add("disk blur 1080p, R=40, 4 channels", ours["disk"][0], "OpenCV filter2D", ms, f"worst {error:.1e} (1e-3)", error <= 1e-3)


def boundary(mask):
    """The boundary map of DAVIS 2016."""
    m = mask.astype(bool)
    east, south, corner = m.copy(), m.copy(), m.copy()
    east[:, :-1], south[:-1], corner[:-1, :-1] = m[:, 1:], m[1:], m[1:, 1:]
    b = (m ^ east) | (m ^ south) | (m ^ corner)
    b[-1], b[:, -1] = (m ^ east)[-1], (m ^ south)[:, -1]
    b[-1, -1] = False
    return b


def measures(bench):
    ours = bench.ours("measures")
    if bench.peer("skimage"):
        from skimage.morphology import dilation, disk as disk_of

        result, truth = bench.load("result"), bench.load("truth")

        def score():
            a, b = result.astype(bool), truth.astype(bool)
            j = (a & b).sum() / (a | b).sum()
            fg, gt = boundary(a), boundary(b)
            near = disk_of(int(np.ceil(0.008 * np.linalg.norm(truth.shape))))
            precision = (fg & dilation(gt, near)).sum() / fg.sum()
            recall = (gt & dilation(fg, near)).sum() / gt.sum()
            return j, 2 * precision * recall / (precision + recall)
        ms, expected = bench.time(score)
        equal = tuple(float(v) for v in expected) == ours["j_and_f"]
        bench.add("J and F of a frame, 854x480", ours["measures"][0], "DAVIS 2016 in scikit-image", ms, "equal to the bit" if equal else f"{expected} is not {ours['j_and_f']}", equal)


def flow(bench, name, prefix):
    ours = bench.ours(name)
    motion, seen = bench.load(prefix + "motion"), bench.load(prefix + "seen")
    error = lambda result: float(np.linalg.norm(result - motion, axis=2)[seen].mean())
    own = error(bench.load("ours_" + name))
    if cv2 := bench.peer("cv2"):
        dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        a, b = bench.load(prefix + "from"), bench.load(prefix + "to")
        ms, out = bench.time(lambda: dis.calc(a, b, None))
        theirs = error(out)
        bench.add(f"DIS optical flow {a.shape[1]}x{a.shape[0]}, fast", ours[name][0], "OpenCV DIS", ms,
                  f"end-point error {own:.3f}, theirs {theirs:.3f} pixels (1.05 x)", own <= 1.05 * theirs)


TASKS = {
    "slic": slic,
    "graph_cut": graph_cut,
    "grid_4": lambda bench: grid_cut(bench, 4),
    "grid_8": lambda bench: grid_cut(bench, 8),
    "crf": crf,
    "ncc": ncc,
    "guided": guided,
    "disk": disk,
    "measures": measures,
    "flow_240": lambda bench: flow(bench, "flow_240", "small_"),
    "flow_480": lambda bench: flow(bench, "flow_480", ""),
}


def table(rows):
    lines = ["| task | ours, ms | peer | peer, ms | ratio | agreement (bound) |", "|---|---|---|---|---|---|"]
    for r in rows:
        error = r.error if r.good else f"**NOT WITHIN ITS BOUND**: {r.error}"
        lines.append(f"| {r.task} | {r.ours:.3g} | {r.peer} | {r.peer_ms:.3g} | {r.peer_ms / r.ours:.1f} | {error} |")
    return "\n".join(lines)


def finish(bench, said, markdown):
    """Prints the table, writes it to a file where one is asked for, and exits."""
    text = f"{said}\n\n{table(bench.rows)}\n"
    if bench.absent:
        text += "\nAbsent peers: " + "; ".join(sorted(set(bench.absent))) + ".\n"
    print(text)
    if markdown:
        with open(markdown, "w") as file:
            file.write(text)
    sys.exit(not all(r.good for r in bench.rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--davis")
    parser.add_argument("--sequence", default="blackswan")
    parser.add_argument("--frame", type=int, default=10)
    parser.add_argument("--only", default=",".join(TASKS))
    parser.add_argument("--markdown")
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - set(TASKS)
    if unknown:
        parser.error(f"no such task: {', '.join(sorted(unknown))}")

    if "cv2" not in sys.modules and importlib.util.find_spec("cv2"):
        import cv2
        cv2.setNumThreads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.ours, folder, options.threads)
        if options.davis:
            frames, truth = inputs.davis_clip(options.davis, options.sequence, options.frame)
            source = f"DAVIS 2016, {options.sequence}, frame {options.frame}"
        else:
            frames, truth = inputs.synthetic_clip()
            source = "a synthetic clip"
        inputs.write_all(folder, frames, truth)
        for name in options.only.split(","):
            TASKS[name](bench)
    finish(bench, f"On {source}; {options.threads} threads each (PyMaxflow, pydensecrf and scikit-image have one).", options.markdown)


if __name__ == "__main__":
    main()
