"""What to caption, with every run option declared once.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from .errors import InputError
from .options import AREA, CAPTION, COMMAND, GRID, PANEL, PIXELS, PROCESSING, SPEED, SURFACES, TABLE, TILES, check, option, options_of, required
from .validity import NodataSettings, Validity

DEFAULT_MODEL = "scribe-s"
DEVICES = ("auto", "cpu", "cuda", "mps")
STRETCHES = ("percentile", "none")
ALIGNMENTS = ("off", "shift", "local")
DECODINGS = ("beam", "greedy")
MAX_SAMPLES = 64
MAX_QUESTION = 400  # characters
MAX_BATCH = 1024  # 400 MB of pixels

BANDS_NEED = "three band numbers counted from 1, such as 1,2,3 (1,1,1 for a grey image)"
ONE_MODEL = "one loaded model serves all rows of a table"
MASK_NEED = "the path of a raster or polygon file, or none"
NODATA_NEED = "own (true or false), values (pairs of numbers) and alpha (a band, 0 or null), as the layer is set in QGIS, or none"
ONLY_QGIS = {place: "how a layer is set in QGIS" for place in (COMMAND, TABLE)}
QGIS = (PROCESSING, PANEL)  # which have inputs of their own for layers, bands and areas


@dataclass(frozen=True)
class CaptionRequest:
    """What to caption. Frozen; travels as JSON; verified before any file or weight is opened.

    Each member is an option's row (``contract.options.Option``), from which every surface derives.

    before, after : raster paths, anything GDAL opens. The grid and its CRS are the BEFORE raster's.
    before_bands, after_bands : 1-based bands for red, green, blue; None lets the engine choose (``engine.geo``).
    aoi : polygon file, any CRS; ``path|layername=NAME`` picks a layer. Not together with ``extent``.
    extent : (x0, y0, x1, y1) in the CRS of the BEFORE raster.
    resolution : ground size of a pixel in metres; "native" is the BEFORE raster's, "model" what the model was trained at.
    tile_px, overlap_px : tile side and overlap of neighbouring tiles, pixels.
    align : "off"; "shift": the AFTER raster is moved by one offset that is estimated over all shared ground; "local": by an affine map and a
        smooth field (``engine.geo.matching.align``).
    stretch : "percentile": one 2–98 % stretch per raster (never per tile); "none": uint8 as it is.
    max_nodata : tiles where either date lacks data on a larger share (0..1), both dates' gaps together, are skipped.
    clip : show the model only the part of each tile inside ``aoi`` or ``extent``; the area alone counts for ``max_nodata`` then.
    threshold : change score (0..1) from which a tile counts as changed; None takes the model's calibrated one.
    model, device : model id of resources/models.json; auto, cpu, cuda or mps.
    batch_size : tiles per batch; None lets the engine choose.
    seed : run seed; a tile's own seed comes from (seed, row, col).
    steps, sampler, samples : for models that draw samples: steps of the sampler, its name, and samples per tile (the one most like the
        others is the caption). None takes the model's own.
    fill, mask_before, mask_after, before_nodata, after_nodata : what counts as data (``contract.validity``).
    question : asked about every tile, beside its caption, for models that answer questions; the answer has a column of its own.
    """

    before: str = required("path", PIXELS, need="a non-empty text", by_hand=SURFACES)
    after: str = required("path", PIXELS, need="a non-empty text", by_hand=SURFACES)
    before_bands: tuple[int, ...] | None = option(
        None, "bands", PIXELS, need=BANDS_NEED, help="bands of BEFORE, counted from 1", flag="--before-bands", metavar="R,G,B", by_hand=QGIS
    )
    after_bands: tuple[int, ...] | None = option(
        None, "bands", PIXELS, need=BANDS_NEED, help="bands of AFTER, counted from 1", flag="--after-bands", metavar="R,G,B", by_hand=QGIS
    )
    aoi: str | None = option(
        None,
        "path",
        AREA,
        need="the path of a polygon file, or none",
        help="polygons of the area, any CRS; FILE|layername=NAME picks a layer",
        flag="--aoi",
        metavar="FILE",
        by_hand=QGIS,
    )
    extent: tuple[float, float, float, float] | None = option(
        None,
        "extent",
        AREA,
        need="x0,y0,x1,y1 with x0 < x1 and y0 < y1, in the CRS of the before raster (across the antimeridian past 180°: 179.9,-17,180.1,-16)",
        help="area in the CRS of BEFORE",
        flag="--extent",
        metavar="X0,Y0,X1,Y1",
        by_hand=QGIS,
    )
    resolution: str | float = option(
        "native",
        "resolution",
        GRID,
        need="native, model or metres per pixel above 0",
        help="ground size of a pixel (default native)",
        flag="--resolution",
        metavar="native|model|METRES",
    )
    tile_px: int = option(
        256,
        "int",
        GRID,
        low=64,
        high=1024,
        need="64 to 1024 pixels (the models expect 256)",
        help="tile side (default 256)",
        flag="--tile",
        metavar="PX",
        parameter="TILE",
    )
    overlap_px: int = option(
        0,
        "int",
        TILES,
        low=0,
        high=1023,
        need="0 to 1023 pixels, less than the tile",
        help="overlap of neighbouring tiles (default 0)",
        flag="--overlap",
        metavar="PX",
        parameter="OVERLAP",
    )
    stretch: str = option("percentile", "choice", PIXELS, choices=STRETCHES, need=" or ".join(STRETCHES), flag="--stretch")
    max_nodata: float = option(
        0.5,
        "real",
        PIXELS,
        low=0,
        high=1,
        percent=True,
        need="a share from 0 to 1",
        help="tiles where either date lacks data on a larger share are skipped (default 0.5)",
        flag="--max-nodata",
        metavar="SHARE",
    )
    threshold: float | None = option(
        None,
        "real",
        CAPTION,
        low=0,
        high=1,
        need="a change score from 0 to 1, or none for the model's own",
        help="change score from which a tile counts as changed (default: the model's own)",
        flag="--threshold",
        metavar="P",
    )
    model: str = option(
        DEFAULT_MODEL, "choice", CAPTION, need="a non-empty text", help="model id", flag="--model", metavar="ID", without={TABLE: ONE_MODEL}
    )
    device: str = option("auto", "choice", SPEED, choices=DEVICES, need=", ".join(DEVICES), flag="--device", without={TABLE: ONE_MODEL})
    batch_size: int | None = option(
        None,
        "int",
        SPEED,
        low=1,
        high=MAX_BATCH,
        need=f"1 to {MAX_BATCH} tiles, or none",
        help="tiles per batch (default: chosen for the device)",
        flag="--batch",
        metavar="N",
        without={TABLE: ONE_MODEL},
        changes_rate=False,
    )
    decoding: str = option("beam", "choice", CAPTION, choices=DECODINGS, need=" or ".join(DECODINGS), flag="--decoding")
    seed: int = option(
        0,
        "int",
        CAPTION,
        low=0,
        need="a whole number from 0",
        help="run seed of stochastic models (default 0)",
        flag="--seed",
        metavar="N",
        changes_rate=False,
    )
    steps: int | None = option(
        None,
        "int",
        CAPTION,
        low=1,
        need="1 or more steps, or none for the model's own",
        help="steps of the sampler: fewer are faster",
        flag="--steps",
        metavar="N",
        capability="samplers",
    )
    sampler: str | None = option(
        None,
        "choice",
        CAPTION,
        need="the name of a sampler, or none for the model's own",
        flag="--sampler",
        metavar="NAME",
        capability="samplers",
    )
    samples: int | None = option(
        None,
        "int",
        CAPTION,
        low=1,
        high=MAX_SAMPLES,
        need=f"1 to {MAX_SAMPLES} samples a tile, or none for the model's own",
        help="samples per tile; the one most like the others is its caption",
        flag="--samples",
        metavar="K",
        capability="samplers",
    )
    question: str | None = option(
        None,
        "text",
        CAPTION,
        high=MAX_QUESTION,
        need=f"a text of at most {MAX_QUESTION} characters, or none",
        help="ask this about every tile (ccexpert); the answers go into a column of their own",
        flag="--question",
        metavar="TEXT",
        capability="questions",
    )
    clip: bool = option(
        False,
        "flag",
        PIXELS,
        need="true or false",
        help="cut tiles to the area: the model does not see what lies beyond --aoi or --extent",
        flag="--clip",
    )
    align: str = option(
        "off",
        "choice",
        PIXELS,
        choices=ALIGNMENTS,
        need=", ".join(ALIGNMENTS),
        help="move AFTER onto BEFORE where they do not match: by one offset (shift), or also turned, stretched and bent (local); default off",
        flag="--align",
    )
    fill: str | float = option(
        "auto",
        "fill",
        PIXELS,
        need="auto, none or the value of the fill's pixels",
        help="fill that no tag declares: found (default), kept as ground, or the value that it has",
        flag="--fill",
        metavar="auto|none|VALUE",
    )
    mask_before: str | None = option(
        None,
        "path",
        PIXELS,
        need=MASK_NEED,
        help="clouds and what else does not count in BEFORE: a raster (Sentinel-2 SCL, Planet UDM2, 0 and 1; FILE|masked=3,8-10) or polygons",
        flag="--mask-before",
        metavar="FILE",
    )
    mask_after: str | None = option(
        None, "path", PIXELS, need=MASK_NEED, help="the same of AFTER; docs/nodata.md has the forms", flag="--mask-after", metavar="FILE"
    )
    before_nodata: NodataSettings | None = option(None, "nodata", PIXELS, need=NODATA_NEED, by_hand=QGIS, without=ONLY_QGIS)
    after_nodata: NodataSettings | None = option(None, "nodata", PIXELS, need=NODATA_NEED, by_hand=QGIS, without=ONLY_QGIS)

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
        unknown = sorted(set(data) - set(OPTIONS))
        if unknown:
            raise InputError(f"unknown request members {unknown}", f"members among {sorted(OPTIONS)}", "correct the names")
        missing = sorted({"before", "after"} - set(data))
        if missing:
            raise InputError(f"a request without {' and '.join(missing)}", "both rasters", "name the before and the after raster")
        values = dict(data)
        for name, row in OPTIONS.items():
            if row.kind in ("bands", "extent") and values.get(name) is not None:
                try:
                    values[name] = tuple(values[name])
                except TypeError:
                    raise InputError(f"{name} = {values[name]!r}", "a list of numbers", f"correct {name}") from None
            if row.kind == "nodata" and values.get(name) is not None:
                values[name] = NodataSettings.from_json(values[name], name)
        request = cls(**values)
        request.verify()
        return request

    def rasters(self) -> list[str]:
        """The files of pixels that a run reads: both dates and their masks, as far as they are local."""
        masks = [mask for mask in (self.mask_before, self.mask_after) if mask]
        return [self.before, self.after, *(mask.partition("|")[0] for mask in masks)]

    def validity(self, date: str) -> Validity:
        """What counts as data in the raster of a date, "before" or "after"."""
        return Validity(self.fill, getattr(self, f"mask_{date}"), getattr(self, f"{date}_nodata") or NodataSettings())

    def with_(self, **changes: Any) -> CaptionRequest:
        return replace(self, **changes)

    def same(self, *kinds: str) -> CaptionRequest:
        """The request with its options of other kinds than ``kinds`` (AREA, GRID, …) set back: equal for runs that differ in those alone."""
        others = {name: row.default for name, row in OPTIONS.items() if row.affects not in kinds}
        return replace(self, **others)

    def verify(self) -> None:
        """Check every member, then those that depend on each other; opens nothing.

        Raises
        ------
        InputError
            The first member that is wrong, what is needed and what to do.
        """
        for name, row in OPTIONS.items():
            row.verify(getattr(self, name))
        check(self.aoi is None or self.extent is None, "aoi and extent", "both", "one of the two")
        check(self.overlap_px < self.tile_px, "overlap_px", self.overlap_px, f"0 to {self.tile_px - 1} pixels, less than the tile")


# The one table of run options, by name.
OPTIONS = options_of(CaptionRequest)
# Members of a request, and of engine.models.captioner.CaptionOptions, that only models which draw samples take (kd-rscc, diffusion-rscc).
SAMPLING = tuple(name for name, row in OPTIONS.items() if row.capability == "samplers")


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
