"""Writes the inputs of all tasks as .npy files: a frame with its truth and the frame after it, and what is made of them.

The frames are those of a DAVIS sequence (--davis FOLDER --sequence NAME), or else of a synthetic clip.
"""
import os

import numpy as np
import scipy.ndimage

SIZE = (854, 480)
LARGE = (1920, 1080)


def davis_clip(root, sequence, index):
    from PIL import Image

    def read(kind, i, extension):
        return np.asarray(Image.open(os.path.join(root, kind, "480p", sequence, f"{i:05d}.{extension}")))

    frames = [np.ascontiguousarray(read("JPEGImages", index + i, "jpg")[:, :, :3]) for i in (0, 1)]
    truth = read("Annotations", index, "png")
    return frames, ((truth if truth.ndim == 2 else truth[:, :, 0]) > 127).astype(np.uint8)


def synthetic_clip():
    """Textured blobs on a textured background; the subject moves by (3, 1) pixels."""
    random = np.random.default_rng(1)
    width, height = SIZE
    texture = [scipy.ndimage.gaussian_filter(random.normal(size=(height, width, 3)), (s, s, 0)) * s for s in (1, 4, 16)]
    background = 120 + 25 * sum(texture)
    subject = np.roll(190 - 20 * sum(texture), 200, axis=1) * [1.0, 0.7, 0.5]
    y, x = np.mgrid[0:height, 0:width]
    frames, masks = [], []
    for step in (0, 1):
        u, v = (x - 400 - 3 * step) / 150.0, (y - 250 - step) / 170.0
        mask = u * u + v * v + 0.3 * np.sin(5 * np.arctan2(v, u)) < 1
        frames.append(np.where(mask[:, :, None], np.roll(subject, (step, 3 * step), (0, 1)), background).clip(0, 255).astype(np.uint8))
        masks.append(mask.astype(np.uint8))
    return frames, masks[0]


def luma(rgb):
    return ((rgb.astype(np.int64) @ np.array([9798, 19235, 3735]) + (1 << 14)) >> 15).astype(np.uint8)


def lab(rgb):
    """CIE Lab of sRGB bytes, relative to D65."""
    code = rgb / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    t = linear @ (matrix / matrix.sum(1, keepdims=True)).T
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def enlarged(image, size):
    """Bilinear; only to have a picture of that size."""
    y = np.linspace(0, image.shape[0] - 1, size[1])
    x = np.linspace(0, image.shape[1] - 1, size[0])
    y0, x0 = np.minimum(y.astype(int), image.shape[0] - 2), np.minimum(x.astype(int), image.shape[1] - 2)
    v, u = (y - y0)[:, None, None], (x - x0)[None, :, None]
    p = image.reshape(image.shape[0], image.shape[1], -1).astype(np.float32)
    rows = lambda r: p[r][:, x0] * (1 - u) + p[r][:, x0 + 1] * u
    return (rows(y0) * (1 - v) + rows(y0 + 1) * v).reshape(size[1], size[0], *image.shape[2:])


