"""Metamorphic tests of a model on real pairs: what must not change the answer, and what must turn it round.

One date twice, the second time under another look, is an unchanged scene: every change found there is a false alarm. A pair mirrored, turned or with
a strip hidden in both dates keeps its flag; a pair with its dates swapped keeps it too, and what was added is now removed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from ..contract.tiles import Caption
from ..geo.validity.joint import fill_jointly
from ..models.captioner import Captioner, CaptionOptions, tile_seed
from ..run.lanes import batch_size
from .pairs import Pair, read_image

Look = Callable[[np.ndarray, np.random.Generator], np.ndarray]
STRIP_SHARE = 0.25  # of the side that a hidden strip takes
SIDES = {"left": "right", "right": "left"}


def _gamma(power: float, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (255 * (image / 255) ** power).round().astype(np.uint8)


def _tint(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(image * rng.uniform(0.85, 1.15, (3, 1, 1)), 0, 255).astype(np.uint8)


def _haze(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (image * 0.65 + 0.35 * 215).astype(np.uint8)


def _jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(stream, "jpeg", quality=50)
    return np.asarray(Image.open(stream)).transpose(2, 0, 1)


def _noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def _shift(most: int, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By ``most`` pixels along one axis and at most as many along the other, edges repeated."""
    steps = rng.permutation([most * int(rng.choice((-1, 1))), int(rng.integers(-most, most + 1))])
    row, col = (np.clip(np.arange(size) - step, 0, size - 1) for size, step in zip(image.shape[1:], steps, strict=True))
    return image[:, row][:, :, col]


def _half(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    picture, side = Image.fromarray(image.transpose(1, 2, 0)), image.shape[-1]
    small = picture.resize((side // 2, side // 2), Image.Resampling.BOX)
    return np.asarray(small.resize((side, side), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def _grey(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.repeat(np.tensordot((0.299, 0.587, 0.114), image, 1).round().astype(np.uint8)[None], 3, axis=0)


LOOKS: dict[str, Look] = {
    "as it is": lambda image, rng: image,
    "gamma 0.7": partial(_gamma, 0.7),
    "gamma 1.4": partial(_gamma, 1.4),
    "tint": _tint,
    "haze": _haze,
    "JPEG 50": _jpeg,
    "noise": _noise,
    "1 px off": partial(_shift, 1),
    "3 px off": partial(_shift, 3),
    "5 px off": partial(_shift, 5),
    "half resolution": _half,
    "grey": _grey,
}
TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored left to right": lambda images: images[..., ::-1],
    "mirrored top to bottom": lambda images: images[..., ::-1, :],
    "turned by 90°": lambda images: np.rot90(images, 1, (-2, -1)),
    "turned by 180°": lambda images: np.rot90(images, 2, (-2, -1)),
    "turned by 270°": lambda images: np.rot90(images, 3, (-2, -1)),
}


def measure(captioner: Captioner, pairs: Sequence[Pair], options: CaptionOptions, told: Callable[[str], None] = lambda name: None) -> dict[str, Any]:
    """All tests on some pairs.

    Returns
    -------
    dict
        ``pairs``; ``same_scene``: by look, how many scenes were tried and called changed; ``swapped``: share (0..1) of the same flags, and of pairs
        called changed both ways whose added classes are the other way's removed ones and the reverse; ``turned`` and ``hidden``: share of the same
        flags, and of the same classes where both are changed; for ``turned`` by 180° and mirrored left to right also how many captions with the word
        left or right have the other in the turned tile.
    """
    images = _read(captioner, pairs)
    look = partial(_caption, captioner, options)
    plain = look(*images)
    found: dict[str, Any] = {"pairs": len(pairs), "same_scene": {}, "turned": {}, "hidden": {}}
    for name, change in LOOKS.items():
        told(name)
        rng = np.random.default_rng(0)
        scenes = np.concatenate(images)
        seen = look(scenes, np.stack([change(scene, rng) for scene in scenes]))
        found["same_scene"][name] = {"scenes": len(scenes), "false_alarms": sum(caption.changed for caption in seen)}
    told("dates swapped")
    found["swapped"] = _agreement(plain, look(images[1], images[0]), swapped=True)
    for name, turn in TURNS.items():
        told(name)
        seen = look(*(np.ascontiguousarray(turn(date)) for date in images))
        found["turned"][name] = _agreement(plain, seen) | (_sides(plain, seen) if name in ("mirrored left to right", "turned by 180°") else {})
    for name, valid in _strips(images[0].shape).items():
        told(name)
        found["hidden"][name] = _agreement(plain, look(*fill_jointly(*images, valid, valid)))
    return found


def _read(captioner: Captioner, pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    before, after = (np.concatenate([read_image(getattr(pair, date), captioner.card.input_px) for pair in pairs]) for date in ("before", "after"))
    return before, after


def _caption(captioner: Captioner, options: CaptionOptions, before: np.ndarray, after: np.ndarray) -> list[Caption]:
    size, found = batch_size(captioner), []
    for i in range(0, len(before), size):
        chunk = before[i : i + size], after[i : i + size]
        found += captioner.caption(*chunk, options, [tile_seed(0, i + k, 0) for k in range(len(chunk[0]))])
    return found


def _strips(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Valid pixels (N, H, W) with a strip along a side hidden."""
    n, _, height, width = shape
    found = {}
    for name, where in {
        "left strip": np.s_[:, :, : int(width * STRIP_SHARE)],
        "right strip": np.s_[:, :, width - int(width * STRIP_SHARE) :],
        "top strip": np.s_[:, : int(height * STRIP_SHARE)],
        "bottom strip": np.s_[:, height - int(height * STRIP_SHARE) :],
    }.items():
        found[name] = np.ones((n, height, width), bool)
        found[name][where] = False
    return found


def _agreement(plain: Sequence[Caption], other: Sequence[Caption], swapped: bool = False) -> dict[str, Any]:
    both = [(a, b) for a, b in zip(plain, other, strict=True) if a.changed and b.changed]
    same = [_classes(a, False) == _classes(b, swapped) for a, b in both]
    flags = [a.changed == b.changed for a, b in zip(plain, other, strict=True)]
    risen = sum(b.changed and not a.changed for a, b in zip(plain, other, strict=True))
    return {"same_flag": _share(flags), "new_changes": risen, "both_changed": len(both), "same_classes": _share(same)}


def _classes(caption: Caption, swapped: bool) -> tuple[set[str], set[str]]:
    added, removed = set(caption.added), set(caption.removed)
    return (removed, added) if swapped else (added, removed)


def _sides(plain: Sequence[Caption], other: Sequence[Caption]) -> dict[str, Any]:
    """Captions with one of the words left and right: whether the other tile's caption has only the other word."""
    told = []
    for a, b in zip(plain, other, strict=True):
        one, two = ({word for word in caption.text.split() if word in SIDES} for caption in (a, b))
        if len(one) == 1 and a.changed and b.changed:
            told.append(two == {SIDES[word] for word in one})
    return {"with_side": len(told), "other_side": _share(told)}


def _share(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if values else None
