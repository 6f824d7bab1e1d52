"""What flows between the pieces: request, tile reference, caption, and the output layer's fields.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from .errors import InputError

CLASSES = ("building", "road", "parking", "vegetation", "water", "bareland", "other")
STATUSES = ("captioned", "unchanged", "skipped_nodata", "failed")
UNCHANGED_TEXT = "the scene is the same as before"
DEFAULT_MODEL = "scribe-s"
DEVICES = ("auto", "cpu", "cuda", "mps")
STRETCHES = ("percentile", "none")
DECODINGS = ("beam", "greedy")
# Members of a request, and of engine.captioner.CaptionOptions, that only models which draw samples take (kd-rscc, diffusion-rscc).
SAMPLING = ("steps", "sampler", "samples")
MAX_SAMPLES = 64
MAX_QUESTION = 400  # characters
LAYER_NAME = "change_captions"
HEATMAP_RASTERS, HEATMAP_POLYGONS = (".tif", ".tiff"), ".gpkg"
HEATMAP_THRESHOLD = 0.5
MAX_BATCH = 1024  # 400 MB of pixels

# (name, type, alias); types: text, int, bool, real. Order is the order of the columns.
OUTPUT_FIELDS = (
    ("tile_id", "text", "Tile"),
    ("row", "int", "Row"),
    ("col", "int", "Column"),
    ("caption", "text", "Change caption"),
    ("changed", "bool", "Changed"),
    ("change_score", "real", "Change score (0–1)"),
    ("added", "text", "Added"),
    ("removed", "text", "Removed"),
    ("altered", "text", "Altered"),
    ("score", "real", "Caption score (0–1)"),
    ("valid_before", "real", "Valid share, before"),
    ("valid_after", "real", "Valid share, after"),
    ("model", "text", "Model"),
    ("status", "text", "Status"),
    ("seconds", "real", "Seconds"),
)
# Only in layers of runs that asked a question (``CaptionRequest.question``).
ANSWER_FIELDS = (("answer", "text", "Answer"),)
FIELD_NAMES = tuple(name for name, _, _ in OUTPUT_FIELDS)
# Columns that a person fills in, empty when written; layers of older versions lack them. `engine.review` says what they mean.
REVIEW_FIELDS = (
    ("edited_caption", "text", "Corrected caption"),
    ("review", "text", "Review"),
)
REVIEWS = ("right", "wrong")


@dataclass(frozen=True)
class CaptionRequest:
    """What to caption. Frozen; travels as JSON; verified before any file or weight is opened.

    Parameters
    ----------
    before, after : str
        Raster paths, anything GDAL opens. The grid and its CRS are the BEFORE raster's.
    before_bands, after_bands : tuple of 3 int, or None
        1-based bands for red, green, blue; None lets the engine choose (``engine.geo``).
    aoi : str or None
        Polygon file, any CRS; ``path|layername=NAME`` picks a layer. Not together with ``extent``.
    extent : (x0, y0, x1, y1) or None
        In the CRS of the BEFORE raster.
    resolution : "native", "model" or float
        Ground size of a pixel in metres; "native" is the BEFORE raster's, "model" what the model was trained at.
    tile_px, overlap_px : int
        Tile side and overlap of neighbouring tiles, pixels.
    stretch : "percentile" or "none"
        "percentile": one 2–98 % stretch a raster (never a tile); "none": uint8 as it is.
    max_nodata : float
        Tiles with a larger invalid share (0..1) in either date are skipped.
    threshold : float or None
        Change score (0..1) from which a tile counts as changed; None takes the model's calibrated one.
    model, device : str
        Model id of resources/models.json; auto, cpu, cuda or mps.
    batch_size : int or None
        Tiles a batch; None lets the engine choose.
    decoding : "beam" or "greedy"
    seed : int
        Run seed; a tile's own seed comes from (seed, row, col).
    steps, samples : int or None; sampler : str or None
        Of models that draw samples: steps of the sampler, samples a tile (the one most like the others is its caption), and the sampler's name.
        None takes the model's own; other models take None alone (``verify_sampling``).
    question : str or None
        Asked about every tile, beside its caption, of a model that answers questions (ccexpert); the answer has a column of its own.
    """

    before: str
    after: str
    before_bands: tuple[int, ...] | None = None
    after_bands: tuple[int, ...] | None = None
    aoi: str | None = None
    extent: tuple[float, float, float, float] | None = None
    resolution: str | float = "native"
    tile_px: int = 256
    overlap_px: int = 0
    stretch: str = "percentile"
    max_nodata: float = 0.5
    threshold: float | None = None
    model: str = DEFAULT_MODEL
    device: str = "auto"
    batch_size: int | None = None
    decoding: str = "beam"
    seed: int = 0
    steps: int | None = None
    sampler: str | None = None
    samples: int | None = None
    question: str | None = None

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict) -> CaptionRequest:
        """Build and verify a request from decoded JSON.

        Raises
        ------
        InputError
            Unknown, missing or ill-typed members.
        """
        if not isinstance(data, dict):
            raise InputError(f"a request of type {type(data).__name__}", "a JSON object", "send the request as an object")
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise InputError(f"unknown request members {unknown}", f"members among {sorted(known)}", "correct the names")
        missing = sorted({"before", "after"} - set(data))
        if missing:
            raise InputError(f"a request without {' and '.join(missing)}", "both rasters", "name the before and the after raster")
        values = dict(data)
        for name in ("before_bands", "after_bands", "extent"):
            if values.get(name) is not None:
                try:
                    values[name] = tuple(values[name])
                except TypeError:
                    raise InputError(f"{name} = {values[name]!r}", "a list of numbers", f"correct {name}") from None
        request = cls(**values)
        request.verify()
        return request

    def with_(self, **changes: Any) -> CaptionRequest:
        return replace(self, **changes)

    def verify(self) -> None:
        """Check every member together; opens nothing.

        Raises
        ------
        InputError
            The first member that is wrong, what is needed and what to do.
        """
        for name in ("before", "after", "model"):
            _check(_is_text(getattr(self, name)), name, getattr(self, name), "a non-empty text")
        for name in ("before_bands", "after_bands"):
            bands = getattr(self, name)
            ok = bands is None or (len(bands) == 3 and all(_is_int(b) and b >= 1 for b in bands))
            _check(ok, name, bands, "three band numbers counted from 1, such as 1,2,3 (1,1,1 for a grey image)")
        _check(self.aoi is None or _is_text(self.aoi), "aoi", self.aoi, "the path of a polygon file, or none")
        _check(self.aoi is None or self.extent is None, "aoi and extent", "both", "one of the two")
        if self.extent is not None:
            ok = len(self.extent) == 4 and all(is_real(v) for v in self.extent)
            ok = ok and self.extent[0] < self.extent[2] and self.extent[1] < self.extent[3]
            _check(ok, "extent", self.extent, "x0,y0,x1,y1 with x0 < x1 and y0 < y1, in the CRS of the before raster")
        wanted: Any = self.resolution
        ok = wanted in ("native", "model") or (is_real(wanted) and wanted > 0)
        _check(ok, "resolution", self.resolution, "native, model or metres per pixel above 0")
        _check(_is_int(self.tile_px) and 64 <= self.tile_px <= 1024, "tile_px", self.tile_px, "64 to 1024 pixels (the models expect 256)")
        ok = _is_int(self.overlap_px) and 0 <= self.overlap_px < self.tile_px
        _check(ok, "overlap_px", self.overlap_px, f"0 to {self.tile_px - 1} pixels, less than the tile")
        _check(self.stretch in STRETCHES, "stretch", self.stretch, " or ".join(STRETCHES))
        _check(is_real(self.max_nodata) and 0 <= self.max_nodata <= 1, "max_nodata", self.max_nodata, "a share from 0 to 1")
        ok = self.threshold is None or (is_real(self.threshold) and 0 <= self.threshold <= 1)
        _check(ok, "threshold", self.threshold, "a change score from 0 to 1, or none for the model's own")
        _check(self.device in DEVICES, "device", self.device, ", ".join(DEVICES))
        ok = self.batch_size is None or (_is_int(self.batch_size) and 1 <= self.batch_size <= MAX_BATCH)
        _check(ok, "batch_size", self.batch_size, f"1 to {MAX_BATCH} tiles, or none")
        _check(self.decoding in DECODINGS, "decoding", self.decoding, " or ".join(DECODINGS))
        _check(_is_int(self.seed) and self.seed >= 0, "seed", self.seed, "a whole number from 0")
        ok = self.steps is None or (_is_int(self.steps) and self.steps >= 1)
        _check(ok, "steps", self.steps, "1 or more steps, or none for the model's own")
        ok = self.samples is None or (_is_int(self.samples) and 1 <= self.samples <= MAX_SAMPLES)
        _check(ok, "samples", self.samples, f"1 to {MAX_SAMPLES} samples a tile, or none for the model's own")
        ok = self.sampler is None or (isinstance(self.sampler, str) and self.sampler)
        _check(ok, "sampler", self.sampler, "the name of a sampler, or none for the model's own")
        ok = self.question is None or (_is_text(self.question) and self.question.strip() and len(self.question) <= MAX_QUESTION)
        _check(ok, "question", self.question, f"a text of at most {MAX_QUESTION} characters, or none")


def verify_sampling(options: Any, model: str, samplers: Sequence[str]) -> None:
    """Check that a model takes the SAMPLING members of a CaptionRequest or CaptionOptions.

    Parameters
    ----------
    samplers : names that the model knows (``samplers`` of its row in resources/models.json); empty where it draws no samples.

    Raises
    ------
    InputError
        Sampling options for a model that draws none, or a sampler of another model.
    """
    given = [name for name in SAMPLING if getattr(options, name) is not None]
    if given and not samplers:
        got = f"{' and '.join(given)} for {model}, which draws no samples"
        raise InputError(got, "a model that does, such as kd-rscc", f"leave out {' and '.join(given)}, or choose another model")
    if options.sampler is not None and options.sampler not in samplers:
        raise InputError(f"sampler {options.sampler!r} for {model}", "one of " + ", ".join(samplers), "choose a sampler of this model")


def verify_question(question: str | None, model: str, answers: bool) -> None:
    """Raises InputError where a question is asked of a model that answers none (``questions`` of its row in resources/models.json)."""
    if question is not None and not answers:
        raise InputError(
            f"a question for {model}, which answers none", "a model that does, such as ccexpert", "leave it out, or choose another model"
        )


def _is_text(value: Any) -> bool:
    """A non-empty text that can be a path: no NUL, which ends names, and no half of a surrogate pair, which UTF-8 has no bytes for."""
    return isinstance(value, str) and value != "" and "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether a value read from JSON is a finite number."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _check(ok: Any, name: str, got: Any, need: str) -> None:
    if not ok:
        raise InputError(f"{name} = {got!r}", need, f"correct {name}")


@dataclass(frozen=True)
class HeatmapOutput:
    """Where a run writes where in its tiles the change lies.

    Parameters
    ----------
    path : str
        ``.tif`` or ``.tiff`` for a raster of percentages in the grid's pixels, ``.gpkg`` for polygons.
    threshold : float or None
        Heat (0..1) from which ground lies in a polygon; None takes HEATMAP_THRESHOLD. Polygons only.
    """

    path: str
    threshold: float | None = None

    @property
    def polygons(self) -> bool:
        """Whether polygons are wanted, not a raster."""
        return self.path.lower().endswith(HEATMAP_POLYGONS)

    def verify(self) -> None:
        """Check the members together; opens nothing.

        Raises
        ------
        InputError
            The first that is wrong, what is needed and what to do.
        """
        suffixes = (*HEATMAP_RASTERS, HEATMAP_POLYGONS)
        ok = _is_text(self.path) and self.path.lower().endswith(suffixes)
        _check(ok, "heatmap", self.path, "a name that ends in .tif (a raster) or .gpkg (polygons)")
        if self.threshold is not None:
            _check(
                self.polygons, "heatmap_threshold", f"{self.threshold} for a raster", "none (a raster holds every percentage), or a .gpkg as heat map"
            )
            ok = is_real(self.threshold) and 0.01 <= self.threshold <= 1
            _check(ok, "heatmap_threshold", self.threshold, "a heat from 0.01 to 1")


@dataclass(frozen=True, order=True)
class TileRef:
    """Where a tile lies: its place in the grid and its pixel window, clipped to the raster.

    row, col : index in the TileGrid, from the upper left.
    row_off, col_off, height, width : window in pixels of the grid; at the right and lower edge
        height and width may be smaller than the tile.
    """

    row: int
    col: int
    row_off: int
    col_off: int
    height: int
    width: int

    @property
    def tile_id(self) -> str:
        return f"r{self.row:05d}_c{self.col:05d}"


@dataclass(frozen=True)
class Caption:
    """A captioner's answer for one pair of tiles.

    change_score, score : 0..1; probability of change, and mean token probability of the caption.
    added, removed, altered : class names of CLASSES.
    heatmap : float array (h, w) in 0..1, where in the tile the change lies, or None.
    answer : to the run's question; None where none was asked.
    """

    text: str
    changed: bool
    change_score: float
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    score: float = 0.0
    heatmap: Any = field(default=None, compare=False, repr=False)
    answer: str | None = None


@dataclass(frozen=True)
class TileCaption:
    """One row of the output layer.

    caption is None where status is skipped_nodata or failed; footprint is the polygon's ring in the grid's
    CRS as ((x, y), …), closed; valid is a bool array (ref.height, ref.width), pixels with data in both dates, None where all have.
    """

    ref: TileRef
    caption: Caption | None
    valid_before: float
    valid_after: float
    model: str
    status: str
    seconds: float
    footprint: tuple[tuple[float, float], ...] = ()
    valid: Any = field(default=None, compare=False, repr=False)

    def properties(self) -> dict:
        """Values of OUTPUT_FIELDS by name, as the layer and the protocol's ``tile`` message hold them; with an answer also that."""
        cap = self.caption
        answer = {} if cap is None or cap.answer is None else {"answer": cap.answer}
        return {
            "tile_id": self.ref.tile_id,
            "row": self.ref.row,
            "col": self.ref.col,
            "caption": cap.text if cap else None,
            "changed": cap.changed if cap else None,
            "change_score": round(cap.change_score, 4) if cap else None,
            "added": "; ".join(cap.added) if cap else None,
            "removed": "; ".join(cap.removed) if cap else None,
            "altered": "; ".join(cap.altered) if cap else None,
            "score": round(cap.score, 4) if cap else None,
            "valid_before": round(self.valid_before, 4),
            "valid_after": round(self.valid_after, 4),
            "model": self.model,
            "status": self.status,
            "seconds": round(self.seconds, 4),
            **answer,
        }

    def to_json(self) -> dict:
        """The ``tile`` message's body: properties and the footprint's ring."""
        return {"properties": self.properties(), "footprint": [list(point) for point in self.footprint]}
