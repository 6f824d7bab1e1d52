"""Estimating how the AFTER raster must be moved to lie on the BEFORE raster, from windows over the ground that both share.

Coarse: a few large windows are compared, each votes for offsets, and the similarity (or shift) with the most votes wins. Fine: more, smaller windows
are read as that estimate has them, and the offsets that remain correct it, robustly. Last, windows between those must agree better with the
estimate than without it; otherwise nothing is moved. The result depends on the rasters and the grid alone, not on the run's area, so that a click,
a preview and a run share it.

numpy suffices. scikit-image's phase correlation is of one window, and with masks to whole pixels only; it and scipy add tens of MB to the engine's
environment, OpenCV as many. AROSICS needs GDAL's Python bindings, scikit-image and more, and resamples on its own. All have suitable licences.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from rasterio.windows import Window

from ..pair import RasterPair
from .alignment import Alignment
from .correlation import agreement, edges, peak, smoothed, surface
from .fit import FIELD_NODES, MAX_STRETCH, MAX_TURN, Ties, fitted, shifted

COARSE_LATTICE, GUARD_LATTICE = 4, 4
COARSE_PX, FINE_PX, LEAST_PX = 512, 256, 64
MIN_VALID = 0.5
NEAR_EDGE_PX = 128
# Heights of a peak over the noise (standard deviations) from which a window counts: anywhere in it, and near the place where it is expected.
MIN_PEAK, MIN_NEAR_PEAK = 6.0, 5.0
# Passes of the fine search: windows a side, and how far around the place where a window is expected.
PASSES = ((4, 12), (6, 6))
# Height of the peak of all windows' mean surface from which they agree as a whole; without common detail it stays under 10 (``tests.bench.align``).
MIN_JOINT_PEAK = 12.0
# So many windows, and such shares of those with data and of those with a peak, must agree to a few pixels; unrelated textures do not.
MIN_TIES, MIN_SHARE, MIN_AGREEING = 4, 0.3, 0.35
VOTE_PX, MAX_VOTE = 2, 12.0
# Offsets under this are left as they are: resampling would blur the image for nothing.
LEAST_OFFSET_PX = 0.5
# A shift this near to whole pixels becomes one, which needs no resampling at all.
WHOLE_PX = 0.25
MIN_GAIN, MIN_IMPROVED, MIN_NEARER_PX = 0.01, 0.6, 0.25
# Offsets of unrelated windows lie farther off than this, in the middle of the search; that of all windows together lies nearer.
MAX_LEFT_PX, MAX_JOINT_LEFT_PX = 3.5, 1.5
TOLERATED_PX = 1.0
MATCH = "the dates match"


def estimate(pair: RasterPair, method: str) -> Alignment:
    """How the AFTER raster of an opened pair must be moved.

    Parameters
    ----------
    pair : RasterPair
        Its own alignment is not changed.
    method : "shift" or "local"
        One offset for all the ground; or an affine map and a smooth field.

    Raises
    ------
    RasterError
        A raster cannot be read.
    """
    pair = copy.copy(pair)
    pair.alignment = None
    unmoved = Alignment(method)
    found = _coarse(pair, method)
    if found is None:
        return replace(unmoved, reason="the dates have too little visible detail in common")
    for lattice, radius in PASSES:
        pair.alignment = found
        ties = _ties(pair, lattice, FINE_PX, radius)
        trial = found
        if len(ties) >= MIN_TIES:
            found = fitted(trial, ties, method)
        few = found.windows < max(MIN_TIES, MIN_SHARE * ties.seen, MIN_AGREEING * len(ties))
        if few and ties.joint is not None:
            found = shifted(trial, ties, ties.joint)
        elif few:
            got = f"only {found.windows} of {ties.seen} sample windows agree on an offset"
            return replace(unmoved, windows=found.windows, reason=f"{got}; the dates have too little visible detail in common")
    return _guarded(pair, _described(pair, found))


def describe(alignment: Alignment) -> tuple[str, str]:
    """Level ("info" or "warning") and text of the log line about an estimate."""
    if not alignment.applied:
        return "info" if alignment.reason.startswith(MATCH) else "warning", f"The after raster is not moved: {alignment.reason}"
    a, b, _, d, e, _ = alignment.affine
    turn, stretch = np.degrees(np.arctan2(d - b, a + e)), 100 * (np.sqrt(abs(a * e - b * d)) - 1)
    text = f"The after raster is moved by {-alignment.rows_px:+.1f} pixels down and {-alignment.cols_px:+.1f} right"
    if alignment.method == "local":
        text += f", turned by {turn:+.2f}°, stretched by {stretch:+.2f} %" + (" and locally" if alignment.field else "")
    text += f" ({alignment.windows} sample windows; agreement of edges {alignment.agreement_before:.2f} before, {alignment.agreement_after:.2f} after"
    if alignment.residual_px is None:
        return "info", text + ")"
    text += f"; {alignment.residual_px:.1f} pixels remain)"
    if alignment.residual_px > TOLERATED_PX:
        more = " Try align local, or co-register the pair first." if alignment.method == "shift" else " Co-register the pair first."
        return "warning", f"{text}. The dates still do not match; false changes are likely.{more}"
    return "info", text


def _area(pair: RasterPair) -> Window:
    """Where windows are laid: the shared ground, and the BEFORE raster's edges where they are near.

    So a pair and the same pair moved by some pixels are compared in the same windows, which gives both the same estimate.
    """
    area = pair.overlap_window()
    spans = []
    for first, size, side in ((area.row_off, area.height, pair.height), (area.col_off, area.width, pair.width)):
        start, end = (0 if first <= NEAR_EDGE_PX else first), first + size
        spans.append((start, (side if side - end <= NEAR_EDGE_PX else end) - start))
    (row, height), (col, width) = spans
    return Window(col, row, width, height)


def _windows(pair: RasterPair, lattice: int, size_px: int, between: bool = False) -> Iterator[Window]:
    """Up to ``lattice`` × ``lattice`` windows over the area, at most half overlapping; ``between``: moved by half a step."""
    area = _area(pair)
    size_px = min(size_px, max(LEAST_PX, min(area.height, area.width) // 2))
    starts = []
    for offset, side in ((area.row_off, area.height), (area.col_off, area.width)):
        size = min(size_px, side)
        count = min(lattice, 1 + -(-(side - size) // max(1, size // 2)))
        step = (side - size) / max(1, count - 1)
        first, number = (step / 2, max(1, count - 1)) if between else (0.0, count)
        starts.append([(offset + round(first + i * step), size) for i in range(number)])
    for row, height in starts[0]:
        for col, width in starts[1]:
            yield Window(col, row, width, height)


def _edges(pair: RasterPair, window: Window, step: int = 1) -> tuple | None:
    """``edges`` of both dates under a window, each ``step`` × ``step`` pixels averaged; None where too little is valid."""
    images = pair.read(window)
    valid = images[2] & images[3]
    if valid.mean() < MIN_VALID:
        return None
    found = []
    for image, data in ((images[0], images[2]), (images[1], images[3])):
        grey = image.mean(0, dtype=np.float32)
        if step > 1:
            height, width = (size // step for size in grey.shape)
            blocks = (height, step, width, step)
            grey = grey[: height * step, : width * step].reshape(blocks).mean((1, 3))
            data = data[: height * step, : width * step].reshape(blocks).all((1, 3))
        found.append(edges(grey, data))
    return tuple(found)


def _middle(window: Window) -> tuple[float, float]:
    return window.col_off + window.width / 2, window.row_off + window.height / 2


def _coarse(pair: RasterPair, method: str) -> Alignment | None:
    area = _area(pair)
    step = 2 if min(area.height, area.width) >= 2 * COARSE_PX else 1
    places, surfaces = [], []
    for window in _windows(pair, COARSE_LATTICE, COARSE_PX if step == 2 else COARSE_PX // 2):
        found = _edges(pair, window, step)
        if found is not None:
            places.append(_middle(window))
            surfaces.append(surface(*found))
    if not places:
        return None
    at, votes = np.array(places), np.stack(surfaces)
    peaks = np.array([peak(found) for found in surfaces])
    clear = peaks[:, 2] >= MIN_PEAK
    offsets = step * peaks[:, 1::-1]
    joint = peak(smoothed(votes.mean(0)))
    maps = [(1.0 + 0j, complex(*offset)) for offset in offsets[clear]] + [(1.0 + 0j, step * complex(joint[1], joint[0]))]
    if method == "local":
        maps += _similarities(at[clear], offsets[clear])
    turns, shifts = (np.array(values) for values in zip(*maps))
    points = at[:, 0] + 1j * at[:, 1]
    moved = (turns[:, None] - 1) * points + shifts[:, None]
    best = int(_votes(votes, moved / step).argmax())
    a, b = turns[best].real, turns[best].imag
    return Alignment(method, True, (a, -b, shifts[best].real, b, a, shifts[best].imag))


def _similarities(places: np.ndarray, offsets: np.ndarray) -> list[tuple[complex, complex]]:
    """The turn and stretch, and the shift, that each two windows' offsets imply, as complex numbers."""
    points = places[:, 0] + 1j * places[:, 1]
    targets = points + offsets[:, 0] + 1j * offsets[:, 1]
    first, second = np.triu_indices(len(points), 1)
    turns = (targets[second] - targets[first]) / (points[second] - points[first])
    likely = (abs(np.angle(turns)) <= MAX_TURN) & (abs(abs(turns) - 1) <= MAX_STRETCH)
    return [(turns[i], targets[first[i]] - turns[i] * points[first[i]]) for i in np.flatnonzero(likely)]


