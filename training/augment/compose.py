"""Pairs made of other pairs: one date rendered twice, and a real change moved into another, unchanged scene.

A composite takes a window around the donor's change from both dates, so that its surroundings agree as they do in the donor, matches its colours to
the host's and fades it in over a margin in which nothing of the mask lies. The same window from one date, pasted into both, makes the counterexample:
a seam without a change.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .geometry import misregister
from .moved import moved_captions
from .phrases import Words

MARGIN_PX = 12  # between the change and the window's edge; the fade lies within it
FADE_PX = 10
MAX_WINDOW_PX = 176
PART_PX = (80, 144)  # side of a window that holds only part of a donor's change
MIN_CHANGE_PX = 150  # of the mask within the window
TRIES = 12  # places in the host, of which the one of the most similar colours is taken
MAX_GAIN = 1.7
MAX_APART = 35.0  # mean difference of the two scenes' bands (0..255) beyond which a window would look pasted


class Composite(NamedTuple):
    """Before, after uint8 (3, H, W), mask uint8 0/1 (H, W), and captions that hold here."""

    before: np.ndarray
    after: np.ndarray
    mask: np.ndarray
    captions: tuple[Words, ...]


class _Window(NamedTuple):
    row: int
    col: int
    height: int
    width: int
    whole: bool

    def of(self, array: np.ndarray, row: int | None = None, col: int | None = None) -> np.ndarray:
        row, col = self.row if row is None else row, self.col if col is None else col
        return array[..., row : row + self.height, col : col + self.width]


def rerender(before: np.ndarray, after: np.ndarray, changed: bool | None, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An unchanged pair: one date twice or, of a pair known to be unchanged, both dates in either order; one of the two misregistered.

    Light, season and sensor come from `photometric`, which draws for each date of the batch.
    """
    pairs = [(before, before), (after, after)]
    if changed is False:
        pairs += [(before, after), (after, before)]
    first, second = pairs[rng.integers(len(pairs))]
    if rng.integers(2):
        return misregister(first, rng), second
    return first, misregister(second, rng)


def composite(
    host: tuple[np.ndarray, np.ndarray],
    donor: tuple[np.ndarray, np.ndarray],
    mask: np.ndarray,
    captions: tuple[Words, ...],
    rng: np.random.Generator,
) -> Composite | None:
    """The donor's change in the host's scene, which must be unchanged.

    Captions come with it only if the window holds the donor's whole change, away from its tile's border: what they tell of it, without its old
    place and half of the time with its new one.

    Parameters
    ----------
    host, donor : (before, after), uint8 (3, H, W) each.
    mask : the donor's changed pixels, uint8 0/1 (H, W).

    Returns
    -------
    None where the donor has no change to move or the two scenes' colours are too far apart.
    """
    window = _change_window(mask, rng)
    if window is None:
        return None
    spot = _spot(host, donor, window, rng)
    if spot is None:
        return None
    before, after = (_paste(h, d, window, spot) for h, d in zip(host, donor, strict=True))
    moved = np.zeros_like(mask)
    window.of(moved, *spot)[:] = window.of(mask) * (_fade(window.height, window.width) > 0.5)
    return Composite(before, after, moved, moved_captions(captions, moved, rng) if window.whole else ())


def moves_whole(mask: np.ndarray) -> bool:
    """Whether a composite of this donor can bring captions: its whole change fits into a window."""
    window = _whole_window(mask)
    return window is not None and bool(window.of(mask).sum() >= MIN_CHANGE_PX)


