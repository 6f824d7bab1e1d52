"""Fill that no tag declares: areas of one exact value that reach the raster's border, as reprojecting and clipping leave them.

A coarse map of the raster says where such areas lie; in it only what is connected to the border counts, so that a black lake or a white roof in
the middle stays data. Within the map the exact value decides, pixel by pixel. Map and value are of the raster, not of a tile: a pixel is data or not
whatever window it is read in. The map is drawn only where some tens of small reads at the border find such a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rasterio.enums import Resampling
from rasterio.windows import Window

BORDER_WINDOWS, BORDER_PX = 16, 32  # a side
SHARE_OF_WINDOW = 0.25  # of a window at the border, from which its most frequent value is tried
MOST_VALUES = 3
MAP_PX = 512
LATTICE_PX = 64  # of the map where a raster of more than WHOLE_PX pixels has no overviews
WHOLE_PX = 100_000_000
MIN_SHARE, MIN_PX = 0.005, 1024
# Edges between fill and not fill, a pixel of fill: a straight edge makes few, saturated snow or noisy water many.
MAX_EDGES, LOOKS, LOOK_PX, MOST_LOOK_PX = 0.1, 16, 32, 512
# Of the pixels right beside the fill, the share that may be nearly of its value: fill ends sharply, calm water and white sand fade out.
MAX_NEAR, NEAR = 0.5, 4 / 255
# Lossy compression blurs the edge of fill too. There black and white count if they reach a corner of the raster.
LOSSY = ("jpeg", "webp", "jpeg2000", "jxl", "lerc")
LOSSY_DRIVERS = ("JPEG", "WEBP", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "ECW", "MrSID")

Valid = Callable[[np.ndarray, Any], np.ndarray]


@dataclass(frozen=True)
class Fill:
    """One value of fill.

    value : of each band, as read.
    share : of the raster, 0..1, about.
    packed, shape : the map, packed bits of (rows, cols), True where the fill may lie.
    height, width : of the raster.
    """

    value: tuple[float, ...]
    share: float
    packed: np.ndarray
    shape: tuple[int, int]
    height: int
    width: int

    def covers(self, pixels: np.ndarray, window: Any) -> np.ndarray:
        """(h, w) bool, True at fill; pixels (bands, h, w) as read from ``window``, all of it or evenly picked."""
        held = holds(pixels, self.value)
        if not held.any():
            return held
        where = np.unpackbits(self.packed, count=self.shape[0] * self.shape[1]).reshape(self.shape)
        rows = _cells(window.row_off, window.height, pixels.shape[1], self.height, self.shape[0])
        cols = _cells(window.col_off, window.width, pixels.shape[2], self.width, self.shape[1])
        return held & (where[np.ix_(rows, cols)] > 0)


def find_fills(dataset: Any, bands: tuple[int, ...], valid: Valid, kept: tuple[float | None, ...] | None = None) -> list[Fill]:
    """The fill of a raster; empty where there is none, or nothing else.

    Parameters
    ----------
    dataset : rasterio dataset
    bands : distinct bands, as read.
    valid : pixels (bands, h, w) and their window → (h, w) bool, what is data as far as it is known.
    kept : value of each band that is never fill.
    """
    values = [value for value in _at_border(dataset, bands, valid) if value != kept]
    if not values:
        return []
    pixels, known = _sampled(dataset, bands, valid)
    found = []
    for value in values:
        reached = _connected(holds(pixels, value) & known, ~known)
        share = float(reached.mean())
        if share < MIN_SHARE or share * dataset.height * dataset.width < MIN_PX or not (known & ~reached).any():
            continue
        if _is_ground(dataset, bands, value, reached, pixels[:, known & ~reached], valid):
            continue
        where = _grown(reached) if reached.shape != (dataset.height, dataset.width) else reached
        found.append(Fill(value, share, np.packbits(where), reached.shape, dataset.height, dataset.width))
    return found


def _at_border(dataset: Any, bands: tuple[int, ...], valid: Valid) -> list[tuple[float, ...]]:
    """Values that fill much of some window at the border, the most frequent first."""
    counts: Counter[tuple[float, ...]] = Counter()
    height, width = min(BORDER_PX, dataset.height), min(BORDER_PX, dataset.width)
    tops, lefts = _along(dataset.height, height), _along(dataset.width, width)
    places = {(top, left) for top in (0, tops[-1]) for left in lefts} | {(top, left) for top in tops for left in (0, lefts[-1])}
    for top, left in sorted(places):
        window = Window(left, top, width, height)
        pixels = dataset.read(list(bands), window=window)
        known = valid(pixels, window)
        if not known.any():
            continue
        seen = pixels[:, known]
        for band in range(len(bands)):  # band by band: sorting all of them together takes ten times as long
            values, number = np.unique(seen[band], return_counts=True)
            seen = seen[:, seen[band] == values[number.argmax()]]
        if seen.shape[1] >= SHARE_OF_WINDOW * height * width:
            counts[tuple(seen[:, 0].tolist())] += seen.shape[1]
    return [value for value, _ in counts.most_common(MOST_VALUES)]


def _along(size: int, part: int) -> list[int]:
    return sorted({round(i * (size - part) / (BORDER_WINDOWS - 1)) for i in range(BORDER_WINDOWS)})


def _sampled(dataset: Any, bands: tuple[int, ...], valid: Valid) -> tuple[np.ndarray, np.ndarray]:
    """Pixels picked evenly from the whole raster, (bands, rows, cols), and which of them are data as far as it is known."""
    large = dataset.height * dataset.width > WHOLE_PX and not dataset.overviews(bands[0])
    most = LATTICE_PX if large else MAP_PX
    rows, cols = min(most, dataset.height), min(most, dataset.width)
    whole = Window(0, 0, dataset.width, dataset.height)
    if not large:
        pixels = dataset.read(list(bands), out_shape=(len(bands), rows, cols), resampling=Resampling.nearest)
        return pixels, valid(pixels, whole)
    # One block a sample: what decoding all of such a raster would take, nobody waits for.
    pixels = np.empty((len(bands), rows, cols), np.result_type(*(dataset.dtypes[band - 1] for band in bands)))
    known = np.empty((rows, cols), bool)
    for row in range(rows):
        for col in range(cols):
            window = Window((2 * col + 1) * dataset.width // (2 * cols), (2 * row + 1) * dataset.height // (2 * rows), 1, 1)
            pixel = dataset.read(list(bands), window=window)
            pixels[:, row, col], known[row, col] = pixel[:, 0, 0], valid(pixel, window)[0, 0]
    return pixels, known


def holds(pixels: np.ndarray, value: tuple[float, ...]) -> np.ndarray:
    """Where all of (bands, h, w) have the value: (h, w) bool."""
    held = pixels[0] == value[0]
    for band, wanted in zip(pixels[1:], value[1:]):
        held &= band == wanted
    return held


def _connected(held: np.ndarray, passable: np.ndarray) -> np.ndarray:
    """What of ``held`` is connected to the map's border through ``held`` and ``passable``; (rows, cols) bool each."""
    allowed = held | passable
    reached = np.zeros_like(allowed)
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        reached[edge] = allowed[edge]
    before = -1
    while (now := int(reached.sum())) != before:
        before = now
        reached = _along_runs(_along_runs(reached, allowed).T, allowed.T).T
    return reached & held


