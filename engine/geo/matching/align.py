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
from dataclasses import dataclass, replace

import numpy as np
from rasterio.windows import Window

from ..pair import RasterPair
from .alignment import Alignment, Field
from .correlation import agreement, edges, peak, smoothed, surface

COARSE_LATTICE, GUARD_LATTICE = 4, 4
COARSE_PX, FINE_PX, LEAST_PX = 512, 256, 64
MIN_VALID = 0.5
# Heights of a peak over the noise (standard deviations) from which a window counts: anywhere in it, and near the place where it is expected.
MIN_PEAK, MIN_NEAR_PEAK = 6.0, 5.0
# Passes of the fine search: windows a side, and how far around the place where a window is expected.
PASSES = ((4, 12), (6, 6))
# So many windows, and such shares of those with data and of those with a peak, must agree to a few pixels; unrelated textures do not.
MIN_TIES, MIN_SHARE, MIN_AGREEING, AGREE_PX = 4, 0.3, 0.35, 3.0
# Beyond these no two dates of one place lie: turns and stretches of two images that differ by more are errors of the estimate.
MAX_TURN, MAX_STRETCH = np.radians(1.5), 0.015
VOTE_PX, MAX_VOTE = 2, 12.0
# Offsets under this are left as they are: resampling would blur the image for nothing.
LEAST_OFFSET_PX = 0.5
# A shift this near to whole pixels becomes one, which needs no resampling at all.
WHOLE_PX = 0.25
MIN_GAIN, MIN_IMPROVED, MIN_NEARER_PX = 0.01, 0.6, 0.25
# Offsets of unrelated windows lie farther off than this, in the middle of the search.
MAX_LEFT_PX = 3.5
# A richer model must leave that much less in windows that it was not fitted to.
RICHER_GAIN = 0.1
FIELD_TIES, FIELD_NODES, FIELD_PRIOR = 12, 9, 0.3
TOLERATED_PX = 1.0
MATCH = "the dates match"


@dataclass(frozen=True)
class Ties:
    """Offsets of the AFTER raster's content (n, 2), and the middles of the windows that they were measured in (n, 2); right and down, pixels."""

    places: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.places)


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
        ties, seen = _ties(pair, lattice, FINE_PX, radius)
        if len(ties) >= MIN_TIES:
            found = _fitted(found, ties, method)
        if found.windows < max(MIN_TIES, MIN_SHARE * seen, MIN_AGREEING * len(ties)):
            got = f"only {found.windows} of {seen} sample windows agree on an offset"
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


def _windows(pair: RasterPair, lattice: int, size_px: int, between: bool = False) -> Iterator[Window]:
    """Up to ``lattice`` × ``lattice`` windows over the shared ground, at most half overlapping; ``between``: moved by half a step."""
    area = pair.overlap_window()
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
    area = pair.overlap_window()
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


def _ties(pair: RasterPair, lattice: int, size_px: int, radius_px: int, between: bool = False) -> tuple[Ties, int]:
    """What is left between the dates as ``pair`` reads them; and how many windows had enough data to look."""
    places, offsets, seen = [], [], 0
    for window in _windows(pair, lattice, size_px, between):
        found = _edges(pair, window)
        if found is None:
            continue
        seen += 1
        rows, cols, height = peak(surface(*found), radius_px)
        if height >= MIN_NEAR_PEAK and max(abs(rows), abs(cols)) < radius_px:
            places.append(_middle(window))
            offsets.append((cols, rows))
    return Ties(np.array(places).reshape(-1, 2), np.array(offsets).reshape(-1, 2)), seen


def _fitted(trial: Alignment, ties: Ties, method: str) -> Alignment:
    """The map that the ties ask for: the simplest that explains windows which it was not fitted to about as well as a richer one does."""
    # What ``trial`` reads at a place lies ``offset`` farther on in the AFTER raster.
    targets = np.column_stack(trial.place(*(ties.places + ties.offsets).T))
    best = _linear(ties.places, targets, "shift")
    if method == "shift":
        return _counted(Alignment(method, True, best[0]), ties.places, targets)
    for kind, least in (("similarity", 4), ("affine", 8)):
        if len(ties) >= least:
            richer = _linear(ties.places, targets, kind)
            if richer[1] < (1 - RICHER_GAIN) * best[1] and _is_likely(richer[0]):
                best = richer
    found = Alignment(method, True, best[0])
    left = targets - np.column_stack(found.place(*ties.places.T))
    if len(ties) >= FIELD_TIES:
        weights, error = _smooth_weights(ties.places, left)
        if error < (1 - RICHER_GAIN) * best[1]:
            found = replace(found, field=_field(ties.places, left, weights))
    return _counted(found, ties.places, targets)


def _counted(found: Alignment, places: np.ndarray, targets: np.ndarray) -> Alignment:
    """With the number of windows that the map brings to within AGREE_PX."""
    left = np.hypot(*(targets - np.column_stack(found.place(*places.T))).T)
    return replace(found, windows=int((left <= AGREE_PX).sum()))


