"""What another sensor makes of both dates: one grey band, false colour, and the stretch of 16-bit data to bytes."""

from __future__ import annotations

import numpy as np

from .phrases import word_set

GREY, GREY_ONE_DATE, FALSE_COLOUR, STRETCH = 0.06, 0.03, 0.06, 0.12
LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]
COLOURS = word_set(
    "red blue green white grey gray brown yellow orange purple pink black beige golden reddish greenish brownish bluish whitish colour color"
)


def sensor_look(before: np.ndarray, after: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, bool]:
    """Both dates (uint8 (3, H, W)) as another sensor shows them, and whether what captions say of colours still holds."""
    draw = rng.random()
    if draw < GREY:
        return _grey(before), _grey(after), False
    draw -= GREY
    if draw < GREY_ONE_DATE:
        return (_grey(before), after, False) if rng.integers(2) else (before, _grey(after), False)
    draw -= GREY_ONE_DATE
    if draw < FALSE_COLOUR:
        order = rng.permutation(3)
        return np.ascontiguousarray(before[order]), np.ascontiguousarray(after[order]), bool((order == np.arange(3)).all())
    if draw - FALSE_COLOUR < STRETCH:
        return _stretched(before, rng), _stretched(after, rng), True
    return before, after, True


def speaks_of_colour(caption: tuple[str, ...]) -> bool:
    """Whether a caption names a colour, alone or in a word such as "blue-roofed"."""
    return any(part in COLOURS for word in caption for part in word.split("-"))


def _grey(image: np.ndarray) -> np.ndarray:
    return np.repeat((image * LUMA).sum(0, keepdims=True).round().astype(np.uint8), 3, axis=0)


def _stretched(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Band by band from one percentile to another, as raw counts are brought to bytes."""
    thin = image[:, ::4, ::4].reshape(3, -1)
    low, high = np.percentile(thin, rng.uniform(0, 3), axis=1), np.percentile(thin, rng.uniform(96, 100), axis=1)
    scale = 255 / np.maximum(high - low, 40)
    return np.clip((image - low[:, None, None]) * scale[:, None, None], 0, 255).astype(np.uint8)
