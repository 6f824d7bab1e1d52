"""What of a raster counts as data, as far as people say it: part of the request.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from .errors import InputError

FILLS = ("auto", "none")


@dataclass(frozen=True)
class NodataSettings:
    """How one date's raster is set in QGIS where it differs from the file: layer properties, page Transparency.

    Parameters
    ----------
    own : bool
        Whether the no-data value of the file counts.
    values : tuple of (low, high)
        Further no-data values, as closed ranges.
    alpha : int or None
        Band that holds transparency; 0: none does; None: as the file says.
    """

    own: bool = True
    values: tuple[tuple[float, float], ...] = ()
    alpha: int | None = None

    @classmethod
    def from_json(cls, data: Any, name: str) -> NodataSettings:
        """Build from decoded JSON.

        Raises
        ------
        InputError
            Unknown or ill-typed members.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or set(data) - known:
            raise InputError(f"{name} = {data!r}", f"an object with members among {sorted(known)}", f"correct {name}")
        try:
            values = tuple((low, high) for low, high in data.get("values", ()))
        except (TypeError, ValueError):
            raise InputError(f"{name}.values = {data['values']!r}", "pairs of a lowest and a highest value", f"correct {name}") from None
        return cls(data.get("own", True), values, data.get("alpha"))

    @property
    def is_valid(self) -> bool:
        """Whether every member has its type and range."""
        ok = isinstance(self.own, bool) and isinstance(self.values, tuple)
        ok = ok and all(len(pair) == 2 and all(map(_is_number, pair)) and pair[0] <= pair[1] for pair in self.values)
        return ok and (self.alpha is None or (isinstance(self.alpha, int) and not isinstance(self.alpha, bool) and self.alpha >= 0))


@dataclass(frozen=True)
class Validity:
    """All that a request says on what is data in one date.

    Parameters
    ----------
    fill : "auto", "none" or float
        Fill that no tag declares: "auto" finds it, "none" takes all pixels as ground, a number is the value that all bands of a fill pixel have.
    mask : str or None
        Raster or polygons of what does not count, such as clouds (``engine.geo.validity.user_mask``).
    nodata : NodataSettings
    """

    fill: str | float = "auto"
    mask: str | None = None
    nodata: NodataSettings = NodataSettings()


def is_fill(value: Any) -> bool:
    """Whether a value can be a request's ``fill``."""
    return value in FILLS if isinstance(value, str) else _is_number(value)


def read_fill(text: str) -> str | float:
    """``auto``, ``none`` or a number out of a text.

    Raises
    ------
    ValueError
    """
    text = text.strip().lower()
    try:
        return text if text in FILLS else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not auto, none or a number") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