def _votes(surfaces: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Sum over the windows of the highest place of each surface near each hypothesis' offset (hypotheses, windows; complex, right and down)."""
    height, width = surfaces.shape[1:]
    for axis in (1, 2):
        surfaces = np.max([np.roll(surfaces, shift, axis) for shift in range(-VOTE_PX, VOTE_PX + 1)], axis=0)
    rows, cols = (np.rint(values).astype(int) + size // 2 for values, size in ((moved.imag, height), (moved.real, width)))
    inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
    found = surfaces[np.arange(len(surfaces)), np.clip(rows, 0, height - 1), np.clip(cols, 0, width - 1)]
    return np.where(inside, np.clip(found, 0, MAX_VOTE), 0).sum(1)


def _ties(pair: RasterPair, lattice: int, size_px: int, radius_px: int) -> Ties:
    """What is left between the dates as ``pair`` reads them."""
    places, offsets, surfaces = [], [], []
    for window in _windows(pair, lattice, size_px):
        found = _edges(pair, window)
        if found is None:
            continue
        surfaces.append(surface(*found))
        rows, cols, height = peak(surfaces[-1], radius_px)
        if height >= MIN_NEAR_PEAK and max(abs(rows), abs(cols)) < radius_px:
            places.append(_middle(window))
            offsets.append((cols, rows))
    return Ties(np.array(places).reshape(-1, 2), np.array(offsets).reshape(-1, 2), len(surfaces), _joint(surfaces, radius_px))


def _joint(surfaces: list[np.ndarray], radius_px: int) -> np.ndarray | None:
    """The offset of all windows together, right and down: where they differ among themselves, each shows little, but their mean shows it."""
    if len(surfaces) < MIN_TIES:
        return None
    mean = np.mean(surfaces, axis=0)
    rows, cols, height = peak(mean / (mean.std() + 1e-12), radius_px)
    return np.array((cols, rows)) if height >= MIN_JOINT_PEAK else None


def _described(pair: RasterPair, found: Alignment) -> Alignment:
    """With the mean offset; a shift near whole pixels becomes whole."""
    area = _area(pair)
    steps = np.linspace(0, 1, FIELD_NODES)
    cols, rows = (values.ravel() for values in np.meshgrid(area.col_off + steps * area.width, area.row_off + steps * area.height))
    to_cols, to_rows = found.place(cols, rows)
    if found.method == "shift":
        whole = [round(value) if abs(value - round(value)) <= WHOLE_PX else value for value in (found.affine[2], found.affine[5])]
        return replace(found, affine=(1.0, 0.0, float(whole[0]), 0.0, 1.0, float(whole[1])), cols_px=float(whole[0]), rows_px=float(whole[1]))
    return replace(found, cols_px=round(float((to_cols - cols).mean()), 3), rows_px=round(float((to_rows - rows).mean()), 3))


def _guarded(pair: RasterPair, found: Alignment) -> Alignment:
    """The estimate with its figures, applied where it makes the dates agree better in windows between those that it was found in."""
    area = _area(pair)
    corners = np.array([(col, row) for col in (0, 0.5, 1) for row in (0, 0.5, 1)]) * (area.width, area.height) + (area.col_off, area.row_off)
    largest = float(np.hypot(*(np.column_stack(found.place(*corners.T)) - corners).T).max())
    if largest < LEAST_OFFSET_PX:
        return replace(found, applied=False, reason=f"{MATCH} to {largest:.1f} pixels")
    gains, unmoved_px, moved_px = [], [], []
    surfaces: tuple[list[np.ndarray], list[np.ndarray]] = [], []
    for window in _windows(pair, GUARD_LATTICE, FINE_PX, True):
        pair.alignment = None
        unmoved = _edges(pair, window)
        pair.alignment = found
        moved = _edges(pair, window)
        if unmoved is None or moved is None:
            continue
        pairs = agreement(*unmoved), agreement(*moved)
        if None not in pairs:
            gains.append(pairs)
        for into, edges_ in zip(surfaces, (unmoved, moved)):
            into.append(surface(*edges_))
        rows, cols, height = peak(surfaces[1][-1], PASSES[-1][1])
        if height >= MIN_NEAR_PEAK:
            moved_px.append(np.hypot(rows, cols))
            unmoved_px.append(np.hypot(*peak(surfaces[0][-1])[:2]))
    if not gains:
        return replace(found, applied=False, reason="too little ground has data in both dates to check the estimate")
    before, after = np.array(gains).T
    found = replace(
        found,
        agreement_before=round(float(before.mean()), 3),
        agreement_after=round(float(after.mean()), 3),
        residual_px=round(float(np.median(moved_px)), 2) if moved_px else None,
    )
    agrees = after.mean() >= before.mean() + MIN_GAIN and (after > before).mean() >= MIN_IMPROVED
    # Fractions of a pixel hardly show in the agreement, but in the offsets.
    nearer = len(moved_px) >= MIN_TIES and np.median(moved_px) <= np.median(unmoved_px) - MIN_NEARER_PX and after.mean() >= before.mean()
    seen = len(moved_px) >= MIN_SHARE * len(gains) and np.median(moved_px) <= MAX_LEFT_PX
    if not (seen and (agrees or nearer)) and not _joint_is_nearer(*surfaces):
        figures = f"{before.mean():.2f} as they are, {after.mean():.2f} moved"
        return replace(found, applied=False, reason=f"moving it does not make the dates agree better (correlation of edges {figures})")
    return found


def _joint_is_nearer(unmoved: list[np.ndarray], moved: list[np.ndarray]) -> bool:
    """Whether all windows together show that the estimate brings the dates onto each other, and that they were not before."""
    left, before = (_joint(surfaces, min(surfaces[0].shape) // 2) for surfaces in (moved, unmoved)) if moved else (None, None)
    if left is None or np.hypot(*left) > MAX_JOINT_LEFT_PX:
        return False
    return before is None or bool(np.hypot(*left) <= np.hypot(*before) - MIN_NEARER_PX)