def color_logit(frame, truth):
    """Log of foreground over background by smoothed colour histograms: terminals of either sign, as a tracker has them."""
    bins = (frame // 16).astype(int)
    index = (bins[:, :, 0] * 16 + bins[:, :, 1]) * 16 + bins[:, :, 2]
    share = [np.bincount(index[truth == c], minlength=4096).astype(np.float64) for c in (0, 1)]
    share = [scipy.ndimage.gaussian_filter(s.reshape(16, 16, 16), 0.7).ravel() / max(s.sum(), 1) for s in share]
    return np.clip(np.log((share[1] + 1e-5) / (share[0] + 1e-5)), -6, 6)[index]


def grid_capacities(frame, logit, strength=3.0, scale=1000):
    image = frame.astype(np.float64)
    h, w = logit.shape
    steps = {"right": (1, 0), "down": (0, 1), "down_right": (1, 1), "down_left": (-1, 1)}
    squares = {}
    for name, (dx, dy) in steps.items():
        square = np.full((h, w), np.nan)
        ys, xs = slice(0, h - dy), slice(max(0, -dx), w - max(0, dx))
        shifted = image[dy:, max(0, dx):w + min(0, dx)]
        square[ys, xs] = ((image[ys, xs] - shifted) ** 2).sum(2)
        squares[name] = square
    beta = 1 / (2 * np.nanmean(np.concatenate([squares["right"].ravel(), squares["down"].ravel()])))
    out = {"terminal": np.rint(logit * scale).astype(np.int32)}
    for name, (dx, dy) in steps.items():
        weight = strength / np.hypot(dx, dy) * (0.02 + 0.98 * np.exp(-beta * squares[name]))
        out[name] = np.where(np.isnan(weight), 0, np.rint(np.nan_to_num(weight) * scale)).astype(np.int32)
    return out


def templates(frame, truth, count=20, patch=(320, 256)):
    """A patch around the subject, and masked pieces of the next frame that are looked for in it."""
    h, w = truth.shape
    y, x = np.nonzero(truth)
    left = int(np.clip(x.mean() - patch[0] / 2, 0, w - patch[0]))
    top = int(np.clip(y.mean() - patch[1] / 2, 0, h - patch[1]))
    size = (patch[0] * 2 // 5, patch[1] * 2 // 5)
    random = np.random.default_rng(2)
    v, u = np.mgrid[-1:1:size[1] * 1j, -1:1:size[0] * 1j]
    bank, valid = [], []
    for i in range(count):
        x0 = left + int(random.integers(0, patch[0] - size[0]))
        y0 = top + int(random.integers(0, patch[1] - size[1]))
        bank.append(luma(frame[1])[y0:y0 + size[1], x0:x0 + size[0]])
        valid.append((u * u + v * v + 0.2 * np.sin(i + 4 * np.arctan2(v, u)) < 1).astype(np.uint8))
    return luma(frame[0])[top:top + patch[1], left:left + patch[0]], np.stack(bank), np.stack(valid)


def affine(degrees, zoom, shift):
    """A turn and a zoom about the middle of the frame, and a shift: x -> matrix x + offset, (x, y) in pixels."""
    c, s = zoom * np.cos(np.radians(degrees)), zoom * np.sin(np.radians(degrees))
    matrix, middle = np.array([[c, -s], [s, c]]), np.array(SIZE) / 2
    return matrix, middle + np.array(shift) - matrix @ middle


def known_motion(frame, truth):
    """The frame after a motion that is known: subject and background move apart, each as a whole; sensor noise.

    Returns the later frame, the flow [h, w, 2] from the earlier one, and where that is seen in both.
    """
    h, w = truth.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    nearest = scipy.ndimage.distance_transform_edt(truth, return_indices=True, return_distances=False)
    layers = [frame[tuple(nearest)].astype(np.float64), frame.astype(np.float64)]  # what lies behind the subject is made up
    motions = [affine(0.4, 1.01, (4.5, -2.2)), affine(-0.8, 0.99, (-5.3, 2.6))]

    def moved(image, motion, order):
        inverse = np.linalg.inv(motion[0])
        u, v = x - motion[1][0], y - motion[1][1]
        at = (inverse[1, 0] * u + inverse[1, 1] * v, inverse[0, 0] * u + inverse[0, 1] * v)
        planes = image if image.ndim == 3 else image[:, :, None]
        return np.dstack([scipy.ndimage.map_coordinates(planes[:, :, c], at, order=order, mode="nearest") for c in range(planes.shape[2])])

    cover = moved(truth.astype(np.float64), motions[1], 1)
    later = moved(layers[1], motions[1], 3) * cover + moved(layers[0], motions[0], 3) * (1 - cover)
    later = later + np.random.default_rng(3).normal(0, 2, later.shape)
    ends = [np.dstack([m[0, 0] * x + m[0, 1] * y + t[0], m[1, 0] * x + m[1, 1] * y + t[1]]) for m, t in motions]
    end = np.where(truth[:, :, None] > 0, ends[1], ends[0])
    inside = (end >= 0).all(2) & (end[:, :, 0] <= w - 1) & (end[:, :, 1] <= h - 1)
    covered = scipy.ndimage.map_coordinates(cover[:, :, 0], (end[:, :, 1], end[:, :, 0]), order=1, mode="nearest") > 0
    flow = (end - np.dstack([x, y])).astype(np.float32)
    return later.clip(0, 255).round().astype(np.uint8), flow, inside & ((truth > 0) | ~covered)


def write_all(folder, frames, truth):
    save = lambda name, array: np.save(os.path.join(folder, name + ".npy"), np.ascontiguousarray(array))
    opaque = lambda rgb: np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    save("frame", opaque(frames[0]))
    save("truth", truth)
    save("result", np.roll(scipy.ndimage.binary_erosion(truth, iterations=2), (2, 3), (0, 1)).astype(np.uint8))
    save("probability", np.where(truth, 0.7, 0.3).astype(np.float32))
    logit = color_logit(frames[0], truth)
    save("logit", logit)
    for name, array in grid_capacities(frames[0], logit).items():
        save("grid_" + name, array)
    patch, bank, valid = templates(frames, truth)
    save("patch", patch), save("templates", bank), save("valid", valid)
    large = enlarged(frames[0], LARGE)
    save("large_frame", opaque(large.round().astype(np.uint8)))
    matte = np.kron(truth, np.ones((4, 4), np.uint8))[:LARGE[1], :LARGE[0]]
    matte = np.pad(matte, ((0, LARGE[1] - matte.shape[0]), (0, LARGE[0] - matte.shape[1])))
    save("large_matte", matte.astype(np.float32))
    save("large_light", np.dstack([(large / 255) ** 2.2, np.ones(LARGE[::-1])]).astype(np.float32))
    later, motion, seen = known_motion(frames[0], truth)
    save("from", luma(frames[0])), save("to", luma(later)), save("motion", motion), save("seen", seen)
    half = lambda image: image.reshape(240, 2, 427, 2, -1).mean((1, 3))
    save("small_from", luma(half(frames[0]).round())), save("small_to", luma(half(later).round()))
    save("small_motion", half(motion) / 2), save("small_seen", half(seen)[:, :, 0] == 1)