def _linear(places: np.ndarray, targets: np.ndarray, kind: str) -> tuple[tuple[float, ...], float]:
    """Robust fit: the affine map, and the median error in windows left out of it."""
    middle = places.mean(0)
    x, y = (places - middle).T
    zero, one = np.zeros_like(x), np.ones_like(x)
    # Unknowns of col' and row' in one system of 2 n rows.
    columns = {
        "shift": ([one, zero], [zero, one]),
        "similarity": ([one, zero, x, -y], [zero, one, y, x]),
        "affine": ([one, zero, x, y, zero, zero], [zero, one, zero, zero, x, y]),
    }[kind]
    design = np.stack([np.stack(part, axis=1) for part in columns])
    offsets = (targets - places).T
    weights = np.ones(len(places))
    for _ in range(20):
        root = np.sqrt(weights)[None, :, None]
        scaled = (design * root).reshape(-1, design.shape[2])
        unknowns = np.linalg.lstsq(scaled, (offsets * root[..., 0]).ravel(), rcond=None)[0]
        left = offsets - design @ unknowns
        weights = _tukey(np.hypot(*left))
    # A left-out window's error follows from the fit with it: e / (1 - h), h its leverage.
    inverse = np.linalg.pinv(scaled.T @ scaled)
    leverage = np.einsum("dni,ij,dnj->dn", design, inverse, design).mean(0) * weights
    error = float(np.median(np.hypot(*left) / np.maximum(1 - leverage, 0.05)))
    c, f = unknowns[:2]
    a, b, d, e = {
        "shift": lambda: (0, 0, 0, 0),
        "similarity": lambda p, q: (p, -q, q, p),
        "affine": lambda a, b, d, e: (a, b, d, e),
    }[kind](*unknowns[2:])
    # From offsets about the middle to a map of the grid.
    affine = (1 + a, b, c - a * middle[0] - b * middle[1], d, 1 + e, f - d * middle[0] - e * middle[1])
    return tuple(map(float, affine)), error


def _tukey(errors: np.ndarray) -> np.ndarray:
    """Weights 0..1 of Tukey's biweight; outliers get 0."""
    scale = max(0.3, 1.4826 * float(np.median(errors)))
    return np.clip(1 - (errors / (4.685 * scale)) ** 2, 0, 1) ** 2


def _is_likely(affine: tuple[float, ...]) -> bool:
    matrix = np.array([affine[0:2], affine[3:5]])
    stretches = np.linalg.svd(matrix, compute_uv=False)
    turn = np.arctan2(matrix[1, 0] - matrix[0, 1], matrix.trace())
    return bool(abs(turn) <= MAX_TURN and (abs(stretches - 1) <= MAX_STRETCH).all())


def _kernel(places: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """How much each place counts at each node (nodes, places): a bell as wide as the places lie apart."""
    span = np.ptp(places, axis=0)
    width = max(1.0, float(np.sqrt(max(span[0] * span[1], 1.0) / len(places))))
    return np.exp(-0.5 * ((nodes[:, None] - places[None]) ** 2).sum(2) / width**2)


def _smooth_weights(places: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights of windows for the field, outliers 0, and the field's median error in windows that were left out of it."""
    near = _kernel(places, places)
    np.fill_diagonal(near, 0)
    weights = np.ones(len(places))
    for _ in range(5):
        expected = near * weights @ left / ((near * weights).sum(1) + FIELD_PRIOR)[:, None]
        errors = np.hypot(*(left - expected).T)
        weights = _tukey(errors)
    return weights, float(np.median(errors))


def _field(places: np.ndarray, left: np.ndarray, weights: np.ndarray) -> Field:
    (col0, row0), (col1, row1) = places.min(0), places.max(0)
    cols, rows = (np.linspace(*ends, FIELD_NODES) for ends in ((col0, col1), (row0, row1)))
    nodes = np.stack(np.meshgrid(cols, rows), axis=-1).reshape(-1, 2)
    near = _kernel(places, nodes) * weights
    values = (near @ left / (near.sum(1) + FIELD_PRIOR)[:, None]).round(3).reshape(FIELD_NODES, FIELD_NODES, 2)
    steps = (max(1.0, float(ends[1] - ends[0])) for ends in (rows, cols))
    down, right = (tuple(tuple(map(float, row)) for row in values[..., axis]) for axis in (1, 0))
    return Field(float(row0), float(col0), *steps, down, right)


def _described(pair: RasterPair, found: Alignment) -> Alignment:
    """With the mean offset; a shift near whole pixels becomes whole."""
    area = pair.overlap_window()
    steps = np.linspace(0, 1, FIELD_NODES)
    cols, rows = (values.ravel() for values in np.meshgrid(area.col_off + steps * area.width, area.row_off + steps * area.height))
    to_cols, to_rows = found.place(cols, rows)
    if found.method == "shift":
        whole = [round(value) if abs(value - round(value)) <= WHOLE_PX else value for value in (found.affine[2], found.affine[5])]
        return replace(found, affine=(1.0, 0.0, float(whole[0]), 0.0, 1.0, float(whole[1])), cols_px=float(whole[0]), rows_px=float(whole[1]))
    return replace(found, cols_px=round(float((to_cols - cols).mean()), 3), rows_px=round(float((to_rows - rows).mean()), 3))


def _guarded(pair: RasterPair, found: Alignment) -> Alignment:
    """The estimate with its figures, applied where it makes the dates agree better in windows between those that it was found in."""
    area = pair.overlap_window()
    corners = np.array([(col, row) for col in (0, 0.5, 1) for row in (0, 0.5, 1)]) * (area.width, area.height) + (area.col_off, area.row_off)
    largest = float(np.hypot(*(np.column_stack(found.place(*corners.T)) - corners).T).max())
    if largest < LEAST_OFFSET_PX:
        return replace(found, applied=False, reason=f"{MATCH} to {largest:.1f} pixels")
    gains, unmoved_px, moved_px = [], [], []
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
        rows, cols, height = peak(surface(*moved), PASSES[-1][1])
        if height >= MIN_NEAR_PEAK:
            moved_px.append(np.hypot(rows, cols))
            unmoved_px.append(np.hypot(*peak(surface(*unmoved))[:2]))
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
    if not seen or not (agrees or nearer):
        figures = f"{before.mean():.2f} as they are, {after.mean():.2f} moved"
        return replace(found, applied=False, reason=f"moving it does not make the dates agree better (correlation of edges {figures})")
    return found
