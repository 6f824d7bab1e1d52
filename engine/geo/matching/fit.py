"""Maps through offsets that were measured in windows: robust, and the simplest that explains windows which it was not fitted to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .alignment import Alignment, Field

# Beyond these no two dates of one place lie: turns and stretches of two images that differ by more are errors of the estimate.
MAX_TURN, MAX_STRETCH = np.radians(1.5), 0.015
# A richer model must leave that much less in windows that it was not fitted to.
RICHER_GAIN = 0.1
FIELD_TIES, FIELD_NODES, FIELD_PRIOR = 12, 9, 0.3
AGREE_PX = 3.0  # so near to the map a window agrees with it


@dataclass(frozen=True)
class Ties:
    """Offsets of the AFTER raster's content (n, 2), and the middles of the windows that they were measured in (n, 2); right and down, pixels.

    seen : how many windows had enough data to look. joint : the offset of all of them together (2); None where they show none.
    """

    places: np.ndarray
    offsets: np.ndarray
    seen: int
    joint: np.ndarray | None

    def __len__(self) -> int:
        return len(self.places)


def shifted(trial: Alignment, ties: Ties, offset: np.ndarray) -> Alignment:
    """``trial`` moved by an offset."""
    a, b, c, d, e, f = trial.affine
    found = replace(trial, affine=(a, b, c + float(offset[0]), d, e, f + float(offset[1])))
    return _counted(found, ties.places, np.column_stack(trial.place(*(ties.places + ties.offsets).T)))


def fitted(trial: Alignment, ties: Ties, method: str) -> Alignment:
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
