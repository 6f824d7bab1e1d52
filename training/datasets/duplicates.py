"""Near-duplicates across splits: one image in two of them, also mirrored, turned, recoloured, recompressed or shifted a little.

Every image becomes a grey thumbnail without its slow brightness (so that haze, season and colour matter little). Coarse: normalised correlation
of 16×16 thumbnails, every training image with every held-out one under the eight symmetries of the square, as matrix products. Fine: what is left
is compared at 64×64 over small shifts. On ../shared/data true duplicates reach 0.98 and more, different ground 0.52 at most; of 300 training images
that were turned, shifted by up to 4 px, given other hues, contrast and brightness, and saved as JPEG of quality 25–60, 98 % exceed 0.60.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from engine.contract.errors import InputError

from .excluded import STRICT, SplitOptions
from .rows import PairRow, read_rgb

COARSE_PX, FINE_PX = 16, 64
COARSE_RADIUS, FINE_RADIUS = 1, 4  # of the box whose mean is taken away
COARSE, SAME = 0.35, 0.6  # least correlation of a candidate, and of a near-duplicate
SHIFT = 2  # largest shift in fine pixels: 8 px of the image
FLAT = 0.1  # grey levels; below this standard deviation there is nothing to compare


@dataclass(frozen=True)
class NearDuplicate:
    """Two ids, and the correlation (0..1) of the most similar two of their images."""

    train: str
    held_out: str
    similarity: float


def check_leakage(train: Sequence[PairRow], held_out: Sequence[PairRow], options: SplitOptions = STRICT) -> None:
    """Stop where a training pair is a near-duplicate of a held-out one; where the options allow it, report the pairs and go on.

    Raises
    ------
    InputError
        Names the pairs.
    """
    found = near_duplicates(train, held_out)
    if found and options.allow_overlap:
        pairs = [asdict(pair) | {"similarity": round(pair.similarity, 2)} for pair in found]
        print(json.dumps({"near_duplicates": len(found), "pairs": pairs}), flush=True)
    elif found:
        named = ", ".join(f"{pair.train} = {pair.held_out} ({pair.similarity:.2f})" for pair in found[:20])
        more = f" and {len(found) - 20} more" if len(found) > 20 else ""
        do = "look at them; take the training pairs out, with EXCLUDED of training/datasets/excluded.py where the data must stay as it is, "
        do += "or train on the published split as it is with --allow-overlap"
        raise InputError(f"{len(found)} training pairs show the ground of held-out pairs: {named}{more}", "no near-duplicate across splits", do)


def near_duplicates(train: Sequence[PairRow], held_out: Sequence[PairRow]) -> list[NearDuplicate]:
    """Pairs of which an image, of either date, is nearly the same in both lists; the most similar first."""
    if not train or not held_out:
        return []
    ours, theirs = _thumbnails(train), _thumbnails(held_out)
    best: dict[tuple[int, int], float] = {}
    for i, j, symmetry in _candidates(ours, theirs):
        similarity = _similarity(ours[i], _symmetries(theirs[j])[symmetry])
        key = (i // 2, j // 2)
        if similarity >= SAME and similarity > best.get(key, 0.0):
            best[key] = similarity
    found = [NearDuplicate(train[i].id, held_out[j].id, similarity) for (i, j), similarity in best.items()]
    return sorted(found, key=lambda pair: (-pair.similarity, pair.train, pair.held_out))


def _thumbnails(rows: Sequence[PairRow]) -> np.ndarray:
    """Float32 (2N, 64, 64), 0..255: before and after of each row in turn."""
    paths = [(path, row.stored_px) for row in rows for path in (row.before, row.after)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without the interpreter's lock
        return np.array(list(pool.map(_thumbnail, paths)), dtype=np.float32).reshape(-1, FINE_PX, FINE_PX)


def _thumbnail(source: tuple[Path, int]) -> np.ndarray:
    image = Image.fromarray(read_rgb(*source).transpose(1, 2, 0))
    return np.asarray(image.convert("L").resize((FINE_PX, FINE_PX), Image.Resampling.BOX), dtype=np.float32)


def _candidates(ours: np.ndarray, theirs: np.ndarray) -> list[tuple[int, int, int]]:
    """(index in ours, index in theirs, symmetry of theirs) of images whose coarse thumbnails correlate."""
    step = FINE_PX // COARSE_PX
    coarse = [x.reshape(-1, COARSE_PX, step, COARSE_PX, step).mean((2, 4)) for x in (ours, theirs)]
    a, b = (_without_slow(x, COARSE_RADIUS) for x in coarse)
    best = np.zeros((len(a), len(b)), np.float32)
    which = np.zeros((len(a), len(b)), np.uint8)
    for symmetry, turned in enumerate(_symmetries(b)):
        correlation = np.abs(_unit(a) @ _unit(turned).T)  # a negative print correlates too
        better = correlation > best
        best[better], which[better] = correlation[better], symmetry
    return [(int(i), int(j), int(which[i, j])) for i, j in np.argwhere(best >= COARSE)]


def _similarity(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest absolute correlation of the fine thumbnails (64, 64) over shifts of up to ``SHIFT`` either way."""
    a, b = (_without_slow(x[None], FINE_RADIUS)[0] for x in (ours, theirs))
    side = FINE_PX - 2 * SHIFT
    shifted = np.lib.stride_tricks.sliding_window_view(a, (side, side)).reshape(-1, side, side)
    return float(np.abs(_unit(shifted) @ _unit(b[None, SHIFT : SHIFT + side, SHIFT : SHIFT + side]).T).max())


def _symmetries(images: np.ndarray) -> list[np.ndarray]:
    """The eight mirrorings and turns of images (..., side, side)."""
    return [x[..., ::v, ::h] for x in (images, np.swapaxes(images, -1, -2)) for v in (1, -1) for h in (1, -1)]


def _without_slow(images: np.ndarray, radius: int) -> np.ndarray:
    """Images (N, side, side) less their local mean."""
    size, side = 2 * radius + 1, images.shape[-1]
    padded = np.pad(images, ((0, 0), (radius, radius), (radius, radius)), mode="reflect")
    rows = np.sum([padded[:, i : i + side] for i in range(size)], axis=0)
    return images - np.sum([rows[:, :, i : i + side] for i in range(size)], axis=0) / size**2


def _unit(images: np.ndarray) -> np.ndarray:
    """Vectors (N, side²) of zero mean and unit length; zero where the image is flat."""
    x = images.reshape(len(images), -1)
    x = x - x.mean(1, keepdims=True)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > FLAT * np.sqrt(x.shape[1]))
