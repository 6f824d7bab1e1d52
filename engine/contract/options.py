"""Run options. Each is declared once, as a field of ``schema.CaptionRequest``; every surface derives from that row.

The command line, the columns of batch tables, Processing parameters, the panel's widgets, verification and cache keys all read ``options()``.
Titles and tooltips, which are translated, are literals in ``qgis_plugin/option_texts.py``.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from .errors import InputError
from .validity import NodataSettings, is_fill, read_fill

T = TypeVar("T")

# What a change of the option changes: which tiles are captioned, where tiles begin, the pixel grid, a tile's pixels, its caption, or only the speed.
AREA, TILES, GRID, PIXELS, CAPTION, SPEED = "area", "tiles", "grid", "pixels", "caption", "speed"
# Where a user sets an option. An option is on every surface unless ``Option.without`` gives the reason why not.
COMMAND, TABLE, PROCESSING, PANEL = "command", "table", "processing", "panel"
SURFACES = (COMMAND, TABLE, PROCESSING, PANEL)
KINDS = ("path", "text", "int", "real", "choice", "flag", "bands", "extent", "resolution", "fill", "nodata")
METADATA = "option"


@dataclass(frozen=True)
class Option:
    """One run option.

    Parameters
    ----------
    kind : one of KINDS
    affects : AREA, TILES, GRID, PIXELS, CAPTION or SPEED
    need : what a valid value is, for the error message
    help : for the command line; "" where the flag's name says it
    optional : None is a value: the model's own, or none
    low, high : bounds, inclusive; of a text its largest length is ``high``
    above : the value must be larger than ``low``
    percent : a share (0 to 1) that people read in percent
    choices : of kind "choice"; empty where the models decide (model, sampler)
    flag, metavar : the command line's spelling
    parameter : name of the Processing parameter; "" takes the option's name in capitals
    capability : what a model must have for this option ("samplers", "questions"); "" where every model takes it
    changes_rate : whether tiles per second depend on it, of options that affect CAPTION or SPEED
    by_hand : surfaces with an input of their own kind, such as a raster's bands or a drawn area
    without : surfaces that leave the option out, and why
    """

    kind: str
    affects: str
    need: str = ""
    help: str = ""
    optional: bool = False
    low: float | None = None
    high: float | None = None
    above: bool = False
    percent: bool = False
    choices: tuple[str, ...] = ()
    flag: str = ""
    metavar: str = ""
    parameter: str = ""
    capability: str = ""
    changes_rate: bool = True
    by_hand: tuple[str, ...] = ()
    without: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    default: Any = None

    def on(self, surface: str) -> bool:
        """Whether a surface offers the option from this row (not with an input of its own, and not left out)."""
        return surface not in self.without and surface not in self.by_hand

    def read(self, text: str) -> Any:
        """The value that a text on the command line or a cell of a table stands for.

        Raises
        ------
        ValueError
            The text has not the form of such a value.
        """
        return READERS[self.kind](text)

    def accepts(self, value: Any) -> bool:
        """Whether a value from JSON has the right type and lies within the bounds."""
        if value is None:
            return self.optional
        if not TYPES[self.kind](value):
            return False
        if self.kind in ("text", "path"):
            return bool(value.strip()) and (self.high is None or len(value) <= self.high)
        if self.choices and value not in self.choices:
            return False
        number = value if is_real(value) else None
        if number is None or self.low is None:
            return True
        return (number > self.low if self.above else number >= self.low) and (self.high is None or number <= self.high)

    def verify(self, value: Any) -> None:
        """Raises InputError where a value is none of this option's."""
        check(self.accepts(value), self.name, value, self.need)


def option(default: T, kind: str, affects: str, **members: Any) -> T:
    """A dataclass field that declares an option (see ``Option``); typed as its default, as ``dataclasses.field`` is."""
    declared: Any = field(default=default, metadata={METADATA: Option(kind, affects, optional=default is None, default=default, **members)})
    return declared


def required(kind: str, affects: str, **members: Any) -> Any:
    """A dataclass field without a default that declares an option."""
    return field(metadata={METADATA: Option(kind, affects, **members)})


def options_of(request: type) -> dict[str, Option]:
    """The options that a request's dataclass declares, by name, in its order."""
    found = {}
    for member in fields(request):
        row: Option = member.metadata[METADATA]
        given = {name: getattr(row, name) for name in row.__dataclass_fields__}
        parameter = row.parameter or member.name.upper()
        found[member.name] = Option(**{**given, "name": member.name, "parameter": parameter})
    return found


def check(ok: Any, name: str, got: Any, need: str) -> None:
    """Raises InputError for a member that is wrong."""
    if not ok:
        raise InputError(f"{name} = {got!r}", need, f"correct {name}")


def is_text(value: Any) -> bool:
    """A non-empty text that can be a path: no NUL, which ends names, and no half of a surrogate pair, which UTF-8 has no bytes for."""
    return isinstance(value, str) and value != "" and "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def is_int(value: Any) -> bool:
    """Whether a value read from JSON is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether a value read from JSON is a finite number."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _is_bands(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and all(is_int(band) and band >= 1 for band in value)


def _is_extent(value: Any) -> bool:
    numbers = isinstance(value, tuple) and len(value) == 4 and all(is_real(number) for number in value)
    return numbers and value[0] < value[2] and value[1] < value[3]


def _is_resolution(value: Any) -> bool:
    return value in ("native", "model") or (is_real(value) and value > 0)


TYPES: dict[str, Callable[[Any], bool]] = {
    "path": is_text,
    "text": is_text,
    "choice": is_text,
    "int": is_int,
    "real": is_real,
    "flag": lambda value: isinstance(value, bool),
    "bands": _is_bands,
    "extent": _is_extent,
    "resolution": _is_resolution,
    "fill": is_fill,
    "nodata": lambda value: isinstance(value, NodataSettings) and value.is_valid,
}


def _numbers(count: int, kind: Callable[[str], Any], name: str) -> Callable[[str], tuple]:
    def read(text: str) -> tuple:
        try:
            values = tuple(kind(part) for part in re.split(r"[,;\s]+", text.strip()) if part)
        except ValueError:
            values = ()
        if len(values) != count:
            raise ValueError(f"{text!r} is not {count} {name} with commas between them")
        return values

    return read


def _resolution(text: str) -> str | float:
    text = text.strip().lower()
    if text in ("native", "model"):
        return text
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not native, model or metres per pixel") from None


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word in ("yes", "true", "1", "on"):
        return True
    if word in ("no", "false", "0", "off"):
        return False
    raise ValueError(f"{text!r} is not yes or no")


READERS: dict[str, Callable[[str], Any]] = {
    "path": str,
    "text": str,
    "choice": str,
    "int": int,
    "real": float,
    "flag": _flag,
    "bands": _numbers(3, int, "whole numbers"),
    "extent": _numbers(4, float, "numbers"),
    "resolution": _resolution,
    "fill": read_fill,
}