def unchanged_composite(
    host: tuple[np.ndarray, np.ndarray], donor: tuple[np.ndarray, np.ndarray], mask: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """As `composite`, but with the window of one of the donor's dates in both of the host's: nothing has changed."""
    date = donor[rng.integers(2)]
    window = _change_window(mask, rng)
    if window is None:
        return None
    spot = _spot(host, (date, date), window, rng)
    if spot is None:
        return None
    before, after = (_paste(h, date, window, spot) for h in host)
    return before, after


def _change_window(mask: np.ndarray, rng: np.random.Generator) -> _Window | None:
    """The window around the whole change if it fits; otherwise a window around a random part of it."""
    window = _whole_window(mask)
    if window is None:
        changed = np.flatnonzero(mask)
        if len(changed) == 0:
            return None
        height, width = (int(side) for side in rng.integers(*PART_PX, 2))
        row, col = np.divmod(changed[rng.integers(len(changed))], mask.shape[1])
        top = np.clip(row - height // 2, 0, mask.shape[0] - height)
        left = np.clip(col - width // 2, 0, mask.shape[1] - width)
        window = _Window(int(top), int(left), height, width, False)
    return window if window.of(mask).sum() >= MIN_CHANGE_PX else None


def _whole_window(mask: np.ndarray) -> _Window | None:
    """The changed pixels' bounding box and a margin, None where it is too large or cut by the tile's border."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return None
    top, left = int(rows[0]) - MARGIN_PX, int(cols[0]) - MARGIN_PX
    height, width = int(rows[-1]) + 1 + MARGIN_PX - top, int(cols[-1]) + 1 + MARGIN_PX - left
    inside = min(top, left) >= 0 and top + height <= mask.shape[0] and left + width <= mask.shape[1]
    return _Window(top, left, height, width, True) if inside and max(height, width) <= MAX_WINDOW_PX else None


def _spot(
    host: tuple[np.ndarray, np.ndarray], donor: tuple[np.ndarray, np.ndarray], window: _Window, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Where in the host the colours of both dates are nearest to those of the window's edges; (row, col), None where they are nowhere near."""
    size = host[0].shape[-1]
    spots = np.stack((rng.integers(0, size - window.height + 1, TRIES), rng.integers(0, size - window.width + 1, TRIES)), 1)
    wanted = np.stack([_frame_mean(window.of(date)) for date in donor])
    apart = [np.abs(np.stack([_frame_mean(window.of(date, row, col)) for date in host]) - wanted).mean() for row, col in spots.tolist()]
    best = int(np.argmin(apart))
    return (int(spots[best, 0]), int(spots[best, 1])) if apart[best] <= MAX_APART else None


def _frame_mean(patch: np.ndarray) -> np.ndarray:
    """Mean of each band along the window's edges, every fourth pixel: (3, H, W) → (3,)."""
    strips = patch[:, :MARGIN_PX:4, ::4], patch[:, -MARGIN_PX::4, ::4], patch[:, ::4, :MARGIN_PX:4], patch[:, ::4, -MARGIN_PX::4]
    return np.concatenate([strip.reshape(len(patch), -1) for strip in strips], 1).mean(1)


def _paste(host: np.ndarray, donor: np.ndarray, window: _Window, spot: tuple[int, int]) -> np.ndarray:
    """The window of the donor, its bands scaled (within limits, the rest shifted) to the host's mean along the frame, faded into the host."""
    patch = window.of(donor).astype(np.float32)
    target = window.of(host, *spot).astype(np.float32)
    fade = _fade(window.height, window.width)
    frame = (fade < 1).astype(np.float32)
    frame /= frame.sum()
    wanted, mean = ((image * frame).sum((1, 2), keepdims=True) for image in (target, patch))
    patch *= np.clip(wanted / (mean + 1), 1 / MAX_GAIN, MAX_GAIN)  # light and haze scale; only shifted, a dark scene would clip to black
    patch += wanted - (patch * frame).sum((1, 2), keepdims=True)
    out = host.copy()
    window.of(out, *spot)[:] = np.clip(target + (patch - target) * fade, 0, 255).round()
    return out


def _fade(height: int, width: int) -> np.ndarray:
    """1 within, falling to 0 over the outermost pixels; (H, W) float32."""
    row, col = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in (height, width))
    ramp = np.minimum(row[:, None], col[None, :]) / np.float32(FADE_PX)
    return np.clip(ramp, 0, 1).astype(np.float32)