def _along_runs(reached: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Spread ``reached`` over the whole of each run of ``allowed`` in its row that it touches."""
    closed = np.ones((allowed.shape[0], 1), bool)
    runs = np.cumsum(np.concatenate([closed, ~allowed], axis=1).ravel()).reshape(allowed.shape[0], -1)[:, 1:]
    touched = np.zeros(int(runs.max()) + 1, bool)
    touched[runs[reached]] = True
    return touched[runs] & allowed


def _grown(where: np.ndarray) -> np.ndarray:
    """A cell wider to each side: the edge of the fill lies between two samples."""
    grown = np.pad(where, 1)
    grown = grown | np.roll(grown, 1, 0) | np.roll(grown, -1, 0)
    grown = grown | np.roll(grown, 1, 1) | np.roll(grown, -1, 1)
    return grown[1:-1, 1:-1]


def _is_ground(dataset: Any, bands: tuple[int, ...], value: tuple[float, ...], reached: np.ndarray, others: np.ndarray, valid: Valid) -> bool:
    """Whether the area looks like ground that happens to have one value: mixed with others pixel by pixel, or fading out at its edge.

    reached : the map. others : (bands, n) values of the rest of the raster.
    """
    low, high = np.percentile(others.astype(np.float64), (2, 98))
    near_by = NEAR * (255 if others.dtype == np.uint8 else high - low)
    inner = ~_grown(~reached)
    edges = held_px = beside_px = near_px = 0
    for cells in (np.argwhere(reached), np.argwhere(reached & ~inner)):
        for row, col in cells[np.linspace(0, len(cells) - 1, min(LOOKS, len(cells))).astype(int)]:
            window = _about(row, col, reached.shape, dataset.height, dataset.width)
            pixels = dataset.read(list(bands), window=window)
            held = holds(pixels, value)
            edges += int((held[1:] != held[:-1]).sum() + (held[:, 1:] != held[:, :-1]).sum())
            held_px += int(held.sum())
            beside = _grown(held) & ~held & valid(pixels, window)
            off = np.abs(pixels[:, beside].astype(np.float64) - np.array(value)[:, None]).max(axis=0)
            beside_px, near_px = beside_px + off.size, near_px + int((off <= near_by).sum())
    if edges > MAX_EDGES * held_px:
        return True
    if near_px <= MAX_NEAR * beside_px:
        return False
    corners = reached[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    return not (is_lossy(dataset) and corners and set(value) in ({0}, {255}))


def _about(row: int, col: int, shape: tuple[int, int], height: int, width: int) -> Window:
    """A window of the raster about a cell of the map, with its neighbours as far as that is not too much."""
    starts, sides = [], []
    for place, cells, size in ((row, shape[0], height), (col, shape[1], width)):
        side = min(size, max(LOOK_PX, min(MOST_LOOK_PX, 3 * size // cells)))
        sides.append(side)
        starts.append(max(0, min(int((place + 0.5) * size / cells) - side // 2, size - side)))
    return Window(starts[1], starts[0], sides[1], sides[0])


def is_lossy(dataset: Any) -> bool:
    """Whether pixels are not kept exactly as they were written."""
    return dataset.driver in LOSSY_DRIVERS or (dataset.compression is not None and dataset.compression.value.lower() in LOSSY)


def _cells(start: float, length: float, count: int, size: int, cells: int) -> np.ndarray:
    """Cells of the map that ``count`` pixels evenly picked from start..start+length lie in."""
    places = start + (np.arange(count) + 0.5) * (length / count)
    return np.minimum((places * (cells / size)).astype(np.intp), cells - 1)


def fill_note(name: str, fills: list[Fill]) -> str:
    """The one sentence on the undeclared fill of a raster."""
    values = " and ".join(_text(fill.value) for fill in fills)
    share = 100 * sum(fill.share for fill in fills)
    return (
        f"about {share:.2g} % of the {name} raster, from its border inwards, has the value {values} in every pixel, which no tag declares: "
        "taken as no data (fill none keeps it as ground)"
    )


def _text(value: tuple[float, ...]) -> str:
    same = value[:1] if len(set(value)) == 1 else value
    return ", ".join(f"{part:.8g}" for part in same)
